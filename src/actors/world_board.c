/* SPDX-License-Identifier: Apache-2.0 */
/* What plans are made from, as it is published; see world_board.h. */
#include "config.h"

#include "actors/world_board.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool
is_banned(const void *arg, struct key key)
{
	const struct config *c = arg;

	return host_filter_match(c->rules.promotion_ignore, key.host,
	    key.port);
}

static void
fill_policy(struct plan_policy *p, const struct config *c)
{
	*p = (struct plan_policy){
		.poll = DUR_S(c->instance_poll_seconds),
		.maintenance_lag =
		    DUR_S(c->reasonable_maintenance_replication_lag_seconds),
		.lag = DUR_S(c->reasonable_replication_lag_seconds),
		.read_limit = DUR_S(c->mysql_topology_read_timeout_seconds),
		.side_by_side = (unsigned)c->max_concurrent_replica_operations,
		.lower_version_allowed = c->lower_replica_version_allowed,
		.verify_filters = c->verify_replication_filters,
		.super_read_only = c->use_super_read_only,
		.semi_sync_exact = c->enforce_exact_semi_sync_replicas,
		.semi_sync_enough = c->recover_locked_semi_sync_primary,
		.credentials_query = c->replication_credentials_query,
		.banned = is_banned,
		.banned_arg = c,
	};
}

static const struct pgtid_history *
history(const void *arg, struct key key)
{
	return logpos_of(arg, key);
}

/* Detached or not: it is the source's log that is meant. */
static bool
equivalent(const void *arg, struct key source, const struct coord *at,
    struct key target, struct coord *out)
{
	const struct control_equivalence *e = control_equivalent(arg, source,
	    at->file, (uint64_t)at->pos, target);

	if (e == NULL)
		return false;
	*out = (struct coord){ .file = e->target_file,
		.pos = (int64_t)e->target_pos };
	return true;
}

/* ---- clusters ---- */

static bool
has_cluster(const struct world_board *b, const char *name)
{
	for (size_t i = 0; i < b->snaps; i++)
		if (strcmp(b->snap[i]->name, name) == 0)
			return true;
	return false;
}

static void
add_cluster(struct world_board *b, struct ctx *ctx, const char *name)
{
	const struct cluster_snap *snap;

	if (has_cluster(b, name))
		return;
	snap = board_get(ctx, BOARD_CLUSTER, name);
	if (snap == NULL)
		return;
	b->snap = mem_resize(b->snap, b->snaps + 1, sizeof *b->snap);
	b->snap[b->snaps++] = snap;
	b->max += snap->n;
	b->at = mem_resize(b->at, b->max, sizeof *b->at);
	for (size_t i = 0; i < snap->n; i++)
		b->at[b->world.n++] = &snap->members[i];
}

static void
add_cluster_of(struct world_board *b, struct ctx *ctx, struct key key)
{
	char text[KEY_TEXT_MAX];
	struct place *place = board_get(ctx, BOARD_PLACE, key_text(key, text));

	if (place == NULL)
		return;
	add_cluster(b, ctx, place->cluster);
	shared_unref(place);
}

/* What a server replicates from, or did before it was detached. */
static struct key
source_of(const struct instance *in)
{
	struct key k = in->source_key;

	if (key_is_detached(k))
		k.host += strspn(k.host, "/");
	return k;
}

static const struct member *
find(const struct world_board *b, struct key key)
{
	for (size_t i = 0; i < b->world.n; i++)
		if (key_eq(b->at[i]->in->key, key))
			return b->at[i];
	return NULL;
}

static int
by_key(const void *x, const void *y)
{
	const struct member *const *a = x, *const *b = y;

	return key_cmp((*a)->in->key, (*b)->in->key);
}

/* A server that moves between clusters may be in two for a moment. */
static void
sort(struct world_board *b)
{
	size_t n = 0;

	if (b->world.n > 1)
		qsort(b->at, b->world.n, sizeof *b->at, by_key);
	for (size_t i = 0; i < b->world.n; i++)
		if (n == 0 || by_key(&b->at[n - 1], &b->at[i]) != 0)
			b->at[n++] = b->at[i];
	b->world.n = n;
	b->world.at = b->at;
}

/* ---- the whole ---- */

void
world_board_open(struct world_board *b, struct ctx *ctx,
    const struct key *key, size_t n)
{
	*b = (struct world_board){ .config = config_ref(ctx),
		.control = control_shared_ref(ctx) };
	assert(b->config != NULL && b->control != NULL);
	fill_policy(&b->policy, b->config->config);
	b->policy.pseudo_gtid = markers_rule(&b->markers, b->config,
	    app_of(ctx)->skip_binlog_search);
	if (b->policy.pseudo_gtid)
		b->policy.markers = &b->markers.rule;
	b->past = logpos_ref(ctx);
	b->world.history = history;
	b->world.history_arg = b->past;
	for (size_t i = 0; i < n; i++) {
		const struct member *m;

		add_cluster_of(b, ctx, key[i]);
		m = find(b, key[i]);
		if (m != NULL)
			add_cluster_of(b, ctx, source_of(m->in));
	}
	sort(b);
	b->world.control = b->control->control;
	b->world.equivalent = equivalent;
	b->world.equivalent_arg = b->control->control;
	b->world.policy = &b->policy;
	b->world.now = act_wall(ctx);
}

void
world_board_close(struct world_board *b)
{
	for (size_t i = 0; i < b->snaps; i++)
		shared_unref(b->snap[i]);
	mem_free(b->snap);
	mem_free(b->at);
	shared_unref(b->past);
	shared_unref(b->config);
	shared_unref(b->control);
	*b = (struct world_board){ 0 };
}
