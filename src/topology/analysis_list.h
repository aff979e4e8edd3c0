/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What failure analysis has to tell, for people: entries that say something, in
 * v1's order, as v1's JSON object and as a line.
 * From: inst/analysis.go, inst/analysis_dao.go, 3.2.6.
 */
#ifndef ORC_TOPOLOGY_ANALYSIS_LIST_H
#define ORC_TOPOLOGY_ANALYSIS_LIST_H

#include "topology/analysis.h"

struct analysis_entry {
	const char *cluster; /* its name */
	const void *of;	     /* as given to analysis_list_add() */
	const struct member *m;
	const struct analysis *an;
	struct analysis_note note;
	struct keys replicas; /* sorted */
	wall_t downtime_end;  /* unset: no downtime */
};

/* Grows in the arena; zeroed at first but for a. */
struct analysis_list {
	struct analysis_entry *at;
	size_t n, max;
	struct arena *a;
	bool downtimed; /* with those that downtime lets skip */
	bool reduced;	/* ReduceReplicationAnalysisCount */
};

/*
 * Add what a cluster's members have to tell.  Members under maintenance are
 * left out.  Everything given must outlive the list; of is the caller's own.
 */
void analysis_list_add(struct analysis_list *l, const char *cluster,
    const struct analyses *all, const struct member *m,
    const struct control *c, wall_t now, const void *of);

/* Primaries, those that name their cluster, more replicas, then by key. */
void analysis_list_sort(struct analysis_list *l);

/* "db1:3306 (cluster db1:3306): DeadMaster, ...Warning", without newline. */
void analysis_line(struct buf *b, const struct analysis_entry *e);

/* How it was seen and what replicas say: "not seen for 3 s: ...; 2 replicas". */
void analysis_evidence(struct buf *b, const struct analysis_entry *e,
    wall_t now);

/* What else the JSON has. */
struct analysis_context {
	const struct cluster_info *info;
	const char *node, *token; /* who says it */
	bool actionable;	  /* it would be recovered automatically */
	bool past;	     /* of a detection: no description ... */
	const char *started; /* ... and since then; NULL: "" */
	wall_t now;
};
/* v1's ReplicationAnalysis. */
void analysis_json(struct json *w, const struct analysis_entry *e,
    const struct analysis_context *c);

#endif
