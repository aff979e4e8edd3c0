/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: servers as tables of statement and answer.  Each test is a server of
 * some flavour; what it is sent is taken apart again, statement by statement.
 */
#include "config.h"

#include "mysql/probe_impl.h"

#include <stdlib.h>
#include <strings.h>

#include "base/mem.h"
#include "tap.h"

/* A statement (by its beginning) and what the server says to it. */
struct say {
	const char *text;
	const char *rows;  /* "a|b\n1|2\n"; NULL is "NULL"; "" an OK */
	unsigned errnum;
};

struct server {
	const struct say *say; /* the first whose text begins the statement */
	size_t count;
	uint32_t generation;
	unsigned answered;     /* statements */
	struct buf log;	       /* one line for each statement */
};

static struct probe_options options;
static struct probe_memory memory;
static struct arena arena;
static struct probe probe;

static void
put_line(struct buf *b, const char *line, size_t len, unsigned columns)
{
	for (unsigned i = 0; i < columns; i++) {
		const char *bar = memchr(line, '|', len);
		size_t n = bar != NULL ? (size_t)(bar - line) : len;

		rows_put_value(b, n == 4 && memcmp(line, "NULL", 4) == 0 ?
		    NULL : line, n);
		line += n + (bar != NULL);
		len -= n + (bar != NULL);
	}
}

static void
put_rows(struct buf *b, const char *text)
{
	char *copy = mem_strdup(text), *save = NULL, *line, *names[256];
	unsigned n = 0;
	size_t mark, rows = 0;
	const char *nl = strchr(text, '\n');

	if (nl == NULL) {
		rows_put_ok(b);
		mem_free(copy);
		return;
	}
	copy[nl - text] = '\0';
	for (line = strtok_r(copy, "|", &save); line != NULL;
	    line = strtok_r(NULL, "|", &save))
		names[n++] = line;
	mark = rows_begin(b, (const char *const *)names, n);
	for (text = nl + 1; *text != '\0'; text = nl + 1, rows++) {
		nl = strchr(text, '\n');
		put_line(b, text, (size_t)(nl - text), n);
	}
	rows_end(b, mark, rows);
	mem_free(copy);
}

static const struct say *
find_say(const struct server *s, const char *text)
{
	static const struct say unknown = { "", NULL, 1064 };

	for (size_t i = 0; i < s->count; i++)
		if (strncasecmp(text, s->say[i].text, strlen(s->say[i].text)) ==
		    0)
			return &s->say[i];
	return &unknown;
}

/* Answers a batch as a server does: up to the first statement that fails. */
static void
serve(struct server *s, const char *text)
{
	struct probe_reply reply = { .generation = s->generation };
	char *copy = mem_strdup(text), *one = copy, *next;
	char error[64];
	struct buf b;

	buf_init(&b);
	if (probe_generation(&probe) != s->generation) {
		reply.stale = true;
		one = NULL;
	}
	for (; one != NULL && reply.code == ERR_NONE; one = next) {
		const struct say *say;

		next = strstr(one, "\n;\n");
		if (next != NULL) {
			*next = '\0';
			next += 3;
		}
		buf_printf(&s->log, "%.30s\n", one);
		s->answered++;
		say = find_say(s, one);
		if (say->rows != NULL) {
			put_rows(&b, say->rows);
			continue;
		}
		snprintf(error, sizeof error, "text of %u", say->errnum);
		reply.code = ERR_SERVER;
		reply.errnum = say->errnum;
		reply.error = error;
	}
	reply.rows = (struct bin){ (const uint8_t *)b.data, b.len };
	probe_take(&probe, &reply);
	buf_fini(&b);
	mem_free(copy);
}

/* One probe of db1:3306. */
static void
run(struct server *s)
{
	const char *text;

	probe_fini(&probe);
	arena_reset(&arena);
	buf_reset(&s->log);
	s->answered = 0;
	probe_start(&probe, &options, &memory, (struct key){ "db1", 3306 },
	    &arena);
	while ((text = probe_text(&probe)) != NULL)
		serve(s, text);
}

static void
fresh(void)
{
	probe_memory_fini(&memory);
	probe_memory_init(&memory);
	options = (struct probe_options){ .skip_maxscale_check = true };
}

#define SERVER(...) { .say = (const struct say[]){ __VA_ARGS__ }, \
	.count = sizeof((const struct say[]){ __VA_ARGS__ }) / \
	    sizeof(struct say), .generation = 1 }

static bool
has_note(const char *part)
{
	for (unsigned i = 0; i < probe.notes_count; i++)
		if (strstr(probe.notes[i], part) != NULL)
			return true;
	return false;
}

/* ---- MySQL ---- */

#define MYSQL_FIXED "Variable_name|Value\n" \
	"version|8.0.36\nversion_comment|MySQL Community Server - GPL\n" \
	"hostname|db1.example\nreport_host|db1.report\nserver_uuid|uuid-1\n" \
	"log_bin|ON\nlog_replica_updates|ON\nperformance_schema|ON\n" \
	"master_info_repository|TABLE\nread_only|ON\nsuper_read_only|ON\n" \
	"server_id|1\nbinlog_format|ROW\ngtid_mode|ON\ngtid_executed|\n" \
	"gtid_purged|\nrpl_semi_sync_source_enabled|OFF\n" \
	"rpl_semi_sync_replica_enabled|OFF\n" \
	"rpl_semi_sync_source_timeout|1\n" \
	"rpl_semi_sync_source_wait_for_replica_count|1\n"
#define MYSQL_SETTINGS "read_only|super_read_only|server_id|binlog_format|" \
	"gtid_mode|gtid_executed|gtid_purged|rpl_semi_sync_source_enabled|" \
	"rpl_semi_sync_replica_enabled|rpl_semi_sync_source_timeout|" \
	"rpl_semi_sync_source_wait_for_replica_count\n" \
	"1|1|11|ROW|ON|uuid-1:1-9|uuid-1:1-3|1|0|10000|2\n"
#define MYSQL_STATUS "Source_Host|Source_Port|Source_User|Source_Log_File|" \
	"Read_Source_Log_Pos|Relay_Log_File|Relay_Log_Pos|" \
	"Relay_Source_Log_File|Exec_Source_Log_Pos|Replica_IO_Running|" \
	"Replica_SQL_Running|Last_IO_Error|Last_SQL_Error|SQL_Delay|" \
	"Auto_Position|Source_UUID|Seconds_Behind_Source|Source_SSL_Allowed|" \
	"Source_SSL_CA_File|Source_SSL_Verify_Server_Cert|" \
	"Get_Source_public_key|Replicate_Do_DB|Channel_Name\n"
#define MYSQL_ROW(host, channel) host "|3306|repl|bin.000007|70|relay.3|30|" \
	"bin.000006|60|Connecting|Yes|error \"x\"\xc3\xa9||5|1|uuid-0|-3|Yes|" \
	"/ca.pem|No|1|app|" channel "\n"
#define MYSQL_UPTIME "SELECT VARIABLE_NAME, VARIABLE_VALUE FROM performance"
#define MYSQL_COMMON { "SHOW GLOBAL VARIABLES", MYSQL_FIXED, 0 }, \
	{ "SELECT PRIVILEGE_TYPE", "PRIVILEGE_TYPE\nPROCESS\n", 0 }, \
	{ "SELECT @@global", MYSQL_SETTINGS, 0 }, \
	{ MYSQL_UPTIME, "VARIABLE_NAME|VARIABLE_VALUE\nUptime|77\n" \
	    "Rpl_semi_sync_source_status|ON\n" \
	    "Rpl_semi_sync_source_clients|2\n", 0 }, \
	{ "SHOW MASTER STATUS", "File|Position\nbin.000009|99\n", 0 }, \
	{ "SELECT USER, HOST FROM performance", "USER|HOST\n" \
	    "repl|10.0.0.2:5555\nrepl|2001:db8::1:6666\nrepl|db3:1\n", 0 }, \
	{ "SELECT MEMBER_ID", "MEMBER_ID|MEMBER_HOST|MEMBER_PORT|" \
	    "MEMBER_STATE|MEMBER_ROLE\n", 0 }, \
	{ "SELECT COUNT(NULLIF", "users|heartbeat\n1|30.000\n", 0 }

static void
test_mysql(void)
{
	struct server s = SERVER(MYSQL_COMMON,
	    { "SHOW REPLICA STATUS", MYSQL_STATUS MYSQL_ROW("db0", ""), 0 });
	const struct instance *in;

	fresh();
	run(&s);
	is_int(probe.err.code, ERR_NONE, "MySQL 8.0: %s", probe.err.text);
	is_int(probe.round_trips, 3, "a new connection: stale, fixed, main");
	in = probe_facts(&probe);
	is_str(in->key.host, "db1", "filed under the asked name");
	is_str(in->version, "8.0.36", "version");
	is_str(in->flavor_name, "MySQL", "flavour");
	is_str(in->server_uuid, "uuid-1", "uuid");
	is_int((int64_t)in->server_id, 11, "server id of the main batch");
	ok(in->read_only && in->super_read_only && in->log_bin &&
	    in->log_replica_updates, "switches");
	is_str(in->executed_gtid_set, "uuid-1:1-9", "executed GTIDs");
	ok(in->supports_oracle_gtid && in->using_oracle_gtid, "uses GTID");
	is_str(in->source_key.host, "db0", "source");
	is_str(in->source_uuid, "uuid-0", "its uuid");
	is_int(in->io_state, THREAD_OTHER, "IO thread connects");
	ok(in->sql_running && !in->io_running, "SQL thread runs");
	is_str(in->last_io_error, "error \"x\"\xc3\xa9",
	    "errors in the server's own words");
	is_str(in->last_sql_error, "", "or empty");
	ok(in->lag_seconds.valid && in->lag_seconds.v == 0,
	    "negative lag is 0");
	is_str(in->read_coord.file, "bin.000007", "read so far");
	is_int(in->exec_coord.pos, 60, "executed so far");
	is_str(in->exec_coord.file, "bin.000006", "and the file");
	is_int(in->relay_coord.pos, 30, "relay log");
	is_str(in->self_coord.file, "bin.000009", "own position");
	ok(in->ssl_verify.valid && !in->ssl_verify.v &&
	    in->get_public_key.valid && in->get_public_key.v, "TLS of it");
	ok(in->has_filters && in->allow_tls, "filters and TLS");
	is_int((int64_t)in->uptime, 77, "uptime");
	ok(in->semi_sync_available && in->semi_sync_source_new &&
	    in->semi_sync_source_enabled && in->semi_sync_source_status,
	    "semi-sync, new names");
	is_int((int64_t)in->semi_sync_source_clients, 2, "its clients");
	is_int((int64_t)in->semi_sync_wait_count, 2, "its count");
	is_int((int64_t)in->replicas.n, 3, "replicas");
	is_str(in->replicas.at[1].host, "2001:db8::1", "an IPv6 replica");
	is_int(in->replicas.at[0].port, 3306, "at the source's own port");
	ok(in->replication_credentials_available &&
	    in->has_replication_credentials, "credentials");
	is_str(in->heartbeat_period, "30.000", "heartbeat");
	is_int(probe.notes_count, 0, "nothing to note");
	ok(probe.found != NULL && probe.found->kind == FOUND_SOURCE,
	    "the source is found first");
	is_str(probe.found->user, "repl", "with its user");
	buf_fini(&s.log);
}

static void
test_unchanged(void)
{
	struct say say[] = { MYSQL_COMMON, { "SHOW REPLICA STATUS",
	    MYSQL_STATUS MYSQL_ROW("db0", ""), 0 } };
	struct server s = { say, MEM_COUNT(say), 5, 0, { NULL, 0, 0 } };

	fresh();
	run(&s);
	run(&s);
	is_int(probe.round_trips, 1, "known connection: one round trip");
	ok(probe.unchanged && probe.uptime == 77, "the same again");
	for (size_t i = 0; i < MEM_COUNT(say); i++)
		if (strcmp(say[i].text, MYSQL_UPTIME) == 0)
			say[i].rows = "VARIABLE_NAME|VARIABLE_VALUE\nUptime|78\n"
			    "Rpl_semi_sync_source_status|ON\n"
			    "Rpl_semi_sync_source_clients|2\n";
	run(&s);
	ok(probe.unchanged && probe.uptime == 78, "older, but the same");
	for (size_t i = 0; i < MEM_COUNT(say); i++)
		if (strcmp(say[i].text, MYSQL_UPTIME) == 0)
			say[i].rows = "VARIABLE_NAME|VARIABLE_VALUE\nUptime|79\n"
			    "Rpl_semi_sync_source_status|OFF\n"
			    "Rpl_semi_sync_source_clients|2\n";
	run(&s);
	ok(!probe.unchanged && !probe_facts(&probe)->semi_sync_source_status,
	    "a change is seen");
	run(&s);
	probe_memory_distrust(&memory);
	run(&s);
	ok(!probe.unchanged && probe.round_trips == 1,
	    "what was not taken is told again");
	s.generation = 6;
	run(&s);
	is_int(probe.round_trips, 3, "another connection: all again");
	ok(!probe.unchanged, "and nothing is taken for the same");
	buf_fini(&s.log);
}

static void
test_channels(void)
{
	struct server two = SERVER(MYSQL_COMMON, { "SHOW REPLICA STATUS",
	    MYSQL_STATUS MYSQL_ROW("east", "a") MYSQL_ROW("west", "b")
	    MYSQL_ROW("x", "group_replication_recovery"), 0 });
	struct server deflt = SERVER(MYSQL_COMMON, { "SHOW REPLICA STATUS",
	    MYSQL_STATUS MYSQL_ROW("east", "a") MYSQL_ROW("main", ""), 0 });
	struct server none = SERVER(MYSQL_COMMON, { "SHOW REPLICA STATUS",
	    MYSQL_STATUS MYSQL_ROW("", ""), 0 });
	struct server detached = SERVER(MYSQL_COMMON, { "SHOW REPLICA STATUS",
	    MYSQL_STATUS MYSQL_ROW("//db0", ""), 0 });

	fresh();
	run(&two);
	is_str(probe_facts(&probe)->source_key.host, "east",
	    "several sources: the first channel");
	is_int((int64_t)probe_facts(&probe)->channels, 2,
	    "group replication's channel is not counted");
	is_str(probe_facts(&probe)->channel_name, "a", "its name");
	fresh();
	run(&deflt);
	is_str(probe_facts(&probe)->source_key.host, "main",
	    "the default channel wins");
	fresh();
	run(&none);
	is_int(probe.err.code, ERR_NONE, "an empty source host is no error");
	ok(key_is_none(probe_facts(&probe)->source_key), "and no source");
	fresh();
	run(&detached);
	ok(probe_facts(&probe)->is_detached_source &&
	    probe.found->kind != FOUND_SOURCE, "a detached source");
	buf_fini(&two.log);
	buf_fini(&deflt.log);
	buf_fini(&none.log);
	buf_fini(&detached.log);
}

static void
test_refusals(void)
{
	struct say say[] = {
		{ "SELECT MEMBER_ID", NULL, 1142 },
		{ "select broken", NULL, 1146 },
		{ "select dc", "dc\nams\n", 0 },
		{ "select env", "e\nprod\n", 0 },
		MYSQL_COMMON,
		{ "SHOW REPLICA STATUS", MYSQL_STATUS, 0 },
	};
	struct server s = { say, MEM_COUNT(say), 1, 0, { NULL, 0, 0 } };
	struct server denied = SERVER({ "SHOW REPLICA STATUS", NULL, 1227 },
	    MYSQL_COMMON);

	fresh();
	options.query[QUERY_DATA_CENTER] = "select dc;";
	options.query[QUERY_REGION] = "select broken -- here";
	options.query[QUERY_ENVIRONMENT] = "select env # there";
	options.query[QUERY_ALIAS] = "select 1; drop table x";
	run(&s);
	is_int(probe.err.code, ERR_NONE, "refusals do not fail a probe");
	is_int(probe.round_trips, 5, "two more batches behind two refusals");
	is_str(probe_facts(&probe)->data_center, "ams", "data centre");
	is_str(probe_facts(&probe)->physical_environment, "prod",
	    "environment, behind a refused statement");
	ok(has_note("DetectRegionQuery: error 1146"), "a note names the query");
	ok(has_note("GRANT SELECT ON performance_schema.replication_group_"),
	    "a note names the privilege");
	ok(has_note("DetectInstanceAliasQuery: more than one statement"),
	    "two statements in one are not run");
	run(&s);
	is_int(probe.round_trips, 1, "afterwards one round trip");
	ok(has_note("DetectRegionQuery") && has_note("group members"),
	    "the notes stay");
	run(&s);
	is_int(probe.round_trips, 1, "each time");
	ok(probe.unchanged, "and recognised as the same");
	ok(has_note("DetectRegionQuery") && has_note("group members"),
	    "with its notes");
	say[1].rows = "r\nnorth\n";
	run(&s);
	run(&s);
	is_str(probe_facts(&probe)->region, "north",
	    "once it works, it is seen within two probes");
	ok(!has_note("DetectRegionQuery"), "and its note goes");
	run(&s);
	run(&s);
	ok(probe.unchanged, "it is one of the others now");
	fresh();
	run(&denied);
	is_int(probe.err.code, ERR_DENIED, "no replica status: it fails");
	is_str(probe.err.text, "replica status: denied (error 1227), "
	    "MySQL 8.0 needs GRANT REPLICATION CLIENT ON *.*",
	    "and the text says what to grant");
	ok(probe.partial, "the server did answer");
	buf_fini(&s.log);
	buf_fini(&denied.log);
}

static void
test_dialects(void)
{
	struct server old = SERVER({ "SHOW REPLICA STATUS", NULL, 1064 },
	    { "SHOW SLAVE STATUS", "Master_Host|Master_Port\ndb0|3307\n", 0 },
	    MYSQL_COMMON);
	struct server closed = SERVER({ MYSQL_UPTIME, NULL, 1142 },
	    { "SHOW GLOBAL STATUS", "Variable_name|Value\nUptime|8\n", 0 },
	    { "SHOW REPLICA STATUS", MYSQL_STATUS, 0 }, MYSQL_COMMON);
	struct probe_reply lost = { .code = ERR_TIMEOUT, .error = "time over" };

	fresh();
	run(&old);
	is_int(probe_facts(&probe)->source_key.port, 3307,
	    "the old word is tried");
	run(&old);
	is_int(probe.round_trips, 1, "and remembered");
	buf_fini(&old.log);
	fresh();
	run(&closed);
	ok(probe.uptime == 8 && probe.notes_count == 0,
	    "a table that is closed to us: the old way");
	buf_fini(&closed.log);
	fresh();
	probe_fini(&probe);
	probe_start(&probe, &options, &memory, (struct key){ "db1", 3306 },
	    &arena);
	probe_text(&probe);
	probe_take(&probe, &lost);
	ok(probe_text(&probe) == NULL && probe.err.code == ERR_TIMEOUT,
	    "a lost connection fails the probe");
	is_str(probe.err.text, "time over", "with the session's words");
	fresh();
	probe_fini(&probe);
	probe_start(&probe, &options, &memory, (struct key){ "db1", 3306 },
	    &arena);
	for (uint32_t i = 1; i < 10 && probe_text(&probe) != NULL; i++)
		probe_take(&probe,
		    &(struct probe_reply){ .generation = i, .stale = true });
	is_int(probe.err.code, ERR_UNREACHABLE, "it does not restart for ever");
}

static void
test_group(void)
{
	struct say say[] = {
		{ "SELECT MEMBER_ID", "MEMBER_ID|MEMBER_HOST|MEMBER_PORT|"
		    "MEMBER_STATE|MEMBER_ROLE\n"
		    "uuid-1|db1|3306|ONLINE|SECONDARY\n"
		    "uuid-2|db2|3306|ONLINE|PRIMARY\n"
		    "uuid-3|db3|3306|RECOVERING|SECONDARY\n", 0 },
		{ "SHOW GLOBAL VARIABLES", MYSQL_FIXED
		    "group_replication_group_name|g1\n"
		    "group_replication_single_primary_mode|ON\n", 0 },
		{ "SELECT @@global", "read_only|group_replication_group_name|"
		    "group_replication_single_primary_mode\n1|g1|1\n", 0 },
		{ "SHOW REPLICA STATUS", MYSQL_STATUS, 0 },
		MYSQL_COMMON,
	};
	struct server s = { say, MEM_COUNT(say), 1, 0, { NULL, 0, 0 } };
	const struct instance *in;

	fresh();
	run(&s);
	in = probe_facts(&probe);
	is_str(in->group_name, "g1", "group");
	is_str(in->group_member_role, "SECONDARY", "role");
	is_str(in->group_member_state, "ONLINE", "state");
	is_str(in->group_primary.host, "db2", "its primary");
	is_int((int64_t)in->group_members.n, 2, "the others");
	ok(in->group_is_single_primary, "one primary");
	say[2].rows = "read_only|group_replication_single_primary_mode\n1|0\n";
	run(&s);
	ok(has_note("several primaries") &&
	    probe_facts(&probe)->group_name[0] == '\0',
	    "several primaries: noted, not followed");
	buf_fini(&s.log);
}

/* ---- MariaDB ---- */

#define MARIADB_COMMON { "SHOW GLOBAL VARIABLES", "Variable_name|Value\n" \
	"version|10.11.9-MariaDB-log\nversion_comment|MariaDB Server\n" \
	"hostname|m1\nlog_bin|ON\nlog_slave_updates|ON\nread_only|OFF\n" \
	"server_id|1\ngtid_binlog_pos|\ngtid_slave_pos|\n" \
	"gtid_current_pos|\ngtid_strict_mode|ON\ngtid_domain_id|0\n" \
	"rpl_semi_sync_master_enabled|OFF\nrpl_semi_sync_slave_enabled|OFF\n", \
	    0 }, \
	{ "SELECT PRIVILEGE_TYPE", "PRIVILEGE_TYPE\n", 0 }, \
	{ "SELECT @@global", "read_only|server_id|gtid_binlog_pos|" \
	    "gtid_current_pos|gtid_strict_mode|gtid_domain_id|" \
	    "rpl_semi_sync_master_enabled\nNO_LOCK|7|0-7-9|0-7-9|1|4|1\n", 0 }, \
	{ "SHOW GLOBAL STATUS", "Variable_name|Value\nUptime|5\n" \
	    "Rpl_semi_sync_master_status|ON\n", 0 }, \
	{ "SHOW MASTER STATUS", "File|Position\nbin.1|4\n", 0 }, \
	{ "SHOW ALL SLAVES STATUS", "Connection_name|Master_Host|Master_Port|" \
	    "Slave_IO_Running|Slave_SQL_Running|Using_Gtid|Gtid_IO_Pos|" \
	    "Seconds_Behind_Master\n|m0|3306|Yes|Yes|Slave_Pos|0-6-8|NULL\n", 0 }

static void
test_mariadb(void)
{
	struct server s = SERVER(MARIADB_COMMON,
	    { "SHOW SLAVE HOSTS", "Server_id|Host|Port|Master_id\n"
	    "2||3306|1\n3|m3|3310|1\n", 0 },
	    { "SELECT USER, HOST FROM information", "USER|HOST\n", 0 });
	struct server none = SERVER(MARIADB_COMMON,
	    { "SHOW SLAVE HOSTS", "Server_id|Host|Port|Master_id\n", 0 },
	    { "SELECT USER, HOST FROM information", "USER|HOST\n"
	    "repl|m5:4\n", 0 });
	const struct instance *in;
	struct key filed;
	struct err err = ERR_INIT;

	fresh();
	options.list_replicas = true;
	options.filed = FILED_HOSTNAME;
	run(&s);
	in = probe_facts(&probe);
	is_str(in->flavor_name, "MariaDB", "flavour");
	ok(in->read_only, "an unknown text of read_only forbids writing");
	ok(in->using_mariadb_gtid && !in->using_oracle_gtid, "its own GTID");
	is_str(in->mariadb_io_pos, "0-6-8", "position of the IO thread");
	is_str(in->mariadb_binlog_pos, "0-7-9", "binary log position");
	is_str(in->executed_gtid_set, "", "no Oracle GTID set");
	is_str(in->source_uuid, "No", "v1's word for no uuid");
	ok(!in->lag_seconds.valid, "unknown lag");
	is_int((int64_t)in->semi_sync_wait_count, 1, "waits for one");
	is_int((int64_t)in->mariadb_domain_id, 4, "domain");
	is_int((int64_t)in->replicas.n, 1, "replicas of the list");
	is_int(in->replicas.at[0].port, 3310, "at the port reported");
	ok(has_note("1 of 2 replicas do not report"), "one does not say where");
	ok(!has_note("PROCESS"), "the process list is not needed");
	is_str(in->key.host, "m1", "filed under its host name");
	run(&s);
	ok(strstr(buf_text(&s.log), "SELECT USER") == NULL,
	    "nor asked again");
	options.filed = FILED_REPORT_HOST;
	is_int(probe_filed_key(&probe, &filed, &err), ERR_INVALID,
	    "no report_host, no name");
	fresh();
	options.list_replicas = true;
	run(&none);
	is_str(probe_facts(&probe)->replicas.at[0].host, "m5",
	    "no list: the process list");
	fresh();
	run(&s);
	ok(has_note("PROCESS ON *.*"), "nothing seen, and no right to see");
	buf_fini(&s.log);
	buf_fini(&none.log);
}

static void
test_maxscale(void)
{
	struct server s = SERVER(
	    { "SHOW VARIABLES LIKE", "Variable_name|Value\n"
		"MAXSCALE_VERSION|2.5.1\n", 0 },
	    { "SELECT @@global.server_id", "id\n9\n", 0 },
	    { "SELECT @@global.server_uuid", "u\nuuid-m\n", 0 },
	    { "SHOW SLAVE STATUS", "Master_Host|Master_Port|Slave_IO_Running|"
		"Slave_SQL_Running\ndb0|3306|Yes|Yes\n", 0 },
	    { "SHOW MASTER STATUS", "File|Position\nbin.1|4\n", 0 },
	    { "SHOW SLAVE HOSTS", "Host|Port\n|\ndb5|3306\n", 0 });
	struct server bare = SERVER(
	    { "SHOW VARIABLES LIKE", "Variable_name|Value\n"
		"MAXSCALE_VERSION|\n", 0 },
	    { "SHOW SLAVE STATUS", "Master_Host|Master_Port\n", 0 });
	const struct instance *in;

	fresh();
	options.skip_maxscale_check = false;
	options.filed = FILED_HOSTNAME;
	options.query[QUERY_LAG] = "select 5";
	run(&s);
	is_int(probe.err.code, ERR_NONE, "a binlog server: %s",
	    probe.err.text);
	in = probe_facts(&probe);
	is_str(in->version, "2.5.1-maxscale", "version");
	is_str(in->flavor_name, "MaxScale", "flavour");
	ok(in->read_only && in->log_bin && in->log_replica_updates,
	    "what it is taken to be");
	is_str(in->binlog_format, "INHERIT", "format");
	is_int((int64_t)in->server_id, 9, "its id");
	is_str(in->key.host, "db1", "filed as asked");
	is_int((int64_t)in->replicas.n, 1, "rows without host are passed over");
	is_int((int64_t)s.answered, 6, "one statement a time, no queries");
	fresh();
	options.skip_maxscale_check = false;
	run(&bare);
	is_int(probe.err.code, ERR_SERVER, "it needs a source");
	buf_fini(&s.log);
	buf_fini(&bare.log);
}

static void
test_queries(void)
{
	struct say say[] = {
		{ "select lag", "l\n-4\n", 0 },
		{ "call prio", "p\n3\n", 0 },
		{ "select rule", "r\n", 0 },
		{ "SELECT 1 AS orchestrator_end", "orchestrator_end\n1\n", 0 },
		{ "select pseudo", "x\n1\n", 0 },
		MYSQL_COMMON,
		{ "SHOW REPLICA STATUS", MYSQL_STATUS MYSQL_ROW("a", ""), 0 },
	};
	struct server s = { say, MEM_COUNT(say), 1, 0, { NULL, 0, 0 } };

	fresh();
	options.query[QUERY_LAG] = "select lag";
	options.query[QUERY_SEMI_SYNC_PRIORITY] = "call prio()";
	options.query[QUERY_PROMOTION_RULE] = "select rule";
	options.query[QUERY_PSEUDO_GTID] = "select pseudo";
	run(&s);
	is_int(probe.err.code, ERR_NONE, "queries: %s", probe.err.text);
	is_int((int64_t)probe_facts(&probe)->semi_sync_priority, 3,
	    "a procedure's first value");
	ok(probe_facts(&probe)->using_pseudo_gtid,
	    "what follows it is not mixed up");
	ok(probe_facts(&probe)->lag_seconds.valid &&
	    probe_facts(&probe)->lag_seconds.v == 0, "lag is not negative");
	is_str(probe_facts(&probe)->detected_promotion_rule, "",
	    "no row, no rule");
	say[0].rows = "l\nNULL\n";
	run(&s);
	ok(!probe_facts(&probe)->lag_seconds.valid, "lag may be NULL");
	say[0].rows = "l\nsoon\n";
	run(&s);
	ok(has_note("\"soon\" is not a number"), "and must be a number");
	buf_fini(&s.log);
}

static void
test_check_query(void)
{
	static const struct {
		const char *text;
		int len; /* -1: refused */
	} row[] = {
		{ "select 1", 8 },
		{ "select 1 ; \n ;", 8 },
		{ " select ';' ", 11 },
		{ "select \"a;\\\"b\" -- x", 19 },
		{ "select 1; -- done", 8 },
		{ "select 1 /* ; */;", 16 },
		{ "select 1; select 2", -1 },
		{ "select 1; 'x'", -1 },
		{ "select 'open", -1 },
		{ "select 1 /* open", -1 },
		{ "select 'a\\'", -1 },
		{ " ; ", -1 },
		{ "select 1--2", 11 },
	};
	struct err err = ERR_INIT;

	for (size_t i = 0; i < MEM_COUNT(row); i++) {
		size_t len = 0;
		bool good = probe_check_query(row[i].text, &len, &err) ==
		    ERR_NONE;

		is_int(good ? (int)len : -1, row[i].len, "query %zu", i);
	}
}

static const char *
twice(void *arg, const char *host)
{
	return strcmp(host, "db3") == 0 ? arg : host;
}

static void
test_resolve(void)
{
	struct server s = SERVER(MYSQL_COMMON, { "SHOW REPLICA STATUS",
	    MYSQL_STATUS MYSQL_ROW("db3", ""), 0 });
	struct instance *in;

	fresh();
	run(&s);
	in = probe_facts(&probe);
	probe_resolve(in, &arena, twice, (char *)(uintptr_t)"10.0.0.2");
	is_str(in->source_key.host, "10.0.0.2", "source renamed");
	is_int((int64_t)in->replicas.n, 2, "two names of one replica");
	buf_fini(&s.log);
}

static void
test_tables(void)
{
	ok(fields_sorted(), "tables are in order");
}

int
main(void)
{
	arena_init(&arena);
	probe_memory_init(&memory);
	test_mysql();
	test_unchanged();
	test_channels();
	test_refusals();
	test_dialects();
	test_group();
	test_mariadb();
	test_maxscale();
	test_queries();
	test_check_query();
	test_resolve();
	test_tables();
	probe_fini(&probe);
	probe_memory_fini(&memory);
	arena_fini(&arena);
	return tap_done();
}
