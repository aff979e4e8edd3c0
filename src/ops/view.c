/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at what is published, for one call; see view.h. */
#include "config.h"

#include "ops/view.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/control.h"
#include "base/mem.h"
#include "topology/note.h"
#include "topology/search.h"

/* Of the clusters a call has, so many are looked through for one of a name. */
enum { KEPT_LOOK_MAX = 8 };

/* ---- references ---- */

/* The call drops it when it is closed. */
static const void *
keep(struct op_call *c, const void *shared)
{
	struct op_view *v = &c->view;

	if (v->kept_n == v->kept_max) {
		size_t max = v->kept_max > 0 ? v->kept_max * 2 : 4;
		const void **more = arena_alloc(&c->arena, max * sizeof(*more));

		if (v->kept_n > 0)
			memcpy(more, v->kept, v->kept_n * sizeof(*more));
		v->kept = more;
		v->kept_max = max;
	}
	v->kept[v->kept_n++] = shared;
	return shared;
}

void
view_drop(struct op_call *c)
{
	struct op_view *v = &c->view;

	for (size_t i = 0; i < v->kept_n; i++)
		shared_unref(v->kept[i]);
	shared_unref(v->config);
	shared_unref(v->control);
	shared_unref(v->names);
	shared_unref(v->directory);
	memset(v, 0, sizeof(*v));
}

const struct config *
view_config(struct op_call *c)
{
	if (c->view.config == NULL)
		c->view.config = config_ref(op_ctx(c));
	return c->view.config->config;
}

const struct control *
view_control(struct op_call *c)
{
	if (c->view.control == NULL)
		c->view.control = control_shared_ref(op_ctx(c));
	return c->view.control->control;
}

const struct names_snap *
view_names(struct op_call *c)
{
	if (c->view.names == NULL)
		c->view.names = board_get(op_ctx(c), BOARD_NAMES, "names");
	return c->view.names;
}

const struct directory_snap *
view_directory(struct op_call *c)
{
	if (c->view.directory == NULL)
		c->view.directory = board_get(op_ctx(c), BOARD_DIRECTORY,
		    "directory");
	return c->view.directory;
}

wall_t
view_now(struct op_call *c)
{
	if (c->view.now.us == 0)
		c->view.now = act_wall(op_ctx(c));
	return c->view.now;
}

/* ---- one server ---- */

const struct cluster_snap *
view_cluster(struct op_call *c, const char *name)
{
	const struct op_view *v = &c->view;
	void *snap;

	for (size_t i = 0; i < v->kept_n && i < KEPT_LOOK_MAX; i++) {
		const struct cluster_snap *have = v->kept[i];

		if (strcmp(have->name, name) == 0)
			return have;
	}
	snap = board_get(op_ctx(c), BOARD_CLUSTER, name);
	return snap != NULL ? keep(c, snap) : NULL;
}

static const struct member *
member_find(const struct cluster_snap *snap, struct key key)
{
	for (size_t i = 0; i < snap->n; i++)
		if (key_eq(snap->members[i].in->key, key))
			return &snap->members[i];
	return NULL;
}

bool
view_find(struct op_call *c, struct key key, struct found *f)
{
	char text[KEY_TEXT_MAX];
	struct place *place;

	place = board_get(op_ctx(c), BOARD_PLACE, key_text(key, text));
	if (place == NULL)
		return false;
	f->snap = view_cluster(c, place->cluster);
	shared_unref(place);
	f->m = f->snap != NULL ? member_find(f->snap, key) : NULL;
	return f->m != NULL;
}

static bool
is_known(struct op_call *c, struct key key)
{
	struct found f;

	return view_find(c, key, &f);
}

static const char *
resolved_name(struct op_call *c, const char *host)
{
	const struct names_snap *names = view_names(c);
	size_t low = 0, high = names != NULL ? names->n : 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int d = strcmp(names->at[mid].host, host);

		if (d == 0)
			return names->at[mid].resolved;
		if (d < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return host;
}

struct fuzzy {
	struct op_call *c;
	struct key asked;
	struct key found;
	size_t matches;
};

static void
fuzzy_look(void *arg, const char *text, void *s)
{
	struct fuzzy *fz = arg;
	struct key k = key_of_text(text, &fz->c->arena);

	(void)s;
	if (search_is_like(k, fz->asked)) {
		fz->found = k;
		fz->matches++;
	}
}

/* The only server of that port whose host contains the text. */
static struct key
fuzzy_key(struct op_call *c, struct key asked)
{
	struct fuzzy fz = { .c = c, .asked = asked };

	if (search_may_be_part(asked))
		board_each(op_ctx(c), BOARD_PLACE, fuzzy_look, &fz);
	return fz.matches == 1 ? fz.found : asked;
}

struct key
view_key_known(struct op_call *c, struct key asked)
{
	const struct directory_snap *dir;
	struct key named, resolved, near;

	if (is_known(c, asked))
		return asked;
	dir = view_directory(c);
	named = dir != NULL ? directory_filed(dir, asked) : asked;
	if (!key_eq(named, asked) && is_known(c, named))
		return named;
	resolved = (struct key){ resolved_name(c, asked.host), asked.port };
	if (!key_eq(resolved, asked) && is_known(c, resolved))
		return resolved;
	near = fuzzy_key(c, resolved);
	return is_known(c, near) ? near : resolved;
}

bool
view_key_arg(struct op_call *c, const char *host, const char *port,
    struct key *key)
{
	const char *text = op_arg(c, port);
	char *end;
	unsigned long n;

	key->host = op_arg(c, host) != NULL ? op_arg(c, host) : "";
	if (strlen(key->host) > KEY_HOST_MAX) {
		reply_error(c, "Invalid host: longer than %d bytes",
		    KEY_HOST_MAX);
		return false;
	}
	n = text != NULL ? strtoul(text, &end, 10) : 0;
	if (text == NULL || *text < '0' || *text > '9' || *end != '\0' ||
	    n > 65535) {
		reply_error(c, "Invalid port: %s", text != NULL ? text : "");
		return false;
	}
	key->port = (uint32_t)n;
	return true;
}

bool
view_server_arg(struct op_call *c, struct found *f)
{
	struct key key;

	if (!view_key_arg(c, "host", "port", &key))
		return false;
	if (view_find(c, view_key_known(c, key), f))
		return true;
	reply_error(c, "Cannot read instance: %s:%u", key.host, key.port);
	return false;
}

/* ---- what is shown of a server ---- */

static void
input_of(struct op_call *c, const struct member *m, struct note_input *n)
{
	const struct config *config = view_config(c);

	note_input_init(n, view_now(c));
	n->poll = DUR_S(config->instance_poll_seconds);
	n->lag = DUR_S(config->reasonable_replication_lag_seconds);
	note_input_control(n, view_control(c), m->in->key);
}

void
view_notes(struct op_call *c, const struct member *m, struct instance *out)
{
	struct note_input n;

	input_of(c, m, &n);
	note_fill(out, m, &n, &c->arena);
}

bool
view_is_problem(struct op_call *c, const struct member *m)
{
	struct note_input n;

	input_of(c, m, &n);
	return note_is_problem(m, &n);
}

void
view_instance(struct op_call *c, const struct found *f, struct instance *out)
{
	const struct control *control = view_control(c);
	const struct config *config = view_config(c);
	const char *alias;

	view_notes(c, f->m, out);
	alias = control_alias_override(control, f->snap->name);
	if (alias == NULL && *out->suggested_cluster_alias == '\0')
		alias = config_cluster_alias(config, f->snap->name);
	if (alias != NULL)
		out->suggested_cluster_alias = alias;
}

void
view_instance_json(struct op_call *c, struct json *w, const struct found *f)
{
	struct instance in;

	view_instance(c, f, &in);
	instance_json(w, &in);
}

void
view_instances_json(struct op_call *c, struct json *w,
    const struct founds *list)
{
	json_arr(w);
	for (size_t i = 0; i < list->n; i++)
		view_instance_json(c, w, &list->at[i]);
	json_end(w);
}

void
view_key_json(struct json *w, struct key key)
{
	json_obj(w);
	json_kstr(w, "Hostname", key.host);
	json_kint(w, "Port", key.port);
	json_end(w);
}

/* ---- lists of servers ---- */

struct collect {
	struct op_call *c;
	const struct cluster_snap **at;
	size_t n, max;
};

static void
collect_cluster(void *arg, const char *key, void *s)
{
	struct collect *l = arg;

	(void)key;
	if (l->n == l->max) {
		size_t max = l->max > 0 ? l->max * 2 : 64;
		const struct cluster_snap **more =
		    arena_alloc(&l->c->arena, max * sizeof(*more));

		if (l->n > 0)
			memcpy(more, l->at, l->n * sizeof(*more));
		l->at = more;
		l->max = max;
	}
	l->at[l->n++] = shared_ref(s);
}

static int
cluster_cmp(const void *x, const void *y)
{
	const struct cluster_snap *const *a = x, *const *b = y;

	return strcmp((*a)->name, (*b)->name);
}

const struct cluster_snap **
view_clusters(struct op_call *c, size_t *n)
{
	struct collect l = { .c = c };

	board_each(op_ctx(c), BOARD_CLUSTER, collect_cluster, &l);
	for (size_t i = 0; i < l.n; i++)
		keep(c, l.at[i]);
	if (l.n > 1)
		qsort(l.at, l.n, sizeof(*l.at), cluster_cmp);
	*n = l.n;
	return l.at;
}

static void
add_members(struct founds *list, const struct cluster_snap *snap)
{
	for (size_t i = 0; i < snap->n; i++) {
		list->at[list->n].snap = snap;
		list->at[list->n++].m = &snap->members[i];
	}
}

struct founds
view_members(struct op_call *c, const struct cluster_snap *snap)
{
	struct founds list = { 0 };

	list.at = arena_alloc(&c->arena, snap->n * sizeof(*list.at));
	add_members(&list, snap);
	return list;
}

struct rank {
	uint64_t depth;
	size_t replicas;
	size_t at;
};

static int
rank_cmp(const void *x, const void *y)
{
	const struct rank *a = x, *b = y;

	if (a->depth != b->depth)
		return a->depth < b->depth ? -1 : 1;
	if (a->replicas != b->replicas)
		return a->replicas > b->replicas ? -1 : 1;
	return a->at < b->at ? -1 : 1;
}

/*
 * By member_cmp().  Clusters come by name and the members of each in order, so
 * that no names need to be compared: where they stand decides.
 */
static void
sort_founds(struct op_call *c, struct founds *list)
{
	struct rank *rank = arena_alloc(&c->arena, list->n * sizeof(*rank));
	struct found *at = arena_alloc(&c->arena, list->n * sizeof(*at));

	for (size_t i = 0; i < list->n; i++) {
		const struct instance *in = list->at[i].m->in;

		rank[i] = (struct rank){ in->replication_depth,
			in->replicas.n, i };
	}
	if (list->n > 1)
		qsort(rank, list->n, sizeof(*rank), rank_cmp);
	for (size_t i = 0; i < list->n; i++)
		at[i] = list->at[rank[i].at];
	list->at = at;
}

static struct founds
all_by_cluster(struct op_call *c)
{
	struct founds list = { 0 };
	size_t clusters, total = 0;
	const struct cluster_snap **snap = view_clusters(c, &clusters);

	for (size_t i = 0; i < clusters; i++)
		total += snap[i]->n;
	list.at = arena_alloc(&c->arena, total * sizeof(*list.at));
	for (size_t i = 0; i < clusters; i++)
		add_members(&list, snap[i]);
	return list;
}

struct founds
view_all(struct op_call *c)
{
	struct founds list = all_by_cluster(c);

	sort_founds(c, &list);
	return list;
}

struct founds
view_all_where(struct op_call *c,
    bool (*want)(struct op_call *c, const struct found *f, void *arg),
    void *arg)
{
	struct founds list = all_by_cluster(c);

	view_filter(c, &list, want, arg);
	sort_founds(c, &list);
	return list;
}

void
view_filter(struct op_call *c, struct founds *list,
    bool (*want)(struct op_call *c, const struct found *f, void *arg),
    void *arg)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		if (want(c, &list->at[i], arg))
			list->at[n++] = list->at[i];
	list->n = n;
}

struct rows *
view_rows(struct op_call *c, const struct msg *m)
{
	const struct msg_read_ran *ran = as_read_ran(m);
	struct rows *r;

	if (ran->code != ERR_NONE) {
		reply_error(c, "%s", ran->error);
		return NULL;
	}
	r = arena_alloc(&c->arena, sizeof(*r));
	rows_init(r, ran->rows);
	rows_next_result(r);
	return r;
}
