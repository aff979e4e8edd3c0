/* SPDX-License-Identifier: Apache-2.0 */
/* Discovery with the real store, control and audit, on a real file. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "actors/control.h"
#include "base/mem.h"
#include "sim/stage.h"
#include "tap.h"

#define CONFIG "{\"InstancePollSeconds\": 5, " \
	"\"DiscoverByShowSlaveHosts\": true, " \
	"\"DetectPromotionRuleQuery\": \"SELECT rule\"}"

/* a with replicas b and c, d below c. */
static struct stage *
four(uint64_t seed)
{
	static const char *const host[] = { "a", "b", "c", "d" };
	static const int above[] = { -1, 0, 0, 2 };
	struct stage *st = stage_new_on_file(seed, CONFIG);
	struct model_server *s;

	for (int i = 0; i < 4; i++) {
		s = model_add(st->world, host[i], 3306, "8.0.36");
		strcpy(s->report_host, host[i]);
		model_set_query(s, "SELECT rule", "prefer", 0);
		if (above[i] >= 0)
			model_replicate(s, st->world->server[above[i]]);
	}
	ok(stage_start(st), "it starts on a file that is not there");
	stage_discover(st, "d", 3306);
	stage_until_valid(st, 4, DUR_S(10));
	stage_run(st, DUR_S(12));
	return st;
}

#define TREE "a:3306\n a:3306\n  c:3306\n   d:3306\n  b:3306\n"

static void
test_restart(void)
{
	struct stage *st = four(1);
	uint64_t before;
	const struct control_shared *c;
	struct model_server *b = st->world->server[1];

	is_str(stage_tree(st), TREE, "found");
	before = st->world->server[0]->statements;
	stage_crash(st);
	ok(stage_restart(st, DUR_S(60)), "it starts again");
	is_str(stage_tree(st), TREE, "all is shown at once");
	is_int((int64_t)(st->world->server[0]->statements - before), 0,
	    "before anybody was asked");
	c = board_get(port_ctx(st->port), BOARD_CONTROL, "control");
	ok(c != NULL && control_candidate(c->control,
	    (struct key){ "b", 3306 }) != NULL,
	    "the rule that b's query gave is known");
	shared_unref(c);
	stage_run(st, DUR_S(10));
	is_str(stage_tree(st), TREE, "and stays");

	model_listen(b, "b2", 3306, true);
	strcpy(b->report_host, "b2");
	model_restart(b, stage_now(st));
	stage_crash(st);
	ok(stage_restart(st, DUR_S(60)), "b moves while nobody looks");
	is_str(stage_tree(st), TREE, "it is shown where it was");
	stage_run(st, DUR_S(60));
	is_str(stage_tree(st),
	    "a:3306\n a:3306\n  c:3306\n   d:3306\n  b2:3306\n",
	    "and is found where it is");
	is_int(stage_forget(st, "d", 3306), ERR_NONE, "d is forgotten");
	stage_run(st, DUR_S(1));
	stage_crash(st);
	ok(stage_restart(st, DUR_S(1)), "it starts again");
	is_str(stage_tree(st), "a:3306\n a:3306\n  c:3306\n  b2:3306\n",
	    "without d and without b's old address");
	is_str(stage_rules_broken(st), "", "in order");
	stage_free(st);
}

/* No file may grow from now on, or any again. */
static void
limit_files(bool on)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = on ? 4096 : limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
}

/* A file that cannot be written: probes go on in time. */
static void
test_no_room(void)
{
	struct stage *st = four(2);
	struct model_server *a = st->world->server[0];
	uint64_t before = a->statements;

	/* What a test prints must not be lost: look later. */
	limit_files(true);
	for (int i = 0; i < 20; i++) {
		model_write(a, 3);
		stage_run(st, DUR_S(5));
	}
	limit_files(false);
	ok(stage_logged(st, "ERROR store") > 0, "the store cannot write");
	ok(a->statements - before >= 19 * 8, "probes do not wait for it");
	is_int((int64_t)stage_count(st, true), 4, "all are well");
	stage_run(st, DUR_S(60));
	ok(stage_logged(st, "the store can be written again") > 0,
	    "then it can");
	stage_crash(st);
	ok(stage_restart(st, DUR_S(1)), "and was");
	is_int((int64_t)stage_count(st, false), 4, "all are known");
	stage_free(st);
}

int
main(void)
{
	test_restart();
	test_no_room();
	return tap_done();
}
