/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known about servers.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ops/view.h"
#include "topology/search.h"

void
op_run_instance(struct op_call *c)
{
	struct found f;

	if (!view_server_arg(c, &f))
		return;
	view_instance_json(c, reply_raw(c), &f);
	reply_sent(c, 200);
}

void
op_run_all_instances(struct op_call *c)
{
	struct founds list = view_all(c);

	reply_instances(c, &list);
}

static bool
is_replica_of(struct op_call *c, const struct found *f, void *arg)
{
	const struct key *source = arg;

	(void)c;
	return key_eq(f->m->in->source_key, *source);
}

/*
 * By the source that each server names: replicas that the source itself does
 * not list are there too.  They belong to its cluster.
 */
void
op_run_instance_replicas(struct op_call *c)
{
	struct key source;
	struct found f;
	struct founds list = { 0 };

	if (!view_key_arg(c, "host", "port", &source))
		return;
	source = view_key_known(c, source);
	if (view_find(c, source, &f))
		list = view_members(c, f.snap);
	view_filter(c, &list, is_replica_of, &source);
	reply_instances(c, &list);
}

/* ---- search ---- */

static bool
found_by_text(struct op_call *c, const struct found *f, void *arg)
{
	return search_matches(f->m->in, f->snap->name, view_alias(c, f->snap),
	    arg);
}

void
op_run_search(struct op_call *c)
{
	const char *text = op_arg(c, "searchString");
	struct founds list;

	if (text == NULL)
		text = op_arg(c, "s");
	if (text != NULL)
		list = view_all_where(c, found_by_text,
		    arena_strdup(&c->arena, text));
	else
		list = view_all(c);
	reply_instances(c, &list);
}

static bool
host_matches(struct op_call *c, const struct found *f, void *arg)
{
	(void)c;
	return pattern_match(arg, f->m->in->key.host);
}

/* Command line only: servers whose host name matches a regular expression. */
void
op_run_find(struct op_call *c)
{
	const char *text = op_arg(c, "pattern");
	struct err err = ERR_INIT;
	struct pattern *pattern;
	struct founds list;

	if (text == NULL) {
		reply_error(c, "No pattern given");
		return;
	}
	pattern = pattern_new(text, &err);
	if (pattern == NULL) {
		reply_error(c, "%s", err.text);
		return;
	}
	list = view_all_where(c, host_matches, pattern);
	pattern_free(pattern);
	reply_instances(c, &list);
}

/* ---- problems and downtime ---- */

static bool
is_problem(struct op_call *c, const struct found *f, void *arg)
{
	const struct config_rules *rules = &view_config(c)->rules;
	struct key key = f->m->in->key;

	(void)arg;
	return view_is_problem(c, f->m) &&
	    !host_filter_match(rules->problem_ignore, key.host, key.port);
}

void
op_run_problems(struct op_call *c)
{
	const char *hint = op_arg(c, "clusterName");
	const struct cluster_snap *snap = NULL;
	struct founds list = { 0 };

	if (hint != NULL)
		snap = view_cluster_by_hint(c, hint);
	if (snap != NULL) {
		list = view_members(c, snap);
		view_filter(c, &list, is_problem, NULL);
	} else if (hint == NULL) {
		list = view_all_where(c, is_problem, NULL);
	}
	reply_instances_or_null(c, &list);
}

static bool
is_downtimed(struct op_call *c, const struct found *f, void *arg)
{
	const struct control_downtime *d = control_downtime(view_control(c),
	    f->m->in->key);
	const char *reason = arg;

	if (d == NULL || d->end.us <= view_now(c).us)
		return false;
	return reason == NULL || strcmp(d->reason, reason) == 0;
}

void
op_run_downtimed(struct op_call *c)
{
	const struct cluster_snap *snap;
	struct founds list;

	if (op_arg(c, "clusterHint") != NULL) {
		snap = view_cluster_arg(c);
		if (snap == NULL)
			return;
		list = view_members(c, snap);
		view_filter(c, &list, is_downtimed, NULL);
	} else {
		list = view_all_where(c, is_downtimed, NULL);
	}
	reply_instances(c, &list);
}

/* Command line only. */
void
op_run_lost_in_recovery(struct op_call *c)
{
	char reason[] = CONTROL_LOST_IN_RECOVERY;
	struct founds list = view_all_where(c, is_downtimed, reason);

	reply_instances(c, &list);
}

/* ---- keys ---- */

static int
key_text_cmp(const void *x, const void *y)
{
	const struct found *a = x, *b = y;
	char ta[KEY_TEXT_MAX], tb[KEY_TEXT_MAX];

	return strcmp(key_text(a->m->in->key, ta), key_text(b->m->in->key, tb));
}

void
op_run_bulk_instances(struct op_call *c)
{
	struct founds list = view_all(c);
	struct json *w = reply_raw(c);

	if (list.n == 0) {
		json_nil(w);
		reply_sent(c, 200);
		return;
	}
	qsort(list.at, list.n, sizeof(*list.at), key_text_cmp);
	json_arr(w);
	for (size_t i = 0; i < list.n; i++)
		view_key_json(w, list.at[i].m->in->key);
	json_end(w);
	reply_sent(c, 200);
}
