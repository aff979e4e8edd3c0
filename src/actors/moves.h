/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on servers (src/plan), as the rest of the program sees them.
 *
 * move_run asks the actor "moves" for one; who asks gets move_ran when it has
 * ended: code and error as of run_failed(), json as of run_json(), and in
 * "tracks" what became of each server that was to be moved, read by
 * move_track_next().  The servers' facts on the board are fresh by then.
 *
 * move_cancel ends one before it is done: what was done is undone, and who asked
 * for it is told.  It is answered at once.
 *
 *	struct pcur cur = move_tracks(ran->tracks);
 *	while (move_track_next(&cur, &t))
 *		...
 */
#ifndef ORC_ACTORS_MOVES_H
#define ORC_ACTORS_MOVES_H

#include "actors/app.h"
#include "plan/run.h"

/* An operation under way (BOARD_MOVE): {"Id", "User", ..., "Run": run_json()}. */
struct move_shown {
	struct shared shared;
	uint32_t number;
	char json[];
};

struct move_track {
	struct key key;
	enum track_end end;
	const char *why;  /* "" */
	const char *left; /* "" */
	bool undone;
	struct coord found;
	uint64_t count;
};

struct pcur move_tracks(struct bin tracks);
bool move_track_next(struct pcur *cur, struct move_track *t);

#endif
