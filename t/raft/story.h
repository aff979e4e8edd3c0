/* SPDX-License-Identifier: Apache-2.0 */
/* Directed runs of a raft group, one for each thing that must go a known way. */
#ifndef ORC_T_RAFT_STORY_H
#define ORC_T_RAFT_STORY_H

#include "raft/group.h"

struct story {
	const char *what;
	void (*run)(struct group *g); /* group_fail() when it goes wrong */
	unsigned nodes, first;
};

extern const struct story stories[];
extern const size_t story_count;

/* story_node.c */
void story_old_term(struct group *g);
void story_unverified_tail(struct group *g);
void story_old_consent(struct group *g);
void story_old_snapshot(struct group *g);
void story_two_halves(struct group *g);
void story_hole(struct group *g);
void story_late_answer(struct group *g);

/* false: why has what did not hold. */
bool story_holds(const struct story *s, char why[VIOLATION_MAX]);
bool stories_hold(char why[VIOLATION_MAX]);

#endif
