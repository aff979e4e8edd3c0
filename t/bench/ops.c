/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time of an operation, from its raw path to its answer, on one thread: no
 * network, no other thread.  Prints microseconds a call, and how many times that
 * is the cheapest one.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ops_world.h"

static size_t bytes;

static void
on_done(void *arg, struct op_call *call, const struct op_reply *reply)
{
	(void)arg;
	(void)call;
	bytes += reply->len;
}

static double
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double
measure(struct world *w, const char *path, int calls)
{
	size_t len = strlen(path);
	double begin = cpu_us();

	bytes = 0;
	for (int i = 0; i < calls; i++) {
		struct op_call *call = ops_open_path(w->ops, path, len);

		ops_start(call, on_done, NULL);
		ops_close(call);
	}
	return (cpu_us() - begin) / calls;
}

int
main(void)
{
	static const char *const path[] = { "/api/lb-check",
		"/api/cluster-info/alpha", "/api/instance/db1/3306",
		"/api/cluster/alpha", "/api/topology/alpha",
		"/api/all-instances" };
	double first = 0;
	struct world w;

	world_start(&w, "");
	for (size_t i = 0; i < sizeof(path) / sizeof(path[0]); i++) {
		double us;

		measure(&w, path[i], 2000);
		us = measure(&w, path[i], 20000);
		if (i == 0)
			first = us;
		printf("%-26s %8.2f us %8.1f x %8zu bytes\n", path[i], us,
		    us / first, bytes / 20000);
	}
	world_end(&w);
	return 0;
}
