/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of numbered things of several makers: rows by the server that wrote
 * them, transactions by UUID.  Kept as ranges, few as a rule: makers ascend, and
 * the ranges of one ascend and do not touch.
 */
#ifndef ORC_T_MODEL_SET_H
#define ORC_T_MODEL_SET_H

#include <stdbool.h>
#include <stdint.h>

struct model_range {
	uint32_t maker;
	uint64_t lo, hi; /* both included */
};

struct model_set {
	struct model_range *at;
	uint32_t n, cap;
};

void model_set_free(struct model_set *s); /* and empty */
void model_set_clear(struct model_set *s);
void model_set_add(struct model_set *s, uint32_t maker, uint64_t lo,
    uint64_t hi);
void model_set_cut(struct model_set *s, uint32_t maker, uint64_t lo,
    uint64_t hi);
bool model_set_has(const struct model_set *s, uint32_t maker, uint64_t no);
/* The first number of lo..hi that is in the set (in), or is not; hi + 1: none. */
uint64_t model_set_first(const struct model_set *s, uint32_t maker,
    uint64_t lo, uint64_t hi, bool in);
/* Is each of part in whole? */
bool model_set_holds(const struct model_set *whole,
    const struct model_set *part);
void model_set_join(struct model_set *s, const struct model_set *more);
void model_set_drop(struct model_set *s, const struct model_set *less);
void model_set_copy(struct model_set *s, const struct model_set *from);
uint64_t model_set_count(const struct model_set *s);

#endif
