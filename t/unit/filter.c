/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns, host filters (F1) and cluster filters (F2). */
#include "config.h"

#include "config/filter.h"
#include "config/pattern.h"
#include "base/mem.h"
#include "tap.h"

static const struct {
	const char *entry;
	const char *host;
	unsigned port;
	bool want;
} host_row[] = {
	{ "10.0.0.1", "10.0.0.1", 3306, true },
	{ "10.0.0.1", "10.0.0.11", 3306, false }, /* as a regex it would */
	{ "10.0.0.1", "x10.0.0.1", 3306, false },
	{ "::1", "::1", 3306, true },
	{ "::1", "::11", 3306, false },
	{ "db", "my-db-1", 3306, true },
	{ "^db-[0-9]+:3307$", "db-12", 3307, true },
	{ "^db-[0-9]+:3307$", "db-12", 3306, false },
	{ "10.0.0", "10.0.0.7", 1, true }, /* not an address: a regex */
	{ ":3306$", "a", 33060, false },
	{ ":3306$", "a", 3306, true },
	{ "DB", "db", 3306, false },
	{ "(?i)DB", "db", 3306, true },
	{ "", "db", 3306, false },
	{ "(?P<n>db)\\z", "db", 3306, false },
	{ "(?P<n>db):[[:digit:]]+\\z", "db", 3306, true },
};

static void
test_hosts(void)
{
	for (size_t i = 0; i < MEM_COUNT(host_row); i++) {
		struct err err = ERR_INIT;
		struct host_filter *f = host_filter_new(
		    &(struct str_list){ &host_row[i].entry, 1 }, &err);

		ok(f != NULL && host_filter_match(f, host_row[i].host,
		    host_row[i].port) == host_row[i].want,
		    "host filter \"%s\" %s %s:%u", host_row[i].entry,
		    host_row[i].want ? "selects" : "leaves", host_row[i].host,
		    host_row[i].port);
		host_filter_free(f);
	}
}

static const struct {
	const char *entry;
	const char *name;
	const char *alias;
	bool want;
} cluster_row[] = {
	{ "*", "c1:3306", "", true },
	{ "main", "c1:3306", "main", true },
	{ "main", "c1:3306", "main2", false },
	{ "c1:3306", "c1:3306", "", true },
	{ "^c[0-9]:", "c1:3306", "", true },
	{ "^c[0-9]:", "d1:3306", "c1:3306", false }, /* names only */
	{ "alias=main", "main", "other", false },
	{ "alias=main", "c1:3306", "main", true },
	{ "alias=ma.n", "c1:3306", "main", false },
	{ "alias~=ma.n", "c1:3306", "the-main", true },
	{ "alias~=^ma.n$", "c1:3306", "the-main", false },
	{ "alias~=c1", "c1:3306", "main", false },
	{ "", "c1:3306", "", false },
};

static void
test_clusters(void)
{
	for (size_t i = 0; i < MEM_COUNT(cluster_row); i++) {
		struct err err = ERR_INIT;
		struct cluster_filter *f = cluster_filter_new(
		    &(struct str_list){ &cluster_row[i].entry, 1 }, &err);

		ok(f != NULL && cluster_filter_match(f, cluster_row[i].name,
		    cluster_row[i].alias) == cluster_row[i].want,
		    "cluster filter \"%s\" %s %s alias \"%s\"",
		    cluster_row[i].entry,
		    cluster_row[i].want ? "selects" : "leaves",
		    cluster_row[i].name, cluster_row[i].alias);
		cluster_filter_free(f);
	}
}

static void
test_lists(void)
{
	static const char *const good[] = { "^a", "", "^b" };
	static const char *const bad[] = { "^a", "b(" };
	static const char *const names[] = { "nope", "alias~=[" };
	struct err err = ERR_INIT;
	struct host_filter *f =
	    host_filter_new(&(struct str_list){ good, 3 }, &err);
	struct pattern_list *l =
	    pattern_list_new(&(struct str_list){ good, 3 }, &err);

	ok(host_filter_match(f, "b", 1), "any entry of a list may select");
	ok(!host_filter_match(f, "c", 1), "no entry selects");
	is_int((int64_t)pattern_list_find(l, "bx"), 2, "the third matches");
	is_int((int64_t)pattern_list_find(l, "c"), 3, "none matches");
	host_filter_free(f);
	pattern_list_free(l);

	f = host_filter_new(&(struct str_list){ NULL, 0 }, &err);
	ok(!host_filter_match(f, "", 0), "an empty list selects nothing");
	host_filter_free(f);

	ok(host_filter_new(&(struct str_list){ bad, 2 }, &err) == NULL,
	    "a bad entry is an error");
	is_str(err.text, "entry 2: bad regular expression at character 3: "
	    "missing closing parenthesis", "entry and place are named");
	ok(pattern_list_new(&(struct str_list){ bad, 2 }, &err) == NULL,
	    "so in a list of patterns");
	ok(cluster_filter_new(&(struct str_list){ names, 2 }, &err) == NULL,
	    "so in a cluster filter");
	ok(strncmp(err.text, "entry 2: ", 9) == 0, "which names it: %s",
	    err.text);
}

static void
test_long_host(void)
{
	static const char *const any[] = { "a" };
	static char host[HOST_PORT_MAX + 1];
	struct err err = ERR_INIT;
	struct host_filter *f =
	    host_filter_new(&(struct str_list){ any, 1 }, &err);

	memset(host, 'a', HOST_PORT_MAX - 3);
	ok(host_filter_match(f, host, 1), "the longest host is matched");
	memset(host, 'a', HOST_PORT_MAX - 2);
	ok(!host_filter_match(f, host, 1), "a longer one is not");
	host_filter_free(f);
}

static void
test_group(void)
{
	static const struct {
		const char *regex, *text, *want; /* NULL: none */
	} row[] = {
		{ "db-([a-z]+)-", "db-ams-1", "ams" },
		{ "db-([a-z]*)-(.)", "db--1", "" },
		{ "db-", "db-ams", NULL },
		{ "x(.)", "db-ams", NULL },
		{ "(x)?db", "db-ams", NULL },
		{ "(?=.*(am)s)d", "db-ams", "am" },
	};

	for (size_t i = 0; i < MEM_COUNT(row); i++) {
		struct pattern *p = pattern_new(row[i].regex, NULL);
		struct buf b;
		bool found;

		buf_init(&b);
		found = pattern_group1(p, row[i].text, &b);
		is_str(found ? buf_text(&b) : NULL, row[i].want,
		    "group 1 of %s in %s", row[i].regex, row[i].text);
		buf_fini(&b);
		pattern_free(p);
	}
}

static void
test_patterns(void)
{
	static char evil[64], huge[PATTERN_TEXT_MAX + 2];
	struct pattern *p = pattern_new("^(a+)+$", NULL);
	struct err err = ERR_INIT;

	memset(evil, 'a', 62);
	ok(pattern_match(p, evil), "nested repeats match");
	evil[62] = 'b';
	ok(!pattern_match(p, evil), "and give up at the limit");
	pattern_free(p);

	p = pattern_new("a$", NULL);
	ok(pattern_match(p, "a"), "$ is the end");
	ok(!pattern_match(p, "a\n"), "$ is not before a last newline");
	ok(!pattern_match(p, "\xff" "a"), "text that is not UTF-8: no match");
	pattern_free(p);

	p = pattern_new("^.$", NULL);
	ok(pattern_match(p, "\xc3\xa9"), "one character of two bytes");
	pattern_free(p);

	ok(pattern_new("a\\Cb", &err) == NULL, "\\C is refused");
	memset(huge, 'a', PATTERN_TEXT_MAX);
	p = pattern_new(huge, NULL);
	ok(p != NULL, "the longest pattern");
	pattern_free(p);
	huge[PATTERN_TEXT_MAX] = 'a';
	ok(pattern_new(huge, &err) == NULL, "a longer one: %s", err.text);
}

int
main(void)
{
	test_hosts();
	test_clusters();
	test_lists();
	test_long_host();
	test_group();
	test_patterns();
	return tap_done();
}
