/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct health (cluster.h) as bytes, for messages and the store.
 */
#ifndef ORC_TOPOLOGY_HEALTH_H
#define ORC_TOPOLOGY_HEALTH_H

#include "topology/cluster.h"

void health_pack(struct buf *b, const struct health *h);
/* error points into what the cursor reads.  false: malformed. */
bool health_unpack(struct pcur *c, struct health *h);

#endif
