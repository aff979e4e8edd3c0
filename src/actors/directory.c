/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which servers exist.  Spawns an instance actor for each, files servers under
 * the name they give themselves, notices that two names are one server or that
 * one server has moved to another address, and decides which cluster actor
 * each reports to.
 *
 * Places are recomputed by a tick, so that a burst of news costs one walk over
 * all servers.  At a start the store's servers are placed and published before
 * the first probe: directory_start is answered when all clusters are on the
 * board.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/cluster.h"
#include "actors/directory_state.h"
#include "base/mem.h"

/* The earlier of two ticks counts. */
static void
tick_soon(struct directory *d, struct ctx *ctx, dur_t after)
{
	mono_t due = mono_add(act_now(ctx), after);

	if (d->tick_due.us != 0 && d->tick_due.us <= due.us)
		return;
	if (d->tick_due.us != 0)
		act_cancel(ctx, &d->tick);
	d->tick_due = due;
	d->tick = act_after(ctx, after, directory_tick);
}

/* A walk over all servers costs by their number, so it waits by it. */
static void
places_changed(struct directory *d, struct ctx *ctx)
{
	d->places_dirty = true;
	d->snap_dirty = true;
	tick_soon(d, ctx, DUR_US(REPLACE_AFTER.us +
	    REPLACE_US_EACH * (int64_t)HASH_COUNT(d->roster.by_key)));
}

static void
snap_changed(struct directory *d, struct ctx *ctx)
{
	d->snap_dirty = true;
	tick_soon(d, ctx, PUBLISH_EVERY);
}

void
directory_names_changed(struct directory *d, struct ctx *ctx, struct key asked,
    struct key filed)
{
	if (strcmp(asked.host, filed.host) != 0)
		act_send(ctx, app_of(ctx)->names, name_learn,
		    .host = asked.host, .name = filed.host);
	d->names_dirty = true;
	places_changed(d, ctx);
}

/* ---- what is published ---- */

static void
free_snap(struct shared *s)
{
	struct directory_snap *snap = (struct directory_snap *)s;

	arena_fini(&snap->arena);
	mem_free(snap);
}

/* While servers wait for their first probe: how far it is, now and then. */
static void
tell_progress(struct directory *d, struct ctx *ctx)
{
	uint32_t servers = HASH_COUNT(d->roster.by_key);
	bool over = d->answered >= servers;

	if (over && !d->discovering)
		return;
	if (!d->discovering)
		d->progress_told = act_now(ctx);
	d->discovering = true;
	if (!over && mono_sub(act_now(ctx), d->progress_told).us <
	    PROGRESS_EVERY.us)
		return;
	if (!over || d->progress_shown)
		act_log(ctx, LOG_INFO, "%u of %u known servers were probed, "
		    "%u reached, in %u clusters", d->answered, servers,
		    d->reached, (unsigned)HASH_COUNT(d->groups));
	d->progress_told = act_now(ctx);
	d->progress_shown = d->discovering = !over;
}

void
directory_publish(struct directory *d, struct ctx *ctx)
{
	struct directory_snap *snap = mem_zalloc(sizeof *snap);

	shared_init(&snap->shared, free_snap);
	arena_init(&snap->arena);
	snap->n = roster_names(&d->roster, &snap->arena, &snap->names);
	snap->servers = HASH_COUNT(d->roster.by_key);
	snap->reached = d->reached;
	snap->answered = d->answered;
	snap->failing = d->failing;
	snap->clusters = HASH_COUNT(d->groups);
	board_put(ctx, BOARD_DIRECTORY, "directory", snap);
	d->snap_dirty = false;
	d->published = act_now(ctx);
}

static int
cmp_name(const void *asked, const void *name)
{
	return key_cmp(*(const struct key *)asked,
	    ((const struct other_name *)name)->asked);
}

struct key
directory_filed(const struct directory_snap *snap, struct key asked)
{
	const struct other_name *o;

	if (snap == NULL || snap->n == 0)
		return asked;
	o = bsearch(&asked, snap->names, snap->n, sizeof *snap->names,
	    cmp_name);
	return o != NULL ? o->filed : asked;
}

/* ---- clusters ---- */

struct group *
directory_group(const struct directory *d, const char *name)
{
	struct group *g;

	HASH_FIND_STR(d->groups, name, g);
	return g;
}

int
directory_home(struct ctx *ctx, const struct group *g)
{
	return g != NULL && g->members < NEAR_MAX ? act_home(ctx, g->actor) :
						    HOME_ANY;
}

/* Who is found by another one is likely to belong to its cluster. */
static int
home_of_found(const struct directory *d, struct ctx *ctx)
{
	const struct entry *by = roster_find_actor(&d->roster, d->finder);
	const struct group *g = NULL;

	if (by != NULL && by->cluster[0] != '\0')
		g = directory_group(d, by->cluster);
	if (g != NULL)
		return directory_home(ctx, g);
	return by != NULL ? act_home(ctx, by->actor) : HOME_ANY;
}

static struct group *
join_group(struct directory *d, struct ctx *ctx, const char *name,
    const struct entry *first)
{
	struct group *g = directory_group(d, name);
	struct cluster_arg arg;

	if (g == NULL) {
		g = mem_zalloc(sizeof *g);
		snprintf(g->name, sizeof g->name, "%s", name);
		snprintf(arg.name, sizeof arg.name, "%s", name);
		g->actor = act_spawn(ctx, &cluster_class, &arg,
		    act_home(ctx, first->actor));
		HASH_ADD_STR(d->groups, name, g);
	}
	g->members++;
	return g;
}

static void
leave_group(struct directory *d, const char *name)
{
	struct group *g;

	if (name[0] == '\0')
		return;
	g = directory_group(d, name);
	assert(g != NULL && g->members > 0);
	g->members--;
}

/* An empty cluster ends once nobody is on the way to it any more. */
static void
on_cluster_empty(struct directory *d, struct ctx *ctx,
    const struct msg_cluster_empty *m)
{
	struct group *g = directory_group(d, m->cluster);

	if (g == NULL || g->members > 0)
		return;
	act_send(ctx, g->actor, cluster_end);
	HASH_DEL(d->groups, g);
	mem_free(g);
	snap_changed(d, ctx);
}

struct mover {
	struct directory *d;
	struct ctx *ctx;
};

void
directory_send_place(struct ctx *ctx, const struct entry *e, const struct group *g)
{
	act_send(ctx, e->actor, place_set, .host = e->edge.key.host,
	    .port = e->edge.key.port, .cluster = g->name, .actor = g->actor);
}

static void
move_to(void *arg, struct entry *e, const char *cluster)
{
	struct mover *mv = arg;
	struct group *g = join_group(mv->d, mv->ctx, cluster, e);

	leave_group(mv->d, e->cluster);
	mem_free(e->cluster);
	e->cluster = mem_strdup(cluster);
	e->moved = true;
	if (mv->d->started)
		directory_send_place(mv->ctx, e, g);
}

/* Whose identity means something within a cluster only: who is there now? */
static void
check_newcomers(struct directory *d, struct ctx *ctx)
{
	size_t most = HASH_COUNT(d->roster.by_key), n = 0;
	char **key = mem_alloc(most * sizeof *key);
	struct entry *e, *tmp;

	HASH_ITER(hh, d->roster.by_key, e, tmp) {
		if (e->moved && strncmp(e->identity, "sid:", 4) == 0)
			key[n++] = mem_strdup(e->key);
		e->moved = false;
	}
	for (size_t i = 0; i < n; i++) {
		HASH_FIND_STR(d->roster.by_key, key[i], e);
		if (e != NULL)
			directory_check_twin(d, ctx, e);
		mem_free(key[i]);
	}
	mem_free(key);
}

void
directory_replace(struct directory *d, struct ctx *ctx)
{
	struct mover mv = { d, ctx };

	d->places_dirty = false;
	if (d->names_dirty) {
		/* Who is told its place looks up others' names there. */
		d->names_dirty = false;
		roster_refile_edges(&d->roster);
		directory_publish(d, ctx);
	}
	roster_replace(&d->roster, move_to, &mv);
	if (d->started)
		check_newcomers(d, ctx);
}

/* ---- servers come and go ---- */

void
directory_audit(struct ctx *ctx, const char *type, const struct entry *e,
    const char *message)
{
	act_send(ctx, app_of(ctx)->audit, audit_add, .type = type,
	    .host = e->edge.key.host, .port = e->edge.key.port,
	    .cluster = e->cluster, .message = message);
}

struct entry *
directory_add(struct directory *d, struct ctx *ctx, struct key key,
    enum found_by by)
{
	struct instance_arg arg = { .port = key.port, .probe = d->probing };
	struct entry *e = roster_add(&d->roster, key, by);

	/* A listed replica is shown once it was reached; the rest at once. */
	e->shown = by != BY_REPLICA && by != BY_API;
	snprintf(arg.host, sizeof arg.host, "%s", key.host);
	if (by != BY_STORE)
		roster_set_actor(&d->roster, e,
		    act_spawn(ctx, &instance_class, &arg,
			home_of_found(d, ctx)));
	if (e->shown)
		places_changed(d, ctx);
	else
		snap_changed(d, ctx);
	return e;
}

static void
uncount(struct directory *d, const struct entry *e)
{
	d->answered -= e->answered;
	d->reached -= e->fresh;
	d->failing -= e->failing;
}

void
directory_set_failing(struct directory *d, struct entry *e, bool failing)
{
	d->failing += failing;
	d->failing -= e->failing;
	e->failing = failing;
}

void
directory_end(struct directory *d, struct ctx *ctx, struct entry *e,
    bool forget)
{
	act_send(ctx, e->actor, inst_end, .forget = forget);
	leave_group(d, e->cluster);
	uncount(d, e);
	roster_remove(&d->roster, e);
	places_changed(d, ctx);
}

/* ---- filters and names of what was found ---- */

bool
directory_filtered(struct ctx *ctx, struct key key, enum found_by by)
{
	const struct config_shared *c = config_ref(ctx);
	const struct config_rules *r = &c->config->rules;
	bool no = by != BY_API && by != BY_STORE &&
	    host_filter_match(r->discovery_ignore, key.host, key.port);

	if (by == BY_REPLICA)
		no = no || host_filter_match(r->discovery_ignore_replica,
		    key.host, key.port);
	if (by == BY_SOURCE)
		no = no || host_filter_match(r->discovery_ignore_source,
		    key.host, key.port);
	shared_unref(c);
	return no;
}

static enum found_by
by_name(const char *text)
{
	static const struct {
		const char *text;
		enum found_by by;
	} row[] = {
		{ "seed", BY_SEED }, { "api", BY_API }, { "source", BY_SOURCE },
		{ "group", BY_GROUP }, { "replica", BY_REPLICA },
	};

	for (size_t i = 0; i < MEM_COUNT(row); i++)
		if (strcmp(text, row[i].text) == 0)
			return row[i].by;
	assert(!"unknown finder");
	return BY_API;
}

/* Names lead where they did when they were checked. */
bool
directory_doubts(struct directory *d, struct ctx *ctx, const struct entry *e,
    struct key key, dur_t after)
{
	mono_t since = { act_now(ctx).us - after.us };

	/* Who fails looks there itself: directory_suggest(). */
	return !e->failing && roster_doubts(&d->roster, key, since);
}

/* It fails where it is asked, and somebody names it by another address. */
void
directory_suggest(struct ctx *ctx, const struct entry *e, struct key key)
{
	char text[KEY_TEXT_MAX];

	key_text(key, text);
	if (e->failing && strcmp(text, e->key) != 0 &&
	    strcmp(text, e->asked) != 0)
		act_send(ctx, e->actor, inst_address, .host = key.host,
		    .port = key.port);
}

void
directory_found(struct directory *d, struct ctx *ctx, struct key key, enum found_by by)
{
	struct entry *e = roster_standing(&d->roster, key);
	dur_t after = by == BY_SOURCE ? DOUBT_SOURCE : DOUBT_LISTED;

	/* Somebody sees a server there; until it is reached nobody else does. */
	if (e != NULL && directory_doubts(d, ctx, e, key, after)) {
		directory_add(d, ctx, key, BY_REPLICA);
		return;
	}
	if (e != NULL) {
		directory_suggest(ctx, e, key);
		/* Now something stands on it: show it though unreached. */
		if (!e->shown && (by == BY_SOURCE || by == BY_SEED)) {
			e->shown = true;
			places_changed(d, ctx);
		}
		return;
	}
	if (by != BY_SEED && directory_is_forgotten(d, ctx, key))
		return;
	if (HASH_COUNT(d->roster.by_key) >= ROSTER_SERVERS_MAX) {
		act_log(ctx, LOG_WARNING, "%s:%u not taken in: %d servers are "
		    "known, which is the limit", key.host, key.port,
		    ROSTER_SERVERS_MAX);
		return;
	}
	directory_add(d, ctx, key, by);
}

static void
on_server_found(struct directory *d, struct ctx *ctx, const struct msg *msg)
{
	const struct msg_server_found *m = as_server_found(msg);
	struct key key = { m->host, m->port };
	struct lookup l = { .port = m->port, .by = by_name(m->by) };

	if (!key_valid(key) || strlen(m->host) > KEY_HOST_MAX ||
	    directory_filtered(ctx, key, l.by))
		return;
	if (roster_find_filed(&d->roster, key) != NULL) {
		directory_found(d, ctx, key, l.by);
		return;
	}
	strcpy(l.host, m->host);
	if (directory_look_up(d, ctx, &l))
		return;
	d->finder = msg->from;
	directory_found(d, ctx, key, l.by);
	d->finder = ADDR_NONE;
}

/* ---- what probes tell ---- */

static void
on_server_edge(struct directory *d, struct ctx *ctx, const struct msg *m)
{
	const struct msg_server_edge *s = as_server_edge(m);
	struct entry *e = roster_find_actor(&d->roster, m->from);
	struct instance in;
	struct arena tmp;
	struct pcur c;
	bool good;

	if (e == NULL)
		return;
	arena_init(&tmp);
	pcur_init(&c, s->facts.data, s->facts.len);
	instance_init(&in);
	good = instance_unpack(&c, &in, &tmp);
	assert(good);
	directory_learn_source(d, ctx, e, &in);
	if (roster_set_edge(&d->roster, e, &in) || !e->shown) {
		e->shown = true;
		places_changed(d, ctx);
	}
	arena_fini(&tmp);
}

/* Nobody is there: the name stays what it was, for a while. */
static bool
drop_doubt(struct directory *d, struct ctx *ctx, struct entry *e)
{
	struct entry *is = roster_standing(&d->roster, e->edge.key);
	struct arena a;
	struct key key;

	if (!e->failing || is == NULL || is == e)
		return false;
	arena_init(&a);
	key = key_dup(e->edge.key, &a);
	directory_end(d, ctx, e, false);
	roster_alias(&d->roster, key, is->edge.key, act_now(ctx));
	arena_fini(&a);
	return true;
}

static void
on_server_state(struct directory *d, struct ctx *ctx, const struct msg *m)
{
	const struct msg_server_state *s = as_server_state(m);
	struct entry *e = roster_find_actor(&d->roster, m->from);

	if (e == NULL)
		return;
	d->answered += !e->answered;
	e->answered = true;
	d->reached += s->reached && !e->fresh;
	e->fresh = e->fresh || s->reached;
	e->reached = e->reached || s->reached;
	directory_set_failing(d, e, !s->reached);
	if (drop_doubt(d, ctx, e))
		return;
	snap_changed(d, ctx);
	directory_check_twin(d, ctx, e);
}

/* ---- the frame ---- */

static void
on_directory_tick(struct directory *d, struct ctx *ctx)
{
	dur_t since = mono_sub(act_now(ctx), d->published);

	d->tick_due = (mono_t){ 0 };
	if (!d->started)
		return; /* start_instances() does all of it */
	if (d->places_dirty)
		directory_replace(d, ctx);
	if (!d->snap_dirty)
		return;
	tell_progress(d, ctx);
	if (since.us >= PUBLISH_EVERY.us)
		directory_publish(d, ctx);
	else
		tick_soon(d, ctx, DUR_US(PUBLISH_EVERY.us - since.us));
}

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	struct directory *d = self;

	(void)arg;
	roster_init(&d->roster);
	directory_publish(d, ctx);
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	switch (m->type) {
	case MSG_server_known:
		directory_on_known(self, ctx, as_server_known(m));
		break;
	case MSG_server_found:
		on_server_found(self, ctx, m);
		break;
	case MSG_server_filed: directory_on_filed(self, ctx, m); break;
	case MSG_server_strayed: directory_on_strayed(self, ctx, m); break;
	case MSG_server_edge: on_server_edge(self, ctx, m); break;
	case MSG_server_state: on_server_state(self, ctx, m); break;
	case MSG_server_probe: directory_on_probe(self, ctx, m); break;
	case MSG_server_probed: directory_on_probed(self, ctx, m); break;
	case MSG_server_forget: directory_on_forget(self, ctx, m); break;
	case MSG_server_forget_cluster:
		directory_on_forget_cluster(self, ctx, m);
		break;
	case MSG_name_resolved: directory_on_resolved(self, ctx, m); break;
	case MSG_cluster_empty:
		on_cluster_empty(self, ctx, as_cluster_empty(m));
		break;
	case MSG_cluster_synced: directory_on_synced(self, ctx); break;
	case MSG_directory_start: directory_on_start(self, ctx, m); break;
	case MSG_directory_tick: on_directory_tick(self, ctx); break;
	case SYS_REFUSED: directory_on_refused(self, ctx, m); break;
	default: act_unexpected(ctx, m);
	}
}

static void
fini(void *self, struct ctx *ctx)
{
	struct directory *d = self;
	struct group *g, *gtmp;

	directory_drop_asks(d, ctx);
	directory_drop_forgotten(d);
	HASH_ITER(hh, d->groups, g, gtmp) {
		HASH_DEL(d->groups, g);
		mem_free(g);
	}
	roster_fini(&d->roster);
}

const struct actor_class directory_class = {
	.name = "directory",
	.size = sizeof(struct directory),
	.init = init,
	.handle = handle,
	.fini = fini,
	.inbox_max = 8192,
};
