/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading one server's binary or relay logs by SHOW ... EVENTS, a chunk at a
 * time, without asking for a row twice.  Pure: it makes statements and takes
 * answers.
 *
 *	log_open(&r, &place);
 *	while ((got = log_next(&r, &e)) == LOG_EVENT || got == LOG_ASK)
 *		if (got == LOG_ASK)
 *			... ask log_sql(&r), log_feed(&r, reply) ...
 *
 * In a binary log the next chunk begins at End_log_pos of the last row.  In a
 * relay log that column is a position in the source's log: there the chunk
 * begins at the last row once more, and passes over it.  So it does in a
 * compressed transaction (MySQL 8.0.20), whose rows have no place of their own.
 */
#ifndef ORC_PLAN_BINLOG_H
#define ORC_PLAN_BINLOG_H

#include "base/err.h"
#include "mysql/rows.h"
#include "plan/pgtid.h"

/* Before an event, exactly. */
struct log_place {
	struct coord at;     /* where the server begins to read */
	uint64_t skip;	     /* rows to pass over from there */
	int64_t payload_end; /* in a compressed transaction: its End_log_pos */
	int64_t payload_pos;
};

struct log_event {
	const char *type;
	const char *info;
	int64_t pos; /* one inside a compressed transaction has that one's */
	int64_t end; /* End_log_pos; in a relay log, of the source's log */
	uint64_t server_id;
};

enum log_got {
	LOG_EVENT,
	LOG_ASK,    /* log_sql() must be asked first */
	LOG_END,    /* of the file, as it is now */
	LOG_GONE,   /* there is no such file */
	LOG_BAD,    /* no event begins there */
	LOG_FAILED, /* r->err */
};

struct log_reader {
	/* Of the server; set by log_init(). */
	const char *name; /* host:port, for errors */
	const char *channel;
	bool mariadb;
	unsigned chunk_max;
	struct pgtid_cost *cost;
	struct arena *arena; /* for file names */

	struct log_place next;	 /* before the event that log_next() gives next */
	struct log_place before; /* before the one that it gave last */
	unsigned chunk;		 /* rows to ask for */
	unsigned asked, got;	 /* rows of the present answer */
	unsigned column[5];
	enum { LOG_UNREAD, LOG_ROWS, LOG_LAST_ROWS, LOG_STOPPED } state;
	enum log_got why; /* STOPPED: END, GONE, BAD or FAILED */
	bool any;	  /* an answer had rows since log_open() */
	struct buf sql, reply;
	struct rows rows;
	struct err err;
};

void log_init(struct log_reader *r, const struct instance *in, unsigned chunk,
    struct arena *arena, struct pgtid_cost *cost);
void log_fini(struct log_reader *r);

/* The file of at, from its position on; passing over skip rows. */
void log_open(struct log_reader *r, const struct coord *at, uint64_t skip);
void log_open_place(struct log_reader *r, const struct log_place *place);
/* The statement for the next chunk; after LOG_ASK. */
const char *log_sql(struct log_reader *r);
void log_feed(struct log_reader *r, const struct pgtid_reply *reply);
/* e points into r until log_feed() or log_open(). */
enum log_got log_next(struct log_reader *r, struct log_event *e);

/* Where the last event ended: the place after it; of a binary log only. */
struct coord log_after(const struct log_reader *r, const struct log_event *e);

#endif
