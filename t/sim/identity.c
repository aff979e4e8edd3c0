/* SPDX-License-Identifier: Apache-2.0 */
/* Who is whom: other names, other addresses, and servers that look alike. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sim/stage.h"
#include "tap.h"

#define POLL "\"InstancePollSeconds\": 5, \"DiscoverByShowSlaveHosts\": true"
#define BY_ADDRESS "{" POLL "}"
#define BY_HOSTNAME "{" POLL ", \"MySQLHostnameResolveMethod\": \"@@hostname\"}"

static struct model_server *
add(struct stage *st, const char *host, const char *version,
    const struct model_server *source)
{
	struct model_server *s = model_add(st->world, host, 3306, version);

	strcpy(s->report_host, host);
	if (source != NULL)
		model_replicate(s, source);
	return s;
}

/* a with replicas b and c. */
static struct stage *
small(uint64_t seed, const char *config, const char *version)
{
	struct stage *st = stage_new(seed, config);
	struct model_server *a = add(st, "a", version, NULL);

	add(st, "b", version, a);
	add(st, "c", version, a);
	stage_start(st);
	stage_discover(st, "a", 3306);
	stage_until_valid(st, 3, DUR_S(10));
	stage_run(st, DUR_S(10));
	return st;
}

static void
point(struct model_server *s, const char *host)
{
	snprintf(s->source.host, sizeof s->source.host, "%s", host);
}

static void
move_server(struct stage *st, struct model_server *s, const char *host)
{
	model_listen(s, host, 3306, true);
	snprintf(s->report_host, sizeof s->report_host, "%s", host);
	model_restart(s, stage_now(st));
}

/* ---- a replica, a source at another address ---- */

static void
test_replica_moves(const char *version)
{
	struct stage *st = small(31, BY_ADDRESS, version);

	move_server(st, st->world->server[1], "b2");
	stage_run(st, DUR_S(60));
	is_str(stage_tree(st), "a:3306\n a:3306\n  b2:3306\n  c:3306\n",
	    "%s: a replica at another address is the same server", version);
	is_int(stage_logged(st, "b:3306 moved to b2:3306"), 1, "it is logged");
	ok(strstr(st->audit, "server-moved b:3306 now at b2:3306") != NULL,
	    "and audited");
	is_int(stage_stored(st, "b:3306"), false, "the store forgets the old");
	is_int(stage_stored(st, "b2:3306"), true, "and knows the new");
	is_int(st->sessions, 3, "no session is left over");
	is_str(stage_rules_broken(st), "", "in order");
	move_server(st, st->world->server[1], "b");
	stage_run(st, DUR_S(60));
	is_str(stage_tree(st), "a:3306\n a:3306\n  b:3306\n  c:3306\n",
	    "and back again");
	is_str(stage_rules_broken(st), "", "in order");
	stage_free(st);
}

static void
test_source_moves(const char *version)
{
	struct stage *st = small(32, BY_ADDRESS, version);

	move_server(st, st->world->server[0], "a2");
	stage_run(st, DUR_S(20));
	is_str(stage_tree(st), "a:3306\n a:3306!\n  b:3306\n  c:3306\n",
	    "%s: a source that is gone stays the root", version);
	point(st->world->server[1], "a2");
	stage_run(st, DUR_S(20));
	point(st->world->server[2], "a2");
	stage_run(st, DUR_S(30));
	is_str(stage_tree(st), "a2:3306\n a2:3306\n  b:3306\n  c:3306\n",
	    "its replicas find it at another address: a move");
	is_int(stage_logged(st, "a:3306 moved to a2:3306"), 1, "it is logged");
	is_str(stage_rules_broken(st), "", "in order");
	stage_free(st);
}

/* The replicas still name the old address: it leads to the new one. */
static void
test_children_follow(void)
{
	struct stage *st = small(33, BY_ADDRESS, "8.0.36");

	move_server(st, st->world->server[0], "a2");
	stage_run(st, DUR_S(10));
	is_int(stage_discover(st, "a2", 3306), ERR_NONE, "someone finds it");
	stage_run(st, DUR_S(10));
	is_str(stage_tree(st), "a2:3306\n a2:3306\n  b:3306\n  c:3306\n",
	    "replicas that name the old address are below the new one");
	is_str(stage_rules_broken(st), "", "in order");
	stage_free(st);
}

/* The new address is found before the old one is known to fail. */
static void
test_found_first(void)
{
	struct stage *st = small(41, BY_ADDRESS, "8.0.36");

	move_server(st, st->world->server[1], "b2");
	is_int(stage_discover(st, "b2", 3306), ERR_NONE, "found at once");
	stage_run(st, DUR_MS(500));
	is_str(stage_tree(st), "a:3306\n a:3306\n  b2:3306\n  c:3306\n",
	    "the old address is asked, does not answer: a move");
	is_int(stage_logged(st, "are alive and have one identity"), 0,
	    "no clone");
	stage_free(st);
}

/* The old address is given to a new server. */
static void
test_address_reused(bool listed)
{
	struct stage *st = small(42, BY_ADDRESS, "8.0.36");
	struct model_server *n;

	move_server(st, st->world->server[1], "b2");
	stage_run(st, DUR_S(20));
	is_int(stage_discover(st, "b", 3306), ERR_UNREACHABLE,
	    "nobody is at the old address");
	is_str(stage_tree(st), "a:3306\n a:3306\n  b2:3306\n  c:3306\n",
	    "and it stays a name of the server");
	stage_run(st, DUR_S(6));
	n = add(st, "b", "8.0.36", st->world->server[0]);
	if (listed)
		stage_run(st, DUR_S(400));
	else
		is_int(stage_discover(st, "b", 3306), ERR_NONE, "it is asked");
	stage_run(st, DUR_S(6));
	is_str(stage_tree(st),
	    "a:3306\n a:3306\n  b:3306\n  b2:3306\n  c:3306\n",
	    "a new server at an old address is found");
	is_str(stage_member(st, "b:3306")->in->server_uuid, n->uuid,
	    "it is the new one");
	n->fault = MODEL_REFUSES;
	stage_forget(st, "b2", 3306);
	stage_discover(st, "b", 3306);
	stage_run(st, DUR_S(60));
	is_int((int64_t)stage_count(st, false), 4, "each is who it is");
	is_str(stage_rules_broken(st), "", "in order");
	stage_free(st);
}

/* ---- clones ---- */

static void
test_clones(void)
{
	struct stage *st = small(34, BY_ADDRESS, "8.0.36");
	struct model_server *d = add(st, "d", "8.0.36", st->world->server[0]);

	strcpy(d->uuid, st->world->server[1]->uuid);
	stage_run(st, DUR_S(20));
	is_int((int64_t)stage_count(st, true), 4,
	    "two live servers with one uuid are two");
	is_int(stage_logged(st, "are alive and have one identity"), 1,
	    "with one warning");
	d->fault = MODEL_REFUSES;
	stage_run(st, DUR_S(60));
	is_int((int64_t)stage_count(st, false), 4,
	    "one fails: it did not move to the other");
	is_int(stage_valid(st, "d:3306"), false, "it is shown as failing");
	stage_crash(st);
	ok(stage_restart(st, DUR_S(1)), "the daemon starts again");
	stage_run(st, DUR_S(60));
	is_int((int64_t)stage_count(st, false), 4, "they are two still");
	d->fault = MODEL_UP;
	stage_run(st, DUR_S(20));
	is_int((int64_t)stage_count(st, true), 4, "and both are back");
	stage_free(st);
}

/* All MariaDBs of the world have server id 1 when nobody sets it. */
static void
test_default_ids(void)
{
	struct stage *st = stage_new(35, BY_ADDRESS);
	char host[16];

	for (int i = 0; i < 4; i++) {
		snprintf(host, sizeof host, "m%d", i);
		add(st, host, "10.11.6-MariaDB", NULL)->server_id = 1;
	}
	stage_start(st);
	for (int i = 0; i < 4; i++) {
		snprintf(host, sizeof host, "m%d", i);
		stage_discover(st, host, 3306);
	}
	stage_run(st, DUR_S(10));
	st->world->server[2]->fault = MODEL_REFUSES;
	stage_run(st, DUR_S(60));
	is_int((int64_t)stage_count(st, false), 4,
	    "an id that all have makes nobody the same");
	is_int((int64_t)stage_count(st, true), 3, "one is dead");
	stage_free(st);
}

/* ---- names ---- */

static void
test_two_names(void)
{
	struct stage *st = small(36, BY_HOSTNAME, "8.0.36");
	struct model_server *a = st->world->server[0];

	model_listen(a, "10.0.0.1", 3306, false);
	point(st->world->server[1], "10.0.0.1");
	is_int(stage_discover(st, "10.0.0.1", 3306), ERR_NONE,
	    "a server is found by another name");
	stage_run(st, DUR_S(15));
	is_str(stage_tree(st), "a:3306\n a:3306\n  b:3306\n  c:3306\n",
	    "it is one server, for its replicas too");
	is_str(stage_member(st, "b:3306")->in->source_key.host, "a",
	    "a replica that names it so is shown below its name");
	is_int(st->sessions, 3, "and probed once");
	is_str(stage_rules_broken(st), "", "in order");
	stage_free(st);
}

/* Found by an address only; then the address is another. */
static void
test_address_changes(void)
{
	struct stage *st = stage_new(37, BY_HOSTNAME);
	struct model_server *a = add(st, "10.0.0.1", "8.0.36", NULL), *b;

	strcpy(a->hostname, "a");
	b = add(st, "10.0.0.2", "8.0.36", a);
	strcpy(b->hostname, "b");
	stage_start(st);
	is_int(stage_discover(st, "10.0.0.1", 3306), ERR_NONE, "found");
	stage_run(st, DUR_S(15));
	is_str(stage_tree(st), "a:3306\n a:3306\n  b:3306\n",
	    "servers are filed under the names they give themselves");
	move_server(st, a, "10.0.0.9");
	point(b, "10.0.0.9");
	stage_run(st, DUR_S(40));
	is_str(stage_tree(st), "a:3306\n a:3306\n  b:3306\n",
	    "at another address the server keeps its name");
	is_int(st->sessions, 2, "and has one connection");
	move_server(st, a, "10.0.0.1");
	point(b, "10.0.0.1");
	stage_run(st, DUR_S(40));
	is_str(stage_tree(st), "a:3306\n a:3306\n  b:3306\n",
	    "back at its old address it is found");
	is_str(stage_rules_broken(st), "", "in order");
	stage_free(st);
}

/* An address that moves from server to server. */
static void
test_floating_address(void)
{
	struct stage *st = stage_new(38, BY_HOSTNAME);
	struct model_server *a = add(st, "a", "8.0.36", NULL);
	struct model_server *b = add(st, "b", "8.0.36", a);

	model_listen(a, "vip", 3306, false);
	stage_start(st);
	is_int(stage_discover(st, "vip", 3306), ERR_NONE, "by its VIP");
	stage_run(st, DUR_S(15));
	is_str(stage_tree(st), "a:3306\n a:3306\n  b:3306\n", "a is found");
	model_detach(b);
	a->fault = MODEL_REFUSES;
	model_listen(a, "a", 3306, true);
	model_listen(b, "vip", 3306, false);
	stage_run(st, DUR_S(40));
	is_str(stage_tree(st), "a:3306\n a:3306!\nb:3306\n b:3306\n",
	    "it goes to b: a is dead, and still there");
	a->fault = MODEL_UP;
	stage_run(st, DUR_S(40));
	is_str(stage_tree(st), "a:3306\n a:3306\nb:3306\n b:3306\n",
	    "a is back under its own name");
	is_str(stage_rules_broken(st), "", "in order");
	stage_free(st);
}

/*
 * Replicas name their source by a virtual address, which moves to another
 * server, and both live.
 */
static void
test_virtual_source(void)
{
	struct stage *st = stage_new(43, BY_HOSTNAME);
	struct model_server *a = add(st, "a", "8.0.36", NULL);
	struct model_server *b = add(st, "b", "8.0.36", a);
	struct model_server *c = add(st, "c", "8.0.36", a);

	model_listen(a, "vip", 3306, false);
	point(c, "vip");
	stage_start(st);
	is_int(stage_discover(st, "c", 3306), ERR_NONE, "by a replica");
	stage_run(st, DUR_S(15));
	is_str(stage_tree(st), "a:3306\n a:3306\n  b:3306\n  c:3306\n",
	    "who names its source by a virtual address is below the server");
	model_listen(a, "a", 3306, true);
	model_listen(b, "vip", 3306, false);
	stage_run(st, DUR_S(15));
	is_str(stage_tree(st), "a:3306\n a:3306\n  b:3306\n   c:3306\n",
	    "the address moves: it is below the other one");
	is_str(stage_member(st, "c:3306")->in->source_key.host, "b",
	    "which is its source");
	is_int(st->sessions, 3, "each has one session");
	is_str(stage_rules_broken(st), "", "in order");
	stage_free(st);
}

struct eye {
	struct stage *st;
	const char *key, *cluster;
	unsigned wrong;
};

static bool
look(void *arg)
{
	struct eye *e = arg;

	e->wrong += strcmp(stage_place(e->st, e->key), e->cluster) != 0;
	stage_release(e->st);
	return false;
}

/* What was learnt of names holds over a restart: no cluster falls apart. */
static void
test_names_kept(const char *version)
{
	struct stage *st = stage_new_on_file(44, BY_HOSTNAME);
	struct model_server *a = add(st, "10.0.0.1", version, NULL);
	struct model_server *b = add(st, "10.0.0.2", version, a);
	struct eye eye = { st, "b:3306", "a:3306", 0 };

	strcpy(a->hostname, "a");
	strcpy(b->hostname, "b");
	model_listen(a, "a.example.com", 3306, false);
	point(b, "a.example.com");
	stage_start(st);
	stage_discover(st, "10.0.0.1", 3306);
	stage_run(st, DUR_S(15));
	is_str(stage_tree(st), "a:3306\n a:3306\n  b:3306\n",
	    "%s: three names of one server", version);
	stage_crash(st);
	ok(stage_restart(st, DUR_S(1)), "it starts again");
	stage_until(st, DUR_S(20), look, &eye);
	is_int(eye.wrong, 0, "the cluster never falls apart");
	is_int(st->sessions, 2, "each has one session");
	stage_free(st);
}

/* Built anew at the same address: another uuid, the same server to people. */
static void
test_rebuilt(void)
{
	struct stage *st = small(39, BY_ADDRESS, "8.0.36");
	struct model_server *b = st->world->server[1];

	model_restart(b, stage_now(st));
	strcpy(b->uuid, "deadbeef-0000-4000-8000-000000000001");
	stage_run(st, DUR_S(15));
	is_str(stage_member(st, "b:3306")->in->server_uuid, b->uuid,
	    "built anew at the same address: its uuid is the new one");
	is_str(stage_tree(st), "a:3306\n a:3306\n  b:3306\n  c:3306\n",
	    "in its place");
	stage_free(st);
}

static void
test_renamed(void)
{
	struct stage *st = small(40, BY_HOSTNAME, "8.0.36");
	struct model_server *b = st->world->server[1];

	model_restart(b, stage_now(st));
	strcpy(b->hostname, "bb");
	stage_run(st, DUR_S(15));
	is_str(stage_tree(st), "a:3306\n a:3306\n  bb:3306\n  c:3306\n",
	    "a server that has another hostname is filed anew");
	is_int(stage_stored(st, "b:3306"), false, "the store forgets the old");
	ok(stage_stored(st, "bb:3306"), "and knows the new");
	is_int(stage_discover(st, "b", 3306), ERR_NONE,
	    "its old name leads to it");
	is_str(stage_rules_broken(st), "", "in order");
	stage_free(st);
}

int
main(void)
{
	test_replica_moves("8.0.36");
	test_replica_moves("10.11.6-MariaDB");
	test_source_moves("8.4.3");
	test_source_moves("11.8.2-MariaDB");
	test_children_follow();
	test_found_first();
	test_address_reused(true);
	test_address_reused(false);
	test_clones();
	test_default_ids();
	test_two_names();
	test_address_changes();
	test_floating_address();
	test_virtual_source();
	test_names_kept("8.0.36");
	test_names_kept("10.11.6-MariaDB");
	test_rebuilt();
	test_renamed();
	return tap_done();
}
