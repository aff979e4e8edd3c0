/* SPDX-License-Identifier: Apache-2.0 */
/* Records of servers that snapshots share; see cluster_rec.h. */
#include "config.h"

#include "actors/cluster_rec.h"

#include <string.h>

#include "base/mem.h"
#include "topology/moving.h"

static void
free_rec(struct shared *s)
{
	struct inst_rec *rec = (struct inst_rec *)s;

	arena_fini(&rec->arena);
	shared_unref(rec->base);
	mem_free(rec);
}

static struct inst_rec *
make(const struct instance *in, const struct inst_rec *base)
{
	struct inst_rec *rec = mem_alloc(sizeof *rec);

	shared_init(&rec->shared, free_rec);
	arena_init(&rec->arena);
	rec->base = base != NULL ? shared_ref(base) : NULL;
	rec->in = *in;
	return rec;
}

struct inst_rec *
rec_new(const struct instance *in)
{
	struct inst_rec *rec = make(in, NULL);

	instance_own(&rec->in, &rec->arena);
	return rec;
}

/* Of a copy it takes the base: they do not pile up. */
static const struct inst_rec *
base_of(const struct inst_rec *rec)
{
	return rec->base != NULL ? rec->base : rec;
}

struct inst_rec *
rec_copy(const struct inst_rec *rec)
{
	struct inst_rec *to = make(&rec->in, base_of(rec));

	moving_own(&to->in, &to->base->in, &to->arena);
	return to;
}

struct inst_rec *
rec_moved(const struct inst_rec *rec, struct bin values, uint32_t *rows)
{
	struct inst_rec *to = make(&rec->in, base_of(rec));
	struct pcur c;
	bool good;

	pcur_init(&c, values.data, values.len);
	good = moving_unpack(&c, &to->in, rows);
	assert(good);
	moving_own(&to->in, &to->base->in, &to->arena);
	return to;
}

bool
rec_same_place(const struct inst_rec *rec, const struct instance *in)
{
	const struct instance *a = &rec->in;

	return a->replication_depth == in->replication_depth &&
	    a->is_co_primary == in->is_co_primary &&
	    a->using_pseudo_gtid == in->using_pseudo_gtid &&
	    strcmp(a->cluster_name, in->cluster_name) == 0 &&
	    strcmp(a->suggested_cluster_alias,
		in->suggested_cluster_alias) == 0 &&
	    strcmp(a->ancestry_uuid, in->ancestry_uuid) == 0 &&
	    strcmp(a->gtid_errant, in->gtid_errant) == 0;
}

void
rec_set_place(struct inst_rec *rec, const struct instance *in)
{
	struct arena *a = &rec->arena;

	arena_reserve(a, arena_bytes(strlen(in->cluster_name) + 1) +
	    arena_bytes(strlen(in->suggested_cluster_alias) + 1) +
	    arena_bytes(strlen(in->ancestry_uuid) + 1) +
	    arena_bytes(strlen(in->gtid_errant) + 1));
	rec->in.replication_depth = in->replication_depth;
	rec->in.is_co_primary = in->is_co_primary;
	rec->in.using_pseudo_gtid = in->using_pseudo_gtid;
	rec->in.cluster_name = arena_strdup(a, in->cluster_name);
	rec->in.suggested_cluster_alias =
	    arena_strdup(a, in->suggested_cluster_alias);
	rec->in.ancestry_uuid = arena_strdup(a, in->ancestry_uuid);
	rec->in.gtid_errant = arena_strdup(a, in->gtid_errant);
}
