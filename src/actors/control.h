/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the control actor publishes under BOARD_CONTROL, "control": the present
 * version of what operators said.
 */
#ifndef ORC_ACTORS_CONTROL_H
#define ORC_ACTORS_CONTROL_H

#include "actors/app.h"
#include "topology/control.h"

struct control_shared {
	struct shared shared;
	const struct control *control; /* a reference */
};

/* The limits of the expire command, from the configuration. */
struct command_expire control_limits(const struct config *config, wall_t now);

/* A counted reference: shared_unref() it before the handler returns. */
const struct control_shared *control_shared_ref(struct ctx *ctx);

#endif
