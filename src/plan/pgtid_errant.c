/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which binary logs have transactions of a GTID set (MySQL).  Each log begins
 * with the set of all that is in the logs before it.  Read backwards, a log has
 * what is in the set of the one behind it and not in its own; when no log before
 * can have any, reading ends.
 */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "plan/pgtid_impl.h"

enum { HEAD_ROWS = 5 }; /* in which Previous_gtids stands */

static void
add_name(struct pgtid *s)
{
	struct errant_search *x = &s->errant;

	if (x->n == x->cap) {
		x->cap = x->cap == 0 ? 16 : x->cap * 2;
		x->names = mem_resize(x->names, x->cap, sizeof *x->names);
	}
	x->names[x->n++] = x->file.file;
}

/* Oldest first, as the logs follow each other. */
static enum turn
done(struct pgtid *s)
{
	struct errant_search *x = &s->errant;
	const char **names = arena_alloc(&s->arena, (x->n + 1) * sizeof *names);

	for (size_t i = 0; i < x->n; i++)
		names[i] = x->names[x->n - 1 - i];
	s->result.files = (struct strs){ names, x->n };
	return TURN_OVER;
}

static void
open_file(struct pgtid *s)
{
	log_open(&s->log[PGTID_A], &s->errant.file, 0);
	s->log[PGTID_A].chunk = HEAD_ROWS;
}

static enum turn
begin(struct pgtid *s)
{
	struct errant_search *x = &s->errant;
	const struct instance *a = &s->in[PGTID_A];
	const char *name = s->log[PGTID_A].name;
	struct gtid_set purged, gone;
	bool some;

	x->begun = true;
	if (!a->log_bin || coord_is_none(&a->self_coord))
		return search_fail(s, ERR_INVALID, "%s has no binary log", name);
	if (gtid_set_parse(&x->left, s->r.text, &s->err) != ERR_NONE)
		return search_fail(s, ERR_INVALID, "%s: not a GTID set: %.300s",
		    name, s->r.text);
	if (gtid_set_is_empty(&x->left))
		return search_fail(s, ERR_NOT_FOUND,
		    "%s has no errant transactions", name);
	gtid_set_init(&purged);
	gtid_set_init(&gone);
	if (gtid_set_parse(&purged, a->gtid_purged, NULL) == ERR_NONE)
		gtid_set_intersect(&gone, &x->left, &purged);
	some = !gtid_set_is_empty(&gone);
	gtid_set_fini(&purged);
	gtid_set_fini(&gone);
	if (some)
		return search_fail(s, ERR_NOT_FOUND,
		    "%s: some of the errant transactions are purged", name);
	x->file = a->self_coord;
	x->file.pos = 0;
	open_file(s);
	return TURN_WAIT;
}

/* This log has what is left and not in before, the set of all logs before. */
static enum turn
saw_set(struct pgtid *s, const char *text)
{
	struct errant_search *x = &s->errant;
	struct gtid_set before, rest;
	enum err_code code;
	struct err err = ERR_INIT;

	gtid_set_init(&before);
	gtid_set_init(&rest);
	code = gtid_set_parse(&before, text, &err);
	gtid_set_intersect(&rest, &x->left, &before);
	if (code == ERR_NONE && !gtid_set_eq(&rest, &x->left))
		add_name(s);
	gtid_set_copy(&x->left, &rest);
	gtid_set_fini(&before);
	gtid_set_fini(&rest);
	if (code != ERR_NONE)
		return search_fail(s, code, "%s: %.200s: %.200s",
		    s->log[PGTID_A].name, x->file.file, err.text);
	if (gtid_set_is_empty(&x->left))
		return done(s);
	if (coord_previous_file(&x->file, &x->file, &s->arena, NULL)
	    != ERR_NONE)
		return search_fail(s, ERR_NOT_FOUND,
		    "%s: not all of the errant transactions are in its logs",
		    s->log[PGTID_A].name);
	open_file(s);
	return TURN_WAIT;
}

enum turn
errant_files(struct pgtid *s)
{
	enum turn turn = s->errant.begun ? TURN_WAIT : begin(s);

	while (turn == TURN_WAIT && s->asking == ASK_NOTHING) {
		struct log_event e;
		enum log_got got = log_next(&s->log[PGTID_A], &e);

		if (got == LOG_ASK)
			turn = search_read(s, PGTID_A);
		else if (got == LOG_EVENT && strcmp(e.type, "Previous_gtids"))
			continue;
		else if (got == LOG_EVENT)
			turn = saw_set(s, e.info);
		else if (got == LOG_END)
			turn = search_fail(s, ERR_NOT_FOUND,
			    "%s: %.200s does not begin with a GTID set",
			    s->log[PGTID_A].name, s->errant.file.file);
		else
			turn = search_log_failed(s, PGTID_A, got);
	}
	return turn;
}
