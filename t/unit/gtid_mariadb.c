/* SPDX-License-Identifier: Apache-2.0 */
/* gtid_mariadb: positions, domain by domain. */
#include "config.h"

#include "base/mem.h"
#include "tap.h"
#include "topology/gtid_mariadb.h"

static struct arena arena;

static const struct {
	const char *what, *text, *want; /* want NULL: refused */
} parse_row[] = {
	{ "empty", "", "" },
	{ "one domain", "0-1-100", "0-1-100" },
	{ "domains out of order", "5-2-7,0-1-100", "0-1-100,5-2-7" },
	{ "numbers, not text", "10-1-1,9-1-1", "9-1-1,10-1-1" },
	{ "blanks", " 0-1-100 , 1-1-1\n", "0-1-100,1-1-1" },
	{ "two servers of a domain", "0-2-5,0-1-9", "0-1-9,0-2-5" },
	{ "the same twice: the later", "0-1-9,0-1-5", "0-1-9" },
	{ "largest", "4294967295-4294967295-18446744073709551615",
	    "4294967295-4294967295-18446744073709551615" },
	{ "domain too large", "4294967296-1-1", NULL },
	{ "server too large", "1-4294967296-1", NULL },
	{ "sequence too large", "1-1-18446744073709551616", NULL },
	{ "two parts", "0-1", NULL },
	{ "four parts", "0-1-2-3", NULL },
	{ "no number", "0-x-1", NULL },
	{ "no comma", "0-1-1 1-1-1", NULL },
	{ "MySQL's form", "0a000000-0000-0000-0000-000000000001:1", NULL },
};

static struct mariadb_pos
parse(const char *text)
{
	struct mariadb_pos pos;

	mariadb_pos_parse(&pos, text, &arena, NULL);
	return pos;
}

static void
test_parse(void)
{
	struct mariadb_pos pos;
	struct buf b;

	buf_init(&b);
	for (size_t i = 0; i < MEM_COUNT(parse_row); i++) {
		enum err_code code = mariadb_pos_parse(&pos,
		    parse_row[i].text, &arena, NULL);

		buf_reset(&b);
		mariadb_pos_text(pos, &b);
		ok((code == ERR_NONE) == (parse_row[i].want != NULL) &&
			(code == ERR_NONE || code == ERR_MALFORMED),
		    "%s", parse_row[i].what);
		if (code == ERR_NONE)
			is_str(buf_text(&b), parse_row[i].want, "its text");
	}
	buf_fini(&b);
}

static const struct {
	const char *what, *a, *b;
	enum mariadb_order want;
} cmp_row[] = {
	{ "both empty", "", "", MARIADB_EQUAL },
	{ "equal", "0-1-5", "0-1-5", MARIADB_EQUAL },
	{ "one behind", "0-1-4", "0-1-5", MARIADB_BEHIND },
	{ "one ahead", "0-1-6", "0-1-5", MARIADB_AHEAD },
	{ "behind another server's", "0-1-4", "0-2-5", MARIADB_BEHIND },
	{ "same sequence of two servers", "0-1-5", "0-2-5", MARIADB_DIVERGED },
	{ "a domain missing", "0-1-5", "0-1-5,1-1-1", MARIADB_BEHIND },
	{ "a domain more", "0-1-5,1-1-1", "0-1-5", MARIADB_AHEAD },
	{ "behind in one, ahead in another", "0-1-4,1-1-2", "0-1-5,1-1-1",
	    MARIADB_DIVERGED },
	{ "the furthest server of a domain counts", "0-1-5,0-2-9",
	    "0-2-9", MARIADB_EQUAL },
	{ "nothing yet", "", "0-1-5", MARIADB_BEHIND },
};

int
main(void)
{
	struct mariadb_pos many, pos;
	struct buf b;

	arena_init(&arena);
	test_parse();
	for (size_t i = 0; i < MEM_COUNT(cmp_row); i++) {
		is_int(mariadb_pos_cmp(parse(cmp_row[i].a),
			   parse(cmp_row[i].b)),
		    cmp_row[i].want, "%s", cmp_row[i].what);
	}
	pos = parse("0-1-5,7-2-9,7-3-8");
	is_int(mariadb_domain_cmp(pos, parse("7-2-10"), 7), MARIADB_BEHIND,
	    "one domain");
	is_int(mariadb_pos_find(pos, 7)->server, 2, "who is furthest");
	ok(mariadb_pos_find(pos, 1) == NULL, "no such domain");
	ok(mariadb_pos_reached(pos, (struct mariadb_gtid){ 7, 9, 9 }),
	    "reached");
	ok(!mariadb_pos_reached(pos, (struct mariadb_gtid){ 7, 9, 10 }),
	    "not reached");
	ok(!mariadb_pos_reached(pos, (struct mariadb_gtid){ 1, 1, 1 }),
	    "not in that domain");

	buf_init(&b);
	for (unsigned i = 0; i < MARIADB_GTIDS_MAX; i++)
		buf_printf(&b, "%s%u-1-1", i > 0 ? "," : "", i);
	ok(mariadb_pos_parse(&many, buf_text(&b), &arena, NULL) == ERR_NONE &&
		mariadb_pos_cmp(many, many) == MARIADB_EQUAL,
	    "as many domains as may be");
	buf_str(&b, ",1-1-1");
	ok(mariadb_pos_parse(&many, buf_text(&b), &arena, NULL) == ERR_INVALID,
	    "one more is refused");
	buf_fini(&b);
	arena_fini(&arena);
	return tap_done();
}
