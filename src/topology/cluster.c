/* SPDX-License-Identifier: Apache-2.0 */
/* Roots of trees, and picking members; places are place.c. */
#include "config.h"

#include "topology/cluster.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct key
cluster_parent(const struct instance *in)
{
	if (instance_is_group_secondary(in) && key_valid(in->group_primary))
		return in->group_primary;
	return key_valid(in->source_key) ? in->source_key : KEY_NONE;
}

/* NULL: none, not known, or itself under another name. */
static const struct instance *
find_parent(const struct instance *in, const struct cluster_finder *f)
{
	struct key k = cluster_parent(in);
	const struct instance *up;

	if (key_is_none(k))
		return NULL;
	up = f->find(f->arg, k);
	return up != NULL && !key_eq(up->key, in->key) ? up : NULL;
}

static bool
is_named(const char *name, struct key k)
{
	char text[KEY_TEXT_MAX];

	return strcmp(name, key_text(k, text)) == 0;
}

struct ring {
	struct key least;
	struct key self_named; /* KEY_NONE: nobody is */
	struct key was;	       /* likewise */
};

static void
ring_add(struct ring *r, const struct instance *m, const struct instance *in,
    const char *was)
{
	const char *name = key_eq(m->key, in->key) ? was : m->cluster_name;

	if (key_is_none(r->least) || key_cmp(m->key, r->least) < 0)
		r->least = m->key;
	if (is_named(was, m->key))
		r->was = m->key;
	if (is_named(name, m->key) && (key_is_none(r->self_named) ||
		key_cmp(m->key, r->self_named) < 0))
		r->self_named = m->key;
}

/* The name of the ring that at is part of. */
static struct key
ring_root(const struct instance *at, const struct instance *in,
    const struct cluster_finder *f, const char *was)
{
	struct ring r = { KEY_NONE, KEY_NONE, KEY_NONE };
	const struct instance *m = at;

	do {
		ring_add(&r, m, in, was);
		m = find_parent(m, f);
		assert(m != NULL);
	} while (!key_eq(m->key, at->key));
	if (!key_is_none(r.self_named))
		return r.self_named;
	return key_is_none(r.was) ? r.least : r.was;
}

struct key
cluster_root(const struct instance *in, const struct cluster_finder *finder,
    const char *was)
{
	/* Brent: a mark is set at distances 1, 2, 4...; a ring meets it. */
	const struct instance *at = in, *mark = in, *up;
	size_t steps = 0, limit = 1;

	while ((up = find_parent(at, finder)) != NULL) {
		at = up;
		if (key_eq(at->key, mark->key))
			return ring_root(at, in, finder, was);
		if (++steps == limit) {
			mark = at;
			limit *= 2;
			steps = 0;
		}
	}
	return at->key;
}

void
cluster_info_json(struct json *w, const struct cluster_info *info)
{
	json_obj(w);
	json_kstr(w, "ClusterName", info->name);
	json_kstr(w, "ClusterAlias",
	    info->alias[0] != '\0' ? info->alias : info->name);
	json_kstr(w, "ClusterDomain", info->domain);
	json_kuint(w, "CountInstances", info->instances);
	json_kint(w, "HeuristicLag", 0);
	json_kbool(w, "HasAutomatedMasterRecovery", info->recovers_primary);
	json_kbool(w, "HasAutomatedIntermediateMasterRecovery",
	    info->recovers_intermediate);
	json_end(w);
}

static int
cmp_num(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Which of two heads is more of a primary: <0 for a. */
static int
head_cmp(const struct instance *a, const struct instance *b)
{
	if (a->read_only != b->read_only)
		return a->read_only ? 1 : -1;
	if (a->replication_depth != b->replication_depth)
		return cmp_num(a->replication_depth, b->replication_depth);
	return key_cmp(a->key, b->key);
}

const struct member *
cluster_primary(const struct member *m, size_t n)
{
	const struct member *best = NULL;

	for (size_t i = 0; i < n; i++) {
		if (m[i].in->replication_depth > 0 && !m[i].in->is_co_primary)
			continue;
		if (best == NULL || head_cmp(m[i].in, best->in) < 0)
			best = &m[i];
	}
	return best;
}

int
member_cmp(const struct member *a, const struct member *b)
{
	const struct instance *x = a->in, *y = b->in;
	int c = cmp_num(x->replication_depth, y->replication_depth);

	if (c == 0)
		c = cmp_num(y->replicas.n, x->replicas.n);
	if (c == 0)
		c = strcmp(x->cluster_name, y->cluster_name);
	return c != 0 ? c : key_cmp(x->key, y->key);
}

/* ---- picking replicas ---- */

static bool
checked_well(const struct member *m)
{
	return m->health.last_seen.us != 0 &&
	    m->health.last_checked.us <= m->health.last_seen.us;
}

static bool
is_usable(const struct member *m)
{
	return checked_well(m) && !instance_is_binlog_server(m->in);
}

/* Does a go before b, having more replicas? */
static bool
is_busier(const struct member *a, const struct member *b)
{
	if (a->in->replicas.n != b->in->replicas.n)
		return a->in->replicas.n > b->in->replicas.n;
	return key_cmp(a->in->key, b->in->key) < 0;
}

struct pick {
	const struct member *m;
	size_t n;
	const struct member **out;
	size_t have;
};

static bool
is_picked(const struct pick *p, const struct member *m)
{
	for (size_t i = 0; i < p->have; i++)
		if (p->out[i] == m)
			return true;
	return false;
}

/* Add up to max of those that want says, the busiest first. */
static void
pick_busiest(struct pick *p, size_t max,
    bool (*want)(const struct member *m, const struct member *arg),
    const struct member *arg)
{
	for (; max > 0; max--) {
		const struct member *best = NULL;

		for (size_t i = 0; i < p->n; i++) {
			const struct member *m = &p->m[i];

			if (is_usable(m) && want(m, arg) && !is_picked(p, m) &&
			    (best == NULL || is_busier(m, best)))
				best = m;
		}
		if (best == NULL)
			return;
		p->out[p->have++] = best;
	}
}

static bool
is_intermediate(const struct member *m, const struct member *arg)
{
	(void)arg;
	return m->in->replication_depth == 1 && m->in->replicas.n > 0;
}

static bool
is_replica_of(const struct member *m, const struct member *source)
{
	return key_eq(m->in->source_key, source->in->key);
}

static bool
is_third_tier(const struct member *m, const struct member *arg)
{
	(void)arg;
	return m->in->replication_depth == 3;
}

static bool
is_first_tier_leaf(const struct member *m, const struct member *arg)
{
	(void)arg;
	return m->in->replication_depth == 1 && m->in->replicas.n == 0;
}

size_t
cluster_osc_replicas(const struct member *m, size_t n,
    const struct member *out[CLUSTER_OSC_MAX])
{
	struct pick p = { m, n, out, 0 };
	size_t above;

	pick_busiest(&p, 2, is_intermediate, NULL);
	above = p.have;
	for (size_t i = 0; i < above; i++)
		pick_busiest(&p, above == 1 ? 2 : 1, is_replica_of, out[i]);
	pick_busiest(&p, 2, is_third_tier, NULL);
	pick_busiest(&p, 2, is_first_tier_leaf, NULL);
	assert(p.have <= CLUSTER_OSC_MAX);
	return p.have;
}

static bool
fits_ghost(const struct member *m)
{
	const struct instance *in = m->in;

	return is_usable(m) && in->replication_depth > 0 &&
	    strcmp(in->binlog_format, "ROW") == 0 && in->log_bin &&
	    in->log_replica_updates;
}

static int
by_idleness(const void *a, const void *b)
{
	const struct member *x = *(const struct member *const *)a;
	const struct member *y = *(const struct member *const *)b;
	int c = cmp_num(x->in->replicas.n, y->in->replicas.n);

	return c != 0 ? c : key_cmp(x->in->key, y->in->key);
}

size_t
cluster_ghost_replicas(const struct member *m, size_t n,
    const struct member **out)
{
	size_t have = 0;

	for (size_t i = 0; i < n; i++)
		if (fits_ghost(&m[i]))
			out[have++] = &m[i];
	qsort(out, have, sizeof *out, by_idleness);
	return have;
}
