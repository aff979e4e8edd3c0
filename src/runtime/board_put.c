/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the board: each thread its own table.  What is taken out is freed
 * when no reader can hold it any more.
 */
#include "config.h"

#include "runtime/board.h"

#include <string.h>

#include "base/mem.h"
#include "runtime/board_tab.h"

/* ---- memory of ck_ht's maps ---- */

struct map_head {
	_Alignas(16) ck_epoch_entry_t epoch;
};

/* Who writes: ck_ht's free callback has no argument for it. */
static _Thread_local struct board_home *writer;

static void
map_reclaim(ck_epoch_entry_t *e)
{
	mem_free(e);
}

static void *
map_alloc(size_t n)
{
	return (struct map_head *)mem_alloc(sizeof(struct map_head) + n) + 1;
}

static void
map_free(void *p, size_t n, bool defer)
{
	struct map_head *h = (struct map_head *)p - 1;

	(void)n;
	if (!defer) {
		mem_free(h);
		return;
	}
	assert(writer != NULL);
	ck_epoch_call(&writer->record, &h->epoch, map_reclaim);
}

static struct ck_malloc map_memory = {
	.malloc = map_alloc,
	.free = map_free,
};

/* ---- the table ---- */

static void
changed(struct board *b, unsigned kind)
{
	atomic_fetch_add_explicit(&b->version[kind], 1, memory_order_release);
}

static void
table_set(struct board_home *h, struct entry *e, uintptr_t hash)
{
	ck_ht_entry_t slot;
	ck_ht_hash_t hh;
	bool good;

	TSAN_RELEASE(e);
	ck_ht_hash_direct(&hh, &h->table, hash);
	ck_ht_entry_set_direct(&slot, hh, hash, (uintptr_t)e);
	good = ck_ht_set_spmc(&h->table, hh, &slot);
	assert(good);
}

static void
table_remove(struct board_home *h, uintptr_t hash)
{
	ck_ht_entry_t slot;
	ck_ht_hash_t hh;
	bool good;

	ck_ht_hash_direct(&hh, &h->table, hash);
	ck_ht_entry_set_direct(&slot, hh, hash, 0);
	good = ck_ht_remove_spmc(&h->table, hh, &slot);
	assert(good);
}

static void
table_open(struct board_home *h)
{
	bool good;

	if (atomic_load_explicit(&h->used, memory_order_relaxed))
		return;
	good = ck_ht_init(&h->table, CK_HT_MODE_DIRECT | CK_HT_WORKLOAD_DELETE,
	    NULL, &map_memory, 64, 1);
	assert(good);
	atomic_store_explicit(&h->used, true, memory_order_release);
}

/* Into the kind's list and the table; its post is there already. */
static void
entry_link(struct board_home *h, struct entry *e)
{
	struct entry *first = atomic_load_explicit(&h->first[e->kind],
	    memory_order_relaxed);

	atomic_init(&e->same, board_first(h, e->hash));
	table_set(h, e, e->hash);
	atomic_init(&e->next, first);
	if (first != NULL)
		first->prev = e;
	atomic_store_explicit(&h->first[e->kind], e, memory_order_release);
}

/* Readers that stand on it find their way on. */
static void
entry_unlink(struct board_home *h, struct entry *e)
{
	struct entry *next = atomic_load_explicit(&e->next,
	    memory_order_relaxed);
	struct entry *same = atomic_load_explicit(&e->same,
	    memory_order_relaxed);
	struct entry *at = board_first(h, e->hash);

	atomic_store_explicit(
	    e->prev != NULL ? &e->prev->next : &h->first[e->kind], next,
	    memory_order_release);
	if (next != NULL)
		next->prev = e->prev;
	if (at == e && same == NULL) {
		table_remove(h, e->hash);
	} else if (at == e) {
		table_set(h, same, e->hash);
	} else {
		while (atomic_load_explicit(&at->same,
			   memory_order_relaxed) != e)
			at = atomic_load_explicit(&at->same,
			    memory_order_relaxed);
		atomic_store_explicit(&at->same, same, memory_order_release);
	}
}

CK_EPOCH_CONTAINER(struct post, epoch, post_of)
CK_EPOCH_CONTAINER(struct entry, epoch, entry_of)

static void
post_reclaim(ck_epoch_entry_t *e)
{
	struct post *p = post_of(e);

	TSAN_ACQUIRE(&board_left);
	post_free(p);
}

static void
entry_reclaim(ck_epoch_entry_t *e)
{
	TSAN_ACQUIRE(&board_left);
	mem_free(entry_of(e));
}

static struct post *
own_post(const struct entry *e, addr_t owner)
{
	struct post *p = atomic_load_explicit(&e->newest,
	    memory_order_relaxed);

	while (p != NULL && !addr_eq(p->owner, owner))
		p = p->older;
	return p;
}

/* Out of its entry, of the table when it was the last one there. */
static void
post_unlink(struct board_home *h, struct post *p)
{
	struct entry *e = p->entry;
	struct post *at = atomic_load_explicit(&e->newest,
	    memory_order_relaxed);

	if (at == p) {
		atomic_store_explicit(&e->newest, p->older,
		    memory_order_release);
	} else {
		while (at->older != p)
			at = at->older;
		at->older = p->older;
	}
	if (atomic_load_explicit(&e->newest, memory_order_relaxed) == NULL) {
		entry_unlink(h, e);
		ck_epoch_call(&h->record, &e->epoch, entry_reclaim);
	}
	ck_epoch_call(&h->record, &p->epoch, post_reclaim);
}

static void
leave_actor(struct post *p)
{
	*p->aprev = p->anext;
	if (p->anext != NULL)
		p->anext->aprev = p->aprev;
}

static void
join_actor(struct actor *a, struct post *p)
{
	p->anext = a->posts;
	p->aprev = &a->posts;
	if (a->posts != NULL)
		a->posts->aprev = &p->anext;
	a->posts = p;
}

static struct entry *
entry_new(unsigned kind, const char *key, uintptr_t hash)
{
	size_t n = strlen(key) + 1;
	struct entry *e = mem_zalloc(sizeof *e + n);

	e->kind = kind;
	e->hash = hash;
	memcpy(e->key, key, n);
	return e;
}

static void
put(struct board_home *h, struct actor *a, unsigned kind, const char *key,
    struct shared *s)
{
	uintptr_t hash = board_hash(kind, key);
	struct post *p = mem_zalloc(sizeof *p), *old;
	struct entry *e;
	bool fresh;

	writer = h;
	table_open(h);
	e = board_find(h, kind, key, hash);
	fresh = e == NULL;
	if (fresh)
		e = entry_new(kind, key, hash);
	old = own_post(e, a->self);
	p->entry = e;
	p->owner = a->self;
	p->s = s;
	p->older = atomic_load_explicit(&e->newest, memory_order_relaxed);
	p->number = atomic_fetch_add(&h->board->number, 1);
	atomic_store_explicit(&e->newest, p, memory_order_release);
	join_actor(a, p);
	if (fresh)
		entry_link(h, e);
	if (old != NULL) {
		leave_actor(old);
		post_unlink(h, old);
	}
}

void
board_put(struct ctx *ctx, unsigned kind, const char *key, void *s)
{
	assert(kind < BOARD_KINDS_MAX && ctx->self != NULL && s != NULL);
	put(ctx->board, ctx->self, kind, key, s);
	changed(ctx->board->board, kind);
	board_reclaim(ctx);
}

void
board_remove(struct ctx *ctx, unsigned kind, const char *key)
{
	struct board_home *h = ctx->board;
	struct entry *e;
	struct post *p;

	assert(kind < BOARD_KINDS_MAX && ctx->self != NULL);
	e = board_find(h, kind, key, board_hash(kind, key));
	p = e != NULL ? own_post(e, ctx->self->self) : NULL;
	if (p == NULL)
		return;
	writer = h;
	leave_actor(p);
	post_unlink(h, p);
	changed(h->board, kind);
	board_reclaim(ctx);
}

void
board_forget(struct ctx *ctx, struct actor *a)
{
	if (a->posts == NULL)
		return;
	writer = ctx->board;
	while (a->posts != NULL) {
		struct post *p = a->posts;
		unsigned kind = p->entry->kind;

		leave_actor(p);
		post_unlink(ctx->board, p);
		changed(ctx->board->board, kind);
	}
	board_reclaim(ctx);
}

/* Nothing changes for readers: no new version. */
struct post *
board_join(struct ctx *ctx, struct actor *a)
{
	struct post *old = a->posts;

	a->posts = NULL;
	for (struct post *p = old; p != NULL; p = p->anext)
		put(ctx->board, a, p->entry->kind, p->entry->key,
		    shared_ref(p->s));
	return old;
}

void
board_drop(struct ctx *ctx, struct post *posts)
{
	struct post *next;

	writer = ctx->board;
	for (; posts != NULL; posts = next) {
		next = posts->anext;
		post_unlink(ctx->board, posts);
	}
	board_reclaim(ctx);
}

/*
 * On weakly ordered machines ck_epoch_poll() of every release up to 0.7.2 may
 * free too early; the barrier waits for the sections of others, which are
 * short.
 */
void
board_reclaim(struct ctx *ctx)
{
	struct board_home *h = ctx->board;

	if (h->record.n_pending == 0)
		return;
	writer = h;
#if defined(__x86_64__) || defined(__i386__)
	ck_epoch_poll(&h->record);
#else
	ck_epoch_barrier(&h->record);
#endif
}
