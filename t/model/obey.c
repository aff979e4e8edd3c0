/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model servers obey: orders, positions and refusals are those of real ones.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/model.h"
#include "mysql/rows.h"
#include "tap.h"

static struct model *m;
static struct model_server *a, *b, *c;
static struct model_session session;
static int64_t now_us = 1000000;
static char cell[4096];
static const char *rest; /* of what waits */

/* The first row's first column, "" for none, or "errnum". */
static const char *
say(struct model_server *s, const char *fmt, ...)
{
	static struct rows rows;
	struct model_result res;
	struct buf out;
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	buf_init(&out);
	model_query(m, s, &session, (mono_t){ now_us }, text, &out, &res);
	cell[0] = '\0';
	rest = res.rest;
	rows_init(&rows, (struct bin){ (const uint8_t *)out.data, out.len });
	if (res.errnum != 0)
		snprintf(cell, sizeof cell, "%u", res.errnum);
	else if (rest != NULL)
		strcpy(cell, "waits");
	else if (rows_next_result(&rows) && rows.columns > 0 &&
	    rows_next(&rows))
		snprintf(cell, sizeof cell, "%s",
		    rows.value[0] != NULL ? rows.value[0] : "NULL");
	buf_fini(&out);
	return cell;
}

/* A column of the replica's status. */
static const char *
status(struct model_server *s, const char *column)
{
	static struct rows rows;
	struct model_result res;
	struct buf out;
	const char *v;

	buf_init(&out);
	model_query(m, s, &session, (mono_t){ now_us }, s->mariadb ?
	    "SHOW ALL SLAVES STATUS" : s->number.major < 8 ?
	    "SHOW SLAVE STATUS" : "SHOW REPLICA STATUS", &out, &res);
	rows_init(&rows, (struct bin){ (const uint8_t *)out.data, out.len });
	rows_next_result(&rows);
	v = rows_next(&rows) ? rows_get(&rows, column) : "no row";
	snprintf(cell, sizeof cell, "%s", v != NULL ? v : "NULL");
	buf_fini(&out);
	return cell;
}

/* a is the primary, b and c are below it. */
static void
begin(const char *version, bool gtid)
{
	m = model_new();
	model_session_init(&session);
	a = model_add(m, "a", 3306, version);
	b = model_add(m, "b", 3306, version);
	c = model_add(m, "c", 3306, version);
	a->gtid = b->gtid = c->gtid = gtid;
	a->gtid_strict = b->gtid_strict = c->gtid_strict = gtid;
	model_write(a, 10);
	model_replicate(b, a);
	model_replicate(c, a);
	model_settle(m, (mono_t){ now_us });
}

static bool
has_all(const struct model_server *s)
{
	model_settle(m, (mono_t){ now_us });
	return model_set_holds(&s->rows, &a->rows);
}

static void
by_gtid_set(void)
{
	begin("8.4.3", true);
	ok(has_all(b) && has_all(c), "MySQL: they follow");
	is_str(say(c, "STOP SLAVE"), "1064", "8.4 knows no slave");
	is_str(say(c, "CHANGE REPLICATION SOURCE TO SOURCE_DELAY = 5"), "3085",
	    "an applier runs");
	is_str(say(c, "STOP REPLICA"), "", "it stops");
	is_str(status(c, "Replica_IO_Running"), "No", "its receiver stopped");
	model_write(a, 5);
	ok(!has_all(c), "it takes nothing then");
	is_str(say(c, "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'b', "
	    "SOURCE_PORT = 3306, SOURCE_LOG_FILE = 'binlog.000001'"), "1776",
	    "a file is no place with auto-position");
	is_str(say(c, "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'b', "
	    "SOURCE_PORT = 3306, SOURCE_AUTO_POSITION = 1 FOR CHANNEL ''"), "",
	    "it moves");
	is_str(say(c, "START REPLICA"), "", "it starts");
	ok(has_all(c) && c->feed == b, "below b it has all");
	is_int(m->wrongs, 0, "none of it twice");
	is_str(say(c, "SELECT GTID_SUBTRACT('%s:1-15', @@global.gtid_executed)"
	    " AS x", a->uuid), "", "it has executed all of them");
	is_str(say(c, "RESET REPLICA ALL"), "3081", "threads run");
	say(c, "STOP REPLICA");
	is_str(say(c, "RESET REPLICA ALL"), "", "it forgets its source");
	is_str(status(c, "Source_Host"), "no row", "it is no replica");
	is_str(say(c, "START REPLICA"), "1200", "there is nothing to start");
	model_free(m);
}

static void
purged_and_errant(void)
{
	begin("8.0.36", true);
	model_write(c, 2);
	say(b, "FLUSH BINARY LOGS\n;\nPURGE BINARY LOGS TO 'binlog.000002'");
	say(c, "STOP REPLICA\n;\nCHANGE MASTER TO MASTER_HOST='b', "
	    "MASTER_PORT=3306\n;\nRESET REPLICA\n;\nSTART REPLICA");
	is_str(status(c, "Replica_IO_Running"), "Yes",
	    "what b purged c has already");
	is_str(say(a, "SELECT @@global.gtid_purged"), "", "a purged nothing");
	model_clone(model_add(m, "d", 3306, "8.0.36"), a);
	say(m->server[3], "CHANGE MASTER TO MASTER_HOST='b', MASTER_PORT=3306, "
	    "MASTER_AUTO_POSITION=1\n;\nSTART REPLICA");
	is_str(status(m->server[3], "Last_IO_Errno"), "0", "a copy has it");
	model_add(m, "e", 3306, "8.0.36");
	say(m->server[4], "CHANGE MASTER TO MASTER_HOST='b', MASTER_PORT=3306, "
	    "MASTER_AUTO_POSITION=1\n;\nSTART REPLICA");
	is_str(status(m->server[4], "Last_IO_Errno"), "1236",
	    "who lacks what is purged cannot begin");
	is_str(say(a, "SET GTID_NEXT='%s:1'\n;\nBEGIN\n;\nCOMMIT\n;\n"
	    "SET GTID_NEXT='AUTOMATIC'", c->uuid), "", "an empty one");
	model_settle(m, (mono_t){ now_us });
	ok(model_set_has(&a->executed, c->origin, 1) &&
	    model_set_has(&b->executed, c->origin, 1), "goes everywhere");
	is_str(say(c, "SELECT GTID_SUBSET('%s:1', @@global.gtid_executed)",
	    c->uuid), "1", "where it came from, too");
	is_int(m->wrongs, 0, "nothing twice");
	model_free(m);
}

static void
by_file(const char *version)
{
	struct model_coord at;

	begin(version, false);
	ok(has_all(c), "%s: by file and position", version);
	model_write(a, 3);
	has_all(c);
	at = c->exec_at;
	ok(at.pos != model_log_end(&b->binlog).pos,
	    "the same place is elsewhere on another server");
	say(b, "STOP SLAVE");
	say(c, "STOP SLAVE");
	model_write(a, 4);
	say(b, "START SLAVE UNTIL MASTER_LOG_FILE='%s.%06u', "
	    "MASTER_LOG_POS=%llu", at.base, at.file, (unsigned long long)at.pos +
	    2 * a->trx_bytes);
	model_settle(m, (mono_t){ now_us });
	is_int(b->exec_at.pos, at.pos + 2 * a->trx_bytes,
	    "it applies until there");
	ok(!b->sql_wanted && b->io_wanted, "and only its applier stops");
	say(b, "STOP SLAVE");
	say(c, "CHANGE MASTER TO MASTER_HOST='b', MASTER_PORT=3306, "
	    "MASTER_LOG_FILE='%s.%06u', MASTER_LOG_POS=%llu", b->log_base, 1,
	    (unsigned long long)model_log_end(&b->binlog).pos -
	    2 * b->trx_bytes);
	say(c, "START SLAVE");
	say(b, "START SLAVE");
	ok(has_all(c) && c->feed == b, "from the right place it has all");
	is_int(m->wrongs, 0, "%s", m->wrong);
	say(c, "STOP SLAVE");
	say(c, "CHANGE MASTER TO MASTER_HOST='a', MASTER_LOG_FILE='%s.%06u', "
	    "MASTER_LOG_POS=%llu", at.base, at.file,
	    (unsigned long long)at.pos);
	say(c, "START SLAVE");
	is_str(status(c, "Last_SQL_Errno"), "1062",
	    "from too early there are rows twice");
	say(c, "STOP SLAVE");
	model_write(a, 4);
	say(c, "CHANGE MASTER TO MASTER_HOST='a', MASTER_LOG_FILE='%s.%06u', "
	    "MASTER_LOG_POS=%llu", at.base, at.file,
	    (unsigned long long)model_log_end(&a->binlog).pos -
	    a->trx_bytes);
	say(c, "START SLAVE");
	is_str(status(c, "Last_SQL_Errno"), "1032",
	    "from too late there is one missing");
	say(c, "STOP SLAVE");
	say(c, "CHANGE MASTER TO MASTER_HOST='a', MASTER_LOG_FILE='%s.%06u', "
	    "MASTER_LOG_POS=%llu", at.base, at.file,
	    (unsigned long long)at.pos + 1);
	say(c, "START SLAVE");
	is_str(status(c, "Last_IO_Errno"), "1236", "no event begins there");
	model_free(m);
}

static void
by_mariadb_pos(void)
{
	begin("10.11.6-MariaDB", true);
	ok(has_all(c), "MariaDB: they follow");
	is_str(status(c, "Using_Gtid"), "Slave_Pos", "by GTID");
	is_str(say(c, "SELECT @@global.gtid_slave_pos"), "0-100-10",
	    "that is where it stands");
	say(c, "STOP SLAVE");
	model_write(a, 5);
	is_str(say(c, "CHANGE MASTER TO MASTER_AUTO_POSITION = 1"), "1064",
	    "MariaDB knows no such option");
	say(c, "CHANGE MASTER TO MASTER_HOST='b', MASTER_PORT=3306, "
	    "MASTER_USE_GTID=slave_pos\n;\nSTART SLAVE");
	ok(has_all(c) && c->feed == b, "below b it has all");
	is_str(say(c, "SELECT MASTER_GTID_WAIT('0-100-15', 1)"), "0",
	    "there it is");
	is_str(say(c, "SELECT MASTER_GTID_WAIT('0-100-16', 1)"), "waits",
	    "the next is not");
	now_us += 1100000;
	is_str(say(c, "%s", "SELECT MASTER_GTID_WAIT('0-100-16', 1)"), "-1",
	    "and does not come");
	is_str(say(c, "STOP SLAVE\n;\nSET GLOBAL gtid_slave_pos = '0-7-99'\n;\n"
	    "START SLAVE"), "", "it is told to stand elsewhere");
	is_str(status(c, "Last_IO_Errno"), "1236", "which b does not know");
	is_int(m->wrongs, 0, "nothing twice");
	model_free(m);
}

/* What CHANGE resets, and what stays. */
static void
channel(void)
{
	begin("8.0.36", true);
	say(c, "STOP REPLICA");
	is_str(say(c, "CHANGE REPLICATION SOURCE TO SOURCE_USER='u', "
	    "SOURCE_PASSWORD='it''s', SOURCE_HEARTBEAT_PERIOD=7.5, "
	    "SOURCE_CONNECT_RETRY=9, SOURCE_SSL=1, SOURCE_SSL_CA='/ca'"), "",
	    "many options");
	is_str(c->channel.heartbeat, "7.5", "the heartbeat is set");
	say(c, "CHANGE REPLICATION SOURCE TO SOURCE_HOST='b'");
	is_str(c->channel.heartbeat, "30.000", "and reset by the next change");
	is_int(c->channel.connect_retry, 9, "unlike others");
	is_str(c->channel.password, "it's", "the password stays");
	b->change_denied = 1227;
	is_str(say(b, "STOP REPLICA"), "1227", "a missing privilege");
	is_str(say(b, "SHOW REPLICA STATUS"), "", "does not hinder looking");
	strcpy(b->replication_password, "secret");
	say(c, "START REPLICA");
	is_str(status(c, "Last_IO_Errno"), "1045", "a wrong password");
	is_str(status(c, "Replica_IO_Running"), "Connecting", "is tried again");
	model_free(m);
}

static void
read_only(void)
{
	begin("8.0.36", true);
	is_int(model_client_write(b, 1), 1290, "a read-only one refuses");
	say(b, "SET GLOBAL super_read_only = 1");
	say(b, "SET GLOBAL read_only = 0");
	ok(!b->super_read_only, "super_read_only goes with it");
	is_int(model_client_write(b, 1), 0, "now it takes rows");
	is_str(say(b, "SET GLOBAL no_such_thing = 0"), "1193", "unknown");
	is_str(say(b, "KILL QUERY 77"), "1094", "no such connection");
	model_free(m);
}

static void
semi_sync(void)
{
	begin("8.0.36", true);
	a->semi_sync_plugin = b->semi_sync_plugin = true;
	is_str(say(a, "SET GLOBAL rpl_semi_sync_source_enabled = 1, "
	    "GLOBAL rpl_semi_sync_source_timeout = 1000"), "", "switched on");
	say(b, "SET GLOBAL rpl_semi_sync_replica_enabled = 1\n;\n"
	    "STOP REPLICA IO_THREAD\n;\nSTART REPLICA IO_THREAD");
	model_client_write(a, 1);
	model_settle(m, (mono_t){ now_us });
	ok(a->acked == a->written, "b acknowledges");
	model_cut(m, b, a, false);
	model_client_write(a, 1);
	model_settle(m, (mono_t){ now_us });
	ok(a->acked < a->written, "cut off, it does not");
	is_int(model_client_write(a, 1), 1205, "clients wait");
	now_us += 1100000;
	model_settle(m, (mono_t){ now_us });
	ok(a->acked == a->written && a->degraded, "but not forever");
	model_mend(m);
	model_settle(m, (mono_t){ now_us });
	ok(!a->degraded, "and it is as before when b is back");
	model_free(m);
}

static void
losses(void)
{
	begin("8.0.36", true);
	a->sync_binlog = 0;
	say(b, "STOP REPLICA IO_THREAD");
	model_write(a, 5);
	has_all(c);
	model_lose(a, 3, 0);
	model_restart(a, (mono_t){ now_us });
	is_int(model_set_count(&a->rows), 12, "three rows are lost");
	is_int(model_set_count(&c->rows), 15, "c has them");
	is_str(status(c, "Last_IO_Errno"), "1236", "and cannot go on");
	say(b, "START REPLICA IO_THREAD");
	is_str(status(b, "Replica_IO_Running"), "Yes", "b can");
	model_free(m);
}

int
main(void)
{
	by_gtid_set();
	purged_and_errant();
	by_file("5.7.44");
	by_file("10.6.5-MariaDB");
	by_mariadb_pos();
	channel();
	read_only();
	semi_sync();
	losses();
	return tap_done();
}
