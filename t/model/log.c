/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs as runs of transactions.
 */
#include "config.h"

#include "model/log.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

/* A file that is longer than that is followed by another one. */
#define FILE_BYTES_MAX (UINT64_C(1) << 30)

static void
add_file(struct model_log *l, uint32_t number)
{
	if (l->files == l->files_cap) {
		l->files_cap = l->files_cap > 0 ? l->files_cap * 2 : 2;
		l->file = mem_resize(l->file, l->files_cap, sizeof *l->file);
	}
	l->file[l->files++] = (struct model_file){ number, l->next, l->header };
}

void
model_log_begin(struct model_log *l, uint32_t number, uint64_t header)
{
	l->n = l->files = 0;
	l->header = header;
	add_file(l, number);
}

void
model_log_free(struct model_log *l)
{
	mem_free(l->run);
	mem_free(l->file);
	*l = (struct model_log){ 0 };
}

void
model_log_rotate(struct model_log *l)
{
	add_file(l, l->file[l->files - 1].number + 1);
}

static bool
same_trx(const struct model_trx *a, const struct model_trx *b)
{
	return a->kind == b->kind && a->origin == b->origin &&
	    a->row == b->row && a->uuid == b->uuid && a->gno == b->gno &&
	    a->domain == b->domain && a->seq == b->seq &&
	    a->server_id == b->server_id && a->text == b->text;
}

/* Does r count on where the last run ends? */
static bool
goes_on(const struct model_log *l, const struct model_run *r)
{
	const struct model_run *last;
	struct model_trx next;

	if (l->n == 0 || r->first.kind == MODEL_MARKER)
		return false;
	last = &l->run[l->n - 1];
	if (last->file != r->file || last->size != r->size)
		return false;
	next = model_trx_later(last->first, last->n);
	return same_trx(&next, &r->first) &&
	    last->source_file == r->source_file &&
	    last->source_size == r->source_size &&
	    last->source_end + last->n * last->source_size == r->source_end;
}

static void
add_run(struct model_log *l, const struct model_run *r)
{
	if (goes_on(l, r)) {
		l->run[l->n - 1].n += r->n;
		return;
	}
	if (l->n == l->cap) {
		l->cap = l->cap > 0 ? l->cap * 2 : 4;
		l->run = mem_resize(l->run, l->cap, sizeof *l->run);
	}
	l->run[l->n++] = *r;
}

void
model_log_add(struct model_log *l, const struct model_trx *t, uint64_t n,
    uint32_t size, const struct model_run *from)
{
	uint64_t room, part;

	for (uint64_t done = 0; done < n; done += part) {
		struct model_file *f = &l->file[l->files - 1];
		struct model_run r = { model_trx_later(*t, done), 0, l->next,
			f->number, f->end, size, 0, 0, 0 };

		room = f->end < FILE_BYTES_MAX ?
		    (FILE_BYTES_MAX - f->end + size - 1) / size : 0;
		part = n - done < room ? n - done : room;
		if (from != NULL) {
			r.source_file = from->file;
			r.source_size = from->size;
			r.source_end = from->pos + (done + 1) * from->size;
		}
		r.n = part;
		if (part > 0)
			add_run(l, &r);
		f->end += part * size;
		l->next += part;
		if (f->end >= FILE_BYTES_MAX)
			model_log_rotate(l);
	}
}

uint64_t
model_log_oldest(const struct model_log *l)
{
	return l->file[0].first;
}

void
model_log_purge(struct model_log *l, uint32_t number)
{
	uint32_t gone = 0, runs = 0;

	while (gone + 1 < l->files && l->file[gone].number < number)
		gone++;
	l->files -= gone;
	memmove(l->file, l->file + gone, l->files * sizeof *l->file);
	while (runs < l->n && l->run[runs].ordinal < l->file[0].first)
		runs++;
	l->n -= runs;
	if (l->n > 0)
		memmove(l->run, l->run + runs, l->n * sizeof *l->run);
}

void
model_log_cut(struct model_log *l, uint64_t ordinal)
{
	struct model_run *r;

	assert(ordinal >= l->file[0].first);
	while (l->n > 0 && l->run[l->n - 1].ordinal + l->run[l->n - 1].n >
	    ordinal) {
		r = &l->run[l->n - 1];
		if (r->ordinal < ordinal)
			r->n = ordinal - r->ordinal;
		else
			l->n--;
	}
	l->next = ordinal;
	for (uint32_t i = 0; i < l->files; i++)
		if (l->file[i].first > ordinal)
			l->file[i].first = ordinal;
	/* Files keep their numbers; the bytes of what is lost are gone. */
	for (uint32_t i = 0; i < l->files; i++) {
		l->file[i].end = l->header;
		for (uint32_t k = 0; k < l->n; k++)
			if (l->run[k].file == l->file[i].number)
				l->file[i].end = l->run[k].pos +
				    l->run[k].n * l->run[k].size;
	}
}

/* The run that holds an ordinal; NULL: none. */
static const struct model_run *
run_of(const struct model_log *l, uint64_t ordinal)
{
	uint32_t lo = 0, hi = l->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (l->run[mid].ordinal + l->run[mid].n <= ordinal)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->n && l->run[lo].ordinal <= ordinal ? &l->run[lo] : NULL;
}

bool
model_log_get(const struct model_log *l, uint64_t ordinal, uint64_t n,
    struct model_run *out)
{
	const struct model_run *r = run_of(l, ordinal);
	uint64_t skip;

	if (r == NULL || n == 0)
		return false;
	skip = ordinal - r->ordinal;
	*out = *r;
	out->first = model_trx_later(r->first, skip);
	out->ordinal = ordinal;
	out->pos += skip * r->size;
	out->source_end += skip * r->source_size;
	out->n = r->n - skip < n ? r->n - skip : n;
	return true;
}

struct model_place
model_log_end(const struct model_log *l)
{
	const struct model_file *f = &l->file[l->files - 1];

	return (struct model_place){ f->number, f->end };
}

struct model_place
model_log_place(const struct model_log *l, uint64_t ordinal)
{
	struct model_run r;

	if (model_log_get(l, ordinal, 1, &r))
		return (struct model_place){ r.file, r.pos };
	return model_log_end(l);
}

bool
model_log_find(const struct model_log *l, struct model_place at,
    uint64_t *ordinal)
{
	const struct model_file *f = NULL;
	uint64_t end;

	for (uint32_t i = 0; i < l->files; i++)
		if (l->file[i].number == at.file)
			f = &l->file[i];
	if (f == NULL || at.pos > f->end)
		return false;
	end = f == &l->file[l->files - 1] ? l->next : f[1].first;
	if (at.pos <= l->header || at.pos == f->end) {
		*ordinal = at.pos <= l->header ? f->first : end;
		return true;
	}
	for (uint32_t i = 0; i < l->n; i++) {
		const struct model_run *r = &l->run[i];

		if (r->file != at.file || at.pos < r->pos ||
		    at.pos >= r->pos + r->n * r->size)
			continue;
		*ordinal = r->ordinal + (at.pos - r->pos) / r->size;
		return (at.pos - r->pos) % r->size == 0;
	}
	return false;
}
