/* SPDX-License-Identifier: Apache-2.0 */
/* search: what people type, and what it finds. */
#include "config.h"

#include "base/mem.h"
#include "tap.h"
#include "topology/search.h"

/* db-7.example:3307, server id 42, 10.11.6-MariaDB, cluster db-1:3306, prod */
static const struct {
	const char *what, *text;
	bool found;
} row[] = {
	{ "nothing finds all", "", true },
	{ "part of the host", "7.exam", true },
	{ "host and port", "example:3307", true },
	{ "letter case", "DB-7", true },
	{ "part of the cluster's name", "b-1:33", true },
	{ "part of its alias", "ro", true },
	{ "part of the version", "10.11", true },
	{ "part of its comment", "source dist", true },
	{ "the server id", "42", true },
	{ "part of the server id", "2", false },
	{ "the port", "3307", true },
	{ "another port", "3308", false },
	{ "longer than everything", "db-7.example:3307x", false },
	{ "a pattern is text", "db%", false },
};

static const struct {
	const char *what;
	struct key k, asked;
	bool like;
} like_row[] = {
	{ "part of the host", { "db-7.example", 1 }, { "db-7", 1 }, true },
	{ "in the middle", { "db-7.example", 1 }, { "-7.", 1 }, true },
	{ "all of it", { "db-7", 1 }, { "db-7", 1 }, true },
	{ "another port", { "db-7.example", 1 }, { "db-7", 2 }, false },
	{ "more than the host", { "db-7", 1 }, { "db-7.example", 1 }, false },
	{ "no host", { "db-7", 1 }, { "", 1 }, false },
	{ "an address is no part", { "10.0.0.10", 1 }, { "10.0.0.1", 1 },
	    false },
	{ "part of an address is", { "10.0.0.10", 1 }, { "10.0.0", 1 }, true },
};

int
main(void)
{
	struct instance in;

	instance_init(&in);
	in.key = (struct key){ "db-7.example", 3307 };
	in.server_id = 42;
	in.version = "10.11.6-MariaDB";
	in.version_comment = "Source distribution";
	for (size_t i = 0; i < MEM_COUNT(row); i++)
		ok(search_matches(&in, "db-1:3306", "prod", row[i].text) ==
			row[i].found,
		    "%s", row[i].what);
	in.version = "8.4.3";
	ok(!search_matches(&in, "db-1:3306", "prod", "10.11"),
	    "not that version");
	for (size_t i = 0; i < MEM_COUNT(like_row); i++)
		ok(search_is_like(like_row[i].k, like_row[i].asked) ==
			like_row[i].like,
		    "written in part: %s", like_row[i].what);
	return tap_done();
}
