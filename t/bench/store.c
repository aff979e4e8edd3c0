/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What remembering costs: servers written in transactions of 1, 100 and 500,
 * read back, operators' commands, and looking for other processes' writes.
 * Ratios and CPU count; the file is in TMPDIR, so its disk shows in wall time.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"

enum { SERVERS = 5000, WATCHES = 20000, COMMANDS = 2000 };

static char dir[256];
static char path[300];
static struct err err;

struct timing {
	double wall;
	double cpu;
};

static double
seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct timing
start(void)
{
	return (struct timing){ seconds(CLOCK_MONOTONIC),
		seconds(CLOCK_PROCESS_CPUTIME_ID) };
}

static struct timing
since(struct timing t)
{
	return (struct timing){ seconds(CLOCK_MONOTONIC) - t.wall,
		seconds(CLOCK_PROCESS_CPUTIME_ID) - t.cpu };
}

static void
must(enum err_code code)
{
	if (code == ERR_NONE)
		return;
	fprintf(stderr, "%s\n", err.text);
	exit(1);
}

/* A replica as a probe finds it; n makes it another one, round changes it. */
static void
make_server(struct instance *in, struct health *h, char host[32], uint32_t n,
    int round)
{
	static const char gtids[] = "3e11fa47-71ca-11e1-9e33-c80aa9429562:"
	    "1-123456789,4e11fa47-71ca-11e1-9e33-c80aa9429562:1-987654321";

	instance_init(in);
	*h = (struct health){ .error = "",
		.last_seen = { 1795395723000000 + round } };
	snprintf(host, 32, "db%05u.example.com", (unsigned)n);
	in->key = (struct key){ host, 3306 };
	in->version = "8.4.0";
	in->server_uuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
	in->executed_gtid_set = gtids;
	in->gtid_purged = gtids;
	in->exec_coord = (struct coord){ "binlog.000123", round, false };
	in->read_coord = in->self_coord = in->exec_coord;
	in->source_key = (struct key){ "db00000.example.com", 3306 };
	in->uptime = (uint64_t)round;
}

static void
write_all(struct store *s, int batch, int round, bool health_only)
{
	struct instance in;
	struct health h;
	char host[32];

	for (uint32_t i = 0; i < SERVERS; i++) {
		if (i % (uint32_t)batch == 0)
			must(store_begin(s, &err));
		make_server(&in, &h, host, i, round);
		must(health_only ? store_put_health(s, in.key, &h, &err) :
		    store_put_instance(s, &in, &h, &err));
		if (i % (uint32_t)batch == (uint32_t)batch - 1 ||
		    i == SERVERS - 1)
			must(store_commit(s, &err));
	}
}

static void
bench_writes(struct store *s)
{
	static const int batches[] = { 1, 100, 500 };
	double first = 0;

	write_all(s, 500, 0, false);
	printf("servers, every row changed\n");
	for (int i = 0; i < 3; i++) {
		struct timing t = start();

		write_all(s, batches[i], 1 + i, false);
		t = since(t);
		first = i == 0 ? t.cpu : first;
		printf("  batch %3d  %8.0f rows/s  %5.1f us CPU a row  %.2f of "
		    "batch 1\n", batches[i], SERVERS / t.wall,
		    t.cpu / SERVERS * 1e6, t.cpu / first);
	}
	struct timing t = start();

	write_all(s, 100, 9, true);
	t = since(t);
	printf("  last-seen only, batch 100  %5.1f us CPU a row\n",
	    t.cpu / SERVERS * 1e6);
}

static void
see(void *arg, const struct instance *in, const struct health *h)
{
	(void)h;
	*(size_t *)arg += in->key.port != 0;
}

static void
bench_reads(struct store *s)
{
	struct timing t = start();
	size_t n = 0;

	must(store_load_instances(s, see, &n, &err));
	t = since(t);
	printf("read back %zu servers in %.1f ms (%.1f us CPU each)\n", n,
	    t.wall * 1e3, t.cpu / (double)n * 1e6);
	t = start();
	n = 0;
	for (int i = 0; i < WATCHES; i++)
		n += store_changed_outside(s);
	t = since(t);
	printf("look for another process's writes: %.2f us CPU; once a second: "
	    "%.5f %% of a core\n", t.cpu / WATCHES * 1e6,
	    t.cpu / WATCHES * 100);
}

/* Promotion rules said again and again, as a cron job on each server does. */
static void
bench_commands(struct store *s, uint32_t servers)
{
	struct control *c = control_new(), *next;
	struct timing apply = { 0, 0 }, put = { 0, 0 }, t;
	char host[32];
	struct buf b;

	buf_init(&b);
	for (uint32_t i = 0; i < servers + COMMANDS; i++) {
		snprintf(host, sizeof host, "db%05u.example.com",
		    (unsigned)(i * 7919 % servers));
		buf_reset(&b);
		command_pack(&b, register_candidate, .at = { 1 + i },
		    .key = { host, 3306 }, .rule = RULE_PREFER);
		t = start();
		must(control_apply(c, (struct bin){ (uint8_t *)b.data, b.len },
		    &next, NULL, &err));
		t = since(t);
		if (i >= servers)
			apply.cpu += t.cpu;
		t = start();
		if (i >= servers) {
			must(store_begin(s, &err));
			must(store_put_control(s, c, next, &err));
			must(store_commit(s, &err));
			put.cpu += since(t).cpu;
		}
		control_unref(c);
		c = next;
	}
	printf("a command among %u rows: %.1f us CPU, its journal %.1f us\n",
	    (unsigned)servers, apply.cpu / COMMANDS * 1e6,
	    put.cpu / COMMANDS * 1e6);
	control_unref(c);
	buf_fini(&b);
}

int
main(void)
{
	const char *tmp = getenv("TMPDIR");
	struct store_arg arg = { .path = path, .migrate = true };
	struct store *s;
	struct stat st;

	snprintf(dir, sizeof dir, "%s/orc-bench-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof path, "%s/db", dir);
	must(store_open(&s, &arg, &err));
	bench_writes(s);
	bench_reads(s);
	bench_commands(s, 100);
	bench_commands(s, 5000);
	bench_commands(s, 50000);
	store_checkpoint(s);
	if (stat(path, &st) == 0)
		printf("file: %.0f bytes a server\n",
		    (double)st.st_size / SERVERS);
	store_close(s);
	unlink(path);
	rmdir(dir);
	return 0;
}
