/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets as ranges.
 */
#include "config.h"

#include "model/set.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

void
model_set_free(struct model_set *s)
{
	mem_free(s->at);
	*s = (struct model_set){ 0 };
}

void
model_set_clear(struct model_set *s)
{
	s->n = 0;
}

/* The first range that ends at (maker, no) or behind it. */
static uint32_t
place(const struct model_set *s, uint32_t maker, uint64_t no)
{
	uint32_t lo = 0, hi = s->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct model_range *r = &s->at[mid];

		if (r->maker < maker || (r->maker == maker && r->hi < no))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
put(struct model_set *s, uint32_t i, struct model_range r)
{
	if (s->n == s->cap) {
		s->cap = s->cap > 0 ? s->cap * 2 : 4;
		s->at = mem_resize(s->at, s->cap, sizeof *s->at);
	}
	memmove(s->at + i + 1, s->at + i, (s->n - i) * sizeof *s->at);
	s->at[i] = r;
	s->n++;
}

static void
take(struct model_set *s, uint32_t i)
{
	s->n--;
	memmove(s->at + i, s->at + i + 1, (s->n - i) * sizeof *s->at);
}

void
model_set_add(struct model_set *s, uint32_t maker, uint64_t lo, uint64_t hi)
{
	uint32_t i = place(s, maker, lo > 0 ? lo - 1 : 0);

	assert(lo <= hi);
	while (i < s->n && s->at[i].maker == maker && s->at[i].lo <= hi + 1) {
		if (s->at[i].lo < lo)
			lo = s->at[i].lo;
		if (s->at[i].hi > hi)
			hi = s->at[i].hi;
		take(s, i);
	}
	put(s, i, (struct model_range){ maker, lo, hi });
}

void
model_set_cut(struct model_set *s, uint32_t maker, uint64_t lo, uint64_t hi)
{
	uint32_t i = place(s, maker, lo);
	struct model_range r;

	assert(lo <= hi);
	while (i < s->n && s->at[i].maker == maker && s->at[i].lo <= hi) {
		r = s->at[i];
		take(s, i);
		if (r.lo < lo)
			put(s, i++, (struct model_range){ maker, r.lo, lo - 1 });
		if (r.hi > hi)
			put(s, i++, (struct model_range){ maker, hi + 1, r.hi });
	}
}

bool
model_set_has(const struct model_set *s, uint32_t maker, uint64_t no)
{
	uint32_t i = place(s, maker, no);

	return i < s->n && s->at[i].maker == maker && s->at[i].lo <= no;
}

uint64_t
model_set_first(const struct model_set *s, uint32_t maker, uint64_t lo,
    uint64_t hi, bool in)
{
	uint32_t i = place(s, maker, lo);
	uint64_t first = lo;

	assert(lo <= hi);
	if (i < s->n && s->at[i].maker == maker && in && s->at[i].lo > lo)
		first = s->at[i].lo;
	else if (i >= s->n || s->at[i].maker != maker)
		first = in ? hi + 1 : lo;
	else if (!in && s->at[i].lo <= lo)
		first = s->at[i].hi + 1;
	return first <= hi ? first : hi + 1;
}

bool
model_set_holds(const struct model_set *whole, const struct model_set *part)
{
	for (uint32_t i = 0; i < part->n; i++) {
		const struct model_range *r = &part->at[i];

		if (model_set_first(whole, r->maker, r->lo, r->hi, false) <=
		    r->hi)
			return false;
	}
	return true;
}

void
model_set_join(struct model_set *s, const struct model_set *more)
{
	for (uint32_t i = 0; i < more->n; i++)
		model_set_add(s, more->at[i].maker, more->at[i].lo,
		    more->at[i].hi);
}

void
model_set_drop(struct model_set *s, const struct model_set *less)
{
	for (uint32_t i = 0; i < less->n; i++)
		model_set_cut(s, less->at[i].maker, less->at[i].lo,
		    less->at[i].hi);
}

void
model_set_copy(struct model_set *s, const struct model_set *from)
{
	model_set_clear(s);
	model_set_join(s, from);
}

uint64_t
model_set_count(const struct model_set *s)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < s->n; i++)
		sum += s->at[i].hi - s->at[i].lo + 1;
	return sum;
}
