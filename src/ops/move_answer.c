/* SPDX-License-Identifier: Apache-2.0 */
/* What was done by a plan, as v1 says it: message and Details; see move.h. */
#include "config.h"

#include "ops/move.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "topology/coord.h"

/* What became of all of it. */
struct sum {
	struct op_call *c;
	const struct move *v;
	const struct msg_move_ran *ran;
	size_t done, lost, matched;
	struct coord at; /* the first that was found */
	uint64_t count;
	struct buf errors; /* "a:3306: why; b:3306: why" */
};

static struct key
chosen_of(const struct msg_move_ran *ran)
{
	return (struct key){ ran->chosen_host, ran->chosen_port };
}

/* Is it about several servers: the replicas, or the siblings, of the one? */
static bool
is_of_many(const struct move_form *f)
{
	return f->details == DETAILS_CHOSEN ||
	    strstr(f->message, "{n}") != NULL;
}

/*
 * One of those that were to be moved: not the one that takes the others, nor
 * the one whose replicas they are.
 */
static bool
is_counted(const struct sum *s, const struct move_track *t)
{
	return !key_is_none(t->key) && !key_eq(t->key, chosen_of(s->ran)) &&
	    !(is_of_many(s->v->form) && key_eq(t->key, s->v->r.server));
}

static void
add_error(struct sum *s, const struct move_track *t)
{
	char name[KEY_TEXT_MAX];
	size_t len = strlen(key_text(t->key, name));

	buf_str(&s->errors, s->lost++ > 0 ? "; " : "");
	if (strncmp(t->why, name, len) != 0 ||
	    strchr(": ", t->why[len]) == NULL)
		buf_printf(&s->errors, "%s: ", name);
	buf_printf(&s->errors, "%s%s%s", t->why, *t->left != '\0' ? ", and "
	    : "", t->left);
}

static void
add_track(struct sum *s, const struct move_track *t)
{
	if (!coord_is_none(&t->found) && coord_is_none(&s->at)) {
		s->at = t->found;
		s->at.file = arena_strdup(&s->c->arena, t->found.file);
	}
	s->count += t->count;
	if (!is_counted(s, t))
		return;
	if (t->end == TRACK_DONE) {
		s->done++;
		s->matched += !coord_is_none(&t->found);
	} else {
		add_error(s, t);
	}
}

static void
sum_up(struct sum *s)
{
	struct pcur cur = move_tracks(s->ran->tracks);
	struct move_track t;

	while (move_track_next(&cur, &t))
		add_track(s, &t);
}

/* ---- the message ---- */

static struct key
source_of(struct op_call *c, struct key server)
{
	struct found f;

	return view_find(c, server, &f) ? f.m->in->source_key : KEY_NONE;
}

static void
add_key(struct buf *b, struct key key)
{
	char text[KEY_TEXT_MAX];

	buf_str(b, key_is_none(key) ? "nobody" : key_text(key, text));
}

static void
add_errors(struct buf *b, const struct sum *s)
{
	buf_printf(b, "%zu errors: [%s]", s->lost, buf_text(&s->errors));
}

static void
add_place(struct buf *b, const struct sum *s)
{
	char text[COORD_TEXT_MAX];

	buf_str(b, coord_text(&s->at, text));
}

static void
add_word(struct buf *b, const struct sum *s, const char *name, size_t len)
{
	const struct {
		const char *name;
		struct key key;
	} keys[] = {
		{ "i", s->v->r.server },
		{ "d", s->v->r.target },
		{ "s", source_of(s->c, s->v->r.server) },
		{ "c", chosen_of(s->ran) },
	};
	const struct {
		const char *name;
		uint64_t n;
	} numbers[] = {
		{ "n", s->done },
		{ "count", s->count },
		{ "lost", s->lost },
		{ "trivial", s->done - s->matched },
		{ "matched", s->matched },
	};

#define IS(word) (strlen(word) == len && memcmp((word), name, len) == 0)
	for (size_t i = 0; i < MEM_COUNT(keys); i++)
		if (IS(keys[i].name))
			add_key(b, keys[i].key);
	for (size_t i = 0; i < MEM_COUNT(numbers); i++)
		if (IS(numbers[i].name))
			buf_printf(b, "%llu",
			    (unsigned long long)numbers[i].n);
	if (IS("e"))
		add_errors(b, s);
	if (IS("at"))
		add_place(b, s);
#undef IS
}

static void
say(struct buf *b, const struct sum *s)
{
	for (const char *t = s->v->form->message; *t != '\0';) {
		const char *end = *t == '{' ? strchr(t, '}') : NULL;

		if (end == NULL) {
			buf_chr(b, *t++);
			continue;
		}
		add_word(b, s, t + 1, (size_t)(end - t - 1));
		t = end + 1;
	}
	if (s->v->form->details == DETAILS_CHOSEN && s->lost > 0) {
		buf_str(b, "; "); /* v1 counts them only */
		add_errors(b, s);
	}
}

/* ---- details ---- */

static void
server_json(struct sum *s, struct json *w)
{
	struct found f;

	if (view_find(s->c, s->v->r.server, &f))
		view_instance_json(s->c, w, &f);
	else
		json_nil(w);
}

static void
moved_json(struct sum *s, struct json *w)
{
	struct pcur cur = move_tracks(s->ran->tracks);
	struct move_track t;
	struct found f;

	json_arr(w);
	while (move_track_next(&cur, &t))
		if (t.end == TRACK_DONE && is_counted(s, &t) &&
		    view_find(s->c, t.key, &f))
			view_instance_json(s->c, w, &f);
	json_end(w);
}

static void
key_or_null(struct json *w, struct key key)
{
	if (key_is_none(key))
		json_nil(w);
	else
		view_key_json(w, key);
}

static void
track_json(struct json *w, const struct move_track *t)
{
	json_obj(w);
	json_key(w, "Key");
	view_key_json(w, t->key);
	json_kstr(w, "Why", t->why);
	json_kstr(w, "Left", t->left);
	json_kbool(w, "Undone", t->undone);
	json_end(w);
}

static void
tracks_json(struct sum *s, struct json *w, const char *name,
    enum track_end end)
{
	struct pcur cur = move_tracks(s->ran->tracks);
	struct move_track t;

	json_key(w, name);
	json_arr(w);
	while (move_track_next(&cur, &t)) {
		if (t.end != end || !is_counted(s, &t))
			continue;
		if (end == TRACK_DONE)
			view_key_json(w, t.key);
		else
			track_json(w, &t);
	}
	json_end(w);
}

/* ?details=report: for programs that want to know about each server. */
static void
report_json(struct sum *s, struct json *w)
{
	json_obj(w);
	json_key(w, "Chosen");
	key_or_null(w, chosen_of(s->ran));
	json_kuint(w, "Count", s->done);
	json_kuint(w, "Lost", s->lost);
	json_kuint(w, "Trivial", s->done - s->matched);
	json_kuint(w, "Matched", s->matched);
	tracks_json(s, w, "Moved", TRACK_DONE);
	tracks_json(s, w, "Failed", TRACK_FAILED);
	tracks_json(s, w, "NotTried", TRACK_NOT_TRIED);
	json_key(w, "Run");
	if (s->ran->json != NULL && *s->ran->json != '\0')
		json_raw(w, s->ran->json, strlen(s->ran->json));
	else
		json_nil(w);
	json_end(w);
}

static void
form_json(struct sum *s, struct json *w)
{
	const struct plan_request *r = &s->v->r;

	switch (s->v->form->details) {
	case DETAILS_SERVER: server_json(s, w); break;
	case DETAILS_MOVED: moved_json(s, w); break;
	case DETAILS_TARGET: view_key_json(w, r->target); break;
	case DETAILS_SOURCE:
		key_or_null(w, source_of(s->c, r->server));
		break;
	case DETAILS_CHOSEN: key_or_null(w, chosen_of(s->ran)); break;
	case DETAILS_SECONDS: json_int(w, r->number); break;
	}
}

static bool
wants(const struct sum *s, const char *details)
{
	const char *arg = op_arg(s->c, "details");

	return arg != NULL && strcmp(arg, details) == 0;
}

/* ---- the answer ---- */

/* v1: a bulk operation is fine when one element of it is. */
static bool
is_fine(const struct sum *s)
{
	enum move_details d = s->v->form->details;

	return s->ran->code == ERR_NONE || (s->done > 0 &&
	    (d == DETAILS_MOVED || d == DETAILS_TARGET || d == DETAILS_SOURCE));
}

static void
answer_fine(struct sum *s)
{
	struct buf text = { 0 };
	struct json *w;

	say(&text, s);
	if (s->lost > 0)
		s->c->reply.warning = arena_strdup(&s->c->arena,
		    buf_text(&text));
	w = reply_ok(s->c, "%s", buf_text(&text));
	if (wants(s, "report"))
		report_json(s, w);
	else if (wants(s, "moved"))
		moved_json(s, w);
	else
		form_json(s, w);
	buf_fini(&text);
	reply_end(s->c);
}

static void
answer_error(struct sum *s)
{
	struct buf text = { 0 };
	struct json *w;

	buf_str(&text, s->ran->error);
	if (s->done + s->lost > 1) {
		buf_printf(&text, " (moved %zu of %zu; ", s->done,
		    s->done + s->lost);
		add_errors(&text, s);
		buf_chr(&text, ')');
	}
	w = reply_bad(s->c, "%s", buf_text(&text));
	if (wants(s, "report"))
		report_json(s, w);
	else
		json_nil(w);
	buf_fini(&text);
	reply_end(s->c);
}

void
op_move_answer(struct op_call *c, const struct msg *m)
{
	struct sum s = { .c = c, .v = c->memo, .ran = as_move_ran(m),
		.at = { .file = "" } };

	view_drop(c); /* what it looked at before is of the past */
	sum_up(&s);
	if (is_fine(&s))
		answer_fine(&s);
	else
		answer_error(&s);
	buf_fini(&s.errors);
}
