/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GTID sets from text.  What a server shows is in order already and goes
 * straight into the set; anything else is sorted afterwards.
 */
#include "config.h"

#include "topology/gtid.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "topology/gtid_build.h"

enum { EXCERPT_MAX = 60 };

struct parser {
	const char *p;
	struct gtid_set *set;
	struct gtid_source at; /* the UUID and tag that intervals belong to */
	bool messy;	       /* something was out of order */
	struct err *err;
};

static void
blanks(struct parser *ps)
{
	while (*ps->p == ' ' || (*ps->p >= '\t' && *ps->p <= '\r'))
		ps->p++;
}

static enum err_code
malformed(struct parser *ps, const char *what)
{
	return err_set(ps->err, ERR_MALFORMED, "GTID set: %s at \"%.*s\"", what,
	    EXCERPT_MAX, ps->p);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 32 hex digits; dashes in all of the usual places or in none. */
static bool
take_uuid(const char **pp, struct gtid_uuid *uuid)
{
	const char *p = *pp;
	bool dashes = false;

	for (int i = 0; i < GTID_UUID_LEN; i++) {
		int hi, lo;

		if (i == 4)
			dashes = *p == '-';
		if (dashes && (i == 4 || i == 6 || i == 8 || i == 10) &&
		    *p++ != '-')
			return false;
		hi = hex_digit(p[0]);
		lo = hi < 0 ? -1 : hex_digit(p[1]);
		if (lo < 0)
			return false;
		uuid->b[i] = (uint8_t)(hi << 4 | lo);
		p += 2;
	}
	*pp = p;
	return hex_digit(*p) < 0;
}

/* Digits; false when there are none or the number is too large for a GTID. */
static bool
take_number(struct parser *ps, int64_t *v)
{
	const char *p = ps->p;

	for (*v = 0; *p >= '0' && *p <= '9'; p++) {
		if (*v > (INT64_MAX - 1 - (*p - '0')) / 10)
			return false;
		*v = *v * 10 + (*p - '0');
	}
	if (p == ps->p)
		return false;
	ps->p = p;
	return true;
}

static bool
tag_char(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || c == '_' ||
	    (!first && c >= '0' && c <= '9');
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static enum err_code
parse_tag(struct parser *ps)
{
	size_t n = 0;

	while (tag_char(lower(*ps->p), n == 0)) {
		if (n == GTID_TAG_MAX)
			return malformed(ps, "a tag is too long");
		ps->at.tag[n++] = lower(*ps->p++);
	}
	if (n == 0)
		return malformed(ps, "an interval or tag is missing");
	ps->at.tag[n] = '\0';
	return ERR_NONE;
}

static enum err_code
add(struct parser *ps, int64_t lo, int64_t hi)
{
	struct gtid_set *set = ps->set;
	const struct gtid_source *last = set->nsources > 0 ?
	    &set->source[set->nsources - 1] : NULL;
	int c = last != NULL ? gtid_source_cmp(last, &ps->at) : -1;

	if (c > 0 || (c == 0 && lo < set->range[set->nranges - 1].lo))
		ps->messy = true;
	if (set->nsources >= GTID_SOURCES_MAX ||
	    set->nranges >= GTID_RANGES_MAX)
		return err_set(ps->err, ERR_INVALID,
		    "GTID set: more than %d sources or %d intervals",
		    GTID_SOURCES_MAX, GTID_RANGES_MAX);
	if (c != 0)
		gtid_build_source(set, &ps->at);
	gtid_build_range(set, lo, hi);
	return ERR_NONE;
}

static enum err_code
parse_interval(struct parser *ps)
{
	int64_t lo, hi;

	if (!take_number(ps, &lo) || lo == 0)
		return malformed(ps, "a bad number");
	hi = lo;
	blanks(ps);
	if (*ps->p == '-') {
		ps->p++;
		blanks(ps);
		if (!take_number(ps, &hi))
			return malformed(ps, "a bad number");
		blanks(ps);
	}
	return lo <= hi ? add(ps, lo, hi) : ERR_NONE;
}

/* uuid, then ":interval" and ":tag:interval" as often as they come */
static enum err_code
parse_source(struct parser *ps)
{
	enum err_code code = ERR_NONE;
	bool need = true; /* an interval must follow */

	if (!take_uuid(&ps->p, &ps->at.uuid))
		return malformed(ps, "a bad UUID");
	ps->at.tag[0] = '\0';
	for (blanks(ps); code == ERR_NONE && *ps->p == ':'; blanks(ps)) {
		ps->p++;
		blanks(ps);
		if (*ps->p >= '0' && *ps->p <= '9') {
			code = parse_interval(ps);
			need = false;
		} else if (need && ps->at.tag[0] != '\0') {
			code = malformed(ps, "a tag without interval");
		} else {
			code = parse_tag(ps);
			need = true;
		}
	}
	if (code == ERR_NONE && need)
		code = malformed(ps, "an interval is missing");
	if (code == ERR_NONE && *ps->p != '\0' && *ps->p != ',')
		code = malformed(ps, "something unexpected");
	return code;
}

static int
cmp_sources(const void *a, const void *b)
{
	return gtid_source_cmp(a, b);
}

static int
cmp_ranges(const void *a, const void *b)
{
	int64_t x = ((const struct gtid_range *)a)->lo;
	int64_t y = ((const struct gtid_range *)b)->lo;

	return (x > y) - (x < y);
}

/* All ranges of the sources s[0..n), which are equal, into out. */
static void
gather(struct gtid_set *out, const struct gtid_set *from,
    const struct gtid_source *s, uint32_t n, struct gtid_range *tmp)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++) {
		memcpy(&tmp[k], &from->range[s[i].first],
		    s[i].n * sizeof *tmp);
		k += s[i].n;
	}
	qsort(tmp, k, sizeof *tmp, cmp_ranges);
	gtid_build_source(out, s);
	for (uint32_t i = 0; i < k; i++)
		gtid_build_range(out, tmp[i].lo, tmp[i].hi);
}

static void
normalise(struct gtid_set *set)
{
	struct gtid_range *tmp = mem_alloc(set->nranges * sizeof *tmp);
	struct gtid_set out;

	gtid_set_init(&out);
	qsort(set->source, set->nsources, sizeof *set->source, cmp_sources);
	for (uint32_t i = 0, n; i < set->nsources; i += n) {
		for (n = 1; i + n < set->nsources; n++)
			if (gtid_source_cmp(&set->source[i],
				&set->source[i + n]) != 0)
				break;
		gather(&out, set, &set->source[i], n, tmp);
	}
	mem_free(tmp);
	gtid_set_fini(set);
	*set = out;
}

enum err_code
gtid_set_parse(struct gtid_set *set, const char *text, struct err *err)
{
	struct parser ps = { .p = text, .set = set, .err = err };
	enum err_code code = ERR_NONE;

	gtid_build_clear(set);
	for (blanks(&ps); code == ERR_NONE && *ps.p != '\0'; blanks(&ps)) {
		if (*ps.p == ',')
			ps.p++;
		else
			code = parse_source(&ps);
	}
	if (code != ERR_NONE)
		gtid_build_clear(set);
	else if (ps.messy)
		normalise(set);
	return code;
}

enum err_code
gtid_uuid_parse(struct gtid_uuid *uuid, const char *text, struct err *err)
{
	const char *p = text;

	if (!take_uuid(&p, uuid) || *p != '\0')
		return err_set(err, ERR_MALFORMED, "not a UUID: \"%.*s\"",
		    EXCERPT_MAX, text);
	return ERR_NONE;
}
