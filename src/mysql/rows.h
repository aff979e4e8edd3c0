/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Result sets as bytes: what a session answers with.  The same form comes from
 * a real connection and from the model of a server in t/model, goes through
 * messages, and is read here without allocating.
 *
 * A reply is a row of results; each result has named columns and rows of
 * strings or NULL (MySQL's text protocol).
 */
#ifndef ORC_MYSQL_ROWS_H
#define ORC_MYSQL_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/pack.h"

enum { ROWS_COLUMNS_MAX = 512, ROWS_MAX = 100000 };

/* Writing: one result at a time, its row count known beforehand. */
void rows_put_result(struct buf *b, const char *const *columns, size_t n,
    size_t rows);
void rows_put_value(struct buf *b, const char *v, size_t len); /* v NULL: NULL */
void rows_put_ok(struct buf *b); /* a statement without a result */

/* Reading. */
struct rows {
	struct pcur cur;
	struct pcur names;  /* of the present result, for look-ups by name */
	size_t columns;
	size_t rows_left;
	const char *value[ROWS_COLUMNS_MAX]; /* present row; NULL: SQL NULL */
	const char *name[ROWS_COLUMNS_MAX];
};

void rows_init(struct rows *r, struct bin reply);
/* The next result (what is left of the present one is skipped). */
bool rows_next_result(struct rows *r);
bool rows_next(struct rows *r);
bool rows_ok(const struct rows *r); /* nothing malformed so far */
/* By name, compared without case; NULL when absent or SQL NULL. */
const char *rows_get(const struct rows *r, const char *column);
bool rows_has(const struct rows *r, const char *column);

#endif
