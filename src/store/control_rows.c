/* SPDX-License-Identifier: Apache-2.0 */
/* What operators say: a table for each row of control.def. */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "store/db.h"

/* Room for a row of any table. */
union any_row {
#define TABLE(name, nkeys, cols) struct control_##name name;
#include "topology/control.def"
#undef TABLE
};

void
control_table_of(enum control_table which, struct db_table *t)
{
	const struct control_schema *cs = control_schema(which);

	t->name = cs->name;
	t->nkeys = cs->nkeys;
	for (unsigned i = 0; i < cs->n; i++) {
		const struct control_column *c = &cs->columns[i];

		if (c->kind == COLUMN_KEY) {
			db_column_add(t, "TEXT NOT NULL DEFAULT ''", "host");
			db_column_add(t, "INTEGER NOT NULL DEFAULT 0", "port");
			t->nkeys += i < cs->nkeys;
		} else if (c->kind == COLUMN_U64 || c->kind == COLUMN_BOOL)
			db_column_add(t, "INTEGER NOT NULL DEFAULT 0", "%s",
			    c->name);
		else
			db_column_add(t, "TEXT NOT NULL DEFAULT ''", "%s",
			    c->name);
	}
}

/* ---- writing ---- */

static int
column_bind(sqlite3_stmt *stmt, int at, enum control_column_kind kind,
    const void *p)
{
	switch (kind) {
	case COLUMN_STR:
	case COLUMN_TEXT:
		db_bind_text(stmt, at, *(const char *const *)p);
		break;
	case COLUMN_U64:
		db_bind_int(stmt, at, (int64_t)*(const uint64_t *)p);
		break;
	case COLUMN_BOOL: db_bind_int(stmt, at, *(const bool *)p); break;
	case COLUMN_TIME: db_bind_time(stmt, at, *(const wall_t *)p); break;
	case COLUMN_RULE:
		db_bind_text(stmt, at,
		    promotion_rule_name(*(const enum promotion_rule *)p));
		break;
	case COLUMN_KEY:
		db_bind_key(stmt, at, *(const struct key *)p);
		return at + 2;
	default: assert(!"a column of a table");
	}
	return at + 1;
}

static void
row_bind(sqlite3_stmt *stmt, const struct control_schema *cs, unsigned columns,
    const void *row)
{
	int at = 1;

	for (unsigned i = 0; i < columns; i++)
		at = column_bind(stmt, at, cs->columns[i].kind,
		    (const char *)row + cs->columns[i].offset);
	assert(at == sqlite3_bind_parameter_count(stmt) + 1);
}

static sqlite3_stmt *
prepare(struct store *s, sqlite3_stmt **slot, enum control_table which,
    void (*sql_of)(const struct db_table *, struct buf *), struct err *err)
{
	struct db_table *t;
	struct buf sql;

	if (*slot != NULL)
		return *slot;
	t = mem_zalloc(sizeof *t);
	buf_init(&sql);
	control_table_of(which, t);
	sql_of(t, &sql);
	db_prepare(s, slot, buf_text(&sql), err);
	buf_fini(&sql);
	mem_free(t);
	return *slot;
}

struct put {
	struct store *s;
	enum err_code code; /* of the first row that failed */
	struct err *err;
};

static void
put_row(void *arg, enum control_table which, const void *was, const void *is)
{
	const struct control_schema *cs = control_schema(which);
	struct put *p = arg;
	struct store *s = p->s;
	sqlite3_stmt *stmt;

	if (p->code != ERR_NONE)
		return;
	stmt = is != NULL ?
	    prepare(s, &s->control_put[which], which, db_upsert_sql, p->err) :
	    prepare(s, &s->control_drop[which], which, db_delete_sql, p->err);
	if (stmt == NULL) {
		p->code = db_fail(s, p->err, cs->name);
		return;
	}
	row_bind(stmt, cs, is != NULL ? cs->n : cs->nkeys,
	    is != NULL ? is : was);
	p->code = db_run(s, stmt, cs->name, p->err);
}

enum err_code
store_put_control(struct store *s, const struct control *was,
    const struct control *is, struct err *err)
{
	struct put p = { s, ERR_NONE, err };

	control_diff(was, is, put_row, &p);
	return p.code;
}

/* ---- reading ---- */

static int
column_read(sqlite3_stmt *stmt, int at, enum control_column_kind kind, void *p)
{
	switch (kind) {
	case COLUMN_STR:
	case COLUMN_TEXT: *(const char **)p = db_text(stmt, at); break;
	case COLUMN_U64:
		*(uint64_t *)p = (uint64_t)sqlite3_column_int64(stmt, at);
		break;
	case COLUMN_BOOL:
		*(bool *)p = sqlite3_column_int64(stmt, at) != 0;
		break;
	case COLUMN_TIME: *(wall_t *)p = db_time(stmt, at); break;
	case COLUMN_RULE:
		if (promotion_rule_parse(p, db_text(stmt, at), NULL) !=
		    ERR_NONE)
			*(enum promotion_rule *)p = RULE_COUNT;
		break;
	case COLUMN_KEY:
		*(struct key *)p = db_key(stmt, at);
		return at + 2;
	default: assert(!"a column of a table");
	}
	return at + 1;
}

static enum err_code
load_table(struct store *s, enum control_table which, struct control_build *b,
    unsigned *skipped, struct err *err)
{
	const struct control_schema *cs = control_schema(which);
	sqlite3_stmt *stmt = NULL;
	union any_row row;
	enum err_code code;

	if (prepare(s, &stmt, which, db_select_sql, err) == NULL)
		return db_fail(s, err, cs->name);
	while (db_row(s, stmt, cs->name, &code, err)) {
		int at = 0;

		memset(&row, 0, sizeof row);
		for (unsigned i = 0; i < cs->n; i++)
			at = column_read(stmt, at, cs->columns[i].kind,
			    (char *)&row + cs->columns[i].offset);
		if (control_build_row(b, which, &row, err) != ERR_NONE)
			++*skipped;
	}
	sqlite3_finalize(stmt);
	return code;
}

enum err_code
store_load_control(struct store *s, struct control **c, unsigned *skipped,
    struct err *err)
{
	struct control_build *b = control_build_begin();
	enum err_code code = ERR_NONE;

	*skipped = 0;
	for (unsigned i = 0; i < CONTROL_TABLES && code == ERR_NONE; i++)
		code = load_table(s, (enum control_table)i, b, skipped, err);
	*c = control_build_end(b);
	if (code == ERR_NONE)
		return code;
	control_unref(*c);
	*c = NULL;
	return code;
}
