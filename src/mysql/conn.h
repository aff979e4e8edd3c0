/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One query at a time over a connection, without blocking: text in, results as
 * bytes out (rows.h).  The caller waits for the descriptor and keeps the time;
 * the library's own limits do not count under TLS.
 *
 *	events = conn_start(c, text);
 *	while (events != 0) {
 *		... wait for them on conn_fd(c) ...
 *		events = conn_continue(c, ready);
 *	}
 *	... c->outcome, c->rows ...
 *
 * The reply is bounded: bytes and rows by the limits below, a single packet by
 * connect_options.packet_max, the count of results by CONN_RESULTS_MAX.
 */
#ifndef ORC_MYSQL_CONN_H
#define ORC_MYSQL_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/rows.h"

struct st_mysql;
struct st_mysql_res;

enum {
	CONN_BYTES_MAX = 32 << 20,
	CONN_RESULTS_MAX = 1000,
	CONN_KNOWN_MAX = 16, /* results whose names are remembered */
};

struct conn_outcome {
	enum err_code code;
	unsigned errnum; /* ERR_SERVER: of the server */
	char text[ERR_TEXT_MAX];
	bool lost;	 /* the connection is of no use any more: conn_close() */
};

struct conn {
	struct st_mysql *m; /* NULL: closed */
	struct buf rows;    /* of the query under way, or the last one */
	struct conn_outcome outcome;

	enum {
		CONN_IDLE,
		CONN_QUERY,	/* mysql_real_query */
		CONN_FETCH,	/* mysql_fetch_row */
		CONN_NEXT,	/* mysql_next_result */
	} state;
	struct st_mysql_res *result;
	char **row;
	int ret;
	size_t begin, mark; /* of the result being written, in rows */
	size_t row_count, results;
	char *text; /* the library points at it while it sends; NULL: interned */
	bool known; /* column names go by number where they can */
	uint16_t names[CONN_KNOWN_MAX]; /* of each result, the last time */
};

/* Takes m over. */
void conn_init(struct conn *c, struct st_mysql *m);
/* -1 once the library has closed it, which it does on some errors. */
int conn_fd(const struct conn *c);

/*
 * Send text, which is copied.  Value: epoll events to wait for, or 0: finished,
 * see outcome.  The same for conn_continue(), which is told what came.
 */
uint32_t conn_start(struct conn *c, const char *text);
uint32_t conn_continue(struct conn *c, uint32_t ready);

/* The same with a text by its number (intern.h), and names that way, too. */
uint32_t conn_start_known(struct conn *c, uint32_t text);

/*
 * End the query under way, if any; the connection is lost.  Before this and
 * before conn_close() the caller stops watching the descriptor; after a loss it
 * does so by the number that it had, and at once.
 */
void conn_abort(struct conn *c, enum err_code code, const char *why);

/* Does not wait for the server.  A query under way is ended first. */
void conn_close(struct conn *c);
void conn_fini(struct conn *c);

#endif
