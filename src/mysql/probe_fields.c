/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that servers give to values, and where these go.  Old and new names
 * stand side by side: which of them a server has decides itself.
 */
#include "config.h"

#include "mysql/probe_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define IN(m) offsetof(struct probe_seen, in.m)
#define AT(m) offsetof(struct probe_seen, m)

const struct field variable_fields[] = {
	{ "binlog_format", IN(binlog_format), V_STR, CHANGING },
	{ "binlog_row_image", IN(binlog_row_image), V_STR, CHANGING },
	{ "group_replication_group_name", AT(group_name), V_STR, CHANGING },
	{ "group_replication_single_primary_mode", AT(single_primary), V_STR,
	    CHANGING },
	{ "gtid_binlog_pos", IN(mariadb_binlog_pos), V_STR, CHANGING },
	{ "gtid_current_pos", IN(mariadb_current_pos), V_STR, CHANGING },
	{ "gtid_domain_id", IN(mariadb_domain_id), V_UINT, CHANGING },
	{ "gtid_executed", IN(executed_gtid_set), V_STR, CHANGING },
	{ "gtid_mode", IN(gtid_mode), V_STR, CHANGING },
	{ "gtid_purged", IN(gtid_purged), V_STR, CHANGING },
	{ "gtid_slave_pos", IN(mariadb_slave_pos), V_STR, CHANGING },
	{ "gtid_strict_mode", IN(mariadb_strict_mode), V_BOOL, CHANGING },
	{ "hostname", AT(names.hostname), V_STR, FIXED },
	{ "log_bin", IN(log_bin), V_BOOL, FIXED },
	{ "log_replica_updates", IN(log_replica_updates), V_BOOL, FIXED },
	{ "log_slave_updates", IN(log_replica_updates), V_BOOL, FIXED },
	{ "master_info_repository", AT(credentials_repository), V_STR, FIXED },
	{ "performance_schema", AT(performance_schema), V_BOOL, FIXED },
	{ "port", AT(names.port), V_UINT, FIXED },
	{ "read_only", IN(read_only), V_NOT_OFF, CHANGING },
	{ "relay_log_recovery", IN(relay_log_recovery), V_BOOL, FIXED },
	{ "report_host", AT(names.report_host), V_STR, FIXED },
	{ "report_port", AT(names.report_port), V_UINT, FIXED },
	{ "rpl_semi_sync_master_enabled", IN(semi_sync_source_enabled), V_BOOL,
	    CHANGING },
	{ "rpl_semi_sync_master_timeout", IN(semi_sync_source_timeout_ms),
	    V_UINT, CHANGING },
	{ "rpl_semi_sync_master_wait_for_slave_count",
	    IN(semi_sync_wait_count), V_UINT, CHANGING },
	{ "rpl_semi_sync_replica_enabled", IN(semi_sync_replica_enabled),
	    V_BOOL, CHANGING },
	{ "rpl_semi_sync_slave_enabled", IN(semi_sync_replica_enabled), V_BOOL,
	    CHANGING },
	{ "rpl_semi_sync_source_enabled", IN(semi_sync_source_enabled), V_BOOL,
	    CHANGING },
	{ "rpl_semi_sync_source_timeout", IN(semi_sync_source_timeout_ms),
	    V_UINT, CHANGING },
	{ "rpl_semi_sync_source_wait_for_replica_count",
	    IN(semi_sync_wait_count), V_UINT, CHANGING },
	{ "server_id", IN(server_id), V_UINT, CHANGING },
	{ "server_uuid", IN(server_uuid), V_STR, FIXED },
	{ "super_read_only", IN(super_read_only), V_BOOL, CHANGING },
	{ "sync_binlog", IN(sync_binlog), V_UINT, CHANGING },
	{ "sync_relay_log", IN(sync_relay_log), V_UINT, CHANGING },
	{ "version", IN(version), V_STR, FIXED },
	{ "version_comment", IN(version_comment), V_STR, FIXED },
	{ "wsrep_on", IN(wsrep_on), V_BOOL, CHANGING },
};
const size_t variable_field_count = MEM_COUNT(variable_fields);

static const struct field status_fields[] = {
	{ "Rpl_semi_sync_master_clients", IN(semi_sync_source_clients), V_UINT,
	    CHANGING },
	{ "Rpl_semi_sync_master_status", IN(semi_sync_source_status), V_BOOL,
	    CHANGING },
	{ "Rpl_semi_sync_replica_status", IN(semi_sync_replica_status), V_BOOL,
	    CHANGING },
	{ "Rpl_semi_sync_slave_status", IN(semi_sync_replica_status), V_BOOL,
	    CHANGING },
	{ "Rpl_semi_sync_source_clients", IN(semi_sync_source_clients), V_UINT,
	    CHANGING },
	{ "Rpl_semi_sync_source_status", IN(semi_sync_source_status), V_BOOL,
	    CHANGING },
	{ "Uptime", IN(uptime), V_UINT, CHANGING },
};

/* SHOW REPLICA STATUS, SHOW SLAVE STATUS, SHOW ALL SLAVES STATUS. */
static const struct field replication_fields[] = {
	{ "Auto_Position", IN(using_oracle_gtid), V_BOOL, 0 },
	{ "Channel_Name", IN(channel_name), V_STR, 0 },
	{ "Connect_Retry", IN(connect_retry), V_UINT, 0 },
	{ "Connection_name", IN(channel_name), V_STR, 0 },
	{ "Exec_Master_Log_Pos", IN(exec_coord.pos), V_POS, 0 },
	{ "Exec_Source_Log_Pos", IN(exec_coord.pos), V_POS, 0 },
	{ "Get_master_public_key", IN(get_public_key), V_NULLBOOL, 0 },
	{ "Get_Source_public_key", IN(get_public_key), V_NULLBOOL, 0 },
	{ "Gtid_IO_Pos", IN(mariadb_io_pos), V_STR, 0 },
	{ "Last_IO_Error", IN(last_io_error), V_STR, 0 },
	{ "Last_SQL_Error", IN(last_sql_error), V_STR, 0 },
	{ "Master_Host", IN(source_host_raw), V_STR, 0 },
	{ "Master_Log_File", IN(read_coord.file), V_STR, 0 },
	{ "Master_Port", IN(source_key.port), V_PORT, 0 },
	{ "Master_public_key_path", IN(public_key_path), V_STR, 0 },
	{ "Master_Retry_Count", IN(retry_count), V_UINT, 0 },
	{ "Master_SSL_Allowed", IN(allow_tls), V_BOOL, 0 },
	{ "Master_SSL_CA_File", IN(ssl_ca), V_STR, 0 },
	{ "Master_SSL_CA_Path", IN(ssl_capath), V_STR, 0 },
	{ "Master_SSL_Cert", IN(ssl_cert), V_STR, 0 },
	{ "Master_SSL_Cipher", IN(ssl_cipher), V_STR, 0 },
	{ "Master_SSL_Crl", IN(ssl_crl), V_STR, 0 },
	{ "Master_SSL_Crlpath", IN(ssl_crlpath), V_STR, 0 },
	{ "Master_SSL_Key", IN(ssl_key), V_STR, 0 },
	{ "Master_SSL_Verify_Server_Cert", IN(ssl_verify), V_NULLBOOL, 0 },
	{ "Master_TLS_Version", IN(tls_version), V_STR, 0 },
	{ "Master_User", IN(replication_user), V_STR, 0 },
	{ "Master_UUID", IN(source_uuid), V_STR, 0 },
	{ "Read_Master_Log_Pos", IN(read_coord.pos), V_POS, 0 },
	{ "Read_Source_Log_Pos", IN(read_coord.pos), V_POS, 0 },
	{ "Relay_Log_File", IN(relay_coord.file), V_STR, 0 },
	{ "Relay_Log_Pos", IN(relay_coord.pos), V_POS, 0 },
	{ "Relay_Master_Log_File", IN(exec_coord.file), V_STR, 0 },
	{ "Relay_Source_Log_File", IN(exec_coord.file), V_STR, 0 },
	{ "Replica_IO_Running", IN(io_state), V_STATE, 0 },
	{ "Replica_SQL_Running", IN(sql_state), V_STATE, 0 },
	{ "Replicate_Do_DB", IN(has_filters), V_FILTER, 0 },
	{ "Replicate_Do_Table", IN(has_filters), V_FILTER, 0 },
	{ "Replicate_Ignore_DB", IN(has_filters), V_FILTER, 0 },
	{ "Replicate_Ignore_Table", IN(has_filters), V_FILTER, 0 },
	{ "Replicate_Wild_Do_Table", IN(has_filters), V_FILTER, 0 },
	{ "Replicate_Wild_Ignore_Table", IN(has_filters), V_FILTER, 0 },
	{ "Retrieved_Gtid_Set", IN(retrieved_gtid_set), V_STR, 0 },
	{ "Seconds_Behind_Master", IN(seconds_behind), V_SECONDS, 0 },
	{ "Seconds_Behind_Source", IN(seconds_behind), V_SECONDS, 0 },
	{ "Slave_heartbeat_period", IN(heartbeat_period), V_STR, 0 },
	{ "Slave_IO_Running", IN(io_state), V_STATE, 0 },
	{ "Slave_SQL_Running", IN(sql_state), V_STATE, 0 },
	{ "Source_Host", IN(source_host_raw), V_STR, 0 },
	{ "Source_Log_File", IN(read_coord.file), V_STR, 0 },
	{ "Source_Port", IN(source_key.port), V_PORT, 0 },
	{ "Source_public_key_path", IN(public_key_path), V_STR, 0 },
	{ "Source_Retry_Count", IN(retry_count), V_UINT, 0 },
	{ "Source_SSL_Allowed", IN(allow_tls), V_BOOL, 0 },
	{ "Source_SSL_CA_File", IN(ssl_ca), V_STR, 0 },
	{ "Source_SSL_CA_Path", IN(ssl_capath), V_STR, 0 },
	{ "Source_SSL_Cert", IN(ssl_cert), V_STR, 0 },
	{ "Source_SSL_Cipher", IN(ssl_cipher), V_STR, 0 },
	{ "Source_SSL_Crl", IN(ssl_crl), V_STR, 0 },
	{ "Source_SSL_Crlpath", IN(ssl_crlpath), V_STR, 0 },
	{ "Source_SSL_Key", IN(ssl_key), V_STR, 0 },
	{ "Source_SSL_Verify_Server_Cert", IN(ssl_verify), V_NULLBOOL, 0 },
	{ "Source_TLS_Version", IN(tls_version), V_STR, 0 },
	{ "Source_User", IN(replication_user), V_STR, 0 },
	{ "Source_UUID", IN(source_uuid), V_STR, 0 },
	{ "SQL_Delay", IN(sql_delay), V_UINT, 0 },
	{ "Using_Gtid", IN(using_gtid_text), V_STR, 0 },
};

static int
cmp_field(const void *name, const void *f)
{
	return strcasecmp(name, ((const struct field *)f)->name);
}

static const struct field *
find(const struct field *table, size_t n, const char *name)
{
	return bsearch(name, table, n, sizeof *table, cmp_field);
}

const struct field *
variable_field(const char *name)
{
	return find(variable_fields, variable_field_count, name);
}

const struct field *
status_field(const char *name)
{
	return find(status_fields, MEM_COUNT(status_fields), name);
}

const struct field *
replication_field(const char *name)
{
	return find(replication_fields, MEM_COUNT(replication_fields), name);
}

void
status_names(struct buf *b)
{
	for (size_t i = 0; i < MEM_COUNT(status_fields); i++) {
		buf_str(b, i > 0 ? ",'" : "'");
		buf_str(b, status_fields[i].name);
		buf_chr(b, '\'');
	}
}

static bool
sorted(const struct field *table, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (strcasecmp(table[i - 1].name, table[i].name) >= 0)
			return false;
	return true;
}

bool
fields_sorted(void)
{
	static_assert(MEM_COUNT(variable_fields) <= 64,
	    "which of them exist is kept as bits");

	return sorted(variable_fields, MEM_COUNT(variable_fields)) &&
	    sorted(status_fields, MEM_COUNT(status_fields)) &&
	    sorted(replication_fields, MEM_COUNT(replication_fields));
}

bool
text_is_true(const char *s)
{
	return strcmp(s, "1") == 0 || strcasecmp(s, "ON") == 0 ||
	    strcasecmp(s, "YES") == 0 || strcasecmp(s, "TRUE") == 0;
}

/* MariaDB 12 has texts beside ON and OFF for read_only: they forbid writing. */
static bool
text_is_false(const char *s)
{
	return s[0] == '\0' || strcmp(s, "0") == 0 ||
	    strcasecmp(s, "OFF") == 0 || strcasecmp(s, "NO") == 0 ||
	    strcasecmp(s, "FALSE") == 0;
}

static int64_t
thread_state(const char *s)
{
	if (strcasecmp(s, "Yes") == 0)
		return THREAD_RUNNING;
	return strcasecmp(s, "No") == 0 ? THREAD_STOPPED : THREAD_OTHER;
}

struct nullint
seconds_of(const char *s)
{
	struct nullint v = { 0, s != NULL && s[0] != '\0' };

	if (v.valid)
		v.v = strtoll(s, NULL, 10);
	if (v.v < 0)
		v.v = 0;
	return v;
}

void
field_set(struct probe_seen *to, const struct field *f, const char *value,
    struct arena *a)
{
	void *p = (char *)to + f->offset;
	const char *v = value != NULL ? value : "";

	switch ((enum value_kind)f->kind) {
	case V_STR: *(const char **)p = arena_strdup(a, v); break;
	case V_UINT: *(uint64_t *)p = strtoull(v, NULL, 10); break;
	case V_BOOL: *(bool *)p = text_is_true(v); break;
	case V_NOT_OFF: *(bool *)p = !text_is_false(v); break;
	case V_STATE: *(int64_t *)p = thread_state(v); break;
	case V_NULLBOOL:
		*(struct nullbool *)p =
		    (struct nullbool){ text_is_true(v), v[0] != '\0' };
		break;
	case V_SECONDS: *(struct nullint *)p = seconds_of(value); break;
	case V_PORT: *(uint32_t *)p = (uint32_t)strtoul(v, NULL, 10); break;
	case V_POS: *(int64_t *)p = strtoll(v, NULL, 10); break;
	case V_FILTER: *(bool *)p |= v[0] != '\0'; break;
	}
}
