/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How gtid.c and gtid_parse.c put sets together: sources one after the other,
 * the ranges of each in order.  Not for others.
 */
#ifndef ORC_TOPOLOGY_GTID_BUILD_H
#define ORC_TOPOLOGY_GTID_BUILD_H

#include "topology/gtid.h"

void gtid_build_clear(struct gtid_set *set); /* keeps the memory */

/* Begin a source: UUID and tag of s. */
void gtid_build_source(struct gtid_set *set, const struct gtid_source *s);

/*
 * Add a range to the source begun last; one that touches the range before is
 * merged with it.  The caller sees to the order.
 */
void gtid_build_range(struct gtid_set *set, int64_t lo, int64_t hi);

/* Forget the source begun last when it got no range. */
void gtid_build_end_source(struct gtid_set *set);

/*
 * Append the source s of the set from, with its ranges; or those of its ranges
 * that other has too.
 */
void gtid_build_copy(struct gtid_set *set, const struct gtid_set *from,
    const struct gtid_source *s);
void gtid_build_common(struct gtid_set *set, const struct gtid_set *from,
    const struct gtid_source *s, const struct gtid_set *other);

/* UUID, then tag. */
int gtid_source_cmp(const struct gtid_source *a, const struct gtid_source *b);

#endif
