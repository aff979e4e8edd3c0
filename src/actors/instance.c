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
 *
 * It may be reached by several addresses: when one fails, the next probe tries
 * another.  It is the server that counts, not the address: one where another
 * server answers is given back to the directory.
 */
#include "config.h"

#include "actors/instance_state.h"

#include <string.h>

#include "mysql/intern.h"
#include "mysql/rows.h"
#include "base/mem.h"
#include "topology/schedule.h"

#define SLOW_AFTER DUR_S(1) /* a probe under way this long is reported */
#define LOST_AFTER DUR_MS(200)
#define FORGET_LIMIT DUR_S(10)
#define SAMPLES_EVERY DUR_S(4)

static const char *
key_of(const void *self)
{
	static _Thread_local char text[KEY_TEXT_MAX];

	return key_text(instance_filed_key(self), text);
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

/* Somebody asked in between: the schedule stays what it was. */
static bool
keeps_plan(const struct inst *in, mono_t now, dur_t period)
{
	return in->health.failures == 0 && in->base.us > now.us &&
	    in->base.us - now.us <= period.us;
}

static void
next_tick(struct inst *in, struct ctx *ctx, const struct config *c)
{
	struct schedule s = schedule_of(c);
	mono_t now = act_now(ctx), at;
	bool pending;

	if (!in->arg.probe)
		return;
	pending = act_cancel(ctx, &in->tick);
	if (!pending || !keeps_plan(in, now, s.period)) {
		/* What waited longer, having failed, begins anew. */
		if (in->base.us > now.us)
			in->base = now;
		in->base = schedule_next(&s, in->base, now,
		    in->health.failures);
	}
	at = mono_add(in->base, schedule_jitter(&s, act_random(ctx)));
	in->tick = act_after(ctx, mono_sub(at, now), probe_tick);
}

/* ---- the end of a probe ---- */

static void
set_error(struct inst *in, const char *text)
{
	char *was = in->error;

	in->error = text[0] != '\0' ? mem_strdup(text) : NULL;
	in->health.error = in->error != NULL ? in->error : "";
	mem_free(was);
}

static void
note_failure(struct inst *in, struct ctx *ctx, const struct err *err)
{
	bool news = strcmp(in->health.error, err->text) != 0;
	bool first = in->health.failures == 0;

	in->health.failures++;
	in->health.error_code = err->code;
	in->health.partial = in->probe->partial;
	set_error(in, err->text);
	if (first || news)
		act_log(ctx, first ? LOG_WARNING : LOG_INFO, "probe failed: %s",
		    err->text);
	else if (in->config->config->dead_instance_discovery_logs_enabled)
		act_log(ctx, LOG_DEBUG, "probe failed %u times in a row: %s",
		    in->health.failures, err->text);
}

static void
note_success(struct inst *in, struct ctx *ctx, uint64_t uptime)
{
	if (in->health.failures > 0)
		act_log(ctx, LOG_NOTICE, "reached again after %u failures",
		    in->health.failures);
	in->health.failures = 0;
	in->health.last_seen = act_wall(ctx);
	in->health.uptime = uptime;
	in->health.partial = true;
	in->health.error_code = ERR_NONE;
	set_error(in, "");
}

/*
 * What a probe could not read, and which privilege would help: once, and again
 * when it is something else.  An unchanged probe leaves most of it out.
 */
static void
log_notes(struct inst *in, struct ctx *ctx)
{
	uint64_t digest = 0;

	if (in->probe->unchanged || in->probe->err.code != ERR_NONE)
		return;
	for (unsigned i = 0; i < in->probe->notes_count; i++)
		digest = digest * 31 + rows_digest((struct bin){
		    (const uint8_t *)in->probe->notes[i],
		    strlen(in->probe->notes[i]) });
	if (digest == in->notes_digest)
		return;
	in->notes_digest = digest;
	for (unsigned i = 0; i < in->probe->notes_count; i++)
		act_log(ctx, LOG_WARNING, "%s", in->probe->notes[i]);
}

/* Another server answers where this one did. */
static bool
strayed(const struct inst *in, const struct instance *facts, struct key filed)
{
	struct arena a;
	bool same;

	if (in->told.raw == NULL || key_eq(filed, in->told.raw->key))
		return false;
	arena_init(&a);
	same = strcmp(told_identity(facts, &a),
	    told_identity(in->told.raw, &a)) == 0;
	arena_fini(&a);
	return !same;
}

static void
log_left_out(const struct inst *in, struct ctx *ctx, unsigned before)
{
	if (in->told.left_out == before ||
	    !in->config->config->enable_discovery_filters_logs)
		return;
	act_log(ctx, LOG_INFO, "%u replicas left out by "
	    "DiscoveryIgnoreReplicationUsernameFilters", in->told.left_out);
}

static void
take_facts(struct inst *in, struct ctx *ctx, struct key filed)
{
	unsigned before = in->told.left_out;

	told_take(&in->told, in->probe, filed, instance_asked_key(in),
	    in->config->config);
	log_left_out(in, ctx, before);
	snprintf(in->host, sizeof in->host, "%s", filed.host);
	in->port = filed.port;
	in->strayed = false;
}

/* What a good probe found: is it this server, and one of ours? */
static enum err_code
check_facts(struct inst *in, struct ctx *ctx, struct err *err)
{
	struct instance *facts = probe_facts(in->probe);
	char text[KEY_TEXT_MAX];
	struct key filed;

	if (probe_filed_key(in->probe, &filed, err) != ERR_NONE)
		return err->code;
	if (told_ignored(facts, in->config->config))
		return err_set(err, ERR_DENIED, "left out: its replication user"
		    " is one of DiscoveryIgnoreReplicationUsernameFilters");
	if (strayed(in, facts, filed)) {
		in->strayed = true;
		instance_add_address(in, in->told.raw->key);
		act_send(ctx, app_of(ctx)->directory, server_strayed,
		    .asked_host = in->arg.host, .asked_port = in->arg.port,
		    .host = in->host, .port = in->port);
		return err_set(err, ERR_UNREACHABLE, "%s:%u is another server "
		    "now: %s", in->arg.host, in->arg.port,
		    key_text(filed, text));
	}
	take_facts(in, ctx, filed);
	return ERR_NONE;
}

/* moved: rows of moving.def, when that is all. */
static void
tell_all(struct inst *in, struct ctx *ctx, bool news, uint32_t moved)
{
	uint64_t names = board_version(ctx, BOARD_DIRECTORY);

	if (news || in->told.edge == 0)
		instance_report_edge(in, ctx);
	instance_register_rule(in, ctx, in->config->config);
	if (++in->since_announced >= ANNOUNCE_EVERY ||
	    (news && in->told.near_digest != in->near_announced))
		instance_announce(in, ctx);
	if (news || names != in->names_version) {
		instance_report(in, ctx, false);
	} else {
		instance_report_moved(in, ctx, moved);
		instance_store_times(in, ctx);
	}
	in->names_version = names;
}

/* Some at a time; at once when it failed, or somebody waits. */
static void
send_metric(struct inst *in, struct ctx *ctx)
{
	unsigned n = in->samples++;
	struct buf b;

	in->sample[n].at = act_wall(ctx);
	in->sample[n].took = in->health.latency;
	if (in->samples < SAMPLES_EACH && in->health.failures == 0 &&
	    in->asks == 0 && in->samples_told.us != 0 &&
	    mono_sub(act_now(ctx), in->samples_told).us < SAMPLES_EVERY.us)
		return;
	buf_init(&b);
	pack_array(&b, (size_t)in->samples * 2);
	for (unsigned i = 0; i < in->samples; i++) {
		pack_int(&b, in->sample[i].at.us);
		pack_int(&b, in->sample[i].took.us);
	}
	act_send(ctx, app_of(ctx)->metrics, metric_probes, .host = in->host,
	    .port = in->port, .samples = bytes(&b),
	    .error = in->health.failures > 0 ? in->health.error : NULL);
	buf_fini(&b);
	in->samples = 0;
	in->samples_told = act_now(ctx);
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
	act_request(ctx, app_of(ctx)->directory, server_forget, FORGET_LIMIT,
	    .host = in->host, .port = in->port);
}

static void
release_probe(struct inst *in, struct ctx *ctx)
{
	act_cancel(ctx, &in->slow);
	if (in->probe != NULL) {
		probe_fini(in->probe);
		mem_free(in->probe);
		in->probe = NULL;
		arena_fini(&in->arena);
	}
	in->serial = 0;
	in->state = IDLE;
}

/* It said what it said, but for what moves. */
static void
finish_quickly(struct inst *in, struct ctx *ctx, const struct quick_news *news)
{
	in->health.last_attempted = in->attempted;
	in->health.last_checked = act_wall(ctx);
	in->health.latency = mono_sub(act_now(ctx), in->began);
	told_moved(&in->told, news);
	in->moved |= news->rows != 0;
	note_success(in, ctx, news->uptime);
	tell_all(in, ctx, false, news->rows);
	instance_report_state(in, ctx);
	send_metric(in, ctx);
	instance_sync_asks(in, ctx);
	next_tick(in, ctx, in->config->config);
	release_probe(in, ctx);
}

static void
finish_probe(struct inst *in, struct ctx *ctx)
{
	struct err err = in->probe->err;
	bool news = !in->probe->unchanged;

	if (err.code != ERR_BUSY) {
		in->health.last_attempted = in->attempted;
		in->health.last_checked = act_wall(ctx);
	} else { /* it was not asked */
		in->health.last_attempted = in->health.last_checked;
	}
	in->health.latency = mono_sub(act_now(ctx), in->began);
	if (err.code == ERR_NONE && news &&
	    check_facts(in, ctx, &err) != ERR_NONE)
		probe_memory_distrust(&in->memory);
	log_notes(in, ctx);
	if (err.code == ERR_BUSY) {
		/* No connector was free: of the server it says nothing. */
		act_log(ctx, LOG_DEBUG, "put off: %s", err.text);
		instance_send_report(in, ctx, NULL, true);
	} else if (err.code != ERR_NONE) {
		note_failure(in, ctx, &err);
		instance_report_state(in, ctx);
		instance_send_report(in, ctx, NULL, true);
		instance_store_times(in, ctx);
		forget_unseen(in, ctx);
	} else {
		note_success(in, ctx, in->probe->uptime);
		tell_all(in, ctx, news, 0);
		instance_report_state(in, ctx);
	}
	send_metric(in, ctx);
	if (err.code != ERR_NONE)
		instance_answer_asks(in, ctx, err.code, err.text);
	else
		instance_sync_asks(in, ctx);
	next_tick(in, ctx, in->config->config);
	release_probe(in, ctx);
	if (err.code == ERR_UNREACHABLE || err.code == ERR_TIMEOUT)
		instance_next_address(in, ctx);
}

/* ---- a probe under way ---- */

static void
run_next(struct inst *in, struct ctx *ctx)
{
	const char *text = probe_text(in->probe);
	dur_t left = mono_sub(in->deadline, act_now(ctx));

	if (text == NULL) {
		finish_probe(in, ctx);
		return;
	}
	if (left.us < 1000)
		left = DUR_MS(1); /* the session says that it is too late */
	in->serial = act_request(ctx, in->session, session_run, left,
	    .generation = probe_generation(in->probe), .text = text,
	    .limit_us = left.us);
}

/* With all the care that it takes. */
static void
start_probe(struct inst *in)
{
	in->options = told_options(in->config->config);
	in->options.version = in->config_version;
	arena_init(&in->arena);
	in->probe = mem_alloc(sizeof *in->probe);
	probe_start(in->probe, &in->options, &in->memory, instance_asked_key(in),
	    &in->arena);
}

/* The text as last time; what follows decides whether more must be read. */
static void
run_quickly(struct inst *in, struct ctx *ctx)
{
	dur_t limit = mono_sub(in->deadline, in->began);

	in->serial = act_request(ctx, in->session, session_run, limit,
	    .generation = in->memory.generation, .limit_us = limit.us,
	    .known = in->memory.quick.text);
}

/* Facts that the memory speaks of were taken, and it is the same server. */
static bool
can_be_quick(struct inst *in)
{
	return in->told.raw != NULL && in->health.failures == 0 &&
	    in->memory.fixed_known &&
	    quick_ready(&in->memory.quick, in->config_version);
}

/* The same one as long as it is the latest. */
static void
hold_config(struct inst *in, struct ctx *ctx)
{
	uint64_t version = board_version(ctx, BOARD_CONFIG);

	if (in->config != NULL && in->config_version == version)
		return;
	shared_unref(in->config);
	in->config = config_ref(ctx);
	in->config_version = version;
}

static void
begin_probe(struct inst *in, struct ctx *ctx)
{
	const struct config *c;

	assert(in->state == IDLE);
	in->state = PROBING;
	hold_config(in, ctx);
	c = in->config->config;
	in->began = act_now(ctx);
	in->deadline = mono_add(in->began,
	    DUR_S(c->mysql_connect_timeout_seconds +
		c->mysql_discovery_read_timeout_seconds));
	in->attempted = act_wall(ctx);
	in->slow = act_after(ctx, SLOW_AFTER, probe_slow);
	if (can_be_quick(in)) {
		run_quickly(in, ctx);
	} else {
		start_probe(in);
		run_next(in, ctx);
	}
}

static bool
taken_quickly(struct inst *in, struct ctx *ctx, const struct probe_reply *r)
{
	struct quick_news news;

	if (r->stale || r->code != ERR_NONE || !in->memory.quick.ready ||
	    quick_take(&in->memory.quick, r->rows, &news) == QUICK_OTHER)
		return false;
	finish_quickly(in, ctx, &news);
	return true;
}

/* The text that was sent is the one to be sent now. */
static bool
asked_already(struct inst *in)
{
	struct bin sent = interned(in->memory.quick.text);
	const char *text = probe_text(in->probe);

	return text != NULL && sent.data != NULL &&
	    strcmp(text, (const char *)sent.data) == 0;
}

/* An answer to a quick one is read in the usual way, or asked for again. */
static void
take_reply(struct inst *in, struct ctx *ctx, const struct probe_reply *r)
{
	if (in->probe == NULL) {
		if (taken_quickly(in, ctx, r))
			return;
		start_probe(in);
		if (asked_already(in))
			probe_take(in->probe, r);
	} else {
		probe_take(in->probe, r);
	}
	run_next(in, ctx);
}

/* The present question is known to wait for its answer. */
static bool
is_mute(const struct inst *in)
{
	return in->health.last_attempted.us > in->health.last_checked.us;
}

/* It answered after all; what comes next may take its time as well. */
static void
speak(struct inst *in, struct ctx *ctx)
{
	in->health.last_attempted = in->health.last_checked;
	instance_send_report(in, ctx, NULL, true);
}

static void
on_session_reply(struct inst *in, struct ctx *ctx, const struct msg *m)
{
	const struct msg_session_reply *r = as_session_reply(m);

	if (in->state != PROBING || m->serial != in->serial)
		return; /* of a probe that was given up */
	in->serial = 0;
	take_reply(in, ctx, &(struct probe_reply){
		.generation = r->generation,
		.stale = r->stale,
		.code = (enum err_code)r->code,
		.errnum = r->errnum,
		.error = r->error,
		.rows = r->rows,
	});
	if (in->state == PROBING && is_mute(in))
		speak(in, ctx);
}

static void
on_refused(struct inst *in, struct ctx *ctx, const struct msg *m)
{
	if (m->serial == in->sync || m->serial == in->leave_sync)
		instance_on_synced(in, ctx, m->serial);
	if (in->state != PROBING || m->serial != in->serial)
		return;
	in->serial = 0;
	take_reply(in, ctx, &(struct probe_reply){
		.generation = in->memory.generation,
		.code = ERR_BUSY,
		.error = "the server's session is busy or gone",
	});
}

static void
on_probe_tick(struct inst *in, struct ctx *ctx)
{
	if (in->state == IDLE)
		begin_probe(in, ctx);
}

/*
 * A probe that waits for a connection says nothing of the server; one that the
 * server does not answer is told of while it lasts.
 */
static void
on_probe_slow(struct inst *in, struct ctx *ctx)
{
	assert(in->state == PROBING);
	act_send(ctx, in->session, session_slow);
	in->slow = act_after(ctx, SLOW_AFTER, probe_slow);
}

static void
on_session_mute(struct inst *in, struct ctx *ctx,
    const struct msg_session_mute *m)
{
	if (in->state != PROBING || is_mute(in))
		return; /* it was told, or ended meanwhile */
	in->health.last_attempted = (wall_t){ act_wall(ctx).us - m->for_us };
	instance_send_report(in, ctx, NULL, true);
}

/* Somebody doubts that it lives; a probe that is under way will tell as well. */
static void
on_probe_again(struct inst *in, struct ctx *ctx)
{
	if (in->state == IDLE && in->arg.probe)
		begin_probe(in, ctx);
}

/*
 * Its connection ended by itself: the server may be gone.  One that ends each
 * connection soon after is not asked all the time.
 */
static void
on_session_lost(struct inst *in, struct ctx *ctx)
{
	dur_t since = mono_sub(act_now(ctx), in->began);

	if (in->state != IDLE || !in->arg.probe)
		return;
	if (since.us >= LOST_AFTER.us) {
		begin_probe(in, ctx);
		return;
	}
	act_cancel(ctx, &in->tick);
	in->tick = act_after(ctx, DUR_US(LOST_AFTER.us - since.us),
	    probe_tick);
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
	in->ask = mem_resize(in->ask, in->asks + 1, sizeof *in->ask);
	in->ask[in->asks++] = ask_of(m);
	if (as_probe_now(m)->follow)
		in->since_announced = ANNOUNCE_EVERY;
	if (in->state == IDLE)
		begin_probe(in, ctx);
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
	address_set(&in->stored_as, facts.key);
	snprintf(in->host, sizeof in->host, "%s", facts.key.host);
	in->port = facts.key.port;
	pcur_init(&c, k->health.data, k->health.len);
	if (health_unpack(&c, &h)) {
		in->health = h;
		set_error(in, h.error);
	}
	arena_fini(&a);
}

/* ---- the frame ---- */

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	struct inst *in = self;

	in->arg = *(const struct instance_arg *)arg;
	strcpy(in->host, in->arg.host);
	in->port = in->arg.port;
	strcpy(in->shown_host, in->arg.host);
	in->shown_port = in->arg.port;
	instance_open_session(in, ctx);
	told_init(&in->told);
	in->health.first_known = act_wall(ctx);
	in->health.error = "";
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

/* Its cluster has other facts than those that it told the changes of. */
static void
on_again(struct inst *in, struct ctx *ctx)
{
	if (in->told.raw != NULL)
		instance_report(in, ctx, true);
	else
		instance_report_unreached(in, ctx);
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	switch (m->type) {
	case MSG_probe_tick: on_probe_tick(self, ctx); break;
	case MSG_probe_again: on_probe_again(self, ctx); break;
	case MSG_probe_slow: on_probe_slow(self, ctx); break;
	case MSG_session_mute:
		on_session_mute(self, ctx, as_session_mute(m));
		break;
	case MSG_probe_now: on_probe_now(self, ctx, m); break;
	case MSG_session_lost: on_session_lost(self, ctx); break;
	case MSG_session_reply: on_session_reply(self, ctx, m); break;
	case MSG_place_set: instance_on_place(self, ctx, as_place_set(m)); break;
	case MSG_cluster_synced: instance_on_synced(self, ctx, m->serial); break;
	case MSG_inst_address:
		instance_on_address(self, ctx, as_inst_address(m));
		break;
	case MSG_inst_again: on_again(self, ctx); break;
	case MSG_inst_known: on_known(self, ctx, as_inst_known(m)); break;
	case MSG_inst_end: instance_on_end(self, ctx, as_inst_end(m)); break;
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
		instance_answer_asks(in, ctx, ERR_NONE, NULL);
	else
		instance_answer_asks(in, ctx, ERR_CLOSED, "the server was forgotten");
	if (in->state == PROBING)
		release_probe(in, ctx);
	instance_close_session(in, ctx);
	told_fini(&in->told);
	shared_unref(in->config);
	mem_free(in->error);
	mem_free(in->other);
	mem_free(in->leaving);
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
