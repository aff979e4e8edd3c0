/* SPDX-License-Identifier: Apache-2.0 */
/* gtid: sets of transactions; checked against sets of plain numbers too. */
#include "config.h"

#include <inttypes.h>

#include "base/mem.h"
#include "tap.h"
#include "topology/gtid.h"

#define A "0a000000-0000-0000-0000-000000000001"
#define B "0b000000-0000-0000-0000-000000000002"
#define C "0c000000-0000-0000-0000-000000000003"

/* want NULL: must be refused */
static const struct {
	const char *what, *text, *want;
} parse_row[] = {
	{ "empty", "", "" },
	{ "blanks and commas only", " \n,, ", "" },
	{ "one transaction", A ":1", A ":1" },
	{ "an interval", A ":1-5", A ":1-5" },
	{ "as a server shows it", A ":1-5:7-9,\n" B ":1", A ":1-5:7-9," B ":1" },
	{ "intervals out of order", A ":7:1-5", A ":1-5:7" },
	{ "neighbours become one", A ":1-5:6", A ":1-6" },
	{ "neighbours out of order", A ":6:1-5", A ":1-6" },
	{ "overlap", A ":1-5:3-8", A ":1-8" },
	{ "contained", A ":1-10:3-5:12", A ":1-10:12" },
	{ "UUIDs out of order", B ":1," A ":2", A ":2," B ":1" },
	{ "a UUID twice", A ":1," B ":1," A ":2", A ":1-2," B ":1" },
	{ "a UUID twice in a row", A ":1," A ":3", A ":1:3" },
	{ "upper case", "0A000000-0000-0000-0000-00000000000F:1",
	    "0a000000-0000-0000-0000-00000000000f:1" },
	{ "no dashes", "0a000000000000000000000000000001:1", A ":1" },
	{ "blanks everywhere", " " A " : 1 - 5 : 7 , " B ":\t1 ",
	    A ":1-5:7," B ":1" },
	{ "single written as an interval", A ":4-4", A ":4" },
	{ "interval that is empty", A ":5-4", "" },
	{ "empty and not", A ":5-4:7", A ":7" },
	{ "last possible number", A ":9223372036854775806",
	    A ":9223372036854775806" },
	{ "one more", A ":9223372036854775807", NULL },
	{ "far more", A ":99999999999999999999999", NULL },
	{ "a tag", A ":tag:1-3", A ":tag:1-3" },
	{ "untagged first", A ":tag:1-3:other:5," A ":7",
	    A ":7:other:5:tag:1-3" },
	{ "tags with a UUID between", A ":1:x:1," B ":1," A ":x:2",
	    A ":1:x:1-2," B ":1" },
	{ "tag in upper case", A ":TAG_1:1", A ":tag_1:1" },
	{ "tag of 32", A ":a1234567890123456789012345678901:1",
	    A ":a1234567890123456789012345678901:1" },
	{ "tag of 33", A ":a12345678901234567890123456789012:1", NULL },
	{ "tag that begins with a digit", A ":1tag:1", NULL },
	{ "tag without interval", A ":tag", NULL },
	{ "tag after tag", A ":a:b:1", NULL },
	{ "interval, then tag without interval", A ":1:tag", NULL },
	{ "zero", A ":0", NULL },
	{ "zero to something", A ":0-5", NULL },
	{ "no interval", A, NULL },
	{ "colon without interval", A ":", NULL },
	{ "two colons", A "::1", NULL },
	{ "interval without end", A ":1-", NULL },
	{ "interval of three", A ":1-2-3", NULL },
	{ "missing comma", A ":1 " B ":1", NULL },
	{ "short UUID", "0a000000-0000-0000-0000-00000000001:1", NULL },
	{ "long UUID", A "0:1", NULL },
	{ "dashes in wrong places", "0a00000-00000-0000-0000-000000000001:1",
	    NULL },
	{ "some dashes", "0a000000-000000000000-0000-000000000001:1", NULL },
	{ "MariaDB's form", "0-1-100", NULL },
	{ "words", "ANONYMOUS", NULL },
};

static char *
text_of(const struct gtid_set *set)
{
	struct buf b;

	buf_init(&b);
	gtid_set_text(set, &b);
	buf_add(&b, "", 0);
	return buf_steal(&b);
}

static void
is_set(const struct gtid_set *set, const char *want, const char *what)
{
	char *text = text_of(set);

	is_str(text != NULL ? text : "", want, "%s", what);
	mem_free(text);
}

static void
test_parse(void)
{
	struct err err = ERR_INIT;
	struct gtid_set set, again;

	gtid_set_init(&set);
	gtid_set_init(&again);
	for (size_t i = 0; i < MEM_COUNT(parse_row); i++) {
		enum err_code code = gtid_set_parse(&set, parse_row[i].text,
		    &err);

		if (parse_row[i].want == NULL) {
			ok(code == ERR_MALFORMED && gtid_set_is_empty(&set),
			    "%s: refused", parse_row[i].what);
			continue;
		}
		is_set(&set, parse_row[i].want, parse_row[i].what);
		ok(code == ERR_NONE &&
			gtid_set_parse(&again, parse_row[i].want, &err) ==
			    ERR_NONE &&
			gtid_set_eq(&set, &again),
		    "%s: equal to its own text", parse_row[i].what);
	}
	gtid_set_parse(&set, A ":1-x," B ":1", &err);
	is_str(err.text, "GTID set: a bad number at \"x," B ":1\"",
	    "the error names the place");
	gtid_set_fini(&set);
	gtid_set_fini(&again);
}

static const struct {
	const char *what, *a, *b, *sum, *minus, *both;
	bool contains; /* a contains b */
} op_row[] = {
	{ "nothing and nothing", "", "", "", "", "", true },
	{ "something and nothing", A ":1-5", "", A ":1-5", A ":1-5", "", true },
	{ "nothing and something", "", A ":1-5", A ":1-5", "", "", false },
	{ "equal", A ":1-5:7", A ":1-5:7", A ":1-5:7", "", A ":1-5:7", true },
	{ "a hole", A ":1-9", A ":4-5", A ":1-9", A ":1-3:6-9", A ":4-5",
	    true },
	{ "the beginning", A ":1-9", A ":1-5", A ":1-9", A ":6-9", A ":1-5",
	    true },
	{ "the end", A ":1-9", A ":5-9", A ":1-9", A ":1-4", A ":5-9", true },
	{ "beyond the end", A ":1-9", A ":5-10", A ":1-10", A ":1-4", A ":5-9",
	    false },
	{ "side by side", A ":1-4", A ":5-9", A ":1-9", A ":1-4", "", false },
	{ "several holes", A ":1-20", A ":2-3:5:9-11", A ":1-20",
	    A ":1:4:6-8:12-20", A ":2-3:5:9-11", true },
	{ "one over several", A ":2-3:5:9-11", A ":3-10", A ":2-11",
	    A ":2:11", A ":3:5:9-10", false },
	{ "other UUID", A ":1-5", B ":1-5", A ":1-5," B ":1-5", A ":1-5", "",
	    false },
	{ "one UUID of three", A ":1," B ":1-3," C ":1", B ":2",
	    A ":1," B ":1-3," C ":1", A ":1," B ":1:3," C ":1", B ":2", true },
	{ "a UUID goes away", A ":1," B ":1-3", B ":1-9", A ":1," B ":1-9",
	    A ":1", B ":1-3", false },
	{ "a tag is not the untagged", A ":1-5", A ":x:1-5", A ":1-5:x:1-5",
	    A ":1-5", "", false },
	{ "tags", A ":1-5:x:1-9", A ":x:3-4", A ":1-5:x:1-9",
	    A ":1-5:x:1-2:5-9", A ":x:3-4", true },
	{ "the largest number", A ":1-9223372036854775806",
	    A ":9223372036854775806", A ":1-9223372036854775806",
	    A ":1-9223372036854775805", A ":9223372036854775806", true },
};

static void
test_ops(void)
{
	struct gtid_set a, b, out;

	gtid_set_init(&a);
	gtid_set_init(&b);
	gtid_set_init(&out);
	for (size_t i = 0; i < MEM_COUNT(op_row); i++) {
		gtid_set_parse(&a, op_row[i].a, NULL);
		gtid_set_parse(&b, op_row[i].b, NULL);
		gtid_set_union(&out, &a, &b);
		is_set(&out, op_row[i].sum, op_row[i].what);
		gtid_set_union(&out, &b, &a);
		is_set(&out, op_row[i].sum, "union the other way round");
		gtid_set_subtract(&out, &a, &b);
		is_set(&out, op_row[i].minus, "subtract");
		gtid_set_intersect(&out, &a, &b);
		is_set(&out, op_row[i].both, "intersect");
		ok(gtid_set_contains(&a, &b) == op_row[i].contains,
		    "contains");
	}
	gtid_set_fini(&a);
	gtid_set_fini(&b);
	gtid_set_fini(&out);
}

static void
test_uuid(void)
{
	struct gtid_uuid uuid;
	struct gtid_set set;

	gtid_set_init(&set);
	ok(gtid_uuid_parse(&uuid, B, NULL) == ERR_NONE, "a UUID");
	ok(gtid_uuid_parse(&uuid, B ":1", NULL) == ERR_MALFORMED,
	    "a UUID and more");
	ok(gtid_uuid_parse(&uuid, "No", NULL) == ERR_MALFORMED, "no UUID");
	gtid_uuid_parse(&uuid, B, NULL);
	gtid_set_parse(&set, A ":1-5:9," B ":1:3:x:1-2," C ":7-8", NULL);
	ok(gtid_set_has_uuid(&set, uuid), "has it");
	is_int((int64_t)gtid_set_count(&set), 12, "count");
	gtid_set_remove_uuid(&set, uuid);
	is_set(&set, A ":1-5:9," C ":7-8", "removed with its tags");
	ok(!gtid_set_has_uuid(&set, uuid), "has it no longer");
	gtid_uuid_parse(&uuid, C, NULL);
	gtid_set_keep_uuid(&set, uuid);
	is_set(&set, C ":7-8", "one kept");
	gtid_set_parse(&set, A ":1-9223372036854775806,"
	    B ":1-9223372036854775806," C ":1-9", NULL);
	ok(gtid_set_count(&set) == UINT64_MAX, "the count sticks at its end");
	gtid_set_fini(&set);
}

/* ---- against plain numbers: UUID u and number n is bit u * 32 + n ---- */

static uint64_t seed = 1;

static unsigned
below(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static const char *const sid[] = { A ":", A ":t:", B ":" };

/* A set written down in an untidy way, and its numbers. */
static void
random_set(struct gtid_set *set, uint32_t bits[3])
{
	struct buf b;

	buf_init(&b);
	memset(bits, 0, 3 * sizeof *bits);
	for (unsigned i = below(6); i > 0; i--) {
		unsigned s = below(3), lo = 1 + below(30), hi = lo + below(4);

		buf_printf(&b, "%s%u-%u,", sid[s], lo, hi);
		for (; lo <= hi && lo < 32; lo++)
			bits[s] |= 1u << lo;
	}
	gtid_set_parse(set, buf_text(&b), NULL);
	buf_fini(&b);
}

static void
from_bits(struct gtid_set *set, const uint32_t bits[3])
{
	struct buf b;

	buf_init(&b);
	for (int s = 2; s >= 0; s--)
		for (unsigned n = 31; n > 0; n--)
			if (bits[s] >> n & 1)
				buf_printf(&b, "%s%u,", sid[s], n);
	gtid_set_parse(set, buf_text(&b), NULL);
	buf_fini(&b);
}

static void
test_model(void)
{
	struct gtid_set a, b, out, want, limit;
	uint32_t x[3], y[3], z[3];
	unsigned wrong = 0;

	gtid_set_init(&a);
	gtid_set_init(&b);
	gtid_set_init(&out);
	gtid_set_init(&want);
	gtid_set_init(&limit);
	/* 32 and 33 do not fit the model: they are taken off. */
	gtid_set_parse(&limit, A ":1-31:t:1-31," B ":1-31", NULL);
	for (int round = 0; round < 5000; round++) {
		random_set(&out, x);
		gtid_set_intersect(&a, &out, &limit);
		random_set(&out, y);
		gtid_set_intersect(&b, &out, &limit);
		for (int s = 0; s < 3; s++)
			z[s] = x[s] | y[s];
		from_bits(&want, z);
		gtid_set_union(&out, &a, &b);
		wrong += !gtid_set_eq(&out, &want);
		wrong += !gtid_set_contains(&out, &a);
		for (int s = 0; s < 3; s++)
			z[s] = x[s] & ~y[s];
		from_bits(&want, z);
		gtid_set_subtract(&out, &a, &b);
		wrong += !gtid_set_eq(&out, &want);
		wrong += gtid_set_is_empty(&out) != gtid_set_contains(&b, &a);
		for (int s = 0; s < 3; s++)
			z[s] = x[s] & y[s];
		from_bits(&want, z);
		gtid_set_intersect(&out, &a, &b);
		wrong += !gtid_set_eq(&out, &want);
	}
	is_int(wrong, 0, "5000 random pairs agree with plain numbers");
	gtid_set_fini(&a);
	gtid_set_fini(&b);
	gtid_set_fini(&out);
	gtid_set_fini(&want);
	gtid_set_fini(&limit);
}

static void
test_bounds(void)
{
	struct gtid_set set;
	struct buf b;

	gtid_set_init(&set);
	buf_init(&b);
	buf_str(&b, A);
	for (unsigned i = 0; i < GTID_RANGES_MAX; i++)
		buf_printf(&b, ":%u", 2 * (GTID_RANGES_MAX - i));
	ok(gtid_set_parse(&set, buf_text(&b), NULL) == ERR_NONE &&
		set.nranges == GTID_RANGES_MAX,
	    "as many intervals as may be, the wrong way round");
	buf_str(&b, ":9999999");
	ok(gtid_set_parse(&set, buf_text(&b), NULL) == ERR_INVALID,
	    "one more is refused");
	buf_reset(&b);
	for (unsigned i = 0; i <= GTID_SOURCES_MAX; i++)
		buf_printf(&b, "%032x:1,", i);
	ok(gtid_set_parse(&set, buf_text(&b), NULL) == ERR_INVALID,
	    "too many UUIDs are refused");
	buf_fini(&b);
	gtid_set_fini(&set);
}

int
main(void)
{
	test_parse();
	test_ops();
	test_uuid();
	test_model();
	test_bounds();
	return tap_done();
}
