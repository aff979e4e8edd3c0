/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said of a server when somebody asks: its age, its problems, and the
 * operator's word about it (the NOTE rows of instance.def).  Facts stay as they
 * are while these change with the clock, so they are computed when read.
 */
#ifndef ORC_TOPOLOGY_NOTE_H
#define ORC_TOPOLOGY_NOTE_H

#include "topology/cluster.h"
#include "topology/promotion.h"

struct control;

/* Strings are never NULL; note_input_init() says what nothing looks like. */
struct note_input {
	wall_t now;
	dur_t poll; /* InstancePollSeconds */
	dur_t lag;  /* ReasonableReplicationLagSeconds */

	wall_t downtime_begin, downtime_end; /* end unset: no downtime */
	const char *downtime_owner, *downtime_reason;
	enum promotion_rule rule; /* as registered */
	const char *virtual_name; /* registered for its host, or "" */
	int64_t snapshots;	  /* as its agent counts them */
};

/* Nothing said, and the reference's defaults: polls of 5 s, a lag of 10 s. */
void note_input_init(struct note_input *n, wall_t now);

/* Takes downtime, rule and virtual name; they are borrowed from c. */
void note_input_control(struct note_input *n, const struct control *c,
    struct key key);

/*
 * out becomes m's facts and place with all NOTE rows filled; lists are in a,
 * strings are borrowed from m and n, or in a.
 *
 * Ages are differences of whole seconds, as the reference has them: a poll that
 * is a fraction late does not make a server out of date.
 */
void note_fill(struct instance *out, const struct member *m,
    const struct note_input *n, struct arena *a);

/*
 * The last probe that ended, ended well.  A server that was never reached is
 * not valid.  (inst/instance_dao.go, 3.2.6.)
 */
bool note_is_valid(const struct health *h);

/*
 * The stricter form for failure analysis: nor is a probe hanging for longer
 * than grace (InstancePollSeconds + ReasonableInstanceCheckSeconds) after the
 * last good one.
 */
bool note_is_valid_now(const struct health *h, dur_t grace);

/*
 * Does it belong on the problems page?  Its problems, or a lag by the server's
 * own count; not when it is downtimed.  Cheaper than note_fill().
 */
bool note_is_problem(const struct member *m, const struct note_input *n);

/* Is the replica's lag, its wanted delay taken off, beyond lag? */
bool note_lags(struct nullint seconds, uint64_t sql_delay, dur_t lag);

#endif
