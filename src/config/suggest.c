/* SPDX-License-Identifier: Apache-2.0 */
/* Which key was meant? */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "config/conf.h"

enum { NAME_MAX_COMPARED = 64 }; /* longer than any key and a few mistakes */

static bool
same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/*
 * Levenshtein's distance, letter case aside, in one row: row[j] is the
 * distance of a's first i letters from b's first j.
 */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_COMPARED + 1], diagonal, up;
	size_t n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		diagonal = row[0];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= n; j++) {
			up = row[j];
			row[j] = least(up + 1, row[j - 1] + 1,
			    diagonal + !same(a[i - 1], b[j - 1]));
			diagonal = up;
		}
	}
	return row[n];
}

const char *
config_key_suggest(const char *name)
{
	unsigned best, d;
	const char *found = NULL;

	if (strlen(name) > NAME_MAX_COMPARED)
		return NULL;
	/* A third of the letters may be wrong, not more. */
	best = (unsigned)strlen(name) / 3 + 1;
	for (unsigned k = 0; k < CONFIG_KEYS; k++) {
		d = distance(name, config_info(k)->name);
		if (d < best) {
			best = d;
			found = config_info(k)->name;
		}
	}
	return found;
}
