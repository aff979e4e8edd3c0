/* SPDX-License-Identifier: Apache-2.0 */
/* Resolved names, the audit, operations, topologies of the past, nodes. */
#include "config.h"

#include <string.h>

#include "store/db.h"

/* ---- names ---- */

enum err_code
store_load_names(struct store *s, store_name_fn *fn, void *arg,
    struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, DB_load_names, err);
	enum err_code code;

	if (stmt == NULL)
		return db_fail(s, err, "preparing to read names");
	while (db_row(s, stmt, "reading names", &code, err))
		fn(arg, db_text(stmt, 0), db_text(stmt, 1), db_time(stmt, 2));
	return code;
}

enum err_code
store_put_name(struct store *s, const char *host, const char *name, wall_t at,
    struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, DB_put_name, err);

	if (stmt == NULL)
		return db_fail(s, err, "preparing to write a name");
	db_bind_text(stmt, 1, host);
	db_bind_text(stmt, 2, name);
	db_bind_time(stmt, 3, at);
	return db_run(s, stmt, "writing a name", err);
}

enum err_code
store_reset_names(struct store *s, struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, DB_reset_names, err);

	if (stmt == NULL)
		return db_fail(s, err, "preparing to drop names");
	return db_run(s, stmt, "dropping names", err);
}

/* Statements with one time as their argument. */
static enum err_code
purge(struct store *s, enum statement which, wall_t before, const char *what,
    struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, which, err);

	if (stmt == NULL)
		return db_fail(s, err, what);
	db_bind_time(stmt, 1, before);
	return db_run(s, stmt, what, err);
}

enum err_code
store_purge_names(struct store *s, wall_t before, struct err *err)
{
	return purge(s, DB_purge_names, before, "dropping old names", err);
}

/* ---- audit ---- */

enum err_code
store_put_audit(struct store *s, const struct audit_row *row, struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, DB_put_audit, err);

	if (stmt == NULL)
		return db_fail(s, err, "preparing to write the audit");
	db_bind_time(stmt, 1, row->at);
	db_bind_text(stmt, 2, row->type);
	db_bind_key(stmt, 3, row->key);
	db_bind_text(stmt, 5, row->cluster);
	db_bind_text(stmt, 6, row->message);
	return db_run(s, stmt, "writing the audit", err);
}

enum err_code
store_read_audit(struct store *s, struct key key, uint32_t page,
    uint32_t page_rows, void (*fn)(void *, const struct audit_row *),
    void *arg, struct err *err)
{
	bool all = key_is_none(key);
	sqlite3_stmt *stmt = db_stmt(s, all ? DB_read_audit : DB_read_audit_of,
	    err);
	struct audit_row row;
	enum err_code code;

	if (stmt == NULL)
		return db_fail(s, err, "preparing to read the audit");
	db_bind_int(stmt, 1, page_rows);
	db_bind_int(stmt, 2, (int64_t)page * page_rows);
	if (!all)
		db_bind_key(stmt, 3, key);
	while (db_row(s, stmt, "reading the audit", &code, err)) {
		row.id = sqlite3_column_int64(stmt, 0);
		row.at = db_time(stmt, 1);
		row.type = db_text(stmt, 2);
		row.key = db_key(stmt, 3);
		row.cluster = db_text(stmt, 5);
		row.message = db_text(stmt, 6);
		fn(arg, &row);
	}
	return code;
}

enum err_code
store_purge_audit(struct store *s, wall_t before, struct err *err)
{
	return purge(s, DB_purge_audit, before, "dropping old audit", err);
}

/* ---- operations on servers ---- */

enum err_code
store_put_move(struct store *s, const char *id, struct bin kept,
    struct err *err)
{
	bool over = kept.len == 0;
	sqlite3_stmt *stmt = db_stmt(s, over ? DB_drop_move : DB_put_move, err);

	if (stmt == NULL)
		return db_fail(s, err, "preparing to keep an operation");
	db_bind_text(stmt, 1, id);
	if (!over)
		sqlite3_bind_blob(stmt, 2, kept.data, (int)kept.len,
		    SQLITE_STATIC);
	return db_run(s, stmt, "keeping an operation", err);
}

enum err_code
store_load_moves(struct store *s,
    void (*fn)(void *arg, const char *id, struct bin kept), void *arg,
    struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, DB_load_moves, err);
	enum err_code code;

	if (stmt == NULL)
		return db_fail(s, err, "preparing to read operations");
	while (db_row(s, stmt, "reading operations", &code, err))
		fn(arg, db_text(stmt, 0), (struct bin){
		    sqlite3_column_blob(stmt, 1),
		    (size_t)sqlite3_column_bytes(stmt, 1) });
	return code;
}

/* ---- topologies ---- */

enum err_code
store_put_history(struct store *s, const struct history_row *row,
    struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, DB_put_history, err);

	if (stmt == NULL)
		return db_fail(s, err, "preparing to write history");
	db_bind_time(stmt, 1, row->at);
	db_bind_key(stmt, 2, row->key);
	db_bind_key(stmt, 4, row->source);
	db_bind_text(stmt, 6, row->cluster);
	db_bind_text(stmt, 7, row->version);
	return db_run(s, stmt, "writing history", err);
}

enum err_code
store_history_times(struct store *s, bool (*fn)(void *, wall_t), void *arg,
    struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, DB_history_before, err);
	char before[WALL_TEXT_MAX] = "9999";
	enum err_code code;
	wall_t at;

	if (stmt == NULL)
		return db_fail(s, err, "preparing to read history");
	do {
		db_bind_text(stmt, 1, before);
		if (!db_row(s, stmt, "reading history", &code, err))
			return code;
		at = db_time(stmt, 0);
		db_reset(stmt);
		wall_rfc3339(at, before);
	} while (at.us != 0 && fn(arg, at));
	return ERR_NONE;
}

enum err_code
store_read_history(struct store *s, wall_t at, const char *cluster,
    uint32_t max, void (*fn)(void *, const struct history_row *), void *arg,
    struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, DB_read_history, err);
	struct history_row row;
	enum err_code code;

	if (stmt == NULL)
		return db_fail(s, err, "preparing to read history");
	db_bind_time(stmt, 1, at);
	db_bind_text(stmt, 2, cluster);
	db_bind_int(stmt, 3, max);
	while (db_row(s, stmt, "reading history", &code, err)) {
		row.at = db_time(stmt, 0);
		row.key = db_key(stmt, 1);
		row.source = db_key(stmt, 3);
		row.cluster = db_text(stmt, 5);
		row.version = db_text(stmt, 6);
		fn(arg, &row);
	}
	return code;
}

/* ---- nodes ---- */

enum err_code
store_put_node(struct store *s, const struct node_row *row, wall_t before,
    struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, DB_put_node, err);
	enum err_code code;

	if (stmt == NULL)
		return db_fail(s, err, "preparing to write a node");
	db_bind_text(stmt, 1, row->token);
	db_bind_text(stmt, 2, row->hostname);
	db_bind_text(stmt, 3, row->command);
	db_bind_text(stmt, 4, row->version);
	db_bind_time(stmt, 5, row->started);
	code = db_run(s, stmt, "writing a node", err);
	return code == ERR_NONE ? purge(s, DB_purge_nodes, before,
	    "dropping old nodes", err) : code;
}
