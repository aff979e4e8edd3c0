/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of struct instance that move: the rows of moving.def, numbered
 * in their order.  A set of them is a word with a bit for each.
 */
#ifndef ORC_TOPOLOGY_MOVING_H
#define ORC_TOPOLOGY_MOVING_H

#include "topology/instance.h"

enum moving_kind { MOVING_POS, MOVING_STR, MOVING_NULLINT };

struct moving_row {
	enum moving_kind kind;
	size_t offset; /* in struct instance */
};

enum {
	MOVING_ROWS = 0
#define MOVES(kind, m) +1
#include "topology/moving.def"
#undef MOVES
	,
	MOVING_MAX = 32, /* they are bits of a word */
};

extern const struct moving_row moving_rows[];
extern const unsigned moving_count; /* <= MOVING_MAX */

/* The row of the member at that offset; moving_count: it does not move. */
unsigned moving_find(size_t offset);

static inline void *
moving_member(struct instance *in, unsigned row)
{
	return (char *)in + moving_rows[row].offset;
}

/* The rows in which they differ. */
uint32_t moving_diff(const struct instance *a, const struct instance *b);

/* The set, then the value of each row in it: one msgpack array. */
void moving_pack(struct buf *b, const struct instance *in, uint32_t rows);

/*
 * The reverse: rows that are in the set replace those of in; texts point into
 * what the cursor reads.  *rows: which they were.  false: malformed.
 */
bool moving_unpack(struct pcur *c, struct instance *in, uint32_t *rows);

/*
 * Texts of rows, and those that follow from its place, that are not the very
 * ones of base are copied into a, in one block; base NULL: all of them.
 */
void moving_own(struct instance *in, const struct instance *base,
    struct arena *a);

#endif
