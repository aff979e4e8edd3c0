/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clusters: who belongs together, who stands above whom, and what a server's
 * place says about it.  Pure: arrays of facts in, places out.
 */
#ifndef ORC_TOPOLOGY_CLUSTER_H
#define ORC_TOPOLOGY_CLUSTER_H

#include "topology/instance.h"

/* When a server was looked at, and how that went. */
struct health {
	wall_t first_known;    /* when its name was first heard of */
	wall_t last_attempted; /* a probe began */
	wall_t last_checked;   /* a probe ended, well or not */
	wall_t last_seen;      /* a probe ended well; 0: never */
	dur_t latency;	       /* of the last probe that ended */
	uint32_t failures;     /* in a row */
	bool partial;	       /* the last one read something before it failed */
	const char *error;     /* of the last one; "" when it was good */
	enum err_code error_code;
};

/* A server in its cluster. */
struct member {
	const struct instance *in; /* facts and PLACE rows are filled */
	struct health health;
};

/*
 * The root of a server's replication tree: where following sources ends.  The
 * rules of ../spec: discovery, section 7, applied to all at once instead of one
 * level per poll:
 *   - the parent of a group secondary is its group's primary, else the source;
 *   - a parent that is not known ends the walk: the server is its own root;
 *   - a ring of two (co-primaries) is named after the one that already was the
 *     cluster's name, else after the smaller key; a longer ring likewise.
 *
 * find	gives a server's facts by key, or NULL.
 * was	the cluster name the server had, "" when none.
 */
struct cluster_finder {
	const struct instance *(*find)(void *arg, struct key key);
	void *arg;
};
struct key cluster_root(const struct instance *in,
    const struct cluster_finder *finder, const char *was);

/*
 * Fill the PLACE rows of a cluster's members (depth, co-primary, ancestry,
 * errant GTIDs, cluster name, inherited alias).  The members are the caller's
 * own, writable copies; strings go to a.  parents: finds servers outside the
 * cluster (none is normal).
 */
void cluster_place(const char *cluster_name, struct instance **in, size_t n,
    struct arena *a);

/* v1's ClusterInfo, less what configuration says. */
struct cluster_info {
	const char *name;
	const char *alias;  /* the name itself when none */
	const char *domain; /* "" when none */
	size_t instances;
	bool recovers_primary;
	bool recovers_intermediate;
};
void cluster_info_json(struct json *w, const struct cluster_info *info);

/*
 * Head of the cluster: depth 0 or co-primary, writable first, then the least
 * depth, then the smaller key; NULL when there is none.
 */
const struct member *cluster_primary(const struct member *m, size_t n);

/* The order of lists: depth, more replicas first, cluster, host, port. */
int member_cmp(const struct member *a, const struct member *b);

/* Replicas to watch during an online schema change (which-cluster-osc-...). */
size_t cluster_osc_replicas(const struct member *m, size_t n,
    const struct member **out);
/* Row-based replicas fit for gh-ost, fewest replicas first. */
size_t cluster_ghost_replicas(const struct member *m, size_t n,
    const struct member **out);

#endif
