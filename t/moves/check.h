/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold before and after an operation on a field of servers, whatever
 * went wrong.  What does not is written to a buffer, a line each.
 */
#ifndef ORC_T_MOVES_CHECK_H
#define ORC_T_MOVES_CHECK_H

#include "moves/field.h"

/* How a server was before an operation. */
struct was {
	struct model_address source;
	bool io, sql, read_only, by_gtid;
	uint64_t delay_s;
	struct model_channel channel;
	uint32_t incarnation;
	unsigned io_errno, sql_errno;
};

struct check {
	struct was was[FIELD_SERVERS_MAX];
	bool left[FIELD_SERVERS_MAX]; /* as an earlier process logged */
};

void check_remember(struct check *c, const struct field *f);
void check_note_left(struct check *c, const struct field *f);
/* No row twice or left out, nobody writable, channels are whole. */
void check_always(const struct check *c, const struct field *f,
    struct buf *why);
/* After a failure: all is as it was, or is told. */
void check_as_before(const struct check *c, const struct field *f,
    const char *when, struct buf *why);
/* After a success: threads are as they were. */
void check_threads(const struct check *c, const struct field *f,
    const char *when, struct buf *why);
/* Is a server named by what is told of how things stand? */
bool check_is_told(const struct field *f, const struct model_server *s);
/*
 * All is well, everybody runs: whoever replicates from the primary has every
 * row; nobody has an error but those that were told.  How many replicate.
 */
unsigned check_rows(const struct field *f, const struct model_server *primary,
    const bool *told, struct buf *why);

#endif
