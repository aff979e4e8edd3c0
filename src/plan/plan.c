/* SPDX-License-Identifier: Apache-2.0 */
/* Building a plan, its tables, and looking things up in the world. */
#include "config.h"

#include "plan/plan.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static const struct {
	const char *wire;
	bool changes;
} verbs[] = {
#define STEP(VERB, wire, changes) { wire, (changes) != 0 },
#include "plan/steps.def"
#undef STEP
};

const char *
verb_wire(enum verb v)
{
	assert(v < VERBS);
	return verbs[v].wire;
}

bool
verb_changes(enum verb v)
{
	assert(v < VERBS);
	return verbs[v].changes;
}

void
plan_init(struct plan *p)
{
	*p = (struct plan){ .op = "", .title = "", .method = "",
	    .chosen = KEY_NONE, .side_by_side = 1 };
	arena_init(&p->arena);
	plan_track(p, PLAN_NOBODY);
}

void
plan_fini(struct plan *p)
{
	arena_fini(&p->arena);
	*p = (struct plan){ 0 };
}

/* One more element at the end of an array that lives in the arena. */
static void *
grow(struct plan *p, void **array, size_t *n, size_t size)
{
	void *more;

	/* Room for 4, 8, 16...: full when n is one of these. */
	if (*n == 0 || (*n >= 4 && (*n & (*n - 1)) == 0)) {
		more = arena_alloc(&p->arena, (*n < 4 ? 4 : *n * 2) * size);
		if (*n > 0)
			memcpy(more, *array, *n * size);
		*array = more;
	}
	more = (char *)*array + *n * size;
	memset(more, 0, size);
	(*n)++;
	return more;
}

#define GROW(p, array, n) \
	grow((p), (void **)&(p)->array, &(p)->n, sizeof *(p)->array)

unsigned
plan_server(struct plan *p, const struct world *w, struct key key)
{
	struct plan_server *s;
	size_t i;

	for (i = 0; i < p->servers; i++)
		if (key_eq(p->server[i].key, key))
			return (unsigned)i;
	assert(p->servers < PLAN_SERVERS_MAX);
	s = GROW(p, server, servers);
	s->key = (struct key){ arena_strdup(&p->arena, key.host), key.port };
	s->known = world_find(w, key);
	s->reached = true;
	return (unsigned)(p->servers - 1);
}

unsigned
plan_track(struct plan *p, unsigned server)
{
	struct plan_track *t = GROW(p, track, tracks);

	t->server = server;
	t->note = "";
	return (unsigned)(p->tracks - 1);
}

struct step *
plan_step(struct plan *p, const struct step *s)
{
	struct step *new;

	assert(s->server < p->servers);
	assert(s->to == PLAN_NOBODY || s->to < p->servers);
	assert(s->track < p->tracks);
	assert(s->why != NULL && s->limit.us > 0);
	assert(p->steps < PLAN_STEPS_MAX);
	new = GROW(p, step, steps);
	*new = *s;
	new->text = s->text == NULL ? "" : arena_strdup(&p->arena, s->text);
	new->why = arena_strdup(&p->arena, s->why);
	new->at.coord.file = s->at.coord.file == NULL ? ""
	    : arena_strdup(&p->arena, s->at.coord.file);
	if (verb_changes(s->verb))
		p->server[s->server].locked = true;
	return new;
}

static const char *
arena_format(struct arena *a, const char *fmt, va_list args)
{
	char text[ERR_TEXT_MAX * 2];

	vsnprintf(text, sizeof text, fmt, args);
	return arena_strdup(a, text);
}

const char *
plan_text(struct plan *p, const char *fmt, ...)
{
	va_list args;
	const char *text;

	va_start(args, fmt);
	text = arena_format(&p->arena, fmt, args);
	va_end(args);
	return text;
}

void
plan_leave_out(struct plan *p, struct key key, const char *fmt, ...)
{
	struct plan_left_out *l = GROW(p, left_out, left_outs);
	va_list args;

	l->key = (struct key){ arena_strdup(&p->arena, key.host), key.port };
	va_start(args, fmt);
	l->why = arena_format(&p->arena, fmt, args);
	va_end(args);
}

void
plan_warn(struct plan *p, const char *fmt, ...)
{
	const char *text, **w;
	va_list args;

	va_start(args, fmt);
	text = arena_format(&p->arena, fmt, args);
	va_end(args);
	for (size_t i = 0; i < p->warnings; i++)
		if (strcmp(p->warning[i], text) == 0)
			return;
	w = GROW(p, warning, warnings);
	*w = text;
}
