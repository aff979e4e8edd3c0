/* SPDX-License-Identifier: Apache-2.0 */
/* The connection under store.h; inside src/store only. */
#ifndef ORC_STORE_DB_H
#define ORC_STORE_DB_H

#include <sqlite3.h>

#include "store/store.h"

enum statement {
#define STATEMENT(name, sql) DB_##name,
#include "store/statements.def"
#undef STATEMENT
	DB_STATEMENTS,
};

/* A column of a table that is made from a .def table. */
enum { DB_COLUMN_NAME_MAX = 72, DB_COLUMNS_MAX = 400 };
struct db_column {
	char name[DB_COLUMN_NAME_MAX];
	const char *type; /* with its constraint */
};

struct db_table {
	const char *name;
	unsigned nkeys; /* leading columns that are the key */
	unsigned n;
	struct db_column column[DB_COLUMNS_MAX];
};

struct store {
	sqlite3 *db;
	char *path;
	int64_t data_version; /* 0: not looked at yet */
	sqlite3_stmt *stmt[DB_STATEMENTS];
	sqlite3_stmt *instance_load;
	sqlite3_stmt *instance_load_one;
	sqlite3_stmt *instance_put;
	sqlite3_stmt *instance_health;
	sqlite3_stmt *control_put[CONTROL_TABLES];
	sqlite3_stmt *control_drop[CONTROL_TABLES];
};

/* The error that SQLite has just reported, as "store PATH: what: why". */
enum err_code db_fail(struct store *s, struct err *err, const char *what);

/* Prepared on first use; NULL and err on error. */
sqlite3_stmt *db_stmt(struct store *s, enum statement which, struct err *err);
sqlite3_stmt *db_prepare(struct store *s, sqlite3_stmt **slot, const char *sql,
    struct err *err);

/* Run to its end and make it ready for the next time. */
enum err_code db_run(struct store *s, sqlite3_stmt *stmt, const char *what,
    struct err *err);
/* One row: SQLITE_ROW; else reset, and code is ERR_NONE at the end of rows. */
bool db_row(struct store *s, sqlite3_stmt *stmt, const char *what,
    enum err_code *code, struct err *err);
void db_reset(sqlite3_stmt *stmt);
enum err_code db_exec(struct store *s, const char *sql, const char *what,
    struct err *err);

/* Values; text is not copied unless said: it must live until db_run(). */
void db_bind_text(sqlite3_stmt *stmt, int at, const char *text);
void db_bind_int(sqlite3_stmt *stmt, int at, int64_t v);
void db_bind_time(sqlite3_stmt *stmt, int at, wall_t t); /* copied */
void db_bind_key(sqlite3_stmt *stmt, int at, struct key key); /* at, at + 1 */
const char *db_text(sqlite3_stmt *stmt, int at); /* "" for NULL */
wall_t db_time(sqlite3_stmt *stmt, int at); /* unset when unreadable */
struct key db_key(sqlite3_stmt *stmt, int at);

/* ---- migrate.c ---- */

/* Check the version; with migrate bring it and the columns up to date. */
enum err_code db_migrate(struct store *s, bool migrate, struct err *err);

/* ---- columns.c ---- */

void db_column_add(struct db_table *t, const char *type, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Make the table, or add what it misses; its own transaction. */
enum err_code db_columns(struct store *s, const struct db_table *t,
    struct err *err);
/* "INSERT ... ON CONFLICT (key) DO UPDATE SET ..." of all columns. */
void db_upsert_sql(const struct db_table *t, struct buf *out);
void db_delete_sql(const struct db_table *t, struct buf *out);
void db_select_sql(const struct db_table *t, struct buf *out);

/* ---- the tables made from .def tables ---- */

void instance_table(struct db_table *t);	/* instance.c */
void control_table_of(enum control_table which, struct db_table *t);

#endif
