/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an instance says about its last good probe: the facts as they are to be
 * published, and which other servers it named.  Plain data, no messages.
 */
#ifndef ORC_ACTORS_ANNOUNCE_H
#define ORC_ACTORS_ANNOUNCE_H

#include "actors/directory.h"
#include "config/conf.h"
#include "mysql/probe.h"

/* A server that was named, and by whom: "source", "replica", "group". */
struct neighbour {
	struct key key;
	const char *by;
};

/* A text that moves, in place; see told_moved(). */
struct told_text {
	char *at;
	size_t cap;
};

/* The last good probe, kept. */
struct told {
	struct arena arena;
	struct instance *raw; /* keys as the server names them; NULL: never */
	struct neighbour *near;
	size_t near_n;
	uint64_t near_digest;
	unsigned left_out; /* named too, but filtered by their user */
	uint64_t edge;	 /* digest of what decides its place */
	uint64_t shown;	 /* digest of what was reported last */
	uint64_t steady; /* digest of what was stored last */
	struct told_text text[MOVING_ROWS]; /* of raw, by row of moving.def */
};

void told_init(struct told *t);
void told_fini(struct told *t);

/*
 * Keep the outcome of a good probe, filed under key; asked is how it is
 * reached.  Patterns fill what no query told; neighbours that the configuration
 * filters by their user are left out.
 */
void told_take(struct told *t, struct probe *p, struct key filed,
    struct key asked, const struct config *c);

/* Of all that only the news moved. */
void told_moved(struct told *t, const struct quick_news *news);

/* Facts from the store: taken as they are. */
void told_take_known(struct told *t, const struct instance *in);

/* With the keys that others are filed under; in a. */
struct instance *told_resolve(const struct told *t,
    const struct directory_snap *snap, struct arena *a);

/* Of what decides its place among others. */
uint64_t told_edge(const struct instance *raw);
/* Without what changes all the time: coordinates, GTID sets, lag. */
uint64_t told_steady(const struct instance *in);

/* Its replication user is one that DiscoveryIgnoreReplicationUsernameFilters
 * names. */
bool told_ignored(const struct instance *in, const struct config *c);

/* "uuid:..." or "sid:N"; "" when it has neither. */
const char *told_identity(const struct instance *in, struct arena *a);

/* Options of a probe; texts point into c. */
struct probe_options told_options(const struct config *c);

#endif
