/* SPDX-License-Identifier: Apache-2.0 */
/* Tables whose columns come from a .def table, and SQL over all of them. */
#include "config.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store/db.h"

void
db_column_add(struct db_table *t, const char *type, const char *fmt, ...)
{
	struct db_column *c = &t->column[t->n];
	va_list ap;
	int n;

	assert(t->n < DB_COLUMNS_MAX);
	va_start(ap, fmt);
	n = vsnprintf(c->name, sizeof c->name, fmt, ap);
	va_end(ap);
	assert(n > 0 && (size_t)n < sizeof c->name);
	c->type = type;
	t->n++;
}

/* "a", "b", ... of columns from..to, each between before and after. */
static void
list(const struct db_table *t, unsigned from, unsigned to, const char *fmt_each,
    struct buf *out)
{
	for (unsigned i = from; i < to; i++) {
		const char *name = t->column[i].name;

		if (i > from)
			buf_str(out, ", ");
		for (const char *f = fmt_each; *f != '\0'; f++) {
			if (*f == '@')
				buf_printf(out, "\"%s\"", name);
			else
				buf_chr(out, *f);
		}
	}
}

void
db_upsert_sql(const struct db_table *t, struct buf *out)
{
	buf_printf(out, "INSERT INTO \"%s\" (", t->name);
	list(t, 0, t->n, "@", out);
	buf_str(out, ") VALUES (");
	list(t, 0, t->n, "?", out);
	buf_str(out, ") ON CONFLICT (");
	list(t, 0, t->nkeys, "@", out);
	buf_str(out, ") DO ");
	if (t->nkeys == t->n) {
		buf_str(out, "NOTHING");
		return;
	}
	buf_str(out, "UPDATE SET ");
	list(t, t->nkeys, t->n, "@ = excluded.@", out);
}

void
db_delete_sql(const struct db_table *t, struct buf *out)
{
	buf_printf(out, "DELETE FROM \"%s\" WHERE (", t->name);
	list(t, 0, t->nkeys, "@", out);
	buf_str(out, ") = (");
	list(t, 0, t->nkeys, "?", out);
	buf_str(out, ")");
}

void
db_select_sql(const struct db_table *t, struct buf *out)
{
	buf_str(out, "SELECT ");
	list(t, 0, t->n, "@", out);
	buf_printf(out, " FROM \"%s\"", t->name);
}

static void
create_sql(const struct db_table *t, struct buf *out)
{
	buf_printf(out, "CREATE TABLE IF NOT EXISTS \"%s\" (", t->name);
	for (unsigned i = 0; i < t->n; i++)
		buf_printf(out, "\"%s\" %s, ", t->column[i].name,
		    t->column[i].type);
	buf_str(out, "PRIMARY KEY (");
	list(t, 0, t->nkeys, "@", out);
	buf_str(out, "))");
}

/* Which columns the file's table lacks; all of them when it is not there. */
static enum err_code
find_missing(struct store *s, const struct db_table *t,
    bool missing[DB_COLUMNS_MAX], unsigned *count, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	enum err_code code;

	*count = t->n;
	memset(missing, true, DB_COLUMNS_MAX * sizeof missing[0]);
	if (db_prepare(s, &stmt, "SELECT name FROM pragma_table_info(?1)",
	    err) == NULL)
		return db_fail(s, err, "reading the schema");
	db_bind_text(stmt, 1, t->name);
	while (db_row(s, stmt, "reading the schema", &code, err)) {
		for (unsigned i = 0; i < t->n; i++) {
			if (!missing[i] || sqlite3_stricmp(db_text(stmt, 0),
			    t->column[i].name) != 0)
				continue;
			missing[i] = false;
			--*count;
		}
	}
	sqlite3_finalize(stmt);
	return code;
}

static enum err_code
add_missing(struct store *s, const struct db_table *t, const bool *missing,
    struct err *err)
{
	enum err_code code;
	struct buf sql;

	buf_init(&sql);
	create_sql(t, &sql);
	code = db_exec(s, buf_text(&sql), "creating a table", err);
	for (unsigned i = 0; i < t->n && code == ERR_NONE; i++) {
		if (!missing[i])
			continue;
		buf_reset(&sql);
		buf_printf(&sql, "ALTER TABLE \"%s\" ADD COLUMN \"%s\" %s",
		    t->name, t->column[i].name, t->column[i].type);
		code = db_exec(s, buf_text(&sql), "adding a column", err);
	}
	buf_fini(&sql);
	return code;
}

enum err_code
db_columns(struct store *s, const struct db_table *t, struct err *err)
{
	bool missing[DB_COLUMNS_MAX];
	enum err_code code;
	unsigned count;

	code = find_missing(s, t, missing, &count, err);
	if (code != ERR_NONE || count == 0)
		return code;
	code = store_begin(s, err);
	if (code != ERR_NONE)
		return code;
	/* Another process may have been faster. */
	code = find_missing(s, t, missing, &count, err);
	if (code == ERR_NONE && count == t->n)
		memset(missing, false, sizeof missing);
	if (code == ERR_NONE)
		code = add_missing(s, t, missing, err);
	if (code == ERR_NONE)
		return store_commit(s, err);
	store_rollback(s);
	return code;
}
