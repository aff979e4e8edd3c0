/* SPDX-License-Identifier: Apache-2.0 */
/* host:port; see key.h. */
#include "config.h"

#include "topology/key.h"

#include <arpa/inet.h>
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORT_MAX = 65535 };

/* Is s[0..n) an IPv6 address, brackets not included? */
static bool
is_ipv6(const char *s, size_t n)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;

	if (n >= sizeof text)
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	return inet_pton(AF_INET6, text, &addr) == 1;
}

/* A port, digits only and in 1..65535; 0 otherwise. */
static uint32_t
parse_port(const char *s)
{
	uint32_t v = 0;

	if (*s == '\0' || strlen(s) > 5)
		return 0;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return 0;
		v = v * 10 + (uint32_t)(*s - '0');
	}
	return v <= PORT_MAX ? v : 0;
}

/* Where the host ends; *port is the text after the colon, NULL for none. */
static size_t
split(const char **text, const char **port)
{
	const char *s = *text, *colon = strrchr(s, ':'), *close;
	size_t n = strlen(s);

	*port = NULL;
	if (s[0] == '[') {
		close = strchr(s, ']');
		if (close == NULL || (close[1] != '\0' && close[1] != ':') ||
		    !is_ipv6(s + 1, (size_t)(close - s - 1)))
			return 0;
		*port = close[1] == ':' ? close + 2 : NULL;
		*text = s + 1;
		return (size_t)(close - s - 1);
	}
	if (colon == NULL || is_ipv6(s, n))
		return n;
	*port = colon + 1;
	n = (size_t)(colon - s);
	/* More colons: only an address written out in full may stay. */
	return memchr(s, ':', n) == NULL || is_ipv6(s, n) ? n : 0;
}

/* Names come from people and servers: no blanks, controls or commas. */
static bool
host_chars_ok(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] <= ' ' || s[i] == ',' || s[i] == 0x7f)
			return false;
	return n > 0 && n <= KEY_HOST_MAX;
}

enum err_code
key_parse(struct key *key, const char *text, unsigned default_port,
    struct arena *a, struct err *err)
{
	const char *host = text, *port;
	size_t n = split(&host, &port);

	if (!host_chars_ok(host, n))
		return err_set(err, ERR_INVALID, "not a host: \"%.300s\"",
		    text);
	key->port = port != NULL ? parse_port(port) : default_port;
	if (key->port == 0 || key->port > PORT_MAX)
		return err_set(err, ERR_INVALID, "no valid port: \"%.300s\"",
		    text);
	key->host = arena_strndup(a, host, n);
	return ERR_NONE;
}

bool
key_is_none(struct key k)
{
	return k.host[0] == '\0' || strcmp(k.host, "_") == 0 || k.port == 0;
}

bool
key_is_detached(struct key k)
{
	return k.host[0] == '/' && k.host[1] == '/';
}

bool
key_valid(struct key k)
{
	return !key_is_none(k) && !key_is_detached(k) && k.port <= PORT_MAX &&
	    strlen(k.host) <= KEY_HOST_MAX;
}

bool
key_eq(struct key a, struct key b)
{
	return a.port == b.port && strcmp(a.host, b.host) == 0;
}

int
key_cmp(struct key a, struct key b)
{
	int c = strcmp(a.host, b.host);

	return c != 0 ? c : (a.port > b.port) - (a.port < b.port);
}

const char *
key_text(struct key k, char out[KEY_TEXT_MAX])
{
	size_t n = strnlen(k.host, KEY_HOST_MAX);
	char digits[10];
	unsigned d = 0;

	/* By hand: it is done some times for each probe. */
	memcpy(out, k.host, n);
	out[n++] = ':';
	do {
		digits[d++] = (char)('0' + k.port % 10);
		k.port /= 10;
	} while (k.port > 0);
	while (d > 0)
		out[n++] = digits[--d];
	out[n] = '\0';
	return out;
}

struct key
key_of_text(const char *text, struct arena *a)
{
	const char *colon = strrchr(text, ':');

	if (colon == NULL || colon == text || parse_port(colon + 1) == 0)
		return KEY_NONE;
	return (struct key){ arena_strndup(a, text, (size_t)(colon - text)),
		parse_port(colon + 1) };
}

struct key
key_dup(struct key k, struct arena *a)
{
	return (struct key){ arena_strdup(a, k.host), k.port };
}

static int
cmp_for_qsort(const void *a, const void *b)
{
	return key_cmp(*(const struct key *)a, *(const struct key *)b);
}

struct keys
keys_sorted(const struct key *at, size_t n, struct arena *a)
{
	struct key *out = arena_alloc(a, n * sizeof *out);
	size_t kept = 0;

	if (n > 0)
		memcpy(out, at, n * sizeof *out);
	qsort(out, n, sizeof *out, cmp_for_qsort);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !key_eq(out[kept - 1], out[i]))
			out[kept++] = out[i];
	return (struct keys){ out, kept };
}

bool
keys_have(struct keys ks, struct key k)
{
	for (size_t i = 0; i < ks.n; i++)
		if (key_eq(ks.at[i], k))
			return true;
	return false;
}
