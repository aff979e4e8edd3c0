/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What src/http reads itself, the rest is h2o's: any bytes as credentials, as
 * cookies and as a path.
 */
#include "config.h"

#include <assert.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "http/auth.h"
#include "http/target.h"

static bool
parses(const char *text, size_t n, char user[AUTH_USER_MAX],
    char password[AUTH_HEADER_MAX])
{
	bool good = auth_basic_parse((struct strv){ text, n }, user, password);

	if (good) {
		assert(strlen(user) < AUTH_USER_MAX);
		assert(strlen(password) < AUTH_HEADER_MAX);
		assert(strchr(user, ':') == NULL);
	}
	return good;
}

/* As they are, and as what a browser would make of them. */
static void
credentials(const char *text, size_t n)
{
	char user[AUTH_USER_MAX], password[AUTH_HEADER_MAX];
	const char *colon = memchr(text, ':', n);
	char *header;
	int len;

	parses(text, n, user, password);
	if (n > AUTH_HEADER_MAX / 2 || memchr(text, 0, n) != NULL)
		return;
	header = mem_alloc(6 + AUTH_HEADER_MAX);
	memcpy(header, "Basic ", 6);
	len = EVP_EncodeBlock((unsigned char *)header + 6,
	    (const unsigned char *)text, (int)n);
	if (parses(header, 6 + (size_t)len, user, password)) {
		assert(strlen(user) == (size_t)(colon - text));
		assert(memcmp(text, user, strlen(user)) == 0);
		assert(memcmp(colon + 1, password, strlen(password)) == 0);
		assert(strlen(user) + 1 + strlen(password) == n);
	} else {
		assert(colon == NULL || colon - text >= AUTH_USER_MAX);
	}
	mem_free(header);
}

static void
cookies(const char *text, size_t n)
{
	struct strv v = auth_cookie((struct strv){ text, n },
	    AUTH_TOKEN_COOKIE);

	if (v.len == 0)
		return;
	assert(v.data > text && v.data + v.len <= text + n);
	assert(v.data[-1] == '=' && memchr(v.data, ';', v.len) == NULL);
}

static void
path(const char *text, size_t n)
{
	static const char *const prefix[] = { "", "/p" };
	static const char *const status[] = { "/api/status", "/lb", "" };
	struct target t;

	for (size_t i = 0; i < MEM_COUNT(prefix); i++)
		for (size_t k = 0; k < MEM_COUNT(status); k++) {
			target_find(&t, prefix[i], status[k], text, n);
			assert((t.kind == TARGET_FILE) == (t.file != NULL));
			assert(!t.status || t.kind == TARGET_OP);
			if (t.kind == TARGET_OP && !t.status)
				assert(t.path >= text && t.path[0] == '/' &&
				    t.path + t.len == text + n);
		}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of its own size: what lies behind it is not ours. */
	char *text = mem_alloc(size);

	if (size > 0)
		memcpy(text, data, size);
	credentials(text, size);
	cookies(text, size);
	path(text, size);
	mem_free(text);
	return 0;
}
