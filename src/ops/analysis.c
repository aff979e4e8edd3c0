/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with servers that others replicate from, and since when.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/cluster_watch.h"
#include "actors/reader.h"
#include "ops/view.h"
#include "topology/analysis_list.h"

/* ---- what is asked for ---- */

/* NULL: all. false: there is nothing of that name. */
static bool
cluster_wanted(struct op_call *c, const struct cluster_snap **snap)
{
	const char *hint = op_arg(c, "clusterHint");

	*snap = hint != NULL ? view_cluster_by_hint(c, hint) : NULL;
	return hint == NULL || *snap != NULL;
}

static void
add_cluster(struct op_call *c, struct analysis_list *l,
    const struct cluster_snap *snap)
{
	assert(snap->analysis != NULL && snap->analysis->all.n == snap->n);
	analysis_list_add(l, snap->name, &snap->analysis->all, snap->members,
	    view_control(c), view_now(c), snap);
}

/* Those of hosts that are never recovered are never told of. */
static void
drop_ignored(struct op_call *c, struct analysis_list *l)
{
	const struct pattern_list *ignore =
	    view_config(c)->rules.recovery_ignore;
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (!pattern_list_match(ignore, l->at[i].m->in->key.host))
			l->at[n++] = l->at[i];
	l->n = n;
}

static struct analysis_list
collect(struct op_call *c, const struct cluster_snap *only, bool downtimed)
{
	struct analysis_list l = { .a = &c->arena, .downtimed = downtimed,
		.reduced = view_config(c)->reduce_replication_analysis_count };
	const struct cluster_snap **all;
	size_t n = 0;

	if (only != NULL) {
		add_cluster(c, &l, only);
	} else {
		all = view_clusters(c, &n);
		for (size_t i = 0; i < n; i++)
			add_cluster(c, &l, all[i]);
	}
	drop_ignored(c, &l);
	analysis_list_sort(&l);
	return l;
}

/* ---- as JSON ---- */

/* A recovery exists, and nothing that was said or configured forbids it. */
static bool
is_actionable(struct op_call *c, const struct analysis_entry *e,
    const struct cluster_info *info)
{
	const struct analysis_facts *f = &e->an->facts;

	return analysis_acts(e->an->code) && !e->note.skippable &&
	    !control_recoveries_disabled(view_control(c)) &&
	    (f->primary || f->co_primary ? info->recovers_primary
					 : info->recovers_intermediate);
}

static void
entry_json(struct op_call *c, struct json *w, const struct analysis_entry *e)
{
	struct cluster_info info;

	view_cluster_info(c, e->of, &info);
	analysis_json(w, e, &(struct analysis_context){
		.info = &info, .now = view_now(c),
		.node = op_app(c)->hostname, .token = op_app(c)->token,
		.actionable = is_actionable(c, e, &info) });
}

static void
reply_list(struct op_call *c, const struct analysis_list *l)
{
	struct json *w = reply_ok(c, "Analysis");

	json_arr(w);
	for (size_t i = 0; i < l->n; i++)
		entry_json(c, w, &l->at[i]);
	json_end(w);
	reply_end(c);
}

static void
reply_of_server(struct op_call *c)
{
	struct analysis_list l = { 0 };
	struct found f = { 0 };
	struct key key;
	size_t n = 0;

	if (!view_key_arg(c, "host", "port", &key))
		return;
	if (view_find(c, view_key_known(c, key), &f))
		l = collect(c, f.snap, true);
	for (size_t i = 0; i < l.n; i++)
		if (l.at[i].m == f.m)
			l.at[n++] = l.at[i];
	l.n = n;
	reply_list(c, &l);
}

void
op_run_replication_analysis(struct op_call *c)
{
	const struct cluster_snap *snap;
	struct analysis_list l = { 0 };

	if (op_arg(c, "host") != NULL) {
		reply_of_server(c);
		return;
	}
	if (cluster_wanted(c, &snap))
		l = collect(c, snap, true);
	reply_list(c, &l);
}

/* The command line's: a list of lines, without what is downtimed. */
void
op_run_analysis_lines(struct op_call *c)
{
	const struct cluster_snap *snap;
	struct analysis_list l = { 0 };
	struct json *w;
	struct buf b;

	if (cluster_wanted(c, &snap))
		l = collect(c, snap, false);
	w = reply_raw(c);
	buf_init(&b);
	json_arr(w);
	for (size_t i = 0; i < l.n; i++) {
		buf_reset(&b);
		analysis_line(&b, &l.at[i]);
		json_str(w, buf_text(&b));
	}
	json_end(w);
	buf_fini(&b);
	reply_sent(c, 200);
}

/* ---- changes ---- */

static const char *
text_of(const struct rows *r, const char *column)
{
	const char *text = rows_get(r, column);

	return text != NULL ? text : "";
}

static void
change_json(struct json *w, const struct rows *r)
{
	char time[WALL_TEXT_MAX] = "";
	struct buf b;
	wall_t at;

	if (wall_parse(&at, text_of(r, "at"), NULL) == ERR_NONE)
		wall_text(at, time);
	buf_init(&b);
	buf_printf(&b, "%s;%s,", time, text_of(r, "code"));
	json_str(w, buf_text(&b));
	buf_fini(&b);
}

/* Rows come by server: each begins an object of v1's when it is another. */
static void
changes_json(struct json *w, struct rows *r)
{
	struct key was = KEY_NONE;
	bool any = false;

	json_arr(w);
	while (rows_next(r)) {
		struct key key = { text_of(r, "host"),
			(uint32_t)strtoul(text_of(r, "port"), NULL, 10) };

		if (!any || !key_eq(was, key)) {
			if (any) {
				json_end(w);
				json_end(w);
			}
			json_obj(w);
			json_key(w, "AnalyzedInstanceKey");
			view_key_json(w, key);
			json_key(w, "Changelog");
			json_arr(w);
		}
		change_json(w, r);
		was = key;
		any = true;
	}
	if (any) {
		json_end(w);
		json_end(w);
	}
	json_end(w);
}

static void
on_changes(struct op_call *c, const struct msg *m)
{
	struct rows *r = view_rows(c, m);
	struct json *w;

	if (r == NULL)
		return;
	w = reply_raw(c);
	if (r->rows_left == 0)
		json_nil(w);
	else
		changes_json(w, r);
	reply_sent(c, 200);
}

void
op_run_analysis_changelog(struct op_call *c)
{
	op_ask(c, op_app(c)->reader, read_run, OP_LIMIT, on_changes,
	    .what = "analysis");
}
