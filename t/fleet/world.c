/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who there is: clusters of a given shape, and what they write.
 */
#include "config.h"

#include "fleet/fleet.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* Servers in a tree of that many levels with that many below each. */
static uint64_t
tree_holds(uint32_t each, uint32_t depth)
{
	uint64_t sum = 1, level = 1;

	for (uint32_t i = 0; i < depth && sum < FLEET_SERVERS_MAX; i++) {
		level *= each;
		sum += level;
	}
	return sum;
}

/* The fewest replicas of a source with which the depth is enough. */
static uint32_t
replicas_each(uint32_t size, uint32_t depth)
{
	uint32_t each = 1;

	while (tree_holds(each, depth) < size)
		each++;
	return each;
}

/* What clients ask that is nobody's replication. */
static void
teach(struct server *s, uint32_t data_center)
{
	char name[16];

	snprintf(name, sizeof name, "dc%u", data_center + 1);
	model_set_query(s->m, "select @@version_comment limit 1", s->m->comment,
	    0);
	model_set_query(s->m, "select @@version", s->m->version, 0);
	model_set_query(s->m, "select @@datacenter", name, 0);
	model_set_query(s->m, "select 1", "1", 0);
	model_set_query(s->m, "SELECT 1", "1", 0);
}

static void
add_server(struct fleet *f, uint32_t cluster, uint32_t i)
{
	struct server *s = &f->server[f->servers];
	struct in_addr a = { htonl(f->o.base + f->servers) };
	uint32_t n = f->servers++;

	s->listener = (struct watch){ WATCH_LISTENER, -1 };
	s->index = n;
	s->cluster = cluster;
	s->world = f->world[cluster];
	inet_ntop(AF_INET, &a, s->address, sizeof s->address);
	s->m = model_add(s->world, s->address, f->o.port,
	    f->o.version[cluster % f->o.versions]);
	s->m->server_id = 1 + n;
	snprintf(s->m->uuid, sizeof s->m->uuid,
	    "%08x-f1ee-4000-8000-%012x", cluster + 1, n + 1);
	strcpy(s->m->report_host, s->address);
	s->m->started = (mono_t){ fleet_now_us() };
	teach(s, i % f->o.data_centers);
}

static void
add_cluster(struct fleet *f, uint32_t cluster)
{
	uint32_t each = replicas_each(f->o.size, f->o.depth);
	uint32_t first = f->servers;
	struct model *w = model_new();

	f->world[cluster] = w;
	w->grain = DUR_S(1);
	for (uint32_t i = 0; i < f->o.size; i++) {
		add_server(f, cluster, i);
		if (i > 0)
			model_replicate(f->server[first + i].m,
			    f->server[first + (i - 1) / each].m);
	}
	model_write(w->server[0], 1000);
}

void
fleet_init(struct fleet *f, const struct fleet_options *o)
{
	memset(f, 0, sizeof *f);
	f->o = *o;
	f->rng = o->seed;
	f->epoll = f->shared.fd = f->control.fd = -1;
	f->world = mem_alloc(o->clusters * sizeof *f->world);
	f->server = mem_zalloc((size_t)o->clusters * o->size *
	    sizeof *f->server);
	for (uint32_t i = 0; i < o->clusters; i++)
		add_cluster(f, i);
	f->written_us = fleet_now_us();
	stats_reset(f, f->written_us);
}

void
fleet_fini(struct fleet *f)
{
	for (uint32_t i = 0; i < f->servers; i++)
		while (f->server[i].clients != NULL)
			client_reset(f, f->server[i].clients);
	for (uint32_t i = 0; i < f->o.clusters; i++)
		model_free(f->world[i]);
	mem_free(f->world);
	mem_free(f->server);
}

struct server *
fleet_at(struct fleet *f, uint32_t address)
{
	uint32_t i = address - f->o.base;

	return address >= f->o.base && i < f->servers ? &f->server[i] : NULL;
}

/* Who has no source writes, if it runs. */
static void
write_cluster(const struct model *w, uint64_t n)
{
	for (uint32_t i = 0; i < w->n; i++)
		if (w->server[i]->source.host[0] == '\0' &&
		    !w->server[i]->read_only &&
		    w->server[i]->fault != MODEL_REFUSES)
			model_write(w->server[i], n);
}

void
fleet_write(struct fleet *f, int64_t now_us)
{
	uint64_t n;

	f->owed += f->o.writes * (double)(now_us - f->written_us) / 1e6;
	f->written_us = now_us;
	n = (uint64_t)f->owed;
	f->owed -= (double)n;
	for (uint32_t i = 0; n > 0 && i < f->o.clusters; i++)
		write_cluster(f->world[i], n);
}

bool
server_is_mute(const struct server *s)
{
	return s->m->fault == MODEL_SILENT || s->m->fault == MODEL_HANGS;
}

bool
server_refuses(const struct server *s)
{
	return s->m->fault == MODEL_REFUSES;
}

bool
server_is_well(const struct server *s)
{
	return s->m->fault == MODEL_UP && s->slow.us == 0 && !s->drip;
}
