/* SPDX-License-Identifier: Apache-2.0 */
/* What servers were analysed as, and when that changed. */
#include "config.h"

#include "store/db.h"

/* One of the statements that take a server, a code and a time. */
static enum err_code
run_change(struct store *s, enum statement which,
    const struct analysis_change *row, struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, which, err);

	if (stmt == NULL)
		return db_fail(s, err, "preparing to write an analysis");
	db_bind_key(stmt, 1, row->key);
	db_bind_text(stmt, 3, row->code);
	db_bind_time(stmt, 4, row->at);
	return db_run(s, stmt, "writing an analysis", err);
}

enum err_code
store_put_analysis(struct store *s, const struct analysis_change *row,
    struct err *err)
{
	enum err_code code = run_change(s, DB_add_analysis_change, row, err);

	if (code != ERR_NONE)
		return code;
	return run_change(s, DB_put_last_analysis, row, err);
}

enum err_code
store_read_analysis(struct store *s, uint32_t max,
    void (*fn)(void *, const struct analysis_change *), void *arg,
    struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, DB_read_analysis_change, err);
	struct analysis_change row;
	enum err_code code;

	if (stmt == NULL)
		return db_fail(s, err, "preparing to read analyses");
	db_bind_int(stmt, 1, max);
	while (db_row(s, stmt, "reading analyses", &code, err)) {
		row.key = db_key(stmt, 0);
		row.at = db_time(stmt, 2);
		row.code = db_text(stmt, 3);
		fn(arg, &row);
	}
	return code;
}

enum err_code
store_purge_analysis(struct store *s, wall_t before, struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, DB_purge_analysis_change, err);
	enum err_code code;

	if (stmt == NULL)
		return db_fail(s, err, "preparing to drop old analyses");
	db_bind_time(stmt, 1, before);
	code = db_run(s, stmt, "dropping old analyses", err);
	if (code != ERR_NONE)
		return code;
	stmt = db_stmt(s, DB_purge_last_analysis, err);
	if (stmt == NULL)
		return db_fail(s, err, "preparing to drop analyses");
	return db_run(s, stmt, "dropping analyses of forgotten servers", err);
}
