/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places in a cluster: who is whose source, rings, depth, ancestry, alias.
 */
#include "config.h"

#include "topology/place.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- finding members ---- */

struct key_index {
	struct key key;
	uint32_t i;
};

static int
by_key(const void *a, const void *b)
{
	const struct key_index *x = a, *y = b;
	int c = key_cmp(x->key, y->key);

	return c != 0 ? c : (x->i > y->i) - (x->i < y->i);
}

static void
index_keys(struct placing *pl)
{
	struct key_index *all = mem_alloc(pl->n * sizeof *all);

	for (uint32_t i = 0; i < pl->n; i++)
		all[i] = (struct key_index){ pl->at[i].in->key, i };
	qsort(all, pl->n, sizeof *all, by_key);
	for (uint32_t i = 0; i < pl->n; i++)
		pl->by_key[i] = all[i].i;
	mem_free(all);
}

static uint32_t
find_key(const struct placing *pl, struct key k)
{
	uint32_t lo = 0, hi = pl->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		uint32_t i = pl->by_key[mid];
		int c = key_cmp(pl->at[i].in->key, k);

		if (c == 0)
			return i;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return PLACE_NOBODY;
}

static int
by_uuid(const void *a, const void *b)
{
	const struct place_uuid *x = a, *y = b;
	int c = memcmp(x->uuid.b, y->uuid.b, sizeof x->uuid.b);

	return c != 0 ? c : (x->i > y->i) - (x->i < y->i);
}

static void
index_uuids(struct placing *pl)
{
	for (uint32_t i = 0; i < pl->n; i++) {
		struct place *p = &pl->at[i];

		p->has_uuid = gtid_uuid_parse(&p->uuid, p->in->server_uuid,
		    NULL) == ERR_NONE;
		if (p->has_uuid)
			pl->by_uuid[pl->uuids++] = (struct place_uuid){
				p->uuid, i };
	}
	qsort(pl->by_uuid, pl->uuids, sizeof *pl->by_uuid, by_uuid);
}

uint32_t
placing_find_uuid(const struct placing *pl, struct gtid_uuid uuid)
{
	uint32_t lo = 0, hi = pl->uuids;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = memcmp(pl->by_uuid[mid].uuid.b, uuid.b, sizeof uuid.b);

		if (c == 0)
			return pl->by_uuid[mid].i;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return PLACE_NOBODY;
}

/* ---- sources and rings ---- */

/*
 * A source that goes by a name that none of the members has is looked for by
 * what its replica says about its uuid.
 */
static uint32_t
find_source(const struct placing *pl, const struct instance *in)
{
	struct key k = cluster_parent(in);
	struct gtid_uuid uuid;
	uint32_t i;

	if (key_is_none(k))
		return PLACE_NOBODY;
	i = find_key(pl, k);
	if (i == PLACE_NOBODY && key_eq(k, in->source_key) &&
	    gtid_uuid_parse(&uuid, in->source_uuid, NULL) == ERR_NONE)
		i = placing_find_uuid(pl, uuid);
	return i != PLACE_NOBODY && pl->at[i].in != in ? i : PLACE_NOBODY;
}

static bool
names_cluster(const struct placing *pl, uint32_t i)
{
	char text[KEY_TEXT_MAX];

	return strcmp(key_text(pl->at[i].in->key, text), pl->name) == 0;
}

/* at is part of a ring: choose the head and cut the ring open above it. */
static void
cut_ring(struct placing *pl, uint32_t at)
{
	uint32_t head = at, i = at;

	do {
		if (names_cluster(pl, i) || (!names_cluster(pl, head) &&
			key_cmp(pl->at[i].in->key, pl->at[head].in->key) < 0))
			head = i;
		i = pl->at[i].source;
	} while (i != at);
	do {
		pl->at[i].ring = head;
		i = pl->at[i].source;
	} while (i != at);
	pl->at[head].up = PLACE_NOBODY;
}

static void
find_rings(struct placing *pl)
{
	for (uint32_t i = 0; i < pl->n; i++) {
		uint32_t k = i;

		while (k != PLACE_NOBODY && pl->at[k].seen == 0) {
			pl->at[k].seen = i + 1;
			k = pl->at[k].source;
		}
		if (k != PLACE_NOBODY && pl->at[k].seen == i + 1)
			cut_ring(pl, k);
	}
}

/* ---- what follows ---- */

static bool
is_co_primary(const struct placing *pl, uint32_t i)
{
	uint32_t s = pl->at[i].source;

	return s != PLACE_NOBODY && pl->at[s].source == i;
}

/* Joined by commas; parts that are "" leave none behind. */
static const char *
join(const char *a, const char *b, const char *c, struct arena *mem)
{
	const char *x = a[0] != '\0' && (b[0] != '\0' || c[0] != '\0') ? "," :
								     "";
	const char *y = b[0] != '\0' && c[0] != '\0' ? "," : "";

	return arena_printf(mem, "%s%s%s%s%s", a, x, b, y, c);
}

static const char *
ancestry(const struct placing *pl, const struct place *p)
{
	const struct instance *in = p->in, *up;
	const char *above = "";

	if (p->up != PLACE_NOBODY) {
		up = pl->at[p->up].in;
		if (in->replication_depth % CLUSTER_ANCESTRY_MAX != 0)
			above = up->ancestry_uuid;
	}
	return join(above, in->server_uuid, in->group_name, pl->a);
}

/* Its parent, if any, is placed. */
static void
place_one(struct placing *pl, uint32_t i)
{
	struct place *p = &pl->at[i];
	struct instance *in = p->in;
	const struct place *up = p->up != PLACE_NOBODY ? &pl->at[p->up] : NULL;

	p->head = up != NULL ? up->head : i;
	p->placed = true;
	in->cluster_name = pl->name;
	in->replication_depth = up != NULL ? up->in->replication_depth + 1 : 0;
	in->is_co_primary = is_co_primary(pl, i);
	in->suggested_cluster_alias = up != NULL ?
	    up->in->suggested_cluster_alias : "";
	if (in->suggested_cluster_alias[0] == '\0')
		in->suggested_cluster_alias = in->cluster_alias_query;
	in->ancestry_uuid = ancestry(pl, p);
	in->gtid_errant = "";
}

/* From the top down; stack has room for all. */
static void
place_branch(struct placing *pl, uint32_t i, uint32_t *stack)
{
	uint32_t n = 0;

	for (; i != PLACE_NOBODY && !pl->at[i].placed; i = pl->at[i].up)
		stack[n++] = i;
	while (n > 0)
		place_one(pl, stack[--n]);
}

static void
placing_init(struct placing *pl, const char *name, struct instance **in,
    size_t n, struct arena *a)
{
	assert(n < PLACE_NOBODY);
	*pl = (struct placing){ .n = (uint32_t)n, .a = a };
	pl->name = arena_strdup(a, name);
	pl->at = mem_zalloc(n * sizeof *pl->at);
	pl->by_key = mem_alloc(n * sizeof *pl->by_key);
	pl->by_uuid = mem_alloc(n * sizeof *pl->by_uuid);
	for (size_t i = 0; i < n; i++)
		pl->at[i] = (struct place){ .in = in[i],
			.ring = PLACE_NOBODY };
	index_keys(pl);
	index_uuids(pl);
	for (size_t i = 0; i < n; i++) {
		pl->at[i].source = find_source(pl, in[i]);
		pl->at[i].up = pl->at[i].source;
	}
}

void
cluster_place(const char *cluster_name, struct instance **in, size_t n,
    struct arena *a)
{
	uint32_t *stack = mem_alloc(n * sizeof *stack);
	struct placing pl;

	placing_init(&pl, cluster_name, in, n, a);
	find_rings(&pl);
	for (uint32_t i = 0; i < pl.n; i++)
		place_branch(&pl, i, stack);
	errant_fill(&pl);
	mem_free(stack);
	mem_free(pl.at);
	mem_free(pl.by_key);
	mem_free(pl.by_uuid);
}
