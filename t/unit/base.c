/* SPDX-License-Identifier: Apache-2.0 */
/* base: what every other layer leans on. */
#include "config.h"

#include <math.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/pack.h"
#include "tap.h"

static void
test_json(void)
{
	static const double number[] = { 0, 0.000945, 0.1 + 0.2, -2.5, 1e300 };
	struct json w;
	struct buf b;

	buf_init(&b);
	json_init(&w, &b);
	json_obj(&w);
	json_kstr(&w, "a", "x<y>&\"\\\n\x01");
	json_key(&w, "l");
	json_arr(&w);
	json_int(&w, INT64_MIN);
	json_uint(&w, UINT64_MAX);
	json_obj(&w);
	json_end(&w);
	json_end(&w);
	json_kstr(&w, "u", "\xc3\xa9\xff\xed\xa0\x80");
	json_knull(&w, "n");
	json_key(&w, "d");
	json_arr(&w);
	for (size_t i = 0; i < MEM_COUNT(number); i++)
		json_double(&w, number[i]);
	json_end(&w);
	json_end(&w);
	is_str(buf_text(&b),
	    "{\"a\":\"x\\u003cy\\u003e\\u0026\\\"\\\\\\n\\u0001\","
	    "\"l\":[-9223372036854775808,18446744073709551615,{}],"
	    "\"u\":\"\xc3\xa9\\ufffd\\ufffd\\ufffd\\ufffd\",\"n\":null,"
	    "\"d\":[0,0.000945,0.30000000000000004,-2.5,1e+300]}",
	    "JSON is escaped and separated");
	buf_fini(&b);
}

static void
test_pack(void)
{
	struct pcur c;
	struct buf b;
	size_t whole;

	buf_init(&b);
	pack_array(&b, 3);
	pack_int(&b, -129);
	pack_uint(&b, UINT64_MAX);
	pack_cstr(&b, "name");
	pack_cstr(&b, NULL);
	pack_bool(&b, true);
	pack_bin(&b, "\0\1", 2);
	pack_double(&b, 0.5);
	whole = b.len;

	pcur_init(&c, b.data, b.len);
	is_int((int64_t)pcur_array(&c), 3, "array count");
	is_int(pcur_int(&c), -129, "negative number");
	ok(pcur_uint(&c) == UINT64_MAX, "largest unsigned");
	is_str(pcur_cstr(&c), "name", "C string");
	ok(pcur_cstr(&c) == NULL && pcur_ok(&c), "nil string");
	ok(pcur_bool(&c), "boolean");
	is_int((int64_t)pcur_bin(&c).len, 2, "binary");
	ok(fabs(pcur_double(&c) - 0.5) < 1e-9, "double");
	ok(pcur_done(&c), "everything read");

	for (size_t n = 0; n < whole; n++) {
		pcur_init(&c, b.data, n);
		while (pcur_ok(&c) && c.p < c.end)
			pcur_skip(&c);
		if (c.p > c.end)
			break;
	}
	ok(c.p <= c.end, "cut anywhere, the cursor stays inside");
	pcur_init(&c, "\xdd\x05\xf5\xe1\x00", 5);
	ok(pcur_array(&c) == 0 && !pcur_ok(&c), "a length bomb is refused");
	buf_fini(&b);
}

static void
test_time(void)
{
	static const struct {
		const char *text;
		int64_t us;
		bool good;
	} row[] = {
		{ "2026-11-23T01:02:03Z", 1795395723000000, true },
		{ "2026-11-23 01:02:03.5", 1795395723500000, true },
		{ "", 0, true },
		{ "2026-11-23", 0, false },
		{ "2026-11-23T01:02:03Zx", 0, false },
		{ "2026-11-23x01:02:03Z", 0, false },
		{ "2026-11-23T01:02:", 0, false },
		{ "12026-11-23T01:02:03Z", 0, false },
		{ "2026-11-23T01:02:03.123456789Z", 1795395723123456, true },
		{ "1970-1-2 3:4:5", 97445000000, true },
	};
	char text[WALL_TEXT_MAX];
	struct err err = ERR_INIT;
	wall_t t;
	dur_t d;

	for (size_t i = 0; i < MEM_COUNT(row); i++) {
		bool good = wall_parse(&t, row[i].text, &err) == ERR_NONE;

		ok(good == row[i].good && (!good || t.us == row[i].us),
		    "time \"%s\"", row[i].text);
	}
	is_str(wall_text((wall_t){ 1795395723500000 }, text),
	    "2026-11-23T01:02:03Z", "text drops the fraction");
	is_str(wall_rfc3339((wall_t){ 1795395723500000 }, text),
	    "2026-11-23T01:02:03.500000Z", "RFC 3339 keeps it");
	ok(dur_parse(&d, "10m", &err) == ERR_NONE && d.us == 600000000, "10m");
	ok(dur_parse(&d, "1w", &err) == ERR_NONE && d.us == 604800000000LL,
	    "1w");
	ok(dur_parse(&d, "10", &err) == ERR_INVALID, "a unit is needed");
	ok(dur_parse(&d, "1h30m", &err) == ERR_INVALID, "no sums");
}

int
main(void)
{
	struct err err = ERR_INIT;
	struct arena a;
	char *s;

	test_json();
	test_pack();
	test_time();
	err_set(&err, ERR_DENIED, "access denied");
	err_wrap(&err, "promote %s", "b:3306");
	is_str(err.text, "promote b:3306: access denied", "wrapped error");
	err_set(&err, ERR_SERVER, "it said \"%s\"", "a\r\nb\x1b[2J");
	is_str(err.text, "it said \"a  b [2J\"", "an error stays on its line");
	arena_init(&a);
	s = arena_printf(&a, "%0*d", 9000, 7);
	is_int((int64_t)strlen(s), 9000, "an arena takes large pieces");
	ok((uintptr_t)arena_alloc(&a, 1) % 16 == 0, "and aligns");
	arena_fini(&a);
	return tap_done();
}
