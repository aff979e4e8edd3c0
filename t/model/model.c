/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model servers: which there are, and how a story sets them up.
 */
#include "config.h"

#include "model/model.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { FOREIGN = 1 << 20 }; /* UUIDs from here on are of no server */

struct model *
model_new(void)
{
	return mem_zalloc(sizeof(struct model));
}

static void
free_server(struct model_server *s)
{
	model_set_free(&s->rows);
	model_set_free(&s->executed);
	model_set_free(&s->purged);
	model_set_free(&s->retrieved);
	model_log_free(&s->binlog);
	model_log_free(&s->relay);
	mem_free(s->link);
	mem_free(s->mark);
	mem_free(s);
}

void
model_free(struct model *m)
{
	for (uint32_t i = 0; i < m->n; i++)
		free_server(m->server[i]);
	for (uint32_t i = 0; i < m->markers; i++)
		mem_free(m->marker[i]);
	model_set_free(&m->voided);
	mem_free(m->marker);
	mem_free(m->uuid);
	mem_free(m->server);
	mem_free(m);
}

static void
default_channel(struct model_server *s)
{
	s->channel = (struct model_channel){ .connect_retry = 60,
		.retry_count = s->mariadb ? 100000 : 86400 };
	strcpy(s->channel.heartbeat, "30.000");
}

static void
default_settings(struct model_server *s)
{
	bool old = s->mariadb || s->number.major < 8;

	s->log_bin = s->log_replica_updates = s->gtid = true;
	s->gtid_strict = s->mariadb;
	s->binlog_format = "ROW";
	s->semi_sync_wait = 1;
	s->semi_sync_timeout_ms = 10000;
	s->sync_binlog = 1;
	s->sync_relay_log = 10000;
	s->latency = DUR_US(300);
	s->incarnation = 1;
	snprintf(s->log_base, sizeof s->log_base, "%s", s->mariadb ?
	    "mariadb-bin" : old ? "mysql-bin" : "binlog");
	/* The same transaction takes other room on another server. */
	s->trx_bytes = 275 + s->origin % 7 * 4;
	model_log_begin(&s->binlog, 1, s->mariadb ? 330 : 157);
	model_log_begin(&s->relay, 1, 4);
	default_channel(s);
}

struct model_server *
model_add(struct model *m, const char *host, uint32_t port,
    const char *version)
{
	struct model_server *s = mem_zalloc(sizeof *s);

	if (m->n == m->capacity) {
		m->capacity = m->capacity > 0 ? m->capacity * 2 : 16;
		m->server = mem_resize(m->server, m->capacity,
		    sizeof(struct model_server *));
	}
	s->world = m;
	s->origin = s->last_origin = m->n;
	m->server[m->n++] = s;
	assert(m->n < FOREIGN);
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
	default_settings(s);
	return s;
}

static bool
listens(const struct model_server *s, const char *host, uint32_t port)
{
	for (unsigned k = 0; k < s->addresses; k++)
		if (s->address[k].port == port &&
		    strcmp(s->address[k].host, host) == 0)
			return true;
	return false;
}

struct model_server *
model_find(const struct model *m, const char *host, uint32_t port)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (listens(m->server[i], host, port))
			return m->server[i];
	return NULL;
}

const struct model_server *
model_source(const struct model *m, const struct model_server *s)
{
	if (s->source.host[0] == '\0')
		return NULL;
	if (s->feed != NULL &&
	    listens(s->feed, s->source.host, s->source.port))
		return s->feed;
	return model_find(m, s->source.host, s->source.port);
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
	model_forget_relay(s);
	default_channel(s);
	s->source = source->address[0];
	snprintf(s->channel.user, sizeof s->channel.user, "repl");
	snprintf(s->channel.password, sizeof s->channel.password, "%s",
	    source->replication_password);
	s->auto_position = !s->mariadb && s->gtid;
	s->use_gtid = s->mariadb && s->gtid ? MODEL_SLAVE_POS : MODEL_GTID_NO;
	s->read_at = s->exec_at = model_behind_own(s, source);
	s->read_only = s->starts_read_only = true;
	s->io_wanted = s->sql_wanted = true;
}

void
model_detach(struct model_server *s)
{
	model_forget_relay(s);
	default_channel(s);
	s->source.host[0] = '\0';
	s->source.port = 0;
	s->auto_position = false;
	s->use_gtid = MODEL_GTID_NO;
	s->io_wanted = s->sql_wanted = false;
	s->read_at = s->exec_at = (struct model_coord){ 0 };
}

void
model_clone(struct model_server *s, const struct model_server *from)
{
	model_set_copy(&s->rows, &from->rows);
	model_set_copy(&s->executed, &from->executed);
	model_set_copy(&s->purged, &from->executed);
	for (size_t i = 0; i < MODEL_DOMAINS_MAX; i++) {
		model_gtid_reach(s->replica_pos, from->replica_pos[i]);
		model_gtid_reach(s->replica_pos, from->log_pos[i]);
	}
	s->last_origin = from->last_origin;
	s->last_row = from->last_row;
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
model_restart(struct model_server *s, mono_t now)
{
	s->incarnation++;
	s->started = now;
	s->fault = MODEL_UP;
	s->connected = false;
	s->read_only = s->starts_read_only;
	s->super_read_only = false;
	s->until = (struct model_place){ 0 };
	if (s->source.host[0] != '\0')
		s->io_wanted = s->sql_wanted = !s->skips_start;
	if (s->log_bin)
		model_log_rotate(&s->binlog);
	model_log_rotate(&s->relay);
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

void
model_cut(struct model *m, const struct model_server *replica,
    const struct model_server *source, bool silent)
{
	assert(m->cuts < MODEL_CUTS_MAX);
	m->cut[m->cuts++] = (struct model_cut){ replica->origin,
		source->origin, silent, m->now };
}

void
model_mend(struct model *m)
{
	m->cuts = 0;
}

/* ---- names of files and of UUIDs ---- */

const char *
model_file_name(const char *base, uint32_t file,
    char out[MODEL_TEXT_MAX + 16])
{
	if (file == 0)
		snprintf(out, MODEL_TEXT_MAX + 16, "%s", base);
	else
		snprintf(out, MODEL_TEXT_MAX + 16, "%s.%06u", base,
		    (unsigned)file);
	return out;
}

struct model_coord
model_coord_of(const char *name, uint64_t pos)
{
	const char *dot = strrchr(name, '.');
	struct model_coord c = { .pos = pos };
	size_t n = strlen(name);

	if (dot != NULL && dot[1] != '\0' &&
	    strspn(dot + 1, "0123456789") == strlen(dot + 1)) {
		c.file = (uint32_t)strtoul(dot + 1, NULL, 10);
		n = (size_t)(dot - name);
	}
	if (n >= sizeof c.base)
		n = sizeof c.base - 1;
	memcpy(c.base, name, n);
	return c;
}

/* The text of a UUID, with its tag if it has one, as a number. */
uint32_t
model_uuid(struct model *m, const char *text, size_t len)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (strlen(m->server[i]->uuid) == len &&
		    memcmp(m->server[i]->uuid, text, len) == 0)
			return i;
	for (uint32_t i = 0; i < m->uuids; i++)
		if (strlen(m->uuid[i]) == len &&
		    memcmp(m->uuid[i], text, len) == 0)
			return FOREIGN + i;
	assert(len < MODEL_UUID_MAX);
	m->uuid = mem_resize(m->uuid, m->uuids + 1, sizeof *m->uuid);
	memset(m->uuid[m->uuids], 0, MODEL_UUID_MAX);
	memcpy(m->uuid[m->uuids], text, len);
	return FOREIGN + m->uuids++;
}

const char *
model_uuid_text(const struct model *m, uint32_t uuid)
{
	return uuid < FOREIGN ? m->server[uuid]->uuid : m->uuid[uuid - FOREIGN];
}

/* ---- MariaDB's positions ---- */

const struct model_gtid *
model_gtid_of(const struct model_gtid *pos, uint32_t domain)
{
	for (size_t i = 0; i < MODEL_DOMAINS_MAX; i++)
		if (pos[i].seq > 0 && pos[i].domain == domain)
			return &pos[i];
	return NULL;
}

void
model_gtid_reach(struct model_gtid *pos, struct model_gtid g)
{
	if (g.seq == 0)
		return;
	for (size_t i = 0; i < MODEL_DOMAINS_MAX; i++)
		if (pos[i].seq == 0 || pos[i].domain == g.domain) {
			if (g.seq > pos[i].seq)
				pos[i] = g;
			return;
		}
	assert(!"more domains than MODEL_DOMAINS_MAX");
}
