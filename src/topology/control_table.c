/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted, shared, immutable tables; see control_table.h. */
#include "config.h"

#include "topology/control_table.h"

#include <assert.h>

#include "base/mem.h"

/* Rows and their text are in the arena, and go with it. */
struct chunk {
	uint32_t refs; /* atomic */
	uint32_t n;    /* 1..CHUNK_MAX */
	struct arena arena;
	const void *row[CHUNK_MAX];
};

struct table {
	uint32_t refs; /* atomic */
	size_t rows;
	size_t n;
	struct chunk *chunk[];
};

static struct chunk *
chunk_ref(struct chunk *c)
{
	__atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
	return c;
}

static void
chunk_unref(struct chunk *c)
{
	if (__atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	arena_fini(&c->arena);
	mem_free(c);
}

struct table *
table_ref(struct table *t)
{
	if (t != NULL)
		__atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
	return t;
}

void
table_unref(struct table *t)
{
	if (t == NULL || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; i < t->n; i++)
		chunk_unref(t->chunk[i]);
	mem_free(t);
}

size_t
table_count(const struct table *t)
{
	return t != NULL ? t->rows : 0;
}

/* The first chunk whose last row is not below probe; t->n when none is. */
static size_t
find_chunk(const struct table *t, const struct control_schema *s,
    const void *probe)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct chunk *c = t->chunk[mid];

		if (row_cmp(s, c->row[c->n - 1], probe, s->nkeys) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Likewise for the rows of a chunk. */
static size_t
find_row(const struct chunk *c, const struct control_schema *s,
    const void *probe)
{
	size_t lo = 0, hi = c->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (row_cmp(s, c->row[mid], probe, s->nkeys) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void
table_seek(const struct table *t, const struct control_schema *s,
    const void *probe, struct control_iter *it)
{
	*it = (struct control_iter){ .table = t, .schema = s };
	if (t == NULL || probe == NULL)
		return;
	it->chunk = find_chunk(t, s, probe);
	if (it->chunk < t->n)
		it->row = find_row(t->chunk[it->chunk], s, probe);
}

/* The row at which it stands, or NULL; does not move. */
static const void *
peek(const struct control_iter *it)
{
	const struct table *t = it->table;

	if (t == NULL || it->chunk >= t->n)
		return NULL;
	assert(it->row < t->chunk[it->chunk]->n);
	return t->chunk[it->chunk]->row[it->row];
}

static void
advance(struct control_iter *it)
{
	const struct table *t = it->table;

	if (++it->row < t->chunk[it->chunk]->n)
		return;
	it->row = 0;
	it->chunk++;
}

const void *
control_next(struct control_iter *it)
{
	const void *row = peek(it);

	if (row == NULL)
		return NULL;
	if (it->like != NULL &&
	    row_cmp(it->schema, row, it->like, 1) != 0)
		return NULL;
	advance(it);
	return row;
}

const void *
table_find(const struct table *t, const struct control_schema *s,
    const void *probe)
{
	struct control_iter it;
	const void *row;

	table_seek(t, s, probe, &it);
	row = peek(&it);
	return row != NULL && row_cmp(s, row, probe, s->nkeys) == 0 ? row : NULL;
}

/* ---- the next version ---- */

/* A table being put together. */
struct draft {
	const struct control_schema *s;
	struct table *t;
	size_t cap;	       /* chunks that fit */
	const void **pending;  /* rows on their way into new chunks */
	size_t n;
	size_t pending_cap;
};

static void
add_chunk(struct draft *d, struct chunk *c)
{
	if (d->t->n == d->cap) {
		d->cap = d->cap * 2 + 8;
		d->t = mem_resize(d->t, 1,
		    sizeof *d->t + d->cap * sizeof d->t->chunk[0]);
	}
	d->t->chunk[d->t->n++] = c;
	d->t->rows += c->n;
}

static void
add_row(struct draft *d, const void *row)
{
	if (d->n == d->pending_cap) {
		d->pending_cap = d->pending_cap * 2 + CHUNK_MAX;
		d->pending = mem_resize(d->pending, d->pending_cap,
		    sizeof *d->pending);
	}
	d->pending[d->n++] = row;
}

/* Pending rows become as few chunks as hold them, of equal size. */
static void
flush(struct draft *d)
{
	size_t chunks = (d->n + CHUNK_MAX - 1) / CHUNK_MAX, at = 0;

	for (size_t i = 0; i < chunks; i++) {
		size_t end = d->n * (i + 1) / chunks;
		struct chunk *c = mem_alloc(sizeof *c);

		assert(end > at && end - at <= CHUNK_MAX);
		c->refs = 1;
		c->n = 0;
		arena_init(&c->arena);
		for (; at < end; at++)
			c->row[c->n++] = row_copy(d->s, d->pending[at],
			    &c->arena);
		add_chunk(d, c);
	}
	d->n = 0;
}

/* Edits of a chunk: those below the first row of the one that follows. */
static size_t
edits_upto(const struct table *old, const struct control_schema *s, size_t i,
    const struct edit *edits, size_t n)
{
	size_t count = 0;

	if (i + 1 >= old->n)
		return n;
	while (count < n && row_cmp(s, edits[count].row,
	    old->chunk[i + 1]->row[0], s->nkeys) < 0)
		count++;
	return count;
}

static bool
any_dropped(const struct chunk *c, bool (*drop)(void *, const void *),
    void *arg)
{
	for (size_t i = 0; drop != NULL && i < c->n; i++) {
		if (drop(arg, c->row[i]))
			return true;
	}
	return false;
}

static void
merge_chunk(struct draft *d, const struct chunk *c, const struct edit *edits,
    size_t n, bool (*drop)(void *, const void *), void *arg)
{
	size_t row = 0, e = 0;

	while (row < c->n || e < n) {
		int cmp = row == c->n ? 1 : e == n ? -1 :
		    row_cmp(d->s, c->row[row], edits[e].row, d->s->nkeys);

		if (cmp >= 0 && !edits[e].gone)
			add_row(d, edits[e].row);
		if (cmp < 0 && (drop == NULL || !drop(arg, c->row[row])))
			add_row(d, c->row[row]);
		row += cmp <= 0;
		e += cmp >= 0;
	}
}

struct table *
table_update(const struct table *old, const struct control_schema *s,
    const struct edit *edits, size_t n, bool (*drop)(void *, const void *),
    void *arg)
{
	static const struct chunk none = { .n = 0 };
	struct draft d = { .s = s };
	size_t old_n = old != NULL ? old->n : 0;

	d.cap = old_n + 2;
	d.t = mem_alloc(sizeof *d.t + d.cap * sizeof d.t->chunk[0]);
	d.t->refs = 1;
	d.t->rows = d.t->n = 0;
	for (size_t i = 0; i < old_n; i++) {
		struct chunk *c = old->chunk[i];
		size_t mine = edits_upto(old, s, i, edits, n);

		if (d.n >= CHUNK_MIN)
			flush(&d);
		if (d.n == 0 && mine == 0 && !any_dropped(c, drop, arg))
			add_chunk(&d, chunk_ref(c));
		else
			merge_chunk(&d, c, edits, mine, drop, arg);
		n -= mine;
		if (n > 0)
			edits += mine;
	}
	merge_chunk(&d, &none, edits, n, NULL, NULL);
	flush(&d);
	mem_free(d.pending);
	if (d.t->n > 0)
		return d.t;
	table_unref(d.t);
	return NULL;
}

/* ---- what differs ---- */

static bool
skip_shared(struct control_iter *a, struct control_iter *b)
{
	const struct table *ta = a->table, *tb = b->table;

	if (a->row > 0 || b->row > 0 ||
	    ta->chunk[a->chunk] != tb->chunk[b->chunk])
		return false;
	a->chunk++;
	b->chunk++;
	return true;
}

void
table_diff(const struct table *was, const struct table *is,
    const struct control_schema *s,
    void (*fn)(void *, const void *, const void *), void *arg)
{
	struct control_iter a = { .table = was }, b = { .table = is };
	const void *x, *y;
	int cmp;

	if (was == is)
		return;
	for (;;) {
		x = peek(&a);
		y = peek(&b);
		if (x == NULL && y == NULL)
			return;
		if (x != NULL && y != NULL && skip_shared(&a, &b))
			continue;
		cmp = x == NULL ? 1 : y == NULL ? -1 :
		    row_cmp(s, x, y, s->nkeys);
		if (cmp != 0 || !row_equal(s, x, y))
			fn(arg, cmp <= 0 ? x : NULL, cmp >= 0 ? y : NULL);
		if (cmp <= 0)
			advance(&a);
		if (cmp >= 0)
			advance(&b);
	}
}
