/* SPDX-License-Identifier: Apache-2.0 */
/* Servers in trouble: what is said of them, how soon, and nothing else. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sim/stage.h"
#include "tap.h"

/* a with replicas b, c, d. */
static struct stage *
small(uint64_t seed)
{
	static const char *const host[] = { "a", "b", "c", "d" };
	struct stage *st = stage_new(seed, "{\"InstancePollSeconds\": 5, "
	    "\"DiscoverByShowSlaveHosts\": true, "
	    "\"DiscoverySeeds\": [\"a\"], "
	    "\"MySQLConnectTimeoutSeconds\": 2, "
	    "\"MySQLDiscoveryReadTimeoutSeconds\": 6}");
	struct model_server *s;

	for (int i = 0; i < 4; i++) {
		s = model_add(st->world, host[i], 3306, "8.0.36");
		strcpy(s->report_host, host[i]);
		if (i > 0)
			model_replicate(s, st->world->server[0]);
	}
	stage_start(st);
	stage_until_valid(st, 4, DUR_S(10));
	stage_run(st, DUR_S(10));
	return st;
}

struct look {
	struct stage *st;
	const char *key;
	bool valid;
};

static bool
is_so(void *arg)
{
	const struct look *l = arg;
	bool so = stage_valid(l->st, l->key) == l->valid;

	stage_release(l->st);
	return so;
}

/* Seconds until its last check is valid, or is not. */
static double
wait_valid(struct stage *st, const char *key, bool valid, dur_t limit)
{
	struct look l = { st, key, valid };
	int64_t from = stage_now(st).us;

	if (!stage_until(st, limit, is_so, &l))
		return 1e9;
	return (double)(stage_now(st).us - from) / 1e6;
}

static const struct {
	const char *what;
	enum model_fault fault;
	double within; /* s */
	enum err_code code;
	const char *text;
} row[] = {
	{ "it is dead", MODEL_REFUSES, 5.6, ERR_UNREACHABLE,
	    "Can't connect" },
	{ "it hangs", MODEL_HANGS, 14, ERR_TIMEOUT, "no answer" },
	{ "its host is gone", MODEL_SILENT, 14, ERR_TIMEOUT, "no answer" },
	{ "it answers what nobody can read", MODEL_GARBAGE, 5.6,
	    ERR_MALFORMED, "cannot be read" },
};

static void
test_fault(size_t i)
{
	struct stage *st = small(11 + i);
	struct model_server *b = st->world->server[1];
	const struct member *m;
	uint64_t others;
	double s;

	b->fault = row[i].fault;
	s = wait_valid(st, "b:3306", false, DUR_S(60));
	ok(s <= row[i].within, "%s: seen after %.1f s", row[i].what, s);
	m = stage_member(st, "b:3306");
	is_int(m->health.error_code, row[i].code, "the kind of error");
	ok(strstr(m->health.error, row[i].text) != NULL, "its text: %s",
	    m->health.error);
	is_int(m->health.partial, false, "nothing was read");
	ok(m->health.last_checked.us > m->health.last_seen.us,
	    "checked later than seen");
	is_str(m->in->source_key.host, "a", "what was known stays");
	others = st->world->server[2]->statements;
	stage_run(st, DUR_S(50));
	others = st->world->server[2]->statements - others;
	m = stage_member(st, "b:3306");
	ok(m->health.failures >= 3, "failures are counted: %u",
	    m->health.failures);
	is_int(stage_count(st, true), 3, "the others are well");
	is_str(stage_rules_broken(st), "", "in order");
	b->fault = MODEL_UP;
	s = wait_valid(st, "b:3306", true, DUR_S(60));
	ok(s <= 8 + 5.6, "it is back: seen after %.1f s", s);
	m = stage_member(st, "b:3306");
	is_int(m->health.failures, 0, "no failure is left");
	is_str(m->health.error, "", "nor a text");
	is_int(stage_logged(st, "WARNING instance b:3306: probe failed"), 1,
	    "what failed is said once, where nobody asked for details");
	is_int(stage_logged(st, "NOTICE instance b:3306: reached again"), 1,
	    "and its end too");
	stage_free(st);
	ok(others > 0, "others were asked meanwhile");
}

/* These are told at the connect only: the connection must break first. */
static void
test_turned_away(enum model_fault fault, enum err_code code, const char *text)
{
	struct stage *st = small(20);
	struct model_server *b = st->world->server[1];
	const struct member *m;

	model_restart(b, stage_now(st));
	b->fault = fault;
	ok(wait_valid(st, "b:3306", false, DUR_S(60)) <= 5.6,
	    "%s: seen within a period", text);
	m = stage_member(st, "b:3306");
	is_int(m->health.error_code, code, "the kind of error");
	ok(strstr(m->health.error, text) != NULL, "its text");
	b->fault = MODEL_UP;
	ok(wait_valid(st, "b:3306", true, DUR_S(60)) <= 5.6, "over again");
	stage_free(st);
}

/* A restart breaks the connection: the next probe opens another. */
static void
test_restart(void)
{
	struct stage *st = small(21);
	struct model_server *b = st->world->server[1];
	uint64_t connects = b->connects;

	model_restart(b, stage_now(st));
	strcpy(b->version, "8.0.37");
	stage_run(st, DUR_S(6));
	is_int(stage_valid(st, "b:3306"), true, "a restart goes unnoticed");
	is_int((int64_t)(b->connects - connects), 1, "but for a connection");
	is_str(stage_member(st, "b:3306")->in->version, "8.0.37",
	    "what cannot change while one lasts is read again");
	ok(stage_member(st, "b:3306")->health.uptime <= 6, "its uptime");
	stage_free(st);
}

/* All but one of many servers hang: that one is probed in time. */
static void
test_most_hang(void)
{
	struct stage *st = small(22);
	const struct member *m;

	for (int i = 1; i < 4; i++)
		st->world->server[i]->fault = MODEL_HANGS;
	stage_run(st, DUR_S(60));
	for (int i = 0; i < 20; i++) {
		stage_run(st, DUR_S(1));
		m = stage_member(st, "a:3306");
		if (wall_sub(sim_wall(st->sim), m->health.last_seen).us >
		    5600000)
			break;
		stage_release(st);
	}
	ok(wall_sub(sim_wall(st->sim), m->health.last_seen).us <= 5600000,
	    "the rest hangs: one is probed in time");
	is_int((int64_t)st->overlaps, 0, "no server has two probes");
	stage_free(st);
}

/* A slow probe shows while it runs: attempted is newer than checked. */
static void
test_slow_shows(void)
{
	struct stage *st = small(23);
	const struct member *m;
	bool shown = false;

	st->world->server[1]->fault = MODEL_HANGS;
	for (int i = 0; i < 100 && !shown; i++) {
		stage_run(st, DUR_MS(100));
		m = stage_member(st, "b:3306");
		shown = m->health.last_attempted.us > m->health.last_checked.us;
		stage_release(st);
	}
	ok(shown, "a probe that hangs shows before it ends");
	stage_free(st);
}

int
main(void)
{
	for (size_t i = 0; i < MEM_COUNT(row); i++)
		test_fault(i);
	test_turned_away(MODEL_DENIES, ERR_DENIED, "Access denied");
	test_turned_away(MODEL_FULL, ERR_SERVER, "Too many connections");
	test_restart();
	test_most_hang();
	test_slow_shows();
	return tap_done();
}
