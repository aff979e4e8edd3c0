/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What plans are made from: looking servers up, what was read since, needs on
 * facts read just now, and requests out of messages.
 */
#include "config.h"

#include "base/buf.h"
#include "base/mem.h"
#include "plan/plan.h"
#include "tap.h"

static const struct plan_policy policy = { .poll = DUR_S(5),
	.maintenance_lag = DUR_S(20) };

static struct instance in[3];
static struct member m[3];
static const struct member *at[3] = { &m[0], &m[1], &m[2] };
static const struct world world = { .at = at, .n = 3, .policy = &policy,
	.now = { 1000000000 } };

/* b and c are below a. */
static void
set_world(void)
{
	static const char *const host[] = { "a", "b", "c" };

	for (int i = 0; i < 3; i++) {
		instance_init(&in[i]);
		in[i].key = (struct key){ host[i], 3306 };
		m[i] = (struct member){ &in[i], { .last_checked =
		    { 999000000 }, .last_seen = { 999000000 }, .error = "" } };
		if (i == 0)
			continue;
		in[i].source_key = in[0].key;
		in[i].source_host_raw = "a-by-another-name";
		in[i].read_coord.file = in[i].exec_coord.file = "bin.000001";
		in[i].ancestry_uuid = "its place";
	}
}

static struct member
read_now(int i, struct instance *facts, int64_t at_us)
{
	*facts = in[i];
	facts->source_key = (struct key){ "a-by-another-name", 3306 };
	facts->ancestry_uuid = "";
	facts->exec_coord.pos = 77;
	return (struct member){ facts, { .last_checked = { at_us },
	    .last_seen = { at_us }, .error = "" } };
}

static void
test_read_since(void)
{
	struct instance facts;
	struct member now = read_now(1, &facts, 999000001);
	const struct member *read[] = { &now };
	const struct world *w;
	struct arena a;

	arena_init(&a);
	w = world_with(&world, read, 1, &a);
	is_int(world_find(w, in[1].key)->in->exec_coord.pos, 77,
	    "what was read later counts");
	is_str(world_find(w, in[1].key)->in->ancestry_uuid, "its place",
	    "its place is kept");
	is_str(world_find(w, in[1].key)->in->source_key.host, "a",
	    "and our name of its source");
	ok(world_find(w, in[2].key) == &m[2], "nobody else is touched");
	facts.source_host_raw = "elsewhere";
	facts.source_key.host = "elsewhere";
	w = world_with(&world, read, 1, &a);
	is_str(world_find(w, in[1].key)->in->source_key.host, "elsewhere",
	    "another source is another one");
	now.health.last_checked.us = 998999999;
	w = world_with(&world, read, 1, &a);
	ok(world_find(w, in[1].key) == &m[1], "what was read before does not");
	arena_fini(&a);
}

static enum err_code
still_below(const struct member *now, int source, struct err *err)
{
	return need_check(NEED_SOURCE, now, &m[source], NULL, &world, err);
}

static void
test_source(void)
{
	struct instance facts;
	struct member now = read_now(1, &facts, 999000001);
	struct err err = ERR_INIT;

	is_int(still_below(&now, 0, &err), ERR_NONE,
	    "the name that it has for its source did not change");
	is_int(still_below(&now, 2, &err), ERR_INVALID, "c was never it");
	is_str(err.text, "b:3306 replicates from a-by-another-name:3306 now, "
	    "no longer from c:3306", "and is named");
	facts.source_host_raw = "x";
	is_int(still_below(&now, 0, &err), ERR_INVALID, "it changed");
	in[0].server_uuid = facts.source_uuid =
	    "00000001-0000-0000-0000-000000000000";
	is_int(still_below(&now, 0, &err), ERR_NONE,
	    "by another name still, but it is that server");
	facts.read_coord.file = "";
	is_int(still_below(&now, 0, &err), ERR_INVALID,
	    "it replicates from nobody");
}

static void
test_lookups(void)
{
	const struct member *out[3];

	ok(world_find(&world, (struct key){ "b", 3306 }) == &m[1], "by key");
	ok(world_find(&world, (struct key){ "b", 3307 }) == NULL,
	    "another port is another server");
	is_int((int64_t)world_replicas(&world, in[0].key, false, out), 2,
	    "a's replicas");
	ok(world_is_fresh(&world, &m[0]), "looked at a second ago");
	m[0].health.last_checked.us = 974999999;
	ok(!world_is_fresh(&world, &m[0]), "longer than five polls ago");
	m[0].health.last_checked.us = 975000000;
	ok(world_is_fresh(&world, &m[0]), "five polls ago");
	m[0].health.failures = 1;
	ok(!world_is_fresh(&world, &m[0]), "its last probe failed");
}

static bool
is_text(const char *text)
{
	return text != NULL && memchr(text, '\0', 4096) != NULL;
}

/* Cut short, or with bytes changed: an error, or a request that can be read. */
static void
test_request(void)
{
	const struct plan_request whole = { .op = "relocate",
		.server = { "a", 3306 }, .target = { "b", 3307 },
		.at = { "bin.000001", 4, false }, .text = "text",
		.number = -5, .force = true };
	struct plan_request r;
	struct pcur cur;
	struct buf b;
	unsigned bad = 0;

	buf_init(&b);
	plan_request_pack(&b, &whole);
	pcur_init(&cur, b.data, b.len);
	ok(plan_request_unpack(&cur, &r) && pcur_done(&cur), "it is read");
	ok(key_eq(r.target, whole.target) && r.number == -5 && r.force &&
	    strcmp(r.at.file, "bin.000001") == 0 && r.at.pos == 4,
	    "as it was written");
	is_str(r.password, "", "what was unset is empty");
	for (size_t n = 0; n < b.len; n++) {
		void *cut = mem_alloc(n);

		memcpy(cut, b.data, n);
		pcur_init(&cur, cut, n);
		bad += plan_request_unpack(&cur, &r);
		mem_free(cut);
	}
	is_int(bad, 0, "less than all is refused");
	for (size_t i = 0; i < b.len; i++)
		for (unsigned byte = 0; byte < 256; byte++) {
			char was = b.data[i];

			b.data[i] = (char)byte;
			pcur_init(&cur, b.data, b.len);
			if (plan_request_unpack(&cur, &r))
				bad += !is_text(r.op) || !is_text(r.text) ||
				    !is_text(r.server.host) ||
				    !is_text(r.pattern);
			b.data[i] = was;
		}
	is_int(bad, 0, "any byte may be another one");
	buf_fini(&b);
}

static void
test_operations(void)
{
	static const char *const names[] = {
#define PLAN(symbol, name, make) name,
#include "plan/plans.def"
#undef PLAN
	};
	unsigned unknown = 0, silent = 0;

	set_world();
	for (size_t i = 0; i < MEM_COUNT(names); i++) {
		const struct plan_request r = { .op = names[i],
			.server = { "nobody", 1 }, .target = { "nowhere", 1 } };
		struct err err = ERR_INIT;
		struct plan p;

		plan_init(&p);
		unknown += !plan_knows(names[i]);
		silent += plan_make(&p, &r, &world, &err) == ERR_NONE ||
		    err.text[0] == '\0';
		plan_fini(&p);
	}
	is_int(unknown, 0, "every row is an operation");
	is_int(silent, 0, "and refuses a server that is not known");
	ok(!plan_knows("relocate-everything"), "others are none");
}

int
main(void)
{
	set_world();
	test_read_since();
	test_source();
	set_world();
	test_lookups();
	test_request();
	test_operations();
	return tap_done();
}
