/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model servers: what they are, how they replicate, what happens to them.
 */
#include "config.h"

#include "model/model.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct model *
model_new(void)
{
	return mem_zalloc(sizeof(struct model));
}

void
model_free(struct model *m)
{
	for (uint32_t i = 0; i < m->n; i++) {
		mem_free(m->server[i]->executed);
		mem_free(m->server[i]->retrieved);
		mem_free(m->server[i]);
	}
	mem_free(m->server);
	mem_free(m);
}

static uint64_t *
grow_counts(uint64_t *at, uint32_t from, uint32_t to)
{
	at = mem_resize(at, to, sizeof *at);
	memset(at + from, 0, (to - from) * sizeof *at);
	return at;
}

static void
make_room(struct model *m)
{
	uint32_t cap = m->capacity > 0 ? m->capacity * 2 : 16;

	if (m->n < m->capacity)
		return;
	m->server = mem_resize(m->server, cap, sizeof(struct model_server *));
	for (uint32_t i = 0; i < m->n; i++) {
		struct model_server *s = m->server[i];

		s->executed = grow_counts(s->executed, m->capacity, cap);
		s->retrieved = grow_counts(s->retrieved, m->capacity, cap);
	}
	m->capacity = cap;
}

struct model_server *
model_add(struct model *m, const char *host, uint32_t port,
    const char *version)
{
	struct model_server *s = mem_zalloc(sizeof *s);

	make_room(m);
	s->origin = m->n;
	m->server[m->n++] = s;
	model_listen(s, host, port, true);
	snprintf(s->hostname, sizeof s->hostname, "%s", host);
	s->port = port;
	s->mariadb = strstr(version, "MariaDB") != NULL;
	snprintf(s->version, sizeof s->version, "%s", version);
	snprintf(s->comment, sizeof s->comment, "%s", s->mariadb ?
	    "mariadb.org binary distribution" : "MySQL Community Server - GPL");
	s->number = version_parse(version);
	s->server_id = 100 + s->origin;
	snprintf(s->uuid, sizeof s->uuid,
	    "%08x-0000-4000-8000-%012x", 0x10000 + s->origin, s->origin);
	s->log_bin = s->log_replica_updates = s->gtid = true;
	s->latency = DUR_US(300);
	s->incarnation = 1;
	s->last_server = s->server_id;
	s->executed = grow_counts(NULL, 0, m->capacity);
	s->retrieved = grow_counts(NULL, 0, m->capacity);
	return s;
}

struct model_server *
model_find(const struct model *m, const char *host, uint32_t port)
{
	for (uint32_t i = 0; i < m->n; i++)
		for (unsigned k = 0; k < m->server[i]->addresses; k++)
			if (m->server[i]->address[k].port == port &&
			    strcmp(m->server[i]->address[k].host, host) == 0)
				return m->server[i];
	return NULL;
}

void
model_listen(struct model_server *s, const char *host, uint32_t port,
    bool only)
{
	struct model_address *a;

	if (only)
		s->addresses = 0;
	assert(s->addresses < MODEL_ADDRESSES_MAX);
	a = &s->address[s->addresses++];
	snprintf(a->host, sizeof a->host, "%s", host);
	a->port = port;
}

void
model_unlisten(struct model_server *s, const char *host, uint32_t port)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < s->addresses; i++)
		if (s->address[i].port != port ||
		    strcmp(s->address[i].host, host) != 0)
			s->address[kept++] = s->address[i];
	assert(kept > 0);
	s->addresses = kept;
}

void
model_replicate(struct model_server *s, const struct model_server *source)
{
	s->source = source->address[0];
	snprintf(s->replication_user, sizeof s->replication_user, "repl");
	s->auto_position = s->gtid;
	s->read_only = true;
	s->io_wanted = s->sql_wanted = true;
}

void
model_detach(struct model_server *s)
{
	s->source.host[0] = '\0';
	s->source.port = 0;
	s->io_wanted = s->sql_wanted = false;
}

void
model_join_group(struct model_server *s, const char *group, bool primary)
{
	assert(!s->mariadb);
	snprintf(s->group, sizeof s->group, "%s", group);
	s->group_primary = primary;
	s->group_state = "ONLINE";
	s->read_only = !primary;
}

void
model_write(struct model_server *s, uint64_t n)
{
	s->executed[s->origin] += n;
	s->last_seq += n;
	s->last_server = s->server_id;
}

void
model_restart(struct model_server *s, mono_t now)
{
	s->incarnation++;
	s->started = now;
	s->fault = MODEL_UP;
}

void
model_set_query(struct model_server *s, const char *text, const char *value,
    unsigned errnum)
{
	struct model_query *q;

	assert(s->queries < MODEL_QUERIES_MAX);
	q = &s->query[s->queries++];
	snprintf(q->text, sizeof q->text, "%s", text);
	snprintf(q->value, sizeof q->value, "%s", value);
	q->errnum = errnum;
}

bool
model_io_running(const struct model *m, const struct model_server *s)
{
	const struct model_server *source;

	if (s->source.host[0] == '\0' || !s->io_wanted)
		return false;
	source = model_find(m, s->source.host, s->source.port);
	return source != NULL && source->fault != MODEL_REFUSES &&
	    source->fault != MODEL_SILENT;
}

/* What one replica can take from its source now; true when it took something. */
static bool
pull(struct model *m, struct model_server *s)
{
	const struct model_server *source;
	bool more = false;

	if (model_io_running(m, s)) {
		source = model_find(m, s->source.host, s->source.port);
		for (uint32_t i = 0; i < m->n; i++)
			if (s->retrieved[i] < source->executed[i])
				s->retrieved[i] = source->executed[i];
		if (s->last_seq < source->last_seq && s->sql_wanted) {
			s->last_seq = source->last_seq;
			s->last_server = source->last_server;
		}
	}
	for (uint32_t i = 0; i < m->n && s->sql_wanted; i++) {
		if (s->executed[i] >= s->retrieved[i])
			continue;
		s->executed[i] = s->retrieved[i];
		more = true;
	}
	return more;
}

void
model_replicate_all(struct model *m)
{
	bool more = true;

	/* A chain of n servers settles in n rounds at the most. */
	for (uint32_t round = 0; more && round <= m->n; round++) {
		more = false;
		for (uint32_t i = 0; i < m->n; i++)
			if (m->server[i]->source.host[0] != '\0' &&
			    m->server[i]->fault != MODEL_REFUSES &&
			    m->server[i]->fault != MODEL_SILENT)
				more = pull(m, m->server[i]) || more;
	}
}
