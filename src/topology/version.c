/* SPDX-License-Identifier: Apache-2.0 */
/* Versions as numbers, and whose server it is; see version.h. */
#include "config.h"

#include "topology/version.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits at *p, which moves on; too large a number sticks at the end. */
static uint16_t
take_number(const char **p)
{
	uint32_t v = 0;

	for (; is_digit(**p); (*p)++)
		if (v < UINT16_MAX)
			v = v * 10 + (uint32_t)(**p - '0');
	return v < UINT16_MAX ? (uint16_t)v : UINT16_MAX;
}

struct version
version_parse(const char *text)
{
	static const char handshake[] = "5.5.5-";
	struct version v = { 0, 0, 0 };
	size_t n = sizeof handshake - 1;

	if (strncmp(text, handshake, n) == 0 && is_digit(text[n]))
		text += n;
	v.major = take_number(&text);
	if (text[0] == '.' && is_digit(text[1])) {
		text++;
		v.minor = take_number(&text);
	}
	if (text[0] == '.' && is_digit(text[1])) {
		text++;
		v.patch = take_number(&text);
	}
	return v;
}

int
version_cmp(struct version a, struct version b)
{
	if (a.major != b.major)
		return a.major < b.major ? -1 : 1;
	if (a.minor != b.minor)
		return a.minor < b.minor ? -1 : 1;
	return (a.patch > b.patch) - (a.patch < b.patch);
}

bool
version_at_least(struct version v, unsigned major, unsigned minor,
    unsigned patch)
{
	assert(major <= UINT16_MAX && minor <= UINT16_MAX);
	assert(patch <= UINT16_MAX);
	return version_cmp(v, (struct version){ (uint16_t)major,
	    (uint16_t)minor, (uint16_t)patch }) >= 0;
}

const char *
version_major_text(struct version v, char out[VERSION_MAJOR_TEXT_MAX])
{
	snprintf(out, VERSION_MAJOR_TEXT_MAX, "%u.%u", (unsigned)v.major,
	    (unsigned)v.minor);
	return out;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* word is in lower case. */
static bool
has_word(const char *text, const char *word)
{
	for (; *text != '\0'; text++) {
		size_t i = 0;

		while (word[i] != '\0' && lower(text[i]) == word[i])
			i++;
		if (word[i] == '\0')
			return true;
	}
	return false;
}

enum flavour
version_flavour(const char *version, const char *comment)
{
	if (!is_digit(version[0]))
		return FLAVOUR_UNKNOWN;
	if (has_word(version, "maxscale"))
		return FLAVOUR_MAXSCALE;
	if (has_word(version, "mariadb") || has_word(comment, "mariadb"))
		return FLAVOUR_MARIADB;
	if (has_word(comment, "percona"))
		return FLAVOUR_PERCONA;
	return FLAVOUR_MYSQL;
}

const char *
flavour_name(enum flavour f)
{
	static const char *const name[] = {
		[FLAVOUR_MYSQL] = "MySQL",
		[FLAVOUR_MARIADB] = "MariaDB",
		[FLAVOUR_PERCONA] = "Percona",
		[FLAVOUR_MAXSCALE] = "MaxScale",
		[FLAVOUR_UNKNOWN] = "unknown",
	};

	assert((size_t)f < MEM_COUNT(name));
	return name[f];
}
