/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a server says that it replicates, where its log ends, and who reads it.
 */
#include "config.h"

#include "model/stmt.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "mysql/rows.h"

enum { STATUS_MAX = 64 };

/* MySQL's words since 8.0.22; MariaDB and older ones keep the old. */
static bool
new_words(const struct stmt *st)
{
	return stmt_mysql(st, 8, 0, 22);
}

static bool
only_new_words(const struct stmt *st)
{
	return stmt_mysql(st, 8, 4, 0);
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
io_state(const struct stmt *st)
{
	if (!st->s->io_wanted)
		return "No";
	return model_io_running(st->m, st->s) ? "Yes" : "Connecting";
}

#define ROW(o, nw, ...) status_set(row, n, o, nw, __VA_ARGS__)

static void
fill_places(const struct model_server *s, struct status_row *row, size_t *n)
{
	char name[MODEL_TEXT_MAX + 16];
	struct model_place relay = model_log_place(&s->relay, s->relay_next);

	ROW("Master_Log_File", "Source_Log_File", "%s",
	    model_file_name(s->read_at.base, s->read_at.file, name));
	ROW("Read_Master_Log_Pos", "Read_Source_Log_Pos", "%llu",
	    (unsigned long long)s->read_at.pos);
	ROW("Relay_Log_File", "Relay_Log_File", "relay-bin.%06u",
	    (unsigned)relay.file);
	ROW("Relay_Log_Pos", "Relay_Log_Pos", "%llu",
	    (unsigned long long)relay.pos);
	ROW("Relay_Master_Log_File", "Relay_Source_Log_File", "%s",
	    model_file_name(s->exec_at.base, s->exec_at.file, name));
	ROW("Exec_Master_Log_Pos", "Exec_Source_Log_Pos", "%llu",
	    (unsigned long long)s->exec_at.pos);
	ROW("Until_Condition", "Until_Condition", "%s",
	    s->until.file == 0 ? "None" : s->mariadb ? "Master" : "Source");
}

static void
fill_channel(const struct model_server *s, struct status_row *row, size_t *n)
{
	const struct model_channel *c = &s->channel;

	ROW("Master_User", "Source_User", "%s", c->user);
	ROW("Connect_Retry", "Connect_Retry", "%llu",
	    (unsigned long long)c->connect_retry);
	ROW("Master_SSL_Allowed", "Source_SSL_Allowed", "%s",
	    c->ssl ? "Yes" : "No");
	ROW("Master_SSL_CA_File", "Source_SSL_CA_File", "%s", c->ssl_ca);
	ROW("Master_SSL_CA_Path", "Source_SSL_CA_Path", "%s", c->ssl_capath);
	ROW("Master_SSL_Cert", "Source_SSL_Cert", "%s", c->ssl_cert);
	ROW("Master_SSL_Cipher", "Source_SSL_Cipher", "%s", c->ssl_cipher);
	ROW("Master_SSL_Key", "Source_SSL_Key", "%s", c->ssl_key);
	ROW("Master_SSL_Verify_Server_Cert", "Source_SSL_Verify_Server_Cert",
	    "%s", c->ssl_verify ? "Yes" : "No");
	ROW("Master_SSL_Crl", "Source_SSL_Crl", "%s", c->ssl_crl);
	ROW("Master_SSL_Crlpath", "Source_SSL_Crlpath", "%s", c->ssl_crlpath);
	ROW("SQL_Delay", "SQL_Delay", "%llu", (unsigned long long)c->delay_s);
	if (s->mariadb) {
		ROW("Slave_heartbeat_period", "", "%s", c->heartbeat);
		return;
	}
	ROW("Master_Retry_Count", "Source_Retry_Count", "%llu",
	    (unsigned long long)c->retry_count);
	ROW("Master_TLS_Version", "Source_TLS_Version", "%s", c->tls_version);
	if (!version_at_least(s->number, 8, 0, 4))
		return;
	ROW("Master_public_key_path", "Source_public_key_path", "%s",
	    c->public_key_path);
	ROW("Get_master_public_key", "Get_Source_public_key", "%llu",
	    (unsigned long long)c->get_public_key);
}

static void
fill_threads(const struct stmt *st, struct status_row *row, size_t *n)
{
	const struct model_server *s = st->s;
	bool io = model_io_running(st->m, s);
	int64_t behind = model_behind(s).us / 1000000;

	ROW("Slave_IO_Running", "Replica_IO_Running", "%s", io_state(st));
	ROW("Slave_SQL_Running", "Replica_SQL_Running", "%s",
	    s->sql_wanted ? "Yes" : "No");
	ROW("Last_IO_Errno", "Last_IO_Errno", "%u", io ? 0 : s->io_errno);
	ROW("Last_IO_Error", "Last_IO_Error", "%s", io ? "" : s->io_error);
	ROW("Last_SQL_Errno", "Last_SQL_Errno", "%u", s->sql_errno);
	ROW("Last_SQL_Error", "Last_SQL_Error", "%s", s->sql_error);
	ROW("Replicate_Ignore_DB", "Replicate_Ignore_DB", "%s",
	    s->filters ? "scratch" : "");
	if (io && s->sql_wanted)
		ROW("Seconds_Behind_Master", "Seconds_Behind_Source", "%lld",
		    (long long)(behind > s->lag_s ? behind : s->lag_s));
	else
		ROW("Seconds_Behind_Master", "Seconds_Behind_Source", NULL);
}

/* What the receiver has, or would begin behind. */
static void
io_pos(const struct model_server *s, char *text)
{
	struct model_gtid pos[MODEL_DOMAINS_MAX];

	memcpy(pos, s->replica_pos, sizeof pos);
	for (uint32_t i = 0; i < s->relay.n; i++) {
		const struct model_run *r = &s->relay.run[i];

		model_gtid_reach(pos, (struct model_gtid){ r->first.domain,
			r->first.server_id,
			r->first.seq > 0 ? r->first.seq + r->n - 1 : 0 });
	}
	stmt_pos_text(pos, text, VALUE_MAX);
}

static void
fill_gtid(const struct stmt *st, struct status_row *row, size_t *n)
{
	static const char *const using[] = { "No", "Slave_Pos",
		"Current_Pos" };
	const struct model_server *s = st->s;
	const struct model_server *source = model_source(st->m, s);
	char gtid[VALUE_MAX];

	if (s->mariadb) {
		io_pos(s, gtid);
		ROW("Using_Gtid", "Using_Gtid", "%s", using[s->use_gtid]);
		ROW("Gtid_IO_Pos", "Gtid_IO_Pos", "%s",
		    s->use_gtid != MODEL_GTID_NO ? gtid : "");
		ROW("Connection_name", "Connection_name", "%s", "");
		return;
	}
	stmt_gtid_text(st, &s->retrieved, gtid, sizeof gtid);
	ROW("Retrieved_Gtid_Set", "Retrieved_Gtid_Set", "%s", gtid);
	stmt_gtid_text(st, &s->executed, gtid, sizeof gtid);
	ROW("Executed_Gtid_Set", "Executed_Gtid_Set", "%s", gtid);
	ROW("Auto_Position", "Auto_Position", "%d", s->auto_position);
	ROW("Master_UUID", "Source_UUID", "%s",
	    model_io_running(st->m, s) ? source->uuid : "");
	ROW("Channel_Name", "Channel_Name", "%s", "");
}
#undef ROW

static size_t
fill_status(const struct stmt *st, struct status_row *row)
{
	const struct model_server *s = st->s;
	size_t n = 0;

	status_set(row, &n, "Slave_IO_State", "Replica_IO_State", "%s", "");
	status_set(row, &n, "Master_Host", "Source_Host", "%s",
	    s->source.host);
	status_set(row, &n, "Master_Port", "Source_Port", "%u",
	    s->source.port);
	fill_places(s, row, &n);
	fill_channel(s, row, &n);
	fill_threads(st, row, &n);
	fill_gtid(st, row, &n);
	return n;
}

static void
replica_status(struct stmt *st, bool new_names)
{
	static _Thread_local struct status_row row[STATUS_MAX];
	const char *columns[STATUS_MAX];
	size_t n = fill_status(st, row);

	assert(n <= MEM_COUNT(row));
	if (st->s->denied_errnum != 0) {
		stmt_fail(st, st->s->denied_errnum, "Access denied; you need (at "
		    "least one of) the SUPER, REPLICATION CLIENT privilege(s) "
		    "for this operation");
		return;
	}
	for (size_t i = 0; i < n; i++)
		columns[i] = new_names ? row[i].new_name : row[i].old_name;
	rows_put_result(st->out, columns, n, st->s->source.host[0] != '\0');
	for (size_t i = 0; st->s->source.host[0] != '\0' && i < n; i++)
		stmt_put(st, row[i].null ? NULL : row[i].value);
}

void
stmt_replica_status(struct stmt *st)
{
	if (new_words(st))
		replica_status(st, true);
	else
		stmt_syntax(st);
}

void
stmt_slave_status(struct stmt *st)
{
	if (only_new_words(st))
		stmt_syntax(st);
	else
		replica_status(st, false);
}

void
stmt_all_slaves_status(struct stmt *st)
{
	if (st->s->mariadb)
		replica_status(st, false);
	else
		stmt_syntax(st);
}

void
stmt_own_position(struct stmt *st)
{
	static const char *const columns[] = { "File", "Position",
		"Binlog_Do_DB", "Binlog_Ignore_DB" };
	bool new_text = strncasecmp(st->text, "SHOW BINARY", 11) == 0;
	bool new_only = !st->s->mariadb && stmt_at_least(st, 8, 4, 0);
	struct model_place end = model_log_end(&st->s->binlog);
	char pos[32], name[MODEL_TEXT_MAX + 16];

	if ((new_text && (st->s->mariadb || !stmt_at_least(st, 8, 2, 0))) ||
	    (!new_text && new_only)) {
		stmt_syntax(st);
		return;
	}
	rows_put_result(st->out, columns, 4, st->s->log_bin);
	if (!st->s->log_bin)
		return;
	snprintf(pos, sizeof pos, "%llu", (unsigned long long)end.pos);
	stmt_put(st, model_file_name(st->s->log_base, end.file, name));
	stmt_put(st, pos);
	stmt_put(st, "");
	stmt_put(st, "");
}

/* Replicas whose receivers are connected to this server. */
static size_t
connected(const struct stmt *st, const struct model_server **out, size_t most)
{
	const struct model_server *s;
	size_t n = 0;

	for (uint32_t i = 0; i < st->m->n && n < most; i++) {
		s = st->m->server[i];
		if (s->fault == MODEL_REFUSES || s->fault == MODEL_SILENT ||
		    !model_io_running(st->m, s))
			continue;
		if (s->feed == st->s)
			out[n++] = s;
	}
	return n;
}

void
stmt_list_replicas(struct stmt *st)
{
	static const char *const old_names[] = { "Server_id", "Host", "Port",
		"Master_id" };
	static const char *const new_names[] = { "Server_Id", "Host", "Port",
		"Source_Id", "Replica_UUID" };
	const struct model_server *at[256];
	size_t n = connected(st, at, MEM_COUNT(at));
	bool newer = strcasecmp(st->text, "SHOW REPLICAS") == 0;
	char number[32];

	if (newer ? !new_words(st) : only_new_words(st)) {
		stmt_syntax(st);
		return;
	}
	rows_put_result(st->out, newer ? new_names : old_names, newer ? 5 : 4,
	    n);
	for (size_t i = 0; i < n; i++) {
		snprintf(number, sizeof number, "%llu",
		    (unsigned long long)at[i]->server_id);
		stmt_put(st, number);
		stmt_put(st, at[i]->report_host);
		snprintf(number, sizeof number, "%u", at[i]->port);
		stmt_put(st, number);
		snprintf(number, sizeof number, "%llu",
		    (unsigned long long)st->s->server_id);
		stmt_put(st, number);
		if (newer)
			stmt_put(st, at[i]->uuid);
	}
}

void
stmt_process_list(struct stmt *st)
{
	static const char *const columns[] = { "USER", "HOST" };
	const struct model_server *at[256];
	size_t n = connected(st, at, MEM_COUNT(at));
	bool newer = strstr(st->text, "performance_schema") != NULL;
	char host[MODEL_HOST_MAX + 8];

	if (newer && !new_words(st)) {
		stmt_fail(st, 1146, "Table 'performance_schema.processlist' doesn't "
		    "exist");
		return;
	}
	rows_put_result(st->out, columns, 2, n);
	for (size_t i = 0; i < n; i++) {
		snprintf(host, sizeof host, "%s:%u", at[i]->address[0].host,
		    40000 + at[i]->origin);
		stmt_put(st, at[i]->channel.user);
		stmt_put(st, host);
	}
}

/* Those of the same group that are there. */
static size_t
members(const struct stmt *st, const struct model_server **out, size_t most)
{
	const struct model_server *s;
	size_t n = 0;

	for (uint32_t i = 0; i < st->m->n && n < most; i++) {
		s = st->m->server[i];
		if (st->s->group[0] != '\0' &&
		    strcmp(s->group, st->s->group) == 0 &&
		    s->fault != MODEL_REFUSES && s->fault != MODEL_SILENT)
			out[n++] = s;
	}
	return n;
}

void
stmt_group_members(struct stmt *st)
{
	static const char *const columns[] = { "MEMBER_ID", "MEMBER_HOST",
		"MEMBER_PORT", "MEMBER_STATE", "MEMBER_ROLE" };
	const struct model_server *at[16];
	size_t n = members(st, at, MEM_COUNT(at));
	char port[16];

	rows_put_result(st->out, columns, 5, n);
	for (size_t i = 0; i < n; i++) {
		stmt_put(st, at[i]->uuid);
		stmt_put(st, at[i]->report_host[0] != '\0' ? at[i]->report_host :
							at[i]->hostname);
		snprintf(port, sizeof port, "%u", at[i]->port);
		stmt_put(st, port);
		stmt_put(st, at[i]->group_state);
		stmt_put(st, at[i]->group_primary ? "PRIMARY" : "SECONDARY");
	}
}

void
stmt_has_credentials(struct stmt *st)
{
	static const char *const columns[] = { "users", "heartbeat" };

	rows_put_result(st->out, columns, 2, 1);
	stmt_put(st, st->s->source.host[0] != '\0' ? "1" : "0");
	stmt_put(st, st->s->channel.heartbeat);
}


/* One row of what a channel is set up with. */
void
stmt_connection_configuration(struct stmt *st)
{
	static const char *const columns[] = { "CHANNEL_NAME", "HOST", "PORT",
		"USER", "HEARTBEAT_INTERVAL", "CONNECTION_RETRY_INTERVAL",
		"CONNECTION_RETRY_COUNT", "AUTO_POSITION", "GTID_ONLY" };
	const struct model_channel *c = &st->s->channel;
	char number[4][32];

	if (st->s->mariadb) {
		stmt_fail(st, 1146, "Table 'performance_schema."
		    "replication_connection_configuration' doesn't exist");
		return;
	}
	rows_put_result(st->out, columns, stmt_at_least(st, 8, 0, 27) ? 9 : 8,
	    st->s->source.host[0] != '\0');
	if (st->s->source.host[0] == '\0')
		return;
	snprintf(number[0], 32, "%u", st->s->source.port);
	snprintf(number[1], 32, "%llu", (unsigned long long)c->connect_retry);
	snprintf(number[2], 32, "%llu", (unsigned long long)c->retry_count);
	snprintf(number[3], 32, "%d", st->s->auto_position);
	stmt_put(st, "");
	stmt_put(st, st->s->source.host);
	stmt_put(st, number[0]);
	stmt_put(st, c->user);
	stmt_put(st, c->heartbeat);
	stmt_put(st, number[1]);
	stmt_put(st, number[2]);
	stmt_put(st, number[3]);
	if (stmt_at_least(st, 8, 0, 27))
		stmt_put(st, c->gtid_only ? "YES" : "NO");
}
