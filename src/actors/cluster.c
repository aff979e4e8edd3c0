/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One cluster: collects what its members report, works out their places, and
 * publishes both as one immutable snapshot.
 *
 * Reports that arrive together are published together: cluster_publish is a
 * tick, so one turn's reports make one snapshot; a large cluster waits a little
 * for more of them, and what is no news (times, positions, lag) waits for more
 * of its kind.  A member's record is shared by successive snapshots until
 * its facts or its place change; a report without facts costs new times only.
 *
 * A member's place on the board comes after the snapshot that has it, and goes
 * after the one that has it no more: who looks a server up by its place finds
 * it.  A server that is filed here may have had another actor before; only the
 * latest one that reported can take it away.
 */
#include "config.h"

#include "actors/cluster.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/mem.h"
#include "config/conf.h"
#include "topology/health.h"

enum {
	SYNC_MAX = 64, /* askers of cluster_sync waiting at once */
	WAIT_US = 20,  /* for more reports, for each member */
};

/* At a poll of a second, three snapshots instead of one for each member. */
#define CALM DUR_MS(300)

struct mem {
	UT_hash_handle hh;
	char key[KEY_TEXT_MAX];
	addr_t from;	    /* who reported last */
	bool placed;	    /* its place is on the board */
	bool gone;	    /* to be dropped with the next snapshot */
	struct health health; /* error is error_text */
	char error_text[ERR_TEXT_MAX];
	struct inst_rec *rec;  /* as published; NULL: not yet */
	struct inst_rec *next; /* newer facts, without a place; NULL: none */
};

struct cluster {
	struct cluster_arg arg;
	struct mem *members;
	size_t n; /* of them, not gone */
	uint64_t version;
	bool stale_places; /* facts or members changed since place_members() */
	/* A cluster_publish waits; the later ones are the more urgent. */
	enum { NOT_DUE, DUE_CALMLY, DUE_SOON, DUE_NOW } due;
	timer_ref timer;
	size_t syncs;
	struct ask sync[SYNC_MAX];
};

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	struct cluster *cl = self;

	(void)ctx;
	cl->arg = *(const struct cluster_arg *)arg;
}

static const char *
key_of(const void *self)
{
	return ((const struct cluster *)self)->arg.name;
}

static void
free_rec(struct shared *s)
{
	struct inst_rec *rec = (struct inst_rec *)s;

	arena_fini(&rec->arena);
	mem_free(rec);
}

static void
free_snap(struct shared *s)
{
	struct cluster_snap *snap = (struct cluster_snap *)s;

	for (size_t i = 0; i < snap->n; i++)
		shared_unref(snap->rec[i]);
	arena_fini(&snap->arena);
	mem_free(snap);
}

static struct inst_rec *
new_rec(const struct instance *in)
{
	struct inst_rec *rec = mem_alloc(sizeof *rec);

	shared_init(&rec->shared, free_rec);
	arena_init(&rec->arena);
	rec->in = *in;
	instance_own(&rec->in, &rec->arena);
	return rec;
}

static bool
same_place(const struct instance *a, const struct instance *b)
{
	return a->replication_depth == b->replication_depth &&
	    a->is_co_primary == b->is_co_primary &&
	    strcmp(a->cluster_name, b->cluster_name) == 0 &&
	    strcmp(a->suggested_cluster_alias, b->suggested_cluster_alias) ==
	    0 && strcmp(a->ancestry_uuid, b->ancestry_uuid) == 0 &&
	    strcmp(a->gtid_errant, b->gtid_errant) == 0;
}

static const struct instance *
latest(const struct mem *m)
{
	return m->next != NULL ? &m->next->in : &m->rec->in;
}

/* Nobody has seen rec yet: the place that place_members() found goes in. */
static void
set_place(struct inst_rec *rec, const struct instance *in)
{
	struct arena *a = &rec->arena;

	arena_reserve(a, arena_bytes(strlen(in->cluster_name) + 1) +
	    arena_bytes(strlen(in->suggested_cluster_alias) + 1) +
	    arena_bytes(strlen(in->ancestry_uuid) + 1) +
	    arena_bytes(strlen(in->gtid_errant) + 1));
	rec->in.replication_depth = in->replication_depth;
	rec->in.is_co_primary = in->is_co_primary;
	rec->in.cluster_name = arena_strdup(a, in->cluster_name);
	rec->in.suggested_cluster_alias =
	    arena_strdup(a, in->suggested_cluster_alias);
	rec->in.ancestry_uuid = arena_strdup(a, in->ancestry_uuid);
	rec->in.gtid_errant = arena_strdup(a, in->gtid_errant);
}

/* in: its facts with the place they have now. */
static void
take_place(struct mem *m, const struct instance *in)
{
	if (m->next == NULL && same_place(&m->rec->in, in))
		return;
	if (m->next == NULL)
		m->next = new_rec(in);
	else
		set_place(m->next, in);
	shared_unref(m->rec);
	m->rec = m->next;
	m->next = NULL;
}

/* Work out all places; a member whose facts and place stay keeps its record. */
static void
place_members(struct cluster *cl)
{
	size_t n = cl->n, i = 0;
	struct instance *in = mem_alloc(n * sizeof *in);
	struct instance **at = mem_alloc(n * sizeof *at);
	struct arena arena;
	struct mem *m, *tmp;

	arena_init(&arena);
	HASH_ITER(hh, cl->members, m, tmp) {
		if (m->gone)
			continue;
		in[i] = *latest(m);
		at[i] = &in[i];
		i++;
	}
	cluster_place(cl->arg.name, at, n, &arena);
	i = 0;
	HASH_ITER(hh, cl->members, m, tmp)
		if (!m->gone)
			take_place(m, &in[i++]);
	arena_fini(&arena);
	mem_free(at);
	mem_free(in);
}

static int
by_rank(const void *a, const void *b)
{
	return member_cmp(a, b);
}

/* What the servers suggest; else what the configuration derives from the name. */
static const char *
suggest_alias(const struct cluster_snap *snap, struct ctx *ctx,
    struct arena *a)
{
	const struct config_shared *c;
	const char *alias;

	for (size_t i = 0; i < snap->n; i++)
		if (snap->members[i].in->suggested_cluster_alias[0] != '\0')
			return snap->members[i].in->suggested_cluster_alias;
	c = config_ref(ctx);
	alias = config_cluster_alias(c->config, snap->name);
	alias = arena_strdup(a, alias != NULL ? alias : "");
	shared_unref(c);
	return alias;
}

static const char *
find_domain(const struct cluster_snap *snap)
{
	const struct member *top = cluster_primary(snap->members, snap->n);

	return top != NULL ? top->in->cluster_domain : "";
}

static struct cluster_snap *
new_snap(struct cluster *cl, struct ctx *ctx)
{
	struct cluster_snap *snap = mem_zalloc(sizeof *snap);
	size_t n = cl->n;
	struct mem *m, *tmp;

	shared_init(&snap->shared, free_snap);
	arena_init(&snap->arena);
	snap->name = arena_strdup(&snap->arena, cl->arg.name);
	snap->version = ++cl->version;
	snap->members = arena_alloc(&snap->arena, n * sizeof *snap->members);
	snap->rec = arena_alloc(&snap->arena, n * sizeof *snap->rec);
	HASH_ITER(hh, cl->members, m, tmp) {
		if (m->gone)
			continue;
		struct member *to = &snap->members[snap->n++];

		shared_ref(m->rec);
		to->in = &m->rec->in;
		to->health = m->health;
		to->health.error = arena_strdup(&snap->arena, m->error_text);
	}
	qsort(snap->members, snap->n, sizeof *snap->members, by_rank);
	for (size_t i = 0; i < snap->n; i++)
		snap->rec[i] = (struct inst_rec *)(uintptr_t)(
		    (const char *)snap->members[i].in -
		    offsetof(struct inst_rec, in));
	snap->suggested = suggest_alias(snap, ctx, &snap->arena);
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

static void
publish(struct cluster *cl, struct ctx *ctx)
{
	bool any = cl->members != NULL;

	act_cancel(ctx, &cl->timer);
	cl->due = NOT_DUE;
	if (cl->n == 0) {
		board_remove(ctx, BOARD_CLUSTER, cl->arg.name);
	} else {
		if (cl->stale_places)
			place_members(cl);
		board_put(ctx, BOARD_CLUSTER, cl->arg.name, new_snap(cl, ctx));
	}
	if (cl->stale_places)
		publish_places(cl, ctx);
	cl->stale_places = false;
	for (size_t i = 0; i < cl->syncs; i++)
		act_answer(ctx, cl->sync[i], cluster_synced,
		    .members = (uint32_t)cl->n);
	cl->syncs = 0;
	if (any && cl->n == 0)
		act_send(ctx, app_of(ctx)->directory, cluster_empty,
		    .cluster = cl->arg.name);
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
find(const struct cluster *cl, struct key key)
{
	char text[KEY_TEXT_MAX];
	struct mem *m;

	key_text(key, text);
	HASH_FIND_STR(cl->members, text, m);
	return m;
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
	m->next = new_rec(&in);
	arena_fini(&arena);
}

static void
take_health(struct mem *m, struct bin health)
{
	struct pcur c;
	bool good;

	pcur_init(&c, health.data, health.len);
	good = health_unpack(&c, &m->health);
	assert(good);
	snprintf(m->error_text, sizeof m->error_text, "%s", m->health.error);
	m->health.error = m->error_text;
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
		cl->stale_places = true;
	}
	if (r->health.len > 0)
		take_health(m, r->health);
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
	publish_now(cl, ctx);
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	switch (m->type) {
	case MSG_inst_report: on_inst_report(self, ctx, m); break;
	case MSG_inst_left: on_inst_left(self, ctx, m); break;
	case MSG_cluster_publish: publish(self, ctx); break;
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
