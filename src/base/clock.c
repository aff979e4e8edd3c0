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

/* Up to max digits, and what stands behind them; NULL: neither. */
static const char *
read_number(const char *p, int max, const char *after, int *v)
{
	int n = 0;

	*v = 0;
	for (; n < max && p[n] >= '0' && p[n] <= '9'; n++)
		*v = *v * 10 + (p[n] - '0');
	if (n == 0)
		return NULL;
	if (*after == '\0')
		return p + n;
	return p[n] != '\0' && strchr(after, p[n]) != NULL ? p + n + 1 : NULL;
}

/* A start reads four a server: sscanf() would be a tenth of it. */
static const char *
read_time(const char *p, struct tm *tm, int *us)
{
	const struct {
		int max;
		const char *after;
		int *v;
	} part[] = {
		{ 4, "-", &tm->tm_year }, { 2, "-", &tm->tm_mon },
		{ 2, "T ", &tm->tm_mday }, { 2, ":", &tm->tm_hour },
		{ 2, ":", &tm->tm_min }, { 2, "", &tm->tm_sec },
	};

	for (size_t i = 0; p != NULL && i < sizeof part / sizeof part[0]; i++)
		p = read_number(p, part[i].max, part[i].after, part[i].v);
	return p != NULL ? read_fraction(p, us) : NULL;
}

enum err_code
wall_parse(wall_t *t, const char *text, struct err *err)
{
	struct tm tm = { 0 };
	const char *end;
	int us;

	t->us = 0;
	if (text[0] == '\0')
		return ERR_NONE;
	end = read_time(text, &tm, &us);
	if (end == NULL || (strcmp(end, "") != 0 && strcmp(end, "Z") != 0))
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
