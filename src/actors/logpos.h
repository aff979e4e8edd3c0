/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where every server's logs were in the past (struct pgtid_history), so that a
 * search in them need not begin at a file's beginning.  Sampled once a minute
 * from what is published while Pseudo-GTID is configured, by the injector;
 * published under BOARD_LOGPOS, "logpos".
 *
 * The newest samples are a minute apart, older ones ever further: of
 * PGTID_HISTORY_MAX the oldest is hours old.
 */
#ifndef ORC_ACTORS_LOGPOS_H
#define ORC_ACTORS_LOGPOS_H

#include "actors/app.h"
#include "actors/cluster.h"
#include "plan/pgtid.h"

struct logpos_row {
	struct key key;
	struct key source; /* whose relay log it is */
	struct pgtid_history history;
};

struct logpos_snap {
	struct shared shared;
	struct arena arena;
	struct logpos_row *row; /* by key */
	size_t n, max;
	uint64_t ticks; /* samples taken since the start */
};

/*
 * The snapshot that follows old (or NULL): one more sample of each server in
 * the clusters.  Servers that are in none of them are forgotten, places of a
 * log that was begun anew as well.  The caller's reference.
 */
struct logpos_snap *logpos_sample(const struct logpos_snap *old,
    const struct cluster_snap *const *snap, size_t n);

/* A counted reference to what is published, or NULL. */
const struct logpos_snap *logpos_ref(struct ctx *ctx);
/* NULL: nothing is known of that server; s may be NULL. */
const struct pgtid_history *logpos_of(const struct logpos_snap *s,
    struct key key);

#endif
