/* SPDX-License-Identifier: Apache-2.0 */
/* Spans and instants, and their text; see clock.h. */
#include "config.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void
broken_down(wall_t t, struct tm *tm, int *us)
{
	time_t s = (time_t)wall_seconds(t);

	*us = (int)(t.us - (int64_t)s * 1000000);
	gmtime_r(&s, tm);
}

/* Two digits, and what follows them. */
static char *
put_two(char *to, int v, char after)
{
	to[0] = (char)('0' + v / 10);
	to[1] = (char)('0' + v % 10);
	to[2] = after;
	return to + 3;
}

/* An answer has one a server: strftime() would be a tenth of its cost. */
const char *
wall_text(wall_t t, char out[WALL_TEXT_MAX])
{
	struct tm tm;
	char *p = out;
	int us;

	out[0] = '\0';
	if (t.us == 0)
		return out;
	broken_down(t, &tm, &us);
	if (tm.tm_year < 0 || tm.tm_year >= 8100) {
		strftime(out, WALL_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
		return out;
	}
	p = put_two(p, tm.tm_year / 100 + 19, '\0') - 1;
	p = put_two(p, tm.tm_year % 100, '-');
	p = put_two(p, tm.tm_mon + 1, '-');
	p = put_two(p, tm.tm_mday, 'T');
	p = put_two(p, tm.tm_hour, ':');
	p = put_two(p, tm.tm_min, ':');
	*put_two(p, tm.tm_sec, 'Z') = '\0';
	return out;
}

const char *
wall_rfc3339(wall_t t, char out[WALL_TEXT_MAX])
{
	struct tm tm;
	size_t n;
	int us;

	if (t.us == 0)
		return strcpy(out, "0001-01-01T00:00:00Z");
	broken_down(t, &tm, &us);
	n = strftime(out, WALL_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	if (us == 0)
		snprintf(out + n, WALL_TEXT_MAX - n, "Z");
	else
		snprintf(out + n, WALL_TEXT_MAX - n, ".%06dZ", us);
	return out;
}

/* Up to six digits after the point, scaled to microseconds. */
static const char *
read_fraction(const char *p, int *us)
{
	int digits = 0;

	*us = 0;
	if (*p != '.')
		return p;
	for (p++; *p >= '0' && *p <= '9'; p++)
		if (digits++ < 6)
			*us = *us * 10 + (*p - '0');
	for (; digits < 6; digits++)
		*us *= 10;
	return p;
}

enum err_code
wall_parse(wall_t *t, const char *text, struct err *err)
{
	struct tm tm = { 0 };
	int n = 0, us;
	const char *p;
	char sep;

	t->us = 0;
	if (text[0] == '\0')
		return ERR_NONE;
	if (sscanf(text, "%4d-%2d-%2d%c%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon,
		&tm.tm_mday, &sep, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
		&n) < 7 || (sep != 'T' && sep != ' '))
		return err_set(err, ERR_MALFORMED, "not a time: \"%.64s\"",
		    text);
	p = read_fraction(text + n, &us);
	if (strcmp(p, "") != 0 && strcmp(p, "Z") != 0)
		return err_set(err, ERR_MALFORMED, "not a time: \"%.64s\"",
		    text);
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	t->us = (int64_t)timegm(&tm) * 1000000 + us;
	return ERR_NONE;
}

static int64_t
unit_seconds(char c)
{
	switch (c) {
	case 's': return 1;
	case 'm': return 60;
	case 'h': return 3600;
	case 'd': return 86400;
	case 'w': return 604800;
	}
	return 0;
}

enum err_code
dur_parse(dur_t *d, const char *text, struct err *err)
{
	size_t digits = strspn(text, "0123456789");
	int64_t unit = digits > 0 ? unit_seconds(text[digits]) : 0;

	if (digits == 0 || digits > 9 || unit == 0 ||
	    text[digits + 1] != '\0')
		return err_set(err, ERR_INVALID,
		    "Invalid duration: \"%.64s\" (a number and one of s m h d "
		    "w, for example 10m)", text);
	*d = DUR_S(strtoll(text, NULL, 10) * unit);
	return ERR_NONE;
}
