/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who stands above whom in a cluster: what place.c works out first, and what
 * errant.c and tree.c walk.  Not for others: cluster_place() (cluster.h) is the
 * way in.
 */
#ifndef ORC_TOPOLOGY_PLACE_H
#define ORC_TOPOLOGY_PLACE_H

#include "topology/cluster.h"
#include "topology/gtid.h"

#define PLACE_NOBODY UINT32_MAX

/* A member's uuid, to find members by it. */
struct place_uuid {
	struct gtid_uuid uuid;
	uint32_t i;
};

struct place {
	const struct instance *in;
	uint32_t source; /* whom it replicates from, as facts say */
	uint32_t up;	 /* the same with every ring cut open at its head */
	uint32_t head;	 /* the top of its branch; */
	uint32_t ring;	 /* its ring's head; PLACE_NOBODY: in no ring */
	bool ordered;
	bool has_uuid;
	struct gtid_uuid uuid;
	uint32_t seen; /* by which walk, plus one; 0: none */
};

struct placing {
	const char *name;
	struct place *at;
	uint32_t n;
	uint32_t *by_key;	   /* indexes in key order */
	struct place_uuid *by_uuid; /* in uuid order */
	uint32_t uuids;
	uint32_t *order;	    /* parents before children */
};

/* Sources and rings; the cluster's name decides which end of a ring is up. */
void placing_init(struct placing *pl, const char *name,
    const struct instance *const *in, size_t n);
void placing_fini(struct placing *pl);

/* The member with this uuid (several: any); PLACE_NOBODY: none. */
uint32_t placing_find_uuid(const struct placing *pl, struct gtid_uuid uuid);

/* What each member has executed and should not have; texts are in a. */
void errant_find(const struct placing *pl, const char **errant,
    struct arena *a);

#endif
