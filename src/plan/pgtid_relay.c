/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places in relay logs of two replicas of one source: an event of A's is the
 * same as one of B's when writer, type, text and the place in the source's log
 * (End_log_pos) are.
 */
#include "config.h"

#include <string.h>

#include "plan/pgtid_impl.h"

/* The event of A at r.at; without that, the last one that it executed. */
static enum turn
event_at(struct pgtid *s)
{
	struct log_reader *r = &s->log[PGTID_A];
	struct log_event e;
	enum log_got got;

	if (s->last.n++ == 0) {
		s->r.at.relay = true;
		log_open(r, &s->r.at, 0);
		r->chunk = 1;
	}
	got = log_next(r, &e);
	if (got == LOG_ASK)
		return search_read(s, PGTID_A);
	if (got != LOG_EVENT)
		return search_log_failed(s, PGTID_A,
		    got == LOG_END ? LOG_BAD : got);
	mark_set(s, &s->marker, PGTID_A, &e);
	s->result.at = s->marker.at;
	result_event(s, &s->marker);
	return TURN_OVER;
}

enum turn
relay_at(struct pgtid *s)
{
	return coord_is_none(&s->r.at) ? last_relay_event(s) : event_at(s);
}

static bool
is_same(const struct pgtid *s, const struct log_event *e)
{
	const struct mark *m = &s->marker;

	return e->end == m->end && e->server_id == m->server_id
	    && strcmp(e->type, m->type) == 0 && strcmp(e->info, m->text) == 0;
}

static enum turn
not_there(struct pgtid *s)
{
	char text[COORD_TEXT_MAX];

	return search_fail(s, ERR_NOT_FOUND,
	    "%s has no event in its relay logs that is %s's at %.200s",
	    s->log[PGTID_B].name, s->log[PGTID_A].name,
	    coord_text(&s->result.at, text));
}

/* On in the files that were received later, then in those before. */
static enum turn
other_file(struct pgtid *s, enum log_got got)
{
	struct relay_search *f = &s->relay;
	struct coord at = s->log[PGTID_B].next.at;

	if (got == LOG_GONE && f->found)
		return TURN_OVER; /* nothing follows */
	if (got == LOG_GONE && f->newest)
		return not_there(s);
	if (got == LOG_GONE) { /* the newest was read */
		f->newest = true;
		at = f->first;
	}
	if ((f->newest && !f->found ? coord_previous_file : coord_next_file)(&at, &at,
	    &s->arena, NULL) != ERR_NONE)
		return not_there(s);
	log_open(&s->log[PGTID_B], &at, 0);
	return TURN_WAIT;
}

static enum turn
saw_event(struct pgtid *s, const struct log_event *e)
{
	struct coord at = s->log[PGTID_B].before.at;

	at.pos = e->pos;
	if (s->relay.found) {
		s->result.next = at;
		return TURN_OVER;
	}
	if (is_same(s, e)) {
		s->relay.found = true;
		s->result.found = at;
	}
	return TURN_WAIT;
}

static enum turn
begin(struct pgtid *s)
{
	struct relay_search *f = &s->relay;

	f->begun = true;
	f->first = s->in[PGTID_B].relay_coord;
	if (coord_is_none(&f->first))
		return search_fail(s, ERR_INVALID, "%s has no relay log",
		    s->log[PGTID_B].name);
	f->first.pos = 0;
	log_open(&s->log[PGTID_B], &f->first, 0);
	return TURN_WAIT;
}

enum turn
relay_find(struct pgtid *s)
{
	enum turn turn = s->relay.begun ? TURN_WAIT : begin(s);

	while (turn == TURN_WAIT && s->asking == ASK_NOTHING) {
		struct log_event e;
		enum log_got got = log_next(&s->log[PGTID_B], &e);

		if (got == LOG_ASK)
			turn = search_read(s, PGTID_B);
		else if (got == LOG_EVENT)
			turn = saw_event(s, &e);
		else if (got == LOG_END || got == LOG_GONE)
			turn = other_file(s, got);
		else
			turn = search_log_failed(s, PGTID_B, got);
	}
	return turn;
}
