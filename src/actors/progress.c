/* SPDX-License-Identifier: Apache-2.0 */
/* How far the discovery is; see progress.h. */
#include "config.h"

#include "actors/progress.h"

#include "actors/dialer.h"
#include "actors/directory.h"

struct progress
progress_now(struct ctx *ctx)
{
	const struct directory_snap *dir = board_get(ctx, BOARD_DIRECTORY,
	    "directory");
	const struct dialer_snap *dialer = board_get(ctx, BOARD_DIALER,
	    "dialer");
	struct progress p = { 0 };

	if (dir != NULL) {
		p.known = dir->servers;
		p.probed = dir->answered;
		p.reached = dir->reached;
		p.failing = dir->failing;
		p.clusters = dir->clusters;
	}
	if (dialer != NULL) {
		p.connecting = dialer->connecting;
		p.waiting = dialer->waiting;
	}
	shared_unref(dir);
	shared_unref(dialer);
	return p;
}
