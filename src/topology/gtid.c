/* SPDX-License-Identifier: Apache-2.0 */
/* Sets and what can be asked of them; reading their text is gtid_parse.c. */
#include "config.h"

#include "topology/gtid.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "topology/gtid_build.h"

void
gtid_set_init(struct gtid_set *set)
{
	memset(set, 0, sizeof *set);
}

void
gtid_set_fini(struct gtid_set *set)
{
	mem_free(set->source);
	mem_free(set->range);
	gtid_set_init(set);
}

void
gtid_build_clear(struct gtid_set *set)
{
	set->nsources = 0;
	set->nranges = 0;
}

int
gtid_source_cmp(const struct gtid_source *a, const struct gtid_source *b)
{
	int c = memcmp(a->uuid.b, b->uuid.b, GTID_UUID_LEN);

	return c != 0 ? c : strcmp(a->tag, b->tag);
}

void
gtid_build_source(struct gtid_set *set, const struct gtid_source *s)
{
	if (set->nsources == set->sources_cap) {
		set->sources_cap = set->sources_cap * 2 + 8;
		set->source = mem_resize(set->source, set->sources_cap,
		    sizeof *set->source);
	}
	set->source[set->nsources] = *s;
	set->source[set->nsources].first = set->nranges;
	set->source[set->nsources].n = 0;
	set->nsources++;
}

/* Does it follow on from, or overlap with, the range added last? */
static bool
touches_last(const struct gtid_set *set, int64_t lo)
{
	const struct gtid_range *last;

	if (set->source[set->nsources - 1].n == 0)
		return false;
	last = &set->range[set->nranges - 1];
	return lo >= last->lo && lo - 1 <= last->hi;
}

void
gtid_build_range(struct gtid_set *set, int64_t lo, int64_t hi)
{
	assert(set->nsources > 0 && lo <= hi);
	if (touches_last(set, lo)) {
		if (hi > set->range[set->nranges - 1].hi)
			set->range[set->nranges - 1].hi = hi;
		return;
	}
	if (set->nranges == set->ranges_cap) {
		set->ranges_cap = set->ranges_cap * 2 + 16;
		set->range = mem_resize(set->range, set->ranges_cap,
		    sizeof *set->range);
	}
	set->range[set->nranges++] = (struct gtid_range){ lo, hi };
	set->source[set->nsources - 1].n++;
}

void
gtid_build_end_source(struct gtid_set *set)
{
	if (set->nsources > 0 && set->source[set->nsources - 1].n == 0)
		set->nsources--;
}

static void
append_number(struct buf *out, int64_t v)
{
	char text[24], *p = text + sizeof text;

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_add(out, p, (size_t)(text + sizeof text - p));
}

void
gtid_set_text(const struct gtid_set *set, struct buf *out)
{
	char uuid[GTID_UUID_TEXT_MAX];

	for (uint32_t i = 0; i < set->nsources; i++) {
		const struct gtid_source *s = &set->source[i];

		if (i == 0 || !gtid_uuid_eq(s->uuid, s[-1].uuid)) {
			if (i > 0)
				buf_chr(out, ',');
			buf_str(out, gtid_uuid_text(s->uuid, uuid));
		}
		if (s->tag[0] != '\0') {
			buf_chr(out, ':');
			buf_str(out, s->tag);
		}
		for (uint32_t k = s->first; k < s->first + s->n; k++) {
			buf_chr(out, ':');
			append_number(out, set->range[k].lo);
			if (set->range[k].hi == set->range[k].lo)
				continue;
			buf_chr(out, '-');
			append_number(out, set->range[k].hi);
		}
	}
}

bool
gtid_set_is_empty(const struct gtid_set *set)
{
	return set->nsources == 0;
}

bool
gtid_set_eq(const struct gtid_set *a, const struct gtid_set *b)
{
	if (a->nsources != b->nsources || a->nranges != b->nranges)
		return false;
	for (uint32_t i = 0; i < a->nsources; i++)
		if (gtid_source_cmp(&a->source[i], &b->source[i]) != 0 ||
		    a->source[i].n != b->source[i].n)
			return false;
	for (uint32_t i = 0; i < a->nranges; i++)
		if (a->range[i].lo != b->range[i].lo ||
		    a->range[i].hi != b->range[i].hi)
			return false;
	return true;
}

/* Ranges do not touch, so one of whole's must hold each of part's. */
static bool
ranges_contain(const struct gtid_range *w, uint32_t nw,
    const struct gtid_range *p, uint32_t np)
{
	uint32_t i = 0;

	for (uint32_t k = 0; k < np; k++) {
		while (i < nw && w[i].hi < p[k].lo)
			i++;
		if (i == nw || w[i].lo > p[k].lo || w[i].hi < p[k].hi)
			return false;
	}
	return true;
}

bool
gtid_set_contains(const struct gtid_set *whole, const struct gtid_set *part)
{
	uint32_t i = 0;

	for (uint32_t k = 0; k < part->nsources; k++) {
		const struct gtid_source *p = &part->source[k];
		const struct gtid_source *w;

		while (i < whole->nsources &&
		    gtid_source_cmp(&whole->source[i], p) < 0)
			i++;
		if (i == whole->nsources)
			return false;
		w = &whole->source[i];
		if (gtid_source_cmp(w, p) != 0 ||
		    !ranges_contain(&whole->range[w->first], w->n,
			&part->range[p->first], p->n))
			return false;
	}
	return true;
}

bool
gtid_set_has_uuid(const struct gtid_set *set, struct gtid_uuid uuid)
{
	for (uint32_t i = 0; i < set->nsources; i++)
		if (gtid_uuid_eq(set->source[i].uuid, uuid))
			return true;
	return false;
}

uint64_t
gtid_set_count(const struct gtid_set *set)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < set->nranges; i++) {
		const struct gtid_range *r = &set->range[i];

		if (__builtin_add_overflow(sum, (uint64_t)(r->hi - r->lo) + 1,
			&sum))
			return UINT64_MAX;
	}
	return sum;
}

/* A source of each set, the ones that are equal together; NULL: not in it. */
struct pair {
	const struct gtid_source *a, *b;
};

/* Steps to the next source in order; false at the end. */
static bool
next_pair(const struct gtid_set *a, const struct gtid_set *b, uint32_t *i,
    uint32_t *k, struct pair *p)
{
	const struct gtid_source *x, *y;
	int c;

	x = *i < a->nsources ? &a->source[*i] : NULL;
	y = *k < b->nsources ? &b->source[*k] : NULL;
	c = x == NULL ? 1 : y == NULL ? -1 : gtid_source_cmp(x, y);
	p->a = c <= 0 ? x : NULL;
	p->b = c >= 0 ? y : NULL;
	*i += p->a != NULL;
	*k += p->b != NULL;
	return p->a != NULL || p->b != NULL;
}

/* s may be NULL: nothing to append. */
static void
append_ranges(struct gtid_set *out, const struct gtid_set *from,
    const struct gtid_source *s)
{
	for (uint32_t i = 0; s != NULL && i < s->n; i++)
		gtid_build_range(out, from->range[s->first + i].lo,
		    from->range[s->first + i].hi);
}

/* The ranges of both, in order of their start. */
static void
merge_ranges(struct gtid_set *out, const struct gtid_range *x, uint32_t nx,
    const struct gtid_range *y, uint32_t ny)
{
	while (nx > 0 || ny > 0) {
		bool first = ny == 0 || (nx > 0 && x->lo <= y->lo);
		const struct gtid_range *r = first ? x++ : y++;

		nx -= first;
		ny -= !first;
		gtid_build_range(out, r->lo, r->hi);
	}
}

void
gtid_set_union(struct gtid_set *out, const struct gtid_set *a,
    const struct gtid_set *b)
{
	uint32_t i = 0, k = 0;
	struct pair p;

	assert(out != a && out != b);
	gtid_build_clear(out);
	while (next_pair(a, b, &i, &k, &p)) {
		gtid_build_source(out, p.a != NULL ? p.a : p.b);
		if (p.a != NULL && p.b != NULL) {
			merge_ranges(out, &a->range[p.a->first], p.a->n,
			    &b->range[p.b->first], p.b->n);
		} else {
			append_ranges(out, a, p.a);
			append_ranges(out, b, p.b);
		}
	}
}

/* What is left of r after the ranges y, which ascend; *k is where to begin. */
static void
subtract_range(struct gtid_set *out, struct gtid_range r,
    const struct gtid_range *y, uint32_t ny, uint32_t *k)
{
	while (*k < ny && y[*k].hi < r.lo)
		(*k)++;
	for (uint32_t j = *k; j < ny && y[j].lo <= r.hi; j++) {
		if (y[j].lo > r.lo)
			gtid_build_range(out, r.lo, y[j].lo - 1);
		r.lo = y[j].hi + 1;
	}
	if (r.lo <= r.hi)
		gtid_build_range(out, r.lo, r.hi);
}

void
gtid_set_subtract(struct gtid_set *out, const struct gtid_set *a,
    const struct gtid_set *b)
{
	uint32_t i = 0, k = 0;
	struct pair p;

	assert(out != a && out != b);
	gtid_build_clear(out);
	while (next_pair(a, b, &i, &k, &p)) {
		uint32_t from = 0;

		if (p.a == NULL)
			continue;
		gtid_build_source(out, p.a);
		if (p.b == NULL)
			append_ranges(out, a, p.a);
		for (uint32_t j = 0; p.b != NULL && j < p.a->n; j++)
			subtract_range(out, a->range[p.a->first + j],
			    &b->range[p.b->first], p.b->n, &from);
		gtid_build_end_source(out);
	}
}

static void
intersect_ranges(struct gtid_set *out, const struct gtid_range *x, uint32_t nx,
    const struct gtid_range *y, uint32_t ny)
{
	while (nx > 0 && ny > 0) {
		int64_t lo = x->lo > y->lo ? x->lo : y->lo;
		int64_t hi = x->hi < y->hi ? x->hi : y->hi;
		bool first = x->hi < y->hi;

		if (lo <= hi)
			gtid_build_range(out, lo, hi);
		x += first;
		nx -= first;
		y += !first;
		ny -= !first;
	}
}

void
gtid_set_intersect(struct gtid_set *out, const struct gtid_set *a,
    const struct gtid_set *b)
{
	uint32_t i = 0, k = 0;
	struct pair p;

	assert(out != a && out != b);
	gtid_build_clear(out);
	while (next_pair(a, b, &i, &k, &p)) {
		if (p.a == NULL || p.b == NULL)
			continue;
		gtid_build_source(out, p.a);
		intersect_ranges(out, &a->range[p.a->first], p.a->n,
		    &b->range[p.b->first], p.b->n);
		gtid_build_end_source(out);
	}
}

void
gtid_build_copy(struct gtid_set *set, const struct gtid_set *from,
    const struct gtid_source *s)
{
	gtid_build_source(set, s);
	append_ranges(set, from, s);
}

static int
cmp_sources(const void *a, const void *b)
{
	return gtid_source_cmp(a, b);
}

void
gtid_build_common(struct gtid_set *set, const struct gtid_set *from,
    const struct gtid_source *s, const struct gtid_set *other)
{
	const struct gtid_source *o = other->nsources == 0 ? NULL :
	    bsearch(s, other->source, other->nsources, sizeof *other->source,
		cmp_sources);

	if (o == NULL)
		return;
	gtid_build_source(set, s);
	intersect_ranges(set, &from->range[s->first], s->n,
	    &other->range[o->first], o->n);
	gtid_build_end_source(set);
}

void
gtid_set_copy(struct gtid_set *out, const struct gtid_set *a)
{
	static const struct gtid_set none;

	gtid_set_union(out, a, &none);
}

/* Drop the sources whose UUID is, or is not, this one. */
static void
filter_uuid(struct gtid_set *set, struct gtid_uuid uuid, bool keep)
{
	uint32_t nsources = 0, nranges = 0;

	for (uint32_t i = 0; i < set->nsources; i++) {
		struct gtid_source s = set->source[i];

		if (gtid_uuid_eq(s.uuid, uuid) != keep)
			continue;
		memmove(&set->range[nranges], &set->range[s.first],
		    s.n * sizeof *set->range);
		s.first = nranges;
		nranges += s.n;
		set->source[nsources++] = s;
	}
	set->nsources = nsources;
	set->nranges = nranges;
}

void
gtid_set_remove_uuid(struct gtid_set *set, struct gtid_uuid uuid)
{
	filter_uuid(set, uuid, false);
}

void
gtid_set_keep_uuid(struct gtid_set *set, struct gtid_uuid uuid)
{
	filter_uuid(set, uuid, true);
}

bool
gtid_uuid_eq(struct gtid_uuid a, struct gtid_uuid b)
{
	return memcmp(a.b, b.b, GTID_UUID_LEN) == 0;
}

const char *
gtid_uuid_text(struct gtid_uuid uuid, char out[GTID_UUID_TEXT_MAX])
{
	static const char hex[] = "0123456789abcdef";
	char *p = out;

	for (int i = 0; i < GTID_UUID_LEN; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = hex[uuid.b[i] >> 4];
		*p++ = hex[uuid.b[i] & 15];
	}
	*p = '\0';
	return out;
}
