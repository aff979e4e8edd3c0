/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing Pseudo-GTID markers by ourselves: where, whether we may, and what.
 * Pure.  From: inst/instance_topology_dao.go, 3.2.6, injectPseudoGTID.
 */
#ifndef ORC_PLAN_INJECT_H
#define ORC_PLAN_INJECT_H

#include "base/buf.h"
#include "plan/plan.h"

/*
 * The one server of a cluster that gets the markers: reached lately, writable,
 * with a binary log, replicating from nobody or a co-primary.  Of several the
 * one that had them before (last, KEY_NONE: none did), since two writers give
 * no order; else the one nearest to the root, by name.  NULL: there is none.
 *
 * poll	InstancePollSeconds: five of these without an answer are too many
 */
const struct member *inject_target(const struct member *m, size_t n,
    struct key last, dur_t poll, wall_t now);

/*
 * Does the answer to "show grants for current_user()" allow to drop views in
 * the schema _pseudo_gtid_?  All privileges or DROP, on *.* or on that schema.
 */
bool inject_granted(struct bin rows);

/* The statement: drops nothing, is in every log, and is unique. */
void inject_statement(struct buf *b, wall_t now, uint64_t server_id,
    uint64_t random);

#endif
