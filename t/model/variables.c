/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's variables and counters, and GTIDs as text.
 */
#include "config.h"

#include "model/stmt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "mysql/rows.h"

enum { LIST_MAX = 64 };

/* ---- GTIDs ---- */

void
stmt_gtid_text(const struct stmt *st, const struct model_set *set, char *out,
    size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < set->n && n < size; i++) {
		const struct model_range *r = &set->at[i];
		bool same = i > 0 && set->at[i - 1].maker == r->maker;

		if (!same)
			n += (size_t)snprintf(out + n, size - n, "%s%s",
			    n > 0 ? "," : "",
			    model_uuid_text(st->m, r->maker));
		if (n < size)
			n += (size_t)snprintf(out + n, size - n, ":%llu",
			    (unsigned long long)r->lo);
		if (n < size && r->hi > r->lo)
			n += (size_t)snprintf(out + n, size - n, "-%llu",
			    (unsigned long long)r->hi);
	}
}

static bool
read_range(const char **s, uint64_t *lo, uint64_t *hi)
{
	char *end;

	*lo = *hi = strtoull(*s, &end, 10);
	if (end == *s || *lo == 0)
		return false;
	if (*end == '-')
		*hi = strtoull(end + 1, &end, 10);
	*s = end + strspn(end, " \n");
	return *hi >= *lo;
}

/* "uuid:1-3:5,uuid:tag:7" */
bool
stmt_gtid_set(const struct stmt *st, const char *text, struct model_set *out)
{
	const char *s = text + strspn(text, " \n,+"), *uuid;
	uint64_t lo, hi;
	char name[MODEL_UUID_MAX];
	size_t n, base;

	for (; *s != '\0'; s += strspn(s, " \n,")) {
		uuid = s;
		base = strspn(s, "0123456789abcdefABCDEF-");
		if (base != 36)
			return false;
		s += base;
		snprintf(name, sizeof name, "%.36s", uuid);
		while (*s == ':') {
			s++;
			n = strcspn(s, ":, \n");
			if (strspn(s, "0123456789-") < n) { /* a tag */
				snprintf(name, sizeof name, "%.36s:%.*s", uuid,
				    (int)(n < 20 ? n : 20), s);
				s += n;
				continue;
			}
			if (!read_range(&s, &lo, &hi))
				return false;
			model_set_add(out, model_uuid(st->m, name,
			    strlen(name)), lo, hi);
		}
		if (*s != '\0' && *s != ',')
			return false;
	}
	return true;
}

void
stmt_pos_text(const struct model_gtid *pos, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < MODEL_DOMAINS_MAX; i++)
		if (pos[i].seq > 0 && n < size)
			n += (size_t)snprintf(out + n, size - n,
			    "%s%u-%llu-%llu", n > 0 ? "," : "", pos[i].domain,
			    (unsigned long long)pos[i].server,
			    (unsigned long long)pos[i].seq);
}

bool
stmt_pos(const char *text, struct model_gtid *pos)
{
	unsigned long long d, server, seq;
	int n;

	memset(pos, 0, MODEL_DOMAINS_MAX * sizeof *pos);
	for (size_t i = 0; *text != '\0'; i++) {
		if (i == MODEL_DOMAINS_MAX || sscanf(text, "%llu-%llu-%llu%n",
			&d, &server, &seq, &n) != 3)
			return false;
		pos[i] = (struct model_gtid){ (uint32_t)d, server, seq };
		text += n;
		text += strspn(text, ", ");
	}
	return true;
}

void
stmt_current_pos(const struct model_server *s, struct model_gtid *pos)
{
	memcpy(pos, s->replica_pos, sizeof s->replica_pos);
	for (size_t i = 0; i < MODEL_DOMAINS_MAX; i++)
		if (s->log_pos[i].server == s->server_id)
			model_gtid_reach(pos, s->log_pos[i]);
}

/* ---- variables ---- */

static const char *
on_off(bool v)
{
	return v ? "ON" : "OFF";
}

enum from { BOTH, MARIADB, MYSQL };

/* Names whose values are plain; version: the first that has it. */
static bool
plain_variable(const struct stmt *st, const char *name, char *out)
{
	const struct model_server *s = st->s;
	const struct {
		const char *name;
		enum from from;
		const char *value;
	} row[] = {
		{ "version", BOTH, s->version },
		{ "version_comment", BOTH, s->comment },
		{ "hostname", BOTH, s->hostname },
		{ "report_host", BOTH, s->report_host },
		{ "log_bin", BOTH, on_off(s->log_bin) },
		{ "binlog_format", BOTH, s->binlog_format },
		{ "binlog_row_image", BOTH, "FULL" },
		{ "read_only", BOTH, on_off(s->read_only) },
		{ "performance_schema", BOTH, on_off(!s->mariadb) },
		{ "relay_log_recovery", BOTH, on_off(s->relay_log_recovery) },
		{ "gtid_strict_mode", MARIADB, on_off(s->gtid_strict) },
		{ "log_slave_updates", MARIADB,
		    on_off(s->log_replica_updates) },
		{ "server_uuid", MYSQL, s->uuid },
		{ "gtid_mode", MYSQL, on_off(s->gtid) },
		{ "super_read_only", MYSQL, on_off(s->super_read_only) },
	};

	for (size_t i = 0; i < MEM_COUNT(row); i++)
		if (strcasecmp(name, row[i].name) == 0 &&
		    (row[i].from == BOTH ||
			s->mariadb == (row[i].from == MARIADB))) {
			snprintf(out, VALUE_MAX, "%s", row[i].value);
			return true;
		}
	return false;
}

static bool
number_variable(const struct stmt *st, const char *name, char *out)
{
	const struct model_server *s = st->s;
	const struct {
		const char *name;
		uint64_t value;
	} row[] = {
		{ "server_id", s->server_id },
		{ "port", s->port },
		{ "report_port", s->port },
		{ "sync_binlog", s->sync_binlog },
		{ "sync_relay_log", s->sync_relay_log },
		{ "sql_slave_skip_counter", s->skip_counter },
	};

	for (size_t i = 0; i < MEM_COUNT(row); i++)
		if (strcasecmp(name, row[i].name) == 0) {
			snprintf(out, VALUE_MAX, "%llu",
			    (unsigned long long)row[i].value);
			return true;
		}
	return false;
}

static bool
mariadb_variable(const struct stmt *st, const char *name, char *out)
{
	const struct model_server *s = st->s;
	struct model_gtid current[MODEL_DOMAINS_MAX];

	stmt_current_pos(s, current);
	if (strcasecmp(name, "gtid_binlog_pos") == 0)
		stmt_pos_text(s->log_pos, out, VALUE_MAX);
	else if (strcasecmp(name, "gtid_binlog_state") == 0)
		stmt_pos_text(s->log_pos, out, VALUE_MAX);
	else if (strcasecmp(name, "gtid_slave_pos") == 0)
		stmt_pos_text(s->replica_pos, out, VALUE_MAX);
	else if (strcasecmp(name, "gtid_current_pos") == 0)
		stmt_pos_text(current, out, VALUE_MAX);
	else if (strcasecmp(name, "gtid_domain_id") == 0)
		snprintf(out, VALUE_MAX, "%u", s->domain);
	else
		return false;
	return true;
}

/* The plugin is there when the server is a member. */
static bool
group_variable(const struct stmt *st, const char *name, char *out)
{
	if (st->s->group[0] == '\0')
		return false;
	if (strcasecmp(name, "group_replication_group_name") == 0)
		strcpy(out, st->s->group);
	else if (strcasecmp(name,
		     "group_replication_single_primary_mode") == 0)
		strcpy(out, "ON");
	else
		return false;
	return true;
}

static bool
mysql_variable(const struct stmt *st, const char *name, char *out)
{
	const struct model_server *s = st->s;
	bool log_updates = strcasecmp(name, "log_slave_updates") == 0 ?
	    !stmt_at_least(st, 8, 4, 0) :
	    strcasecmp(name, "log_replica_updates") == 0 &&
	    stmt_at_least(st, 8, 0, 26);

	if (strcasecmp(name, "gtid_executed") == 0)
		stmt_gtid_text(st, &s->executed, out, VALUE_MAX);
	else if (strcasecmp(name, "gtid_purged") == 0)
		stmt_gtid_text(st, &s->purged, out, VALUE_MAX);
	else if (log_updates)
		strcpy(out, on_off(s->log_replica_updates));
	else if (strcasecmp(name, "master_info_repository") == 0 &&
	    !stmt_at_least(st, 8, 3, 0))
		strcpy(out, "TABLE");
	else
		return group_variable(st, name, out);
	return true;
}

/* A plugin's variables come with it: MariaDB has it built in. */
static bool
semi_sync_variable(const struct stmt *st, const char *name, char *out)
{
	const struct model_server *s = st->s;
	bool fresh = stmt_mysql(st, 8, 0, 26);
	const struct {
		const char *old_name, *new_name;
		bool there;
		uint64_t value;
		bool is_switch;
	} row[] = {
		{ "rpl_semi_sync_master_enabled",
		    "rpl_semi_sync_source_enabled",
		    s->mariadb || s->semi_sync_plugin || s->semi_sync_source,
		    s->semi_sync_source, true },
		{ "rpl_semi_sync_slave_enabled",
		    "rpl_semi_sync_replica_enabled",
		    s->mariadb || s->semi_sync_plugin || s->semi_sync_replica,
		    s->semi_sync_replica, true },
		{ "rpl_semi_sync_master_timeout",
		    "rpl_semi_sync_source_timeout",
		    s->mariadb || s->semi_sync_plugin || s->semi_sync_source,
		    s->semi_sync_timeout_ms, false },
		{ "rpl_semi_sync_master_wait_for_slave_count",
		    "rpl_semi_sync_source_wait_for_replica_count",
		    !s->mariadb && (s->semi_sync_plugin ||
			s->semi_sync_source),
		    s->semi_sync_wait, false },
	};

	for (size_t i = 0; i < MEM_COUNT(row); i++) {
		if (strcasecmp(name, fresh ? row[i].new_name :
			row[i].old_name) != 0 || !row[i].there)
			continue;
		if (row[i].is_switch)
			strcpy(out, on_off(row[i].value != 0));
		else
			snprintf(out, VALUE_MAX, "%llu",
			    (unsigned long long)row[i].value);
		return true;
	}
	return false;
}

bool
stmt_variable(const struct stmt *st, const char *name, char *out)
{
	return plain_variable(st, name, out) ||
	    number_variable(st, name, out) ||
	    semi_sync_variable(st, name, out) ||
	    (st->s->mariadb ? mariadb_variable(st, name, out) :
			      mysql_variable(st, name, out));
}

/* ---- counters ---- */

static unsigned
clients(const struct stmt *st)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < st->m->n; i++) {
		const struct model_server *r = st->m->server[i];

		n += r->feed == st->s && r->semi_sync_replica &&
		    r->fault != MODEL_REFUSES && r->fault != MODEL_SILENT &&
		    model_io_running(st->m, r);
	}
	return n;
}

static bool
semi_sync_status(const struct stmt *st, const char *name, char *out)
{
	const struct model_server *s = st->s;
	bool fresh = stmt_mysql(st, 8, 0, 26);
	bool source = s->mariadb || s->semi_sync_plugin || s->semi_sync_source;
	bool replica = s->mariadb || s->semi_sync_plugin ||
	    s->semi_sync_replica;

	if (source && strcasecmp(name, fresh ? "Rpl_semi_sync_source_status" :
		"Rpl_semi_sync_master_status") == 0)
		strcpy(out, on_off(s->semi_sync_source && !s->degraded));
	else if (source && strcasecmp(name, fresh ?
		"Rpl_semi_sync_source_clients" :
		"Rpl_semi_sync_master_clients") == 0)
		snprintf(out, VALUE_MAX, "%u", clients(st));
	else if (replica && strcasecmp(name, fresh ?
		"Rpl_semi_sync_replica_status" :
		"Rpl_semi_sync_slave_status") == 0)
		strcpy(out, on_off(s->semi_sync_replica &&
		    model_io_running(st->m, s)));
	else
		return false;
	return true;
}

static bool
status_value(const struct stmt *st, const char *name, char *out)
{
	if (strcasecmp(name, "Uptime") != 0)
		return semi_sync_status(st, name, out);
	snprintf(out, VALUE_MAX, "%lld",
	    (long long)(mono_sub(st->now, st->s->started).us / 1000000));
	return true;
}

/* ---- lists of names in statements ---- */

struct list {
	char name[LIST_MAX][80];
	size_t n;
};

/* The quoted names of "... IN ('a','b')". */
static void
quoted_names(const char *text, struct list *l)
{
	const char *p = strchr(text, '\''), *end;

	for (l->n = 0; p != NULL && l->n < LIST_MAX; p = strchr(end + 1, '\'')) {
		end = strchr(p + 1, '\'');
		if (end == NULL)
			return;
		snprintf(l->name[l->n++], sizeof l->name[0], "%.*s",
		    (int)(end - p - 1), p + 1);
	}
}

static void
put_pairs(struct stmt *st, const struct list *l,
    bool (*value)(const struct stmt *, const char *, char *))
{
	static const char *const columns[] = { "Variable_name", "Value" };
	static _Thread_local char v[LIST_MAX][VALUE_MAX];
	bool have[LIST_MAX];
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += have[i] = value(st, l->name[i], v[i]);
	rows_put_result(st->out, columns, 2, n);
	for (size_t i = 0; i < l->n; i++) {
		if (!have[i])
			continue;
		stmt_put(st, l->name[i]);
		stmt_put(st, v[i]);
	}
}

void
stmt_show_variables(struct stmt *st)
{
	struct list l;

	quoted_names(st->text, &l);
	put_pairs(st, &l, stmt_variable);
}

void
stmt_show_status(struct stmt *st)
{
	struct list l;

	quoted_names(st->text, &l);
	put_pairs(st, &l, status_value);
}

/* SELECT @@global.x AS x,@@global.y AS y */
void
stmt_select_variables(struct stmt *st)
{
	static _Thread_local char v[LIST_MAX][VALUE_MAX];
	static _Thread_local struct list l;
	const char *columns[LIST_MAX];

	l.n = 0;
	for (const char *p = strstr(st->text, "@@global."); p != NULL &&
	    l.n < LIST_MAX; p = strstr(p, "@@global.")) {
		p += strlen("@@global.");
		snprintf(l.name[l.n], sizeof l.name[0], "%.*s",
		    (int)strcspn(p, " ,\n"), p);
		if (!stmt_variable(st, l.name[l.n], v[l.n])) {
			stmt_fail(st, 1193, "Unknown system variable '%s'",
			    l.name[l.n]);
			return;
		}
		columns[l.n] = l.name[l.n];
		l.n++;
	}
	rows_put_result(st->out, columns, l.n, 1);
	for (size_t i = 0; i < l.n; i++)
		stmt_put(st, v[i]);
}

