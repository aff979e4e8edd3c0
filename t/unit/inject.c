/* SPDX-License-Identifier: Apache-2.0 */
/* inject: which server gets markers, whether it may, and what they say. */
#include "config.h"

#include "base/mem.h"
#include "mysql/rows.h"
#include "plan/inject.h"
#include "tap.h"

static const struct {
	const char *grant;
	bool may;
} grant_row[] = {
	{ "GRANT ALL PRIVILEGES ON *.* TO `o`@`%` WITH GRANT OPTION", true },
	{ "GRANT SELECT, INSERT, DROP, RELOAD ON *.* TO `o`@`%`", true },
	{ "GRANT DROP ON `_pseudo_gtid_`.* TO 'o'@'%'", true },
	{ "GRANT ALL PRIVILEGES ON \"_pseudo_gtid_\".* TO \"o\"@\"%\"", true },
	{ "GRANT ALL PRIVILEGES ON `\\_pseudo\\_gtid\\_`.* TO `o`@`%`", true },
	{ "grant select, drop on *.* to o", false }, /* no server says that */
	{ "GRANT DROP ROLE, CREATE ROLE ON *.* TO `o`@`%`", false },
	{ "GRANT SUPER, PROCESS, REPLICATION SLAVE ON *.* TO `o`@`%`", false },
	{ "GRANT DROP ON `_pseudo_gtid_x`.* TO `o`@`%`", false },
	{ "GRANT DROP ON `_pseudo_gtid_`.`t` TO `o`@`%`", false },
	{ "GRANT DROP ON `test`.* TO `o`@`%`", false },
	{ "GRANT `app`@`%` TO `o`@`%`", false },
	{ "GRANT USAGE ON *.* TO `o`@`%`", false },
	{ "", false },
};

static void
test_grants(void)
{
	static const char *const column[] = { "Grants for o@%" };
	struct buf b;

	buf_init(&b);
	for (size_t i = 0; i < MEM_COUNT(grant_row); i++) {
		const char *text = grant_row[i].grant;

		buf_reset(&b);
		rows_put_result(&b, column, 1, 2);
		rows_put_value(&b, NULL, 0);
		rows_put_value(&b, text, strlen(text));
		ok(inject_granted((struct bin){ (uint8_t *)b.data, b.len })
		    == grant_row[i].may, "%s: %d", text, grant_row[i].may);
	}
	ok(!inject_granted((struct bin){ (const uint8_t *)"\xdd\xff\xff", 3 }),
	    "bytes that are no rows");
	buf_fini(&b);
}

enum { READ_ONLY = 1, NO_LOG = 2, FAILING = 4, OLD = 8, CO = 16, REPLICA = 32,
	SECONDARY = 64 };

#define NOW ((wall_t){ 1000000000 })

static const struct {
	const char *what;
	struct { const char *host; unsigned depth, is; } m[3];
	const char *last, *want;
} target_row[] = {
	{ "the writable root", { { "a", 0, 0 }, { "b", 1, READ_ONLY | REPLICA } },
	    "", "a" },
	{ "a writable replica is none", { { "a", 0, READ_ONLY },
	    { "b", 1, REPLICA } }, "", "" },
	{ "nor a root that replicates from somebody unknown",
	    { { "a", 0, REPLICA } }, "", "" },
	{ "nor one without a binary log", { { "a", 0, NO_LOG } }, "", "" },
	{ "nor one that fails", { { "a", 0, FAILING } }, "", "" },
	{ "nor one that was not seen for long", { { "a", 0, OLD } }, "", "" },
	{ "nor a secondary of a group", { { "a", 0, SECONDARY } }, "", "" },
	{ "of two co-primaries the first", { { "b", 0, CO | REPLICA },
	    { "a", 0, CO | REPLICA } }, "", "a" },
	{ "but the one that had them keeps them", { { "b", 0, CO | REPLICA },
	    { "a", 0, CO | REPLICA } }, "b", "b" },
	{ "unless it is read-only now", { { "b", 0, CO | REPLICA | READ_ONLY },
	    { "a", 0, CO | REPLICA } }, "b", "a" },
};

static void
fill(struct member *m, struct instance *in, const char *host, unsigned depth,
    unsigned is)
{
	instance_init(in);
	in->key = (struct key){ host, 3306 };
	in->replication_depth = depth;
	in->read_only = (is & READ_ONLY) != 0;
	in->log_bin = (is & NO_LOG) == 0;
	in->is_co_primary = (is & CO) != 0;
	if ((is & REPLICA) != 0)
		in->source_key = (struct key){ "x", 3306 };
	in->group_member_role = (is & SECONDARY) != 0 ? "SECONDARY" : "";
	*m = (struct member){ .in = in };
	m->health.failures = (is & FAILING) != 0;
	m->health.last_seen = wall_add(NOW, DUR_S((is & OLD) != 0 ? -60 : -1));
}

static void
test_target(void)
{
	for (size_t i = 0; i < MEM_COUNT(target_row); i++) {
		const char *last = target_row[i].last;
		struct instance in[3];
		struct member m[3];
		const struct member *to;
		size_t n = 0;

		for (; n < 3 && target_row[i].m[n].host != NULL; n++)
			fill(&m[n], &in[n], target_row[i].m[n].host,
			    target_row[i].m[n].depth, target_row[i].m[n].is);
		to = inject_target(m, n, last[0] == '\0' ? KEY_NONE
		    : (struct key){ last, 3306 }, DUR_S(5), NOW);
		is_str(to == NULL ? "" : to->in->key.host, target_row[i].want,
		    "%s", target_row[i].what);
	}
}

int
main(void)
{
	struct buf b;

	test_grants();
	test_target();
	buf_init(&b);
	inject_statement(&b, (wall_t){ INT64_C(1795000000) * 1000000 }, 77,
	    0xabcdef);
	is_str(buf_text(&b), "drop view if exists `_pseudo_gtid_`."
	    "`_asc:6afd86c0:0000004d:0000000000abcdef`", "the statement");
	buf_fini(&b);
	return tap_done();
}
