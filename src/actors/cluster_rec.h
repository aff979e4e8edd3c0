/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of servers as cluster snapshots hold them, for the cluster actor
 * itself.  One that was published never changes; what moves since costs a new
 * record that shares all other texts with the one that has all facts.
 */
#ifndef ORC_ACTORS_CLUSTER_REC_H
#define ORC_ACTORS_CLUSTER_REC_H

#include "actors/cluster.h"

/* Facts with everything they point at.  One reference, the caller's. */
struct inst_rec *rec_new(const struct instance *in);

/* The same, to be changed. */
struct inst_rec *rec_copy(const struct inst_rec *rec);

/*
 * A copy with what a moving_pack() says instead; *rows: which of them it said.
 */
struct inst_rec *rec_moved(const struct inst_rec *rec, struct bin values,
    uint32_t *rows);

/* PLACE rows, those of in; nobody has seen rec yet. */
void rec_set_place(struct inst_rec *rec, const struct instance *in);
bool rec_same_place(const struct inst_rec *rec, const struct instance *in);

#endif
