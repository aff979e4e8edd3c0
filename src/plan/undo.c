/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going back: what was remembered is brought back, newest first, as far as the
 * servers still stand as the record says.  What cannot be is said.
 *
 * A server whose undoing failed is not touched any more: its older records are
 * passed over, and how it stands is told in their place.
 */
#include "config.h"

#include "plan/run_impl.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "topology/coord.h"
#include "topology/gtid.h"

static void undo_next(struct lane *l);

/* The newest one of the lane's; the trunk undoes everybody's. */
static struct before *
take_record(struct lane *l)
{
	struct before **at = &l->run->before, *b;

	while (*at != NULL && l->track != 0 && (*at)->track != l->track)
		at = &(*at)->older;
	b = *at;
	if (b != NULL)
		*at = b->older;
	return b;
}

static void
mark_track(struct run *r, unsigned track, const char *left)
{
	struct track_result *t = &r->result[track];

	if (t->end == TRACK_DONE) {
		t->end = TRACK_FAILED;
		t->why = r->result[0].why;
		t->step = r->result[0].step;
		t->undone = true;
	}
	if (left[0] == '\0')
		return;
	t->undone = false;
	t->left = t->left[0] == '\0' ? left :
	    arena_printf(&r->arena, "%s; %s", t->left, left);
}

/* The trunk, which undoes for others, says it too. */
static void
mark(struct lane *l, unsigned track, const char *left)
{
	mark_track(l->run, track, left);
	if (l->track == 0 && track != 0)
		mark_track(l->run, 0, left);
}

void
undo_leave(struct lane *l, unsigned track, unsigned server, const char *why)
{
	static const char *const thread[] = { "none", "stopped", "running",
		"connecting" };
	struct run *r = l->run;
	const struct instance *in = run_in(r, server);
	const char *name = run_name(r, server), *text;

	text = arena_printf(&r->arena, "%s replicated from %s:%u when it was"
	    " last seen (receiver %s, applier %s): %s", name,
	    in->source_host_raw, (unsigned)in->source_key.port,
	    thread[in->io_state + 1], thread[in->sql_state + 1], why);
	if (in->source_host_raw[0] == '\0')
		text = arena_printf(&r->arena, "%s: %s", name, why);
	run_server(r, server)->trouble = text;
	run_say(r, "left: %s", text);
	mark(l, track, text);
}

void
undo_failed(struct lane *l, const char *why)
{
	if (l->undoing->kind == BEFORE_CHANNEL)
		run_server(l->run, l->undoing->server)->adrift = l->undoing;
	undo_leave(l, l->undoing->track, l->undoing->server, why);
	undo_next(l);
}

void
lane_undone(struct lane *l)
{
	mark(l, l->undoing->track, "");
	undo_next(l);
}

/* ---- threads ---- */

static void
undo_threads_on(struct lane *l)
{
	const struct before *b = l->undoing;

	threads_set(l, b->io, b->sql, b->number != 0, lane_undone);
}

/* An applier that was started until a place stops there, even if it runs. */
static void
undo_threads(struct lane *l)
{
	const struct before *b = l->undoing;

	if (run_server(l->run, b->server)->until)
		threads_set(l, b->io, false, true, undo_threads_on);
	else
		undo_threads_on(l);
}

/* ---- the channel ---- */

static const struct instance *
in_of(struct lane *l)
{
	return run_in(l->run, l->server);
}

static const char *
executed_of(const struct instance *in)
{
	return in->executed_gtid_set[0] != '\0' ? in->executed_gtid_set :
	    in->mariadb_slave_pos;
}

/*
 * By file a server can only go back when it applied nothing of the other source:
 * its old place says nothing about that.  GTID knows by itself.
 */
static bool
applied_since(struct lane *l)
{
	const struct before *b = l->undoing;
	const struct instance *in = in_of(l);

	if (b->was.by != BY_FILE)
		return false;
	if (b->executed[0] != '\0' && strcmp(b->executed, executed_of(in)) != 0)
		return true;
	return b->put.by == BY_FILE && !coord_eq(&in->exec_coord, &b->put.at);
}

static bool
is_as_before(const struct before *b, const struct instance *in)
{
	return channel_is(in, &b->was) && (b->was.by != BY_FILE ||
	    key_is_none(b->was.key) || coord_eq(&in->exec_coord, &b->was.at));
}

static enum seen
seen_before(struct lane *l)
{
	if (channel_is(in_of(l), &l->undoing->was))
		return SEEN_YES;
	err_set(&l->trouble, ERR_SERVER, "it took its old source back, and"
	    " names another");
	return SEEN_NO;
}

static lane_fn send_channel;

static void
on_channel_looked(struct lane *l)
{
	if (l->reply->code != ERR_NONE && lane_left(l).us > 0)
		lane_pause(l, DUR_MS(500), send_channel);
	else if (channel_is(in_of(l), &l->undoing->was))
		lane_undone(l);
	else if (l->unknown && l->again++ < RUN_AGAIN_MAX &&
	    lane_left(l).us > 0)
		send_channel(l);
	else
		undo_failed(l, l->trouble.text);
}

static void
on_channel_sent(struct lane *l)
{
	if (l->trouble.code == ERR_NONE)
		look_until(l, seen_before, lane_undone);
	else
		lane_look(l, l->server, on_channel_looked);
}

static void
send_channel(struct lane *l)
{
	const struct before *b = l->undoing;
	unsigned again = l->again;
	struct buf text;

	if (l->reply != NULL && l->reply->code != ERR_NONE &&
	    lane_left(l).us <= 0) {
		undo_failed(l, l->reply->error);
		return;
	}
	buf_init(&text);
	list_begin(l);
	l->again = again;
	if (key_is_none(b->was.key) && b->was.key.host[0] == '\0')
		sql_threads(&text, in_of(l), SQL_RESET_ALL);
	else
		sql_change_source(&text, in_of(l), &b->was);
	list_add(l, buf_text(&text));
	buf_fini(&text);
	list_send_unkept(l, on_channel_sent);
}

static void
undo_channel_stopped(struct lane *l)
{
	if (applied_since(l))
		undo_failed(l, "it has applied transactions there, and cannot"
		    " go back without GTID");
	else
		send_channel(l);
}

/*
 * Would it go back below a server that follows it by now, for all that is
 * known?  Then both would have no source but each other.
 */
static bool
closes_ring(struct lane *l)
{
	const struct run *r = l->run;

	for (size_t i = 0; i < r->servers; i++) {
		const struct before *b = r->server[i].adrift;

		if (b != NULL && key_eq(l->undoing->was.key,
			r->plan->server[i].key) &&
		    key_eq(b->put.key, r->plan->server[l->server].key))
			return true;
	}
	return false;
}

static void
undo_channel(struct lane *l)
{
	const struct before *b = l->undoing;
	const struct instance *in = in_of(l);

	if (is_as_before(b, in)) {
		lane_undone(l);
		return;
	}
	if (closes_ring(l)) {
		undo_failed(l, "its old source may follow it by now");
		return;
	}
	/* A statement that failed may have done half of it: host or place. */
	if (!channel_is(in, &b->put) && !channel_is(in, &b->was) &&
	    in->source_host_raw[0] != '\0' &&
	    strcmp(in->source_host_raw, b->put.key.host) != 0 &&
	    strcmp(in->source_host_raw, b->was.key.host) != 0) {
		undo_failed(l, "somebody else changed its source meanwhile");
		return;
	}
	threads_set(l, false, false, true, undo_channel_stopped);
}

/* ---- switches ---- */

static void
on_switch_sent(struct lane *l)
{
	if (l->trouble.code == ERR_NONE)
		lane_undone(l);
	else if (l->unknown && l->again++ < RUN_AGAIN_MAX &&
	    lane_left(l).us > 0) {
		l->list_at = 0;
		l->unknown = false;
		err_clear(&l->trouble);
		list_send_unkept(l, on_switch_sent);
	} else
		undo_failed(l, l->trouble.text);
}

static void
undo_switch(struct lane *l)
{
	const struct before *b = l->undoing;
	const struct instance *in = in_of(l);
	char text[200] = "";
	struct buf delay;

	list_begin(l);
	if (b->kind == BEFORE_READ_ONLY) {
		snprintf(text, sizeof text, "SET GLOBAL read_only = %d",
		    b->number != 0);
		list_add(l, text);
		if (sql_has_super(in) && b->number != 0) {
			snprintf(text, sizeof text,
			    "SET GLOBAL super_read_only = %d", b->number == 2);
			list_add(l, text);
		}
	} else if (b->kind == BEFORE_DELAY) {
		buf_init(&delay);
		sql_delay(&delay, in, b->number);
		list_add(l, buf_text(&delay));
		buf_fini(&delay);
	} else {
		snprintf(text, sizeof text, "SET GLOBAL %s = %d",
		    sql_semi_sync(in, b->kind == BEFORE_SEMI_SOURCE),
		    b->number != 0);
		list_add(l, text);
	}
	list_send_unkept(l, on_switch_sent);
}

static void
delay_stopped(struct lane *l)
{
	undo_switch(l);
}

static void
undo_delay(struct lane *l)
{
	const struct instance *in = in_of(l);

	if ((int64_t)in->sql_delay == l->undoing->number)
		lane_undone(l);
	else
		threads_set(l, false, false, true, delay_stopped);
}

/* ---- what does not go back ---- */

/* Forward: logs that were reset get their gtid_purged. */
static void
undo_logs(struct lane *l)
{
	if (in_of(l)->executed_gtid_set[0] != '\0') {
		lane_undone(l); /* not reset, or complete */
		return;
	}
	l->wanted_set = l->undoing->text;
	l->phase = 1;
	logs_on(l);
}

static void
undo_gone(struct lane *l)
{
	struct run *r = l->run;
	const char *text = arena_printf(&r->arena, "%s: %s",
	    run_name(r, l->server), l->undoing->text);

	run_say(r, "left: %s", text);
	mark(l, l->undoing->track, text);
	undo_next(l);
}

/* ---- the list ---- */

static lane_fn *const undo_of[BEFORES] = {
	[BEFORE_THREADS] = undo_threads,
	[BEFORE_CHANNEL] = undo_channel,
	[BEFORE_DELAY] = undo_delay,
	[BEFORE_READ_ONLY] = undo_switch,
	[BEFORE_SEMI_SOURCE] = undo_switch,
	[BEFORE_SEMI_REPLICA] = undo_switch,
	[BEFORE_LOGS] = undo_logs,
	[BEFORE_GONE] = undo_gone,
};

static lane_fn look_first;

static void
on_looked_first(struct lane *l)
{
	if (l->reply->code == ERR_NONE) {
		/* What follows looks at facts, not at this answer. */
		l->reply = NULL;
		undo_of[l->undoing->kind](l);
	} else if (lane_left(l).us <= 0) {
		undo_failed(l, arena_printf(&l->run->arena,
		    "it cannot be looked at: %s", l->reply->error != NULL ?
		    l->reply->error : err_name(l->reply->code)));
	} else
		lane_pause(l, DUR_MS(500), look_first);
}

static void
look_first(struct lane *l)
{
	lane_look(l, l->server, on_looked_first);
}

static void
undo_next(struct lane *l)
{
	struct run *r = l->run;
	struct before *b;

	while ((b = take_record(l)) != NULL &&
	    r->server[b->server].trouble[0] != '\0' &&
	    b->kind != BEFORE_GONE)
		if (b->kind == BEFORE_CHANNEL)
			r->server[b->server].adrift = b;
	l->undoing = b;
	if (b == NULL) {
		l->state = LANE_IDLE;
		r->turns++;
		return;
	}
	l->server = b->server;
	l->deadline = mono_add(r->now, RUN_UNDO_LIMIT);
	l->late = true; /* the deadline stands */
	l->phase = 0;
	list_begin(l);
	look_first(l);
}

void
undo_begin(struct lane *l)
{
	struct track_result *t = &l->run->result[l->track];

	assert(l->state == LANE_IDLE);
	l->state = LANE_UNDO;
	if (t->left[0] == '\0')
		t->undone = true;
	undo_next(l);
}
