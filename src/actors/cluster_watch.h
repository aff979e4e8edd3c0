/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of a cluster actor that watches for failures: analyses the members
 * when something that matters changed, has servers probed anew to prove it or
 * not, and tells the store when a server's analysis is another one.
 *
 * Rules are topology/analysis.h; here are memory (since when, how long it stands
 * still) and time.
 */
#ifndef ORC_ACTORS_CLUSTER_WATCH_H
#define ORC_ACTORS_CLUSTER_WATCH_H

#include "actors/cluster.h"
#include "topology/analysis.h"

/* How long one server's analysis has been what it is. */
struct verdict {
	wall_t since;
	/*
	 * It was so twice: the server and every replica that witnesses were
	 * probed after "since", and nothing is different.  Only said of codes
	 * for which a recovery exists.
	 */
	bool confirmed;
};

/* Of a snapshot's members, in their order; several snapshots may share it. */
struct cluster_analysis {
	struct shared shared;
	struct arena arena;
	struct analyses all;
	struct verdict *verdict; /* all.n */
};

struct watch;

struct watch *watch_new(void);
void watch_free(struct watch *w);

/* A member came, went, or changed in more than positions and times. */
void watch_news(struct watch *w);

/* Whom to ask for a probe: the actor of a member. */
struct watch_peers {
	addr_t (*actor)(const void *arg, struct key key);
	const void *arg;
};

/*
 * A snapshot is complete but for snap->analysis: that is filled.  What follows
 * from the time alone comes as cluster_look, which is news.
 */
void watch_look(struct watch *w, struct ctx *ctx, struct cluster_snap *snap,
    const struct watch_peers *peers);

#endif
