/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mover's orders: a fresh look through the directory, a query over a session
 * of its own, a pause, and what is to be kept.
 *
 * A probe that was under way already when it was asked for may have seen the
 * server before our last statement: then it is asked for again.
 *
 * A session that says "stale" to its first text had no connection yet; to a
 * later one, that its connection broke, and nobody knows whether the text
 * arrived: the run is told that it was lost.
 */
#include "config.h"

#include "actors/mover_state.h"

#include <string.h>

#include "actors/classes.h"
#include "base/mem.h"

/* ---- what is asked ---- */

void
mover_ask(struct mover *mv, uint32_t serial, int what, unsigned ticket,
    unsigned server)
{
	struct mover_ask *a = mem_zalloc(sizeof *a);

	a->serial = serial;
	a->what = what;
	a->ticket = ticket;
	a->server = server;
	HASH_ADD(hh, mv->asks, serial, sizeof a->serial, a);
}

/* The record is the caller's; NULL: nobody waits for that. */
struct mover_ask *
mover_answered(struct mover *mv, uint32_t serial)
{
	struct mover_ask *a;

	HASH_FIND(hh, mv->asks, &serial, sizeof serial, a);
	if (a != NULL)
		HASH_DEL(mv->asks, a);
	return a;
}

void
mover_ask_free(struct mover_ask *a)
{
	mem_free(a->text);
	mem_free(a);
}

static void
again(struct mover *mv, struct mover_ask *a, uint32_t serial)
{
	a->serial = serial;
	HASH_ADD(hh, mv->asks, serial, sizeof a->serial, a);
}

static void
feed(struct mover *mv, struct ctx *ctx, unsigned ticket,
    const struct run_reply *reply)
{
	if (mv->run == NULL || mv->state != MOVER_RUNNING)
		return;
	run_feed(mv->run, ticket, reply, act_now(ctx));
}

static void
feed_error(struct mover *mv, struct ctx *ctx, unsigned ticket,
    enum err_code code, const char *error)
{
	feed(mv, ctx, ticket, &(struct run_reply){ .code = code,
	    .error = error });
}

/* ---- a look ---- */

static struct key
key_of(const struct mover *mv, unsigned server)
{
	return run_plan(mv->run)->server[server].key;
}

static void
look(struct mover *mv, struct ctx *ctx, const struct run_order *o)
{
	struct key k = key_of(mv, o->server);
	bool other = o->text != NULL && o->text[0] != '\0';
	uint32_t serial = act_request(ctx, app_of(ctx)->directory,
	    server_probe, MOVER_ASK, .host = other ? o->text : k.host,
	    .port = k.port);
	struct mover_ask *a;

	mover_ask(mv, serial, ASK_LOOK, o->ticket, o->server);
	HASH_FIND(hh, mv->asks, &serial, sizeof serial, a);
	a->asked_at = act_wall(ctx);
	a->due = mono_add(act_now(ctx), o->limit);
	if (other)
		a->text = mem_strdup(o->text);
}

static const struct member *
member_of(const struct cluster_snap *snap, struct key key)
{
	for (size_t i = 0; i < snap->n; i++)
		if (key_eq(snap->members[i].in->key, key))
			return &snap->members[i];
	return NULL;
}

static const struct cluster_snap *
cluster_with(struct ctx *ctx, struct key key)
{
	char text[KEY_TEXT_MAX];
	struct place *place = board_get(ctx, BOARD_PLACE, key_text(key, text));
	const struct cluster_snap *snap;

	if (place == NULL)
		return NULL;
	snap = board_get(ctx, BOARD_CLUSTER, place->cluster);
	shared_unref(place);
	return snap;
}

/* Its probe began before we asked for one. */
static bool
is_old(const struct mover_ask *a, const struct member *m)
{
	return m->health.last_attempted.us < a->asked_at.us;
}

static void
take_member(struct mover *mv, struct ctx *ctx, struct mover_ask *a,
    const struct member *m)
{
	if (is_old(a, m) && ++a->tries < MOVER_LOOKS_MAX) {
		struct key k = key_of(mv, a->server);

		again(mv, a, act_request(ctx, app_of(ctx)->directory,
		    server_probe, MOVER_ASK, .host = a->text != NULL ? a->text :
		    k.host, .port = k.port));
		return;
	}
	if (is_old(a, m))
		feed_error(mv, ctx, a->ticket, ERR_BUSY,
		    "no fresh probe of it can be had");
	else
		feed(mv, ctx, a->ticket, &(struct run_reply){ .facts = m->in,
		    .health = &m->health });
	mover_ask_free(a);
}

/* Whatever name it was reached by: is it that server of the plan? */
static bool
is_same(const struct mover *mv, unsigned server, const struct instance *in)
{
	const struct member *known = run_facts(mv->run, server);

	if (key_eq(in->key, key_of(mv, server)))
		return true;
	if (known == NULL)
		known = run_plan(mv->run)->server[server].known;
	if (known == NULL)
		return false;
	if (in->server_uuid[0] != '\0')
		return strcmp(in->server_uuid, known->in->server_uuid) == 0;
	return in->server_id != 0 && in->server_id == known->in->server_id;
}

static void
on_looked(struct mover *mv, struct ctx *ctx, struct mover_ask *a,
    const struct msg_server_probed *p)
{
	const struct cluster_snap *snap;
	const struct member *m = NULL;
	struct key key = { p->host, p->port };

	if (p->code != ERR_NONE) {
		feed_error(mv, ctx, a->ticket, (enum err_code)p->code,
		    p->error);
		mover_ask_free(a);
		return;
	}
	snap = cluster_with(ctx, key);
	if (snap != NULL)
		m = member_of(snap, key);
	if (m != NULL && a->text != NULL && !is_same(mv, a->server, m->in)) {
		feed_error(mv, ctx, a->ticket, ERR_INVALID,
		    "another server answers there");
		mover_ask_free(a);
	} else if (m != NULL) {
		take_member(mv, ctx, a, m);
	} else {
		feed_error(mv, ctx, a->ticket, ERR_NOT_FOUND,
		    "it is not shown");
		mover_ask_free(a);
	}
	shared_unref(snap);
}

void
mover_on_probed(struct mover *mv, struct ctx *ctx, const struct msg *m)
{
	struct mover_ask *a = mover_answered(mv, m->serial);

	if (a == NULL)
		return;
	if (a->what == ASK_PROBE) {
		mover_ask_free(a);
		mover_ended_one(mv, ctx);
		return;
	}
	on_looked(mv, ctx, a, as_server_probed(m));
	if (mv->state == MOVER_RUNNING)
		mover_drive(mv, ctx);
}

/* ---- a query ---- */

static struct mover_session *
session_of(struct mover *mv, struct ctx *ctx, unsigned server)
{
	struct mover_session *s = &mv->session[server];
	const struct plan_server *ps = &run_plan(mv->run)->server[server];
	const struct member *facts = run_facts(mv->run, server);
	struct key at = ps->key;
	struct session_arg arg = { .owner = act_self(ctx) };

	if (!addr_is_none(s->actor))
		return s;
	if (facts == NULL)
		facts = ps->known;
	if (facts != NULL && key_valid(facts->in->asked_key))
		at = facts->in->asked_key;
	assert(strlen(at.host) < sizeof arg.host);
	strcpy(arg.host, at.host);
	arg.port = at.port;
	*s = (struct mover_session){ .actor = act_spawn(ctx,
	    app_of(ctx)->session_class, &arg, HOME_ANY) };
	return s;
}

static uint32_t
send_text(struct mover *mv, struct ctx *ctx, struct mover_ask *a)
{
	struct mover_session *s = session_of(mv, ctx, a->server);
	dur_t left = mono_sub(a->due, act_now(ctx));

	if (left.us < 1000)
		left = DUR_MS(1);
	return act_request(ctx, s->actor, session_run, left,
	    .generation = s->generation, .text = a->text, .limit_us = left.us);
}

/* Two servers that are moved side by side may both ask a third. */
static void
send_or_wait(struct mover *mv, struct ctx *ctx, struct mover_ask *a)
{
	struct mover_session *s = session_of(mv, ctx, a->server);
	struct mover_ask **at = &mv->waiting;

	if (!s->asked) {
		s->asked = true;
		again(mv, a, send_text(mv, ctx, a));
		return;
	}
	while (*at != NULL)
		at = &(*at)->next;
	a->next = NULL;
	*at = a;
}

/* The session that answered a is free for who waits for it the longest. */
static void
session_is_free(struct mover *mv, struct ctx *ctx, unsigned server, addr_t from)
{
	struct mover_ask **at = &mv->waiting, *a;

	if (addr_eq(mv->session[server].actor, from))
		mv->session[server].asked = false;
	while ((a = *at) != NULL && a->server != server)
		at = &a->next;
	if (a == NULL || mv->session[server].asked)
		return;
	*at = a->next;
	send_or_wait(mv, ctx, a);
}

static void
query(struct mover *mv, struct ctx *ctx, const struct run_order *o)
{
	struct mover_ask *a = mem_zalloc(sizeof *a);

	a->what = ASK_QUERY;
	a->ticket = o->ticket;
	a->server = o->server;
	a->due = mono_add(act_now(ctx), o->limit);
	a->text = mem_strdup(o->text);
	if (o->secret)
		act_log(ctx, LOG_DEBUG, "a statement with a password");
	send_or_wait(mv, ctx, a);
}

static void
on_stale(struct mover *mv, struct ctx *ctx, struct mover_ask *a,
    const struct msg_session_reply *r)
{
	struct mover_session *s = &mv->session[a->server];
	bool first = !s->known;

	s->known = true;
	s->generation = r->generation;
	if (first) {
		again(mv, a, send_text(mv, ctx, a));
		return;
	}
	feed_error(mv, ctx, a->ticket, ERR_UNREACHABLE,
	    "the connection was lost");
	session_is_free(mv, ctx, a->server, s->actor);
	mover_ask_free(a);
}

void
mover_on_reply(struct mover *mv, struct ctx *ctx, const struct msg *m)
{
	const struct msg_session_reply *r = as_session_reply(m);
	struct mover_ask *a = mover_answered(mv, m->serial);

	if (a == NULL)
		return;
	if (r->stale) {
		on_stale(mv, ctx, a, r);
	} else {
		/* A lost connection is a new one's matter. */
		if (r->code != ERR_NONE && r->code != ERR_SERVER)
			mv->session[a->server].known = false;
		feed(mv, ctx, a->ticket, &(struct run_reply){
		    .code = (enum err_code)r->code, .errnum = r->errnum,
		    .error = r->error, .rows = r->rows });
		session_is_free(mv, ctx, a->server, m->from);
		mover_ask_free(a);
	}
	if (mv->state == MOVER_RUNNING)
		mover_drive(mv, ctx);
}

/* ---- pauses ---- */

static void
arm(struct mover *mv, struct ctx *ctx)
{
	dur_t left;

	act_cancel(ctx, &mv->tick);
	if (mv->pauses == NULL)
		return;
	left = mono_sub(mv->pauses->due, act_now(ctx));
	mv->tick = act_after(ctx, left, mover_tick);
}

static void
add_pause(struct mover *mv, struct ctx *ctx, unsigned ticket, dur_t d)
{
	struct mover_ask *a = mem_zalloc(sizeof *a), **at = &mv->pauses;

	a->what = ASK_PAUSE;
	a->ticket = ticket;
	a->due = mono_add(act_now(ctx), d);
	while (*at != NULL && (*at)->due.us <= a->due.us)
		at = &(*at)->next;
	a->next = *at;
	*at = a;
	arm(mv, ctx);
}

/*
 * Cancelled: a statement that still hangs after a while ends with its
 * connection, and the run looks at the server.
 */
static void
cut(struct mover *mv, struct ctx *ctx)
{
	struct mover_ask *a, *next;

	HASH_ITER (hh, mv->asks, a, next) {
		struct mover_session *s;

		if (a->what != ASK_QUERY)
			continue;
		s = &mv->session[a->server];
		act_send(ctx, s->actor, session_close);
		*s = (struct mover_session){ 0 };
	}
}

void
mover_hurry(struct mover *mv, struct ctx *ctx)
{
	add_pause(mv, ctx, 0, MOVER_CANCEL);
}

void
mover_on_tick(struct mover *mv, struct ctx *ctx)
{
	struct mover_ask *a;

	mv->tick = (timer_ref){ 0 };
	while ((a = mv->pauses) != NULL && a->due.us <= act_now(ctx).us) {
		mv->pauses = a->next;
		if (a->ticket == 0)
			cut(mv, ctx);
		else
			feed_error(mv, ctx, a->ticket, ERR_NONE, NULL);
		mover_ask_free(a);
	}
	arm(mv, ctx);
	if (mv->state == MOVER_RUNNING)
		mover_drive(mv, ctx);
}

/* ---- the journal ---- */

static void
keep(struct mover *mv, struct ctx *ctx, const struct run_order *o)
{
	mv->journalled = true;
	mover_ask(mv, act_request(ctx, app_of(ctx)->store, store_move,
	    o->limit, .id = mv->id, .kept = o->kept), ASK_KEEP, o->ticket, 0);
}

void
mover_on_kept(struct mover *mv, struct ctx *ctx, const struct msg *m)
{
	const struct msg_store_done *d = as_store_done(m);
	struct mover_ask *a = mover_answered(mv, m->serial);

	if (a == NULL)
		return;
	if (a->what == ASK_FORGET) {
		mover_ended_one(mv, ctx);
	} else {
		/* As all of the store: it never keeps us from acting. */
		if (d->code != ERR_NONE)
			act_log(ctx, LOG_WARNING, "another process could not"
			    " undo this: %s", d->error);
		feed_error(mv, ctx, a->ticket, ERR_NONE, NULL);
	}
	mover_ask_free(a);
	if (mv->state == MOVER_RUNNING)
		mover_drive(mv, ctx);
}

/* ---- all of them ---- */

void
mover_order(struct mover *mv, struct ctx *ctx, const struct run_order *o)
{
	switch (o->want) {
	case RUN_LOOK: look(mv, ctx, o); break;
	case RUN_QUERY: query(mv, ctx, o); break;
	case RUN_PAUSE: add_pause(mv, ctx, o->ticket, o->limit); break;
	case RUN_KEEP: keep(mv, ctx, o); break;
	case RUN_HOOK: mover_hook(mv, ctx, o); break;
	case RUN_PLAN: assert(!"mover_drive() takes these");
	}
}

/* Who was asked is busy or gone. */
void
mover_on_refused(struct mover *mv, struct ctx *ctx, const struct msg *m)
{
	struct mover_ask *a = mover_answered(mv, m->serial);

	if (a == NULL)
		return;
	switch (a->what) {
	case ASK_LOCK:
		mover_refuse(mv, ctx, ERR_BUSY, "locks cannot be had now");
		break;
	case ASK_UNLOCK:
	case ASK_PROBE:
	case ASK_FORGET: mover_ended_one(mv, ctx); break;
	default:
		feed_error(mv, ctx, a->ticket, ERR_BUSY,
		    sys_why(m) == REFUSED_BUSY ? "too much is asked of it" :
		    "its actor is gone");
		if (a->what == ASK_QUERY)
			session_is_free(mv, ctx, a->server,
			    mv->session[a->server].actor);
	}
	mover_ask_free(a);
	if (mv->state == MOVER_RUNNING)
		mover_drive(mv, ctx);
}

void
mover_close(struct mover *mv, struct ctx *ctx)
{
	struct mover_ask *a, *next;

	HASH_ITER (hh, mv->asks, a, next) {
		HASH_DEL(mv->asks, a);
		mover_ask_free(a);
	}
	while ((a = mv->pauses) != NULL) {
		mv->pauses = a->next;
		mover_ask_free(a);
	}
	while ((a = mv->waiting) != NULL) {
		mv->waiting = a->next;
		mover_ask_free(a);
	}
	if (ctx == NULL)
		return;
	act_cancel(ctx, &mv->tick);
	for (size_t i = 0; i < mv->sessions; i++)
		if (!addr_is_none(mv->session[i].actor))
			act_send(ctx, mv->session[i].actor, session_close);
}
