/* SPDX-License-Identifier: Apache-2.0 */
/* What is left out, what is forgotten, and when it comes back. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sim/stage.h"
#include "tap.h"

#define POLL "\"InstancePollSeconds\": 5, \"DiscoverByShowSlaveHosts\": true"

static struct model_server *
add(struct stage *st, const char *host, const struct model_server *source)
{
	struct model_server *s = model_add(st->world, host, 3306, "8.0.36");

	strcpy(s->report_host, host);
	if (source != NULL)
		model_replicate(s, source);
	return s;
}

/* a with replicas b and c, d below c. */
static struct stage *
four(uint64_t seed, const char *config, const char *ask)
{
	struct stage *st = stage_new(seed, config);
	struct model_server *a = add(st, "a", NULL), *c;

	add(st, "b", a);
	c = add(st, "c", a);
	add(st, "d", c);
	stage_start(st);
	stage_discover(st, ask, 3306);
	stage_run(st, DUR_S(12));
	return st;
}

/* ---- filters ---- */

static void
test_filter(const char *what, const char *more, const char *ask,
    const char *tree)
{
	char *config = mem_printf("{" POLL ", %s}", more);
	struct stage *st = four(71, config, ask);

	stage_run(st, DUR_S(60));
	is_str(stage_tree(st), tree, "%s", what);
	is_str(stage_rules_broken(st), "", "in order");
	stage_free(st);
	mem_free(config);
}

static void
test_filters(void)
{
	test_filter("a host that is ignored",
	    "\"DiscoveryIgnoreHostnameFilters\": [\"^c\"]", "a",
	    "a:3306\n a:3306\n  b:3306\n");
	test_filter("a replica that is ignored",
	    "\"DiscoveryIgnoreReplicaHostnameFilters\": [\"^c\"]", "a",
	    "a:3306\n a:3306\n  b:3306\n");
	test_filter("but it is no source that is ignored",
	    "\"DiscoveryIgnoreReplicaHostnameFilters\": [\"^c\"]", "d",
	    "a:3306\n a:3306\n  c:3306\n   d:3306\n  b:3306\n");
	test_filter("a source that is ignored",
	    "\"DiscoveryIgnoreMasterHostnameFilters\": [\"^a\"]", "c",
	    "c:3306\n c:3306\n  d:3306\n");
	test_filter("a replication user that is ignored",
	    "\"DiscoveryIgnoreReplicationUsernameFilters\": [\"^repl\"]", "a",
	    "a:3306\n a:3306\n");
}

/* ---- forgetting ---- */

static void
test_forget(void)
{
	struct stage *st = four(72, "{" POLL "}", "a");
	struct model_server *c = st->world->server[2];

	ok(stage_stored(st, "b:3306"), "b is in the store");
	is_int(stage_forget(st, "b", 3306), ERR_NONE, "forget b");
	stage_run(st, DUR_MS(100));
	is_str(stage_place(st, "b:3306"), "", "it is gone at once");
	is_int(stage_stored(st, "b:3306"), false, "from the store too");
	is_int(st->sessions, 3, "and its session");
	ok(strstr(st->audit, "forget b:3306") != NULL, "it is audited");
	stage_run(st, DUR_S(14));
	is_str(stage_place(st, "b:3306"), "", "no list brings it back");
	stage_run(st, DUR_S(60));
	is_str(stage_place(st, "b:3306"), "a:3306",
	    "after three periods one does");
	is_int(stage_forget(st, "b", 3306), ERR_NONE, "forget it again");
	is_int(stage_discover(st, "b", 3306), ERR_NONE, "someone asks for it");
	is_str(stage_place(st, "b:3306"), "a:3306", "then it is there at once");
	is_int(stage_forget(st, "zz", 3306), ERR_NOT_FOUND,
	    "what is not known cannot be forgotten");

	is_int(stage_forget(st, "c", 3306), ERR_NONE, "forget c");
	stage_run(st, DUR_MS(100));
	is_str(stage_place(st, "d:3306"), "d:3306",
	    "d is left without its source");
	c->fault = MODEL_REFUSES;
	stage_run(st, DUR_S(80));
	is_str(stage_tree(st), "a:3306\n a:3306\n  b:3306\nc:3306\n c:3306!\n"
	    "  d:3306\n", "d names it, so it is there, unreached");
	is_str(stage_rules_broken(st), "", "in order");
	stage_free(st);
}

static void
test_forget_cluster(void)
{
	struct stage *st = four(73, "{" POLL "}", "a");
	const struct stage_answer *a;

	a = stage_wait(st, stage_ask_forget_cluster(st, "a:3306"), DUR_S(5));
	is_int(a->count, 4, "a cluster is forgotten");
	stage_run(st, DUR_MS(300));
	is_int((int64_t)stage_count(st, false), 0, "nobody is left");
	is_int(st->sessions, 0, "nor a session");
	is_int((int64_t)stage_directory(st)->clusters, 0, "nor a cluster");
	stage_run(st, DUR_S(60));
	is_int((int64_t)stage_count(st, false), 0, "nobody names them");
	a = stage_wait(st, stage_ask_forget_cluster(st, "a:3306"), DUR_S(5));
	is_int(a->code, ERR_NOT_FOUND, "it is not known any more");
	a = stage_wait(st, stage_ask_forget_cluster(st, ""), DUR_S(5));
	is_int(a->code, ERR_NOT_FOUND, "nor is a cluster without a name");
	stage_free(st);
}

/* Its other names are forgotten with it. */
static void
test_other_names(void)
{
	struct stage *st = stage_new(74, "{" POLL
	    ", \"MySQLHostnameResolveMethod\": \"@@hostname\"}");
	struct model_server *a = add(st, "a", NULL), *b;

	b = add(st, "10.0.0.2", a);
	strcpy(b->hostname, "b");
	stage_start(st);
	stage_discover(st, "a", 3306);
	stage_run(st, DUR_S(12));
	is_str(stage_place(st, "b:3306"), "a:3306", "b is there");
	stage_forget(st, "b", 3306);
	stage_run(st, DUR_S(14));
	is_str(stage_place(st, "b:3306"), "",
	    "forgotten by name, it is not found by its address");
	stage_run(st, DUR_S(60));
	is_str(stage_place(st, "b:3306"), "a:3306", "but later");
	stage_free(st);
}

/* A late goodbye must not take away who came after. */
static void
test_at_once(void)
{
	unsigned bad = 0;

	for (uint64_t seed = 100; seed < 300; seed++) {
		struct stage *st = four(seed, "{" POLL "}", "a");
		uint32_t serial;

		/* As quick as can be: the old actor is not done yet. */
		st->world->server[1]->latency = DUR_ZERO;

		stage_ask_forget(st, "b", 3306);
		serial = stage_ask_probe(st, "b", 3306);
		stage_wait(st, serial, DUR_S(5));
		bad += stage_place(st, "b:3306")[0] == '\0';
		stage_run(st, DUR_S(1));
		bad += !stage_valid(st, "b:3306");
		bad += stage_rules_broken(st)[0] != '\0';
		stage_free(st);
	}
	is_int(bad, 0, "forgotten and asked for in one breath: it is there");
}

static void
test_unseen(void)
{
	struct stage *st = four(75, "{\"InstancePollSeconds\": 60, "
	    "\"DiscoverByShowSlaveHosts\": true, "
	    "\"UnseenInstanceForgetHours\": 2}", "a");

	stage_run(st, DUR_S(120));
	is_int((int64_t)stage_count(st, true), 4, "four are there");
	st->world->server[3]->fault = MODEL_REFUSES;
	stage_run(st, DUR_S(7000));
	is_int((int64_t)stage_count(st, false), 4, "one is dead and shown");
	stage_run(st, DUR_S(400));
	is_int((int64_t)stage_count(st, false), 3,
	    "not seen for two hours it is forgotten");
	is_int(stage_logged(st, "not seen for 2 hours"), 1, "it is logged");
	is_int(stage_stored(st, "d:3306"), false, "by the store too");
	stage_free(st);
}

int
main(void)
{
	test_filters();
	test_forget();
	test_forget_cluster();
	test_other_names();
	test_at_once();
	test_unseen();
	return tap_done();
}
