/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual probe: the same text as last time, and an answer that differs in
 * nothing, or in positions and times only.  The last complete answer is kept,
 * with the places in it of the values that move (topology/moving.def); all else
 * is compared as bytes, not read.  Whatever else is new goes to probe.h, which
 * reads the whole answer, and then keeps that one here.
 *
 *	if (quick_ready(&memory.quick, version)) {
 *		... send interned(memory.quick.text) ...
 *		switch (quick_take(&memory.quick, answer, &news)) ...
 *	}
 *
 * What comes out is what probe.h would have read: t/unit/quick.c holds the two
 * against each other.
 */
#ifndef ORC_MYSQL_QUICK_H
#define ORC_MYSQL_QUICK_H

#include "base/pack.h"
#include "topology/moving.h"

enum {
	QUICK_BYTES_MAX = 64 << 10, /* of an answer that is kept */
	QUICK_SPOTS_MAX = 96,	    /* values in it that move, or are not read */
	QUICK_RETRY_EVERY = 4, /* probes: a refused statement is tried again */
};

/* What the value at a spot is, beside the rows of moving.def. */
enum {
	SPOT_UPTIME = MOVING_MAX,
	SPOT_LAG,    /* of ReplicationLagQuery */
	SPOT_IGNORE, /* not read, or of a channel that is not shown */
	SPOTS,
};

struct quick_spot {
	uint32_t at; /* in the answer */
	uint32_t what;
};

struct quick {
	bool ready;
	bool retry;	  /* some statement is refused: to be tried again */
	bool has_lag;	  /* lag comes from a query, not from the status */
	unsigned taken;	  /* since a statement was tried again */
	uint64_t version; /* of the options that the text was made with */
	uint32_t text;	  /* number of it: interned() */
	uint32_t len, cap;
	uint8_t *answer;
	unsigned spots;
	struct quick_spot *spot; /* in the order of their places */
};

/* What moved.  Texts point into the answer; NULL is SQL NULL. */
struct quick_news {
	uint64_t uptime;
	bool has_uptime;
	uint32_t rows; /* of moving.def */
	struct nullint lag;
	const char *value[MOVING_MAX];
};

enum quick_found {
	QUICK_OTHER, /* something else changed: read all of it */
	QUICK_SAME,
	QUICK_MOVED, /* news.rows is not empty */
};

void quick_fini(struct quick *q);

/* May the next probe be such a one?  version: of the options. */
bool quick_ready(struct quick *q, uint64_t version);

/* The answer is kept instead of the last one, unless it is QUICK_OTHER. */
enum quick_found quick_take(struct quick *q, struct bin answer,
    struct quick_news *news);

/* Set what moved; texts of in point into the answer then. */
void quick_apply(const struct quick_news *news, struct instance *in);

#endif
