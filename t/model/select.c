/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SELECT without tables: functions of GTIDs and positions, variables; and the
 * one table that holds a channel's credentials.
 */
#include "config.h"

#include "model/stmt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "mysql/rows.h"

enum { ITEMS_MAX = 64, ARGS_MAX = 8 };

/* A value: NULL or a text, in the statement's arena. */
struct value {
	const char *text;
};

static struct value
text_value(struct stmt *st, const char *text)
{
	return (struct value){ arena_strdup(st->arena, text) };
}

static struct value
number_value(struct stmt *st, int64_t n)
{
	char text[32];

	snprintf(text, sizeof text, "%lld", (long long)n);
	return text_value(st, text);
}

/* ---- waiting ---- */

/* true: the statement waits on.  false: the time is over. */
static bool
wait_on(struct stmt *st, const struct value *timeout)
{
	double s = timeout != NULL && timeout->text != NULL ?
	    strtod(timeout->text, NULL) : 0;

	if (st->ss->waits_until.us == 0)
		st->ss->waits_until = mono_add(st->now, s > 0 ?
		    DUR_US(s * 1e6) : DUR_S(100000000));
	st->waits = st->now.us < st->ss->waits_until.us;
	return st->waits;
}

static struct value
wait_for_set(struct stmt *st, const struct value *arg, size_t n)
{
	struct model_set set = { 0 };
	struct value v = { NULL };

	if (arg[0].text == NULL || !stmt_gtid_set(st, arg[0].text, &set)) {
		stmt_fail(st, 1772, "Malformed GTID set specification");
	} else if (!st->s->gtid) {
		stmt_fail(st, 3157, "Cannot wait for a GTID set when "
		    "GTID_MODE = OFF");
	} else if (model_set_holds(&st->s->executed, &set)) {
		v = number_value(st, 0);
	} else if (!wait_on(st, n > 1 ? &arg[1] : NULL)) {
		v = number_value(st, 1);
	}
	model_set_free(&set);
	return v;
}

static struct value
wait_for_coord(struct stmt *st, const struct value *arg, size_t n)
{
	const struct model_server *s = st->s;
	struct model_coord at = model_coord_of(arg[0].text != NULL ?
	    arg[0].text : "", 0);

	at.pos = arg[1].text != NULL ? strtoull(arg[1].text, NULL, 10) : 0;
	if (s->exec_at.file > at.file || (s->exec_at.file == at.file &&
	    s->exec_at.pos >= at.pos))
		return number_value(st, 0);
	if (s->source.host[0] == '\0' || !s->sql_wanted)
		return (struct value){ NULL };
	if (wait_on(st, n > 2 ? &arg[2] : NULL))
		return (struct value){ NULL };
	return number_value(st, -1);
}

static struct value
wait_for_pos(struct stmt *st, const struct value *arg, size_t n)
{
	struct model_gtid want[MODEL_DOMAINS_MAX];
	const struct model_gtid *have;
	bool all = true;

	if (arg[0].text == NULL || !stmt_pos(arg[0].text, want)) {
		stmt_fail(st, 1941, "Could not parse GTID list");
		return (struct value){ NULL };
	}
	for (size_t i = 0; i < MODEL_DOMAINS_MAX && want[i].seq > 0; i++) {
		have = model_gtid_of(st->s->replica_pos, want[i].domain);
		all = all && have != NULL && have->seq >= want[i].seq;
	}
	if (all)
		return number_value(st, 0);
	if (wait_on(st, n > 1 ? &arg[1] : NULL))
		return (struct value){ NULL };
	return number_value(st, -1);
}

/* ---- sets ---- */

static struct value
of_sets(struct stmt *st, const struct value *arg, bool subset)
{
	static _Thread_local char text[VALUE_MAX];
	struct model_set a = { 0 }, b = { 0 };
	struct value v = { NULL };

	if (arg[0].text == NULL || arg[1].text == NULL) {
		v.text = NULL;
	} else if (!stmt_gtid_set(st, arg[0].text, &a) ||
	    !stmt_gtid_set(st, arg[1].text, &b)) {
		stmt_fail(st, 1772, "Malformed GTID set specification");
	} else if (subset) {
		v = number_value(st, model_set_holds(&b, &a));
	} else {
		model_set_drop(&a, &b);
		stmt_gtid_text(st, &a, text, sizeof text);
		v = text_value(st, text);
	}
	model_set_free(&a);
	model_set_free(&b);
	return v;
}

static struct value
subtract(struct stmt *st, const struct value *arg, size_t n)
{
	(void)n;
	return of_sets(st, arg, false);
}

static struct value
subset(struct stmt *st, const struct value *arg, size_t n)
{
	(void)n;
	return of_sets(st, arg, true);
}

static struct value
connection_id(struct stmt *st, const struct value *arg, size_t n)
{
	(void)arg;
	(void)n;
	return number_value(st, (int64_t)st->s->connects);
}

enum from { BOTH, MARIADB, MYSQL, OLD, NEW };

static const struct {
	const char *name;
	enum from from;
	size_t args; /* at least */
	struct value (*run)(struct stmt *st, const struct value *arg, size_t n);
} functions[] = {
	{ "GTID_SUBTRACT", MYSQL, 2, subtract },
	{ "GTID_SUBSET", MYSQL, 2, subset },
	{ "WAIT_FOR_EXECUTED_GTID_SET", MYSQL, 1, wait_for_set },
	{ "MASTER_POS_WAIT", OLD, 2, wait_for_coord },
	{ "SOURCE_POS_WAIT", NEW, 2, wait_for_coord },
	{ "MASTER_GTID_WAIT", MARIADB, 1, wait_for_pos },
	{ "CONNECTION_ID", BOTH, 0, connection_id },
};

static bool
is_known(const struct stmt *st, enum from from)
{
	switch (from) {
	case BOTH: return true;
	case MARIADB: return st->s->mariadb;
	case MYSQL: return !st->s->mariadb;
	case OLD: return !stmt_mysql(st, 8, 4, 0);
	case NEW: return stmt_mysql(st, 8, 0, 26);
	}
	return false;
}

/* ---- expressions ---- */

static struct value expression(struct stmt *st, bool *good);

static struct value
call(struct stmt *st, const char *name, bool *good)
{
	struct value arg[ARGS_MAX];
	size_t n = 0;

	if (!lex_take(&st->lex, ")")) {
		do
			arg[n++] = expression(st, good);
		while (*good && n < ARGS_MAX && lex_take(&st->lex, ","));
		*good = *good && lex_take(&st->lex, ")");
	}
	for (size_t i = 0; *good && i < MEM_COUNT(functions); i++)
		if (strcasecmp(name, functions[i].name) == 0 &&
		    is_known(st, functions[i].from) && n >= functions[i].args)
			return functions[i].run(st, arg, n);
	if (*good)
		stmt_fail(st, 1305, "FUNCTION %s does not exist", name);
	return (struct value){ NULL };
}

static struct value
variable(struct stmt *st, const char *name)
{
	static _Thread_local char text[VALUE_MAX];

	name += strncasecmp(name, "@@global.", 9) == 0 ? 9 :
	    strncasecmp(name, "@@session.", 10) == 0 ? 10 : 2;
	if (!stmt_variable(st, name, text)) {
		stmt_fail(st, 1193, "Unknown system variable '%s'", name);
		return (struct value){ NULL };
	}
	return text_value(st, text);
}

/* A column of mysql.slave_master_info. */
static struct value
column(struct stmt *st, const char *name)
{
	const struct model_server *s = st->s;
	const struct {
		const char *name;
		const char *value;
	} row[] = {
		{ "User_name", s->channel.user },
		{ "User_password", s->channel.password },
		{ "Host", s->source.host },
		{ "Heartbeat", s->channel.heartbeat },
		{ "Ssl_ca", s->channel.ssl_ca },
		{ "Ssl_cert", s->channel.ssl_cert },
		{ "Ssl_key", s->channel.ssl_key },
		{ "Channel_name", "" },
	};

	for (size_t i = 0; i < MEM_COUNT(row); i++)
		if (strcasecmp(name, row[i].name) == 0)
			return text_value(st, row[i].value);
	stmt_fail(st, 1054, "Unknown column '%s' in 'field list'", name);
	return (struct value){ NULL };
}

static struct value
expression(struct stmt *st, bool *good)
{
	const char *text;
	uint64_t n;

	if (lex_text(&st->lex, &text))
		return text_value(st, text);
	if (lex_number(&st->lex, &n))
		return number_value(st, (int64_t)n);
	if (lex_take(&st->lex, "NULL"))
		return (struct value){ NULL };
	if (!lex_name(&st->lex, &text)) {
		*good = false;
		return (struct value){ NULL };
	}
	if (lex_take(&st->lex, "("))
		return call(st, text, good);
	return strncmp(text, "@@", 2) == 0 ? variable(st, text) :
					     column(st, text);
}

/* The rows that FROM gives: 1, or none. */
static size_t
source_rows(struct stmt *st)
{
	const char *table;

	if (!lex_take(&st->lex, "FROM"))
		return 1;
	if (!lex_name(&st->lex, &table))
		table = "";
	if (st->s->mariadb || strcasecmp(table, "mysql.slave_master_info") != 0)
		stmt_fail(st, 1146, "Table '%s' doesn't exist", table);
	return st->s->source.host[0] != '\0' ? 1 : 0;
}

void
stmt_select(struct stmt *st)
{
	const char *columns[ITEMS_MAX];
	struct value value[ITEMS_MAX];
	bool good = true;
	size_t n = 0, rows;

	do {
		columns[n] = st->lex.at[st->lex.next].text;
		value[n] = expression(st, &good);
		if (lex_take(&st->lex, "AS"))
			good = lex_name(&st->lex, &columns[n]) && good;
		n++;
	} while (good && n < ITEMS_MAX && lex_take(&st->lex, ","));
	rows = good ? source_rows(st) : 0;
	if (!good)
		stmt_syntax(st);
	if (st->res->errnum != 0 || st->waits)
		return;
	rows_put_result(st->out, columns, n, rows);
	for (size_t i = 0; rows > 0 && i < n; i++)
		stmt_put(st, value[i].text);
}
