/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon starts, is killed, starts again; and who asks it meanwhile. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sim/stage.h"
#include "tap.h"

#define CONFIG "{\"InstancePollSeconds\": 5, " \
	"\"DiscoverByShowSlaveHosts\": true, " \
	"\"MySQLConnectTimeoutSeconds\": 2, " \
	"\"MySQLDiscoveryReadTimeoutSeconds\": 6}"

static struct stage *
three(uint64_t seed)
{
	static const char *const host[] = { "a", "b", "c" };
	struct stage *st = stage_new(seed, CONFIG);
	struct model_server *s;

	for (int i = 0; i < 3; i++) {
		s = model_add(st->world, host[i], 3306, "8.0.36");
		strcpy(s->report_host, host[i]);
		if (i > 0)
			model_replicate(s, st->world->server[i - 1]);
	}
	stage_start(st);
	stage_discover(st, "a", 3306);
	stage_until_valid(st, 3, DUR_S(10));
	stage_run(st, DUR_S(10));
	return st;
}

#define TREE "a:3306\n a:3306\n  b:3306\n   c:3306\n"

static void
test_known_at_once(void)
{
	struct stage *st = three(1);
	uint64_t before = st->world->server[0]->statements;
	const struct member *m;
	int64_t age;

	stage_crash(st);
	ok(stage_restart(st, DUR_S(3600)), "it starts an hour later");
	is_str(stage_tree(st), TREE, "all is shown at once");
	is_int((int64_t)(st->world->server[0]->statements - before), 0,
	    "before anybody was asked");
	m = stage_member(st, "b:3306");
	age = wall_sub(sim_wall(st->sim), m->health.last_seen).us / 1000000;
	ok(age >= 3600 && age < 3640, "its age is an hour: %lld s",
	    (long long)age);
	is_str(m->in->source_key.host, "a", "its facts");
	is_int((int64_t)stage_directory(st)->reached, 0, "reached: none yet");
	stage_run(st, DUR_MS(5700));
	is_str(stage_tree(st), TREE, "a period later it is as it was");
	m = stage_member(st, "b:3306");
	age = wall_sub(sim_wall(st->sim), m->health.last_seen).us / 1000000;
	ok(age <= 5, "and fresh");
	is_int((int64_t)stage_directory(st)->reached, 3, "reached: all");
	is_str(stage_rules_broken(st), "", "in order");
	stage_free(st);
}

/* The command line reads the file while the daemon runs, or ran until now. */
static void
test_file_is_fresh(void)
{
	struct stage *st = three(9);
	const struct member *m;
	int64_t age, oldest = 0;

	for (int i = 0; i < 30; i++) {
		stage_run(st, DUR_MS(60000 + i * 1700));
		stage_crash(st);
		stage_restart(st, DUR_ZERO);
		m = stage_member(st, "b:3306");
		age = wall_sub(sim_wall(st->sim), m->health.last_checked).us;
		oldest = age > oldest ? age : oldest;
	}
	ok(oldest <= DUR_S(25).us, "nobody is taken for unchecked: %.1f s",
	    (double)oldest / 1e6);
	stage_run(st, DUR_S(8));
	st->world->server[2]->fault = MODEL_REFUSES;
	stage_run(st, DUR_S(7));
	stage_crash(st);
	stage_restart(st, DUR_ZERO);
	m = stage_member(st, "c:3306");
	ok(m->health.failures > 0, "a failure is kept at once");
	stage_free(st);
}

/* Killed at any moment of a discovery. */
static void
test_killed(void)
{
	unsigned bad = 0;

	for (uint64_t seed = 0; seed < 40; seed++) {
		struct stage *st = stage_new(seed, CONFIG);

		for (int i = 0; i < 6; i++) {
			char host[16];
			struct model_server *s;

			snprintf(host, sizeof host, "h%d", i);
			s = model_add(st->world, host, 3306, "8.4.3");
			strcpy(s->report_host, host);
			if (i > 0)
				model_replicate(s,
				    st->world->server[(i - 1) / 2]);
		}
		stage_start(st);
		stage_ask_probe(st, "h5", 3306);
		for (int k = 0; k < 3; k++) {
			stage_run(st, DUR_MS(seed * 7));
			stage_crash(st);
			bad += !stage_restart(st, DUR_MS(10));
			bad += stage_rules_broken(st)[0] != '\0';
		}
		stage_ask_probe(st, "h5", 3306);
		bad += !stage_until_valid(st, 6, DUR_S(60));
		bad += stage_rules_broken(st)[0] != '\0';
		stage_free(st);
	}
	is_int(bad, 0, "killed at any moment: all is found again");
}

static void
test_store(void)
{
	struct stage *st = three(2);
	unsigned writes, healths;

	stage_run(st, DUR_S(60));
	writes = st->store.writes;
	healths = st->store.healths;
	stage_run(st, DUR_S(300));
	is_int((int64_t)(st->store.writes - writes), 0,
	    "nothing new: no facts are written");
	healths = st->store.healths - healths;
	ok(healths >= 12 && healths <= 18, "times now and then: %u in 300 s",
	    healths);
	stage_crash(st);
	st->store.refuses_load = true;
	ok(!stage_start(st), "a store that cannot be read ends the start");
	is_int(st->answer[0].code, ERR_IO, "that is the answer");
	stage_crash(st);
	st->store.refuses_load = false;
	st->store.load_delay = DUR_S(30);
	ok(stage_restart(st, DUR_S(1)), "a slow one delays it");
	is_str(stage_tree(st), TREE, "and then all is shown");
	stage_free(st);
}

/* ---- requests ---- */

static void
test_requests(void)
{
	struct stage *st = three(3);
	uint32_t ask[80];
	unsigned busy = 0, good = 0, once = 0;

	st->world->server[1]->fault = MODEL_HANGS;
	for (int i = 0; i < 80; i++)
		ask[i] = stage_ask_probe(st, "b", 3306);
	stage_run(st, DUR_S(20));
	for (int i = 0; i < 80; i++) {
		const struct stage_answer *a = stage_wait(st, ask[i], DUR_S(1));

		once += stage_answers_to(st, ask[i]) == 1;
		busy += a->code == ERR_BUSY;
		good += a->code == ERR_TIMEOUT;
	}
	is_int(once, 80, "80 ask for one that hangs: each answered once");
	is_int(good, 64, "64 with its failure");
	is_int(busy, 16, "the others at once, that there are too many");
	st->world->server[1]->fault = MODEL_UP;
	stage_run(st, DUR_S(15)); /* what hung before ends */
	is_int(stage_discover(st, "b", 3306), ERR_NONE, "then it is well");
	is_int(stage_discover(st, "zz", 3306), ERR_UNREACHABLE,
	    "nobody is there");
	is_int(stage_discover(st, "", 3306), ERR_INVALID, "no name");
	is_int(stage_discover(st, "a", 0), ERR_INVALID, "no port");
	is_int((int64_t)stage_directory(st)->servers, 3, "nothing is kept");
	stage_free(st);
}

/* Two ask for a new server in one breath, which is shown when they know. */
static void
test_two_ask(void)
{
	unsigned bad = 0;

	for (uint64_t seed = 0; seed < 30; seed++) {
		struct stage *st = stage_new(seed, CONFIG);
		uint32_t one, two;

		model_add(st->world, "n", 3306, "8.0.36");
		stage_start(st);
		one = stage_ask_probe(st, "n", 3306);
		two = stage_ask_probe(st, "n", 3306);
		bad += stage_wait(st, one, DUR_S(9))->code != ERR_NONE;
		bad += stage_place(st, "n:3306")[0] == '\0';
		bad += stage_wait(st, two, DUR_S(9))->code != ERR_NONE;
		bad += stage_count(st, true) != 1;
		stage_free(st);
	}
	is_int(bad, 0, "two ask for a new server: who is answered sees it");
}

/* The end of the process, with all kinds of things under way. */
static void
test_end(void)
{
	for (uint64_t seed = 0; seed < 30; seed++) {
		struct stage *st = three(seed);

		st->world->server[1]->fault = MODEL_HANGS;
		stage_ask_probe(st, "b", 3306);
		stage_ask_probe(st, "zz", 3306);
		stage_ask_forget(st, "c", 3306);
		stage_ask_probe(st, "c", 3306);
		stage_run(st, DUR_US(seed * 500));
		stage_free(st);
	}
	ok(true, "it ends with probes and requests under way");
}

int
main(void)
{
	test_known_at_once();
	test_file_is_fresh();
	test_killed();
	test_store();
	test_requests();
	test_two_ask();
	test_end();
	return tap_done();
}
