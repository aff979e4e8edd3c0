/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools: named sets of servers, submitted as a whole.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ops/order.h"

/* ---- submitting ---- */

/*
 * "h1:3306,h2:3306": names are matched like any other when
 * SupportFuzzyPoolHostnames is set, else taken as they stand.  false: answered.
 */
static bool
members_arg(struct op_call *c, const char *text, struct key *key, size_t *n)
{
	const struct config *config = view_config(c);
	struct err err = ERR_INIT;

	*n = 0;
	while (*text != '\0') {
		size_t len = strcspn(text, ",");
		char *one = arena_strndup(&c->arena, text, len);

		text += len + (text[len] == ',');
		one += strspn(one, " \t\r\n");
		if (*one == '\0')
			continue;
		if (key_parse(&key[*n], one, config->default_instance_port,
			&c->arena, &err) != ERR_NONE) {
			reply_error(c, "%s", err.text);
			return false;
		}
		if (config->support_fuzzy_pool_hostnames)
			key[*n] = view_key_known(c, key[*n]);
		++*n;
	}
	return true;
}

static void
on_submitted(struct op_call *c, const struct msg *m)
{
	const char *pool = op_arg(c, "pool");

	if (order_failed(c, m, NULL))
		return;
	json_str(reply_ok(c, "Pool %s submitted", pool), pool);
	reply_end(c);
}

void
op_run_submit_pool_instances(struct op_call *c)
{
	const char *text = op_arg(c, "instances");
	struct key *key;
	size_t n, most = 1;

	if (op_arg(c, "pool") == NULL) {
		reply_error(c, "No pool given");
		return;
	}
	if (text == NULL)
		text = "";
	for (const char *s = text; *s != '\0'; s++)
		most += *s == ',';
	key = arena_alloc(&c->arena, most * sizeof(*key));
	if (members_arg(c, text, key, &n))
		op_order(c, on_submitted, submit_pool,
		    .pool = op_arg(c, "pool"), .members = { key, n });
}

/* ---- reading ---- */

static bool
is_fresh(struct op_call *c, const struct control_pool *p)
{
	dur_t life = DUR_S(60 *
	    (int64_t)view_config(c)->instance_pool_expiry_minutes);

	return wall_sub(view_now(c), p->registered).us < life.us;
}

/* The next member of the wanted pool (NULL: any) in cluster (NULL: any). */
static const struct control_pool *
next_member(struct op_call *c, struct control_iter *it, const char *pool,
    const struct cluster_snap *snap, struct found *f)
{
	const struct control_pool *p;

	while ((p = control_next(it)) != NULL) {
		if (pool != NULL && strcmp(p->pool, pool) != 0)
			continue;
		if (!is_fresh(c, p) || !view_find(c, p->key, f))
			continue;
		if (snap == NULL || strcmp(f->snap->name, snap->name) == 0)
			return p;
	}
	return NULL;
}

/* {"pool":[key...],...}; {} for a cluster that is not known. */
void
op_run_cluster_pool_instances(struct op_call *c)
{
	const struct cluster_snap *snap = view_cluster_by_hint(c,
	    op_arg(c, "clusterName"));
	const struct control_pool *p;
	const char *last = NULL;
	struct control_iter it;
	struct found f;
	struct json *w = reply_ok(c, "Cluster pool instances");

	json_obj(w);
	control_each(view_control(c), CONTROL_pool, &it);
	while (snap != NULL && (p = next_member(c, &it, op_arg(c, "pool"),
				    snap, &f)) != NULL) {
		if (last == NULL || strcmp(last, p->pool) != 0) {
			if (last != NULL)
				json_end(w);
			json_key(w, p->pool);
			json_arr(w);
		}
		last = p->pool;
		view_key_json(w, p->key);
	}
	if (last != NULL)
		json_end(w);
	json_end(w);
	reply_end(c);
}

/* Reachable members, binlog servers left out. */
static struct founds
usable_members(struct op_call *c, const struct cluster_snap *snap)
{
	const char *pool = op_arg(c, "pool");
	struct founds list = { 0 };
	struct control_iter it;
	struct found f;

	list.at = arena_alloc(&c->arena, snap->n * sizeof(*list.at));
	control_each(view_control(c), CONTROL_pool, &it);
	while (next_member(c, &it, pool, snap, &f) != NULL) {
		struct instance in;
		bool again = false;

		view_instance(c, &f, &in);
		for (size_t i = 0; i < list.n && !again; i++)
			again = list.at[i].m == f.m; /* in two pools */
		if (!again && list.n < snap->n && in.is_last_check_valid &&
		    !instance_is_binlog_server(&in))
			list.at[list.n++] = f;
	}
	return list;
}

void
op_run_heuristic_pool_instances(struct op_call *c)
{
	const struct cluster_snap *snap = view_cluster_arg(c);
	struct founds list;

	if (snap == NULL)
		return;
	list = usable_members(c, snap);
	view_instances_json(c, reply_ok(c, "Heuristic pool instances"), &list);
	reply_end(c);
}

/* The greatest known lag; -1: none. */
static int64_t
greatest_lag(const struct founds *list)
{
	int64_t most = -1;

	for (size_t i = 0; i < list->n; i++) {
		struct nullint lag = list->at[i].m->in->lag_seconds;

		if (lag.valid && lag.v > most)
			most = lag.v;
	}
	return most;
}

void
op_run_heuristic_pool_lag(struct op_call *c)
{
	const struct cluster_snap *snap = view_cluster_arg(c);
	struct founds list;
	int64_t lag;

	if (snap == NULL)
		return;
	list = usable_members(c, snap);
	lag = greatest_lag(&list);
	if (list.n == 0) {
		reply_error(c, "No pool instances found for %s", snap->name);
		return;
	}
	json_int(reply_ok(c, "Heuristic pool lag"), lag > 0 ? lag : 0);
	reply_end(c);
}

/* Command line only: every member with its cluster, alias and pool. */
void
op_run_all_pool_instances(struct op_call *c)
{
	const struct control_pool *p;
	struct control_iter it;
	struct found f;
	struct json *w = reply_raw(c);

	json_arr(w);
	control_each(view_control(c), CONTROL_pool, &it);
	while ((p = next_member(c, &it, NULL, NULL, &f)) != NULL) {
		json_obj(w);
		json_kstr(w, "ClusterName", f.snap->name);
		json_kstr(w, "ClusterAlias", view_alias(c, f.snap));
		json_kstr(w, "Pool", p->pool);
		json_key(w, "Key");
		view_key_json(w, p->key);
		json_end(w);
	}
	json_end(w);
	reply_sent(c, 200);
}
