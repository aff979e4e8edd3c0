/* SPDX-License-Identifier: Apache-2.0 */
/* auth_check(): one row per kind of caller and method. */
#include "config.h"

#include <assert.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "base/mem.h"
#include "http/auth.h"
#include "tap.h"

/* base64 of user:password */
#define BASIC_GOOD "Basic Ym9zczpzM2NyZXQ6eA==" /* boss:s3cret:x */
#define BASIC_WRONG "Basic Ym9zczpzM2NyZXQ6eQ==" /* boss:s3cret:y */
#define BASIC_OTHER "Basic Ym9zeDpzM2NyZXQ6eA==" /* bosx:s3cret:x */
#define BASIC_READER "Basic cmVhZG9ubHk6d2hhdGV2ZXI=" /* readonly:whatever */
#define BASIC_EMPTY "Basic Og==" /* : */

enum { PASS, MAY, ASK }; /* in; in and may change things; 401 */

static const struct {
	const char *config;
	const char *authorization, *cookie, *proxy_user;
	int want;
	const char *user;
	const char *what;
} row[] = {
	{ "{}", "", "", "", MAY, "", "no method: everybody may" },
	{ "{}", BASIC_WRONG, "", "", MAY, "", "no method: nothing is looked at" },
	{ "{\"ReadOnly\":true}", "", "", "", PASS, "", "ReadOnly: nobody may" },

#define CONF(method) "{\"AuthenticationMethod\":\"" method \
	"\",\"HTTPAuthUser\":\"boss\",\"HTTPAuthPassword\":\"s3cret:x\"}"
	{ CONF("basic"), "", "", "", ASK, "", "basic: no credentials" },
	{ CONF("basic"), BASIC_GOOD, "", "", MAY, "boss", "basic: right" },
	{ CONF("Basic"), BASIC_GOOD, "", "", MAY, "boss", "letter case is free" },
	{ CONF("basic"), "bASIC Ym9zczpzM2NyZXQ6eA==", "", "", MAY, "boss",
	    "basic: the scheme's letter case is free" },
	{ CONF("basic"), BASIC_WRONG, "", "", ASK, "", "basic: password" },
	{ CONF("basic"), BASIC_OTHER, "", "", ASK, "", "basic: user" },
	{ CONF("basic"), BASIC_READER, "", "", ASK, "", "basic: no readonly" },
	{ CONF("basic"), BASIC_EMPTY, "", "", ASK, "", "basic: empty pair" },
	{ CONF("basic"), "Basic", "", "", ASK, "", "basic: no text" },
	{ CONF("basic"), "Basic !!!!", "", "", ASK, "", "basic: no base64" },
	{ CONF("basic"), "Basic Ym9z", "", "", ASK, "", "basic: no colon" },
	{ CONF("basic"), "Basic Ym9zczpzM2NyZXQ6eA=", "", "", ASK, "",
	    "basic: cut off" },
	{ CONF("basic"), "Bearer Ym9zczpzM2NyZXQ6eA==", "", "", ASK, "",
	    "basic: another scheme" },
	{ CONF("basic"), "Basic Ym9zcwA6czNjcmV0Ong=", "", "", ASK, "",
	    "basic: a NUL in the user" },
	{ "{\"AuthenticationMethod\":\"basic\"}", "", "", "", ASK, "",
	    "basic without a user still asks" },
	{ "{\"AuthenticationMethod\":\"basic\"}", BASIC_EMPTY, "", "", MAY, "",
	    "and takes the empty pair" },
	{ "{\"AuthenticationMethod\":\"basic\",\"ReadOnly\":true,"
	  "\"HTTPAuthUser\":\"boss\",\"HTTPAuthPassword\":\"s3cret:x\"}",
	    BASIC_GOOD, "", "", PASS, "boss", "basic and ReadOnly" },

	{ CONF("multi"), "", "", "", ASK, "", "multi: no credentials" },
	{ CONF("multi"), BASIC_GOOD, "", "", MAY, "boss", "multi: right" },
	{ CONF("multi"), BASIC_WRONG, "", "", ASK, "", "multi: password" },
	{ CONF("multi"), BASIC_READER, "", "", PASS, "readonly",
	    "multi: readonly reads, whatever its password" },

	{ "{\"AuthenticationMethod\":\"proxy\"}", "", "", "", MAY, "",
	    "proxy: everybody by default, without a name too" },
	{ "{\"AuthenticationMethod\":\"proxy\"}", "", "", "ann", MAY, "ann",
	    "proxy: a name" },
#define POWER "{\"AuthenticationMethod\":\"proxy\"," \
	"\"PowerAuthUsers\":[\"ann\",\"bob\"]}"
	{ POWER, "", "", "bob", MAY, "bob", "proxy: a listed user" },
	{ POWER, "", "", "eve", PASS, "eve", "proxy: another one reads" },
	{ POWER, "", "", "", PASS, "", "proxy: so does one without a name" },
	{ POWER, "", "", "ann,eve", PASS, "ann,eve", "proxy: no list of names" },
	{ "{\"AuthenticationMethod\":\"proxy\",\"PowerAuthUsers\":[]}", "", "",
	    "ann", PASS, "ann", "proxy: nobody is listed" },

#define TOKEN "{\"AuthenticationMethod\":\"token\"}"
	{ TOKEN, "", "", "", PASS, "", "token: reading is open" },
	{ TOKEN, "", "access-token=pub:sec", "", MAY, "", "token: holds" },
	{ TOKEN, "", "a=b; access-token=pub:sec; c=d", "", MAY, "",
	    "token: among others" },
	{ TOKEN, "", "xaccess-token=pub:sec", "", PASS, "", "token: its name" },
	{ TOKEN, "", "access-token=pub:no", "", PASS, "", "token: secret" },
	{ TOKEN, "", "access-token=pub", "", PASS, "", "token: no secret" },
	{ TOKEN, "", "access-token=", "", PASS, "", "token: empty" },
	{ TOKEN, "", "access-token=x; access-token=pub:sec", "", PASS, "",
	    "token: the first one counts" },
};

static bool
token_holds(void *arg, const char *public_part, const char *secret)
{
	(void)arg;
	return strcmp(public_part, "pub") == 0 && strcmp(secret, "sec") == 0;
}

static struct strv
strv_of(const char *s)
{
	return (struct strv){ s, strlen(s) };
}

static struct config *
load(const char *text)
{
	struct err err = ERR_INIT;
	struct config *c = config_load_text("test", text, strlen(text), &err);

	if (c == NULL)
		diag("%s", err.text);
	assert(c != NULL);
	return c;
}

static void
test_table(void)
{
	struct auth_groups groups = { .next = 0 };

	for (size_t i = 0; i < MEM_COUNT(row); i++) {
		struct config *c = load(row[i].config);
		struct auth a = { .config = c,
			.groups = &groups,
			.token = token_holds };
		struct auth_in in = { strv_of(row[i].authorization),
			strv_of(row[i].cookie), strv_of(row[i].proxy_user),
			.writes = true };
		struct auth_out out;

		auth_check(&a, &in, &out);
		is_int(out.challenge ? ASK : out.authorized ? MAY : PASS,
		    row[i].want, "%s", row[i].what);
		is_str(out.user, row[i].user, "%s: user", row[i].what);
		config_free(c);
	}
}

/* The user and group that this test runs as exist on every machine. */
static void
test_groups(void)
{
	struct auth_groups groups = { .next = 0 };
	struct passwd *pw = getpwuid(getuid());
	struct group *gr = pw != NULL ? getgrgid(pw->pw_gid) : NULL;
	struct config *c;
	struct auth_out out;
	struct auth a = { .groups = &groups, .now = { 1 } };
	struct auth_in in = { .writes = true };
	char text[600];

	if (gr == NULL) {
		skip("groups", "this user or its group has no name");
		return;
	}
	snprintf(text, sizeof text, "{\"AuthenticationMethod\":\"proxy\","
	    "\"PowerAuthUsers\":[],\"PowerAuthGroups\":[\"nosuch\",\"%s\"]}",
	    gr->gr_name);
	a.config = c = load(text);
	in.proxy_user = strv_of(pw->pw_name);
	auth_check(&a, &in, &out);
	ok(out.authorized, "a member of a listed group may");
	in.proxy_user = strv_of("no-such-user-here");
	auth_check(&a, &in, &out);
	ok(!out.authorized, "one that the system does not know may not");
	in.proxy_user = strv_of(pw->pw_name);
	in.writes = false;
	auth_check(&a, &in, &out);
	ok(!out.authorized, "groups are asked for changes only");
	config_free(c);

	/* Another list: what is remembered counts until its time is over. */
	a.config = c = load("{\"AuthenticationMethod\":\"proxy\","
	    "\"PowerAuthUsers\":[],\"PowerAuthGroups\":[\"nosuch\"]}");
	in.writes = true;
	auth_check(&a, &in, &out);
	ok(out.authorized, "groups are remembered");
	a.now.us += AUTH_GROUPS_KEPT_S * INT64_C(1000000);
	auth_check(&a, &in, &out);
	ok(!out.authorized, "for a while");
	config_free(c);
}

static void
test_long(void)
{
	char user[AUTH_USER_MAX], password[AUTH_HEADER_MAX];
	char header[2 * AUTH_HEADER_MAX];

	memset(header, 'A', sizeof header);
	memcpy(header, "Basic ", 6);
	for (size_t n = 7; n <= sizeof header; n++)
		if (auth_basic_parse((struct strv){ header, n }, user,
			password)) {
			ok(false, "a long header without colon, %zu", n);
			return;
		}
	ok(true, "long headers are refused");
	ok(auth_same("", 0, "", 0) && auth_same("ab", 2, "ab", 2) &&
		!auth_same("ab", 2, "abc", 3) && !auth_same("ab", 2, "ac", 2),
	    "texts are compared whole");
}

int
main(void)
{
	test_table();
	test_groups();
	test_long();
	return tap_done();
}
