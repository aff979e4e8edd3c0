/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's binary log, or its relay log: transactions one after the other in
 * files.  Neighbours that only count on are kept as one run, so that a million
 * writes of a primary cost what one costs.
 *
 * Each transaction has a number in its log (its ordinal, from 0), which never
 * changes, and a place: file and position.  How many bytes it takes is the
 * server's: the same transaction stands elsewhere on every server.
 */
#ifndef ORC_T_MODEL_LOG_H
#define ORC_T_MODEL_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum { MODEL_ANONYMOUS = UINT32_MAX }; /* as a UUID: none */

enum model_kind {
	MODEL_ROW,    /* it inserts one row */
	MODEL_MARKER, /* a statement without effect: Pseudo-GTID */
	MODEL_EMPTY,  /* nothing but its GTID */
};

/* A transaction, and those behind it that count on. */
struct model_trx {
	enum model_kind kind;
	uint32_t origin; /* who wrote it: index in the world */
	uint64_t row;	 /* number of what that server wrote; 0: EMPTY */
	uint32_t uuid;	 /* MySQL: of whom (model_uuid_text) */
	uint64_t gno;
	uint32_t domain; /* MariaDB */
	uint64_t seq;
	uint64_t server_id; /* of the writer, then */
	uint32_t text;	 /* MARKER: which one (model.marker) */
};

struct model_run {
	struct model_trx first;
	uint64_t n;
	uint64_t ordinal;
	uint32_t file; /* number */
	uint64_t pos;  /* where the first begins */
	uint32_t size; /* of each */
	/* relay log: where the first ends on the source, and the sizes there */
	uint32_t source_file;
	uint64_t source_end;
	uint32_t source_size;
};

struct model_file {
	uint32_t number;
	uint64_t first; /* ordinal of its first */
	uint64_t end;	/* its size in bytes */
};

struct model_log {
	struct model_run *run;
	uint32_t n, cap;
	struct model_file *file; /* one at least, once model_log_begin() */
	uint32_t files, files_cap;
	uint64_t next;	 /* ordinal of the next transaction */
	uint64_t header; /* bytes before the first transaction of a file */
};

struct model_place {
	uint32_t file;
	uint64_t pos;
};

/* An empty log of one file. */
void model_log_begin(struct model_log *l, uint32_t number, uint64_t header);
void model_log_free(struct model_log *l);
/* n transactions; where they came from with from (relay log), NULL: nowhere. */
void model_log_add(struct model_log *l, const struct model_trx *t, uint64_t n,
    uint32_t size, const struct model_run *from);
void model_log_rotate(struct model_log *l);
/* Files before that number go; one stays. */
void model_log_purge(struct model_log *l, uint32_t number);
/* Transactions from that ordinal on are lost. */
void model_log_cut(struct model_log *l, uint64_t ordinal);
uint64_t model_log_oldest(const struct model_log *l); /* ordinal */
/* The part of a run that begins at ordinal, at most n; false: not there. */
bool model_log_get(const struct model_log *l, uint64_t ordinal, uint64_t n,
    struct model_run *out);
struct model_place model_log_place(const struct model_log *l,
    uint64_t ordinal);
struct model_place model_log_end(const struct model_log *l);
/* What begins there; false: nothing does. */
bool model_log_find(const struct model_log *l, struct model_place at,
    uint64_t *ordinal);

static inline struct model_trx
model_trx_later(struct model_trx t, uint64_t n)
{
	t.row += t.row > 0 ? n : 0;
	t.gno += t.uuid != MODEL_ANONYMOUS ? n : 0;
	t.seq += t.seq > 0 ? n : 0;
	return t;
}

#endif
