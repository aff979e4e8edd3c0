/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the marker on both servers on, side by side: what A has, B must have, in
 * the same order.  Where A ends, B's place is the answer.
 *
 * Events are equal when the server that wrote them first and their text are
 * (event_normalise()).  The server's number tells transactions that were
 * written on A or B alone, also where the text of rows would not.
 */
#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "plan/pgtid_impl.h"

/* ---- A ---- */

/* Where A's walk ends: none for a binary log that is read to its end. */
static struct coord
end_of_a(const struct pgtid *s)
{
	const struct instance *a = &s->in[PGTID_A];

	if (s->marker.place.at.relay)
		return a->relay_coord;
	if (s->r.goal == PGTID_CORRELATE)
		return coord_is_none(&s->r.at) ? a->self_coord : s->r.at;
	return (struct coord){ .file = "" };
}

/* The last file that A has. */
static struct coord
last_of_a(const struct pgtid *s)
{
	struct coord end = end_of_a(s);

	return coord_is_none(&end) ? s->in[PGTID_A].self_coord : end;
}

static enum turn
ends_too_early(struct pgtid *s)
{
	const struct log_reader *r = &s->log[PGTID_A];
	struct coord last = last_of_a(s);
	char text[COORD_TEXT_MAX];

	return search_fail(s, ERR_INVALID,
	    "%s: its log ends at %.100s:%" PRId64 ", before %.150s", r->name,
	    r->next.at.file, r->next.at.pos, coord_text(&last, text));
}

/* At the end of a file: on in the next one, or the end. */
static enum turn
a_file_ended(struct pgtid *s, bool *over)
{
	struct log_reader *r = &s->log[PGTID_A];
	struct coord last = last_of_a(s), at = r->next.at;

	if (!coord_comparable(&at, &last))
		return ends_too_early(s);
	if (coord_files_apart(&at, &last) > 0) {
		if (coord_next_file(&at, &at, &s->arena, NULL) != ERR_NONE)
			return ends_too_early(s);
		log_open(r, &at, 0);
		return TURN_WAIT;
	}
	if (r->next.payload_end != 0)
		at.pos = r->next.payload_end;
	/* A row of a relay log does not tell where it ends. */
	if (!at.relay && strcmp(at.file, last.file) == 0 && at.pos < last.pos)
		return ends_too_early(s);
	*over = true;
	return TURN_WAIT;
}

/* Is e at the end?  FAILED: the end is inside of what is before. */
static enum turn
check_end(struct pgtid *s, const struct log_event *e, bool *over)
{
	const struct log_reader *r = &s->log[PGTID_A];
	struct coord end = end_of_a(s), at = r->before.at;
	char text[COORD_TEXT_MAX];
	int order;

	at.pos = e->pos;
	order = coord_is_none(&end) ? -1 : coord_cmp(&at, &end);
	*over = order == 0;
	if (order <= 0)
		return TURN_WAIT;
	return search_fail(s, ERR_INVALID, "%s: no event begins at %.200s",
	    r->name, coord_text(&end, text));
}

/* The next event of A that counts, or its end. */
static enum turn
read_a(struct pgtid *s, bool *over)
{
	struct log_reader *r = &s->log[PGTID_A];
	struct log_event *e = &s->a_event;
	enum log_got got = log_next(r, e);
	enum turn turn;

	if (got == LOG_ASK)
		return search_read(s, PGTID_A);
	if (got == LOG_END)
		return a_file_ended(s, over);
	if (got != LOG_EVENT)
		return search_log_failed(s, PGTID_A, got);
	turn = check_end(s, e, over);
	if (turn == TURN_FAILED || *over)
		return turn;
	s->a_held = event_counts(&s->rule, e);
	return TURN_WAIT;
}

/* ---- B ---- */

static enum turn
more_advanced(struct pgtid *s)
{
	char text[COORD_TEXT_MAX];
	struct coord at = s->log[PGTID_A].before.at;

	at.pos = s->a_event.pos;
	return search_fail(s, ERR_INVALID,
	    "%s is more advanced than %s: its event at %.150s is not there",
	    s->log[PGTID_A].name, s->log[PGTID_B].name,
	    coord_text(&at, text));
}

static enum turn
read_b(struct pgtid *s)
{
	struct log_reader *r = &s->log[PGTID_B];
	struct coord at = r->next.at;
	enum log_got got = log_next(r, &s->b_event);

	switch (got) {
	case LOG_ASK: return search_read(s, PGTID_B);
	case LOG_END:
		if (coord_next_file(&at, &at, &s->arena, NULL) != ERR_NONE)
			return more_advanced(s);
		log_open(r, &at, 0);
		s->b_past_end = true;
		return TURN_WAIT;
	case LOG_GONE:
		return s->b_past_end ? more_advanced(s)
		    : search_log_failed(s, PGTID_B, got);
	case LOG_EVENT:
		s->b_held = event_counts(&s->rule, &s->b_event);
		return TURN_WAIT;
	default: return search_log_failed(s, PGTID_B, got);
	}
}

/* ---- both ---- */

static const char *
normalised(struct pgtid *s, enum pgtid_side side, const struct log_event *e)
{
	struct buf *b = &s->text[side];

	buf_reset(b);
	if (event_is_marker(&s->rule, e))
		marker_name(&s->rule, e->info, b);
	else
		event_normalise(e->info, b);
	return buf_text(b);
}

static enum turn
differ(struct pgtid *s)
{
	const struct log_event *a = &s->a_event, *b = &s->b_event;

	return search_fail(s, ERR_INVALID,
	    "the logs differ: %s has, at %.60s:%" PRId64
	    ", \"%.70s\" of server %" PRIu64 ", and %s, at %.60s:%" PRId64
	    ", \"%.70s\" of server %" PRIu64, s->log[PGTID_A].name,
	    s->log[PGTID_A].before.at.file, a->pos, a->info, a->server_id,
	    s->log[PGTID_B].name, s->log[PGTID_B].before.at.file, b->pos,
	    b->info, b->server_id);
}

static enum turn
compare(struct pgtid *s)
{
	const struct log_event *a = &s->a_event, *b = &s->b_event;
	const char *x = normalised(s, PGTID_A, a);
	const char *y = normalised(s, PGTID_B, b);

	if (a->server_id != b->server_id || strcmp(x, y) != 0)
		return differ(s);
	s->trx = event_trx(s->trx, x);
	s->result.found = log_after(&s->log[PGTID_B], b);
	s->result.matched++;
	s->a_held = s->b_held = false;
	return TURN_WAIT;
}

/* A has no more. */
static enum turn
a_ended(struct pgtid *s)
{
	if (s->result.matched == 0)
		return search_fail(s, ERR_INVALID,
		    "%s: nothing to compare behind %.300s",
		    s->log[PGTID_A].name, s->marker.name);
	if (s->trx != TRX_NONE && s->r.goal == PGTID_MATCH)
		return search_fail(s, ERR_INVALID,
		    "%s: its log ends inside of a transaction",
		    s->log[PGTID_A].name);
	if (s->result.found.pos <= 0)
		return search_fail(s, ERR_INVALID,
		    "%s does not say where its last event ends",
		    s->log[PGTID_B].name);
	return TURN_OVER;
}

enum turn
walk(struct pgtid *s)
{
	enum turn turn = TURN_WAIT;
	bool over = false;

	if (!s->walking) {
		s->walking = true;
		s->result.found.file = "";
		log_open_place(&s->log[PGTID_A], &s->marker.place);
		log_open_place(&s->log[PGTID_B], &s->twin.place);
	}
	while (turn == TURN_WAIT && s->asking == ASK_NOTHING && !over) {
		if (!s->a_held)
			turn = read_a(s, &over);
		else if (!s->b_held)
			turn = read_b(s);
		else
			turn = compare(s);
	}
	return over && turn != TURN_FAILED ? a_ended(s) : turn;
}
