/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How Pseudo-GTID markers are known here (plan/pgtid.h), from the configuration.
 */
#ifndef ORC_ACTORS_MARKERS_H
#define ORC_ACTORS_MARKERS_H

#include "actors/app.h"
#include "plan/pgtid.h"

/* A rule's list, which points into the configuration. */
struct markers {
	struct pgtid_rule rule;
	const char *skip[64];
};

/*
 * Points into c, until that is given back; a search made from it keeps what it
 * needs.  false: no pattern is configured (the rule then knows no marker).
 */
bool markers_rule(struct markers *m, const struct config_shared *c,
    bool relay_only);

#endif
