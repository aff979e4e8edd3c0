/* SPDX-License-Identifier: Apache-2.0 */
/* See auth.h. */
#include "config.h"

#include "http/auth.h"

#include <assert.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/mem.h"

#define READ_ONLY_USER "readonly" /* of "multi": any password, reads only */

bool
auth_same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned char da[EVP_MAX_MD_SIZE], db[EVP_MAX_MD_SIZE];
	unsigned na = 0, nb = 0;

	if (EVP_Digest(a, a_len, da, &na, EVP_sha256(), NULL) != 1 ||
	    EVP_Digest(b, b_len, db, &nb, EVP_sha256(), NULL) != 1)
		return false;
	return na == nb && CRYPTO_memcmp(da, db, na) == 0;
}

static bool
same_text(const char *a, const char *b)
{
	return auth_same(a, strlen(a), b, strlen(b));
}

/* Bytes written to out, or -1. out has room for 3/4 of n and one more. */
static int
base64_decode(const char *text, size_t n, unsigned char *out)
{
	int len;

	if (n == 0 || n % 4 != 0 || n >= AUTH_HEADER_MAX)
		return -1;
	len = EVP_DecodeBlock(out, (const unsigned char *)text, (int)n);
	if (len < 0)
		return -1;
	/* What the padding stands for is counted by the library. */
	if (text[n - 1] == '=')
		len--;
	if (text[n - 2] == '=')
		len--;
	return len;
}

bool
auth_basic_parse(struct strv header, char user[AUTH_USER_MAX],
    char password[AUTH_HEADER_MAX])
{
	static const char scheme[] = "Basic ";
	const size_t skip = sizeof scheme - 1;
	unsigned char text[AUTH_HEADER_MAX];
	unsigned char *colon;
	size_t user_len, password_len;
	int len;

	if (header.len <= skip || strncasecmp(header.data, scheme, skip) != 0)
		return false;
	len = base64_decode(header.data + skip, header.len - skip, text);
	if (len < 0 || memchr(text, 0, (size_t)len) != NULL)
		return false;
	colon = memchr(text, ':', (size_t)len);
	if (colon == NULL)
		return false;
	user_len = (size_t)(colon - text);
	password_len = (size_t)len - user_len - 1;
	if (user_len >= AUTH_USER_MAX)
		return false;
	memcpy(user, text, user_len);
	user[user_len] = '\0';
	memcpy(password, colon + 1, password_len);
	password[password_len] = '\0';
	OPENSSL_cleanse(text, sizeof text);
	return true;
}

struct strv
auth_cookie(struct strv header, const char *name)
{
	const size_t name_len = strlen(name);
	const char *p = header.data, *end = header.data + header.len;

	while (p != NULL && p < end) {
		const char *stop = memchr(p, ';', (size_t)(end - p));
		size_t len = (size_t)((stop != NULL ? stop : end) - p);

		if (len > name_len && memcmp(p, name, name_len) == 0 &&
		    p[name_len] == '=')
			return (struct strv){ p + name_len + 1,
				len - name_len - 1 };
		if (stop == NULL)
			break;
		for (p = stop + 1; p < end && *p == ' '; p++)
			;
	}
	return (struct strv){ "", 0 };
}

static bool
list_has(const struct str_list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->item[i], text) == 0)
			return true;
	return false;
}

/* Asks the system; may take as long as its name services do. */
static bool
groups_ask(const struct str_list *wanted, const char *user)
{
	gid_t gid[AUTH_USER_GROUPS_MAX];
	struct passwd pw, *found = NULL;
	struct group gr, *group;
	char text[16384];
	int count = AUTH_USER_GROUPS_MAX;

	if (getpwnam_r(user, &pw, text, sizeof text, &found) != 0 ||
	    found == NULL)
		return false;
	if (getgrouplist(user, pw.pw_gid, gid, &count) < 0)
		count = AUTH_USER_GROUPS_MAX; /* the first ones were filled in */
	for (int i = 0; i < count; i++) {
		group = NULL;
		if (getgrgid_r(gid[i], &gr, text, sizeof text, &group) == 0 &&
		    group != NULL && list_has(wanted, group->gr_name))
			return true;
	}
	return false;
}

static bool
groups_member(const struct auth *a, const char *user)
{
	struct auth_groups *g = a->groups;
	const struct str_list *wanted = &a->config->power_auth_groups;
	unsigned i;

	if (wanted->count == 0 || user[0] == '\0')
		return false;
	for (i = 0; i < AUTH_GROUPS_KEPT; i++)
		if (g->kept[i].until.us > a->now.us &&
		    strcmp(g->kept[i].user, user) == 0)
			return g->kept[i].member;
	i = g->next++ % AUTH_GROUPS_KEPT;
	strcpy(g->kept[i].user, user);
	g->kept[i].member = groups_ask(wanted, user);
	g->kept[i].until = mono_add(a->now, DUR_S(AUTH_GROUPS_KEPT_S));
	return g->kept[i].member;
}

static void
check_none(const struct auth *a, const struct auth_in *in, struct auth_out *out)
{
	(void)a;
	(void)in;
	out->authorized = true;
}

static void
check_basic(const struct auth *a, const struct auth_in *in,
    struct auth_out *out)
{
	char user[AUTH_USER_MAX], password[AUTH_HEADER_MAX];
	bool user_same, password_same;

	out->challenge = true;
	if (!auth_basic_parse(in->authorization, user, password))
		return;
	user_same = same_text(user, a->config->http_auth_user);
	password_same = same_text(password, a->config->http_auth_password);
	OPENSSL_cleanse(password, sizeof password);
	if (user_same & password_same)
		out->authorized = true;
	else if (a->config->rules.auth != AUTH_MULTI ||
	    strcmp(user, READ_ONLY_USER) != 0)
		return;
	out->challenge = false;
	strcpy(out->user, user);
}

/* Whoever stands in front has checked the name and strips it from clients. */
static void
check_proxy(const struct auth *a, const struct auth_in *in,
    struct auth_out *out)
{
	const struct config *c = a->config;

	if (in->proxy_user.len < AUTH_USER_MAX &&
	    memchr(in->proxy_user.data, 0, in->proxy_user.len) == NULL) {
		memcpy(out->user, in->proxy_user.data, in->proxy_user.len);
		out->user[in->proxy_user.len] = '\0';
	}
	out->authorized = list_has(&c->power_auth_users, "*");
	if (out->authorized || out->user[0] == '\0')
		return;
	out->authorized = list_has(&c->power_auth_users, out->user) ||
	    (in->writes && groups_member(a, out->user));
}

static void
check_token(const struct auth *a, const struct auth_in *in,
    struct auth_out *out)
{
	struct strv value = auth_cookie(in->cookie, AUTH_TOKEN_COOKIE);
	char text[AUTH_HEADER_MAX];
	char *colon;

	if (a->token == NULL || value.len == 0 || value.len >= sizeof text)
		return;
	memcpy(text, value.data, value.len);
	text[value.len] = '\0';
	colon = strchr(text, ':');
	if (colon != NULL) {
		*colon = '\0';
		out->authorized = a->token(a->token_arg, text, colon + 1);
	}
	OPENSSL_cleanse(text, sizeof text);
}

void
auth_check(const struct auth *a, const struct auth_in *in, struct auth_out *out)
{
	static void (*const check[])(const struct auth *,
	    const struct auth_in *, struct auth_out *) = {
		[AUTH_NONE] = check_none,
		[AUTH_BASIC] = check_basic,
		[AUTH_MULTI] = check_basic,
		[AUTH_PROXY] = check_proxy,
		[AUTH_TOKEN] = check_token,
	};

	assert(a->config->rules.auth < MEM_COUNT(check));
	out->challenge = false;
	out->authorized = false;
	out->user[0] = '\0';
	check[a->config->rules.auth](a, in, out);
	if (a->config->read_only)
		out->authorized = false;
}
