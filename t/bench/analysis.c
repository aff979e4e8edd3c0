/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time of analysing a cluster, of several sizes: a primary with replicas
 * that are well, and one that is gone.
 */
#include "config.h"

#include "bench.h"

#include "base/mem.h"
#include "topology/analysis.h"

enum { BIGGEST = 1000, MEMBERS = 4000000 };

static struct instance in[BIGGEST];
static struct member m[BIGGEST];
static struct analysis_stand stand[BIGGEST];
static char host[BIGGEST][16];

static void
make(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct health *h = &m[i].health;

		instance_init(&in[i]);
		snprintf(host[i], sizeof host[i], "db%zu", i);
		in[i].key = (struct key){ host[i], 3306 };
		in[i].version = "8.4.3";
		in[i].binlog_format = "ROW";
		in[i].gtid_mode = "ON";
		in[i].log_bin = in[i].log_replica_updates = true;
		in[i].using_oracle_gtid = true;
		if (i > 0) {
			in[i].source_key = in[0].key;
			in[i].io_running = in[i].sql_running = true;
		}
		h->last_attempted = h->last_checked = h->last_seen =
		    (wall_t){ 2000000 };
		h->error = "";
		m[i].in = &in[i];
	}
}

static void
measure(size_t n, bool gone)
{
	const struct analysis_rules rules = { .now = { 3000000 },
		.started = { 1 }, .patience = { 2000000 },
		.lag = { 10000000 }, .locked = { 10000000 } };
	size_t runs = MEMBERS / n;
	unsigned codes = 0;
	struct arena a;
	struct lap l;

	make(n);
	if (gone) {
		m[0].health.last_seen.us = 1000000;
		m[0].health.error_code = ERR_UNREACHABLE;
		for (size_t i = 1; i < n; i++)
			in[i].io_running = false;
	}
	arena_init(&a);
	l = lap_begin();
	for (size_t r = 0; r < runs; r++) {
		struct analyses all;

		analyse(&all, m, n, &rules, stand, &a);
		codes += all.at[0].code;
		arena_reset(&a);
	}
	l = lap_end(l);
	arena_fini(&a);
	printf("%4zu servers, %s: %9.1f ns a cluster %6.1f ns a server (%s)\n",
	    n, gone ? "primary gone" : "all well    ",
	    (double)l.cpu_ns / (double)runs,
	    (double)l.cpu_ns / (double)runs / (double)n,
	    analysis_name((enum analysis_code)(codes / runs)));
}

int
main(void)
{
	static const size_t size[] = { 3, 10, 100, 1000 };

	for (size_t i = 0; i < MEM_COUNT(size); i++) {
		measure(size[i], false);
		measure(size[i], true);
	}
	return 0;
}
