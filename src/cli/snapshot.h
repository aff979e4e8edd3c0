/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Working on a saved answer of /api/all-instances instead of a store: what was
 * seen somewhere else can be looked at here.
 */
#ifndef ORC_CLI_SNAPSHOT_H
#define ORC_CLI_SNAPSHOT_H

#include "cli/command.h"
#include "topology/control.h"
#include "topology/cluster.h"

enum {
	SNAPSHOT_BYTES_MAX = 1 << 30,
	SNAPSHOT_ROWS_MAX = 200000,
};

struct snapshot {
	struct instance *in;
	struct member *m; /* by cluster; .in points into in */
	size_t n;
	struct control *control; /* who is downtimed */
	wall_t now;		 /* when it was taken; nothing is older */
	struct arena arena;
};

/*
 * Reads a list of servers, or an answer with such Details; members that v1 has
 * not are passed over, and missing ones are as of a server never seen.  A server
 * whose last check failed counts as not reached, since v1 does not say why.
 *
 * name	for errors: "FILE"
 * MALFORMED: not JSON; INVALID: the text names row, server and member.  In both
 * cases snapshot_fini() is due as well.
 */
enum err_code snapshot_read(struct snapshot *s, const char *name,
    const char *text, size_t len, struct err *err);
void snapshot_fini(struct snapshot *s);

/* -c COMMAND -snapshot FILE: the exit status. */
int snapshot_command(const struct flags *f,
    const struct config_source *source);

#endif
