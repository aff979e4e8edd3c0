/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema's version and the way there: migrations/NNNN_*.def in order, each
 * in a transaction of its own, then the columns that .def tables ask for.
 */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "store/db.h"

#define SQL(text) text,
static const char *const first[] = {
#include "store/migrations/0001_first.def"
	NULL };
static const char *const analysis[] = {
#include "store/migrations/0002_analysis.def"
	NULL };
static const char *const pulse[] = {
#include "store/migrations/0003_pulse.def"
	NULL };
static const char *const move[] = {
#include "store/migrations/0004_move.def"
	NULL };
static const char *const detection[] = {
#include "store/migrations/0005_detection.def"
	NULL };
#undef SQL

/* Version n is migrations[n - 1]. */
static const char *const *const migrations[] = { first, analysis, pulse,
	move, detection };

enum { SCHEMA = sizeof migrations / sizeof migrations[0] };

static enum err_code
count_tables(struct store *s, const char *like, int64_t *n, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	enum err_code code = ERR_IO;

	*n = 0;
	if (db_prepare(s, &stmt, "SELECT count(*) FROM sqlite_master WHERE "
	    "type = 'table' AND name NOT LIKE 'sqlite_%' AND name LIKE ?1",
	    err) == NULL)
		return db_fail(s, err, "reading the schema");
	db_bind_text(stmt, 1, like);
	if (db_row(s, stmt, "reading the schema", &code, err))
		*n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return code;
}

/* 0: an empty file. */
static enum err_code
read_version(struct store *s, int64_t *version, struct err *err)
{
	sqlite3_stmt *stmt;
	enum err_code code;
	int64_t mine, all;

	*version = 0;
	code = count_tables(s, "schema_version", &mine, err);
	if (code == ERR_NONE)
		code = count_tables(s, "%", &all, err);
	if (code != ERR_NONE || all == 0)
		return code;
	if (mine == 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "store %.200s: the file holds another program's tables "
		    "(an older orchestrator's?): name another one in "
		    "SQLite3DataFile", s->path);
	stmt = db_stmt(s, DB_schema_version, err);
	if (stmt == NULL)
		return db_fail(s, err, "reading the schema's version");
	if (db_row(s, stmt, "reading the schema's version", &code, err)) {
		*version = sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return code;
}

static enum err_code
note_version(struct store *s, int64_t version, struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, DB_put_schema_version, err);

	if (stmt == NULL)
		return db_fail(s, err, "noting the schema's version");
	db_bind_int(stmt, 1, version);
	return db_run(s, stmt, "noting the schema's version", err);
}

/* One step inside a transaction; done by another process meanwhile: nothing. */
static enum err_code
step(struct store *s, int64_t to, struct err *err)
{
	int64_t version;
	enum err_code code = read_version(s, &version, err);

	if (code != ERR_NONE || version >= to)
		return code;
	if (to == 1)
		code = db_exec(s, "CREATE TABLE schema_version (version "
		    "INTEGER PRIMARY KEY, applied TEXT NOT NULL)", "creating "
		    "the schema", err);
	for (const char *const *sql = migrations[to - 1];
	    code == ERR_NONE && *sql != NULL; sql++)
		code = db_exec(s, *sql, "changing the schema", err);
	return code == ERR_NONE ? note_version(s, to, err) : code;
}

static enum err_code
run_steps(struct store *s, int64_t from, struct err *err)
{
	enum err_code code = ERR_NONE;

	for (int64_t to = from + 1; code == ERR_NONE && to <= SCHEMA; to++) {
		code = store_begin(s, err);
		if (code != ERR_NONE)
			return code;
		code = step(s, to, err);
		if (code == ERR_NONE)
			code = store_commit(s, err);
		else
			store_rollback(s);
	}
	return code;
}

static enum err_code
run_columns(struct store *s, struct err *err)
{
	struct db_table *t = mem_zalloc(sizeof *t);
	enum err_code code;

	instance_table(t);
	code = db_columns(s, t, err);
	for (unsigned i = 0; i < CONTROL_TABLES && code == ERR_NONE; i++) {
		memset(t, 0, sizeof *t);
		control_table_of((enum control_table)i, t);
		code = db_columns(s, t, err);
	}
	mem_free(t);
	return code;
}

enum err_code
db_migrate(struct store *s, bool migrate, struct err *err)
{
	int64_t version;
	enum err_code code = read_version(s, &version, err);

	if (code != ERR_NONE)
		return code;
	if (version > SCHEMA)
		return err_set(err, ERR_UNSUPPORTED,
		    "store %.200s: its schema is version %lld, this program "
		    "knows %d: a newer orchestrator made it", s->path,
		    (long long)version, SCHEMA);
	if (migrate) {
		code = run_steps(s, version, err);
		return code == ERR_NONE ? run_columns(s, err) : code;
	}
	if (version == SCHEMA)
		return ERR_NONE;
	return err_set(err, ERR_UNSUPPORTED,
	    "store %.200s: its schema is version %lld and %d is needed; it may "
	    "not be changed (SkipOrchestratorDatabaseUpdate, "
	    "PanicIfDifferentDatabaseDeploy)", s->path,
	    (long long)version, SCHEMA);
}
