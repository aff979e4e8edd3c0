/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pseudo-GTID by ourselves (AutoPseudoGTID): a marker into every cluster each
 * five seconds, on one writable primary, and where all logs stand once a minute
 * (logpos.h).
 *
 * The clusters take turns over the five seconds, so that a thousand of them are
 * twenty statements each tenth of a second.  A site is a cluster's: its session
 * stays open, and has one statement under way.
 *
 *	IDLE --(privileges checked a minute ago)--> GRANTS --granted--> MARKING
 *	IDLE -------------------------------------------------------> MARKING
 *
 * Only the daemon that probes does it, and never with -noop.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "actors/classes.h"
#include "actors/cluster.h"
#include "actors/control.h"
#include "actors/logpos.h"
#include "actors/markers.h"
#include "base/mem.h"
#include "plan/inject.h"

enum {
	SLOTS = 50,
	SESSIONS_SWEEPS = 12, /* a site that had no target for so long goes */
};

#define SLOT_EVERY DUR_MS(100) /* SLOTS of these are five seconds */
#define IDLE_EVERY DUR_S(5)
#define LOGPOS_EVERY DUR_S(60)
#define GRANTS_EVERY DUR_S(60)
#define WARN_EVERY DUR_S(60)
#define MARK_EVERY DUR_S(60)
#define STATEMENT_LIMIT DUR_S(4)
#define MARK_LIMIT DUR_S(30)

struct site {
	UT_hash_handle hh;	  /* by cluster */
	UT_hash_handle hh_serial; /* while a statement is under way */
	char cluster[KEY_TEXT_MAX];
	char target[KEY_TEXT_MAX]; /* "" for none */
	addr_t session;
	uint32_t generation, serial;
	uint64_t server_id;
	enum { IDLE, GRANTS, MARKING } state;
	bool granted;
	mono_t checked, warned, marked; /* 0: never */
	uint64_t sweep; /* when it was last seen */
	struct buf text; /* of the statement under way */
};

struct injector {
	struct site *sites, *waiting;
	char (*name)[KEY_TEXT_MAX]; /* of all clusters, sorted */
	size_t names, names_cap;
	unsigned slot;
	uint64_t sweep;
	mono_t sampled;
};

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	(void)self;
	(void)arg;
	if (app_of(ctx)->daemon && app_of(ctx)->probe)
		act_after(ctx, IDLE_EVERY, inject_tick);
}

/* ---- the clusters ---- */

static void
add_name(void *arg, const char *key, void *s)
{
	struct injector *j = arg;

	(void)s;
	if (j->names == j->names_cap) {
		j->names_cap = j->names_cap == 0 ? 64 : j->names_cap * 2;
		j->name = mem_resize(j->name, j->names_cap, sizeof *j->name);
	}
	snprintf(j->name[j->names++], KEY_TEXT_MAX, "%s", key);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
list_clusters(struct injector *j, struct ctx *ctx)
{
	j->names = 0;
	board_each(ctx, BOARD_CLUSTER, add_name, j);
	if (j->names > 0)
		qsort(j->name, j->names, sizeof *j->name, by_name);
}

/* ---- where logs stand ---- */

struct snaps {
	const struct cluster_snap **at;
	size_t n, cap;
};

static void
take_snap(void *arg, const char *key, void *s)
{
	struct snaps *all = arg;

	(void)key;
	if (all->n == all->cap) {
		all->cap = all->cap == 0 ? 64 : all->cap * 2;
		all->at = mem_resize(all->at, all->cap, sizeof *all->at);
	}
	all->at[all->n++] = shared_ref(s);
}

static void
sample(struct injector *j, struct ctx *ctx)
{
	const struct logpos_snap *old;
	struct snaps all = { 0 };

	if (j->sampled.us != 0
	    && mono_sub(act_now(ctx), j->sampled).us < LOGPOS_EVERY.us)
		return;
	j->sampled = act_now(ctx);
	old = logpos_ref(ctx);
	board_each(ctx, BOARD_CLUSTER, take_snap, &all);
	board_put(ctx, BOARD_LOGPOS, "logpos",
	    logpos_sample(old, all.at, all.n));
	for (size_t i = 0; i < all.n; i++)
		shared_unref(all.at[i]);
	shared_unref(old);
	mem_free(all.at);
}

/* ---- sites ---- */

static struct site *
site_of(struct injector *j, const char *cluster)
{
	struct site *s;

	HASH_FIND_STR(j->sites, cluster, s);
	if (s != NULL)
		return s;
	s = mem_zalloc(sizeof *s);
	snprintf(s->cluster, sizeof s->cluster, "%s", cluster);
	buf_init(&s->text);
	HASH_ADD_STR(j->sites, cluster, s);
	return s;
}

static void
end_statement(struct injector *j, struct site *s)
{
	if (s->state != IDLE)
		HASH_DELETE(hh_serial, j->waiting, s);
	s->state = IDLE;
}

static void
close_site(struct injector *j, struct ctx *ctx, struct site *s)
{
	end_statement(j, s);
	if (!addr_is_none(s->session))
		act_send(ctx, s->session, session_close);
	s->session = ADDR_NONE;
	s->target[0] = '\0';
	s->granted = false;
	s->checked = (mono_t){ 0 };
}

static void
free_site(struct injector *j, struct ctx *ctx, struct site *s)
{
	close_site(j, ctx, s);
	HASH_DEL(j->sites, s);
	buf_fini(&s->text);
	mem_free(s);
}

/* Those of clusters that went, or whose primary did. */
static void
free_old(struct injector *j, struct ctx *ctx, bool all)
{
	struct site *s, *next;

	HASH_ITER(hh, j->sites, s, next)
		if (all || s->sweep + SESSIONS_SWEEPS < j->sweep)
			free_site(j, ctx, s);
}

/* ---- statements ---- */

static void
ask(struct injector *j, struct ctx *ctx, struct site *s)
{
	s->serial = act_request(ctx, s->session, session_run, STATEMENT_LIMIT,
	    .generation = s->generation, .text = buf_text(&s->text),
	    .limit_us = STATEMENT_LIMIT.us);
	HASH_ADD(hh_serial, j->waiting, serial, sizeof s->serial, s);
}

static void
ask_grants(struct injector *j, struct ctx *ctx, struct site *s)
{
	s->state = GRANTS;
	buf_reset(&s->text);
	buf_str(&s->text, "show grants for current_user()");
	ask(j, ctx, s);
}

static void
ask_marker(struct injector *j, struct ctx *ctx, struct site *s)
{
	s->state = MARKING;
	buf_reset(&s->text);
	inject_statement(&s->text, act_wall(ctx), s->server_id,
	    act_random(ctx));
	ask(j, ctx, s);
}

static bool
is_due(struct ctx *ctx, mono_t last, dur_t every)
{
	return last.us == 0 || mono_sub(act_now(ctx), last).us >= every.us;
}

static void
warn(struct site *s, struct ctx *ctx, const char *why)
{
	if (!is_due(ctx, s->warned, WARN_EVERY))
		return;
	s->warned = act_now(ctx);
	act_log(ctx, LOG_WARNING, "no Pseudo-GTID is written on %s: %s",
	    s->target, why);
}

static void
take_target(struct injector *j, struct ctx *ctx, struct site *s,
    const struct instance *in)
{
	struct key at = key_valid(in->asked_key) ? in->asked_key : in->key;
	struct session_arg arg = { .port = at.port, .owner = act_self(ctx) };
	char text[KEY_TEXT_MAX];

	s->server_id = in->server_id;
	if (strcmp(s->target, key_text(in->key, text)) == 0)
		return;
	close_site(j, ctx, s);
	snprintf(s->target, sizeof s->target, "%s", text);
	snprintf(arg.host, sizeof arg.host, "%s", at.host);
	s->session = act_spawn(ctx, app_of(ctx)->session_class, &arg,
	    HOME_SELF);
}

static void
visit(struct injector *j, struct ctx *ctx, const char *cluster, dur_t poll)
{
	struct cluster_snap *snap = board_get(ctx, BOARD_CLUSTER, cluster);
	struct site *s = site_of(j, cluster);
	const struct member *m;
	struct arena a;

	if (snap == NULL || s->state != IDLE) {
		shared_unref(snap);
		return;
	}
	arena_init(&a);
	m = inject_target(snap->members, snap->n, s->target[0] == '\0'
	    ? KEY_NONE : key_of_text(s->target, &a), poll, act_wall(ctx));
	arena_fini(&a);
	if (m != NULL) {
		s->sweep = j->sweep;
		take_target(j, ctx, s, m->in);
		if (is_due(ctx, s->checked, GRANTS_EVERY))
			ask_grants(j, ctx, s);
		else if (s->granted)
			ask_marker(j, ctx, s);
	}
	shared_unref(snap);
}

/* ---- answers ---- */

/* It shows as injected; once a minute is enough. */
static void
mark_cluster(struct site *s, struct ctx *ctx)
{
	struct buf b;

	if (!is_due(ctx, s->marked, MARK_EVERY))
		return;
	s->marked = act_now(ctx);
	buf_init(&b);
	command_pack(&b, mark_pseudo_gtid, .at = act_wall(ctx),
	    .cluster = s->cluster);
	act_request(ctx, app_of(ctx)->control, control_run, MARK_LIMIT,
	    .command = { (const uint8_t *)b.data, b.len });
	buf_fini(&b);
}

static void
on_grants(struct injector *j, struct ctx *ctx, struct site *s,
    const struct msg_session_reply *r)
{
	s->checked = act_now(ctx);
	s->granted = r->code == ERR_NONE && inject_granted(r->rows);
	if (s->granted)
		ask_marker(j, ctx, s);
	else if (r->code == ERR_NONE)
		warn(s, ctx, "it takes DROP on `_pseudo_gtid_`.*");
	else
		warn(s, ctx, r->error);
}

static void
on_session_reply(struct injector *j, struct ctx *ctx, const struct msg *m)
{
	const struct msg_session_reply *r = as_session_reply(m);
	struct site *s;
	int state;

	HASH_FIND(hh_serial, j->waiting, &m->serial, sizeof m->serial, s);
	if (s == NULL)
		return;
	state = s->state;
	s->generation = r->generation;
	HASH_DELETE(hh_serial, j->waiting, s);
	if (r->stale) {
		ask(j, ctx, s);
		return;
	}
	s->state = IDLE;
	if (state == GRANTS)
		on_grants(j, ctx, s, r);
	else if (r->code == ERR_NONE)
		mark_cluster(s, ctx);
	else
		warn(s, ctx, r->error);
}

static void
on_refused(struct injector *j, const struct msg *m)
{
	struct site *s;

	HASH_FIND(hh_serial, j->waiting, &m->serial, sizeof m->serial, s);
	if (s != NULL)
		end_statement(j, s);
}

/* ---- the clock ---- */

/* This tenth of a second's clusters. */
static void
run_slot(struct injector *j, struct ctx *ctx, dur_t poll)
{
	if (j->slot == 0) {
		j->sweep++;
		free_old(j, ctx, false);
		list_clusters(j, ctx);
	}
	for (size_t i = j->slot; i < j->names; i += SLOTS)
		visit(j, ctx, j->name[i], poll);
	j->slot = (j->slot + 1) % SLOTS;
}

static void
on_inject_tick(struct injector *j, struct ctx *ctx)
{
	const struct config_shared *c = config_ref(ctx);
	bool on = c->config->auto_pseudo_gtid && !app_of(ctx)->noop;
	dur_t poll = DUR_S(c->config->instance_poll_seconds);
	struct markers markers;

	if (markers_rule(&markers, c, false))
		sample(j, ctx);
	shared_unref(c);
	if (on)
		run_slot(j, ctx, poll);
	else if (j->sites != NULL)
		free_old(j, ctx, true);
	act_after(ctx, on ? SLOT_EVERY : IDLE_EVERY, inject_tick);
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct injector *j = self;

	switch (m->type) {
	case MSG_inject_tick: on_inject_tick(j, ctx); break;
	case MSG_session_reply: on_session_reply(j, ctx, m); break;
	case MSG_session_lost: break; /* opened again by the next marker */
	case MSG_control_ran: break;
	case SYS_REFUSED: on_refused(j, m); break;
	default: act_unexpected(ctx, m);
	}
}

static void
fini(void *self, struct ctx *ctx)
{
	struct injector *j = self;

	free_old(j, ctx, true);
	mem_free(j->name);
}

const struct actor_class injector_class = {
	.name = "injector",
	.size = sizeof(struct injector),
	.init = init,
	.handle = handle,
	.fini = fini,
};
