/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan is made from: servers as they are known. */
#include "config.h"

#include "plan/plan.h"

#include <assert.h>
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

static void
copy_place(struct instance *to, const struct instance *from)
{
	for (size_t i = 0; i < instance_field_count; i++) {
		const struct instance_field *f = &instance_fields[i];
		void *p = (char *)to + f->offset;
		const void *q = (const char *)from + f->offset;

		if (f->from != IS_PLACE)
			continue;
		switch (f->kind) {
		case KIND_STR:
			*(const char **)p = *(const char *const *)q;
			break;
		case KIND_BOOL: *(bool *)p = *(const bool *)q; break;
		case KIND_UINT: *(uint64_t *)p = *(const uint64_t *)q; break;
		default: assert(!"a place of that kind");
		}
	}
}

/* A probe knows the name that the server has for its source, and what is
 * published is the name that we have. */
static void
keep_name(struct instance *in, const struct instance *was)
{
	if (in->source_key.port == was->source_key.port &&
	    strcmp(in->source_host_raw, was->source_host_raw) == 0)
		in->source_key = was->source_key;
}

static const struct member *
read_since(const struct member *was, const struct member *const *read,
    size_t n, struct arena *a)
{
	struct instance *in;
	struct member *m;
	size_t i = 0;

	while (i < n && !key_eq(read[i]->in->key, was->in->key))
		i++;
	if (i == n || was->health.last_checked.us >
	    read[i]->health.last_checked.us)
		return was;
	in = instance_dup(read[i]->in, a);
	copy_place(in, was->in);
	keep_name(in, was->in);
	m = arena_alloc(a, sizeof *m);
	*m = *read[i];
	m->in = in;
	m->health.error = arena_strdup(a,
	    m->health.error != NULL ? m->health.error : "");
	return m;
}

const struct world *
world_with(const struct world *w, const struct member *const *read, size_t n,
    struct arena *a)
{
	const struct member **at = arena_alloc(a, (w->n + 1) * sizeof *at);
	struct world *out = arena_alloc(a, sizeof *out);

	for (size_t i = 0; i < w->n; i++)
		at[i] = read_since(w->at[i], read, n, a);
	*out = *w;
	out->at = at;
	return out;
}
