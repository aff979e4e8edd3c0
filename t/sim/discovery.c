/* SPDX-License-Identifier: Apache-2.0 */
/* A tree is found from one of its servers, whatever these are. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sim/stage.h"
#include "tap.h"

#define TREE "a:3306\n" \
	" a:3306\n" \
	"  b:3306\n" \
	"   d:3306\n" \
	"  c:3306\n"

/* a with replicas b and c, d below b. */
static void
grow_tree(struct stage *st, const char *version, bool reports)
{
	static const char *const host[] = { "a", "b", "c", "d" };
	struct model_server *s[4];

	for (int i = 0; i < 4; i++) {
		s[i] = model_add(st->world, host[i], 3306, version);
		if (reports)
			strcpy(s[i]->report_host, host[i]);
	}
	model_write(s[0], 100);
	model_replicate(s[1], s[0]);
	model_replicate(s[2], s[0]);
	model_replicate(s[3], s[1]);
}

static void
test_tree(const char *version, bool lists, const char *seed)
{
	const char *how = lists ? "listed" : "by process list";
	char *config = mem_printf("{\"DiscoverByShowSlaveHosts\": %s, "
	    "\"DiscoverySeeds\": [\"%s\"]}", lists ? "true" : "false", seed);
	struct stage *st = stage_new(7, config);

	grow_tree(st, version, lists);
	ok(stage_start(st), "%s, %s: starts", version, how);
	ok(stage_until_valid(st, 4, DUR_S(3)),
	    "all are found from %s within 3 s", seed);
	stage_run(st, DUR_S(11));
	is_str(stage_tree(st), TREE, "in their places");
	is_str(stage_rules_broken(st), "", "and in order");
	stage_free(st);
	mem_free(config);
}

int
main(void)
{
	static const char *const version[] = { "5.7.44", "8.0.36", "8.4.3",
		"9.1.0", "10.5.23-MariaDB", "10.11.6-MariaDB",
		"11.8.2-MariaDB" };

	for (size_t i = 0; i < MEM_COUNT(version); i++) {
		test_tree(version[i], true, "a");
		test_tree(version[i], false, "a");
		test_tree(version[i], true, "d");
	}
	return tap_done();
}
