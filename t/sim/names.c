/* SPDX-License-Identifier: Apache-2.0 */
/* Host names that are looked up: aliases, addresses, failures, slowness. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sim/stage.h"
#include "tap.h"

#define POLL "\"InstancePollSeconds\": 5, \"DiscoverByShowSlaveHosts\": true"

/* a1 is the canonical name of a, b1 of b; servers listen on addresses. */
static struct stage *
named(uint64_t seed, const char *more)
{
	char *config = mem_printf("{" POLL ", %s}", more);
	struct stage *st = stage_new(seed, config);
	struct model_server *a, *b;

	a = model_add(st->world, "10.0.0.1", 3306, "8.0.36");
	b = model_add(st->world, "10.0.0.2", 3306, "8.0.36");
	model_replicate(b, a);
	strcpy(b->source.host, "a");
	model_listen(a, "a", 3306, false);
	strcpy(b->report_host, "b");
	stage_add_name(st, "a", "a1", "10.0.0.1");
	stage_add_name(st, "a1", "", "10.0.0.1");
	stage_add_name(st, "b", "b1", "10.0.0.2");
	stage_add_name(st, "b1", "", "10.0.0.2");
	stage_start(st);
	mem_free(config);
	return st;
}

static void
test_methods(void)
{
	static const struct {
		const char *method, *tree;
	} row[] = {
		{ "none", "a:3306\n a:3306\n  b:3306\n" },
		{ "default", "a:3306\n a:3306\n  b:3306\n" },
		{ "cname", "a1:3306\n a1:3306\n  b1:3306\n" },
		{ "ip", "10.0.0.1:3306\n 10.0.0.1:3306\n  10.0.0.2:3306\n" },
	};

	for (size_t i = 0; i < MEM_COUNT(row); i++) {
		char *more = mem_printf("\"HostnameResolveMethod\": \"%s\"",
		    row[i].method);
		struct stage *st = named(81 + i, more);

		is_int(stage_discover(st, "b", 3306), ERR_NONE,
		    "%s: found from below", row[i].method);
		stage_run(st, DUR_S(12));
		is_str(stage_tree(st), row[i].tree, "%s: as it says",
		    row[i].method);
		is_int(stage_discover(st, "a", 3306), ERR_NONE,
		    "asked for by the written name");
		is_int((int64_t)stage_directory(st)->servers, 2,
		    "which is one of them");
		is_str(stage_rules_broken(st), "", "in order");
		is_int(st->lookups, i < 2 ? 0 : 2, "each name looked up once");
		stage_free(st);
		mem_free(more);
	}
}

static void
test_reject(void)
{
	struct stage *st = named(91, "\"HostnameResolveMethod\": \"cname\", "
	    "\"RejectHostnameResolvePattern\": \"^a1$\"");

	is_int(stage_discover(st, "b", 3306), ERR_NONE, "found");
	stage_run(st, DUR_S(12));
	is_str(stage_tree(st), "a:3306\n a:3306\n  b1:3306\n",
	    "a name that is refused is left as it was");
	stage_free(st);
}

static void
test_fails(void)
{
	struct stage *st = named(92, "\"HostnameResolveMethod\": \"cname\"");

	st->name[0].fails = true;
	is_int(stage_discover(st, "b", 3306), ERR_NONE, "found");
	stage_run(st, DUR_S(12));
	is_str(stage_tree(st), "a:3306\n a:3306\n  b1:3306\n",
	    "a name that nobody resolves is tried as it is");
	is_int(stage_discover(st, "nowhere", 3306), ERR_UNREACHABLE,
	    "what cannot be resolved cannot be reached");
	is_int((int64_t)stage_directory(st)->servers, 2, "and is not kept");
	stage_free(st);
}

static void
test_slow(void)
{
	struct stage *st = named(93, "\"HostnameResolveMethod\": \"cname\"");
	uint32_t ask[5];
	unsigned answers = 0;
	uint64_t before;

	is_int(stage_discover(st, "b1", 3306), ERR_NONE, "b is found");
	stage_run(st, DUR_S(6));
	stage_add_name(st, "bb", "b1", "10.0.0.2")->delay = DUR_S(20);
	before = st->world->server[1]->statements;
	for (int i = 0; i < 5; i++)
		ask[i] = stage_ask_probe(st, "bb", 3306);
	stage_run(st, DUR_S(19));
	ok(st->world->server[1]->statements > before + 20,
	    "a slow look-up delays no probe");
	is_int(stage_answers_to(st, ask[0]), 0, "who asked waits");
	stage_run(st, DUR_S(10));
	for (int i = 0; i < 5; i++)
		answers += stage_answers_to(st, ask[i]);
	is_int(answers, 5, "and is answered once");
	is_int((int64_t)stage_directory(st)->servers, 2, "no double");
	stage_free(st);
}

/* What probes teach shows in the cache. */
static void
test_learnt(void)
{
	struct stage *st = stage_new(94, "{" POLL
	    ", \"MySQLHostnameResolveMethod\": \"@@hostname\"}");
	struct model_server *a = model_add(st->world, "10.0.0.1", 3306,
	    "8.0.36");
	const struct names_snap *n;

	strcpy(a->hostname, "a");
	stage_start(st);
	stage_discover(st, "10.0.0.1", 3306);
	stage_run(st, DUR_S(1));
	n = stage_names(st);
	is_int((int64_t)n->n, 1, "one name is learnt");
	is_str(n->n == 1 ? n->at[0].host : "", "10.0.0.1", "from");
	is_str(n->n == 1 ? n->at[0].resolved : "", "a", "to");
	stage_free(st);
}

int
main(void)
{
	test_methods();
	test_reject();
	test_fails();
	test_slow();
	test_learnt();
	return tap_done();
}
