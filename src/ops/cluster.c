/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clusters: their members, heads and names.
 */
#include "config.h"

#include <string.h>

#include "ops/order.h"

void
op_run_cluster(struct op_call *c)
{
	const struct cluster_snap *snap = view_cluster_arg(c);

	if (snap == NULL)
		return;
	reply_members(c, snap);
}

static void
info_json(struct op_call *c, struct json *w, const struct cluster_snap *snap)
{
	struct cluster_info info;

	view_cluster_info(c, snap, &info);
	cluster_info_json(w, &info);
}

void
op_run_cluster_info(struct op_call *c)
{
	const struct cluster_snap *snap = view_cluster_arg(c);

	if (snap == NULL)
		return;
	info_json(c, reply_raw(c), snap);
	reply_sent(c, 200);
}

void
op_run_clusters_info(struct op_call *c)
{
	size_t n;
	const struct cluster_snap **snap = view_clusters(c, &n);
	struct json *w = reply_raw(c);

	json_arr(w);
	for (size_t i = 0; i < n; i++)
		info_json(c, w, snap[i]);
	json_end(w);
	reply_sent(c, 200);
}

/* null when there is none. */
void
op_run_clusters(struct op_call *c)
{
	size_t n;
	const struct cluster_snap **snap = view_clusters(c, &n);
	struct json *w = reply_raw(c);

	if (n == 0) {
		json_nil(w);
	} else {
		json_arr(w);
		for (size_t i = 0; i < n; i++)
			json_str(w, snap[i]->name);
		json_end(w);
	}
	reply_sent(c, 200);
}

/* ---- heads ---- */

static bool
head_of(const struct cluster_snap *snap, struct found *f)
{
	f->snap = snap;
	f->m = cluster_primary(snap->members, snap->n);
	return f->m != NULL;
}

void
op_run_primary(struct op_call *c)
{
	const struct cluster_snap *snap = view_cluster_arg(c);
	struct found f;

	if (snap == NULL)
		return;
	if (!head_of(snap, &f)) {
		reply_error(c, "No masters found");
		return;
	}
	view_instance_json(c, reply_raw(c), &f);
	reply_sent(c, 200);
}

/* The writable head of each cluster; null when there is none at all. */
void
op_run_primaries(struct op_call *c)
{
	size_t n, heads = 0;
	const struct cluster_snap **snap = view_clusters(c, &n);
	struct json *w = reply_raw(c);
	struct found f;

	for (size_t i = 0; i < n; i++) {
		if (!head_of(snap[i], &f) || f.m->in->read_only)
			continue;
		if (heads++ == 0)
			json_arr(w);
		view_instance_json(c, w, &f);
	}
	if (heads == 0)
		json_nil(w);
	else
		json_end(w);
	reply_sent(c, 200);
}

/* ---- replicas for a purpose ---- */

static void
answer_chosen(struct op_call *c, const struct cluster_snap *snap,
    const struct member **chosen, size_t n)
{
	struct founds list = { .n = n };

	list.at = arena_alloc(&c->arena, n * sizeof(*list.at));
	for (size_t i = 0; i < n; i++) {
		list.at[i].snap = snap;
		list.at[i].m = chosen[i];
	}
	reply_instances(c, &list);
}

/* OSCIgnoreHostnameFilters leaves some out from the start. */
static size_t
choose_osc(struct op_call *c, const struct cluster_snap *snap,
    const struct member **chosen)
{
	const struct host_filter *ignore = view_config(c)->rules.osc_ignore;
	struct member *m = arena_alloc(&c->arena, snap->n * sizeof(*m));
	size_t n = 0;

	for (size_t i = 0; i < snap->n; i++) {
		struct key key = snap->members[i].in->key;

		if (!host_filter_match(ignore, key.host, key.port))
			m[n++] = snap->members[i];
	}
	return cluster_osc_replicas(m, n, chosen);
}

void
op_run_cluster_osc_replicas(struct op_call *c)
{
	const struct cluster_snap *snap = view_cluster_arg(c);
	const struct member *chosen[CLUSTER_OSC_MAX];

	if (snap != NULL)
		answer_chosen(c, snap, chosen, choose_osc(c, snap, chosen));
}

/* Command line only. */
void
op_run_ghost_replicas(struct op_call *c)
{
	const struct cluster_snap *snap = view_cluster_arg(c);
	const struct member **chosen;

	if (snap == NULL)
		return;
	chosen = arena_alloc(&c->arena, snap->n * sizeof(*chosen));
	answer_chosen(c, snap, chosen, cluster_ghost_replicas(snap->members,
	    snap->n, chosen));
}

/* Command line only: the greatest lag among the replicas to watch. */
void
op_run_cluster_lag(struct op_call *c)
{
	const struct cluster_snap *snap = view_cluster_arg(c);
	const struct member *chosen[CLUSTER_OSC_MAX];
	int64_t most = 0;
	size_t n;

	if (snap == NULL)
		return;
	n = choose_osc(c, snap, chosen);
	if (n == 0) {
		reply_error(c, "No replicas to tell the lag of %s", snap->name);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct nullint lag = chosen[i]->in->lag_seconds;

		if (lag.valid && lag.v > most)
			most = lag.v;
	}
	json_int(reply_raw(c), most);
	reply_sent(c, 200);
}

/* ---- names ---- */

static void
on_alias_set(struct op_call *c, const struct msg *m)
{
	if (order_failed(c, m, NULL))
		return;
	reply_done(c, "Alias of cluster %s is now %s",
	    op_arg(c, "clusterName"),
	    op_arg(c, "alias") != NULL ? op_arg(c, "alias") : "its own again");
}

void
op_run_set_cluster_alias(struct op_call *c)
{
	op_order(c, on_alias_set, set_alias_override,
	    .cluster = op_arg(c, "clusterName"), .alias = op_arg(c, "alias"));
}
