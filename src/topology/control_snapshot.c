/* SPDX-License-Identifier: Apache-2.0 */
/* A whole state: as bytes, from rows, against another one. */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "topology/control_table.h"

enum { SNAPSHOT_VERSION = 1 };

void
control_pack(struct buf *b, const struct control *c)
{
	struct control_iter it;
	const void *row;

	pack_array(b, 1 + CONTROL_TABLES);
	pack_uint(b, SNAPSHOT_VERSION);
	for (unsigned i = 0; i < CONTROL_TABLES; i++) {
		enum control_table t = (enum control_table)i;
		const struct control_schema *s = control_schema(t);

		pack_array(b, 1 + control_count(c, t));
		pack_cstr(b, s->name);
		control_each(c, t, &it);
		while ((row = control_next(&it)) != NULL) {
			pack_array(b, s->n);
			row_pack(b, s, row);
		}
	}
}

/* ---- from rows ---- */

struct heap {
	struct edit *at; /* .gone is not used */
	size_t n;
	size_t cap;
};

struct control_build {
	struct arena arena;
	struct heap heap[CONTROL_TABLES];
};

struct control_build *
control_build_begin(void)
{
	return mem_zalloc(sizeof(struct control_build));
}

enum err_code
control_build_row(struct control_build *b, enum control_table table,
    const void *row, struct err *err)
{
	const struct control_schema *s = control_schema(table);
	struct heap *h = &b->heap[table];
	enum err_code code = row_check(s, row, err);

	if (code != ERR_NONE)
		return code;
	if (h->n >= CONTROL_ROWS_MAX)
		return err_set(err, ERR_BUSY, "more than %d %s rows",
		    CONTROL_ROWS_MAX, s->name);
	if (h->n == h->cap) {
		h->cap = h->cap * 2 + 64;
		h->at = mem_resize(h->at, h->cap, sizeof *h->at);
	}
	h->at[h->n++] = (struct edit){ row_copy(s, row, &b->arena), false };
	return ERR_NONE;
}

/* Merge sort, since equal rows must keep their order. */
static void
sort(const struct control_schema *s, struct edit *at, struct edit *tmp,
    size_t n)
{
	size_t half = n / 2, i = 0, j = half, k = 0;

	if (n < 2)
		return;
	sort(s, at, tmp, half);
	sort(s, at + half, tmp, n - half);
	while (i < half && j < n)
		tmp[k++] = row_cmp(s, at[i].row, at[j].row, s->nkeys) <= 0 ?
		    at[i++] : at[j++];
	while (i < half)
		tmp[k++] = at[i++];
	memcpy(at, tmp, k * sizeof *at);
}

/* Of several with one key the last stays. */
static size_t
unique(const struct control_schema *s, struct edit *at, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n &&
		    row_cmp(s, at[i].row, at[i + 1].row, s->nkeys) == 0)
			continue;
		at[kept++] = at[i];
	}
	return kept;
}

struct control *
control_build_end(struct control_build *b)
{
	struct control *c = control_new();

	for (unsigned i = 0; i < CONTROL_TABLES; i++) {
		const struct control_schema *s =
		    control_schema((enum control_table)i);
		struct heap *h = &b->heap[i];
		struct edit *tmp;

		if (h->n == 0)
			continue;
		tmp = mem_resize(NULL, h->n, sizeof *tmp);
		sort(s, h->at, tmp, h->n);
		mem_free(tmp);
		h->n = unique(s, h->at, h->n);
		c->table[i] = table_update(NULL, s, h->at, h->n, NULL, NULL);
		mem_free(h->at);
	}
	arena_fini(&b->arena);
	mem_free(b);
	return c;
}

/* ---- from bytes ---- */

/* Room for a row of any table. */
union any_row {
#define TABLE(name, nkeys, cols) struct control_##name name;
#include "topology/control.def"
#undef TABLE
};

static enum control_table
table_named(const char *name)
{
	unsigned i = 0;

	while (i < CONTROL_TABLES && (name == NULL ||
	    strcmp(name, control_schema((enum control_table)i)->name) != 0))
		i++;
	return (enum control_table)i;
}

static enum err_code
read_row(struct pcur *c, enum control_table t, struct control_build *b,
    struct err *err)
{
	const struct control_schema *s = control_schema(t);
	union any_row row;

	assert(s->size <= sizeof row);
	row_init(s, &row);
	row_unpack(c, s, pcur_array(c), &row, &b->arena);
	if (!pcur_ok(c))
		return err_set(err, ERR_MALFORMED, "a %s row is malformed",
		    s->name);
	return control_build_row(b, t, &row, err);
}

static enum err_code
read_table(struct pcur *c, struct control_build *b, struct err *err)
{
	size_t n = pcur_array(c);
	enum control_table t = table_named(pcur_cstr(c));
	enum err_code code = ERR_NONE;

	if (n == 0 || !pcur_ok(c))
		return err_set(err, ERR_MALFORMED, "a table is malformed");
	while (--n > 0 && code == ERR_NONE) {
		if (t < CONTROL_TABLES)
			code = read_row(c, t, b, err);
		else
			pcur_skip(c);
	}
	return code;
}

struct control *
control_unpack(struct bin snapshot, struct err *err)
{
	struct control_build *b = control_build_begin();
	enum err_code code = ERR_NONE;
	struct control *control;
	struct pcur c;
	size_t n;

	pcur_init(&c, snapshot.data, snapshot.len);
	n = pcur_array(&c);
	if (n == 0 || pcur_uint(&c) != SNAPSHOT_VERSION)
		code = err_set(err, ERR_MALFORMED,
		    "not a snapshot of the control state");
	while (code == ERR_NONE && --n > 0)
		code = read_table(&c, b, err);
	if (code == ERR_NONE && !pcur_done(&c))
		code = err_set(err, ERR_MALFORMED, "the snapshot is cut short");
	control = control_build_end(b);
	if (code == ERR_NONE)
		return control;
	control_unref(control);
	return NULL;
}

/* ---- against another ---- */

struct diff {
	enum control_table table;
	void (*fn)(void *, enum control_table, const void *, const void *);
	void *arg;
};

static void
differs(void *arg, const void *was_row, const void *is_row)
{
	const struct diff *d = arg;

	d->fn(d->arg, d->table, was_row, is_row);
}

void
control_diff(const struct control *was, const struct control *is,
    void (*fn)(void *, enum control_table, const void *, const void *),
    void *arg)
{
	for (unsigned i = 0; i < CONTROL_TABLES; i++) {
		struct diff d = { (enum control_table)i, fn, arg };

		table_diff(was->table[i], is->table[i],
		    control_schema(d.table), differs, &d);
	}
}
