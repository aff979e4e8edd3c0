/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A primary a with replicas b and c, d below b; what is said of it when things
 * fail, and how soon.  Polls of one second.
 */
#include "config.h"

#include <string.h>

#include "actors/cluster_watch.h"
#include "base/mem.h"
#include "sim/stage.h"
#include "tap.h"

#define CONFIG "{\"InstancePollSeconds\": 1, \"DiscoverySeeds\": [\"a\"]}"

enum { A, B, C, D, SERVERS };

static struct stage *
grown(uint64_t seed, const char *version)
{
	static const char *const host[] = { "a", "b", "c", "d" };
	struct stage *st = stage_new(seed, CONFIG);
	struct model_server *s[SERVERS];

	for (int i = 0; i < SERVERS; i++)
		s[i] = model_add(st->world, host[i], 3306, version);
	model_write(s[A], 100);
	model_replicate(s[B], s[A]);
	model_replicate(s[C], s[A]);
	model_replicate(s[D], s[B]);
	return st;
}

static struct stage *
running(uint64_t seed)
{
	struct stage *st = grown(seed, "8.0.36");

	stage_start(st);
	if (!stage_until_valid(st, SERVERS, DUR_S(5)))
		diag("they were not found");
	stage_run(st, DUR_S(3));
	return st;
}

static struct model_server *
server(struct stage *st, int i)
{
	return st->world->server[i];
}

/* ---- what is published ---- */

struct look {
	const struct analysis *an;
	const struct verdict *verdict;
};

static struct look
look_at(struct stage *st, const char *key)
{
	const struct cluster_snap *snap = stage_cluster(st,
	    stage_place(st, key));
	char text[KEY_TEXT_MAX];

	for (size_t i = 0; snap != NULL && i < snap->n; i++)
		if (strcmp(key_text(snap->members[i].in->key, text), key) == 0)
			return (struct look){ &snap->analysis->all.at[i],
				&snap->analysis->verdict[i] };
	return (struct look){ 0 };
}

static const char *
said(struct stage *st, const char *key)
{
	return stage_analysis(st, key);
}

struct wish {
	struct stage *st;
	const char *key, *code;
	bool confirmed;
};

static bool
is_said(void *arg)
{
	const struct wish *w = arg;
	struct look l;

	stage_release(w->st); /* what was looked at before */
	l = look_at(w->st, w->key);

	return l.an != NULL &&
	    strcmp(analysis_name(l.an->code), w->code) == 0 &&
	    (!w->confirmed || l.verdict->confirmed);
}

/* Milliseconds until that is said of a; -1: not within the limit. */
static int64_t
until_said(struct stage *st, const char *code, bool confirmed, dur_t limit)
{
	struct wish w = { st, "a:3306", code, confirmed };
	mono_t begin = stage_now(st);

	if (!stage_until(st, limit, is_said, &w)) {
		diag("a is said to be %s", said(st, "a:3306"));
		return -1;
	}
	return mono_sub(stage_now(st), begin).us / 1000;
}

static unsigned
said_dead(struct stage *st)
{
	return stage_logged(st, ": Dead");
}

static void
kill_server(struct model_server *s, enum model_fault how)
{
	s->fault = how;
	s->incarnation++; /* its connections are broken */
}

/* ---- stories ---- */

static void
test_dead(uint64_t seed)
{
	struct stage *st = running(seed);
	uint64_t asked, usual;
	int64_t dead, sure;

	is_str(said(st, "a:3306"), "NoProblem", "all is well");
	usual = server(st, B)->statements;
	stage_run(st, DUR_S(20));
	usual = (server(st, B)->statements - usual) / 20 + 1;
	kill_server(server(st, A), MODEL_REFUSES);
	dead = until_said(st, "DeadMaster", false, DUR_S(5));
	ok(dead >= 0 && dead <= 2000, "a dead primary: %lld ms",
	    (long long)dead);
	sure = until_said(st, "DeadMaster", true, DUR_S(5));
	ok(sure >= 0 && dead + sure <= 3000, "and once more, to be sure: "
	    "%lld ms later", (long long)sure);
	is_str(said(st, "b:3306"), "FirstTierReplicaFailingToConnectToMaster",
	    "its replicas say why");
	stage_run(st, DUR_S(5));
	is_str(said(st, "a:3306"), "DeadMaster", "and so it stays");
	is_int(st->store.detections, 1, "which is detected once");
	asked = server(st, B)->statements;
	stage_run(st, DUR_S(20));
	asked = server(st, B)->statements - asked;
	ok(asked <= 21 * usual, "what is sure is left to the schedule: %llu "
	    "statements of a replica in 20 s", (unsigned long long)asked);
	server(st, A)->fault = MODEL_UP;
	ok(until_said(st, "NoProblem", false, DUR_S(10)) >= 0, "until it is "
	    "back");
	stage_free(st);
}

/* Only we do not reach it. */
static void
test_one_way(void)
{
	struct stage *st = running(2);
	uint64_t before;

	stage_cut(st, "a", true);
	ok(until_said(st, "UnreachableMaster", false, DUR_S(5)) >= 0,
	    "a primary that only we do not reach");
	before = server(st, B)->statements;
	stage_run(st, DUR_S(10));
	is_str(said(st, "a:3306"), "UnreachableMaster", "stays so");
	ok(server(st, B)->statements > before, "its replicas are asked");
	is_int(said_dead(st), 0, "nobody is said to be dead");
	stage_cut(st, "a", false);
	ok(until_said(st, "NoProblem", false, DUR_S(10)) >= 0, "it is reached "
	    "again");
	stage_free(st);
}

static void
test_stopped(void)
{
	struct stage *st = running(3);

	server(st, B)->io_wanted = server(st, C)->io_wanted = false;
	ok(until_said(st, "AllMasterReplicasNotReplicating", false,
		DUR_S(3)) >= 0, "replicas were stopped");
	server(st, B)->io_wanted = server(st, C)->io_wanted = true;
	ok(until_said(st, "NoProblem", false, DUR_S(3)) >= 0, "and started");
	model_restart(server(st, B), stage_now(st));
	model_restart(server(st, C), stage_now(st));
	stage_run(st, DUR_S(5));
	is_str(said(st, "a:3306"), "NoProblem", "they restarted at once");
	is_int(said_dead(st), 0, "nobody is said to be dead");
	stage_free(st);
}

static void
test_hung(void)
{
	struct stage *st = running(4);
	int64_t ms;

	server(st, A)->fault = MODEL_HANGS;
	ms = until_said(st, "UnreachableMaster", false, DUR_S(10));
	if (ms < 0)
		ms = until_said(st, "DeadMaster", false, DUR_S(1));
	ok(ms >= 0 && ms <= 4000, "a primary that accepts and never answers: "
	    "%lld ms", (long long)ms);
	ok(look_at(st, "a:3306").an->facts.hangs, "that it hangs is known");
	stage_free(st);
}

/*
 * It restarts, and no connection to it is to be had for a while: that it cannot
 * be asked is not its fault.
 */
static void
test_waiting(void)
{
	struct stage *st = running(11);

	kill_server(server(st, A), MODEL_UP);
	server(st, A)->latency = DUR_MS(1900);
	server(st, B)->io_wanted = server(st, C)->io_wanted = false;
	ok(until_said(st, "AllMasterReplicasNotReplicating", false,
		DUR_S(5)) >= 0, "replicas are stopped");
	stage_run(st, DUR_S(20));
	is_int(said_dead(st), 0, "a connection that takes 1.9 s, and answers "
	    "as well: nobody is said to be dead");
	stage_free(st);
}

static void
test_alive(enum model_fault how, const char *what)
{
	struct stage *st = running(5);

	kill_server(server(st, A), how);
	server(st, B)->io_wanted = server(st, C)->io_wanted = false;
	ok(until_said(st, "RefusingMaster", false, DUR_S(5)) >= 0,
	    "%s: it lives", what);
	stage_run(st, DUR_S(20));
	is_str(said(st, "a:3306"), "RefusingMaster", "still");
	is_int(said_dead(st), 0, "nobody is said to be dead");
	is_int(st->store.detections, 0, "and nothing is detected");
	stage_free(st);
}

static void
test_all_dead(void)
{
	struct stage *st = running(6);

	for (int i = 0; i < SERVERS; i++)
		kill_server(server(st, i), MODEL_REFUSES);
	ok(until_said(st, "DeadMasterAndReplicas", false, DUR_S(5)) >= 0,
	    "nobody answers");
	stage_run(st, DUR_S(10));
	is_str(said(st, "a:3306"), "DeadMasterAndReplicas", "and so it stays");
	ok(!look_at(st, "a:3306").verdict->confirmed, "which nobody acts on");
	stage_free(st);
}

static void
test_some_dead(void)
{
	struct stage *st = running(7);

	kill_server(server(st, A), MODEL_REFUSES);
	kill_server(server(st, C), MODEL_SILENT);
	ok(until_said(st, "DeadMasterAndSomeReplicas", false, DUR_S(15)) >= 0,
	    "a replica died with its primary");
	stage_free(st);
}

static void
test_intermediate(void)
{
	struct stage *st = running(8);
	struct wish w = { st, "b:3306",
		"DeadIntermediateMasterWithSingleReplicaFailingToConnect",
		false };

	kill_server(server(st, B), MODEL_REFUSES);
	ok(stage_until(st, DUR_S(5), is_said, &w), "a dead intermediate");
	is_str(said(st, "a:3306"), "NoProblem", "its source has another one");
	stage_free(st);
}

/* All are as they were: that they were asked is what is new. */
static void
test_settling(void)
{
	struct stage *st = running(12);

	stage_crash(st);
	stage_restart(st, DUR_S(30));
	stage_run(st, DUR_S(2));
	server(st, B)->io_wanted = server(st, C)->io_wanted = false;
	ok(until_said(st, "AllMasterReplicasNotReplicating", false,
		DUR_S(3)) >= 0, "soon after a start what happens is told");
	is_str(stage_rules_broken(st), "", "of what is shown");
	stage_free(st);
}

/* It knows the servers from its store, and the primary is gone meanwhile. */
static void
test_fresh(void)
{
	struct stage *st = running(9);

	stage_crash(st);
	kill_server(server(st, A), MODEL_REFUSES);
	stage_restart(st, DUR_S(30));
	ok(until_said(st, "UnseenMaster", false, DUR_S(5)) >= 0,
	    "a primary not reached since the start");
	stage_run(st, DUR_S(30));
	is_str(said(st, "a:3306"), "UnseenMaster", "is not judged");
	is_int(said_dead(st), 0, "nobody is said to be dead");
	server(st, A)->fault = MODEL_UP;
	ok(until_said(st, "NoProblem", false, DUR_S(70)) >= 0, "reached");
	kill_server(server(st, A), MODEL_REFUSES);
	ok(until_said(st, "DeadMaster", false, DUR_S(5)) >= 0,
	    "from then on it is");
	stage_free(st);
}

/* Nothing happens: nothing is analysed or said. */
static void
test_quiet(void)
{
	struct stage *st = running(10);
	const struct cluster_analysis *was =
	    stage_cluster(st, "a:3306")->analysis;

	for (int i = 0; i < 30; i++) {
		model_write(server(st, A), 10);
		stage_run(st, DUR_S(1));
	}
	ok(stage_cluster(st, "a:3306")->analysis == was,
	    "while only positions move, one analysis serves");
	is_int(stage_logged(st, "analys"), 0, "nothing is logged");
	stage_free(st);
}

int
main(void)
{
	for (uint64_t seed = 1; seed <= 20; seed++)
		test_dead(seed);
	test_one_way();
	test_stopped();
	test_hung();
	test_waiting();
	test_alive(MODEL_DENIES, "access denied");
	test_alive(MODEL_FULL, "too many connections");
	test_alive(MODEL_GARBAGE, "nonsense");
	test_all_dead();
	test_some_dead();
	test_intermediate();
	test_fresh();
	test_settling();
	test_quiet();
	return tap_done();
}
