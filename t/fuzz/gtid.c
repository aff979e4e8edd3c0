/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as two GTID sets, and as two MariaDB positions, parted by the first
 * ';': what is read must survive its own text and obey the algebra of sets.
 */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "topology/gtid.h"
#include "topology/gtid_mariadb.h"

static void
survives_text(const struct gtid_set *set)
{
	struct gtid_set again;
	struct buf b;

	buf_init(&b);
	gtid_set_init(&again);
	gtid_set_text(set, &b);
	assert(gtid_set_parse(&again, buf_text(&b), NULL) == ERR_NONE);
	assert(gtid_set_eq(set, &again));
	gtid_set_fini(&again);
	buf_fini(&b);
}

/* Normalised: sources ascend, ranges ascend and do not touch. */
static void
is_normal(const struct gtid_set *set)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < set->nsources; i++) {
		const struct gtid_source *s = &set->source[i];
		const struct gtid_range *r = &set->range[s->first];

		assert(s->first == at && s->n > 0);
		for (uint32_t k = 0; k < s->n; k++) {
			assert(r[k].lo >= 1 && r[k].lo <= r[k].hi);
			assert(k == 0 || r[k - 1].hi + 1 < r[k].lo);
		}
		at += s->n;
	}
	assert(at == set->nranges);
	survives_text(set);
}

static void
algebra(const struct gtid_set *a, const struct gtid_set *b)
{
	struct gtid_set sum, both, minus, out;

	gtid_set_init(&sum);
	gtid_set_init(&both);
	gtid_set_init(&minus);
	gtid_set_init(&out);
	gtid_set_union(&sum, a, b);
	gtid_set_intersect(&both, a, b);
	gtid_set_subtract(&minus, a, b);
	is_normal(&sum);
	is_normal(&both);
	is_normal(&minus);
	assert(gtid_set_contains(&sum, a) && gtid_set_contains(&sum, b));
	assert(gtid_set_contains(a, &both) && gtid_set_contains(b, &both));
	assert(gtid_set_contains(b, a) == gtid_set_is_empty(&minus));
	gtid_set_union(&out, &minus, &both);
	assert(gtid_set_eq(&out, a));
	gtid_set_union(&out, &minus, b);
	assert(gtid_set_eq(&out, &sum));
	gtid_set_intersect(&out, &minus, b);
	assert(gtid_set_is_empty(&out));
	gtid_set_fini(&sum);
	gtid_set_fini(&both);
	gtid_set_fini(&minus);
	gtid_set_fini(&out);
}

static void
sets(const char *x, const char *y)
{
	struct gtid_set a, b;

	gtid_set_init(&a);
	gtid_set_init(&b);
	if (gtid_set_parse(&a, x, NULL) == ERR_NONE &&
	    gtid_set_parse(&b, y, NULL) == ERR_NONE) {
		is_normal(&a);
		is_normal(&b);
		algebra(&a, &b);
	}
	gtid_set_fini(&a);
	gtid_set_fini(&b);
}

static enum mariadb_order
reversed(enum mariadb_order o)
{
	return o == MARIADB_BEHIND ? MARIADB_AHEAD :
	    o == MARIADB_AHEAD	   ? MARIADB_BEHIND :
				     o;
}

static void
positions(const char *x, const char *y)
{
	struct mariadb_pos a, b, again;
	struct arena arena;
	struct buf text;

	arena_init(&arena);
	buf_init(&text);
	if (mariadb_pos_parse(&a, x, &arena, NULL) == ERR_NONE &&
	    mariadb_pos_parse(&b, y, &arena, NULL) == ERR_NONE) {
		assert(mariadb_pos_cmp(a, a) == MARIADB_EQUAL);
		assert(mariadb_pos_cmp(a, b) ==
		    reversed(mariadb_pos_cmp(b, a)));
		mariadb_pos_text(a, &text);
		assert(mariadb_pos_parse(&again, buf_text(&text), &arena,
			   NULL) == ERR_NONE);
		assert(again.n == a.n);
	}
	buf_fini(&text);
	arena_fini(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = mem_strndup((const char *)data, n);
	char *half = strchr(text, ';');

	if (half != NULL)
		*half++ = '\0';
	sets(text, half != NULL ? half : "");
	positions(text, half != NULL ? half : "");
	mem_free(text);
	return 0;
}
