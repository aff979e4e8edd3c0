/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan is made from: servers as they are known. */
#include "config.h"

#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

/* Checked within this many polls: recently. */
enum { RECENT_POLLS = 5 };

const struct member *
world_find(const struct world *w, struct key key)
{
	size_t lo = 0, hi = w->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = key_cmp(key, w->at[mid]->in->key);

		if (cmp == 0)
			return w->at[mid];
		if (cmp < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

static bool
replicates_from(const struct world *w, const struct instance *in,
    struct key source, bool deep)
{
	unsigned hops = 0;

	while (!key_eq(in->source_key, source)) {
		const struct member *m = deep && hops++ < CLUSTER_ANCESTRY_MAX
		    ? world_find(w, in->source_key) : NULL;

		if (m == NULL || !instance_is_binlog_server(m->in))
			return false;
		in = m->in;
	}
	return true;
}

size_t
world_replicas(const struct world *w, struct key source, bool deep,
    const struct member **out)
{
	size_t i, n = 0;

	for (i = 0; i < w->n; i++)
		if (!key_eq(w->at[i]->in->key, source)
		    && replicates_from(w, w->at[i]->in, source, deep))
			out[n++] = w->at[i];
	return n;
}

bool
world_is_fresh(const struct world *w, const struct member *m)
{
	return m->health.failures == 0 && m->health.last_seen.us != 0
	    && wall_sub(w->now, m->health.last_checked).us
		<= w->policy->poll.us * RECENT_POLLS;
}
