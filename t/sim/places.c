/* SPDX-License-Identifier: Apache-2.0 */
/* Who is below whom, while that changes. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sim/stage.h"
#include "tap.h"

#define CONFIG "{\"InstancePollSeconds\": 5, " \
	"\"DiscoverByShowSlaveHosts\": true, \"DiscoverySeeds\": [\"a\"]}"

static struct model_server *
add(struct stage *st, const char *host, const struct model_server *source)
{
	struct model_server *s = model_add(st->world, host, 3306, "8.0.36");

	strcpy(s->report_host, host);
	if (source != NULL)
		model_replicate(s, source);
	return s;
}

/* Two clusters: a with b, c, d below c; x with y. */
struct two {
	struct stage *st;
	struct model_server *a, *b, *c, *d, *x, *y;
};

static struct two
two_clusters(uint64_t seed)
{
	struct two t = { .st = stage_new(seed, CONFIG) };

	t.a = add(t.st, "a", NULL);
	t.b = add(t.st, "b", t.a);
	t.c = add(t.st, "c", t.a);
	t.d = add(t.st, "d", t.c);
	t.x = add(t.st, "x", NULL);
	t.y = add(t.st, "y", t.x);
	stage_start(t.st);
	stage_discover(t.st, "x", 3306);
	stage_until_valid(t.st, 6, DUR_S(10));
	stage_run(t.st, DUR_S(6));
	return t;
}

/* Is d shown somewhere, every time anybody looks? */
struct eye {
	struct stage *st;
	const char *key;
	unsigned missing;
};

static bool
look(void *arg)
{
	struct eye *e = arg;

	e->missing += stage_member(e->st, e->key) == NULL;
	stage_release(e->st);
	return false;
}

static void
test_moves(uint64_t seed)
{
	struct two t = two_clusters(seed);
	struct eye eye = { t.st, "d:3306", 0 };

	is_str(stage_tree(t.st), "a:3306\n a:3306\n  c:3306\n   d:3306\n"
	    "  b:3306\nx:3306\n x:3306\n  y:3306\n", "two clusters");
	model_replicate(t.d, t.a);
	stage_until(t.st, DUR_S(20), look, &eye);
	is_str(stage_tree(t.st), "a:3306\n a:3306\n  b:3306\n  c:3306\n"
	    "  d:3306\nx:3306\n x:3306\n  y:3306\n", "d moves up");
	model_replicate(t.d, t.y);
	stage_until(t.st, DUR_S(20), look, &eye);
	is_str(stage_tree(t.st), "a:3306\n a:3306\n  b:3306\n  c:3306\n"
	    "x:3306\n x:3306\n  y:3306\n   d:3306\n", "into another cluster");
	model_replicate(t.c, t.d);
	model_replicate(t.d, t.a);
	stage_until(t.st, DUR_S(20), look, &eye);
	is_str(stage_tree(t.st), "a:3306\n a:3306\n  d:3306\n   c:3306\n"
	    "  b:3306\nx:3306\n x:3306\n  y:3306\n",
	    "back, and its former source is below it");
	is_int((int64_t)eye.missing, 0, "it was never missing");
	is_str(stage_rules_broken(t.st), "", "in order");
	stage_free(t.st);
}

/* A whole branch becomes a cluster, then both grow together again. */
static void
test_split(void)
{
	struct two t = two_clusters(52);

	model_detach(t.c);
	stage_run(t.st, DUR_S(12));
	is_str(stage_tree(t.st), "a:3306\n a:3306\n  b:3306\nc:3306\n c:3306\n"
	    "  d:3306\nx:3306\n x:3306\n  y:3306\n", "a branch of its own");
	model_replicate(t.a, t.d);
	stage_run(t.st, DUR_S(20));
	is_str(stage_tree(t.st), "c:3306\n c:3306\n  d:3306\n   a:3306\n"
	    "    b:3306\nx:3306\n x:3306\n  y:3306\n", "all below it");
	is_int((int64_t)stage_clusters(t.st), 2, "the empty cluster is gone");
	is_int(stage_member(t.st, "b:3306")->in->replication_depth, 3,
	    "depth");
	is_str(stage_rules_broken(t.st), "", "in order");
	stage_free(t.st);
}

static void
test_rings(void)
{
	struct two t = two_clusters(53);

	model_replicate(t.a, t.b);
	t.a->read_only = false;
	stage_run(t.st, DUR_S(20));
	is_str(stage_tree(t.st), "a:3306\n a:3306@\n  b:3306@\n  c:3306\n"
	    "   d:3306\nx:3306\n x:3306\n  y:3306\n",
	    "co-primaries: the cluster keeps its name");
	model_replicate(t.a, t.d);
	stage_run(t.st, DUR_S(20));
	is_str(stage_tree(t.st), "a:3306\n a:3306\n  c:3306\n   d:3306\n"
	    "  b:3306\nx:3306\n x:3306\n  y:3306\n", "a ring of three");
	is_str(stage_rules_broken(t.st), "", "in order");
	model_detach(t.d);
	stage_run(t.st, DUR_S(20));
	is_str(stage_tree(t.st), "d:3306\n d:3306\n  a:3306\n   b:3306\n"
	    "   c:3306\nx:3306\n x:3306\n  y:3306\n", "cut open");
	is_str(stage_rules_broken(t.st), "", "in order");
	stage_free(t.st);
}

static void
test_source_unreachable(void)
{
	struct stage *st = stage_new(54, CONFIG);
	struct model_server *a, *b, *c;
	const struct member *m;

	a = add(st, "a", NULL);
	b = add(st, "b", a);
	c = add(st, "c", a);
	a->fault = MODEL_SILENT;
	stage_start(st);
	stage_discover(st, "b", 3306);
	stage_discover(st, "c", 3306);
	stage_run(st, DUR_S(30));
	is_str(stage_tree(st), "a:3306\n a:3306!\n  b:3306\n  c:3306\n",
	    "a source that nobody reaches is the root");
	m = stage_member(st, "a:3306");
	is_str(m->in->version, "Unknown", "nothing is known of it");
	is_int(m->health.last_seen.us, 0, "it was never seen");
	is_str(stage_rules_broken(st), "", "in order");
	is_int(stage_stored(st, "a:3306"), false, "nor is it stored");
	a->fault = MODEL_UP;
	stage_run(st, DUR_S(25));
	is_str(stage_tree(st), "a:3306\n a:3306\n  b:3306\n  c:3306\n",
	    "then it is reached");
	(void)b;
	(void)c;
	stage_free(st);
}

static void
test_replica_unreachable(void)
{
	struct two t = two_clusters(55);
	struct model_server *e = add(t.st, "e", t.a);

	strcpy(e->report_host, "nowhere");
	stage_run(t.st, DUR_S(60));
	is_int((int64_t)stage_count(t.st, false), 6,
	    "a listed replica that nobody reaches is not shown");
	model_listen(e, "nowhere", 3306, false);
	stage_run(t.st, DUR_S(30));
	is_int((int64_t)stage_count(t.st, true), 7, "reached, it is");
	is_str(stage_place(t.st, "nowhere:3306"), "a:3306", "in its place");
	stage_free(t.st);
}

int
main(void)
{
	for (uint64_t seed = 60; seed < 70; seed++)
		test_moves(seed);
	test_split();
	test_rings();
	test_source_unreachable();
	test_replica_unreachable();
	return tap_done();
}
