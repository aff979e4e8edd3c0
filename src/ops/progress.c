/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far the discovery is: counters that grow to equality while a fleet is
 * found, and after a start while all of it is looked at again.
 */
#include "config.h"

#include "actors/progress.h"
#include "ops/view.h"

void
op_run_discovery_progress(struct op_call *c)
{
	struct json *w = reply_raw(c);
	struct progress p = progress_now(op_ctx(c));

	json_obj(w);
	json_kuint(w, "Known", p.known);
	json_kuint(w, "Probed", p.probed);
	json_kuint(w, "Reached", p.reached);
	json_kuint(w, "Failing", p.failing);
	json_kuint(w, "Clusters", p.clusters);
	json_kuint(w, "Connecting", p.connecting);
	json_kuint(w, "WaitingToConnect", p.waiting);
	json_kbool(w, "Complete", p.probed >= p.known);
	json_end(w);
	reply_sent(c, 200);
}
