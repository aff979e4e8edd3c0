/* SPDX-License-Identifier: Apache-2.0 */
/* Group replication: members, roles, and replicas below them. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sim/stage.h"
#include "tap.h"

#define GROUP "aaaaaaaa-0000-4000-8000-00000000000a"

/* A group of g1 (primary), g2, g3, and r, which replicates from g2. */
static struct stage *
group(uint64_t seed, const char *version)
{
	struct stage *st = stage_new(seed, "{\"InstancePollSeconds\": 5, "
	    "\"DiscoverByShowSlaveHosts\": true}");
	struct model_server *s;
	char host[16];

	for (int i = 1; i <= 3; i++) {
		snprintf(host, sizeof host, "g%d", i);
		s = model_add(st->world, host, 3306, version);
		strcpy(s->report_host, host);
		model_join_group(s, GROUP, i == 1);
	}
	s = model_add(st->world, "r", 3306, version);
	strcpy(s->report_host, "r");
	model_replicate(s, st->world->server[1]);
	stage_start(st);
	return st;
}

#define TREE "g1:3306\n g1:3306\n  g2:3306\n   r:3306\n  g3:3306\n"

static void
test_found(const char *version, const char *seed)
{
	struct stage *st = group(1, version);
	const struct instance *in;

	is_int(stage_discover(st, seed, 3306), ERR_NONE, "%s: from %s",
	    version, seed);
	stage_run(st, DUR_S(15));
	is_str(stage_tree(st), TREE, "the group is a cluster below its primary");
	in = stage_member(st, "g2:3306")->in;
	is_str(in->group_name, GROUP, "its name");
	is_str(in->group_member_role, "SECONDARY", "a role");
	is_str(in->group_member_state, "ONLINE", "a state");
	is_str(in->group_primary.host, "g1", "its primary");
	is_int((int64_t)in->group_members.n, 2, "the other members");
	is_int(in->group_is_single_primary, true, "one primary");
	is_str(stage_rules_broken(st), "", "in order");
	stage_free(st);
}

/* The primary dies, another one takes over; later it joins again. */
static void
test_new_primary(void)
{
	struct stage *st = group(2, "8.0.36");
	struct model_server **s = st->world->server;

	stage_discover(st, "g1", 3306);
	stage_run(st, DUR_S(15));
	s[0]->fault = MODEL_REFUSES;
	s[0]->group_primary = false;
	s[0]->group[0] = '\0';
	s[1]->group_primary = true;
	stage_run(st, DUR_S(15));
	is_str(stage_place(st, "r:3306"), "g2:3306", "another primary");
	is_str(stage_place(st, "g3:3306"), "g2:3306", "for all that are left");
	ok(stage_member(st, "g1:3306") != NULL, "the dead one is shown");
	s[0]->fault = MODEL_UP;
	model_join_group(s[0], GROUP, false);
	stage_run(st, DUR_S(15));
	is_str(stage_tree(st), "g2:3306\n g2:3306\n  g1:3306\n  g3:3306\n"
	    "  r:3306\n", "it joins again, below");
	is_str(stage_rules_broken(st), "", "in order");
	stage_free(st);
}

int
main(void)
{
	test_found("8.0.36", "g1");
	test_found("8.4.3", "g3");
	test_found("9.1.0", "r");
	test_new_primary();
	return tap_done();
}
