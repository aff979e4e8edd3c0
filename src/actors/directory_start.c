/* SPDX-License-Identifier: Apache-2.0 */
/* The directory: what the store knew is placed and published first. */
#include "config.h"

#include "actors/directory_state.h"

#include <stdio.h>
#include <string.h>

#include "actors/announce.h"
#include "base/mem.h"
#include "topology/health.h"

static char *
keep(struct bin b, size_t *len)
{
	char *p = mem_alloc(b.len);

	if (b.len > 0)
		memcpy(p, b.data, b.len);
	*len = b.len;
	return p;
}

static void
place_known(struct directory *d, struct ctx *ctx)
{
	struct group *g, *next;
	struct entry *e, *tmp;

	d->names_dirty = true;
	directory_replace(d, ctx);
	HASH_ITER(hh, d->roster.by_key, e, tmp) {
		g = directory_group(d, e->cluster);
		if (g == NULL || e->facts == NULL)
			continue;
		act_send(ctx, g->actor, inst_report, .host = e->edge.key.host,
		    .port = e->edge.key.port,
		    .facts = { (uint8_t *)e->facts, e->facts_len },
		    .health = { (uint8_t *)e->health, e->health_len });
	}
	HASH_ITER(hh, d->groups, g, next) {
		act_request(ctx, g->actor, cluster_sync, PROBE_LIMIT);
		d->syncing++;
	}
}

/* It has the facts that the store knew. */
static void
start_instance(struct directory *d, struct ctx *ctx, struct entry *e)
{
	struct instance_arg arg = { .probe = d->probing, .known = true };
	struct arena a;
	struct key key;

	arena_init(&a);
	key = roster_key(e->asked, &a);
	snprintf(arg.host, sizeof arg.host, "%s", key.host);
	arg.port = key.port;
	arena_fini(&a);
	roster_set_actor(&d->roster, e,
	    act_spawn(ctx, &instance_class, &arg,
		directory_home(ctx, directory_group(d, e->cluster))));
	act_send(ctx, e->actor, inst_known,
	    .facts = { (uint8_t *)e->facts, e->facts_len },
	    .health = { (uint8_t *)e->health, e->health_len });
	mem_free(e->facts);
	mem_free(e->health);
	e->facts = e->health = NULL;
}

/*
 * Everything is on the board: who waits for that is told, and then the instances
 * begin.
 */
static void
start_instances(struct directory *d, struct ctx *ctx)
{
	struct entry *e, *tmp;

	d->started = true;
	directory_publish(d, ctx);
	act_answer(ctx, d->start, directory_started,
	    .servers = HASH_COUNT(d->roster.by_key),
	    .clusters = HASH_COUNT(d->groups));
	HASH_ITER(hh, d->roster.by_key, e, tmp) {
		if (e->facts != NULL)
			start_instance(d, ctx, e);
		if (e->cluster[0] != '\0')
			directory_send_place(ctx, e,
			    directory_group(d, e->cluster));
	}
}

static void
start_when_loaded(struct directory *d, struct ctx *ctx)
{
	if (d->start.serial == 0 || d->loaded < d->expected)
		return;
	place_known(d, ctx);
	if (d->syncing == 0)
		start_instances(d, ctx);
}

void
directory_on_synced(struct directory *d, struct ctx *ctx)
{
	assert(d->syncing > 0);
	if (--d->syncing == 0)
		start_instances(d, ctx);
}

/* Two that were seen alive at the same time are two. */
static void
find_clones(struct directory *d, struct entry *e)
{
	struct entry *o;

	if (strncmp(e->identity, "uuid:", 5) != 0)
		return;
	HASH_FIND(hh_id, d->roster.by_identity, e->identity,
	    strlen(e->identity), o);
	for (; o != NULL; o = o->same)
		if (o != e && o->known_from.us < e->known_to.us &&
		    e->known_from.us < o->known_to.us)
			o->cloned = e->cloned = true;
}

static void
take_known(struct directory *d, struct ctx *ctx,
    const struct msg_server_known *k, const struct instance *in,
    const struct health *h, struct arena *tmp)
{
	struct key key = { k->host, k->port };
	struct entry *e;

	if (roster_find_filed(&d->roster, key) != NULL)
		return;
	e = directory_add(d, ctx, key, BY_STORE);
	e->facts = keep(k->facts, &e->facts_len);
	e->health = keep(k->health, &e->health_len);
	e->reached = h->last_seen.us > 0;
	directory_set_failing(d, e, h->failures > 0);
	roster_set_edge(&d->roster, e, in);
	roster_set_identity(&d->roster, e, told_identity(in, tmp));
	e->known_from = h->first_known;
	e->known_to = h->last_seen;
	find_clones(d, e);
	if (key_valid(in->asked_key)) {
		key_text(in->asked_key, e->asked);
		roster_alias(&d->roster, in->asked_key, key, act_now(ctx));
	}
}

void
directory_on_known(struct directory *d, struct ctx *ctx,
    const struct msg_server_known *k)
{
	struct instance in;
	struct health h = { 0 };
	struct arena tmp;
	struct pcur c;

	if (d->started)
		return;
	d->loaded++;
	arena_init(&tmp);
	instance_init(&in);
	pcur_init(&c, k->facts.data, k->facts.len);
	if (instance_unpack(&c, &in, &tmp)) {
		pcur_init(&c, k->health.data, k->health.len);
		if (health_unpack(&c, &h))
			take_known(d, ctx, k, &in, &h, &tmp);
	}
	arena_fini(&tmp);
	start_when_loaded(d, ctx);
}

void
directory_on_start(struct directory *d, struct ctx *ctx, const struct msg *m)
{
	const struct msg_directory_start *s = as_directory_start(m);

	assert(d->start.serial == 0);
	d->start = ask_of(m);
	d->expected = s->expected;
	d->probing = s->probe;
	start_when_loaded(d, ctx);
}
