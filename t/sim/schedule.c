/* SPDX-License-Identifier: Apache-2.0 */
/* When servers are probed: the period, its jitter, back-off, reload. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim/stage.h"
#include "tap.h"

enum { FLEET = 40 };

/* A source with replicas, all of them found. */
static struct stage *
fleet(const char *config, uint64_t seed)
{
	struct stage *st = stage_new(seed, config);
	struct model_server *top = NULL, *s;
	char host[16];

	for (int i = 0; i < FLEET; i++) {
		snprintf(host, sizeof host, "db%02d", i);
		s = model_add(st->world, host, 3306, "8.0.36");
		strcpy(s->report_host, host);
		if (i == 0)
			top = s;
		else
			model_replicate(s, top);
	}
	stage_start(st);
	stage_discover(st, "db00", 3306);
	stage_until_valid(st, FLEET, DUR_S(30));
	return st;
}

static int
by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Gaps between the ends of probes of all servers, over so many seconds. */
struct gaps {
	int64_t *us;
	size_t n;
	int64_t last[FLEET];
};

static void
watch_gaps(struct stage *st, struct gaps *g, int seconds)
{
	char key[32];

	for (int ms = 0; ms < seconds * 1000; ms += 50) {
		stage_run(st, DUR_MS(50));
		for (int i = 0; i < FLEET; i++) {
			const struct member *m;

			snprintf(key, sizeof key, "db%02d:3306", i);
			m = stage_member(st, key);
			if (m == NULL ||
			    m->health.last_attempted.us == g->last[i])
				continue;
			if (g->last[i] != 0) {
				g->us = mem_resize(g->us, g->n + 1,
				    sizeof *g->us);
				g->us[g->n++] = m->health.last_attempted.us -
				    g->last[i];
			}
			g->last[i] = m->health.last_attempted.us;
		}
		stage_release(st);
	}
	qsort(g->us, g->n, sizeof *g->us, by_number);
}

static void
test_period(void)
{
	struct stage *st = fleet("{\"InstancePollSeconds\": 5, "
	    "\"DiscoverByShowSlaveHosts\": true}", 3);
	struct gaps g = { 0 };
	uint64_t before, after;

	stage_run(st, DUR_S(20));
	before = st->world->server[7]->statements;
	do {
		stage_run(st, DUR_MS(10));
	} while (st->world->server[7]->statements == before);
	before = st->world->server[7]->statements - before;
	stage_run(st, DUR_S(2)); /* between two probes */
	after = st->world->server[7]->statements;
	watch_gaps(st, &g, 1000);
	after = st->world->server[7]->statements - after;
	/* 200 probes of each, one more or less at the ends. */
	ok(g.n >= FLEET * 198 && g.n <= FLEET * 200, "200 probes in 1000 s");
	if (g.n < FLEET * 198 || g.n > FLEET * 200)
		diag("%zu probes of %d servers", g.n, FLEET);
	ok(after >= 199 * before && after <= 201 * before,
	    "and as many times the statements of one probe");
	ok(g.us[g.n * 99 / 100] <= 5500000, "99%% of the gaps are at most 5.5 s");
	ok(g.us[0] >= 4500000, "none is below 4.5 s");
	ok(g.us[g.n * 9 / 10] - g.us[g.n / 10] > 100000,
	    "jitter spreads them");
	diag("gaps: least %.3f, median %.3f, p99 %.3f, most %.3f s",
	    (double)g.us[0] / 1e6, (double)g.us[g.n / 2] / 1e6,
	    (double)g.us[g.n * 99 / 100] / 1e6,
	    (double)g.us[g.n - 1] / 1e6);
	mem_free(g.us);
	stage_free(st);
}

/* Somebody asks all the time: nobody is probed later for it. */
static void
test_asked(void)
{
	struct stage *st = fleet("{\"InstancePollSeconds\": 5, "
	    "\"DiscoverByShowSlaveHosts\": true}", 4);
	int64_t last = 0, most = 0;

	for (int i = 0; i < 500; i++) {
		const struct member *m;

		if (i % 73 == 0)
			stage_ask_probe(st, "db05", 3306);
		stage_run(st, DUR_MS(100));
		m = stage_member(st, "db05:3306");
		if (last != 0 && m->health.last_attempted.us - last > most)
			most = m->health.last_attempted.us - last;
		last = m->health.last_attempted.us;
	}
	ok(most <= 5600000, "a probe that was asked for puts off no other");
	diag("longest gap %.3f s", (double)most / 1e6);
	stage_free(st);
}

static int64_t
attempts_in(struct stage *st, const char *key, int seconds)
{
	int64_t last = 0, n = 0;

	for (int i = 0; i < seconds * 10; i++) {
		const struct member *m;

		stage_run(st, DUR_MS(100));
		m = stage_member(st, key);
		n += last != 0 && m->health.last_attempted.us != last;
		last = m->health.last_attempted.us;
	}
	return n;
}

static void
test_back_off(void)
{
	struct stage *st = fleet("{\"InstancePollSeconds\": 5, "
	    "\"DiscoverByShowSlaveHosts\": true, "
	    "\"DeadInstancePollSecondsMultiplyFactor\": 2, "
	    "\"DeadInstancePollSecondsMax\": 60}", 5);
	struct model_server *s = st->world->server[5];
	int64_t n;

	s->fault = MODEL_REFUSES;
	stage_run(st, DUR_S(90)); /* 5, 10, 20, 40 and then 60 s apart */
	n = attempts_in(st, "db05:3306", 600);
	ok(n >= 9 && n <= 10, "a dead server is asked every 60 s at last");
	if (n < 9 || n > 10)
		diag("%lld times in 600 s", (long long)n);
	n = attempts_in(st, "db06:3306", 100);
	ok(n >= 19 && n <= 20, "others keep their period");
	s->fault = MODEL_UP;
	is_int(stage_discover(st, "db05", 3306), ERR_NONE,
	    "it is back, and someone asks");
	n = attempts_in(st, "db05:3306", 50);
	ok(n >= 9 && n <= 10, "then its period is the usual one at once");
	if (n < 9 || n > 10)
		diag("%lld times in 50 s", (long long)n);
	stage_free(st);
}

static void
test_reload(void)
{
	struct stage *st = fleet("{\"InstancePollSeconds\": 5, "
	    "\"DiscoverByShowSlaveHosts\": true}", 6);
	int64_t n;

	is_int(stage_reload(st, "{\"InstancePollSeconds\": 1, "
	    "\"DiscoverByShowSlaveHosts\": true}"), ERR_NONE,
	    "another period is read");
	stage_run(st, DUR_S(6));
	n = attempts_in(st, "db09:3306", 60);
	ok(n >= 58 && n <= 61, "and holds from the next probe on");
	is_int(stage_reload(st, "{\"InstancePollSeconds\": \"x\"}"),
	    ERR_INVALID, "a broken one is refused");
	n = attempts_in(st, "db09:3306", 60);
	ok(n >= 58 && n <= 61, "and changes nothing");
	stage_free(st);
}

int
main(void)
{
	test_period();
	test_asked();
	test_back_off();
	test_reload();
	return tap_done();
}
