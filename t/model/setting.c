/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables that are set, transactions without content, and connections that
 * are ended.
 */
#include "config.h"

#include "model/stmt.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

static bool
is_on(const char *value)
{
	return strcasecmp(value, "ON") == 0 || strcasecmp(value, "1") == 0 ||
	    strcasecmp(value, "true") == 0;
}

static uint64_t
number(const char *value)
{
	return strtoull(value, NULL, 10);
}

static void
set_read_only(struct stmt *st, const char *value)
{
	st->s->read_only = is_on(value);
	if (!st->s->read_only)
		st->s->super_read_only = false;
}

static void
set_super_read_only(struct stmt *st, const char *value)
{
	st->s->super_read_only = is_on(value);
	if (st->s->super_read_only)
		st->s->read_only = true;
}

static void
set_semi_sync_source(struct stmt *st, const char *value)
{
	st->s->semi_sync_source = is_on(value);
	st->s->degraded = false;
}

static void
set_semi_sync_replica(struct stmt *st, const char *value)
{
	st->s->semi_sync_replica = is_on(value);
}

static void
set_semi_sync_timeout(struct stmt *st, const char *value)
{
	st->s->semi_sync_timeout_ms = number(value);
}

static void
set_semi_sync_wait(struct stmt *st, const char *value)
{
	st->s->semi_sync_wait = (unsigned)number(value);
}

static void
set_skip_counter(struct stmt *st, const char *value)
{
	if (st->s->sql_wanted)
		stmt_fail(st, 1198, "This operation cannot be performed with "
		    "a running replica; run STOP REPLICA first");
	else if (!st->s->mariadb && st->s->gtid)
		stmt_fail(st, 1858, "sql_slave_skip_counter can not be set "
		    "when the server is running with @@GLOBAL.GTID_MODE = ON. "
		    "Instead, for each transaction that you want to skip, "
		    "generate an empty transaction with the same GTID as the "
		    "transaction");
	else
		st->s->skip_counter = number(value);
}

static void
set_gtid_purged(struct stmt *st, const char *value)
{
	struct model_server *s = st->s;
	struct model_set set = { 0 }, logged = { 0 };

	model_set_copy(&logged, &s->executed);
	model_set_drop(&logged, &s->purged);
	if (!stmt_gtid_set(st, value, &set))
		stmt_fail(st, 1772, "Malformed GTID set specification '%s'.",
		    value);
	else if (!stmt_at_least(st, 8, 0, 0) && s->executed.n > 0)
		stmt_fail(st, 1840, "@@GLOBAL.GTID_PURGED can only be set when "
		    "@@GLOBAL.GTID_EXECUTED is empty.");
	else if (value[0] != '+' && !model_set_holds(&set, &s->purged))
		stmt_fail(st, 3546, "@@GLOBAL.GTID_PURGED cannot be changed: "
		    "the new value must be a superset of the old value");
	else if (logged.n > 0 && value[0] != '+' &&
	    model_set_holds(&set, &logged))
		stmt_fail(st, 3546, "@@GLOBAL.GTID_PURGED cannot be changed: "
		    "the added gtid set must not overlap with "
		    "@@GLOBAL.GTID_EXECUTED");
	else {
		model_set_join(&s->purged, &set);
		model_set_join(&s->executed, &set);
	}
	model_set_free(&set);
	model_set_free(&logged);
}

static void
set_slave_pos(struct stmt *st, const char *value)
{
	struct model_gtid pos[MODEL_DOMAINS_MAX];

	if (st->s->io_wanted || st->s->sql_wanted)
		stmt_fail(st, 1198, "This operation cannot be performed as "
		    "you have a running slave ''; run STOP SLAVE '' first");
	else if (!stmt_pos(value, pos))
		stmt_fail(st, 1941, "Could not parse GTID list");
	else
		memcpy(st->s->replica_pos, pos, sizeof pos);
}

static void
set_sync_binlog(struct stmt *st, const char *value)
{
	st->s->sync_binlog = number(value);
}

static void
set_sync_relay_log(struct stmt *st, const char *value)
{
	st->s->sync_relay_log = number(value);
}

/* ---- of the session ---- */

static void
set_gtid_next(struct stmt *st, const char *value)
{
	struct model_set one = { 0 };

	st->ss->gtid_uuid = MODEL_ANONYMOUS;
	if (strcasecmp(value, "AUTOMATIC") == 0)
		return;
	if (!stmt_gtid_set(st, value, &one) || model_set_count(&one) != 1) {
		stmt_fail(st, 1231, "Variable 'gtid_next' can't be set to the "
		    "value of '%s'", value);
	} else {
		st->ss->gtid_uuid = one.at[0].maker;
		st->ss->gtid_no = one.at[0].lo;
	}
	model_set_free(&one);
}

static void
set_of_session(struct stmt *st, const char *value)
{
	(void)st;
	(void)value;
}

enum from { BOTH, MARIADB, MYSQL, SEMI_OLD, SEMI_NEW };

static const struct setting {
	const char *name;
	enum from from;
	bool global;
	void (*set)(struct stmt *st, const char *value);
} settings[] = {
	{ "read_only", BOTH, true, set_read_only },
	{ "super_read_only", MYSQL, true, set_super_read_only },
	{ "rpl_semi_sync_master_enabled", SEMI_OLD, true,
	    set_semi_sync_source },
	{ "rpl_semi_sync_source_enabled", SEMI_NEW, true,
	    set_semi_sync_source },
	{ "rpl_semi_sync_slave_enabled", SEMI_OLD, true,
	    set_semi_sync_replica },
	{ "rpl_semi_sync_replica_enabled", SEMI_NEW, true,
	    set_semi_sync_replica },
	{ "rpl_semi_sync_master_timeout", SEMI_OLD, true,
	    set_semi_sync_timeout },
	{ "rpl_semi_sync_source_timeout", SEMI_NEW, true,
	    set_semi_sync_timeout },
	{ "rpl_semi_sync_master_wait_for_slave_count", SEMI_OLD, true,
	    set_semi_sync_wait },
	{ "rpl_semi_sync_source_wait_for_replica_count", SEMI_NEW, true,
	    set_semi_sync_wait },
	{ "sql_slave_skip_counter", BOTH, true, set_skip_counter },
	{ "sql_replica_skip_counter", MYSQL, true, set_skip_counter },
	{ "gtid_purged", MYSQL, true, set_gtid_purged },
	{ "gtid_slave_pos", MARIADB, true, set_slave_pos },
	{ "sync_binlog", BOTH, true, set_sync_binlog },
	{ "sync_relay_log", BOTH, true, set_sync_relay_log },
	{ "gtid_next", MYSQL, false, set_gtid_next },
	{ "sql_mode", BOTH, false, set_of_session },
	{ "lock_wait_timeout", BOTH, false, set_of_session },
	{ "autocommit", BOTH, false, set_of_session },
};

static bool
is_known(const struct stmt *st, enum from from)
{
	const struct model_server *s = st->s;
	bool fresh = stmt_mysql(st, 8, 0, 26);
	bool plugin = s->mariadb || s->semi_sync_plugin ||
	    s->semi_sync_source || s->semi_sync_replica;

	switch (from) {
	case BOTH: return true;
	case MARIADB: return s->mariadb;
	case MYSQL: return !s->mariadb;
	case SEMI_OLD: return plugin && !fresh;
	case SEMI_NEW: return plugin && fresh;
	}
	return false;
}

static bool
set_one(struct stmt *st, bool global, const char *name, const char *value)
{
	for (size_t i = 0; i < MEM_COUNT(settings); i++) {
		if (strcasecmp(name, settings[i].name) != 0 ||
		    !is_known(st, settings[i].from))
			continue;
		if (global && !stmt_may_change(st))
			return false;
		if (global != settings[i].global && settings[i].global) {
			stmt_fail(st, 1229, "Variable '%s' is a GLOBAL "
			    "variable and should be set with SET GLOBAL", name);
			return false;
		}
		settings[i].set(st, value);
		return st->res->errnum == 0;
	}
	stmt_fail(st, 1193, "Unknown system variable '%s'", name);
	return false;
}

/* "@@global.name", "GLOBAL name", or a session's. */
static bool
take_variable(struct stmt *st, bool *global, const char **name)
{
	*global = lex_take(&st->lex, "GLOBAL");
	if (!*global)
		lex_take(&st->lex, "SESSION");
	if (!lex_name(&st->lex, name))
		return false;
	if (strncasecmp(*name, "@@global.", 9) == 0) {
		*global = true;
		*name += 9;
	} else if (strncasecmp(*name, "@@session.", 10) == 0) {
		*name += 10;
	} else if (strncmp(*name, "@@", 2) == 0) {
		*name += 2;
	}
	return lex_take(&st->lex, "=");
}

void
stmt_set(struct stmt *st)
{
	const char *name, *value;
	bool global;

	if (lex_take(&st->lex, "NAMES")) {
		stmt_ok(st);
		return;
	}
	do {
		if (!take_variable(st, &global, &name) ||
		    !lex_value(&st->lex, &value)) {
			stmt_syntax(st);
			return;
		}
		if (!set_one(st, global, name, value))
			return;
	} while (lex_take(&st->lex, ","));
	if (lex_over(&st->lex))
		stmt_ok(st);
	else
		stmt_syntax(st);
}

/* ---- transactions ---- */

void
stmt_begin(struct stmt *st)
{
	st->ss->in_trx = true;
	stmt_ok(st);
}

void
stmt_commit(struct stmt *st)
{
	struct model_session *ss = st->ss;

	if (ss->in_trx && ss->gtid_uuid != MODEL_ANONYMOUS) {
		if (!stmt_may_change(st))
			return;
		if (st->s->super_read_only) {
			stmt_fail(st, 1290, "The MySQL server is running with "
			    "the --super-read-only option so it cannot execute "
			    "this statement");
			return;
		}
		model_write_empty(st->s, ss->gtid_uuid, ss->gtid_no);
	}
	ss->in_trx = false;
	stmt_ok(st);
}

void
stmt_rollback(struct stmt *st)
{
	st->ss->in_trx = false;
	stmt_ok(st);
}

void
stmt_drop_view(struct stmt *st)
{
	if (!stmt_may_change(st))
		return;
	if (st->s->super_read_only) {
		stmt_fail(st, 1290, "The MySQL server is running with the "
		    "--super-read-only option so it cannot execute this "
		    "statement");
		return;
	}
	model_write_marker(st->s, st->text);
	stmt_ok(st);
}

void
stmt_kill(struct stmt *st)
{
	uint64_t id;

	if (!lex_take(&st->lex, "QUERY"))
		lex_take(&st->lex, "CONNECTION");
	if (!lex_number(&st->lex, &id) || !lex_over(&st->lex)) {
		stmt_syntax(st);
		return;
	}
	if (id == 0 || id > st->s->connects) {
		stmt_fail(st, 1094, "Unknown thread id: %llu",
		    (unsigned long long)id);
		return;
	}
	st->s->killed = id;
	stmt_ok(st);
}
