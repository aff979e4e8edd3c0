/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small world for tests of operations, in the simulator: two clusters as their
 * own actors publish them, a configuration, and the real control actor.
 *
 *	alpha	db1:3306 writable
 *		+ db2:3306
 *		+ db3:3306
 *		  + db4:3306
 *	10.0.0.1:3307 without an alias, read only
 *		- 10.0.0.2:3307 whose SQL thread stopped with an error
 *
 * All were probed well two seconds before WORLD_NOW, except db4, whose last
 * probe failed.
 */
#ifndef ORC_T_UNIT_OPS_WORLD_H
#define ORC_T_UNIT_OPS_WORLD_H

#include "ops/op.h"
#include "runtime/sim.h"
#include "topology/instance.h"

#define WORLD_START "2026-11-23T12:00:00Z"

struct world {
	struct sim *sim;
	struct port *port;
	struct ops *ops;
	struct app app;
	struct {
		char name[KEY_TEXT_MAX];
		addr_t actor;
	} cluster[4];
	size_t clusters;
	bool authorized; /* calls are; true at first */
	/* of the last call */
	int status;
	int retry_after_s;
	bool answered;
	struct buf body;
};

/* json: more of the configuration, "" for none: "\"ReadOnly\":true". */
void world_start(struct world *w, const char *json);
/* The same without any server. */
void world_start_empty(struct world *w, const char *json);
void world_end(struct world *w);

/* The body of the answer to "/api/..." with an optional query. */
const char *world_get(struct world *w, const char *path);
/* The same by name, for those without a path; args: "a=1&b=2". */
const char *world_call(struct world *w, const char *name, const char *args);

/* Start it, wait for its answer, close it. */
const char *world_run(struct world *w, struct op_call *call);

/* Let time go by. */
void world_wait(struct world *w, dur_t d);
/* A server reports with these facts, probed now. */
void world_report(struct world *w, const char *cluster,
    const struct instance *in);

#endif
