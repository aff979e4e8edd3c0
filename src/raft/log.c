/* SPDX-License-Identifier: Apache-2.0 */
/* The log in memory: what lies after the snapshot, and a little before. */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "raft/core.h"

struct raft_blob *
raft_blob_new(const void *data, size_t len)
{
	struct raft_blob *b = mem_alloc(sizeof *b + len);

	b->refs = 1;
	b->len = len;
	if (len > 0)
		memcpy(b->data, data, len);
	return b;
}

struct raft_blob *
raft_blob_ref(struct raft_blob *b)
{
	if (b != NULL)
		b->refs++;
	return b;
}

void
raft_blob_unref(struct raft_blob *b)
{
	if (b == NULL)
		return;
	assert(b->refs > 0);
	if (--b->refs == 0)
		mem_free(b);
}

void
log_init(struct raft_log *l, uint64_t base, uint64_t base_term)
{
	*l = (struct raft_log){ .base = base, .base_term = base_term };
}

void
log_fini(struct raft_log *l)
{
	log_cut(l, l->base + 1);
	mem_free(l->at);
	l->at = NULL;
}

uint64_t
log_last(const struct raft_log *l)
{
	return l->base + l->n;
}

bool
log_term(const struct raft_log *l, uint64_t index, uint64_t *term)
{
	if (index < l->base || index > log_last(l))
		return false;
	*term = index == l->base ? l->base_term : log_at(l, index)->term;
	return true;
}

uint64_t
log_last_term(const struct raft_log *l)
{
	return l->n > 0 ? l->at[l->n - 1].term : l->base_term;
}

const struct raft_entry *
log_at(const struct raft_log *l, uint64_t index)
{
	assert(index > l->base && index <= log_last(l));
	return &l->at[index - l->base - 1];
}

void
log_push(struct raft_log *l, const struct raft_entry *e)
{
	assert(e->index == log_last(l) + 1);
	assert(e->term >= log_last_term(l));
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : l->cap * 2;
		l->at = mem_resize(l->at, l->cap, sizeof *l->at);
	}
	l->at[l->n] = *e;
	raft_blob_ref(e->data);
	l->n++;
}

void
log_cut(struct raft_log *l, uint64_t from)
{
	assert(from > l->base);
	while (log_last(l) >= from)
		raft_blob_unref(l->at[--l->n].data);
}

void
log_compact(struct raft_log *l, uint64_t upto)
{
	size_t gone, i;
	uint64_t term;

	if (upto <= l->base)
		return;
	assert(upto <= log_last(l));
	gone = (size_t)(upto - l->base);
	term = l->at[gone - 1].term;
	for (i = 0; i < gone; i++)
		raft_blob_unref(l->at[i].data);
	memmove(l->at, l->at + gone, (l->n - gone) * sizeof *l->at);
	l->n -= gone;
	l->base = upto;
	l->base_term = term;
}

void
log_restart(struct raft_log *l, uint64_t base, uint64_t base_term)
{
	log_cut(l, l->base + 1);
	l->base = base;
	l->base_term = base_term;
}
