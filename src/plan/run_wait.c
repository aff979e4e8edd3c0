/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for a place to be reached: the server waits, a slice at a time, and
 * between slices we look at the clock and at it.  An applier that stopped ends
 * the wait with its error; so does a receiver that cannot connect for a while
 * when all that it received is applied: what is waited for cannot come.
 */
#include "config.h"

#include "plan/run_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "topology/coord.h"
#include "topology/gtid.h"

static lane_fn wait_slice;

static const struct instance *
in_of(struct lane *l)
{
	return run_in(l->run, l->server);
}

static const char *
goal_text(struct lane *l)
{
	char text[COORD_TEXT_MAX];

	if (l->wait_gtid != NULL)
		return l->wait_gtid;
	return arena_strdup(&l->arena, coord_text(&l->at, text));
}

static bool
has_reached(struct lane *l)
{
	const struct instance *in = in_of(l);

	return l->wait_gtid == NULL && coord_comparable(&in->exec_coord,
	    &l->at) && coord_cmp(&in->exec_coord, &l->at) >= 0;
}

static void
fail_late(struct lane *l)
{
	char at[COORD_TEXT_MAX];

	lane_fail(l, ERR_TIMEOUT, "%.200s was not executed in time; it is at"
	    " %.200s", goal_text(l), l->wait_gtid != NULL ?
	    in_of(l)->executed_gtid_set : coord_text(&in_of(l)->exec_coord, at));
}

/* The applier does not run, so the server does not wait. */
static void
on_looked_why(struct lane *l)
{
	const struct instance *in = in_of(l);

	if (l->reply->code == ERR_NONE && has_reached(l))
		l->wait_end(l);
	else if (lane_left(l).us <= 0)
		fail_late(l);
	else if (l->reply->code != ERR_NONE && lane_is_blind(l))
		lane_fail(l, l->reply->code, "it cannot be looked at: %s",
		    l->reply->error);
	else if (l->reply->code != ERR_NONE || in->sql_state == THREAD_RUNNING)
		lane_pause(l, DUR_MS(200), wait_slice);
	else
		lane_fail(l, ERR_SERVER, "its applier stopped before %.200s:"
		    " %s", goal_text(l), in->last_sql_error[0] != '\0' ?
		    in->last_sql_error : "without an error");
}

static void
look_why(struct lane *l)
{
	lane_look(l, l->server, on_looked_why);
}

/* Nothing more comes, and nothing is left to be applied. */
static bool
is_dry(const struct instance *in)
{
	return in->io_state != THREAD_RUNNING &&
	    coord_eq(&in->read_coord, &in->exec_coord);
}

/* A server that waits for a GTID set does not say that its threads ended. */
static void
on_looked_between(struct lane *l)
{
	const struct instance *in = in_of(l);

	if (l->reply->code != ERR_NONE) {
		on_looked_why(l);
		return;
	}
	l->dry = is_dry(in) ? l->dry + 1 : 0;
	if (has_reached(l))
		l->wait_end(l);
	else if (in->sql_state == THREAD_STOPPED && l->wait_gtid != NULL)
		on_looked_why(l);
	else if (l->dry < RUN_DRY_SLICES)
		wait_slice(l);
	else
		lane_fail(l, ERR_UNREACHABLE, "its receiver does not run, and"
		    " %.200s has not come: %s", goal_text(l),
		    in->last_io_error[0] != '\0' ? in->last_io_error :
		    "without an error");
}

static void
on_waited(struct lane *l)
{
	bool any, lost = l->reply->code != ERR_NONE &&
	    l->reply->code != ERR_SERVER && l->reply->code != ERR_DENIED;
	const char *value = lost ? NULL : reply_value(l, &any);
	bool over;

	if (l->reply->code != ERR_NONE && !lost) {
		lane_fail(l, l->reply->code, "it cannot wait for %.200s: %s",
		    goal_text(l), l->reply->error);
		return;
	}
	if (value == NULL) {
		if (lane_left(l).us <= 0)
			fail_late(l);
		else
			look_why(l);
		return;
	}
	over = value[0] == '-' || (l->wait_gtid != NULL && value[0] == '1');
	if (!over)
		l->wait_end(l);
	else if (lane_left(l).us <= 0)
		fail_late(l);
	else
		lane_look(l, l->server, on_looked_between);
}

static void
wait_slice(struct lane *l)
{
	const struct instance *in = in_of(l);
	dur_t limit = { RUN_SLACK.us + RUN_SLICE_S * INT64_C(1000000) };
	struct buf b;

	buf_init(&b);
	if (l->wait_gtid != NULL)
		sql_wait_gtid(&b, in, l->wait_gtid, RUN_SLICE_S);
	else
		sql_wait_coord(&b, in, &l->at, RUN_SLICE_S);
	if (l->run->log[l->step].said.len == 0 ||
	    strstr(l->run->log[l->step].said.data, buf_text(&b)) == NULL)
		run_said(l, buf_text(&b));
	lane_query(l, l->server, buf_text(&b), limit, false, on_waited);
	buf_fini(&b);
}

static void
wait_for_coord(struct lane *l, const struct coord *at, lane_fn *after)
{
	l->at = *at;
	l->at.file = arena_strdup(&l->arena, at->file);
	l->wait_gtid = NULL;
	l->wait_end = after;
	l->dry = 0;
	if (has_reached(l))
		after(l);
	else
		wait_slice(l);
}

static void
wait_for_gtid(struct lane *l, const char *set, lane_fn *after)
{
	l->wait_gtid = arena_strdup(&l->arena, set);
	l->wait_end = after;
	l->dry = 0;
	wait_slice(l);
}

/* ---- WAIT_FOR ---- */

/* What only that server itself has made need not be waited for. */
static const char *
without_own(struct lane *l, const struct instance *of)
{
	struct gtid_set set;
	struct gtid_uuid own;
	struct buf b;
	const char *text = of->executed_gtid_set;

	gtid_set_init(&set);
	buf_init(&b);
	if (gtid_set_parse(&set, text, NULL) == ERR_NONE &&
	    gtid_uuid_parse(&own, of->server_uuid, NULL) == ERR_NONE) {
		gtid_set_remove_uuid(&set, own);
		gtid_set_text(&set, &b);
		text = arena_strdup(&l->arena, buf_text(&b));
	}
	buf_fini(&b);
	gtid_set_fini(&set);
	return text;
}

/* NULL: not by GTID. */
static const char *
gtid_goal(struct lane *l, const struct step *s)
{
	const struct instance *in = in_of(l), *of;

	if (s->at.kind != AT_OWN_OF && s->at.kind != AT_EXECUTED_OF)
		return NULL;
	of = run_in(l->run, s->at.server);
	if (in->using_oracle_gtid)
		return s->at.kind == AT_OWN_OF ? of->executed_gtid_set :
		    without_own(l, of);
	/* MariaDB knows its position also when it replicates by file. */
	if (in->using_mariadb_gtid ||
	    (sql_is_mariadb(in) && of->using_mariadb_gtid))
		return s->at.kind == AT_OWN_OF && of->mariadb_binlog_pos[0] !=
		    '\0' ? of->mariadb_binlog_pos : of->mariadb_slave_pos;
	return NULL;
}

bool
run_place(struct lane *l, const struct plan_at *at, struct coord *out)
{
	struct run *r = l->run;

	switch (at->kind) {
	case AT_GIVEN: *out = at->coord; break;
	case AT_OWN_OF: *out = run_in(r, at->server)->self_coord; break;
	case AT_EXECUTED_OF: *out = run_in(r, at->server)->exec_coord; break;
	case AT_MATCHED_OF: *out = run_server(r, at->server)->matched; break;
	case AT_NONE: *out = (struct coord){ .file = "" }; break;
	}
	out->file = arena_strdup(&r->arena, out->file);
	return !coord_is_none(out);
}

void
begin_wait_for(struct lane *l)
{
	const struct step *s = lane_step(l);
	const char *set = gtid_goal(l, s);
	struct coord at;

	if (set != NULL && set[0] == '\0')
		lane_nothing(l);
	else if (set != NULL)
		wait_for_gtid(l, set, lane_done);
	else if (run_place(l, &s->at, &at))
		wait_for_coord(l, &at, lane_done);
	else
		lane_fail(l, ERR_INVALID, "there is no place to wait for");
}

/* ---- STOP_NICELY ---- */

static void
stop_applier(struct lane *l)
{
	threads_set(l, false, false, true, lane_done);
}

static void
on_all_applied(struct lane *l)
{
	lane_look(l, l->server, stop_applier);
}

static void
apply_all(struct lane *l)
{
	const struct instance *in = in_of(l);

	if (in->sql_delay > 0 || coord_is_none(&in->read_coord) ||
	    coord_eq(&in->read_coord, &in->exec_coord))
		stop_applier(l);
	else
		wait_for_coord(l, &in->read_coord, on_all_applied);
}

void
begin_stop_nicely(struct lane *l)
{
	const struct instance *in = in_of(l);
	bool all = coord_eq(&in->read_coord, &in->exec_coord);

	if (in->io_state == THREAD_NONE && in->sql_state == THREAD_NONE) {
		lane_nothing(l);
		return;
	}
	run_note_threads(l, l->server);
	threads_set(l, false, in->sql_state == THREAD_RUNNING || !all, true,
	    apply_all);
}

/* ---- START_UNTIL ---- */

static void
on_until_stopped(struct lane *l)
{
	char is[COORD_TEXT_MAX], at[COORD_TEXT_MAX];
	const struct instance *in = in_of(l);

	if (coord_eq(&in->exec_coord, &l->at))
		lane_done(l);
	else
		lane_fail(l, ERR_INVALID, "it was to apply until %.200s"
		    " and is at %.200s", coord_text(&l->at, at),
		    coord_text(&in->exec_coord, is));
}

static void
stop_there(struct lane *l)
{
	threads_set(l, false, false, true, on_until_stopped);
}

static void
on_until_reached(struct lane *l)
{
	lane_look(l, l->server, stop_there);
}

static void
on_until_started(struct lane *l)
{
	if (l->trouble.code != ERR_NONE && !l->unknown)
		lane_fail(l, l->trouble.code, "%s", l->trouble.text);
	else
		wait_for_coord(l, &l->at, on_until_reached);
}

static void
start_until(struct lane *l, const struct coord *at)
{
	struct sql_ask ask = { .at = *at };

	run_note_threads(l, l->server);
	run_server(l->run, l->server)->until = true;
	l->at = ask.at;
	list_begin(l);
	run_prepare_semi_sync(l);
	sql_start_until(&l->list, in_of(l), at);
	buf_chr(&l->list, '\0');
	list_send(l, on_until_started);
}

void
begin_start_until(struct lane *l)
{
	const struct instance *in = in_of(l);
	char is[COORD_TEXT_MAX], text[COORD_TEXT_MAX];
	struct coord at;

	if (!run_place(l, &lane_step(l)->at, &at))
		lane_fail(l, ERR_INVALID, "there is no place to apply until");
	else if (!both_stopped(in))
		lane_fail(l, ERR_INVALID, "its replication threads run");
	else if (coord_eq(&in->exec_coord, &at))
		lane_nothing(l);
	else if (coord_comparable(&in->exec_coord, &at) &&
	    coord_cmp(&in->exec_coord, &at) > 0)
		lane_fail(l, ERR_INVALID, "it executed until %.200s, beyond"
		    " %.200s", coord_text(&in->exec_coord, is),
		    coord_text(&at, text));
	else
		start_until(l, &at);
}
