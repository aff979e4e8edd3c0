/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each thread writes its own table and reads all of them.  An entry is one key
 * in one table; it points at the newest of its posts, what actors of that
 * thread put there.  Readers see an entry's key and its newest post; all other
 * links are the writer's.
 *
 * What is taken out is freed when no reader can hold it any more (ck_epoch).  A
 * reader takes its reference inside the section, where the board's own
 * reference still counts.
 */
#include "config.h"

#include "runtime/board.h"

#include <string.h>

#include "base/mem.h"
#include "runtime/board_tab.h"

char board_left;

/* ---- counted references ---- */

void
shared_init(struct shared *s, void (*free_fn)(struct shared *s))
{
	s->refs = 1;
	s->free = free_fn;
}

void *
shared_ref(const void *p)
{
	struct shared *s = (struct shared *)(uintptr_t)p;
	uint32_t was = __atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED);

	assert(was > 0 && was < UINT32_MAX);
	return s;
}

void
shared_unref(const void *p)
{
	struct shared *s = (struct shared *)(uintptr_t)p;
	uint32_t was;

	if (s == NULL)
		return;
	was = __atomic_fetch_sub(&s->refs, 1, __ATOMIC_ACQ_REL);
	assert(was > 0);
	if (was == 1)
		s->free(s);
}

/* ---- begin and end ---- */

struct board *
board_new(int homes)
{
	struct board *b = mem_zalloc(
	    sizeof *b + (size_t)homes * sizeof b->home[0]);

	ck_epoch_init(&b->epoch);
	b->homes = homes;
	for (int i = 0; i < homes; i++) {
		struct board_home *h = line_alloc(sizeof *h);

		h->board = b;
		ck_epoch_register(&b->epoch, &h->record, NULL);
		b->home[i] = h;
	}
	return b;
}

struct board_home *
board_home(struct board *b, int home)
{
	return b->home[home];
}

void
post_free(struct post *p)
{
	shared_unref(p->s);
	mem_free(p);
}

static void
entry_free_all(struct entry *e)
{
	struct post *older;

	for (struct post *p = atomic_load(&e->newest); p != NULL; p = older) {
		older = p->older;
		post_free(p);
	}
	mem_free(e);
}

void
board_free(struct board *b)
{
	for (int i = 0; i < b->homes; i++) {
		struct board_home *h = b->home[i];

		ck_epoch_reclaim(&h->record);
		for (int k = 0; k < BOARD_KINDS_MAX; k++) {
			struct entry *next, *e = atomic_load(&h->first[k]);

			for (; e != NULL; e = next) {
				next = atomic_load(&e->next);
				entry_free_all(e);
			}
		}
		if (atomic_load(&h->used))
			ck_ht_destroy(&h->table);
		mem_free(h);
	}
	mem_free(b);
}

/* ---- reading ---- */

/*
 * ck up to 0.7.2 lacks a load fence here on weakly ordered machines.  Sections
 * must not block: they would hold up what every thread has to free.
 */
static void
section_begin(struct board_home *h)
{
	ck_epoch_begin(&h->record, NULL);
	ck_pr_fence_load();
}

static void
section_end(struct board_home *h)
{
	TSAN_RELEASE(&board_left);
	ck_epoch_end(&h->record, NULL);
}

/* FNV-1a; 0 and ~0 mean something to ck_ht. */
uintptr_t
board_hash(unsigned kind, const char *key)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ kind;

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
	return (uintptr_t)h == CK_HT_KEY_EMPTY ||
		(uintptr_t)h == CK_HT_KEY_TOMBSTONE ? 1 : (uintptr_t)h;
}

/* First entry with that hash. */
struct entry *
board_first(struct board_home *h, uintptr_t hash)
{
	ck_ht_entry_t slot;
	ck_ht_hash_t hh;
	struct entry *e;

	if (!atomic_load_explicit(&h->used, memory_order_acquire))
		return NULL;
	ck_ht_hash_direct(&hh, &h->table, hash);
	ck_ht_entry_set_direct(&slot, hh, hash, 0);
	if (!ck_ht_get_spmc(&h->table, hh, &slot))
		return NULL;
	e = (struct entry *)ck_ht_entry_value_direct(&slot);
	TSAN_ACQUIRE(e);
	return e;
}

struct entry *
board_find(struct board_home *h, unsigned kind, const char *key, uintptr_t hash)
{
	struct entry *e = board_first(h, hash);

	while (e != NULL && (e->kind != kind || strcmp(e->key, key) != 0))
		e = atomic_load_explicit(&e->same, memory_order_acquire);
	return e;
}

/* The newest post of all threads, inside a section. */
static struct post *
find_newest(struct board *b, unsigned kind, const char *key, uintptr_t hash)
{
	struct post *best = NULL;

	for (int i = 0; i < b->homes; i++) {
		struct board_home *h = b->home[i];
		struct entry *e;
		struct post *p;

		/* Most threads never put anything of a kind. */
		if (atomic_load_explicit(&h->first[kind],
		    memory_order_acquire) == NULL)
			continue;
		e = board_find(h, kind, key, hash);
		p = e == NULL ? NULL :
		    atomic_load_explicit(&e->newest, memory_order_acquire);
		if (p != NULL && (best == NULL || p->number > best->number))
			best = p;
	}
	return best;
}

void *
board_get(struct ctx *ctx, unsigned kind, const char *key)
{
	struct board_home *h = ctx->board;
	struct post *p;
	void *s = NULL;

	assert(kind < BOARD_KINDS_MAX);
	section_begin(h);
	p = find_newest(h->board, kind, key, board_hash(kind, key));
	if (p != NULL)
		s = shared_ref(p->s);
	section_end(h);
	return s;
}

/* Those of one thread, without the keys of which another has a newer one. */
static void
each_of(struct board *b, struct board_home *from, unsigned kind,
    void (*fn)(void *arg, const char *key, void *s), void *arg)
{
	struct entry *e = atomic_load_explicit(&from->first[kind],
	    memory_order_acquire);

	for (; e != NULL;
	     e = atomic_load_explicit(&e->next, memory_order_acquire)) {
		struct post *p = atomic_load_explicit(&e->newest,
		    memory_order_acquire);

		if (p != NULL && find_newest(b, kind, e->key, e->hash) == p)
			fn(arg, e->key, p->s);
	}
}

void
board_each(struct ctx *ctx, unsigned kind,
    void (*fn)(void *arg, const char *key, void *s), void *arg)
{
	struct board_home *h = ctx->board;
	struct board *b = h->board;

	assert(kind < BOARD_KINDS_MAX);
	section_begin(h);
	for (int i = 0; i < b->homes; i++)
		each_of(b, b->home[i], kind, fn, arg);
	section_end(h);
}

uint64_t
board_version(struct ctx *ctx, unsigned kind)
{
	assert(kind < BOARD_KINDS_MAX);
	return atomic_load_explicit(&ctx->board->board->version[kind],
	    memory_order_acquire);
}
