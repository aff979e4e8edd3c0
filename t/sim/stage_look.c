/* SPDX-License-Identifier: Apache-2.0 */
/* What is published, as a story looks at it, and the rules it must keep. */
#include "config.h"

#include "sim/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/cluster_watch.h"
#include "base/mem.h"

const void *
stage_hold(struct stage *st, const void *shared)
{
	if (shared == NULL)
		return NULL;
	assert(st->holds < STAGE_HELD_MAX);
	st->held[st->holds++] = shared;
	return shared;
}

void
stage_release(struct stage *st)
{
	while (st->holds > 0)
		shared_unref(st->held[--st->holds]);
}

const struct cluster_snap *
stage_cluster(struct stage *st, const char *name)
{
	return stage_hold(st, board_get(port_ctx(st->port), BOARD_CLUSTER,
	    name));
}

const struct directory_snap *
stage_directory(struct stage *st)
{
	return stage_hold(st, board_get(port_ctx(st->port), BOARD_DIRECTORY,
	    "directory"));
}

const struct names_snap *
stage_names(struct stage *st)
{
	return stage_hold(st, board_get(port_ctx(st->port), BOARD_NAMES,
	    "names"));
}

const char *
stage_place(struct stage *st, const char *key)
{
	const struct place *p = stage_hold(st, board_get(port_ctx(st->port),
	    BOARD_PLACE, key));

	return p != NULL ? p->cluster : "";
}

static const struct member *
find_member(const struct cluster_snap *snap, const char *key)
{
	char text[KEY_TEXT_MAX];

	for (size_t i = 0; i < snap->n; i++)
		if (strcmp(key_text(snap->members[i].in->key, text), key) == 0)
			return &snap->members[i];
	return NULL;
}

const struct member *
stage_member(struct stage *st, const char *key)
{
	const struct cluster_snap *snap = stage_cluster(st,
	    stage_place(st, key));

	return snap != NULL ? find_member(snap, key) : NULL;
}

static bool
is_valid(const struct member *m)
{
	return m->health.last_seen.us != 0 &&
	    m->health.last_checked.us <= m->health.last_seen.us;
}

bool
stage_valid(struct stage *st, const char *key)
{
	const struct member *m = stage_member(st, key);

	return m != NULL && is_valid(m);
}

const char *
stage_analysis(struct stage *st, const char *key)
{
	const struct cluster_snap *snap = stage_cluster(st,
	    stage_place(st, key));
	char text[KEY_TEXT_MAX];

	for (size_t i = 0; snap != NULL && i < snap->n; i++)
		if (strcmp(key_text(snap->members[i].in->key, text), key) == 0)
			return analysis_name(snap->analysis->all.at[i].code);
	return "(nothing)";
}

/* ---- all of it ---- */

struct all {
	const struct cluster_snap *at[1024];
	size_t n;
};

static void
add_cluster(void *arg, const char *key, void *s)
{
	struct all *all = arg;

	(void)key;
	assert(all->n < MEM_COUNT(all->at));
	all->at[all->n++] = shared_ref(s);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(const struct cluster_snap *const *)a)->name,
	    (*(const struct cluster_snap *const *)b)->name);
}

static void
get_all(struct stage *st, struct all *all)
{
	all->n = 0;
	board_each(port_ctx(st->port), BOARD_CLUSTER, add_cluster, all);
	qsort(all->at, all->n, sizeof all->at[0], by_name);
}

static void
put_all(struct all *all)
{
	for (size_t i = 0; i < all->n; i++)
		shared_unref(all->at[i]);
}

size_t
stage_count(struct stage *st, bool valid_only)
{
	struct all all;
	size_t n = 0;

	get_all(st, &all);
	for (size_t i = 0; i < all.n; i++)
		for (size_t k = 0; k < all.at[i]->n; k++)
			n += !valid_only || is_valid(&all.at[i]->members[k]);
	put_all(&all);
	return n;
}

size_t
stage_clusters(struct stage *st)
{
	struct all all;
	size_t n;

	get_all(st, &all);
	n = all.n;
	put_all(&all);
	return n;
}

/* A server and those below it, in the order of the snapshot. */
static void
draw(struct buf *b, const struct cluster_snap *snap, const struct member *m,
    unsigned depth)
{
	char text[KEY_TEXT_MAX];

	buf_pad(b, ' ', depth + 1);
	buf_printf(b, "%s%s%s\n", key_text(m->in->key, text),
	    is_valid(m) ? "" : "!", m->in->is_co_primary ? "@" : "");
	for (size_t i = 0; i < snap->n; i++) {
		const struct member *r = &snap->members[i];

		if (r->in->replication_depth == depth + 1 &&
		    key_eq(cluster_parent(r->in), m->in->key))
			draw(b, snap, r, depth + 1);
	}
}

const char *
stage_tree(struct stage *st)
{
	struct all all;

	buf_reset(&st->text);
	get_all(st, &all);
	for (size_t i = 0; i < all.n; i++) {
		buf_printf(&st->text, "%s\n", all.at[i]->name);
		for (size_t k = 0; k < all.at[i]->n; k++)
			if (all.at[i]->members[k].in->replication_depth == 0)
				draw(&st->text, all.at[i],
				    &all.at[i]->members[k], 0);
	}
	put_all(&all);
	return buf_text(&st->text);
}

/* ---- rules ---- */

/* Each shown server is a member of the cluster that its place names. */
static void
check_member(struct stage *st, const struct cluster_snap *snap,
    const struct member *m, struct buf *b)
{
	char text[KEY_TEXT_MAX];
	const char *place = stage_place(st, key_text(m->in->key, text));
	const struct cluster_snap *other;

	if (strcmp(m->in->cluster_name, snap->name) != 0)
		buf_printf(b, "%s in %s says it is in %s\n", text, snap->name,
		    m->in->cluster_name);
	if (place[0] == '\0') {
		buf_printf(b, "%s in %s has no place\n", text, snap->name);
	} else if (strcmp(place, snap->name) != 0) {
		other = stage_cluster(st, place);
		if (other == NULL || find_member(other, text) == NULL)
			buf_printf(b, "%s is placed in %s, which does not have "
			    "it\n", text, place);
	}
	if (m->in->version[0] == '\0')
		buf_printf(b, "%s has no facts\n", text);
	if (m->health.last_checked.us > 0 &&
	    m->health.last_attempted.us == 0)
		buf_printf(b, "%s was checked and never attempted\n", text);
	stage_release(st);
}

struct places {
	struct stage *st;
	char (*key)[KEY_TEXT_MAX];
	size_t n;
};

static void
add_place(void *arg, const char *key, void *s)
{
	struct places *ps = arg;

	(void)s;
	ps->key = mem_resize(ps->key, ps->n + 1, sizeof *ps->key);
	snprintf(ps->key[ps->n++], KEY_TEXT_MAX, "%s", key);
}

static void
check_places(struct stage *st, struct buf *b)
{
	struct places ps = { st, NULL, 0 };

	board_each(port_ctx(st->port), BOARD_PLACE, add_place, &ps);
	for (size_t i = 0; i < ps.n; i++) {
		if (stage_member(st, ps.key[i]) == NULL)
			buf_printf(b, "%s has a place in %s and is not shown\n",
			    ps.key[i], stage_place(st, ps.key[i]));
		stage_release(st);
	}
	mem_free(ps.key);
}

/* Was it analysed as what it is shown as?  Time may have gone on a little. */
static bool
analysed_as(struct stage *st, const struct cluster_snap *snap, dur_t ago)
{
	const struct config_shared *c = config_ref(port_ctx(st->port));
	struct analysis_stand *stand = mem_zalloc(snap->n * sizeof *stand);
	struct analysis_rules rules = {
		.now = { sim_wall(st->sim).us - ago.us },
		.started = st->app.started,
		.patience = DUR_S(1 +
		    (int64_t)c->config->reasonable_instance_check_seconds),
		.lag = DUR_S(c->config->reasonable_replication_lag_seconds),
		.locked = DUR_S(86400),
	};
	struct analyses all;
	struct arena a;
	bool same = true;

	arena_init(&a);
	analyse(&all, snap->members, snap->n, &rules, stand, &a);
	for (size_t i = 0; i < snap->n; i++)
		same = same &&
		    all.at[i].code == snap->analysis->all.at[i].code;
	arena_fini(&a);
	mem_free(stand);
	shared_unref(c);
	return same;
}

static void
check_analysis(struct stage *st, const struct cluster_snap *snap,
    struct buf *b)
{
	if (snap->analysis == NULL || snap->analysis->all.n != snap->n)
		buf_printf(b, "%s is not analysed\n", snap->name);
	else if (!analysed_as(st, snap, DUR_ZERO) &&
	    !analysed_as(st, snap, DUR_MS(100)))
		buf_printf(b, "%s has an analysis of something else\n",
		    snap->name);
}

const char *
stage_rules_broken(struct stage *st)
{
	struct all all;

	stage_release(st);
	buf_reset(&st->text);
	get_all(st, &all);
	for (size_t i = 0; i < all.n; i++) {
		for (size_t k = 0; k < all.at[i]->n; k++)
			check_member(st, all.at[i], &all.at[i]->members[k],
			    &st->text);
		check_analysis(st, all.at[i], &st->text);
	}
	put_all(&all);
	check_places(st, &st->text);
	if (st->overlaps > 0)
		buf_printf(&st->text, "%u probes overlapped\n", st->overlaps);
	return buf_text(&st->text);
}
