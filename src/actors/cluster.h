/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a cluster actor publishes: its members at one moment.
 */
#ifndef ORC_ACTORS_CLUSTER_H
#define ORC_ACTORS_CLUSTER_H

#include "actors/app.h"
#include "topology/cluster.h"

/*
 * One server's facts with its place filled in; shared by successive snapshots.
 * One whose positions moved since shares the other texts with its base.
 */
struct inst_rec {
	struct shared shared;
	struct arena arena;    /* holds what in points to */
	struct inst_rec *base; /* and what it does not hold; or NULL */
	struct instance in;
};

struct cluster_analysis;

struct cluster_snap {
	struct shared shared;
	struct arena arena;
	const char *name;      /* host:port of its root */
	const char *suggested; /* alias that its servers suggest; "" when none */
	const char *domain;    /* from DetectClusterDomainQuery; "" when none */
	uint64_t version;      /* grows by one with each publication */
	struct member *members; /* by member_cmp(); .in points into rec[] */
	struct inst_rec **rec;	/* references, same order */
	size_t n;
	struct cluster_analysis *analysis; /* of the members: cluster_watch.h */
};

extern const struct actor_class cluster_class;

struct cluster_arg {
	char name[KEY_TEXT_MAX];
};

#endif
