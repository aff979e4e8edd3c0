/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One MySQL server: probe it on a schedule, tell its cluster what was seen.
 *
 *	IDLE --probe_tick--> PROBING --last session_reply--> IDLE
 *
 * At most one probe is in flight, so a slow server cannot pile them up; the
 * session keeps the deadline and answers every session_run exactly once.  What
 * a probe found unchanged costs a report of times only, and nothing is stored
 * for it but the time, now and then.
 *
 * A server that was reached tells the directory how it is filed and whose
 * replica it is, and reports to the cluster that the directory names.  Until
 * then it has no place, and waits with what it knows.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "actors/announce.h"
#include "actors/classes.h"
#include "actors/cluster.h"
#include "base/mem.h"
#include "topology/control.h"
#include "topology/health.h"
#include "topology/schedule.h"

enum {
	ASKS_MAX = 64,	      /* people waiting for the probe under way */
	ANNOUNCE_EVERY = 10,  /* probes: neighbours are named again */
};

#define SLOW_AFTER DUR_S(1)	  /* a probe under way this long is reported */
#define STORE_EVERY DUR_S(30)	  /* times and positions, when they are all */
#define RULE_LIMIT DUR_S(10)
#define SYNC_LIMIT DUR_S(5)

struct inst {
	struct instance_arg arg;
	char host[KEY_HOST_MAX + 1]; /* filed under */
	uint32_t port;
	char shown_host[KEY_HOST_MAX + 1]; /* its cluster knows it so */
	uint32_t shown_port;
	enum { IDLE, PROBING } state;

	addr_t session;
	uint32_t serial; /* of the session_run that waits; 0: none */
	struct probe_memory memory;
	struct probe probe;
	struct probe_options options;
	const struct config_shared *config; /* held while PROBING */
	struct arena arena;		    /* of the probe */
	mono_t began, deadline;

	mono_t base; /* of the schedule */
	timer_ref tick, slow;
	struct health health;
	char error[ERR_TEXT_MAX];
	struct told told;
	uint64_t names_version; /* of BOARD_DIRECTORY, at the last report */
	uint32_t since_announced;
	mono_t stored;
	mono_t rule_until; /* the promotion rule is registered until then */
	char rule[32];
	bool told_state; /* the directory knows: reached */
	bool has_told;

	addr_t cluster; /* ADDR_NONE: no place yet */
	bool sync_wanted; /* asks wait until it has a place */
	uint32_t sync;	  /* serial of the cluster_sync they wait for; 0: none */
	size_t asks;
	struct ask ask[ASKS_MAX];
};

static struct key
asked_key(const struct inst *in)
{
	return (struct key){ in->arg.host, in->arg.port };
}

static struct key
filed_key(const struct inst *in)
{
	return (struct key){ in->host, in->port };
}

static const char *
key_of(const void *self)
{
	static _Thread_local char text[KEY_TEXT_MAX];

	return key_text(filed_key(self), text);
}

/* ---- the schedule ---- */

static struct schedule
schedule_of(const struct config *c)
{
	return (struct schedule){
		.period = DUR_S(c->instance_poll_seconds),
		.growth = c->dead_instance_poll_seconds_multiply_factor,
		.dead_max = DUR_S(c->dead_instance_poll_seconds_max),
	};
}

static void
first_tick(struct inst *in, struct ctx *ctx)
{
	const struct config_shared *c = config_ref(ctx);
	struct schedule s = schedule_of(c->config);
	/* What is new is looked at now; what was known, over a period. */
	dur_t d = in->told.raw == NULL ? DUR_ZERO :
	    schedule_first(&s, act_random(ctx));

	shared_unref(c);
	in->base = mono_add(act_now(ctx), d);
	in->tick = act_after(ctx, d, probe_tick);
}

static void
next_tick(struct inst *in, struct ctx *ctx, const struct config *c)
{
	struct schedule s = schedule_of(c);
	mono_t now = act_now(ctx), at;

	if (!in->arg.probe)
		return;
	act_cancel(ctx, &in->tick);
	in->base = schedule_next(&s, in->base, now, in->health.failures);
	at = mono_add(in->base, schedule_jitter(&s, act_random(ctx)));
	in->tick = act_after(ctx, mono_sub(at, now), probe_tick);
}

/* ---- reports ---- */

static void
pack_health(const struct inst *in, struct buf *b)
{
	buf_init(b);
	health_pack(b, &in->health);
}

static struct bin
bytes(const struct buf *b)
{
	return (struct bin){ (const uint8_t *)b->data, b->len };
}

static void
send_report(struct inst *in, struct ctx *ctx, const struct buf *facts)
{
	struct buf health;

	if (addr_is_none(in->cluster))
		return;
	pack_health(in, &health);
	act_send(ctx, in->cluster, inst_report, .host = in->shown_host,
	    .port = in->shown_port, .health = bytes(&health),
	    .facts = facts != NULL ? bytes(facts) : (struct bin){ 0 });
	buf_fini(&health);
}

static void
store(struct inst *in, struct ctx *ctx, const struct instance *now,
    const struct buf *facts)
{
	uint64_t steady = told_steady(now);
	bool due = mono_sub(act_now(ctx), in->stored).us >= STORE_EVERY.us;
	struct buf health;

	if (steady == in->told.steady && !due)
		return;
	in->told.steady = steady;
	in->stored = act_now(ctx);
	pack_health(in, &health);
	act_send(ctx, app_of(ctx)->store, store_instance, .host = in->host,
	    .port = in->port, .facts = bytes(facts),
	    .health = bytes(&health));
	buf_fini(&health);
}

static void
store_times(struct inst *in, struct ctx *ctx)
{
	struct buf health;

	if (in->told.raw == NULL ||
	    mono_sub(act_now(ctx), in->stored).us < STORE_EVERY.us)
		return;
	in->stored = act_now(ctx);
	pack_health(in, &health);
	act_send(ctx, app_of(ctx)->store, store_health, .host = in->host,
	    .port = in->port, .health = bytes(&health));
	buf_fini(&health);
}

/* The directory filed it anew, and has not said where yet. */
static bool
moving(const struct inst *in)
{
	return in->port != in->shown_port ||
	    strcmp(in->host, in->shown_host) != 0;
}

/* Facts as others are filed now; what has no place yet keeps quiet. */
static void
report(struct inst *in, struct ctx *ctx, bool whole)
{
	const struct directory_snap *snap;
	struct instance *now;
	struct arena a;
	struct buf facts;
	uint64_t digest;

	if (addr_is_none(in->cluster) || moving(in))
		return;
	arena_init(&a);
	snap = board_get(ctx, BOARD_DIRECTORY, "directory");
	now = told_resolve(&in->told, snap, &a);
	digest = instance_digest(now);
	if (!whole && digest == in->told.shown) {
		send_report(in, ctx, NULL);
		store_times(in, ctx);
	} else {
		in->told.shown = digest;
		buf_init(&facts);
		instance_pack(&facts, now);
		send_report(in, ctx, &facts);
		store(in, ctx, now, &facts);
		buf_fini(&facts);
	}
	shared_unref(snap);
	arena_fini(&a);
}

/* A server that was never reached, but that others stand on. */
static void
report_unreached(struct inst *in, struct ctx *ctx)
{
	struct instance facts;
	struct buf b;

	instance_init(&facts);
	facts.key = filed_key(in);
	facts.asked_key = asked_key(in);
	facts.version = "Unknown";
	buf_init(&b);
	instance_pack(&b, &facts);
	send_report(in, ctx, &b);
	buf_fini(&b);
}

static void
report_state(struct inst *in, struct ctx *ctx)
{
	bool reached = in->health.failures == 0;

	if (in->has_told && in->told_state == reached)
		return;
	in->has_told = true;
	in->told_state = reached;
	act_send(ctx, app_of(ctx)->directory, server_state, .host = in->host,
	    .port = in->port, .reached = reached);
}

static void
announce(struct inst *in, struct ctx *ctx)
{
	const struct neighbour *n = in->told.near;

	in->since_announced = 0;
	for (size_t i = 0; i < in->told.near_n; i++)
		act_send(ctx, app_of(ctx)->directory, server_found,
		    .host = n[i].key.host, .port = n[i].key.port,
		    .by = n[i].by);
}

/* Tell the directory under which name, and below whom. */
static void
report_edge(struct inst *in, struct ctx *ctx)
{
	uint64_t edge = told_edge(in->told.raw);
	struct arena a;
	struct buf b;

	if (edge == in->told.edge)
		return;
	in->told.edge = edge;
	arena_init(&a);
	act_send(ctx, app_of(ctx)->directory, server_filed,
	    .asked_host = in->arg.host, .asked_port = in->arg.port,
	    .host = in->host, .port = in->port,
	    .identity = told_identity(in->told.raw, &a));
	buf_init(&b);
	instance_pack(&b, in->told.raw);
	act_send(ctx, app_of(ctx)->directory, server_edge, .host = in->host,
	    .port = in->port, .facts = bytes(&b));
	buf_fini(&b);
	arena_fini(&a);
}

/* A rule that the server's own query gives is registered like a person's. */
static void
register_rule(struct inst *in, struct ctx *ctx, const struct config *c)
{
	const char *text = in->told.raw->detected_promotion_rule;
	dur_t life = DUR_S((int64_t)c->candidate_instance_expire_minutes * 60);
	struct err err = ERR_INIT;
	enum promotion_rule rule;
	struct buf b;

	if (text[0] == '\0' || (strcmp(text, in->rule) == 0 &&
	    act_now(ctx).us < in->rule_until.us))
		return;
	if (promotion_rule_parse(&rule, text, &err) != ERR_NONE) {
		act_log(ctx, LOG_WARNING, "DetectPromotionRuleQuery: %s",
		    err.text);
	} else {
		buf_init(&b);
		command_pack(&b, register_candidate, .at = act_wall(ctx),
		    .key = filed_key(in), .rule = rule);
		act_request(ctx, app_of(ctx)->control, control_run, RULE_LIMIT,
		    .command = bytes(&b));
		buf_fini(&b);
	}
	snprintf(in->rule, sizeof in->rule, "%s", text);
	in->rule_until = mono_add(act_now(ctx), DUR_US(life.us / 2));
}

/* ---- the end of a probe ---- */

static void
note_failure(struct inst *in, struct ctx *ctx, const struct err *err)
{
	bool news = strcmp(in->error, err->text) != 0;

	in->health.failures++;
	in->health.error_code = err->code;
	in->health.partial = in->probe.partial;
	snprintf(in->error, sizeof in->error, "%s", err->text);
	in->health.error = in->error;
	if (news || in->health.failures == 1)
		act_log(ctx, LOG_INFO, "probe failed: %s", err->text);
}

static void
note_success(struct inst *in, struct ctx *ctx)
{
	if (in->health.failures > 0)
		act_log(ctx, LOG_INFO, "reached again after %u failures",
		    in->health.failures);
	in->health.failures = 0;
	in->health.last_seen = act_wall(ctx);
	in->health.uptime = in->probe.uptime;
	in->health.partial = true;
	in->health.error_code = ERR_NONE;
	in->error[0] = '\0';
	in->health.error = in->error;
}

static void
log_notes(struct inst *in, struct ctx *ctx)
{
	for (unsigned i = 0; i < in->probe.notes_count; i++)
		act_log(ctx, LOG_DEBUG, "%s", in->probe.notes[i]);
}

/* New facts: under which name, by whose configuration; false: not for us. */
static bool
take_facts(struct inst *in, struct err *err)
{
	const struct config *c = in->config->config;
	struct key filed;

	if (probe_filed_key(&in->probe, &filed, err) != ERR_NONE)
		return false;
	if (told_ignored(probe_facts(&in->probe), c)) {
		err_set(err, ERR_DENIED, "left out: its replication user is one"
		    " of DiscoveryIgnoreReplicationUsernameFilters");
		return false;
	}
	told_take(&in->told, &in->probe, filed, asked_key(in), c);
	snprintf(in->host, sizeof in->host, "%s", filed.host);
	in->port = filed.port;
	return true;
}

static void
tell_all(struct inst *in, struct ctx *ctx, bool news)
{
	uint64_t names = board_version(ctx, BOARD_DIRECTORY);

	report_edge(in, ctx);
	register_rule(in, ctx, in->config->config);
	if (news || ++in->since_announced >= ANNOUNCE_EVERY)
		announce(in, ctx);
	if (news || names != in->names_version) {
		report(in, ctx, false);
	} else {
		send_report(in, ctx, NULL);
		store_times(in, ctx);
	}
	in->names_version = names;
}

static void
answer_asks(struct inst *in, struct ctx *ctx, enum err_code code,
    const char *error)
{
	struct directory_snap *snap = NULL;
	struct arena a;
	struct buf b;

	if (in->asks == 0)
		return;
	arena_init(&a);
	buf_init(&b);
	if (in->told.raw != NULL) {
		snap = board_get(ctx, BOARD_DIRECTORY, "directory");
		instance_pack(&b, told_resolve(&in->told, snap, &a));
	}
	for (size_t i = 0; i < in->asks; i++)
		act_answer(ctx, in->ask[i], server_probed, .host = in->host,
		    .port = in->port, .code = code, .error = error,
		    .facts = bytes(&b));
	in->asks = 0;
	shared_unref(snap);
	buf_fini(&b);
	arena_fini(&a);
}

/* Whoever asked is answered once the server can be seen on the board. */
static void
sync_asks(struct inst *in, struct ctx *ctx)
{
	in->sync_wanted = false;
	if (in->asks == 0 || in->sync != 0)
		return;
	if (addr_is_none(in->cluster))
		in->sync_wanted = true;
	else
		in->sync = act_request(ctx, in->cluster, cluster_sync,
		    SYNC_LIMIT);
}

static void
on_cluster_synced(struct inst *in, struct ctx *ctx, uint32_t serial)
{
	if (serial != in->sync)
		return;
	in->sync = 0;
	answer_asks(in, ctx, ERR_NONE, NULL);
}

static void
send_metric(struct inst *in, struct ctx *ctx)
{
	int64_t us = in->health.latency.us;

	act_send(ctx, app_of(ctx)->metrics, metric_probe,
	    .at_us = act_wall(ctx).us, .host = in->host, .port = in->port,
	    .total_us = us, .instance_us = us,
	    .error = in->health.failures > 0 ? in->error : NULL);
}

/* Not seen for UnseenInstanceForgetHours: forgotten as by command. */
static void
forget_unseen(struct inst *in, struct ctx *ctx)
{
	int64_t hours = in->config->config->unseen_instance_forget_hours;
	wall_t since = in->health.last_seen.us > 0 ? in->health.last_seen :
						     in->health.first_known;

	if (hours == 0 || in->health.failures == 0 ||
	    wall_sub(act_wall(ctx), since).us < DUR_S(hours * 3600).us)
		return;
	act_log(ctx, LOG_NOTICE, "not seen for %lld hours: forgotten",
	    (long long)hours);
	act_request(ctx, app_of(ctx)->directory, server_forget, RULE_LIMIT,
	    .host = in->host, .port = in->port);
}

static void
release_probe(struct inst *in, struct ctx *ctx)
{
	act_cancel(ctx, &in->slow);
	probe_fini(&in->probe);
	arena_fini(&in->arena);
	shared_unref(in->config);
	in->config = NULL;
	in->serial = 0;
	in->state = IDLE;
}

static void
finish_probe(struct inst *in, struct ctx *ctx)
{
	struct err err = in->probe.err;
	bool news = !in->probe.unchanged;

	in->health.last_checked = act_wall(ctx);
	in->health.latency = mono_sub(act_now(ctx), in->began);
	if (err.code == ERR_NONE && news)
		take_facts(in, &err);
	log_notes(in, ctx);
	if (err.code != ERR_NONE) {
		note_failure(in, ctx, &err);
		report_state(in, ctx);
		send_report(in, ctx, NULL);
		store_times(in, ctx);
		forget_unseen(in, ctx);
	} else {
		note_success(in, ctx);
		tell_all(in, ctx, news);
		report_state(in, ctx);
	}
	send_metric(in, ctx);
	if (err.code != ERR_NONE)
		answer_asks(in, ctx, err.code, err.text);
	else
		sync_asks(in, ctx);
	next_tick(in, ctx, in->config->config);
	release_probe(in, ctx);
}

/* ---- a probe under way ---- */

static void
run_next(struct inst *in, struct ctx *ctx)
{
	const char *text = probe_text(&in->probe);
	dur_t left = mono_sub(in->deadline, act_now(ctx));

	if (text == NULL) {
		finish_probe(in, ctx);
		return;
	}
	if (left.us < 1000)
		left = DUR_MS(1); /* the session says that it is too late */
	in->serial = act_request(ctx, in->session, session_run, left,
	    .generation = probe_generation(&in->probe), .text = text,
	    .limit_us = left.us);
}

static void
begin_probe(struct inst *in, struct ctx *ctx)
{
	const struct config *c;

	assert(in->state == IDLE);
	in->state = PROBING;
	in->config = config_ref(ctx);
	c = in->config->config;
	in->options = told_options(c);
	arena_init(&in->arena);
	probe_start(&in->probe, &in->options, &in->memory, asked_key(in),
	    &in->arena);
	in->began = act_now(ctx);
	in->deadline = mono_add(in->began,
	    DUR_S(c->mysql_connect_timeout_seconds +
		c->mysql_discovery_read_timeout_seconds));
	in->health.last_attempted = act_wall(ctx);
	in->slow = act_after(ctx, SLOW_AFTER, probe_slow);
	run_next(in, ctx);
}

static void
on_session_reply(struct inst *in, struct ctx *ctx, const struct msg *m)
{
	const struct msg_session_reply *r = as_session_reply(m);

	if (in->state != PROBING || m->serial != in->serial)
		return; /* of a probe that was given up */
	in->serial = 0;
	probe_take(&in->probe, &(struct probe_reply){
		.generation = r->generation,
		.stale = r->stale,
		.code = (enum err_code)r->code,
		.errnum = r->errnum,
		.error = r->error,
		.rows = r->rows,
	});
	run_next(in, ctx);
}

static void
on_refused(struct inst *in, struct ctx *ctx, const struct msg *m)
{
	if (m->serial == in->sync)
		on_cluster_synced(in, ctx, m->serial);
	if (in->state != PROBING || m->serial != in->serial)
		return;
	in->serial = 0;
	probe_take(&in->probe, &(struct probe_reply){
		.generation = probe_generation(&in->probe),
		.code = ERR_BUSY,
		.error = "the server's session is busy or gone",
	});
	run_next(in, ctx);
}

static void
on_probe_tick(struct inst *in, struct ctx *ctx)
{
	if (in->state == IDLE)
		begin_probe(in, ctx);
}

static void
on_probe_now(struct inst *in, struct ctx *ctx, const struct msg *m)
{
	if (in->asks == ASKS_MAX) {
		act_answer(ctx, ask_of(m), server_probed, .host = in->host,
		    .port = in->port, .code = ERR_BUSY,
		    .error = "too many wait for this server's probe");
		return;
	}
	in->ask[in->asks++] = ask_of(m);
	in->since_announced = ANNOUNCE_EVERY;
	if (in->state == IDLE)
		begin_probe(in, ctx);
}

/* ---- its place ---- */

static void
leave(struct ctx *ctx, addr_t cluster, struct key key)
{
	if (!addr_is_none(cluster))
		act_send(ctx, cluster, inst_left, .host = key.host,
		    .port = key.port);
}

static void
on_place_set(struct inst *in, struct ctx *ctx, const struct msg_place_set *p)
{
	char host[KEY_HOST_MAX + 1];
	struct key old = { host, in->shown_port };
	struct key new = { p->host, p->port };
	addr_t from = in->cluster;

	strcpy(host, in->shown_host);
	in->cluster = p->actor;
	snprintf(in->host, sizeof in->host, "%s", p->host);
	in->port = p->port;
	strcpy(in->shown_host, in->host);
	in->shown_port = in->port;
	/* First the new one, so that readers never miss the server. */
	if (in->told.raw != NULL)
		report(in, ctx, true);
	else
		report_unreached(in, ctx);
	if (!addr_eq(from, p->actor) || !key_eq(old, new))
		leave(ctx, from, old);
	if (in->sync_wanted)
		sync_asks(in, ctx);
}

static void
on_inst_known(struct inst *in, const struct msg_inst_known *k)
{
	struct instance facts;
	struct health h;
	struct arena a;
	struct pcur c;
	bool good;

	arena_init(&a);
	instance_init(&facts);
	pcur_init(&c, k->facts.data, k->facts.len);
	good = instance_unpack(&c, &facts, &a);
	assert(good);
	told_take_known(&in->told, &facts);
	in->told.steady = told_steady(&facts);
	snprintf(in->host, sizeof in->host, "%s", facts.key.host);
	in->port = facts.key.port;
	pcur_init(&c, k->health.data, k->health.len);
	if (health_unpack(&c, &h)) {
		in->health = h;
		snprintf(in->error, sizeof in->error, "%s", h.error);
	}
	in->health.error = in->error;
	arena_fini(&a);
}

static void
on_inst_end(struct inst *in, struct ctx *ctx)
{
	leave(ctx, in->cluster,
	    (struct key){ in->shown_host, in->shown_port });
	act_exit(ctx);
}

/* ---- the frame ---- */

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	struct inst *in = self;
	struct session_arg session = { .owner = act_self(ctx) };

	in->arg = *(const struct instance_arg *)arg;
	strcpy(in->host, in->arg.host);
	in->port = in->arg.port;
	strcpy(in->shown_host, in->arg.host);
	in->shown_port = in->arg.port;
	strcpy(session.host, in->arg.host);
	session.port = in->arg.port;
	in->session = act_spawn(ctx, app_of(ctx)->session_class, &session,
	    HOME_SELF);
	probe_memory_init(&in->memory);
	told_init(&in->told);
	in->health.first_known = act_wall(ctx);
	in->health.error = in->error;
	if (in->arg.probe && !in->arg.known)
		first_tick(in, ctx);
}

static void
on_known(struct inst *in, struct ctx *ctx, const struct msg_inst_known *k)
{
	assert(in->arg.known);
	on_inst_known(in, k);
	if (in->arg.probe)
		first_tick(in, ctx);
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	switch (m->type) {
	case MSG_probe_tick: on_probe_tick(self, ctx); break;
	case MSG_probe_slow: send_report(self, ctx, NULL); break;
	case MSG_probe_now: on_probe_now(self, ctx, m); break;
	case MSG_session_reply: on_session_reply(self, ctx, m); break;
	case MSG_place_set: on_place_set(self, ctx, as_place_set(m)); break;
	case MSG_cluster_synced: on_cluster_synced(self, ctx, m->serial); break;
	case MSG_inst_known: on_known(self, ctx, as_inst_known(m)); break;
	case MSG_inst_end: on_inst_end(self, ctx); break;
	case MSG_server_forgotten: break; /* inst_end came or comes */
	case MSG_control_ran: break; /* the rule is repeated in time */
	case SYS_REFUSED: on_refused(self, ctx, m); break;
	default: act_unexpected(ctx, m);
	}
}

static void
fini(void *self, struct ctx *ctx)
{
	struct inst *in = self;

	/* Its own filing may have ended it: the server is known already. */
	if (in->health.failures == 0 && in->told.raw != NULL)
		answer_asks(in, ctx, ERR_NONE, NULL);
	else
		answer_asks(in, ctx, ERR_CLOSED, "the server was forgotten");
	if (in->state == PROBING)
		release_probe(in, ctx);
	probe_memory_fini(&in->memory);
	told_fini(&in->told);
}

const struct actor_class instance_class = {
	.name = "instance",
	.size = sizeof(struct inst),
	.arg_size = sizeof(struct instance_arg),
	.init = init,
	.handle = handle,
	.fini = fini,
	.key = key_of,
};
