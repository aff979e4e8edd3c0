/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cluster as text, for people: a line for each server, replicas below their
 * source.
 *
 *	a:3306       [0s,ok,8.4.3,rw,ROW,>>,GTID]
 *	+ b:3306     [0s,ok,8.4.3,ro,ROW,>>,GTID]
 *	  - c:3306   [null,nonreplicating,8.4.3,ro,ROW,>>,GTID,downtimed]
 *
 * From: inst/instance_topology.go, 3.2.6.
 */
#ifndef ORC_TOPOLOGY_TREE_H
#define ORC_TOPOLOGY_TREE_H

#include "topology/cluster.h"

enum { TREE_LEVELS_MAX = 100 }; /* deeper ones are not indented further */

enum tree_form {
	TREE_PLAIN,
	TREE_TABULATED, /* columns with '|' between them */
	TREE_KEYS,	/* no status: all there is of past topologies */
};

struct tree_options {
	enum tree_form form;
	dur_t lag;		 /* ReasonableMaintenanceReplicationLagSeconds */
	const struct strs *tags; /* of each member, as they are to be shown, in
				    the order of the members; NULL: none shown */
};

/*
 * Appends the tree of the n members of one cluster, their NOTE rows filled;
 * lines are joined by newlines, with none at the end.
 *
 * A member has the mark "+ " when it replicates and was checked well lately,
 * U+2021 when it is a group secondary, else "- ".  Those without a source among
 * the members are at the top and have none; members of a ring are at the top,
 * each with its mark.  Among siblings the order is member_cmp()'s.
 */
void tree_text(const struct member *m, size_t n, const struct tree_options *o,
    struct buf *out);

/* Appends "[lag,status,version,ro|rw,format,extras]"; in has its notes. */
void instance_status(const struct instance *in, dur_t lag, struct buf *out);

#endif
