/* SPDX-License-Identifier: Apache-2.0 */
/* topology/control: each command, its boundary, and the whole state as bytes. */
#include "config.h"

#include "topology/control.h"

#include <stdlib.h>

#include "base/mem.h"
#include "tap.h"

static struct control *now_state;
static struct buf result;
static struct err err;

#define AT(s) ((wall_t){ INT64_C(1795395723000000) + (int64_t)(s) * 1000000 })
#define DB(n) ((struct key){ "db" #n, 3306 })

/* Apply one packed command; the state stays as it was after an error. */
static enum err_code
apply(struct buf *b)
{
	struct control *next;
	enum err_code code;

	buf_reset(&result);
	err_clear(&err);
	code = control_apply(now_state,
	    (struct bin){ (uint8_t *)b->data, b->len }, &next, &result, &err);
	if (code == ERR_NONE) {
		control_unref(now_state);
		now_state = next;
	}
	buf_fini(b);
	return code;
}

#define DO(name, ...) \
	__extension__({ \
		struct buf b_; \
		buf_init(&b_); \
		command_pack(&b_, name, __VA_ARGS__); \
		apply(&b_); \
	})

static struct bin
res(void)
{
	return (struct bin){ (uint8_t *)result.data, result.len };
}

static uint64_t
res_id(void)
{
	uint64_t id;

	return control_result_id(res(), &id) ? id : UINT64_MAX;
}

static size_t
res_keys(void)
{
	struct arena a;
	struct keys ks = { NULL, 0 };
	bool good;

	arena_init(&a);
	good = control_result_keys(res(), &ks, &a);
	arena_fini(&a);
	return good ? ks.n : SIZE_MAX;
}

static void
reset(void)
{
	control_unref(now_state);
	now_state = control_new();
}

static void
test_downtime(void)
{
	const struct control_downtime *d;

	reset();
	is_int(DO(begin_downtime, .at = AT(0), .key = DB(1), .owner = "ann",
	    .reason = "disk", .duration = DUR_S(60)), ERR_NONE, "downtime");
	d = control_downtime(now_state, DB(1));
	ok(d != NULL && d->begin.us == AT(0).us && d->end.us == AT(60).us,
	    "begins when told, ends after its duration");
	is_str(d->owner, "ann", "owner");
	is_str(d->reason, "disk", "reason");
	ok(control_downtime(now_state, DB(2)) == NULL, "of one server only");
	DO(begin_downtime, .at = AT(5), .key = DB(1), .owner = "bob");
	d = control_downtime(now_state, DB(1));
	ok(d->end.us == AT(605).us, "no duration: ten minutes, replaces");
	is_str(d->reason, "", "a reason that was not given is empty");
	is_int(DO(begin_downtime, .at = AT(0), .key = DB(1),
	    .duration = DUR_S(-1)), ERR_INVALID, "not a negative span");
	is_int(DO(begin_downtime, .at = AT(0), .key = DB(1),
	    .duration = DUR_US(CONTROL_SPAN_MAX.us)), ERR_NONE,
	    "a hundred years");
	is_int(DO(begin_downtime, .at = AT(0), .key = DB(1),
	    .duration = DUR_US(CONTROL_SPAN_MAX.us + 1)), ERR_INVALID,
	    "not more");
	is_int(DO(begin_downtime, .at = AT(0), .key = KEY_NONE), ERR_INVALID,
	    "a server is needed");
	ok(strstr(err.text, "server") != NULL, "which the text says");
	DO(end_downtime, .at = AT(6), .key = DB(1));
	ok(res_id() == 1 && control_downtime(now_state, DB(1)) == NULL,
	    "ended");
	is_int(DO(end_downtime, .at = AT(6), .key = DB(1)), ERR_NONE,
	    "ending what is not there is fine");
	is_int((int64_t)res_id(), 0, "and counts none");
}

static void
test_maintenance(void)
{
	reset();
	is_int(DO(begin_maintenance, .at = AT(0), .key = DB(1), .owner = "ann",
	    .reason = "move"), ERR_NONE, "lock");
	is_int((int64_t)res_id(), 1, "its id");
	is_int(DO(begin_maintenance, .at = AT(599), .key = DB(1),
	    .owner = "bob"), ERR_EXISTS, "locked for ten minutes");
	is_str(err.text, "db1:3306 is locked for maintenance by ann (move) "
	    "since 2026-11-23T01:02:03Z until 2026-11-23T01:12:03Z",
	    "by whom, why, since and until when");
	is_int(DO(begin_maintenance, .at = AT(599), .key = DB(2),
	    .owner = "bob"), ERR_NONE, "another server is free");
	is_int((int64_t)res_id(), 2, "the next id");
	is_int(DO(begin_maintenance, .at = AT(600), .key = DB(1),
	    .owner = "bob", .duration = DUR_S(5)), ERR_NONE,
	    "a lock that ended does not hold");
	is_int((int64_t)control_maintenance(now_state, DB(1))->id, 3,
	    "ids are not used again");
	DO(end_maintenance, .at = AT(601), .key = KEY_NONE, .id = 1);
	ok(res_id() == 0 && control_maintenance(now_state, DB(1)) != NULL,
	    "an old id ends nothing");
	DO(end_maintenance, .at = AT(601), .key = KEY_NONE, .id = 3);
	ok(res_id() == 1 && control_maintenance(now_state, DB(1)) == NULL,
	    "end by id");
	DO(end_maintenance, .at = AT(601), .key = DB(2));
	ok(res_id() == 1 && control_count(now_state, CONTROL_maintenance) == 0,
	    "end by server");
	DO(begin_maintenance, .at = AT(700), .key = DB(1));
	is_int((int64_t)res_id(), 4, "the counter outlives the locks");
	DO(begin_maintenance, .at = AT(800), .key = DB(2), .holder = "p1-1",
	    .duration = DUR_S(60));
	is_int(DO(begin_maintenance, .at = AT(850), .key = DB(2),
	    .holder = "p1-2"), ERR_EXISTS, "held by another operation");
	is_int(DO(begin_maintenance, .at = AT(850), .key = DB(2),
	    .holder = "p1-1", .duration = DUR_S(60)), ERR_NONE, "extended");
	ok(res_id() == 5 && control_maintenance(now_state, DB(2))->end.us ==
	    AT(910).us && control_maintenance(now_state, DB(2))->begin.us ==
	    AT(800).us, "the same lock lasts longer");
	DO(end_maintenance, .at = AT(851), .key = DB(2), .holder = "p1-2");
	is_int((int64_t)res_id(), 0, "a holder ends only its own");
	DO(begin_maintenance, .at = AT(852), .key = DB(3), .holder = "p2-1",
	    .duration = DUR_S(60));
	DO(end_other_holders, .at = AT(853), .token = "p2");
	ok(control_maintenance(now_state, DB(2)) == NULL &&
	    control_maintenance(now_state, DB(3)) != NULL &&
	    control_maintenance(now_state, DB(1)) != NULL,
	    "what a dead process held goes; ours and people's stay");
}

static void
test_candidates(void)
{
	enum promotion_rule rule;

	reset();
	is_int(control_rule(now_state, DB(1)), RULE_NEUTRAL,
	    "neutral unless registered");
	DO(register_candidate, .at = AT(0), .key = DB(1),
	    .rule = RULE_PREFER_NOT);
	is_int(control_rule(now_state, DB(1)), RULE_PREFER_NOT, "registered");
	is_int(DO(register_candidate, .at = AT(0), .key = DB(1),
	    .rule = RULE_MUST), ERR_INVALID, "must cannot be registered");
	is_int(DO(register_candidate, .at = AT(0), .key = DB(1),
	    .rule = RULE_COUNT), ERR_INVALID, "nor an unknown rule");
	is_int(control_rule(now_state, DB(1)), RULE_PREFER_NOT,
	    "an error changes nothing");
	ok(promotion_rule_parse(&rule, "must_not", &err) == ERR_NONE &&
	    rule == RULE_MUST_NOT, "must_not is a rule");
	is_int(promotion_rule_parse(&rule, "must", &err), ERR_INVALID,
	    "must is none for now");
	is_int(promotion_rule_parse(&rule, "Prefer", &err), ERR_INVALID,
	    "case counts");
}

static void
test_names(void)
{
	reset();
	DO(set_alias_override, .at = AT(0), .cluster = "db1:3306",
	    .alias = "shop");
	is_str(control_alias_override(now_state, "db1:3306"), "shop", "alias");
	is_str(control_cluster_of_alias(now_state, "shop"), "db1:3306",
	    "and back");
	DO(set_alias_override, .at = AT(1), .cluster = "db2:3306",
	    .alias = "shop");
	ok(control_alias_override(now_state, "db1:3306") == NULL,
	    "an alias belongs to one cluster");
	DO(set_domain, .at = AT(1), .cluster = "db2:3306",
	    .domain = "shop.example.com");
	DO(mark_pseudo_gtid, .at = AT(1), .cluster = "db2:3306");
	DO(rename_cluster, .at = AT(2), .from = "db2:3306", .to = "db3:3306");
	is_str(control_alias_override(now_state, "db3:3306"), "shop",
	    "the alias follows a renamed cluster");
	is_str(control_domain(now_state, "db3:3306"), "shop.example.com",
	    "so does the domain");
	ok(control_pseudo_gtid(now_state, "db3:3306").us == AT(1).us,
	    "and the mark");
	ok(control_alias_override(now_state, "db2:3306") == NULL &&
	    control_domain(now_state, "db2:3306") == NULL &&
	    control_pseudo_gtid(now_state, "db2:3306").us == 0,
	    "nothing stays behind");
	DO(set_alias_override, .at = AT(3), .cluster = "db3:3306",
	    .alias = "");
	ok(control_alias_override(now_state, "db3:3306") == NULL,
	    "an empty alias takes it away");
	DO(set_domain, .at = AT(3), .cluster = "db3:3306", .domain = "");
	ok(control_domain(now_state, "db3:3306") == NULL, "likewise a domain");
	is_int(DO(set_alias_override, .at = AT(3), .cluster = "", .alias = "x"),
	    ERR_INVALID, "a cluster has a name");
	DO(register_unresolve, .at = AT(0), .host = "db1", .name = "vip1");
	is_str(control_unresolve(now_state, "db1"), "vip1", "virtual name");
	is_int(DO(register_unresolve, .at = AT(0), .host = "db1", .name = ""),
	    ERR_INVALID, "which is not empty");
	DO(deregister_unresolve, .at = AT(0), .host = "db1");
	ok(res_id() == 1 && control_unresolve(now_state, "db1") == NULL,
	    "deregistered");
	DO(set_attribute, .at = AT(0), .host = "*", .name = "d.example",
	    .value = "db1:3306");
	is_str(control_attribute(now_state, "*", "d.example")->value,
	    "db1:3306", "attribute");
	ok(control_attribute(now_state, "db1", "d.example") == NULL,
	    "of that host only");
}

static void
test_tags(void)
{
	static const struct {
		const char *terms;
		bool match;
		bool good;
	} row[] = {
		{ "role", true, true },
		{ "role=main", true, true },
		{ "role=side", false, true },
		{ "role=", false, true },
		{ "empty=", true, true },
		{ "empty", true, true },
		{ "~role", false, true },
		{ "!role", false, true },
		{ "~other", true, true },
		{ "~role=side", true, true },
		{ "~role=main", false, true },
		{ "~other=x", false, true },
		{ "role,empty", true, true },
		{ "role, empty=", true, true },
		{ "role,other", false, true },
		{ "", false, false },
		{ "role,", false, false },
		{ "=x", false, false },
		{ "~", false, false },
	};
	const struct control_tag *t;
	struct control_iter it;
	bool match;
	int n = 0;

	reset();
	DO(put_tag, .at = AT(0), .key = DB(1), .name = "role", .value = "side");
	DO(put_tag, .at = AT(0), .key = DB(1), .name = "role", .value = "main");
	DO(put_tag, .at = AT(0), .key = DB(1), .name = "empty");
	DO(put_tag, .at = AT(0), .key = DB(2), .name = "role", .value = "main");
	is_str(control_tag(now_state, DB(1), "role"), "main", "put replaces");
	for (control_tags(now_state, DB(1), &it);
	    (t = control_next(&it)) != NULL; n++)
		ok(key_eq(t->key, DB(1)), "tag %s of the server", t->name);
	is_int(n, 2, "and no others");
	control_tags(now_state, DB(3), &it);
	ok(control_next(&it) == NULL, "a server without tags");
	for (size_t i = 0; i < MEM_COUNT(row); i++) {
		bool good = control_tags_match(now_state, DB(1), row[i].terms,
		    &match, &err) == ERR_NONE;

		ok(good == row[i].good && (!good || match == row[i].match),
		    "condition \"%s\"", row[i].terms);
	}
	control_tags_match(now_state, DB(9), "~role", &match, &err);
	ok(match, "a server without any tag lacks every name");
	is_int(DO(put_tag, .at = AT(0), .key = DB(1), .name = "a,b"),
	    ERR_INVALID, "a comma parts conditions");
	is_int(DO(put_tag, .at = AT(0), .key = DB(1), .name = "~a"),
	    ERR_INVALID, "a tilde negates");
	DO(untag, .at = AT(1), .key = DB(1), .name = "role", .has_value = true,
	    .value = "side");
	is_int((int64_t)res_keys(), 0, "untag with another value: none");
	DO(untag, .at = AT(1), .key = DB(1), .name = "role");
	is_int((int64_t)res_keys(), 1, "untag");
	DO(put_tag, .at = AT(2), .key = DB(1), .name = "role", .value = "main");
	DO(untag_all, .at = AT(2), .name = "role", .value = "main");
	is_int((int64_t)res_keys(), 2, "untag from all");
	is_int((int64_t)control_count(now_state, CONTROL_tag), 1,
	    "what is left");
}

static void
test_pools(void)
{
	const struct key first[] = { DB(3), DB(1), DB(3) };
	const struct key next[] = { DB(2) };
	const struct key bad[] = { DB(1), { "_", 1 } };
	const struct control_pool *p;
	struct control_iter it;
	size_t n = 0;

	reset();
	DO(submit_pool, .at = AT(0), .pool = "web",
	    .members = { first, MEM_COUNT(first) });
	is_int((int64_t)res_id(), 2, "a member named twice is one");
	DO(submit_pool, .at = AT(0), .pool = "batch", .members = { next, 1 });
	DO(submit_pool, .at = AT(9), .pool = "web", .members = { next, 1 });
	for (control_pool(now_state, "web", &it);
	    (p = control_next(&it)) != NULL; n++)
		ok(key_eq(p->key, DB(2)) && p->registered.us == AT(9).us,
		    "the whole pool is replaced");
	is_int((int64_t)n, 1, "by one");
	is_int(DO(submit_pool, .at = AT(9), .pool = "web",
	    .members = { bad, 2 }), ERR_INVALID, "a bad name aborts it");
	is_int((int64_t)control_count(now_state, CONTROL_pool), 2,
	    "and nothing changed");
	DO(submit_pool, .at = AT(9), .pool = "web");
	control_pool(now_state, "web", &it);
	ok(control_next(&it) == NULL, "no members: no pool");
	is_int(DO(submit_pool, .at = AT(9), .pool = "",
	    .members = { next, 1 }), ERR_INVALID, "a pool has a name");
}

static void
test_forget_and_switch(void)
{
	const struct key members[] = { DB(1), DB(2) };

	reset();
	DO(begin_downtime, .at = AT(0), .key = DB(1));
	DO(begin_maintenance, .at = AT(0), .key = DB(1));
	DO(register_candidate, .at = AT(0), .key = DB(1), .rule = RULE_PREFER);
	DO(put_tag, .at = AT(0), .key = DB(1), .name = "t");
	DO(submit_pool, .at = AT(0), .pool = "web", .members = { members, 2 });
	DO(forget, .at = AT(1), .key = DB(1));
	ok(control_downtime(now_state, DB(1)) == NULL &&
	    control_maintenance(now_state, DB(1)) == NULL &&
	    control_candidate(now_state, DB(1)) == NULL &&
	    control_count(now_state, CONTROL_pool) == 1, "forgotten");
	ok(control_tag(now_state, DB(1), "t") != NULL, "but for its tags");
	ok(!control_recoveries_disabled(now_state), "recoveries are on");
	DO(disable_recoveries, .at = AT(0));
	ok(control_recoveries_disabled(now_state), "off");
	DO(enable_recoveries, .at = AT(0));
	ok(!control_recoveries_disabled(now_state), "on again");
}

static void
test_tokens(void)
{
	const dur_t life = DUR_S(100);

	reset();
	DO(token_add, .at = AT(0), .public = "p", .secret = "s3", .by = "ann");
	is_int(DO(token_add, .at = AT(0), .public = "p", .secret = "x"),
	    ERR_EXISTS, "a public token is given once");
	is_int(DO(token_acquire, .at = AT(60), .public = "p",
	    .within = DUR_S(60)), ERR_DENIED, "too late");
	is_int(DO(token_acquire, .at = AT(59), .public = "q",
	    .within = DUR_S(60)), ERR_DENIED, "unknown");
	is_int(DO(token_acquire, .at = AT(59), .public = "p",
	    .within = DUR_S(60)), ERR_NONE, "in time");
	is_str(control_result_text(res()), "s3", "gives the secret");
	is_int(DO(token_acquire, .at = AT(59), .public = "p",
	    .within = DUR_S(60)), ERR_DENIED, "once");
	ok(control_token_valid(now_state, "p", "s3", AT(99), life), "valid");
	ok(!control_token_valid(now_state, "p", "s3", AT(100), life), "aged");
	ok(!control_token_valid(now_state, "p", "s4", AT(1), life), "wrong");
	ok(!control_token_valid(now_state, "p", "s", AT(1), life), "shorter");
	ok(!control_token_valid(now_state, "p", "s3s3", AT(1), life), "longer");
	ok(!control_token_valid(now_state, "p", "", AT(1), life), "empty");
	ok(!control_token_valid(now_state, "x", "s3", AT(1), life), "unknown");
	DO(token_add, .at = AT(0), .public = "r", .secret = "s",
	    .reentrant = true);
	DO(token_acquire, .at = AT(1), .public = "r", .within = DUR_S(60));
	is_int(DO(token_acquire, .at = AT(2), .public = "r",
	    .within = DUR_S(60)), ERR_NONE, "reentrant: more than once");
	ok(control_token_valid(now_state, "r", "s", AT(1000), life),
	    "and for ever");
}

/* The same place in two logs. */
static void
test_equivalence(void)
{
	const struct control_equivalence *e;
	struct command_expire c = { .at = AT(700),
		.equivalence = DUR_S(700) };
	struct control_iter it;
	struct buf b;

	reset();
	DO(register_equivalence, .at = AT(0), .key = DB(1), .file = "bin.7",
	    .pos = 120, .target = DB(2), .target_file = "log.3",
	    .target_pos = 4);
	e = control_equivalent(now_state, DB(1), "bin.7", 120, DB(2));
	ok(e != NULL && strcmp(e->target_file, "log.3") == 0 &&
	    e->target_pos == 4, "an equivalence is found");
	e = control_equivalent(now_state, DB(2), "log.3", 4, DB(1));
	ok(e != NULL && strcmp(e->target_file, "bin.7") == 0 &&
	    e->target_pos == 120, "and the other way");
	ok(control_equivalent(now_state, DB(1), "bin.7", 121, DB(2)) == NULL &&
	    control_equivalent(now_state, DB(1), "bin.7", 120, DB(3)) == NULL,
	    "of that place and that server only");
	DO(register_equivalence, .at = AT(0), .key = DB(1), .file = "bin.7",
	    .pos = 200, .target = DB(3), .target_file = "x.1",
	    .target_pos = 9);
	control_equivalences(now_state, DB(1), &it);
	ok(control_next(&it) != NULL && control_next(&it) != NULL &&
	    control_next(&it) == NULL, "those of a server");
	is_int(DO(register_equivalence, .at = AT(0), .key = DB(1),
	    .file = "bin.7", .target = DB(1), .target_file = "y"),
	    ERR_INVALID, "a server with itself");
	is_int(DO(register_equivalence, .at = AT(0), .key = DB(1),
	    .target = DB(2), .target_file = "y"), ERR_INVALID, "no file");
	buf_init(&b);
	command_pack_expire(&b, &c);
	apply(&b);
	ok(control_equivalent(now_state, DB(1), "bin.7", 120, DB(2)) == NULL,
	    "it expires");
}

static const struct command_expire limits = {
	.candidate = DUR_S(100), .domain = DUR_S(200), .pool = DUR_S(300),
	.unresolve = DUR_S(400), .pseudo_gtid = DUR_S(500),
	.token = DUR_S(600),
};

static size_t
expire_at(int64_t s, const char *what)
{
	struct command_expire c = limits;
	struct control_expired e;
	struct buf b;
	struct pcur cur;
	size_t n = 0;

	c.at = AT(s);
	buf_init(&b);
	command_pack_expire(&b, &c);
	apply(&b);
	for (cur = control_expired_begin(res());
	    control_expired_next(&cur, &e); n++)
		is_str(control_schema(e.table)->name, what, "%s ends at %d",
		    what, (int)s);
	return n;
}

static void
test_expire(void)
{
	const struct key members[] = { DB(1) };
	static const struct {
		int64_t s;
		const char *what;
	} row[] = {
		{ 50, "downtime" }, { 60, "maintenance" }, { 100, "candidate" },
		{ 200, "domain" }, { 300, "pool" }, { 400, "unresolve" },
		{ 500, "pseudo_gtid" }, { 600, "token" },
	};

	struct control *was;

	reset();
	ok(control_next_expiry(now_state, &limits).us == 0, "nothing to end");
	DO(begin_downtime, .at = AT(0), .key = DB(1), .duration = DUR_S(50));
	was = control_ref(now_state);
	DO(put_tag, .at = AT(0), .key = DB(1), .name = "t");
	ok(control_next_expiry_of(was, now_state, &limits).us == 0,
	    "a tag does not end");
	DO(begin_downtime, .at = AT(0), .key = DB(2), .duration = DUR_S(70));
	ok(control_next_expiry_of(was, now_state, &limits).us == AT(70).us,
	    "what is new ends later than what was there");
	DO(end_downtime, .at = AT(0), .key = DB(2));
	control_unref(was);
	DO(begin_maintenance, .at = AT(0), .key = DB(1), .duration = DUR_S(60));
	DO(register_candidate, .at = AT(0), .key = DB(1), .rule = RULE_PREFER);
	DO(set_domain, .at = AT(0), .cluster = "c", .domain = "d");
	DO(submit_pool, .at = AT(0), .pool = "web", .members = { members, 1 });
	DO(register_unresolve, .at = AT(0), .host = "h", .name = "v");
	DO(mark_pseudo_gtid, .at = AT(0), .cluster = "c");
	DO(token_add, .at = AT(0), .public = "p", .secret = "s");
	DO(token_add, .at = AT(0), .public = "r", .secret = "s",
	    .reentrant = true);
	DO(put_tag, .at = AT(0), .key = DB(1), .name = "t");
	for (size_t i = 0; i < MEM_COUNT(row); i++) {
		ok(control_next_expiry(now_state, &limits).us ==
		    AT(row[i].s).us, "next is %s", row[i].what);
		is_int((int64_t)expire_at(row[i].s - 1, "none"), 0,
		    "not before");
		is_int((int64_t)expire_at(row[i].s, row[i].what), 1, "then");
	}
	ok(control_next_expiry(now_state, &limits).us == 0,
	    "tags and reentrant tokens stay");
	is_int((int64_t)control_count(now_state, CONTROL_token), 1, "token");
}

/* ---- the machine ---- */

static void
test_hostile(void)
{
	struct control *before = control_ref(now_state);
	struct control *next;
	struct buf b, cut;
	size_t bad = 0, whole;
	char *text;

	buf_init(&b);
	command_pack(&b, begin_maintenance, .at = AT(0), .key = DB(1),
	    .owner = "ann", .reason = "why");
	whole = b.len;
	is_str(command_name((struct bin){ (uint8_t *)b.data, b.len }),
	    "begin_maintenance", "a command has a name");
	for (size_t n = 0; n < whole; n++)
		bad += control_apply(before, (struct bin){ (uint8_t *)b.data, n },
		    &next, NULL, &err) == ERR_MALFORMED && next == NULL;
	is_int((int64_t)bad, (int64_t)whole, "cut anywhere: malformed");
	/* A command with one more field than this version knows. */
	buf_init(&cut);
	buf_add(&cut, b.data, b.len);
	cut.data[0]++;
	pack_uint(&cut, 7);
	is_int(apply(&cut), ERR_NONE, "a later version's field is skipped");
	cut = b;
	cut.data[1] = 9;
	is_int(apply(&cut), ERR_MALFORMED, "another format is refused");

	text = mem_alloc(CONTROL_TEXT_MAX + 2);
	memset(text, 'x', CONTROL_TEXT_MAX + 1);
	text[CONTROL_TEXT_MAX + 1] = '\0';
	is_int(DO(put_tag, .at = AT(0), .key = DB(1), .name = "t",
	    .value = text), ERR_INVALID, "a value has a bound");
	text[CONTROL_TEXT_MAX] = '\0';
	is_int(DO(put_tag, .at = AT(0), .key = DB(1), .name = "t",
	    .value = text), ERR_NONE, "and may reach it");
	is_int(DO(put_tag, .at = AT(0), .key = DB(1), .name = text),
	    ERR_INVALID, "so has a name");
	is_int(DO(put_tag, .at = { -1 }, .key = DB(1), .name = "t"),
	    ERR_INVALID, "time does not go back before 1970");
	mem_free(text);
	control_unref(before);
}

/* Rows of two versions that differ. */
static void
count_diff(void *arg, enum control_table t, const void *was, const void *is)
{
	size_t *n = arg;

	(void)t;
	n[(was == NULL) + 2 * (is == NULL)]++;
}

/* Against a plain array: the same rows in the same order after any edits. */
static void
test_large(void)
{
	enum { N = 500, STEPS = 6000 };
	static bool want[N];
	const struct control_tag *t;
	struct control_iter it;
	struct control *mid = NULL;
	size_t diff[4] = { 0 }, n = 0, wrong = 0, at = 0;
	unsigned seed = 7;
	char host[16];

	reset();
	for (int i = 0; i < STEPS; i++) {
		struct key k = { host, 3306 };
		int which;

		seed = seed * 1103515245 + 12345;
		which = (int)(seed >> 8) % N;
		snprintf(host, sizeof host, "h%05d", which);
		if ((seed >> 24) % 3 != 0)
			DO(put_tag, .at = AT(i), .key = k, .name = "t");
		else
			DO(untag, .at = AT(i), .key = k, .name = "t");
		want[which] = (seed >> 24) % 3 != 0;
		if (i == STEPS - 10)
			mid = control_ref(now_state);
	}
	control_each(now_state, CONTROL_tag, &it);
	while ((t = control_next(&it)) != NULL) {
		while (at < N && !want[at])
			at++;
		wrong += at == N || atoi(t->key.host + 1) != (int)at++;
		n++;
	}
	while (at < N)
		wrong += want[at++];
	is_int((int64_t)wrong, 0, "rows are sorted and complete");
	is_int((int64_t)n, (int64_t)control_count(now_state, CONTROL_tag),
	    "and counted");
	control_diff(mid, now_state, count_diff, diff);
	ok(diff[0] == 0 && diff[3] == 0 && diff[1] + diff[2] > 0 &&
	    diff[1] + diff[2] < 10, "a diff finds what nine commands changed");
	is_int((int64_t)control_count(mid, CONTROL_tag) + (int64_t)diff[1] -
	    (int64_t)diff[2], (int64_t)n, "no more and no less");
	control_unref(mid);
}

static void
test_snapshot(void)
{
	struct buf b, again;
	struct control *c;
	size_t diff[4] = { 0 }, bad = 0;

	DO(begin_downtime, .at = AT(0), .key = DB(1), .owner = "ann");
	DO(begin_maintenance, .at = AT(0), .key = DB(1));
	DO(disable_recoveries, .at = AT(0));
	buf_init(&b);
	buf_init(&again);
	control_pack(&b, now_state);
	c = control_unpack((struct bin){ (uint8_t *)b.data, b.len }, &err);
	if (!ok(c != NULL, "a snapshot is read"))
		return;
	control_pack(&again, c);
	ok(b.len == again.len && memcmp(b.data, again.data, b.len) == 0,
	    "the same state gives the same bytes");
	control_diff(now_state, c, count_diff, diff);
	is_int((int64_t)(diff[0] + diff[1] + diff[2]), 0, "no row differs");
	control_unref(c);
	for (size_t n = 0; n < b.len; n += 1 + b.len / 997) {
		c = control_unpack((struct bin){ (uint8_t *)b.data, n }, &err);
		bad += c != NULL;
		control_unref(c);
	}
	is_int((int64_t)bad, 0, "cut anywhere, it is refused");
	buf_fini(&b);
	buf_fini(&again);
}

static void
test_unchanged(void)
{
	struct control *was;

	reset();
	DO(put_tag, .at = AT(0), .key = DB(1), .name = "t", .value = "v");
	was = now_state;
	DO(put_tag, .at = AT(5), .key = DB(1), .name = "t", .value = "v");
	ok(now_state == was, "the same again is the same version");
	DO(end_downtime, .at = AT(5), .key = DB(1));
	ok(now_state == was, "ending nothing, too");
}

static void
test_describe(void)
{
	const struct key members[] = { DB(1), DB(2) };
	const char *cluster;
	struct buf b, text;
	struct key key;

	buf_init(&b);
	buf_init(&text);
	command_pack(&b, begin_downtime, .at = AT(0), .key = DB(1),
	    .owner = "ann", .reason = "disk", .duration = DUR_S(60));
	ok(command_describe((struct bin){ (uint8_t *)b.data, b.len }, &key,
	    &cluster, &text) && key_eq(key, DB(1)), "a command about a server");
	is_str(buf_text(&text), "owner: ann, reason: disk, duration: 60s",
	    "in words");
	is_str(cluster, "", "and no cluster");
	buf_reset(&b);
	buf_reset(&text);
	command_pack(&b, set_alias_override, .cluster = "db1:3306",
	    .alias = "shop");
	command_describe((struct bin){ (uint8_t *)b.data, b.len }, &key,
	    &cluster, &text);
	is_str(cluster, "db1:3306", "about a cluster");
	ok(key_is_none(key), "and no server");
	is_str(buf_text(&text), "alias: shop", "in words");
	buf_reset(&b);
	buf_reset(&text);
	command_pack(&b, submit_pool, .pool = "web", .members = { members, 2 });
	command_describe((struct bin){ (uint8_t *)b.data, b.len }, &key,
	    &cluster, &text);
	is_str(buf_text(&text), "pool: web, members: db1:3306 db2:3306",
	    "a list");
	buf_reset(&b);
	buf_reset(&text);
	command_pack(&b, end_maintenance, .key = DB(1));
	command_describe((struct bin){ (uint8_t *)b.data, b.len }, &key,
	    &cluster, &text);
	is_str(buf_text(&text), "", "what was not given is not told");
	buf_reset(&b);
	command_pack(&b, token_add, .public = "p", .secret = "s");
	ok(!command_describe((struct bin){ (uint8_t *)b.data, b.len }, &key,
	    &cluster, &text), "secrets are not told");
	buf_fini(&b);
	buf_fini(&text);
}

int
main(void)
{
	buf_init(&result);
	test_describe();
	test_downtime();
	test_maintenance();
	test_candidates();
	test_names();
	test_tags();
	test_pools();
	test_forget_and_switch();
	test_tokens();
	test_expire();
	test_equivalence();
	test_hostile();
	test_large();
	test_snapshot();
	test_unchanged();
	control_unref(now_state);
	buf_fini(&result);
	return tap_done();
}
