/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a server's facts that move; see moving.h. */
#include "config.h"

#include "topology/moving.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

const struct moving_row moving_rows[] = {
#define MOVES(kind, m) { MOVING_##kind, offsetof(struct instance, m) },
#include "topology/moving.def"
#undef MOVES
};
const unsigned moving_count = MEM_COUNT(moving_rows);
static_assert(MEM_COUNT(moving_rows) <= MOVING_MAX, "they are bits of a word");

/* Texts that follow from a place change without the other facts, too. */
static const size_t place_texts[] = {
	offsetof(struct instance, ancestry_uuid),
	offsetof(struct instance, gtid_errant),
	offsetof(struct instance, cluster_name),
	offsetof(struct instance, suggested_cluster_alias),
};

unsigned
moving_find(size_t offset)
{
	unsigned i = 0;

	while (i < moving_count && moving_rows[i].offset != offset)
		i++;
	return i;
}

static const void *
member(const struct instance *in, unsigned row)
{
	return (const char *)in + moving_rows[row].offset;
}

static bool
nullint_same(const struct nullint *a, const struct nullint *b)
{
	return a->valid == b->valid && (!a->valid || a->v == b->v);
}

static bool
same(const void *a, const void *b, enum moving_kind kind)
{
	switch (kind) {
	case MOVING_POS: return *(const int64_t *)a == *(const int64_t *)b;
	case MOVING_STR:
		return strcmp(*(const char *const *)a,
		    *(const char *const *)b) == 0;
	case MOVING_NULLINT: return nullint_same(a, b);
	}
	return false;
}

uint32_t
moving_diff(const struct instance *a, const struct instance *b)
{
	uint32_t rows = 0;

	for (unsigned i = 0; i < moving_count; i++)
		if (!same(member(a, i), member(b, i), moving_rows[i].kind))
			rows |= UINT32_C(1) << i;
	return rows;
}

static void
pack_value(struct buf *b, const void *p, enum moving_kind kind)
{
	const struct nullint *v = p;

	switch (kind) {
	case MOVING_POS: pack_int(b, *(const int64_t *)p); break;
	case MOVING_STR: pack_cstr(b, *(const char *const *)p); break;
	case MOVING_NULLINT:
		if (v->valid)
			pack_int(b, v->v);
		else
			pack_nil(b);
		break;
	}
}

static size_t
count(uint64_t rows)
{
	size_t n = 0;

	for (; rows != 0; rows &= rows - 1)
		n++;
	return n;
}

void
moving_pack(struct buf *b, const struct instance *in, uint32_t rows)
{
	pack_array(b, 1 + count(rows));
	pack_uint(b, rows);
	for (; rows != 0; rows &= rows - 1) {
		unsigned i = (unsigned)__builtin_ctz(rows);

		pack_value(b, member(in, i), moving_rows[i].kind);
	}
}

static void
unpack_value(struct pcur *c, void *p, enum moving_kind kind)
{
	const char *s;

	switch (kind) {
	case MOVING_POS: *(int64_t *)p = pcur_int(c); break;
	case MOVING_STR:
		s = pcur_cstr(c);
		*(const char **)p = s != NULL ? s : "";
		break;
	case MOVING_NULLINT:
		*(struct nullint *)p = (struct nullint){ 0, false };
		if (pcur_is_nil(c))
			pcur_nil(c);
		else
			*(struct nullint *)p =
			    (struct nullint){ pcur_int(c), true };
		break;
	}
}

bool
moving_unpack(struct pcur *c, struct instance *in, uint32_t *rows)
{
	size_t n = pcur_array(c);
	uint64_t set = pcur_uint(c);

	*rows = 0;
	if (!pcur_ok(c) || set >> moving_count != 0 ||
	    n != 1 + count(set))
		return false;
	*rows = (uint32_t)set;
	for (; set != 0; set &= set - 1) {
		unsigned i = (unsigned)__builtin_ctzll(set);

		unpack_value(c, moving_member(in, i), moving_rows[i].kind);
	}
	return pcur_ok(c);
}

/* ---- owning ---- */

static const char **
text_at(struct instance *in, size_t offset)
{
	return (const char **)(void *)((char *)in + offset);
}

/* Of the one at that offset, in a; 0 for what stays where it is. */
static size_t
own_text(struct instance *in, const struct instance *base, size_t offset,
    struct arena *a)
{
	const char **text = text_at(in, offset);
	size_t n;

	if ((*text)[0] == '\0') {
		*text = "";
		return 0;
	}
	if (base != NULL && *text == *(const char *const *)(const void *)(
	    (const char *)base + offset))
		return 0;
	n = arena_bytes(strlen(*text) + 1);
	if (a != NULL)
		*text = arena_strdup(a, *text);
	return n;
}

static size_t
own_texts(struct instance *in, const struct instance *base, struct arena *a)
{
	size_t sum = 0;

	for (unsigned i = 0; i < moving_count; i++)
		if (moving_rows[i].kind == MOVING_STR)
			sum += own_text(in, base, moving_rows[i].offset, a);
	for (size_t i = 0; i < MEM_COUNT(place_texts); i++)
		sum += own_text(in, base, place_texts[i], a);
	return sum;
}

void
moving_own(struct instance *in, const struct instance *base, struct arena *a)
{
	arena_reserve(a, own_texts(in, base, NULL));
	own_texts(in, base, a);
}
