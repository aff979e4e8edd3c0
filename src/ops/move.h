/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations that are plans: what the parts of one call share.  Inside src/ops
 * only.
 *
 *	op_move_begin()	arguments to a request; unknown and stale servers are
 *			probed; ?dry-run: the plan is shown; else it is carried
 *			out by the actor "moves"
 *	op_move_answer() what was done, as v1 says it
 */
#ifndef ORC_OPS_MOVE_H
#define ORC_OPS_MOVE_H

#include "actors/moves.h"
#include "ops/view.h"

enum move_details {
	DETAILS_SERVER, DETAILS_MOVED, DETAILS_TARGET, DETAILS_SOURCE,
	DETAILS_CHOSEN, DETAILS_SECONDS,
};

/* A row of moves.def. */
struct move_form {
	const char *plan;
	enum move_details details;
	const char *message;
};

/* The memo of a call; texts are in its arena. */
struct move {
	const struct move_form *form;
	struct plan_request r;
	struct key *look; /* to be probed before the plan is made */
	size_t looks, looked;
};

/* An operation may take long; who asked may go away meanwhile. */
#define MOVE_LIMIT DUR_S(24 * 3600)

void op_move_begin(struct op_call *c, const struct move_form *form);
void op_move_answer(struct op_call *c, const struct msg *m);

#endif
