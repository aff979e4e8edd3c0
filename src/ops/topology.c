/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clusters as text: as they are, and as they were when history was written.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "actors/reader.h"
#include "mysql/rows.h"
#include "ops/view.h"
#include "topology/tree.h"

/* ---- as it is ---- */

/* v1's lag limit of trees and status lines. */
static dur_t
lag_limit(struct op_call *c)
{
	return DUR_S(
	    view_config(c)->reasonable_maintenance_replication_lag_seconds);
}

static struct strs
tags_of(struct op_call *c, struct key key)
{
	const struct control *control = view_control(c);
	const struct control_tag *t;
	const char **text;
	struct control_iter it;
	struct strs list = { 0 };
	size_t n = 0;

	for (control_tags(control, key, &it); control_next(&it) != NULL;)
		n++;
	text = arena_alloc(&c->arena, n * sizeof(*text));
	for (control_tags(control, key, &it); (t = control_next(&it)) != NULL;)
		text[list.n++] = *t->value == '\0'
		    ? t->name
		    : arena_printf(&c->arena, "%s=%s", t->name, t->value);
	list.at = text;
	return list;
}

static void
answer_tree(struct op_call *c, const char *text)
{
	json_str(reply_ok(c, "Topology for cluster"), text);
	reply_end(c);
}

static void
present_tree(struct op_call *c, const struct cluster_snap *snap,
    enum tree_form form, bool tags)
{
	struct member *m = arena_alloc(&c->arena, snap->n * sizeof(*m));
	struct instance *in = arena_alloc(&c->arena, snap->n * sizeof(*in));
	struct strs *tag = arena_alloc(&c->arena, snap->n * sizeof(*tag));
	struct tree_options o = { .form = form, .lag = lag_limit(c),
		.tags = tags ? tag : NULL };
	struct buf text = { 0 };

	for (size_t i = 0; i < snap->n; i++) {
		struct found f = { snap, &snap->members[i] };

		view_instance(c, &f, &in[i]);
		m[i] = snap->members[i];
		m[i].in = &in[i];
		if (tags)
			tag[i] = tags_of(c, in[i].key);
	}
	tree_text(m, snap->n, &o, &text);
	answer_tree(c, buf_text(&text));
	buf_fini(&text);
}

/* ---- as it was ---- */

struct past {
	struct member *m;
	struct instance *in;
	size_t n, max;
};

static uint32_t
port_of(const char *text)
{
	return text != NULL ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

static struct key
key_of(struct op_call *c, const struct rows *r, const char *host,
    const char *port)
{
	const char *name = rows_get(r, host);

	if (name == NULL)
		return KEY_NONE;
	return (struct key){ arena_strdup(&c->arena, name),
		port_of(rows_get(r, port)) };
}

static void
past_add(struct op_call *c, struct past *p, const struct rows *r)
{
	struct instance *in;

	if (p->n == p->max) {
		size_t max = p->max > 0 ? p->max * 2 : 64;
		struct instance *more = arena_alloc(&c->arena,
		    max * sizeof(*more));

		if (p->n > 0)
			memcpy(more, p->in, p->n * sizeof(*more));
		p->in = more;
		p->max = max;
	}
	in = &p->in[p->n++];
	instance_init(in);
	in->key = key_of(c, r, "host", "port");
	in->source_key = key_of(c, r, "source_host", "source_port");
}

static int
by_rank(const void *x, const void *y)
{
	return member_cmp(x, y);
}

/* Facts of the past without their places: worked out as for the present. */
static void
past_place(struct op_call *c, struct past *p)
{
	struct instance **at = arena_alloc(&c->arena, p->n * sizeof(*at));

	p->m = arena_alloc(&c->arena, p->n * sizeof(*p->m));
	for (size_t i = 0; i < p->n; i++) {
		at[i] = &p->in[i];
		p->m[i].in = &p->in[i];
		p->m[i].health.error = "";
	}
	cluster_place(c->memo, at, p->n, &c->arena);
	if (p->n > 1)
		qsort(p->m, p->n, sizeof(*p->m), by_rank);
}

static void
on_history(struct op_call *c, const struct msg *m)
{
	struct tree_options o = { .form = TREE_KEYS };
	struct buf text = { 0 };
	struct past p = { 0 };
	struct rows *r = view_rows(c, m);

	if (r == NULL)
		return;
	while (rows_next(r))
		past_add(c, &p, r);
	past_place(c, &p);
	tree_text(p.m, p.n, &o, &text);
	answer_tree(c, buf_text(&text));
	buf_fini(&text);
}

static void
past_tree(struct op_call *c, const struct cluster_snap *snap,
    const char *pattern)
{
	struct buf args = { 0 };

	c->memo = arena_strdup(&c->arena, snap->name);
	reader_pack_history(&args, snap->name, pattern);
	op_ask(c, op_app(c)->reader, read_run, OP_LIMIT, on_history,
	    .what = "history",
	    .args = { (const uint8_t *)args.data, args.len });
	buf_fini(&args);
}

/* ---- operations ---- */

static void
tree(struct op_call *c, enum tree_form form, bool tags)
{
	const struct cluster_snap *snap = view_cluster_arg(c);
	const char *pattern = op_arg(c, "pattern"); /* command line only */

	if (snap == NULL)
		return;
	if (pattern != NULL)
		past_tree(c, snap, pattern);
	else
		present_tree(c, snap, form, tags);
}

void
op_run_topology(struct op_call *c)
{
	tree(c, TREE_PLAIN, false);
}

void
op_run_topology_tabulated(struct op_call *c)
{
	tree(c, TREE_TABULATED, false);
}

void
op_run_topology_tags(struct op_call *c)
{
	tree(c, TREE_PLAIN, true);
}

/* Command line only. */
void
op_run_instance_status(struct op_call *c)
{
	struct buf text = { 0 };
	struct instance in;
	struct found f;

	if (!view_server_arg(c, &f))
		return;
	view_instance(c, &f, &in);
	instance_status(&in, lag_limit(c), &text);
	json_str(reply_raw(c), buf_text(&text));
	buf_fini(&text);
	reply_sent(c, 200);
}
