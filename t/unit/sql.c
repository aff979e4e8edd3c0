/* SPDX-License-Identifier: Apache-2.0 */
/* Statements: one row for each boundary between two words, and the quoting. */
#include "config.h"

#include "plan/sql.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tap.h"

static struct instance in;
static struct buf b;

static void
server(const char *version)
{
	instance_init(&in);
	in.version = version;
	in.version_comment = "";
	buf_reset(&b);
}

static const struct {
	const char *version;
	enum sql_word word;
	const char *want;
} words[] = {
	{ "5.7.44", SQL_START, "START SLAVE" },
	{ "8.0.4", SQL_START, "START SLAVE" },
	{ "8.0.14", SQL_STOP, "STOP SLAVE" },
	{ "8.0.21", SQL_RESET_ALL, "RESET SLAVE ALL" },
	{ "8.0.22", SQL_RESET_ALL, "RESET REPLICA ALL" },
	{ "8.0.36-28", SQL_STOP, "STOP REPLICA" },
	{ "9.7.0", SQL_STOP_APPLIER, "STOP REPLICA SQL_THREAD" },
	{ "10.1.0", SQL_START, "START REPLICA" },
	{ "10.5.29-MariaDB", SQL_START, "START SLAVE" },
	{ "11.8.3-MariaDB-log", SQL_STOP_RECEIVER, "STOP SLAVE IO_THREAD" },
	{ "8.1.0", SQL_RESET_LOGS, "RESET MASTER" },
	{ "8.2.0", SQL_RESET_LOGS, "RESET BINARY LOGS AND GTIDS" },
	{ "8.4.0", SQL_OWN_POSITION, "SHOW BINARY LOG STATUS" },
	{ "10.11.6-MariaDB", SQL_OWN_POSITION, "SHOW MASTER STATUS" },
	{ "5.7.44", SQL_STATUS, "SHOW SLAVE STATUS" },
};

static const struct {
	const char *what, *version;
	enum sql_by by;
	const char *beat;
	bool only;
	const char *channel;
	const char *want;
} changes[] = {
	{ "MySQL 5.7 by file", "5.7.44", BY_FILE, "30.000", false, "",
	    "CHANGE MASTER TO MASTER_HOST = 'h', MASTER_PORT = 3307,"
	    " MASTER_LOG_FILE = 'bin.000009', MASTER_LOG_POS = 47,"
	    " MASTER_AUTO_POSITION = 0, MASTER_HEARTBEAT_PERIOD = 30.000" },
	{ "MySQL 8.0.22", "8.0.22", BY_AUTO_POSITION, "", false, "",
	    "CHANGE MASTER TO MASTER_HOST = 'h', MASTER_PORT = 3307,"
	    " MASTER_AUTO_POSITION = 1" },
	{ "MySQL 8.0.23", "8.0.23", BY_AUTO_POSITION, "5", false, "",
	    "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'h',"
	    " SOURCE_PORT = 3307, SOURCE_AUTO_POSITION = 1,"
	    " SOURCE_HEARTBEAT_PERIOD = 5" },
	{ "GTID_ONLY goes with auto position", "9.7.0", BY_FILE, "", true, "",
	    "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'h',"
	    " SOURCE_PORT = 3307, SOURCE_LOG_FILE = 'bin.000009',"
	    " SOURCE_LOG_POS = 47, SOURCE_AUTO_POSITION = 0, GTID_ONLY = 0" },
	{ "a named channel", "8.4.0", BY_AUTO_POSITION, "", false, "c'1",
	    "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'h',"
	    " SOURCE_PORT = 3307, SOURCE_AUTO_POSITION = 1"
	    " FOR CHANNEL 'c''1'" },
	{ "MariaDB by file", "10.5.29-MariaDB", BY_FILE, "2.5", false, "",
	    "CHANGE MASTER TO MASTER_HOST = 'h', MASTER_PORT = 3307,"
	    " MASTER_LOG_FILE = 'bin.000009', MASTER_LOG_POS = 47,"
	    " MASTER_USE_GTID = no, MASTER_HEARTBEAT_PERIOD = 2.5" },
	{ "MariaDB by GTID", "11.8.3-MariaDB", BY_REPLICA_POS, "", false, "",
	    "CHANGE MASTER TO MASTER_HOST = 'h', MASTER_PORT = 3307,"
	    " MASTER_USE_GTID = slave_pos" },
	{ "MariaDB, a former primary", "10.11.6-MariaDB", BY_CURRENT_POS, "",
	    false, "", "CHANGE MASTER TO MASTER_HOST = 'h',"
	    " MASTER_PORT = 3307, MASTER_USE_GTID = current_pos" },
	{ "MariaDB, a named connection", "10.11.6-MariaDB", BY_REPLICA_POS, "",
	    false, "x", "CHANGE MASTER 'x' TO MASTER_HOST = 'h',"
	    " MASTER_PORT = 3307, MASTER_USE_GTID = slave_pos" },
};

static void
test_changes(void)
{
	for (size_t i = 0; i < MEM_COUNT(changes); i++) {
		struct sql_source to = { .key = { "h", 3307 },
			.at = { "bin.000009", 47, false }, .by = changes[i].by,
			.heartbeat = changes[i].beat,
			.gtid_only = changes[i].only };

		server(changes[i].version);
		in.channel_name = changes[i].channel;
		sql_change_source(&b, &in, &to);
		is_str(buf_text(&b), changes[i].want, "%s", changes[i].what);
	}
}

/* What a server reads, with backslash escapes and without. */
static const char *
read_back(const char *sql, bool escapes, char *out)
{
	char *to = out;

	if (*sql++ != '\'')
		return "no quote";
	for (; *sql != '\0'; sql++) {
		if (*sql == '\\' && escapes && sql[1] != '\0') {
			*to++ = *++sql;
		} else if (*sql == '\'' && sql[1] == '\'') {
			*to++ = *++sql;
		} else if (*sql == '\'') {
			*to = '\0';
			return sql[1] == '\0' ? out : "it ends too early";
		} else
			*to++ = *sql;
	}
	return "it does not end";
}

static void
test_quoting(void)
{
	static const char *const texts[] = { "", "plain", "it's", "\\", "\\'",
		"'\\", "a\\'; DROP TABLE t; -- ", "''\\\\''", "\"", "\n%s" };
	char out[200];

	for (size_t i = 0; i < MEM_COUNT(texts); i++) {
		buf_reset(&b);
		sql_quote(&b, texts[i]);
		is_str(read_back(buf_text(&b), true, out), texts[i],
		    "text %zu comes back", i);
		read_back(buf_text(&b), false, out);
		ok(strstr(read_back(buf_text(&b), false, out), "it ") == NULL,
		    "and ends where it should without escapes");
	}
}

static void
test_others(void)
{
	struct coord at = { "bin.000009", 47, false };
	struct sql_account account = { .user = "r'1", .password = "p\\w",
		.ca = "/ca" };

	server("5.7.44");
	sql_wait_coord(&b, &in, &at, 1);
	is_str(buf_text(&b), "SELECT MASTER_POS_WAIT('bin.000009', 47, 1) AS"
	    " waited", "a wait, before 8.0.26");
	server("8.0.26");
	in.channel_name = "x";
	sql_wait_coord(&b, &in, &at, 1);
	is_str(buf_text(&b), "SELECT SOURCE_POS_WAIT('bin.000009', 47, 1,"
	    " 'x') AS waited", "and after, of a channel");
	server("8.4.0");
	sql_wait_gtid(&b, &in, "u:1-5", 1);
	is_str(buf_text(&b), "SELECT WAIT_FOR_EXECUTED_GTID_SET('u:1-5', 1)"
	    " AS waited", "by GTID");
	server("10.11.2-MariaDB");
	sql_wait_gtid(&b, &in, "0-1-5", 1);
	is_str(buf_text(&b), "SELECT MASTER_GTID_WAIT('0-1-5', 1) AS waited",
	    "on MariaDB");
	buf_reset(&b);
	sql_start_until(&b, &in, &at);
	is_str(buf_text(&b), "START SLAVE UNTIL MASTER_LOG_FILE ="
	    " 'bin.000009', MASTER_LOG_POS = 47", "until a place");
	server("8.0.22");
	sql_start_until(&b, &in, &at);
	is_str(buf_text(&b), "START SLAVE UNTIL MASTER_LOG_FILE ="
	    " 'bin.000009', MASTER_LOG_POS = 47", "the words go together");
	server("8.4.0");
	sql_start_until(&b, &in, &at);
	is_str(buf_text(&b), "START REPLICA UNTIL SOURCE_LOG_FILE ="
	    " 'bin.000009', SOURCE_LOG_POS = 47", "on a new one");
	buf_reset(&b);
	sql_credentials(&b, &in, &account);
	is_str(buf_text(&b), "CHANGE REPLICATION SOURCE TO SOURCE_USER ="
	    " 'r''1', SOURCE_PASSWORD = 'p\\\\w', SOURCE_SSL_CA = '/ca',"
	    " SOURCE_SSL = 1", "credentials");
	is_str(sql_skip_counter(&in), "sql_replica_skip_counter", "a counter");
	server("8.0.25");
	is_str(sql_skip_counter(&in), "sql_slave_skip_counter", "before");
	buf_reset(&b);
	sql_session(&b, DUR_MS(300));
	is_str(buf_text(&b), "SET SESSION sql_mode = '', lock_wait_timeout = 1",
	    "a session waits for a second at least");
	server("10.11.2-MariaDB");
	in.channel_name = "x";
	sql_threads(&b, &in, SQL_STOP_RECEIVER);
	is_str(buf_text(&b), "STOP SLAVE 'x' IO_THREAD",
	    "a connection's name follows the word");
}

int
main(void)
{
	buf_init(&b);
	for (size_t i = 0; i < MEM_COUNT(words); i++) {
		server(words[i].version);
		is_str(sql_word(&in, words[i].word), words[i].want, "%s: %s",
		    words[i].version, words[i].want);
	}
	test_changes();
	test_quoting();
	test_others();
	buf_fini(&b);
	return tap_done();
}
