/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which replica of a source is best fit to take its siblings: a choice with a
 * reason for each.  Pure; regrouping and recoveries use it.
 *
 * From: inst/instance_topology.go, 3.2.6, chooseCandidateReplica.  Unlike there
 * the order is a strict one, received transactions count, and who is downtimed,
 * delayed on purpose or has errant transactions is taken only when nobody else
 * will do.
 */
#ifndef ORC_PLAN_CANDIDATE_H
#define ORC_PLAN_CANDIDATE_H

#include "plan/plan.h"

enum candidate_stand {
	CANDIDATE_CHOSEN,
	CANDIDATE_EQUAL,  /* executed just what the chosen one has */
	CANDIDATE_BEHIND, /* executed less */
	CANDIDATE_AHEAD,  /* executed more: cannot go below it */
	CANDIDATE_CANNOT, /* may not replicate from it */
};

struct candidate {
	const struct member *m;
	enum candidate_stand stand;
	const char *why; /* why it was not chosen, or why it was */
};

struct candidates {
	struct candidate *at; /* best first */
	size_t n;
	const struct member *chosen; /* NULL: nobody is fit */
};

/*
 * The n replicas of one source (NULL: not known); "has" of the chosen one is
 * what it executed and received, for it can apply that.  Everything is in a.
 * NOT_FOUND: nobody is fit, and err says why the best one is not; all are in
 * out then, with their reasons.
 */
enum err_code candidate_choose(struct candidates *out, const struct world *w,
    const struct member *source, const struct member *const *replica, size_t n,
    struct arena *a, struct err *err);

/* How far a replica can get with what it received: >= what it executed. */
struct coord candidate_reach(const struct member *m);
/* Has it something to apply still? */
bool candidate_must_drain(const struct member *m);

/* {"Replicas": [{"Key", "Stand", "Why"}], "Chosen"}: get-candidate-replica. */
void candidates_json(const struct candidates *c, struct json *w);

#endif
