/* SPDX-License-Identifier: Apache-2.0 */
/* Where logs were; see logpos.h. */
#include "config.h"

#include "actors/logpos.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "topology/coord.h"

enum { RECENT = 4 }; /* samples that are never thinned out */

static void
free_snap(struct shared *shared)
{
	struct logpos_snap *s = (struct logpos_snap *)shared;

	arena_fini(&s->arena);
	mem_free(s);
}

const struct logpos_snap *
logpos_ref(struct ctx *ctx)
{
	return board_get(ctx, BOARD_LOGPOS, "logpos");
}

static const struct logpos_row *
find(const struct logpos_snap *s, struct key key)
{
	size_t lo = 0, hi = s == NULL ? 0 : s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = key_cmp(key, s->row[mid].key);

		if (c == 0)
			return &s->row[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct pgtid_history *
logpos_of(const struct logpos_snap *s, struct key key)
{
	const struct logpos_row *r = find(s, key);

	return r == NULL ? NULL : &r->history;
}

/* ---- sampling ---- */

/* Files are named again and again: each name once in a row. */
static void
keep(struct coord *to, const struct coord *from, const char **name,
    struct arena *a)
{
	*to = *from;
	if (*name == NULL || strcmp(*name, from->file) != 0)
		*name = arena_strdup(a, from->file);
	to->file = *name;
}

/*
 * now, then what was, one left out when there are too many: which one follows
 * the ruler, so that ages double.
 */
static size_t
add_sample(struct coord *to, struct coord now, const struct coord *was,
    size_t n, uint64_t tick, struct arena *a)
{
	size_t out = RECENT + (size_t)__builtin_ctzll(tick | 1ULL << 32);
	const char *name = NULL;
	size_t k = 0;

	if (coord_is_none(&now))
		return 0;
	if (n > 0 && (!coord_comparable(&now, &was[0])
	    || coord_cmp(&now, &was[0]) < 0))
		n = 0; /* another log */
	keep(&to[k++], &now, &name, a);
	if (n > 0 && coord_eq(&now, &was[0])) {
		was++;
		n--;
	}
	if (out >= PGTID_HISTORY_MAX - 1)
		out = PGTID_HISTORY_MAX - 2;
	for (size_t i = 0; i < n && k < PGTID_HISTORY_MAX; i++)
		if (n < PGTID_HISTORY_MAX || i != out)
			keep(&to[k++], &was[i], &name, a);
	return k;
}

static void
add_server(struct logpos_snap *s, const struct logpos_snap *old,
    const struct instance *in)
{
	static const struct logpos_row none;
	const struct logpos_row *was = find(old, in->key);
	struct logpos_row *r = &s->row[s->n++];
	struct coord relay = in->relay_coord;
	bool same;

	if (was == NULL)
		was = &none;
	same = was != &none && key_eq(was->source, in->source_key);
	relay.relay = true;
	r->key = key_dup(in->key, &s->arena);
	r->source = key_dup(in->source_key, &s->arena);
	r->history.owns = add_sample(r->history.own, in->self_coord,
	    was->history.own, was->history.owns, s->ticks, &s->arena);
	r->history.relays = add_sample(r->history.relay, relay,
	    was->history.relay, same ? was->history.relays : 0, s->ticks,
	    &s->arena);
}

static int
by_key(const void *x, const void *y)
{
	const struct logpos_row *a = x, *b = y;

	return key_cmp(a->key, b->key);
}

struct logpos_snap *
logpos_sample(const struct logpos_snap *old,
    const struct cluster_snap *const *snap, size_t n)
{
	struct logpos_snap *s = mem_zalloc(sizeof *s);

	shared_init(&s->shared, free_snap);
	arena_init(&s->arena);
	s->ticks = old == NULL ? 1 : old->ticks + 1;
	for (size_t i = 0; i < n; i++)
		s->max += snap[i]->n;
	s->row = arena_alloc(&s->arena, (s->max + 1) * sizeof *s->row);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < snap[i]->n; k++)
			if (snap[i]->members[k].health.failures == 0)
				add_server(s, old, snap[i]->members[k].in);
	qsort(s->row, s->n, sizeof *s->row, by_key);
	return s;
}
