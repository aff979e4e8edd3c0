/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An actor in the place of "moves": keeps what it was asked for, and answers as
 * it was told.
 */
#ifndef ORC_T_UNIT_OPS_FAKE_MOVES_H
#define ORC_T_UNIT_OPS_FAKE_MOVES_H

#include "runtime/sim.h"

enum fake_end { FAKE_DONE, FAKE_FAILED, FAKE_NOT_TRIED };

struct fake_track {
	const char *host; /* port 3306; "": the trunk */
	enum fake_end end;
	const char *why, *left;
	const char *file; /* where it matched; NULL */
	int64_t pos;
	uint64_t count;
};

struct fake_moves {
	/* the answer */
	uint32_t code; /* enum err_code */
	const char *error;
	const struct fake_track *track;
	size_t tracks;
	const char *chosen; /* host, port 3306; NULL */
	/* the last request */
	unsigned asked;
	char text[1024]; /* "op server target pattern at number text force user" */
};

extern struct fake_moves fake_moves;

addr_t fake_moves_spawn(struct sim *sim);

#endif
