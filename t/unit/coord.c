/* SPDX-License-Identifier: Apache-2.0 */
/* coord: log files in the order in which they were written. */
#include "config.h"

#include "base/mem.h"
#include "tap.h"
#include "topology/coord.h"

static struct arena arena;

static const struct {
	const char *what;
	struct coord a, b;
	int want;
	bool comparable;
} cmp_row[] = {
	{ "position", { "bin.000001", 4, false }, { "bin.000001", 5, false },
	    -1, true },
	{ "equal", { "bin.000001", 4, false }, { "bin.000001", 4, false }, 0,
	    true },
	{ "file before position", { "bin.000002", 4, false },
	    { "bin.000001", 900, false }, 1, true },
	{ "a million comes after 999999", { "bin.1000000", 4, false },
	    { "bin.999999", 4, false }, 1, true },
	{ "dots in the prefix", { "a.b.000010", 4, false },
	    { "a.b.000009", 4, false }, 1, true },
	{ "other prefix", { "a.000002", 4, false }, { "b.000001", 4, false },
	    -1, false },
	{ "relay against binary", { "x.000001", 4, true },
	    { "x.000001", 4, false }, 1, false },
	{ "no number", { "x", 4, false }, { "x", 5, false }, -1, true },
	{ "number against none", { "x.1", 4, false }, { "x.", 4, false }, 1,
	    false },
	{ "unset", { "", 0, false }, { "", 0, false }, 0, false },
};

static void
test_cmp(void)
{
	for (size_t i = 0; i < MEM_COUNT(cmp_row); i++) {
		int c = coord_cmp(&cmp_row[i].a, &cmp_row[i].b);
		int r = coord_cmp(&cmp_row[i].b, &cmp_row[i].a);

		ok((c > 0) - (c < 0) == cmp_row[i].want &&
			(r > 0) - (r < 0) == -cmp_row[i].want &&
			coord_eq(&cmp_row[i].a, &cmp_row[i].b) == (c == 0),
		    "order: %s", cmp_row[i].what);
		ok(coord_comparable(&cmp_row[i].a, &cmp_row[i].b) ==
			cmp_row[i].comparable,
		    "comparable: %s", cmp_row[i].what);
	}
}

/* "" where there is none */
static const struct {
	const char *file, *next, *previous;
} step_row[] = {
	{ "bin.000099", "bin.000100", "bin.000098" },
	{ "bin.000001", "bin.000002", "" },
	{ "bin.000000", "bin.000001", "" },
	{ "bin.999999", "bin.1000000", "bin.999998" },
	{ "bin.1000000", "bin.1000001", "bin.999999" },
	{ "bin.0999999", "bin.1000000", "bin.0999998" },
	{ "a.b-bin.000010", "a.b-bin.000011", "a.b-bin.000009" },
	{ "bin.1000", "bin.1001", "bin.0999" },
	{ "bin", "", "" },
	{ "bin.", "", "" },
	{ "bin.12x", "", "" },
	{ "bin.9999999999999999999", "", "" },
	{ "", "", "" },
};

static void
test_step(void)
{
	struct err err = ERR_INIT;

	for (size_t i = 0; i < MEM_COUNT(step_row); i++) {
		struct coord c = { step_row[i].file, 777, true }, out;

		if (coord_next_file(&out, &c, &arena, &err) != ERR_NONE)
			out = (struct coord){ "", 4, true };
		ok(strcmp(out.file, step_row[i].next) == 0 && out.pos == 4 &&
			out.relay,
		    "after \"%s\"", step_row[i].file);
		if (coord_previous_file(&out, &c, &arena, &err) != ERR_NONE)
			out.file = "";
		is_str(out.file, step_row[i].previous, "before \"%s\"",
		    step_row[i].file);
	}
}

static const struct {
	const char *from;
	uint64_t back;
	const char *want;
	uint64_t apart;
} far_row[] = {
	{ "bin.1000005", 10, "bin.999995", 10 },
	{ "bin.000005", 4, "bin.000001", 4 },
	{ "bin.000005", 400, "bin.000001", 4 },
	{ "bin.000005", UINT64_MAX, "bin.000001", 4 },
};

static void
test_far(void)
{
	struct coord other = { "log.000001", 4, false }, out;

	for (size_t i = 0; i < MEM_COUNT(far_row); i++) {
		struct coord c = { far_row[i].from, 777, false };

		coord_earlier_file(&out, &c, far_row[i].back, &arena, NULL);
		is_str(out.file, far_row[i].want, "%s back from %s",
		    far_row[i].want, far_row[i].from);
		is_int((int64_t)coord_files_apart(&out, &c),
		    (int64_t)far_row[i].apart, "so far apart");
		is_int((int64_t)coord_files_apart(&c, &out), 0, "not back");
		is_int((int64_t)coord_files_apart(&other, &c), 0, "another");
	}
}

static const struct {
	const char *text, *file;
	int64_t pos;
} parse_row[] = {
	{ "bin.000001:120", "bin.000001", 120 },
	{ "a:b.01:4", "a:b.01", 4 },
	{ "b:9223372036854775807", "b", INT64_MAX },
	{ "b:9223372036854775808", NULL, 0 },
	{ "b:-1", NULL, 0 },
	{ "b:1x", NULL, 0 },
	{ "b:", NULL, 0 },
	{ ":1", NULL, 0 },
	{ "b", NULL, 0 },
	{ "", NULL, 0 },
};

static void
test_parse(void)
{
	char text[COORD_TEXT_MAX];
	struct err err = ERR_INIT;
	struct coord c;

	for (size_t i = 0; i < MEM_COUNT(parse_row); i++) {
		bool good = coord_parse(&c, parse_row[i].text, &arena, &err) ==
		    ERR_NONE;

		ok(good == (parse_row[i].file != NULL) &&
			(!good || (strcmp(c.file, parse_row[i].file) == 0 &&
			    c.pos == parse_row[i].pos)),
		    "\"%s\"", parse_row[i].text);
		if (good)
			is_str(coord_text(&c, text), parse_row[i].text,
			    "and its text");
	}
}

static void
test_detached(void)
{
	struct coord c = { "bin.000007", 154, false }, out, back;
	struct err err = ERR_INIT;

	ok(!coord_is_detached(&c), "usual coordinates are attached");
	out = coord_detached(&c, &arena);
	is_str(out.file, "//bin.000007:154", "detached");
	ok(coord_is_detached(&out), "and seen as such");
	is_str(coord_detached(&out, &arena).file, out.file, "not twice");
	ok(coord_attached(&back, &out, &arena, &err) == ERR_NONE &&
		coord_eq(&back, &c), "attached again");
	ok(coord_attached(&back, &c, &arena, &err) == ERR_MALFORMED,
	    "attaching what is attached");
	out.file = "//bin.000007";
	ok(!coord_is_detached(&out), "no position inside");
}

int
main(void)
{
	arena_init(&arena);
	test_cmp();
	test_step();
	test_far();
	test_parse();
	test_detached();
	arena_fini(&arena);
	return tap_done();
}
