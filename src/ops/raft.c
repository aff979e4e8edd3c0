/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node that is in no raft group says so, with v1's words: they name the call
 * that v1 makes inside, which is not always the one that was asked for.
 */
#include "config.h"

#include "ops/call.h"

static void
no_group(struct op_call *c, const char *inside)
{
	reply_error(c, "%s: not running with raft setup", inside);
}

void
op_run_raft_state(struct op_call *c)
{
	no_group(c, "raft-state");
}

void
op_run_raft_leader(struct op_call *c)
{
	no_group(c, "raft-leader");
}

void
op_run_raft_peers(struct op_call *c)
{
	no_group(c, "raft-nodes");
}
