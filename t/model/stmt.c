/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statements a model server understands: which, and who answers them.
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

void
stmt_fail(struct stmt *st, unsigned errnum, const char *fmt, ...)
{
	va_list ap;

	st->res->errnum = errnum;
	va_start(ap, fmt);
	vsnprintf(st->res->error, sizeof st->res->error, fmt, ap);
	va_end(ap);
}

void
stmt_syntax(struct stmt *st)
{
	stmt_fail(st, 1064, "You have an error in your SQL syntax near "
	    "'%.80s'", st->text);
}

void
stmt_put(struct stmt *st, const char *v)
{
	rows_put_value(st->out, v, v != NULL ? strlen(v) : 0);
}

void
stmt_ok(struct stmt *st)
{
	rows_put_ok(st->out);
}

bool
stmt_at_least(const struct stmt *st, unsigned major, unsigned minor,
    unsigned patch)
{
	return version_at_least(st->s->number, major, minor, patch);
}

bool
stmt_mysql(const struct stmt *st, unsigned major, unsigned minor,
    unsigned patch)
{
	return !st->s->mariadb && stmt_at_least(st, major, minor, patch);
}

bool
stmt_may_change(struct stmt *st)
{
	if (st->s->change_denied == 0)
		return true;
	stmt_fail(st, st->s->change_denied, "Access denied; you need (at "
	    "least one of) the SUPER, REPLICATION_SLAVE_ADMIN privilege(s) "
	    "for this operation");
	return false;
}

/* ---- which words a version knows ---- */

static bool
any(const struct stmt *st)
{
	(void)st;
	return true;
}

/* SLAVE and MASTER went with 8.4. */
static bool
old_words(const struct stmt *st)
{
	return !stmt_mysql(st, 8, 4, 0);
}

/* REPLICA came with 8.0.22, and with MariaDB 10.5.1. */
static bool
replica_words(const struct stmt *st)
{
	return st->s->mariadb ? stmt_at_least(st, 10, 5, 1) :
				stmt_at_least(st, 8, 0, 22);
}

static bool
source_words(const struct stmt *st)
{
	return stmt_mysql(st, 8, 0, 23);
}

static bool
log_words(const struct stmt *st)
{
	return stmt_mysql(st, 8, 2, 0);
}

static void
no_rows(struct stmt *st)
{
	static const char *const columns[] = { "Variable_name", "Value" };

	rows_put_result(st->out, columns, 2, 0);
}

static void
rights(struct stmt *st)
{
	static const char *const columns[] = { "PRIVILEGE_TYPE" };

	rows_put_result(st->out, columns, 1, 1);
	stmt_put(st, "PROCESS");
}

/* What probes ask, found by how it begins: no need to read it word by word. */
static const struct {
	const char *prefix;
	void (*run)(struct stmt *st);
} asked[] = {
	{ "SHOW VARIABLES LIKE 'maxscale%'", no_rows },
	{ "SHOW GLOBAL VARIABLES WHERE", stmt_show_variables },
	{ "SHOW GLOBAL STATUS WHERE", stmt_show_status },
	{ "SELECT VARIABLE_NAME, VARIABLE_VALUE FROM "
	    "performance_schema.global_status WHERE", stmt_show_status },
	{ "SELECT PRIVILEGE_TYPE", rights },
	{ "SELECT @@global.", stmt_select_variables },
	{ "SHOW REPLICA STATUS", stmt_replica_status },
	{ "SHOW SLAVE STATUS", stmt_slave_status },
	{ "SHOW ALL SLAVES STATUS", stmt_all_slaves_status },
	{ "SHOW MASTER STATUS", stmt_own_position },
	{ "SHOW BINARY LOG STATUS", stmt_own_position },
	{ "SHOW SLAVE HOSTS", stmt_list_replicas },
	{ "SHOW REPLICAS", stmt_list_replicas },
	{ "SELECT USER, HOST FROM", stmt_process_list },
	{ "SELECT MEMBER_ID", stmt_group_members },
	{ "SELECT COUNT(NULLIF(User_name", stmt_has_credentials },
};

/* The rest, word by word. */
static const struct {
	const char *words;
	bool (*known)(const struct stmt *st);
	void (*run)(struct stmt *st);
} orders[] = {
	{ "START SLAVE", old_words, stmt_start },
	{ "START REPLICA", replica_words, stmt_start },
	{ "STOP SLAVE", old_words, stmt_stop },
	{ "STOP REPLICA", replica_words, stmt_stop },
	{ "CHANGE MASTER", old_words, stmt_change },
	{ "CHANGE REPLICATION SOURCE", source_words, stmt_change },
	{ "RESET SLAVE", old_words, stmt_reset_replica },
	{ "RESET REPLICA", replica_words, stmt_reset_replica },
	{ "RESET MASTER", old_words, stmt_reset_logs },
	{ "RESET BINARY LOGS AND GTIDS", log_words, stmt_reset_logs },
	{ "SET", any, stmt_set },
	{ "BEGIN", any, stmt_begin },
	{ "START TRANSACTION", any, stmt_begin },
	{ "COMMIT", any, stmt_commit },
	{ "ROLLBACK", any, stmt_rollback },
	{ "DROP VIEW IF EXISTS", any, stmt_drop_view },
	{ "KILL", any, stmt_kill },
	{ "FLUSH", any, stmt_flush },
	{ "PURGE BINARY LOGS TO", any, stmt_purge },
	{ "PURGE MASTER LOGS TO", old_words, stmt_purge },
	{ "SHOW BINARY LOGS", any, stmt_binary_logs },
	{ "SHOW MASTER LOGS", old_words, stmt_binary_logs },
	{ "SHOW BINLOG EVENTS", any, stmt_binlog_events },
	{ "SHOW RELAYLOG EVENTS", any, stmt_relaylog_events },
	{ "SHOW GRANTS", any, stmt_grants },
	{ "SELECT * FROM performance_schema."
	    "replication_connection_configuration", any,
	    stmt_connection_configuration },
	{ "SELECT", any, stmt_select },
};

/* A query that the story gave an answer for. */
static bool
run_told(struct stmt *st)
{
	static const char *const columns[] = { "value" };

	for (unsigned i = 0; i < st->s->queries; i++) {
		const struct model_query *q = &st->s->query[i];

		if (strcmp(q->text, st->text) != 0)
			continue;
		if (q->errnum != 0) {
			stmt_fail(st, q->errnum, "%s", q->value);
			return true;
		}
		rows_put_result(st->out, columns, 1, 1);
		stmt_put(st, q->value);
		return true;
	}
	return false;
}

static void
run_order(struct stmt *st)
{
	struct arena arena;

	arena_init(&arena);
	st->arena = &arena;
	lex_read(&st->lex, st->text, &arena);
	for (size_t i = 0; i < MEM_COUNT(orders); i++) {
		if (!orders[i].known(st) ||
		    !lex_takes(&st->lex, orders[i].words))
			continue;
		orders[i].run(st);
		arena_fini(&arena);
		return;
	}
	stmt_syntax(st);
	arena_fini(&arena);
}

static void
run_one(struct stmt *st)
{
	st->waits = false;
	if (run_told(st))
		return;
	for (size_t i = 0; i < MEM_COUNT(asked); i++)
		if (strncasecmp(st->text, asked[i].prefix,
			strlen(asked[i].prefix)) == 0) {
			asked[i].run(st);
			return;
		}
	run_order(st);
}

void
model_session_init(struct model_session *ss)
{
	*ss = (struct model_session){ .gtid_uuid = MODEL_ANONYMOUS };
}

void
model_query(struct model *m, struct model_server *s,
    struct model_session *ss, mono_t now, const char *text, struct buf *out,
    struct model_result *res)
{
	static _Thread_local struct stmt st; /* large */
	const char *end;
	char *one;

	model_settle(m, now);
	st = (struct stmt){ .m = m, .s = s, .ss = ss, .now = now, .out = out,
		.res = res };
	res->errnum = 0;
	res->error[0] = '\0';
	res->rest = NULL;
	for (; text != NULL && res->errnum == 0;
	     text = end != NULL ? end + 3 : NULL) {
		end = strstr(text, "\n;\n");
		one = end != NULL ? mem_strndup(text, (size_t)(end - text)) :
				    mem_strdup(text);
		if (ss->waits_until.us == 0)
			s->statements++;
		st.text = one;
		run_one(&st);
		mem_free(one);
		if (st.waits) {
			res->rest = text;
			return;
		}
		ss->waits_until.us = 0;
	}
}
