/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the directory publishes (BOARD_DIRECTORY, "directory"): other names of
 * servers, and how far discovery is.
 */
#ifndef ORC_ACTORS_DIRECTORY_H
#define ORC_ACTORS_DIRECTORY_H

#include "actors/app.h"
#include "base/arena.h"
#include "topology/key.h"

struct other_name {
	struct key asked; /* as someone named it */
	struct key filed; /* the key it is known by */
};

struct directory_snap {
	struct shared shared;
	struct arena arena;
	struct other_name *names; /* sorted by asked */
	size_t n;
	/* Progress: grows to equality while a fleet is being discovered. */
	uint32_t servers;  /* known */
	uint32_t reached;  /* of them probed well since the start */
	uint32_t answered; /* of them probed since the start, well or not */
	uint32_t failing;  /* of them whose latest probe failed */
	uint32_t clusters;
};

/* The key a name stands for: the filed one, else the name itself. */
struct key directory_filed(const struct directory_snap *snap, struct key asked);

#endif
