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

/* From the top down; stack has room for all. */
static void
order_branch(struct placing *pl, uint32_t i, uint32_t *stack, uint32_t *done)
{
	uint32_t n = 0;

	for (; i != PLACE_NOBODY && !pl->at[i].ordered; i = pl->at[i].up) {
		pl->at[i].ordered = true;
		stack[n++] = i;
	}
	while (n > 0) {
		struct place *p = &pl->at[stack[--n]];

		p->head = p->up == PLACE_NOBODY ? stack[n] :
						  pl->at[p->up].head;
		pl->order[(*done)++] = stack[n];
	}
}

static void
order_members(struct placing *pl)
{
	uint32_t *stack = mem_alloc(pl->n * sizeof *stack);
	uint32_t done = 0;

	for (uint32_t i = 0; i < pl->n; i++)
		order_branch(pl, i, stack, &done);
	assert(done == pl->n);
	mem_free(stack);
}

void
placing_init(struct placing *pl, const char *name,
    const struct instance *const *in, size_t n)
{
	assert(n < PLACE_NOBODY);
	*pl = (struct placing){ .name = name, .n = (uint32_t)n };
	pl->at = mem_alloc(n * sizeof *pl->at);
	pl->by_key = mem_alloc(n * sizeof *pl->by_key);
	pl->by_uuid = mem_alloc(n * sizeof *pl->by_uuid);
	pl->order = mem_alloc(n * sizeof *pl->order);
	for (size_t i = 0; i < n; i++)
		pl->at[i] = (struct place){ .in = in[i],
			.ring = PLACE_NOBODY };
	index_keys(pl);
	index_uuids(pl);
	for (size_t i = 0; i < n; i++) {
		pl->at[i].source = find_source(pl, in[i]);
		pl->at[i].up = pl->at[i].source;
	}
	find_rings(pl);
	order_members(pl);
}

void
placing_fini(struct placing *pl)
{
	mem_free(pl->at);
	mem_free(pl->by_key);
	mem_free(pl->by_uuid);
	mem_free(pl->order);
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
	const char *const part[] = { a, b, c };
	char *out, *to;
	size_t len;

	out = to = arena_alloc(mem, strlen(a) + strlen(b) + strlen(c) + 3);
	for (size_t i = 0; i < MEM_COUNT(part); i++) {
		if (part[i][0] == '\0')
			continue;
		if (to > out)
			*to++ = ',';
		len = strlen(part[i]);
		memcpy(to, part[i], len);
		to += len;
	}
	return out;
}

/* up: its parent's rows, filled; NULL for none. */
static void
fill(const struct placing *pl, uint32_t i, struct instance *in,
    const struct instance *up, const char *name, struct arena *a)
{
	const char *above = "";

	in->cluster_name = name;
	in->is_co_primary = is_co_primary(pl, i);
	in->replication_depth = up != NULL ? up->replication_depth + 1 : 0;
	in->suggested_cluster_alias = up != NULL ? up->suggested_cluster_alias :
						   "";
	if (in->suggested_cluster_alias[0] == '\0')
		in->suggested_cluster_alias = in->cluster_alias_query;
	if (up != NULL && in->replication_depth % CLUSTER_ANCESTRY_MAX != 0)
		above = up->ancestry_uuid;
	in->ancestry_uuid = join(above, in->server_uuid, in->group_name, a);
}

void
cluster_place(const char *cluster_name, struct instance **in, size_t n,
    struct arena *a)
{
	const char *name = arena_strdup(a, cluster_name);
	const char **errant = mem_alloc(n * sizeof *errant);
	struct placing pl;

	placing_init(&pl, name, (const struct instance *const *)in, n);
	for (uint32_t k = 0; k < pl.n; k++) {
		uint32_t i = pl.order[k], up = pl.at[i].up;

		fill(&pl, i, in[i], up != PLACE_NOBODY ? in[up] : NULL, name,
		    a);
	}
	errant_find(&pl, errant, a);
	for (size_t i = 0; i < n; i++)
		in[i]->gtid_errant = errant[i];
	placing_fini(&pl);
	mem_free(errant);
}
