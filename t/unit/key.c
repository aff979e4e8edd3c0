/* SPDX-License-Identifier: Apache-2.0 */
/* key: what people may write for a server, and what counts as one. */
#include "config.h"

#include "base/mem.h"
#include "tap.h"
#include "topology/key.h"

static struct arena arena;

/* want is "" where the text must be refused */
static const struct {
	const char *what, *text, *host;
	uint32_t port;
} parse_row[] = {
	{ "a host takes the default port", "db1", "db1", 3306 },
	{ "host and port", "db1:3307", "db1", 3307 },
	{ "IPv4 and port", "10.0.0.1:3307", "10.0.0.1", 3307 },
	{ "IPv6 in brackets with port", "[fe80::1]:3307", "fe80::1", 3307 },
	{ "IPv6 in brackets alone", "[::1]", "::1", 3306 },
	{ "bare IPv6 is a host", "fe80::1:3307", "fe80::1:3307", 3306 },
	{ "full IPv6 and port", "1:2:3:4:5:6:7:8:3307", "1:2:3:4:5:6:7:8",
	    3307 },
	{ "detached host", "//db1:3306", "//db1", 3306 },
	{ "largest port", "db1:65535", "db1", 65535 },
	{ "beyond the largest port", "db1:65536", "", 0 },
	{ "port 0", "db1:0", "", 0 },
	{ "no digits", "db1:x", "", 0 },
	{ "digits and more", "db1:33x", "", 0 },
	{ "empty port", "db1:", "", 0 },
	{ "very long port", "db1:00000003306", "", 0 },
	{ "empty text", "", "", 0 },
	{ "only a port", ":3306", "", 0 },
	{ "two colons, no address", "a:b:3306", "", 0 },
	{ "no address in brackets", "[db1]:3306", "", 0 },
	{ "bracket not closed", "[::1", "", 0 },
	{ "rubbish after the bracket", "[::1]x", "", 0 },
	{ "a list", "db1,db2", "", 0 },
	{ "a blank", "db 1", "", 0 },
	{ "a newline", "db1\n", "", 0 },
};

static void
test_parse(void)
{
	char longest[KEY_HOST_MAX + 2];
	struct err err = ERR_INIT;
	struct key k;

	for (size_t i = 0; i < MEM_COUNT(parse_row); i++) {
		bool good = key_parse(&k, parse_row[i].text, 3306, &arena,
		    &err) == ERR_NONE;
		bool want = parse_row[i].host[0] != '\0';

		ok(good == want &&
			(!good || (strcmp(k.host, parse_row[i].host) == 0 &&
			    k.port == parse_row[i].port)),
		    "%s", parse_row[i].what);
	}
	memset(longest, 'x', sizeof longest);
	longest[KEY_HOST_MAX + 1] = '\0';
	ok(key_parse(&k, longest, 1, &arena, &err) == ERR_INVALID,
	    "a host of 256 bytes is refused");
	longest[KEY_HOST_MAX] = '\0';
	ok(key_parse(&k, longest, 1, &arena, &err) == ERR_NONE,
	    "one of 255 is taken");
}

static const struct {
	const char *what;
	struct key k;
	bool valid, none, detached;
} is_row[] = {
	{ "usual", { "db1", 3306 }, true, false, false },
	{ "unset", { "", 0 }, false, true, false },
	{ "port without host", { "", 3306 }, false, true, false },
	{ "host without port", { "db1", 0 }, false, true, false },
	{ "left by a reset", { "_", 3306 }, false, true, false },
	{ "begins with _", { "_db", 3306 }, true, false, false },
	{ "detached", { "//db1", 3306 }, false, false, true },
	{ "one slash", { "/db1", 3306 }, true, false, false },
	{ "port too large", { "db1", 65536 }, false, false, false },
};

static void
test_is(void)
{
	for (size_t i = 0; i < MEM_COUNT(is_row); i++) {
		struct key k = is_row[i].k;

		ok(key_valid(k) == is_row[i].valid &&
			key_is_none(k) == is_row[i].none &&
			key_is_detached(k) == is_row[i].detached,
		    "%s", is_row[i].what);
	}
}

static void
test_order(void)
{
	static const struct key in[] = { { "b", 2 }, { "a", 10 }, { "b", 2 },
		{ "a", 9 }, { "B", 1 } };
	struct keys ks = keys_sorted(in, MEM_COUNT(in), &arena);
	char text[KEY_TEXT_MAX], all[200] = "";

	for (size_t i = 0; i < ks.n; i++) {
		strcat(all, key_text(ks.at[i], text));
		strcat(all, " ");
	}
	is_str(all, "B:1 a:9 a:10 b:2 ", "host bytes, then port as a number");
	is_str(key_of_text("fe80::1:3306", &arena).host, "fe80::1",
	    "the host of a key's text");
	is_int(key_of_text("fe80::1:3306", &arena).port, 3306, "its port");
	ok(key_is_none(key_of_text("db1", &arena)) &&
		key_is_none(key_of_text(":1", &arena)) &&
		key_is_none(key_of_text("db1:x", &arena)),
	    "not a key's text");
	ok(keys_have(ks, in[1]), "found");
	ok(!keys_have(ks, (struct key){ "a", 11 }), "not found");
	is_int((int64_t)keys_sorted(NULL, 0, &arena).n, 0, "none to sort");
}

int
main(void)
{
	arena_init(&arena);
	test_parse();
	test_is();
	test_order();
	arena_fini(&arena);
	return tap_done();
}
