/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world that plans are made from (plan/plan.h), as it is published: the
 * clusters of some servers, what operators said, and the configuration.
 *
 *	struct world_board b;
 *	world_board_open(&b, ctx, key, n);
 *	... plan_make(&p, &request, &b.world, &err) ...
 *	world_board_close(&b);
 *
 * Everything in b.world lives until it is closed, and what points into it no
 * longer: a plan made from it, above all.
 */
#ifndef ORC_ACTORS_WORLD_BOARD_H
#define ORC_ACTORS_WORLD_BOARD_H

#include "actors/cluster.h"
#include "actors/control.h"
#include "actors/logpos.h"
#include "actors/markers.h"
#include "plan/plan.h"

struct world_board {
	struct world world;
	struct plan_policy policy;
	const struct member **at; /* sorted by key */
	size_t max;
	const struct cluster_snap **snap; /* references */
	size_t snaps;
	struct markers markers;
	const struct logpos_snap *past;
	const struct config_shared *config;
	const struct control_shared *control;
};

/*
 * The clusters that have the keys, and those that have what these servers
 * replicate from or, detached, replicated from.  An unknown key adds nothing.
 * It needs a configuration and a control version on the board.
 */
void world_board_open(struct world_board *b, struct ctx *ctx,
    const struct key *key, size_t n);
void world_board_close(struct world_board *b);

#endif
