/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One cluster: collects what its members report, works out their places, and
 * publishes both as one immutable snapshot.
 *
 * Reports that arrive together are published together: cluster_publish is a
 * tick, so one turn's reports make one snapshot; a large cluster waits a little
 * for more of them, and what is no news (times, positions, lag) waits for more
 * of its kind.  A member's record is shared by successive snapshots until
 * its facts or its place change; a report without facts costs new times only,
 * one of positions a record that shares all else (cluster_rec.h).  Places are
 * worked out when facts or members changed; while only positions move, which
 * is for errant transactions, once a second.
 *
 * A member's place on the board comes after the snapshot that has it, and goes
 * after the one that has it no more: who looks a server up by its place finds
 * it.  A server that is filed here may have had another actor before; only the
 * latest one that reported can take it away.
 */
#include "config.h"

#include "actors/cluster.h"

#include "actors/control.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "actors/cluster_rec.h"
#include "actors/cluster_watch.h"
#include "base/mem.h"
#include "config/conf.h"
#include "topology/health.h"
#include "topology/moving.h"

enum {
	SYNC_MAX = 64, /* askers of cluster_sync waiting at once */
	WAIT_US = 20,  /* for more reports, for each member */
};

/* At a poll of a second, two snapshots instead of one for each member. */
#define CALM DUR_MS(500)
#define ERRANT_EVERY DUR_S(1)

struct mem {
	UT_hash_handle hh;
	char key[KEY_TEXT_MAX];
	addr_t from;	    /* who reported last */
	uint32_t base;	    /* number of the facts, with whoever that is */
	bool asked;	    /* was asked to tell all again */
	bool placed;	    /* its place is on the board */
	bool gone;	    /* to be dropped with the next snapshot */
	struct health health; /* error is error_text */
	char *error_text;     /* NULL: none */
	struct inst_rec *rec;  /* as published; NULL: not yet */
	struct inst_rec *next; /* newer facts, perhaps without a place; or NULL */
};

struct cluster {
	struct cluster_arg arg;
	struct mem *members;
	size_t n; /* of them, not gone */
	uint64_t version;
	struct mem **order;  /* by_rank(): n of them, once published */
	bool marked; /* with Pseudo-GTID, lately, by ourselves */
	bool stale_places; /* facts or members changed since place_members() */
	bool stale_errant; /* sets of transactions moved since */
	mono_t placed;	   /* when it was */
	char *alias;	   /* that the configuration derives; NULL: not asked yet */
	uint64_t alias_of; /* version of the configuration that it came from */
	/* A cluster_publish waits; the later ones are the more urgent. */
	enum { NOT_DUE, DUE_FOR_ERRANT, DUE_CALMLY, DUE_SOON, DUE_NOW } due;
	timer_ref timer;
	size_t syncs;
	struct ask sync[SYNC_MAX];
	struct watch *watch; /* for failures */
};

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	struct cluster *cl = self;

	(void)ctx;
	cl->arg = *(const struct cluster_arg *)arg;
	cl->watch = watch_new();
}

static const char *
key_of(const void *self)
{
	return ((const struct cluster *)self)->arg.name;
}

static void
free_snap(struct shared *s)
{
	struct cluster_snap *snap = (struct cluster_snap *)s;

	for (size_t i = 0; i < snap->n; i++)
		shared_unref(snap->rec[i]);
	shared_unref(snap->analysis);
	arena_fini(&snap->arena);
	mem_free(snap);
}

static const struct instance *
latest(const struct mem *m)
{
	return m->next != NULL ? &m->next->in : &m->rec->in;
}

/* in: its facts with the place they have now. */
static void
take_place(struct mem *m, const struct instance *in)
{
	if (rec_same_place(m->next != NULL ? m->next : m->rec, in))
		return;
	if (m->next == NULL)
		m->next = rec_copy(m->rec);
	rec_set_place(m->next, in);
}

static int
by_rank(const void *a, const void *b)
{
	const struct mem *const *x = a, *const *y = b;
	struct member p = { .in = latest(*x) }, q = { .in = latest(*y) };

	return member_cmp(&p, &q);
}

static void
list_members(struct cluster *cl)
{
	struct mem *m, *tmp;
	size_t i = 0;

	cl->order = mem_resize(cl->order, cl->n, sizeof cl->order[0]);
	HASH_ITER(hh, cl->members, m, tmp)
		if (!m->gone)
			cl->order[i++] = m;
	assert(i == cl->n);
}

/*
 * With AutoPseudoGTID a server has Pseudo-GTID when the cluster got a marker
 * lately; what its own query said before counts otherwise.
 */
static bool
was_marked(const struct cluster *cl, struct ctx *ctx, bool *told)
{
	const struct config_shared *c = config_ref(ctx);
	const struct control_shared *control;
	bool marked = false;

	*told = c->config->auto_pseudo_gtid;
	shared_unref(c);
	if (*told) {
		control = control_shared_ref(ctx);
		marked = control_pseudo_gtid(control->control, cl->arg.name).us
		    > act_wall(ctx).us - DUR_S(CONTROL_PSEUDO_GTID_S).us;
		shared_unref(control);
	}
	return marked;
}

/* Work out all places; a member whose facts and place stay keeps its record. */
static void
place_members(struct cluster *cl, bool told)
{
	size_t n = cl->n;
	struct instance *in = mem_alloc(n * sizeof *in);
	struct instance **at = mem_alloc(n * sizeof *at);
	struct arena arena;

	arena_init(&arena);
	for (size_t i = 0; i < n; i++) {
		in[i] = *latest(cl->order[i]);
		if (told)
			in[i].using_pseudo_gtid = cl->marked;
		at[i] = &in[i];
	}
	cluster_place(cl->arg.name, at, n, &arena);
	for (size_t i = 0; i < n; i++)
		take_place(cl->order[i], &in[i]);
	arena_fini(&arena);
	mem_free(at);
	mem_free(in);
	qsort(cl->order, n, sizeof cl->order[0], by_rank);
}

/* When their turn has come. */
static void
refresh_places(struct cluster *cl, struct ctx *ctx)
{
	dur_t since = mono_sub(act_now(ctx), cl->placed);
	bool told, marked = was_marked(cl, ctx, &told);

	if (cl->stale_places)
		list_members(cl);
	else if (marked == cl->marked && (!cl->stale_errant ||
	    since.us < ERRANT_EVERY.us))
		return;
	cl->marked = marked;
	place_members(cl, told);
	cl->placed = act_now(ctx);
	cl->stale_errant = false;
}

/* What the configuration derives from the name; "" for nothing. */
static const char *
derived_alias(struct cluster *cl, struct ctx *ctx)
{
	uint64_t version = board_version(ctx, BOARD_CONFIG);
	const struct config_shared *c;
	const char *alias;

	if (cl->alias != NULL && cl->alias_of == version)
		return cl->alias;
	c = config_ref(ctx);
	alias = config_cluster_alias(c->config, cl->arg.name);
	mem_free(cl->alias);
	cl->alias = mem_strdup(alias != NULL ? alias : "");
	cl->alias_of = version;
	shared_unref(c);
	return cl->alias;
}

/* What the servers suggest; else what the configuration derives from the name. */
static const char *
suggest_alias(struct cluster *cl, const struct cluster_snap *snap,
    struct ctx *ctx)
{
	for (size_t i = 0; i < snap->n; i++)
		if (snap->members[i].in->suggested_cluster_alias[0] != '\0')
			return snap->members[i].in->suggested_cluster_alias;
	return derived_alias(cl, ctx);
}

static const char *
find_domain(const struct cluster_snap *snap)
{
	const struct member *top = cluster_primary(snap->members, snap->n);

	return top != NULL ? top->in->cluster_domain : "";
}

/* A member as it is from now on. */
static void
show(struct cluster_snap *snap, struct mem *m)
{
	struct member *to = &snap->members[snap->n];

	if (m->next != NULL) {
		shared_unref(m->rec);
		m->rec = m->next;
		m->next = NULL;
	}
	snap->rec[snap->n++] = shared_ref(m->rec);
	to->in = &m->rec->in;
	to->health = m->health;
	to->health.error = m->error_text != NULL ?
	    arena_strdup(&snap->arena, m->error_text) : "";
}

static struct cluster_snap *
new_snap(struct cluster *cl, struct ctx *ctx)
{
	struct cluster_snap *snap = mem_zalloc(sizeof *snap);
	struct arena *a = &snap->arena;
	const char *alias;
	size_t n = cl->n;

	shared_init(&snap->shared, free_snap);
	arena_init(a);
	arena_reserve(a, arena_bytes(n * sizeof *snap->members) +
	    arena_bytes(n * sizeof *snap->rec) +
	    2 * arena_bytes(KEY_TEXT_MAX));
	snap->name = arena_strdup(a, cl->arg.name);
	snap->version = ++cl->version;
	snap->members = arena_alloc(a, n * sizeof *snap->members);
	snap->rec = arena_alloc(a, n * sizeof *snap->rec);
	for (size_t i = 0; i < n; i++)
		show(snap, cl->order[i]);
	alias = suggest_alias(cl, snap, ctx);
	snap->suggested = arena_strdup(a, alias);
	snap->domain = find_domain(snap);
	return snap;
}

static void
put_place(struct ctx *ctx, const char *key, const char *cluster)
{
	struct place *p = mem_alloc(sizeof *p + strlen(cluster) + 1);

	shared_init(&p->shared, (void (*)(struct shared *))mem_free);
	strcpy(p->cluster, cluster);
	board_put(ctx, BOARD_PLACE, key, p);
}

static void
free_mem(struct cluster *cl, struct mem *m)
{
	HASH_DEL(cl->members, m);
	shared_unref(m->rec);
	shared_unref(m->next);
	mem_free(m->error_text);
	mem_free(m);
}

/* After the snapshot: the places of who came, and of who went. */
static void
publish_places(struct cluster *cl, struct ctx *ctx)
{
	struct mem *m, *tmp;

	HASH_ITER(hh, cl->members, m, tmp) {
		if (m->gone) {
			board_remove(ctx, BOARD_PLACE, m->key);
			free_mem(cl, m);
		} else if (!m->placed) {
			put_place(ctx, m->key, cl->arg.name);
			m->placed = true;
		}
	}
}

static struct mem *
find_text(const struct cluster *cl, const char *key)
{
	struct mem *m;

	HASH_FIND_STR(cl->members, key, m);
	return m;
}

static struct mem *
find(const struct cluster *cl, struct key key)
{
	char text[KEY_TEXT_MAX];

	return find_text(cl, key_text(key, text));
}

static addr_t
actor_of(const void *self, struct key key)
{
	const struct mem *m = find(self, key);

	return m != NULL ? m->from : ADDR_NONE;
}

static void
publish_snap(struct cluster *cl, struct ctx *ctx)
{
	const struct watch_peers peers = { actor_of, cl };
	struct cluster_snap *snap = new_snap(cl, ctx);

	watch_look(cl->watch, ctx, snap, &peers);
	board_put(ctx, BOARD_CLUSTER, cl->arg.name, snap);
}

static void
publish_in(struct cluster *cl, struct ctx *ctx, int due, dur_t wait)
{
	if ((int)cl->due >= due)
		return;
	act_cancel(ctx, &cl->timer);
	cl->due = due;
	cl->timer = act_after(ctx, wait, cluster_publish);
}

static void
answer_syncs(struct cluster *cl, struct ctx *ctx)
{
	for (size_t i = 0; i < cl->syncs; i++)
		act_answer(ctx, cl->sync[i], cluster_synced,
		    .members = (uint32_t)cl->n);
	cl->syncs = 0;
}

static void
publish(struct cluster *cl, struct ctx *ctx)
{
	bool any = cl->members != NULL;

	act_cancel(ctx, &cl->timer);
	cl->due = NOT_DUE;
	if (cl->n == 0) {
		board_remove(ctx, BOARD_CLUSTER, cl->arg.name);
		cl->stale_errant = false;
	} else {
		refresh_places(cl, ctx);
		publish_snap(cl, ctx);
	}
	if (cl->stale_places)
		publish_places(cl, ctx);
	cl->stale_places = false;
	if (cl->stale_errant)
		publish_in(cl, ctx, DUE_FOR_ERRANT,
		    mono_sub(mono_add(cl->placed, ERRANT_EVERY), act_now(ctx)));
	answer_syncs(cl, ctx);
	if (any && cl->n == 0)
		act_send(ctx, app_of(ctx)->directory, cluster_empty,
		    .cluster = cl->arg.name);
}

static void
publish_now(struct cluster *cl, struct ctx *ctx)
{
	publish_in(cl, ctx, DUE_NOW, DUR_ZERO);
}

static void
publish_soon(struct cluster *cl, struct ctx *ctx, bool calm)
{
	if (calm)
		publish_in(cl, ctx, DUE_CALMLY, CALM);
	else
		publish_in(cl, ctx, DUE_SOON, DUR_US(cl->n * WAIT_US));
}

static void
on_cluster_sync(struct cluster *cl, struct ctx *ctx, const struct msg *m)
{
	if (cl->syncs == SYNC_MAX)
		publish(cl, ctx);
	cl->sync[cl->syncs++] = ask_of(m);
	publish_now(cl, ctx);
}

static struct mem *
add(struct cluster *cl, struct key key)
{
	struct mem *m = mem_zalloc(sizeof *m);

	key_text(key, m->key);
	HASH_ADD_STR(cl->members, key, m);
	cl->n++;
	return m;
}

static void
take_facts(struct mem *m, struct bin facts)
{
	struct instance in;
	struct arena arena;
	struct pcur c;
	bool good;

	arena_init(&arena);
	pcur_init(&c, facts.data, facts.len);
	instance_init(&in);
	good = instance_unpack(&c, &in, &arena);
	assert(good);
	shared_unref(m->next);
	m->next = rec_new(&in);
	arena_fini(&arena);
}

static void
set_error(struct mem *m, const char *text)
{
	mem_free(m->error_text);
	m->error_text = text[0] != '\0' ? mem_strdup(text) : NULL;
}

static void
take_health(struct mem *m, struct bin health)
{
	struct pcur c;
	bool good;

	pcur_init(&c, health.data, health.len);
	good = health_unpack(&c, &m->health);
	assert(good);
	set_error(m, m->health.error);
	m->health.error = "";
}

static void
on_inst_report(struct cluster *cl, struct ctx *ctx, const struct msg *msg)
{
	const struct msg_inst_report *r = as_inst_report(msg);
	struct key key = { r->host, r->port };
	struct mem *m = find(cl, key);

	/* The first report of whoever comes has facts. */
	if (r->facts.len == 0 && (m == NULL || m->gone ||
		!addr_eq(m->from, msg->from)))
		return;
	if (m == NULL)
		m = add(cl, key);
	if (m->gone) {
		m->gone = false;
		cl->n++;
	}
	m->from = msg->from;
	if (r->facts.len > 0) {
		take_facts(m, r->facts);
		m->base = r->base;
		m->asked = false;
		cl->stale_places = true;
	}
	if (r->health.len > 0)
		take_health(m, r->health);
	if (!r->calm)
		watch_news(cl->watch);
	publish_soon(cl, ctx, r->calm);
}

/* The health of one that was reached, whose facts are what they were. */
static void
take_times(struct mem *m, const struct msg_inst_moved *r)
{
	struct health *h = &m->health;

	h->last_attempted.us = r->attempted_us;
	h->last_checked.us = h->last_seen.us = r->seen_us;
	h->latency.us = r->latency_us;
	h->uptime = r->uptime;
	h->failures = 0;
	h->partial = true;
	h->error_code = ERR_NONE;
	set_error(m, "");
}

/* Those that errant.c reads. */
static uint32_t
errant_rows(void)
{
	return UINT32_C(1) << moving_find(
	    offsetof(struct instance, executed_gtid_set)) |
	    UINT32_C(1) << moving_find(
	    offsetof(struct instance, mariadb_binlog_pos)) |
	    UINT32_C(1) << moving_find(
	    offsetof(struct instance, mariadb_current_pos));
}

static void
take_moved(struct cluster *cl, struct mem *m, struct bin values)
{
	struct inst_rec *was = m->next;
	uint32_t rows;

	m->next = rec_moved(was != NULL ? was : m->rec, values, &rows);
	shared_unref(was);
	cl->stale_errant |= (rows & errant_rows()) != 0;
}

static void
on_inst_moved(struct cluster *cl, struct ctx *ctx, const struct msg *msg)
{
	const struct msg_inst_moved *r = as_inst_moved(msg);
	struct mem *m = find_text(cl, r->key);

	/* It left, or another one reports for that key: no business of ours. */
	if (m == NULL || m->gone || !addr_eq(m->from, msg->from))
		return;
	if (m->base != r->base) {
		if (!m->asked)
			act_send(ctx, msg->from, inst_again);
		m->asked = true;
		return;
	}
	take_times(m, r);
	if (r->values.len > 0)
		take_moved(cl, m, r->values);
	if (!r->calm)
		watch_news(cl->watch);
	publish_soon(cl, ctx, r->calm);
}

static void
on_inst_left(struct cluster *cl, struct ctx *ctx, const struct msg *msg)
{
	const struct msg_inst_left *l = as_inst_left(msg);
	struct mem *m = find(cl, (struct key){ l->host, l->port });

	if (m == NULL || m->gone || !addr_eq(m->from, msg->from))
		return;
	m->gone = true;
	cl->n--;
	cl->stale_places = true;
	watch_news(cl->watch);
	publish_now(cl, ctx);
}

/* The time has come; it may be another's that was cancelled since. */
static void
on_cluster_look(struct cluster *cl, struct ctx *ctx)
{
	watch_news(cl->watch);
	publish_now(cl, ctx);
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	switch (m->type) {
	case MSG_inst_report: on_inst_report(self, ctx, m); break;
	case MSG_inst_moved: on_inst_moved(self, ctx, m); break;
	case MSG_inst_left: on_inst_left(self, ctx, m); break;
	case MSG_cluster_publish: publish(self, ctx); break;
	case MSG_cluster_look: on_cluster_look(self, ctx); break;
	case MSG_cluster_sync: on_cluster_sync(self, ctx, m); break;
	case MSG_cluster_end: act_exit(ctx); break;
	default: act_unexpected(ctx, m);
	}
}

static void
fini(void *self, struct ctx *ctx)
{
	struct cluster *cl = self;
	struct mem *m, *tmp;

	for (size_t i = 0; i < cl->syncs; i++)
		act_answer(ctx, cl->sync[i], cluster_synced, .members = 0);
	HASH_ITER(hh, cl->members, m, tmp)
		free_mem(cl, m);
	mem_free(cl->order);
	mem_free(cl->alias);
	watch_free(cl->watch);
}

const struct actor_class cluster_class = {
	.name = "cluster",
	.size = sizeof(struct cluster),
	.arg_size = sizeof(struct cluster_arg),
	.init = init,
	.handle = handle,
	.fini = fini,
	.key = key_of,
};
