/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Result sets as bytes: what a session answers with.  The same form comes from
 * a real connection and from the model of a server in t/model, goes through
 * messages, and is read here without allocating.
 *
 * A reply is a row of results, one for each statement that succeeded; each
 * result has named columns and rows of strings or NULL (MySQL's text protocol).
 * In msgpack: an array of column names, the count of rows, then the values of
 * row after row.  Names and values end in a NUL that is not counted.  Instead of
 * the array there may be its number (intern.h): who sends the same names each
 * second need not.
 */
#ifndef ORC_MYSQL_ROWS_H
#define ORC_MYSQL_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pack.h"

enum { ROWS_COLUMNS_MAX = 512, ROWS_MAX = 100000 };

/*
 * Writing.  A result whose row count is known beforehand: rows_put_result(),
 * then rows * n values.  Otherwise rows_begin(), values, and rows_end() with
 * what rows_begin() gave and the count.
 */
void rows_put_result(struct buf *b, const char *const *columns, size_t n,
    size_t rows);
void rows_put_value(struct buf *b, const char *v, size_t len); /* v NULL: NULL */
void rows_put_ok(struct buf *b); /* a statement without a result */
size_t rows_begin(struct buf *b, const char *const *columns, size_t n);
size_t rows_begin_known(struct buf *b, uint32_t names); /* their number */
size_t rows_begin_count(struct buf *b); /* behind names that stand there */
void rows_end(struct buf *b, size_t mark, size_t rows);

/* Reading.  Everything points into the reply. */
struct rows {
	struct pcur cur;
	size_t columns;	  /* of the present result; 0: it was an OK */
	size_t rows_left; /* of the present result */
	const char *value[ROWS_COLUMNS_MAX]; /* present row; NULL: SQL NULL */
	size_t length[ROWS_COLUMNS_MAX];     /* values may hold NUL bytes */
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
/* Results in a reply; 0 when it is malformed. */
size_t rows_results(struct bin reply);

/*
 * A digest of a reply, to recognise one that says the same as the last.  Left
 * out is what changes by itself: the value in a row whose first column is
 * "Uptime".  Malformed bytes are digested as they are.
 */
uint64_t rows_digest(struct bin reply);

#endif
