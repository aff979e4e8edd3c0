/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is alike for all verbs: look, check what must hold, remember, keep, send
 * the statements, look again.
 */
#include "config.h"

#include "plan/run_impl.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "mysql/rows.h"
#include "topology/coord.h"

#define LOOK_PAUSE_MIN DUR_MS(10)
#define LOOK_PAUSE_MAX DUR_MS(500)

/* ---- what is remembered ---- */

struct before *
run_before(struct lane *l, enum before_kind kind, unsigned server)
{
	struct run *r = l->run;
	struct before *b = arena_alloc(&r->arena, sizeof *b);

	b->kind = kind;
	b->server = server;
	b->track = l->track;
	b->serial = ++r->serial;
	b->text = b->executed = "";
	b->was.key = b->put.key = KEY_NONE;
	b->was.at.file = b->put.at.file = "";
	b->was.heartbeat = b->put.heartbeat = "";
	b->older = r->before;
	r->before = b;
	return b;
}

void
run_note_threads(struct lane *l, unsigned server)
{
	struct run_server *s = run_server(l->run, server);
	const struct instance *in = run_in(l->run, server);
	struct before *b;

	if (s->found)
		return;
	s->found = true;
	s->found_io = in->io_state == THREAD_RUNNING ||
	    in->io_state == THREAD_OTHER;
	s->found_sql = in->sql_state == THREAD_RUNNING ||
	    in->sql_state == THREAD_OTHER;
	s->found_connecting = in->io_state == THREAD_OTHER;
	b = run_before(l, BEFORE_THREADS, server);
	b->io = s->found_io;
	b->sql = s->found_sql;
	b->number = s->found_connecting;
}

/* ---- the list of statements ---- */

void
list_begin(struct lane *l)
{
	buf_reset(&l->list);
	l->list_at = 0;
	l->list_secret = false;
	l->again = 0;
	l->unknown = false;
	err_clear(&l->trouble);
}

void
list_add(struct lane *l, const char *text)
{
	buf_str(&l->list, text);
	buf_chr(&l->list, '\0');
}

/* What is shown of it. */
void
run_said(struct lane *l, const char *text)
{
	struct run *r = l->run;
	const char *shown = text;

	if (l->list_secret)
		shown = "(a statement with a password)";
	if (l->state == LANE_STEP)
		buf_printf(&r->log[l->step].said, "%s\n", shown);
	run_say(r, "%s%s: %s", l->state == LANE_UNDO ? "undo " : "",
	    run_name(r, l->server), shown);
}

static void send_next(struct lane *l);

/* A connection that broke, or a time that ran out, says nothing. */
static bool
leaves_open(const struct run_reply *r)
{
	return r->code != ERR_NONE && r->code != ERR_SERVER &&
	    r->code != ERR_DENIED && r->code != ERR_BUSY;
}

static void
on_sent(struct lane *l)
{
	const char *text = l->list.data + l->list_at;
	const struct run_reply *r = l->reply;

	if (r->code != ERR_NONE) {
		err_set(&l->trouble, r->code, "%s: %s",
		    l->list_secret ? "the statement" : text,
		    r->error != NULL ? r->error : err_name(r->code));
		l->errnum = r->errnum;
		l->unknown = leaves_open(r);
		l->list_end(l);
		return;
	}
	l->list_at += strlen(text) + 1;
	send_next(l);
}

static void
send_next(struct lane *l)
{
	const char *text = l->list.data + l->list_at;

	if (l->list_at >= l->list.len) {
		l->list_end(l);
		return;
	}
	run_said(l, text);
	lane_query(l, l->server, text, lane_left(l), l->list_secret, on_sent);
}

void
list_send_unkept(struct lane *l, lane_fn *end)
{
	l->list_end = end;
	send_next(l);
}

static void
on_kept(struct lane *l)
{
	if (l->reply->code != ERR_NONE) {
		lane_fail(l, l->reply->code, "cannot be noted before it is"
		    " done: %s", l->reply->error);
		return;
	}
	send_next(l);
}

void
list_send(struct lane *l, lane_fn *end)
{
	l->list_end = end;
	lane_keep(l, on_kept);
}

const char *
reply_value(struct lane *l, bool *any)
{
	const char *value = NULL;
	struct rows rows;

	*any = false;
	rows_init(&rows, l->reply->rows);
	while (rows_next_result(&rows))
		while (rows_next(&rows)) {
			*any = true;
			value = rows.value[0];
		}
	return value == NULL ? NULL : arena_strdup(&l->arena, value);
}

/* ---- until it is seen ---- */

static void look_again(struct lane *l);

static void
on_pause_over(struct lane *l)
{
	look_again(l);
}

static void
wait_more(struct lane *l)
{
	l->pause.us = l->pause.us == 0 ? LOOK_PAUSE_MIN.us : l->pause.us * 2;
	if (l->pause.us > LOOK_PAUSE_MAX.us)
		l->pause = LOOK_PAUSE_MAX;
	lane_pause(l, l->pause, on_pause_over);
}

static void
on_looked_again(struct lane *l)
{
	enum seen seen;

	if (l->reply->code != ERR_NONE && lane_is_blind(l)) {
		lane_fail(l, ERR_TIMEOUT, "%s%sit is not known how it stands:"
		    " %s", l->trouble.text,
		    l->trouble.text[0] != '\0' ? "; " : "",
		    l->reply->error != NULL ? l->reply->error :
		    err_name(l->reply->code));
		return;
	}
	if (l->reply->code != ERR_NONE) {
		wait_more(l);
		return;
	}
	seen = l->seen(l);
	if (seen == SEEN_NOT_YET && lane_left(l).us > 0)
		wait_more(l);
	else if (seen == SEEN_YES)
		l->after(l);
	else
		lane_fail(l, l->trouble.code != ERR_NONE ? l->trouble.code :
		    ERR_TIMEOUT, "%s", l->trouble.text[0] != '\0' ?
		    l->trouble.text : "the step's time is over");
}

static void
look_again(struct lane *l)
{
	lane_look(l, l->server, on_looked_again);
}

void
look_until(struct lane *l, seen_fn *seen, lane_fn *after)
{
	l->seen = seen;
	l->after = after;
	l->pause = DUR_ZERO;
	l->trouble_since = (mono_t){ 0 };
	l->looked_since = l->run->now;
	/* What was done must be looked at, even when time is up. */
	lane_time_to_decide(l);
	look_again(l);
}

/* ---- a plain step ---- */

static const struct verb_way *
way_of(const struct lane *l)
{
	return &verb_ways[lane_step(l)->verb];
}

static void on_list_end(struct lane *l);

static enum seen
seen_after_all(struct lane *l)
{
	const struct verb_way *way = way_of(l);

	if (way->is_so != NULL && way->is_so(l)) {
		err_clear(&l->trouble);
		return SEEN_YES;
	}
	return SEEN_NO;
}

static void
on_decided(struct lane *l)
{
	lane_done(l);
}

/* Nobody knows whether it arrived: the server does. */
static void
on_looked_for_outcome(struct lane *l)
{
	const struct verb_way *way = way_of(l);

	if (l->reply->code != ERR_NONE && !lane_is_blind(l)) {
		lane_pause(l, LOOK_PAUSE_MAX, on_list_end);
		return;
	}
	if (l->reply->code == ERR_NONE && seen_after_all(l) == SEEN_YES) {
		if (way->seen == NULL)
			lane_done(l);
		else
			look_until(l, way->seen, on_decided);
		return;
	}
	if (l->reply->code == ERR_NONE && way->may_repeat &&
	    l->again++ < RUN_AGAIN_MAX && lane_left(l).us > 0) {
		l->unknown = false;
		l->list_at = 0;
		list_send_unkept(l, on_list_end);
		return;
	}
	lane_fail(l, l->trouble.code, "%s", l->trouble.text);
}

static void
on_list_end(struct lane *l)
{
	const struct verb_way *way = way_of(l);

	if (l->trouble.code != ERR_NONE && !l->unknown) {
		lane_fail(l, l->trouble.code, "%s", l->trouble.text);
	} else if (l->unknown) {
		lane_time_to_decide(l);
		lane_look(l, l->server, on_looked_for_outcome);
	} else if (way->seen != NULL) {
		look_until(l, way->seen, on_decided);
	} else
		lane_done(l);
}

static void
begin_plain(struct lane *l)
{
	const struct verb_way *way = way_of(l);
	struct sql_ask ask = { 0 };

	if (way->is_so != NULL && way->is_so(l)) {
		lane_nothing(l);
		return;
	}
	if (way->remember != NULL)
		way->remember(l);
	list_begin(l);
	ask.super = l->run->world->policy->super_read_only;
	list_step(l, &ask);
	list_send(l, on_list_end);
}

void
list_step(struct lane *l, const struct sql_ask *more)
{
	struct sql_ask ask = *more;

	ask.step = lane_step(l);
	ask.in = run_in(l->run, l->server);
	sql_step(&l->list, &ask);
}

/* ---- before a step ---- */

static const struct member *
facts_of(struct lane *l, unsigned server)
{
	struct run *r = l->run;

	if (server == PLAN_NOBODY)
		return NULL;
	if (r->server[server].read)
		return &r->server[server].now;
	return r->plan->server[server].known;
}

static void
check_needs(struct lane *l)
{
	const struct step *s = lane_step(l);
	struct run_server *rs = run_server(l->run, s->server);
	struct err err = ERR_INIT;

	for (unsigned n = 0; n < NEEDS; n++) {
		if ((s->needs & (UINT64_C(1) << n)) == 0)
			continue;
		if (facts_of(l, s->server) == NULL) {
			lane_fail(l, ERR_NOT_FOUND, "nothing is known of it");
			return;
		}
		if (need_check((enum need)n, facts_of(l, s->server),
			facts_of(l, s->to), rs->was_read ? &rs->was : NULL,
			l->run->world, &err) != ERR_NONE) {
			lane_fail(l, err.code, "%s", err.text);
			return;
		}
	}
	if (verb_ways[s->verb].begin != NULL)
		verb_ways[s->verb].begin(l);
	else if (verb_changes(s->verb))
		begin_plain(l);
	else
		lane_done(l);
}

/* The servers whose facts the step needs, each once. */
static unsigned
to_look(const struct lane *l, unsigned out[3])
{
	const struct step *s = lane_step(l);
	const struct plan *p = l->run->plan;
	unsigned n = 0;

	out[n++] = s->server;
	if (s->to != PLAN_NOBODY && s->to != s->server &&
	    p->server[s->to].reached)
		out[n++] = s->to;
	if ((s->at.kind == AT_OWN_OF || s->at.kind == AT_EXECUTED_OF) &&
	    s->at.server != s->server && (n == 1 || s->at.server != s->to))
		out[n++] = s->at.server;
	return n;
}

static bool
is_fresh(const struct run *r, unsigned server)
{
	const struct run_server *s = &r->server[server];

	return s->read && !s->touched &&
	    mono_sub(r->now, s->read_at).us <= RUN_FRESH.us;
}

static void look_next(struct lane *l);

static void
on_looked(struct lane *l)
{
	unsigned server = l->order.server;
	const struct step *s = lane_step(l);
	uint64_t gone = UINT64_C(1) << NEED_UNREACHABLE;

	if (l->reply->code != ERR_NONE &&
	    !(server == s->server && (s->needs & gone) != 0)) {
		l->server = server;
		lane_fail(l, l->reply->code, "it cannot be looked at: %s",
		    l->reply->error != NULL ? l->reply->error :
		    err_name(l->reply->code));
		return;
	}
	look_next(l);
}

static void
look_next(struct lane *l)
{
	unsigned who[3], n = to_look(l, who);

	while (l->looked < n) {
		unsigned server = who[l->looked++];

		if (!is_fresh(l->run, server)) {
			lane_look(l, server, on_looked);
			return;
		}
	}
	check_needs(l);
}

void
step_begin(struct lane *l)
{
	l->looked = 0;
	l->phase = 0;
	l->count = 0;
	l->late = false;
	list_begin(l);
	look_next(l);
}
