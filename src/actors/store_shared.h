/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store publishes (BOARD_STORE, "store"): whether it can be written.
 */
#ifndef ORC_ACTORS_STORE_SHARED_H
#define ORC_ACTORS_STORE_SHARED_H

#include "actors/app.h"

struct store_shared {
	struct shared shared;
	char trouble[ERR_TEXT_MAX]; /* why not, "" when all is well */
};

#endif
