/* SPDX-License-Identifier: Apache-2.0 */
/* What the dialer publishes (BOARD_DIALER, "dialer"): who waits for it. */
#ifndef ORC_ACTORS_DIALER_H
#define ORC_ACTORS_DIALER_H

#include "actors/app.h"

struct dialer_snap {
	struct shared shared;
	uint32_t waiting;    /* servers, for a connector */
	uint32_t connecting; /* connectors at work */
};

#endif
