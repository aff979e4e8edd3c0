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
	uint64_t uptime;       /* of the server, s, at last_seen; 0: unknown */
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
 * Above whom a server replicates: its group's primary for a group secondary,
 * else its source.  KEY_NONE: nobody, or a detached source.
 */
struct key cluster_parent(const struct instance *in);

/*
 * The root of a server's replication tree: where following parents ends.  The
 * rules of inst/instance_dao.go, 3.2.6, applied to all at once instead of one
 * level per poll:
 *   - a parent that is not known ends the walk: the server is its own root;
 *   - a ring of two (co-primaries) or more has the name of the member that is
 *     named after itself already (the smaller key of several), else "was" when
 *     that is a member, else the smallest key.
 *
 * find	gives a server's facts by key, or NULL.  It may know a server by other
 *	names: what counts is the key of what it returns.  Its cluster_name, when
 *	not "", is the name it has now (rings need that).
 * was	the cluster name that in itself has, "" when none.
 */
struct cluster_finder {
	const struct instance *(*find)(void *arg, struct key key);
	void *arg;
};
struct key cluster_root(const struct instance *in,
    const struct cluster_finder *finder, const char *was);

/* An ancestry ends at this many servers; what lies above is left out. */
enum { CLUSTER_ANCESTRY_MAX = 100 };

/*
 * Fill the PLACE rows of a cluster's members (depth, co-primary, ancestry,
 * errant GTIDs, cluster name, inherited alias).  The members are the caller's
 * own, writable copies; strings go to a.
 *
 * A source is found by its key, else by its uuid (it may go by another name).
 * Members whose source is none of them are at depth 0.  In a ring the one the
 * cluster is named after is at depth 0, else the smallest key.
 *
 * Errant: see errant.c.  Cost: n log n, and reading each executed set once.
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

/*
 * Replicas to watch during an online schema change (which-cluster-osc-...): up
 * to two first-tier replicas that have most replicas themselves, two replicas
 * of those, two of the third tier, two first-tier leaves.  out has room for
 * CLUSTER_OSC_MAX; members that OSCIgnoreHostnameFilters names are taken out
 * by the caller before.  From: inst/instance_dao.go, 3.2.6, GetClusterOSCReplicas.
 */
enum { CLUSTER_OSC_MAX = 8 };
size_t cluster_osc_replicas(const struct member *m, size_t n,
    const struct member *out[CLUSTER_OSC_MAX]);

/*
 * Replicas fit to serve gh-ost, fewest replicas first: checked well, row-based,
 * logging what they apply.  out has room for n.
 * From: inst/instance_dao.go, 3.2.6, GetClusterGhostReplicas.
 */
size_t cluster_ghost_replicas(const struct member *m, size_t n,
    const struct member **out);

#endif
