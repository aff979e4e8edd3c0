/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the names actor publishes: the resolve cache (BOARD_NAMES, "names").
 */
#ifndef ORC_ACTORS_NAMES_H
#define ORC_ACTORS_NAMES_H

#include "actors/app.h"
#include "base/arena.h"

struct name_entry {
	const char *host;     /* as asked for */
	const char *resolved; /* as it is filed */
	const char *ipv4;     /* "" when not looked up or none */
	const char *ipv6;
	wall_t expires;
};

struct names_snap {
	struct shared shared;
	struct arena arena;
	struct name_entry *at; /* sorted by host */
	size_t n;
};

#endif
