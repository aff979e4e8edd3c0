/* SPDX-License-Identifier: Apache-2.0 */
/* Failures that were detected. */
#include "config.h"

#include "store/db.h"

enum err_code
store_put_detection(struct store *s, const struct detection_row *row,
    struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, DB_put_detection, err);

	if (stmt == NULL)
		return db_fail(s, err, "preparing to write a detection");
	db_bind_key(stmt, 1, row->key);
	db_bind_time(stmt, 3, row->at);
	db_bind_time(stmt, 4, row->active_until);
	db_bind_int(stmt, 5, row->actionable);
	db_bind_text(stmt, 6, row->code);
	db_bind_text(stmt, 7, row->cluster);
	db_bind_text(stmt, 8, row->alias);
	db_bind_int(stmt, 9, row->replica_count);
	db_bind_text(stmt, 10, row->replicas);
	db_bind_text(stmt, 11, row->node);
	db_bind_text(stmt, 12, row->token);
	return db_run(s, stmt, "writing a detection", err);
}

static void
fill(struct detection_row *row, sqlite3_stmt *stmt)
{
	row->id = sqlite3_column_int64(stmt, 0);
	row->key = db_key(stmt, 1);
	row->at = db_time(stmt, 3);
	row->active_until = db_time(stmt, 4);
	row->actionable = sqlite3_column_int(stmt, 5) != 0;
	row->code = db_text(stmt, 6);
	row->cluster = db_text(stmt, 7);
	row->alias = db_text(stmt, 8);
	row->replica_count = (uint32_t)sqlite3_column_int64(stmt, 9);
	row->replicas = db_text(stmt, 10);
	row->node = db_text(stmt, 11);
	row->token = db_text(stmt, 12);
}

enum err_code
store_read_detections(struct store *s, const struct detection_page *page,
    void (*fn)(void *, const struct detection_row *), void *arg,
    struct err *err)
{
	bool one = page->id != 0, alias = page->alias[0] != '\0';
	sqlite3_stmt *stmt = db_stmt(s, one ? DB_read_detection_of_id :
	    alias ? DB_read_detections_of : DB_read_detections, err);
	struct detection_row row;
	enum err_code code;

	if (stmt == NULL)
		return db_fail(s, err, "preparing to read detections");
	db_bind_int(stmt, 1, page->rows);
	db_bind_int(stmt, 2, (int64_t)page->page * page->rows);
	if (one)
		db_bind_int(stmt, 3, page->id);
	else if (alias)
		db_bind_text(stmt, 3, page->alias);
	while (db_row(s, stmt, "reading detections", &code, err)) {
		fill(&row, stmt);
		fn(arg, &row);
	}
	return code;
}

enum err_code
store_purge_detections(struct store *s, wall_t before, struct err *err)
{
	sqlite3_stmt *stmt = db_stmt(s, DB_purge_detections, err);

	if (stmt == NULL)
		return db_fail(s, err, "preparing to drop old detections");
	db_bind_time(stmt, 1, before);
	return db_run(s, stmt, "dropping old detections", err);
}
