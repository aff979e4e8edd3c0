/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One marker in a server's binary logs.
 *
 * It is sought in [lo, hi), from the end of the logs backwards.  A look at a
 * place reads on from there to the first marker.  When markers carry the
 * configured hint they ascend, so one look parts everything before from
 * everything behind: whole files are passed over, at doubling and then halving
 * distances, and so are rows within a file.  Markers without order are sought
 * piece by piece, each read once.
 *
 * Order can fail by a little: clocks of successive primaries differ.  So what
 * is not where it should be is sought a bit further, too.
 */
#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "plan/pgtid_impl.h"

enum {
	FIRST_POS = 4,
	STEP_FIRST = 1024,
	STEP_LAST = 256,	 /* fewer rows are read, not passed over */
	DISORDER_EVENTS = 100000, /* read beyond where it should be */
};

static bool
same_file(const struct coord *a, const struct coord *b)
{
	return strcmp(a->file, b->file) == 0;
}

static enum pgtid_side
side_of(const struct pgtid *s)
{
	return s->r.goal == PGTID_FIND ? PGTID_A : PGTID_B;
}

static void
open_place(struct pgtid *s, int state, const struct coord *at, uint64_t skip)
{
	struct find_search *f = &s->find;

	/* Another file of a replica that must not fall behind. */
	s->polite.due = f->files > 0 && !same_file(at, &f->at);
	f->files++;
	f->state = state;
	f->at = *at;
	f->step = skip;
	f->looked = 0;
	log_open(&s->log[side_of(s)], at, skip);
}

/* ---- where to look next ---- */

/* The first place of the file that hi is in, or of one before it. */
static bool
file_before(struct pgtid *s, uint64_t back, struct coord *out)
{
	struct find_search *f = &s->find;

	*out = f->hi;
	if (f->hi.pos > FIRST_POS) {
		out->pos = FIRST_POS;
		return true;
	}
	return coord_earlier_file(out, &f->hi, back, &s->arena, NULL)
	    == ERR_NONE;
}

/* The newest place of the past in the file that ends at hi. */
static bool
place_of_past(struct pgtid *s, struct coord *out)
{
	struct find_search *f = &s->find;
	const struct pgtid_history *h = &s->history[side_of(s)];

	for (; f->sample < h->owns; f->sample++) {
		*out = h->own[f->sample];
		if (!coord_comparable(out, &f->hi) || coord_cmp(out, &f->hi) >= 0)
			continue;
		if (coord_files_apart(out, &f->hi) > (f->hi.pos == FIRST_POS))
			return false; /* for later */
		f->sample++;
		return true;
	}
	return false;
}

static enum turn
not_there(struct pgtid *s, const char *why)
{
	return search_fail(s, ERR_NOT_FOUND, "%s: %.200s is not in its logs: %s",
	    s->log[side_of(s)].name, s->find.want, why);
}

/* lo is a file that does not exist, hi one that does: the oldest is between. */
static enum turn
among_oldest(struct pgtid *s)
{
	struct find_search *f = &s->find;
	uint64_t apart = coord_files_apart(&f->lo, &f->hi);
	struct coord at = f->hi;

	if (f->hi.pos > FIRST_POS)
		at.pos = FIRST_POS;
	else if (apart <= 1)
		return not_there(s, "they begin after it");
	else if (coord_earlier_file(&at, &f->hi, apart / 2, &s->arena, NULL)
	    != ERR_NONE)
		return not_there(s, "there is none before");
	open_place(s, FIND_LOOK, &at, 0);
	return TURN_WAIT;
}

/* A place behind which it is; lo and hi may be files apart. */
static enum turn
between(struct pgtid *s)
{
	struct find_search *f = &s->find;
	struct coord at = f->hi;
	uint64_t apart = coord_files_apart(&f->lo, &f->hi);

	if (apart > 0 && f->hi.pos > FIRST_POS) {
		at.pos = FIRST_POS;
		open_place(s, FIND_LOOK, &at, 0);
	} else if (apart > 1 && coord_earlier_file(&at, &f->hi, apart / 2,
	    &s->arena, NULL) == ERR_NONE) {
		open_place(s, FIND_LOOK, &at, 0);
	} else {
		f->rows = 0;
		open_place(s, FIND_GALLOP, &f->lo, STEP_FIRST);
	}
	return TURN_WAIT;
}

static enum turn
look_elsewhere(struct pgtid *s)
{
	struct find_search *f = &s->find;
	struct coord at;

	if (f->lo_gone)
		return among_oldest(s);
	if (!coord_is_none(&f->lo))
		return between(s);
	if (!place_of_past(s, &at) && !file_before(s, f->back, &at)) {
		if (f->back == 1)
			return not_there(s, "there is no file before");
		f->back = 1;
		return look_elsewhere(s);
	}
	open_place(s, FIND_LOOK, &at, 0);
	return TURN_WAIT;
}

/* ---- what a look says ---- */

/* Everything from the place looked at on was not it, or comes after it. */
static enum turn
is_before(struct pgtid *s, bool jump)
{
	struct find_search *f = &s->find;
	bool whole = f->at.pos == FIRST_POS;

	f->hi = coord_is_none(&f->bare) ? f->at : f->bare;
	f->bare.file = "";
	f->back = !jump ? 1 : whole && coord_is_none(&f->lo) ? f->back * 2
	    : f->back;
	return look_elsewhere(s);
}

/* The marker just read comes before it. */
static enum turn
is_behind(struct pgtid *s)
{
	struct find_search *f = &s->find;

	f->lo = s->log[side_of(s)].before.at;
	f->lo.file = arena_strdup(&s->arena, f->lo.file);
	f->lo_gone = false;
	f->bare.file = "";
	return between(s);
}

/*
 * A file without a marker tells nothing of those behind it: when it was jumped
 * to, the next one is looked at.
 */
static enum turn
no_marker(struct pgtid *s)
{
	struct find_search *f = &s->find;
	struct coord next;

	if (coord_files_apart(&f->at, &f->hi) <= 1
	    || coord_next_file(&next, &f->at, &s->arena, NULL) != ERR_NONE)
		return is_before(s, false);
	if (coord_is_none(&f->bare))
		f->bare = f->at;
	open_place(s, FIND_LOOK, &next, 0);
	return TURN_WAIT;
}

/* It is that many rows on, or behind them. */
static enum turn
galloped(struct pgtid *s, bool behind)
{
	struct find_search *f = &s->find;
	uint64_t step = f->step, next;

	if (behind) {
		f->lo = s->log[side_of(s)].before.at;
		f->lo.file = arena_strdup(&s->arena, f->lo.file);
		f->rows = f->rows > step ? f->rows - step : f->rows > 0;
	} else {
		f->rows = step;
	}
	next = f->rows > 0 ? f->rows / 2 : step * 2;
	/* A look reads up to the next marker: that far it gains nothing. */
	if (f->rows > 0 && (next < STEP_LAST || next < f->looked))
		open_place(s, FIND_SCAN, &f->lo, 0);
	else
		open_place(s, FIND_GALLOP, &f->lo, next);
	return TURN_WAIT;
}

/* ---- rows ---- */

static bool
is_wanted(struct pgtid *s, const struct log_event *e, bool marker)
{
	struct find_search *f = &s->find;
	struct buf *text = &s->text[side_of(s)];

	buf_reset(text);
	if (marker) {
		marker_name(&s->rule, e->info, text);
		return strcmp(buf_text(text), f->want) == 0;
	}
	if (s->r.goal != PGTID_FIND)
		return false;
	if (strcmp(e->info, s->r.text) == 0)
		return true;
	event_normalise(e->info, text);
	return strcmp(buf_text(text), f->text) == 0;
}

static enum turn
found(struct pgtid *s, const struct log_event *e)
{
	mark_set(s, &s->twin, side_of(s), e);
	return TURN_OVER;
}

/* A marker that is another one. */
static enum turn
saw_marker(struct pgtid *s)
{
	struct find_search *f = &s->find;
	bool known;
	int order = marker_cmp(&s->rule, buf_text(&s->text[side_of(s)]),
	    f->want, &known);

	if (!f->ordered || !known)
		return TURN_WAIT;
	if (f->state == FIND_LOOK)
		return order < 0 ? is_behind(s) : is_before(s, true);
	if (f->state == FIND_GALLOP)
		return galloped(s, order < 0);
	return TURN_WAIT;
}

/* What is read now ended without it. */
static enum turn
at_end(struct pgtid *s)
{
	struct find_search *f = &s->find;

	if (f->state == FIND_LOOK)
		return no_marker(s);
	if (f->state == FIND_GALLOP)
		return galloped(s, false);
	/* On in the next file, for a little: see above. */
	if (coord_next_file(&f->at, &s->log[side_of(s)].next.at, &s->arena,
	    NULL) != ERR_NONE)
		return not_there(s, "nor behind its place");
	log_open(&s->log[side_of(s)], &f->at, 0);
	return TURN_WAIT;
}

/* A place of the past that is none. */
static enum turn
bad_place(struct pgtid *s)
{
	struct find_search *f = &s->find;

	if (f->at.pos == FIRST_POS || f->state != FIND_LOOK)
		return search_log_failed(s, side_of(s), LOG_BAD);
	return look_elsewhere(s);
}

static enum turn
no_file(struct pgtid *s)
{
	struct find_search *f = &s->find;

	if (f->state == FIND_SCAN)
		return not_there(s, "nor behind its place");
	if (f->at.pos != FIRST_POS)
		return look_elsewhere(s); /* a place of the past, purged */
	if (f->state != FIND_LOOK || same_file(&f->at, &f->hi))
		return search_log_failed(s, side_of(s), LOG_GONE);
	f->lo = f->at;
	f->lo_gone = true;
	return among_oldest(s);
}

static enum turn
saw_event(struct pgtid *s, const struct log_event *e)
{
	struct find_search *f = &s->find;
	const struct log_reader *r = &s->log[side_of(s)];
	bool marker = event_is_marker(&s->rule, e);

	f->looked++;
	if (f->state != FIND_SCAN && same_file(&r->before.at, &f->hi)
	    && e->pos >= f->hi.pos)
		return at_end(s);
	if (f->state == FIND_SCAN && f->looked > DISORDER_EVENTS)
		return not_there(s, "nor behind its place");
	if (is_wanted(s, e, marker))
		return found(s, e);
	return marker ? saw_marker(s) : TURN_WAIT;
}

static enum turn
step(struct pgtid *s)
{
	enum pgtid_side side = side_of(s);
	struct log_event e;
	enum log_got got = log_next(&s->log[side], &e);

	switch (got) {
	case LOG_ASK:
		if (s->polite.due && be_polite(s) == TURN_WAIT)
			return TURN_WAIT;
		return s->ended ? TURN_FAILED : search_read(s, side);
	case LOG_EVENT: return saw_event(s, &e);
	case LOG_END: return at_end(s);
	case LOG_GONE: return no_file(s);
	case LOG_BAD: return bad_place(s);
	case LOG_FAILED: break;
	}
	return search_log_failed(s, side, got);
}

static enum turn
run(struct pgtid *s)
{
	enum turn turn;

	do
		turn = step(s);
	while (turn == TURN_WAIT && s->asking == ASK_NOTHING);
	return turn;
}

/* ---- phases ---- */

static enum turn
begin(struct pgtid *s, const char *want)
{
	struct find_search *f = &s->find;
	const struct coord *end = &s->in[side_of(s)].self_coord;

	if (!s->in[side_of(s)].log_bin || coord_is_none(end))
		return search_fail(s, ERR_INVALID, "%s has no binary log",
		    s->log[side_of(s)].name);
	f->want = want;
	f->ordered = s->rule.hint[0] != '\0'
	    && strstr(want, s->rule.hint) != NULL;
	f->back = 1;
	/* The log has grown since: all of its last file. */
	f->hi = (struct coord){ .file = end->file, .pos = INT64_MAX };
	f->lo.file = f->bare.file = "";
	f->begun = true;
	return look_elsewhere(s);
}

enum turn
find_marker(struct pgtid *s)
{
	if (!s->find.begun && begin(s, s->marker.name) == TURN_FAILED)
		return TURN_FAILED;
	return run(s);
}

enum turn
find_text(struct pgtid *s)
{
	struct log_event e = { .type = "", .info = s->r.text };
	struct find_search *f = &s->find;
	enum turn turn;

	if (!f->begun) {
		struct buf *b = &s->text[PGTID_A];

		if (s->r.text[0] == '\0')
			return search_fail(s, ERR_INVALID, "no text to find");
		buf_reset(b);
		event_normalise(s->r.text, b);
		f->text = arena_strdup(&s->arena, buf_text(b));
		buf_reset(b);
		if (event_is_marker(&s->rule, &e))
			marker_name(&s->rule, e.info, b);
		else
			buf_str(b, s->r.text);
		if (begin(s, arena_strdup(&s->arena, buf_text(b)))
		    == TURN_FAILED)
			return TURN_FAILED;
		f->ordered = f->ordered && event_is_marker(&s->rule, &e);
	}
	turn = run(s);
	if (turn == TURN_OVER) {
		s->result.at = s->result.found = s->twin.at;
		result_event(s, &s->twin);
	}
	return turn;
}
