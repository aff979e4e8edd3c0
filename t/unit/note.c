/* SPDX-License-Identifier: Apache-2.0 */
/* note: age, problems and the operator's word, at the boundaries. */
#include "config.h"

#include "base/mem.h"
#include "tap.h"
#include "topology/note.h"

#define T(s) ((wall_t){ (int64_t)(1000000 + (s)) * 1000000 })
#define NEVER ((wall_t){ 0 })

static struct arena arena;

/* All at now = T(100), polls of 5 s. */
static const struct {
	const char *what;
	wall_t attempted, checked, seen;
	bool valid, valid_now, up_to_date, recent;
	int since; /* -1: NULL */
} age_row[] = {
	{ "never probed", NEVER, NEVER, NEVER, 0, 0, 0, 0, -1 },
	{ "being probed for the first time", T(99), NEVER, NEVER, 0, 0, 0, 0,
	    -1 },
	{ "never reached", T(99), T(99), NEVER, 0, 0, 1, 1, -1 },
	{ "just now", T(100), T(100), T(100), 1, 1, 1, 1, 0 },
	{ "one poll ago", T(95), T(95), T(95), 1, 1, 1, 1, 5 },
	{ "more than a poll ago", T(94), T(94), T(94), 1, 1, 0, 1, 6 },
	{ "five polls ago", T(75), T(75), T(75), 1, 1, 0, 1, 25 },
	{ "more than five", T(74), T(74), T(74), 1, 1, 0, 0, 26 },
	{ "failed after it was seen", T(99), T(99), T(94), 0, 0, 1, 1, 6 },
	{ "a probe is running", T(96), T(91), T(91), 1, 1, 0, 1, 9 },
	{ "a probe is running for as long as may be", T(97), T(91), T(91), 1,
	    1, 0, 1, 9 },
	{ "a probe hangs", T(98), T(91), T(91), 1, 0, 0, 1, 9 },
	{ "seen in the future: a clock was set", T(120), T(120), T(120), 1, 1,
	    1, 1, 0 },
};

static void
test_age(void)
{
	struct note_input n;
	struct instance in, out;

	instance_init(&in);
	note_input_init(&n, T(100));
	for (size_t i = 0; i < MEM_COUNT(age_row); i++) {
		struct member m = { .in = &in };
		const struct nullint *since = &out.seconds_since_last_seen;

		m.health.last_attempted = age_row[i].attempted;
		m.health.last_checked = age_row[i].checked;
		m.health.last_seen = age_row[i].seen;
		note_fill(&out, &m, &n, &arena);
		ok(out.is_last_check_valid == age_row[i].valid &&
			out.is_up_to_date == age_row[i].up_to_date &&
			out.is_recently_checked == age_row[i].recent &&
			since->valid == (age_row[i].since >= 0) &&
			(!since->valid || since->v == age_row[i].since),
		    "%s", age_row[i].what);
		ok(note_is_valid_now(&m.health, DUR_S(6)) ==
			age_row[i].valid_now,
		    "for analysis: %s", age_row[i].what);
	}
}

static void
test_age_fraction(void)
{
	struct note_input n;
	struct instance in, out;
	struct member m = { .in = &in };

	instance_init(&in);
	note_input_init(&n, wall_add(T(100), DUR_MS(900)));
	m.health.last_seen = m.health.last_checked = T(95);
	m.health.latency = DUR_MS(2);
	note_fill(&out, &m, &n, &arena);
	ok(out.is_up_to_date, "a poll that is a fraction late is no matter");
	is_int(out.last_latency_ns, 2000000, "latency");
	is_str(out.last_seen_text, "1970-01-12T13:48:15Z", "last seen");
	m.health.last_seen = NEVER;
	note_fill(&out, &m, &n, &arena);
	is_str(out.last_seen_text, "", "never seen");
}

#define NUL ((struct nullint){ 0, false })
#define NUM(x) ((struct nullint){ (x), true })

/* Valid and recent unless said otherwise; ten seconds are reasonable. */
static const struct {
	const char *what;
	bool invalid, old;
	int io, sql;
	struct nullint lag, behind;
	unsigned delay;
	const char *errant, *group_state; /* NULL: no member */
	const char *want;
	bool page; /* on the problems page */
} problem_row[] = {
	{ "a primary", 0, 0, -1, -1, NUL, NUL, 0, "", NULL, "", false },
	{ "a good replica", 0, 0, 1, 1, NUM(0), NUM(0), 0, "", NULL, "",
	    false },
	{ "check failed", 1, 0, 1, 1, NUM(0), NUM(0), 0, "", NULL,
	    "last_check_invalid", true },
	{ "long ago", 0, 1, 1, 1, NUM(0), NUM(0), 0, "", NULL,
	    "not_recently_checked", true },
	{ "failed and long ago", 1, 1, 0, 0, NUL, NUL, 0, "", NULL,
	    "last_check_invalid", true },
	{ "io thread stopped", 0, 0, 0, 1, NUL, NUL, 0, "", NULL,
	    "not_replicating", true },
	{ "io thread connecting", 0, 0, 2, 1, NUL, NUL, 0, "", NULL,
	    "not_replicating", true },
	{ "sql thread stopped", 0, 0, 1, 0, NUM(99), NUM(99), 0, "", NULL,
	    "not_replicating", true },
	{ "lag just reasonable", 0, 0, 1, 1, NUM(10), NUM(10), 0, "", NULL,
	    "", false },
	{ "lag", 0, 0, 1, 1, NUM(11), NUM(0), 0, "", NULL, "replication_lag",
	    true },
	{ "lag as delayed", 0, 0, 1, 1, NUM(3610), NUM(3600), 3600, "", NULL,
	    "", false },
	{ "delayed and lagging", 0, 0, 1, 1, NUM(3611), NUM(3600), 3600, "",
	    NULL, "replication_lag", true },
	{ "delayed but ahead of it", 0, 0, 1, 1, NUM(3589), NUM(3600), 3600,
	    "", NULL, "replication_lag", true },
	{ "lag by the server's count only", 0, 0, 1, 1, NUM(0), NUM(11), 0, "",
	    NULL, "", true },
	{ "errant", 0, 0, 1, 1, NUM(0), NUM(0), 0, "x:1", NULL, "errant_gtid",
	    true },
	{ "all at once", 1, 1, 0, 0, NUM(99), NUM(99), 0, "x:1", "ERROR",
	    "last_check_invalid errant_gtid "
	    "group_replication_member_not_online", true },
	{ "group member online", 0, 0, -1, -1, NUL, NUL, 0, "", "ONLINE", "",
	    false },
	{ "group member recovering", 0, 0, -1, -1, NUL, NUL, 0, "",
	    "RECOVERING", "group_replication_member_not_online", true },
};

static void
test_problems(void)
{
	struct note_input n;

	note_input_init(&n, T(100));
	for (size_t i = 0; i < MEM_COUNT(problem_row); i++) {
		struct instance in, out;
		struct member m = { .in = &in };
		char got[200] = "";

		instance_init(&in);
		in.source_key = (struct key){ "s", 1 };
		in.read_coord.file = "bin.1";
		in.io_state = problem_row[i].io;
		in.sql_state = problem_row[i].sql;
		in.lag_seconds = problem_row[i].lag;
		in.seconds_behind = problem_row[i].behind;
		in.sql_delay = problem_row[i].delay;
		in.gtid_errant = problem_row[i].errant;
		if (problem_row[i].group_state != NULL) {
			in.group_name = "g";
			in.group_member_state = problem_row[i].group_state;
		}
		m.health.last_seen = problem_row[i].old ? T(50) : T(99);
		m.health.last_checked = wall_add(m.health.last_seen,
		    problem_row[i].invalid ? DUR_US(1) : DUR_ZERO);
		note_fill(&out, &m, &n, &arena);
		for (size_t k = 0; k < out.problems.n; k++) {
			strcat(got, k > 0 ? " " : "");
			strcat(got, out.problems.at[k]);
		}
		is_str(got, problem_row[i].want, "%s", problem_row[i].what);
		ok(note_is_problem(&m, &n) == problem_row[i].page,
		    "on the page: %s", problem_row[i].what);
		n.downtime_end = wall_add(n.now, DUR_S(1));
		ok(!note_is_problem(&m, &n), "not when downtimed");
		n.downtime_end = n.now;
		ok(note_is_problem(&m, &n) == problem_row[i].page,
		    "again when that is over");
		n.downtime_end = (wall_t){ 0 };
	}
}

static void
test_word(void)
{
	struct instance in, out;
	struct member m = { .in = &in };
	struct note_input n;

	instance_init(&in);
	note_input_init(&n, T(100));
	note_fill(&out, &m, &n, &arena);
	ok(!out.is_downtimed && out.downtime_owner[0] == '\0' &&
		out.downtime_end_text[0] == '\0' &&
		out.elapsed_downtime_ns == 0,
	    "no downtime");
	is_str(out.promotion_rule, "neutral", "no rule is neutral");
	n.downtime_begin = T(40);
	n.downtime_end = T(101);
	n.downtime_owner = "ann";
	n.downtime_reason = "disk";
	n.virtual_name = "vip";
	note_fill(&out, &m, &n, &arena);
	ok(out.is_downtimed, "downtime that ends in a second");
	is_str(out.downtime_owner, "ann", "owner");
	is_str(out.downtime_reason, "disk", "reason");
	is_str(out.downtime_end_text, "1970-01-12T13:48:21Z", "end");
	is_int(out.elapsed_downtime_ns, 60000000000, "a minute of it");
	is_str(out.unresolved_hostname, "vip", "virtual name");
	n.downtime_end = T(100);
	note_fill(&out, &m, &n, &arena);
	ok(!out.is_downtimed, "it ends now");
	is_str(out.downtime_owner, "ann", "and is still told");
}

static const struct {
	enum promotion_rule registered;
	const char *detected, *want;
	bool candidate;
} rule_row[] = {
	{ RULE_MUST, "", "must", true },
	{ RULE_PREFER, "", "prefer", true },
	{ RULE_NEUTRAL, "", "neutral", false },
	{ RULE_PREFER_NOT, "", "prefer_not", false },
	{ RULE_MUST_NOT, "", "must_not", false },
	{ RULE_NEUTRAL, "prefer", "prefer", true },
	{ RULE_PREFER, "must_not", "must_not", false },
	{ RULE_PREFER, "nonsense", "prefer", true },
	{ RULE_PREFER_NOT, "must", "prefer_not", false },
};

static void
test_rules(void)
{
	struct instance in, out;
	struct member m = { .in = &in };
	struct note_input n;

	instance_init(&in);
	note_input_init(&n, T(100));
	for (size_t i = 0; i < MEM_COUNT(rule_row); i++) {
		n.rule = rule_row[i].registered;
		in.detected_promotion_rule = rule_row[i].detected;
		note_fill(&out, &m, &n, &arena);
		ok(strcmp(out.promotion_rule, rule_row[i].want) == 0 &&
			out.is_candidate == rule_row[i].candidate,
		    "%s, server says \"%s\"",
		    promotion_rule_name(n.rule), rule_row[i].detected);
	}
}

int
main(void)
{
	arena_init(&arena);
	test_age();
	test_age_fraction();
	test_problems();
	test_word();
	test_rules();
	arena_fini(&arena);
	return tap_done();
}
