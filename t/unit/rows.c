/* SPDX-License-Identifier: Apache-2.0 */
/* rows: what is written is read back, and hostile bytes are refused. */
#include "config.h"

#include "mysql/rows.h"

#include "base/mem.h"
#include "tap.h"

static const char *const two[] = { "Variable_name", "Value" };
static const char *const three[] = { "Host", "Port", "User" };

static void
put(struct buf *b, const char *v)
{
	rows_put_value(b, v, v != NULL ? strlen(v) : 0);
}

static struct bin
bin_of(const struct buf *b)
{
	return (struct bin){ (const uint8_t *)b->data, b->len };
}

static void
sample(struct buf *b, const char *uptime)
{
	size_t mark;

	rows_put_result(b, three, 3, 2);
	put(b, "db1");
	put(b, "3306");
	put(b, NULL);
	put(b, "db2");
	put(b, "");
	rows_put_value(b, "a\0b", 3);
	rows_put_ok(b);
	mark = rows_begin(b, two, 2);
	put(b, "Threads");
	put(b, "9");
	put(b, "Uptime");
	put(b, uptime);
	rows_end(b, mark, 2);
}

static void
test_round_trip(void)
{
	struct rows r;
	struct buf b;
	char *big = mem_alloc(70000);

	buf_init(&b);
	sample(&b, "17");
	memset(big, 'x', 70000);
	rows_put_result(&b, two, 2, 1);
	rows_put_value(&b, big, 70000);
	rows_put_value(&b, big, 300);

	is_int((int64_t)rows_results(bin_of(&b)), 4, "four results");
	rows_init(&r, bin_of(&b));
	ok(!rows_next(&r), "no row before the first result");
	ok(rows_next_result(&r) && r.columns == 3 && r.rows_left == 2,
	    "first result");
	ok(rows_next(&r), "first row");
	is_str(rows_get(&r, "HOST"), "db1", "found without case");
	ok(rows_get(&r, "user") == NULL && rows_has(&r, "user"), "SQL NULL");
	ok(rows_get(&r, "nothing") == NULL && !rows_has(&r, "nothing"),
	    "absent column");
	ok(rows_next(&r) && r.length[2] == 3 &&
	    memcmp(r.value[2], "a\0b", 4) == 0, "NUL inside and after a value");
	is_str(rows_get(&r, "port"), "", "empty is not NULL");
	ok(!rows_next(&r), "two rows");
	ok(rows_next_result(&r) && r.columns == 0 && !rows_next(&r), "an OK");
	ok(rows_next_result(&r) && r.rows_left == 2, "count set afterwards");
	ok(rows_next_result(&r) && rows_next(&r), "rows skipped");
	ok(r.length[0] == 70000 && r.length[1] == 300, "long values");
	ok(!rows_next_result(&r) && rows_ok(&r), "the end");
	mem_free(big);
	buf_fini(&b);
}

static void
test_digest(void)
{
	struct buf a, b;
	size_t i = 0;

	buf_init(&a);
	buf_init(&b);
	sample(&a, "17");
	sample(&b, "1234567");
	ok(rows_digest(bin_of(&a)) == rows_digest(bin_of(&b)),
	    "uptime is left out of the digest");
	/* The last ten bytes are the value of uptime, with tag and NUL. */
	for (; i < b.len - 10; i++) {
		b.data[i] ^= 1;
		if (rows_digest(bin_of(&a)) == rows_digest(bin_of(&b)))
			break;
		b.data[i] ^= 1;
	}
	is_int((int64_t)i, (int64_t)b.len - 10, "any other byte counts");
	ok(rows_digest(bin_of(&a)) != rows_digest((struct bin){ NULL, 0 }),
	    "not the digest of nothing");
	put(&a, "x");
	ok(rows_digest(bin_of(&a)) != rows_digest(bin_of(&b)),
	    "bytes after the end count");
	buf_fini(&a);
	buf_fini(&b);
}

/* Reads everything; the count of values. */
static size_t
drain(struct bin in)
{
	struct rows r;
	size_t n = 0;

	rows_init(&r, in);
	while (rows_next_result(&r))
		while (rows_next(&r))
			for (size_t i = 0; i < r.columns; i++)
				n += 1 + r.length[i];
	return rows_ok(&r) ? n : 0;
}

static void
test_hostile(void)
{
	static const struct {
		const char *what;
		const char *bytes;
		size_t len;
	} row[] = {
		{ "rows without columns", "\x90\xce\x00\x00\x00\x09", 6 },
		{ "rows beyond the end", "\x91\xa2""c\0\xce\xff\xff\xff\xff", 9 },
		{ "columns beyond the end", "\xdd\x7f\xff\xff\xff", 5 },
		{ "a column without NUL", "\x91\xa1""c\x00", 4 },
		{ "a column that is nil", "\x91\xc0\x00", 3 },
		{ "a value without NUL", "\x91\xa2""c\0\x01\xa1x", 7 },
		{ "a value of length 0", "\x91\xa2""c\0\x01\xa0", 6 },
		{ "a number for a value", "\x91\xa2""c\0\x01\x07", 6 },
	};
	struct buf b;
	size_t whole, got = 0;

	for (size_t i = 0; i < MEM_COUNT(row); i++) {
		struct bin in = { (const uint8_t *)row[i].bytes, row[i].len };
		struct rows r;

		rows_init(&r, in);
		while (rows_next_result(&r))
			while (rows_next(&r))
				;
		ok(!rows_ok(&r), "%s", row[i].what);
	}
	buf_init(&b);
	sample(&b, "17");
	whole = drain(bin_of(&b));
	for (size_t n = 0; n < b.len; n++) {
		/* A copy of its own, so that a sanitizer sees an overrun. */
		uint8_t *cut = mem_alloc(n);

		memcpy(cut, b.data, n);
		got = drain((struct bin){ cut, n });
		mem_free(cut);
		if (got >= whole)
			break;
	}
	ok(got < whole, "cut anywhere, less is read");
	buf_fini(&b);
}

int
main(void)
{
	test_round_trip();
	test_digest();
	test_hostile();
	return tap_done();
}
