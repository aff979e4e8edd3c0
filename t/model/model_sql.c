/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statements a model server understands, and what it answers.
 */
#include "config.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "model/model.h"
#include "mysql/rows.h"

enum { VALUE_MAX = 4096, LIST_MAX = 64 };

struct run {
	struct model *m;
	struct model_server *s;
	mono_t now;
	struct buf *out;
	struct model_result *res;
};

static void
fail(struct run *r, unsigned errnum, const char *fmt, ...)
{
	va_list ap;

	r->res->errnum = errnum;
	va_start(ap, fmt);
	vsnprintf(r->res->error, sizeof r->res->error, fmt, ap);
	va_end(ap);
}

static void
put(struct run *r, const char *v)
{
	rows_put_value(r->out, v, v != NULL ? strlen(v) : 0);
}

static bool
at_least(const struct run *r, unsigned major, unsigned minor, unsigned patch)
{
	return version_at_least(r->s->number, major, minor, patch);
}

/* MySQL's words since 8.0.22; MariaDB and older ones keep the old. */
static bool
new_words(const struct run *r)
{
	return !r->s->mariadb && at_least(r, 8, 0, 22);
}

static bool
only_new_words(const struct run *r)
{
	return !r->s->mariadb && at_least(r, 8, 4, 0);
}

/* ---- variables ---- */

static void
gtid_set(const struct run *r, const uint64_t *count, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < r->m->n && n < size; i++)
		if (count[i] > 0)
			n += (size_t)snprintf(out + n, size - n, "%s%s:1-%llu",
			    n > 0 ? "," : "", r->m->server[i]->uuid,
			    (unsigned long long)count[i]);
}

static void
mariadb_pos(const struct run *r, char *out, size_t size)
{
	out[0] = '\0';
	if (r->s->last_seq > 0)
		snprintf(out, size, "0-%llu-%llu",
		    (unsigned long long)r->s->last_server,
		    (unsigned long long)r->s->last_seq);
}

static const char *
on_off(bool v)
{
	return v ? "ON" : "OFF";
}

/* Values that both flavours have; false: no such variable. */
static bool
common_variable(const struct run *r, const char *name, char *out)
{
	const struct model_server *s = r->s;
	const struct {
		const char *name;
		const char *value;
	} row[] = {
		{ "version", s->version },
		{ "version_comment", s->comment },
		{ "hostname", s->hostname },
		{ "report_host", s->report_host },
		{ "log_bin", on_off(s->log_bin) },
		{ "binlog_format", "ROW" },
		{ "binlog_row_image", "FULL" },
		{ "read_only", on_off(s->read_only) },
		{ "performance_schema", on_off(!s->mariadb) },
		{ "relay_log_recovery", "OFF" },
		{ "sync_binlog", "1" },
		{ "sync_relay_log", "10000" },
	};

	for (size_t i = 0; i < MEM_COUNT(row); i++)
		if (strcasecmp(name, row[i].name) == 0) {
			snprintf(out, VALUE_MAX, "%s", row[i].value);
			return true;
		}
	if (strcasecmp(name, "server_id") == 0)
		snprintf(out, VALUE_MAX, "%llu",
		    (unsigned long long)s->server_id);
	else if (strcasecmp(name, "port") == 0 ||
	    strcasecmp(name, "report_port") == 0)
		snprintf(out, VALUE_MAX, "%u", s->port);
	else
		return false;
	return true;
}

static bool
mariadb_variable(const struct run *r, const char *name, char *out)
{
	static const char *const positions[] = { "gtid_binlog_pos",
		"gtid_current_pos", "gtid_slave_pos" };

	for (size_t i = 0; i < MEM_COUNT(positions); i++)
		if (strcasecmp(name, positions[i]) == 0) {
			mariadb_pos(r, out, VALUE_MAX);
			return true;
		}
	if (strcasecmp(name, "gtid_domain_id") == 0)
		strcpy(out, "0");
	else if (strcasecmp(name, "gtid_strict_mode") == 0)
		strcpy(out, "ON");
	else if (strcasecmp(name, "log_slave_updates") == 0)
		strcpy(out, on_off(r->s->log_replica_updates));
	else if (strcasecmp(name, "rpl_semi_sync_master_enabled") == 0)
		strcpy(out, on_off(r->s->semi_sync_source));
	else if (strcasecmp(name, "rpl_semi_sync_slave_enabled") == 0)
		strcpy(out, on_off(r->s->semi_sync_replica));
	else if (strcasecmp(name, "rpl_semi_sync_master_timeout") == 0)
		strcpy(out, "10000");
	else
		return false;
	return true;
}

/* The plugin is there when the server is a member. */
static bool
group_variable(const struct run *r, const char *name, char *out)
{
	if (r->s->group[0] == '\0')
		return false;
	if (strcasecmp(name, "group_replication_group_name") == 0)
		strcpy(out, r->s->group);
	else if (strcasecmp(name,
		     "group_replication_single_primary_mode") == 0)
		strcpy(out, "ON");
	else
		return false;
	return true;
}

static bool
mysql_variable(const struct run *r, const char *name, char *out)
{
	if (group_variable(r, name, out))
		return true;
	if (strcasecmp(name, "server_uuid") == 0)
		strcpy(out, r->s->uuid);
	else if (strcasecmp(name, "gtid_mode") == 0)
		strcpy(out, on_off(r->s->gtid));
	else if (strcasecmp(name, "gtid_executed") == 0)
		gtid_set(r, r->s->executed, out, VALUE_MAX);
	else if (strcasecmp(name, "gtid_purged") == 0)
		out[0] = '\0';
	else if (strcasecmp(name, "super_read_only") == 0)
		strcpy(out, "OFF");
	else if (strcasecmp(name, "log_slave_updates") == 0 &&
	    !only_new_words(r))
		strcpy(out, on_off(r->s->log_replica_updates));
	else if (strcasecmp(name, "log_replica_updates") == 0 &&
	    at_least(r, 8, 0, 26))
		strcpy(out, on_off(r->s->log_replica_updates));
	else if (strcasecmp(name, "master_info_repository") == 0 &&
	    !at_least(r, 8, 3, 0))
		strcpy(out, "TABLE");
	/* A plugin's variables and states come and go together. */
	else if (strcasecmp(name, "rpl_semi_sync_master_enabled") == 0 &&
	    r->s->semi_sync_source)
		strcpy(out, "ON");
	else if (strcasecmp(name, "rpl_semi_sync_slave_enabled") == 0 &&
	    r->s->semi_sync_replica)
		strcpy(out, "ON");
	else
		return false;
	return true;
}

static bool
variable(const struct run *r, const char *name, char *out)
{
	if (common_variable(r, name, out))
		return true;
	return r->s->mariadb ? mariadb_variable(r, name, out) :
			       mysql_variable(r, name, out);
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
put_pairs(struct run *r, const struct list *l,
    bool (*value)(const struct run *, const char *, char *))
{
	static const char *const columns[] = { "Variable_name", "Value" };
	static _Thread_local char v[LIST_MAX][VALUE_MAX];
	bool have[LIST_MAX];
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += have[i] = value(r, l->name[i], v[i]);
	rows_put_result(r->out, columns, 2, n);
	for (size_t i = 0; i < l->n; i++) {
		if (!have[i])
			continue;
		put(r, l->name[i]);
		put(r, v[i]);
	}
}

static void
show_variables(struct run *r, const char *text)
{
	struct list l;

	quoted_names(text, &l);
	put_pairs(r, &l, variable);
}

static bool
status_value(const struct run *r, const char *name, char *out)
{
	if (strcasecmp(name, "Uptime") == 0)
		snprintf(out, VALUE_MAX, "%lld",
		    (long long)(mono_sub(r->now, r->s->started).us / 1000000));
	else if (strcasecmp(name, "Rpl_semi_sync_master_status") == 0 &&
	    (r->s->mariadb || r->s->semi_sync_source))
		strcpy(out, on_off(r->s->semi_sync_source));
	else if (strcasecmp(name, "Rpl_semi_sync_slave_status") == 0 &&
	    (r->s->mariadb || r->s->semi_sync_replica))
		strcpy(out, on_off(r->s->semi_sync_replica));
	else
		return false;
	return true;
}

static void
show_status(struct run *r, const char *text)
{
	struct list l;

	quoted_names(text, &l);
	put_pairs(r, &l, status_value);
}

/* SELECT @@global.x AS x,@@global.y AS y */
static void
select_variables(struct run *r, const char *text)
{
	static _Thread_local char v[LIST_MAX][VALUE_MAX];
	static _Thread_local struct list l;
	const char *columns[LIST_MAX];

	l.n = 0;
	for (const char *p = strstr(text, "@@global."); p != NULL &&
	    l.n < LIST_MAX; p = strstr(p, "@@global.")) {
		p += strlen("@@global.");
		snprintf(l.name[l.n], sizeof l.name[0], "%.*s",
		    (int)strcspn(p, " ,\n"), p);
		if (!variable(r, l.name[l.n], v[l.n])) {
			fail(r, 1193, "Unknown system variable '%s'",
			    l.name[l.n]);
			return;
		}
		columns[l.n] = l.name[l.n];
		l.n++;
	}
	rows_put_result(r->out, columns, l.n, 1);
	for (size_t i = 0; i < l.n; i++)
		put(r, v[i]);
}

/* ---- replication ---- */

struct status_row {
	const char *old_name;
	const char *new_name;
	char value[VALUE_MAX];
	bool null;
};

static void
status_set(struct status_row *row, size_t *n, const char *old_name,
    const char *new_name, const char *fmt, ...)
{
	struct status_row *to = &row[(*n)++];
	va_list ap;

	to->old_name = old_name;
	to->new_name = new_name;
	to->null = fmt == NULL;
	if (fmt == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(to->value, sizeof to->value, fmt, ap);
	va_end(ap);
}

static const char *
io_state(const struct run *r)
{
	if (!r->s->io_wanted)
		return "No";
	return model_io_running(r->m, r->s) ? "Yes" : "Connecting";
}

static long long
binlog_pos(const struct model *m, const uint64_t *count)
{
	long long sum = 157;

	for (uint32_t i = 0; i < m->n; i++)
		sum += 300 * (long long)count[i];
	return sum;
}

static size_t
fill_status(const struct run *r, struct status_row *row)
{
	const struct model_server *s = r->s;
	bool io = model_io_running(r->m, s);
	const struct model_server *source = model_find(r->m, s->source.host,
	    s->source.port);
	char gtid[VALUE_MAX];
	size_t n = 0;

#define ROW(o, nw, ...) status_set(row, &n, o, nw, __VA_ARGS__)
	ROW("Slave_IO_State", "Replica_IO_State", "%s", "");
	ROW("Master_Host", "Source_Host", "%s", s->source.host);
	ROW("Master_User", "Source_User", "%s", s->replication_user);
	ROW("Master_Port", "Source_Port", "%u", s->source.port);
	ROW("Connect_Retry", "Connect_Retry", "%d", 60);
	ROW("Master_Log_File", "Source_Log_File", "binlog.%06d", 1);
	ROW("Read_Master_Log_Pos", "Read_Source_Log_Pos", "%lld",
	    binlog_pos(r->m, s->retrieved));
	ROW("Relay_Log_File", "Relay_Log_File", "relay.%06d", 2);
	ROW("Relay_Log_Pos", "Relay_Log_Pos", "%lld",
	    binlog_pos(r->m, s->executed));
	ROW("Relay_Master_Log_File", "Relay_Source_Log_File", "binlog.%06d",
	    1);
	ROW("Slave_IO_Running", "Replica_IO_Running", "%s", io_state(r));
	ROW("Slave_SQL_Running", "Replica_SQL_Running", "%s",
	    s->sql_wanted ? "Yes" : "No");
	ROW("Exec_Master_Log_Pos", "Exec_Source_Log_Pos", "%lld",
	    binlog_pos(r->m, s->executed));
	ROW("Master_SSL_Allowed", "Source_SSL_Allowed", "%s", "No");
	ROW("Last_IO_Error", "Last_IO_Error", "%s", io || !s->io_wanted ? "" :
	    "error connecting to master");
	ROW("Last_SQL_Error", "Last_SQL_Error", "%s", "");
	if (io && s->sql_wanted)
		ROW("Seconds_Behind_Master", "Seconds_Behind_Source", "%lld",
		    (long long)s->lag_s);
	else
		ROW("Seconds_Behind_Master", "Seconds_Behind_Source", NULL);
	ROW("SQL_Delay", "SQL_Delay", "%d", 0);
	if (s->mariadb) {
		mariadb_pos(r, gtid, sizeof gtid);
		ROW("Using_Gtid", "Using_Gtid", "%s",
		    s->auto_position ? "Slave_Pos" : "No");
		ROW("Gtid_IO_Pos", "Gtid_IO_Pos", "%s", gtid);
		ROW("Connection_name", "Connection_name", "%s", "");
	} else {
		gtid_set(r, s->retrieved, gtid, sizeof gtid);
		ROW("Retrieved_Gtid_Set", "Retrieved_Gtid_Set", "%s", gtid);
		ROW("Auto_Position", "Auto_Position", "%d", s->auto_position);
		ROW("Master_UUID", "Source_UUID", "%s", io ? source->uuid : "");
		ROW("Channel_Name", "Channel_Name", "%s", "");
	}
#undef ROW
	return n;
}

static void
replica_status(struct run *r, bool new_names)
{
	static _Thread_local struct status_row row[40];
	const char *columns[40];
	size_t n = fill_status(r, row);

	assert(n <= MEM_COUNT(row));
	if (r->s->denied_errnum != 0) {
		fail(r, r->s->denied_errnum, "Access denied; you need (at "
		    "least one of) the SUPER, REPLICATION CLIENT privilege(s) "
		    "for this operation");
		return;
	}
	for (size_t i = 0; i < n; i++)
		columns[i] = new_names ? row[i].new_name : row[i].old_name;
	rows_put_result(r->out, columns, n, r->s->source.host[0] != '\0');
	for (size_t i = 0; r->s->source.host[0] != '\0' && i < n; i++)
		put(r, row[i].null ? NULL : row[i].value);
}

static void
show_replica_status(struct run *r, const char *text)
{
	(void)text;
	if (new_words(r))
		replica_status(r, true);
	else
		fail(r, 1064, "You have an error in your SQL syntax");
}

static void
show_slave_status(struct run *r, const char *text)
{
	(void)text;
	if (only_new_words(r))
		fail(r, 1064, "You have an error in your SQL syntax");
	else
		replica_status(r, false);
}

static void
show_all_slaves_status(struct run *r, const char *text)
{
	(void)text;
	if (r->s->mariadb)
		replica_status(r, false);
	else
		fail(r, 1064, "You have an error in your SQL syntax");
}

static void
own_position(struct run *r, const char *text)
{
	static const char *const columns[] = { "File", "Position",
		"Binlog_Do_DB", "Binlog_Ignore_DB" };
	bool new_text = strncasecmp(text, "SHOW BINARY", 11) == 0;
	bool new_only = !r->s->mariadb && at_least(r, 8, 4, 0);
	char pos[32];

	if ((new_text && (r->s->mariadb || !at_least(r, 8, 2, 0))) ||
	    (!new_text && new_only)) {
		fail(r, 1064, "You have an error in your SQL syntax");
		return;
	}
	rows_put_result(r->out, columns, 4, r->s->log_bin);
	if (!r->s->log_bin)
		return;
	snprintf(pos, sizeof pos, "%lld", binlog_pos(r->m, r->s->executed));
	put(r, "binlog.000001");
	put(r, pos);
	put(r, "");
	put(r, "");
}

/* Replicas whose receivers are connected to this server. */
static size_t
connected(const struct run *r, const struct model_server **out, size_t most)
{
	const struct model_server *s;
	size_t n = 0;

	for (uint32_t i = 0; i < r->m->n && n < most; i++) {
		s = r->m->server[i];
		if (s->fault == MODEL_REFUSES || s->fault == MODEL_SILENT ||
		    !model_io_running(r->m, s))
			continue;
		if (model_find(r->m, s->source.host, s->source.port) == r->s)
			out[n++] = s;
	}
	return n;
}

static void
list_replicas(struct run *r, const char *text)
{
	static const char *const old_names[] = { "Server_id", "Host", "Port",
		"Master_id" };
	static const char *const new_names[] = { "Server_Id", "Host", "Port",
		"Source_Id", "Replica_UUID" };
	const struct model_server *at[256];
	size_t n = connected(r, at, MEM_COUNT(at));
	bool newer = strcasecmp(text, "SHOW REPLICAS") == 0;
	char number[32];

	if (newer ? !new_words(r) : only_new_words(r)) {
		fail(r, 1064, "You have an error in your SQL syntax");
		return;
	}
	rows_put_result(r->out, newer ? new_names : old_names, newer ? 5 : 4,
	    n);
	for (size_t i = 0; i < n; i++) {
		snprintf(number, sizeof number, "%llu",
		    (unsigned long long)at[i]->server_id);
		put(r, number);
		put(r, at[i]->report_host);
		snprintf(number, sizeof number, "%u", at[i]->port);
		put(r, number);
		snprintf(number, sizeof number, "%llu",
		    (unsigned long long)r->s->server_id);
		put(r, number);
		if (newer)
			put(r, at[i]->uuid);
	}
}

static void
process_list(struct run *r, const char *text)
{
	static const char *const columns[] = { "USER", "HOST" };
	const struct model_server *at[256];
	size_t n = connected(r, at, MEM_COUNT(at));
	bool newer = strstr(text, "performance_schema") != NULL;
	char host[MODEL_HOST_MAX + 8];

	if (newer && !new_words(r)) {
		fail(r, 1146, "Table 'performance_schema.processlist' doesn't "
		    "exist");
		return;
	}
	rows_put_result(r->out, columns, 2, n);
	for (size_t i = 0; i < n; i++) {
		snprintf(host, sizeof host, "%s:%u", at[i]->address[0].host,
		    40000 + at[i]->origin);
		put(r, at[i]->replication_user);
		put(r, host);
	}
}

/* ---- the rest ---- */

static void
no_rows(struct run *r, const char *text)
{
	static const char *const columns[] = { "Variable_name", "Value" };

	(void)text;
	rows_put_result(r->out, columns, 2, 0);
}

static void
rights(struct run *r, const char *text)
{
	static const char *const columns[] = { "PRIVILEGE_TYPE" };

	(void)text;
	rows_put_result(r->out, columns, 1, 1);
	put(r, "PROCESS");
}

/* Those of the same group that are there. */
static size_t
members(const struct run *r, const struct model_server **out, size_t most)
{
	const struct model_server *s;
	size_t n = 0;

	for (uint32_t i = 0; i < r->m->n && n < most; i++) {
		s = r->m->server[i];
		if (r->s->group[0] != '\0' &&
		    strcmp(s->group, r->s->group) == 0 &&
		    s->fault != MODEL_REFUSES && s->fault != MODEL_SILENT)
			out[n++] = s;
	}
	return n;
}

static void
group_members(struct run *r, const char *text)
{
	static const char *const columns[] = { "MEMBER_ID", "MEMBER_HOST",
		"MEMBER_PORT", "MEMBER_STATE", "MEMBER_ROLE" };
	const struct model_server *at[16];
	size_t n = members(r, at, MEM_COUNT(at));
	char port[16];

	(void)text;
	rows_put_result(r->out, columns, 5, n);
	for (size_t i = 0; i < n; i++) {
		put(r, at[i]->uuid);
		put(r, at[i]->report_host[0] != '\0' ? at[i]->report_host :
							at[i]->hostname);
		snprintf(port, sizeof port, "%u", at[i]->port);
		put(r, port);
		put(r, at[i]->group_state);
		put(r, at[i]->group_primary ? "PRIMARY" : "SECONDARY");
	}
}

static void
credentials(struct run *r, const char *text)
{
	static const char *const columns[] = { "users", "heartbeat" };

	(void)text;
	rows_put_result(r->out, columns, 2, 1);
	put(r, r->s->source.host[0] != '\0' ? "1" : "0");
	put(r, "30.000");
}

static const struct {
	const char *prefix;
	void (*run)(struct run *r, const char *text);
} statements[] = {
	{ "SHOW VARIABLES LIKE 'maxscale%'", no_rows },
	{ "SHOW GLOBAL VARIABLES WHERE", show_variables },
	{ "SHOW GLOBAL STATUS WHERE", show_status },
	{ "SELECT VARIABLE_NAME, VARIABLE_VALUE FROM "
	    "performance_schema.global_status WHERE", show_status },
	{ "SELECT PRIVILEGE_TYPE", rights },
	{ "SELECT @@global.", select_variables },
	{ "SHOW REPLICA STATUS", show_replica_status },
	{ "SHOW SLAVE STATUS", show_slave_status },
	{ "SHOW ALL SLAVES STATUS", show_all_slaves_status },
	{ "SHOW MASTER STATUS", own_position },
	{ "SHOW BINARY LOG STATUS", own_position },
	{ "SHOW SLAVE HOSTS", list_replicas },
	{ "SHOW REPLICAS", list_replicas },
	{ "SELECT USER, HOST FROM", process_list },
	{ "SELECT MEMBER_ID", group_members },
	{ "SELECT COUNT(NULLIF(User_name", credentials },
};

/* A query that the story gave an answer for. */
static bool
run_told(struct run *r, const char *text)
{
	static const char *const columns[] = { "value" };

	for (unsigned i = 0; i < r->s->queries; i++) {
		const struct model_query *q = &r->s->query[i];

		if (strcmp(q->text, text) != 0)
			continue;
		if (q->errnum != 0) {
			fail(r, q->errnum, "%s", q->value);
			return true;
		}
		rows_put_result(r->out, columns, 1, 1);
		put(r, q->value);
		return true;
	}
	return false;
}

static void
run_one(struct run *r, const char *text)
{
	r->s->statements++;
	if (run_told(r, text))
		return;
	for (size_t i = 0; i < MEM_COUNT(statements); i++)
		if (strncasecmp(text, statements[i].prefix,
			strlen(statements[i].prefix)) == 0) {
			statements[i].run(r, text);
			return;
		}
	fail(r, 1064, "You have an error in your SQL syntax near '%.80s'",
	    text);
}

void
model_query(struct model *m, struct model_server *s, mono_t now,
    const char *text, struct buf *out, struct model_result *res)
{
	struct run r = { m, s, now, out, res };
	const char *end;
	char *one;

	model_replicate_all(m);
	res->errnum = 0;
	res->error[0] = '\0';
	for (; text != NULL && res->errnum == 0;
	     text = end != NULL ? end + 3 : NULL) {
		end = strstr(text, "\n;\n");
		one = end != NULL ? mem_strndup(text, (size_t)(end - text)) :
				    mem_strdup(text);
		run_one(&r, one);
		mem_free(one);
	}
}
