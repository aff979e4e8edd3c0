/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last event of a kind in a server's logs: the last marker, the last one
 * that was executed of a relay log.
 *
 * Rows are dear and passing over them is cheap: "limit 40000,1" costs the
 * server a tenth of sending 40000 rows, and us nothing.  So the file's end is
 * sought by looking ahead at doubling, then halving distances, and the places
 * seen on the way part the file into pieces that get larger towards its
 * beginning.  They are read from the last one backwards.
 */
#include "config.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "plan/pgtid_impl.h"

enum { FIRST_POS = 4, STEP_FIRST = 1024 };

static bool
same_file(const struct coord *a, const struct coord *b)
{
	return strcmp(a->file, b->file) == 0;
}

/* Beyond what counts. */
static bool
is_beyond(const struct last_search *l, int64_t pos)
{
	return same_file(&l->limit, &l->file) && pos >= l->limit.pos;
}

/* Places of the past in this file, oldest first, after its beginning. */
static void
take_history(struct pgtid *s)
{
	struct last_search *l = &s->last;
	const struct pgtid_history *h = &s->history[PGTID_A];
	const struct coord *at = l->relay ? h->relay : h->own;

	l->from[0] = FIRST_POS;
	l->n = 1;
	for (size_t i = l->relay ? h->relays : h->owns; i-- > 0;)
		if (same_file(&at[i], &l->file) && !is_beyond(l, at[i].pos)
		    && at[i].pos > l->from[l->n - 1])
			l->from[l->n++] = at[i].pos;
}

static void
open_at(struct pgtid *s, uint64_t skip)
{
	struct last_search *l = &s->last;
	struct coord at = l->file;

	at.pos = l->from[l->n - 1];
	log_open(&s->log[PGTID_A], &at, skip);
}

static void
look(struct pgtid *s, uint64_t step)
{
	struct last_search *l = &s->last;

	l->state = LAST_LOOK;
	l->step = step;
	open_at(s, step);
	s->log[PGTID_A].chunk = 1;
}

static void
scan(struct pgtid *s)
{
	s->last.state = LAST_SCAN;
	open_at(s, 0);
}

static void
open_file(struct pgtid *s)
{
	struct last_search *l = &s->last;

	l->rows = 0;
	l->to = 0;
	take_history(s);
	look(s, STEP_FIRST);
}

/* Something is there, that many rows on, or nothing. */
static void
looked(struct pgtid *s, int64_t pos, bool there)
{
	struct last_search *l = &s->last;

	if (!there)
		l->rows = l->step;
	else if (l->rows > 0)
		l->rows -= l->step;
	if (there && pos > l->from[l->n - 1])
		l->from[l->n++] = pos;
	if (l->n == TAIL_STACK_MAX || (l->rows > 0 && l->rows <= STEP_FIRST))
		scan(s);
	else
		look(s, l->rows > 0 ? l->rows / 2 : l->step * 2);
}

/* A place of the past at which no event begins: the log is another one. */
static bool
drop_place(struct pgtid *s)
{
	struct last_search *l = &s->last;

	if (l->n == 1)
		return false;
	l->n = 1;
	look(s, STEP_FIRST);
	return true;
}

static bool
previous_file(struct pgtid *s)
{
	struct last_search *l = &s->last;

	if (!s->r.exhaustive && s->r.goal == PGTID_LAST)
		return false;
	if (coord_previous_file(&l->file, &l->file, &s->arena, NULL)
	    != ERR_NONE)
		return false;
	open_file(s);
	return true;
}

/* The piece before the one that had none. */
static bool
previous_piece(struct pgtid *s)
{
	struct last_search *l = &s->last;

	if (l->n == 1)
		return previous_file(s);
	l->to = l->from[l->n - 1];
	l->n--;
	scan(s);
	return true;
}

static bool
is_wanted(struct pgtid *s, const struct log_event *e)
{
	if (s->r.goal == PGTID_LAST_RELAY || s->r.goal == PGTID_RELAY)
		return event_counts(&s->rule, e);
	return event_is_marker(&s->rule, e);
}

/* The next look or scan, or the end; what was read was no event. */
static enum turn
at_end(struct pgtid *s, enum log_got got)
{
	struct last_search *l = &s->last;

	if (got == LOG_BAD && drop_place(s))
		return TURN_WAIT;
	if (got == LOG_GONE && l->files == 0)
		return search_log_failed(s, PGTID_A, got);
	if (got == LOG_GONE)
		return TURN_OVER;
	if (got != LOG_END)
		return search_log_failed(s, PGTID_A, got);
	if (l->state == LAST_LOOK) {
		looked(s, 0, false);
		return TURN_WAIT;
	}
	l->files++;
	return l->best.found || !previous_piece(s) ? TURN_OVER : TURN_WAIT;
}

/* One row, or what there is instead.  WAIT: something was opened or asked. */
static enum turn
step(struct pgtid *s)
{
	struct last_search *l = &s->last;
	struct log_reader *r = &s->log[PGTID_A];
	struct log_event e;
	enum log_got got = log_next(r, &e);

	if (got == LOG_ASK)
		return search_read(s, PGTID_A);
	if (got != LOG_EVENT)
		return at_end(s, got);
	if (l->state == LAST_LOOK) {
		looked(s, e.pos, !is_beyond(l, e.pos));
		return TURN_WAIT;
	}
	if (is_beyond(l, e.pos) || (l->to > 0 && e.pos >= l->to))
		return at_end(s, LOG_END);
	if (is_wanted(s, &e))
		mark_set(s, &l->best, PGTID_A, &e);
	return TURN_WAIT;
}

/* OVER also when nothing was found; s->last.best tells. */
static enum turn
run(struct pgtid *s)
{
	enum turn turn;

	do
		turn = step(s);
	while (turn == TURN_WAIT && s->asking == ASK_NOTHING);
	return turn;
}

static void
begin(struct pgtid *s, bool relay, const struct coord *limit)
{
	const struct instance *a = &s->in[PGTID_A];
	struct last_search *l = &s->last;

	*l = (struct last_search){ .relay = relay, .limit = *limit };
	l->file = !coord_is_none(limit) ? *limit
	    : relay ? a->relay_coord : a->self_coord;
	l->file.relay = relay;
	open_file(s);
}

/* ---- markers ---- */

/* May A's own log be compared with B's? */
static bool
reads_binlog(const struct pgtid *s)
{
	const struct instance *a = &s->in[PGTID_A], *b = &s->in[PGTID_B];

	if (!a->log_bin || s->rule.relay_only || coord_is_none(&a->self_coord))
		return false;
	if (s->r.goal == PGTID_CORRELATE)
		return true;
	return (a->log_replica_updates || key_is_none(a->source_key))
	    && (s->r.b == NULL
	    || strcasecmp(a->binlog_format, b->binlog_format) == 0);
}

static struct coord
binlog_limit(const struct pgtid *s)
{
	if (s->r.goal != PGTID_CORRELATE)
		return (struct coord){ .file = "" };
	return coord_is_none(&s->r.at) ? s->in[PGTID_A].self_coord : s->r.at;
}

static enum turn
nothing_found(struct pgtid *s)
{
	return search_fail(s, ERR_NOT_FOUND,
	    "no Pseudo-GTID entry in the logs of %s", s->log[PGTID_A].name);
}

static enum turn
marker_found(struct pgtid *s)
{
	s->marker = s->last.best;
	s->result.at = s->result.found = s->marker.at;
	result_event(s, &s->marker);
	return TURN_OVER;
}

/* The binary log had none: the relay log may. */
static enum turn
try_relay(struct pgtid *s)
{
	const struct coord *at = &s->in[PGTID_A].relay_coord;

	if (s->r.goal == PGTID_CORRELATE || coord_is_none(at))
		return nothing_found(s);
	begin(s, true, at);
	return run(s);
}

enum turn
last_marker(struct pgtid *s)
{
	struct last_search *l = &s->last;
	struct coord limit = binlog_limit(s);
	enum turn turn;

	if (l->n == 0 && reads_binlog(s))
		begin(s, false, &limit);
	if (l->n == 0)
		return try_relay(s);
	turn = run(s);
	if (turn == TURN_OVER && !l->best.found && !l->relay)
		turn = try_relay(s);
	if (turn != TURN_OVER)
		return turn;
	return l->best.found ? marker_found(s) : nothing_found(s);
}

/* ---- executed events ---- */

enum turn
last_relay_event(struct pgtid *s)
{
	const struct coord *at = &s->in[PGTID_A].relay_coord;
	struct last_search *l = &s->last;
	enum turn turn;

	if (coord_is_none(at))
		return search_fail(s, ERR_INVALID, "%s has no relay log",
		    s->log[PGTID_A].name);
	if (l->n == 0)
		begin(s, true, at);
	turn = run(s);
	if (turn != TURN_OVER)
		return turn;
	if (!l->best.found)
		return search_fail(s, ERR_NOT_FOUND,
		    "no executed event in the relay logs of %s",
		    s->log[PGTID_A].name);
	s->marker = l->best;
	s->result.at = s->result.found = s->marker.at;
	result_event(s, &s->marker);
	return TURN_OVER;
}
