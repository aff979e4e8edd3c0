/* SPDX-License-Identifier: Apache-2.0 */
/* One random run: faults and work drawn from a seed, then healing. */
#ifndef ORC_T_RAFT_NEMESIS_H
#define ORC_T_RAFT_NEMESIS_H

#include "raft/group.h"

struct totals {
	uint64_t runs, events, elections, crashes, applied, snapshots, reads,
	    changes, proposals;
};

/* false: violated; the text is in why. */
bool nemesis_run(uint64_t seed, struct totals *t, char why[VIOLATION_MAX]);

#endif
