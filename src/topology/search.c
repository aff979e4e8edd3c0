/* SPDX-License-Identifier: Apache-2.0 */
/* Finding servers by what people type; see search.h. */
#include "config.h"

#include "topology/search.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Does s begin with text? */
static bool
begins(const char *s, const char *text)
{
	while (*text != '\0' && lower(*s) == lower(*text))
		s++, text++;
	return *text == '\0';
}

static bool
contains(const char *s, const char *text)
{
	for (;; s++) {
		if (begins(s, text))
			return true;
		if (*s == '\0')
			return false;
	}
}

static bool
is_number(uint64_t v, const char *text)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%" PRIu64, v);
	return strcmp(digits, text) == 0;
}

bool
search_matches(const struct instance *in, const char *cluster,
    const char *alias, const char *text)
{
	char key[KEY_TEXT_MAX];
	const char *part[] = { key_text(in->key, key), cluster, alias,
		in->version, in->version_comment };

	for (size_t i = 0; i < MEM_COUNT(part); i++)
		if (contains(part[i], text))
			return true;
	return is_number(in->server_id, text) || is_number(in->key.port, text);
}

bool
search_may_be_part(struct key asked)
{
	struct in_addr ip;

	return asked.host[0] != '\0' &&
	    inet_pton(AF_INET, asked.host, &ip) != 1;
}

bool
search_is_like(struct key k, struct key asked)
{
	return search_may_be_part(asked) && k.port == asked.port &&
	    contains(k.host, asked.host);
}
