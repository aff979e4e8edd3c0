/* SPDX-License-Identifier: Apache-2.0 */
/* A hierarchical timer wheel; see wheel.h. */
#include "config.h"

#include "runtime/wheel.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

enum { LEVEL_BITS = 6, LEVEL_MASK = WHEEL_SLOTS - 1 };

void
timers_init(struct timers *t)
{
	memset(t, 0, sizeof *t);
	pthread_mutex_init(&t->lock, NULL);
}

void
timers_fini(struct timers *t)
{
	for (uint32_t i = 0; i < t->used; i++)
		mem_free(atomic_load(&t->chunk[i]));
	pthread_mutex_destroy(&t->lock);
}

/* Pairs with the release in wheel_grow(). */
struct timer *
timers_get(struct timers *t, uint32_t index)
{
	struct timer *chunk;

	assert(index / TIMER_CHUNK < TIMER_CHUNKS_MAX);
	chunk = atomic_load_explicit(&t->chunk[index / TIMER_CHUNK],
	    memory_order_acquire);
	assert(chunk != NULL);
	return &chunk[index % TIMER_CHUNK];
}

/* A chunk of new entries for this wheel.  Index 0 is never given out. */
static void
wheel_grow(struct wheel *w)
{
	struct timer *chunk = mem_zalloc(TIMER_CHUNK * sizeof *chunk);
	uint32_t base;

	pthread_mutex_lock(&w->table->lock);
	assert(w->table->used < TIMER_CHUNKS_MAX);
	base = w->table->used * TIMER_CHUNK;
	atomic_store_explicit(&w->table->chunk[w->table->used++], chunk,
	    memory_order_release);
	pthread_mutex_unlock(&w->table->lock);
	for (uint32_t i = TIMER_CHUNK; i-- > 0;) {
		if (base + i == 0)
			continue;
		chunk[i].gen = 1;
		chunk[i].next = w->free_head;
		w->free_head = base + i;
	}
}

void
wheel_init(struct wheel *w, struct timers *table, int64_t now_ms)
{
	memset(w, 0, sizeof *w);
	w->table = table;
	w->now_ms = now_ms;
}

uint32_t
wheel_take(struct wheel *w)
{
	struct timer *e;
	uint32_t index;

	if (w->free_head == 0)
		wheel_grow(w);
	index = w->free_head;
	e = timers_get(w->table, index);
	assert(e->state == TIMER_FREE);
	w->free_head = e->next;
	e->next = e->prev = e->anext = e->aprev = 0;
	e->cell = NULL;
	e->state = TIMER_HELD;
	return index;
}

void
wheel_give(struct wheel *w, uint32_t index)
{
	struct timer *e = timers_get(w->table, index);

	assert(e->state == TIMER_HELD);
	if (++e->gen == 0)
		e->gen = 1;
	e->state = TIMER_FREE;
	e->owner = NULL;
	e->next = w->free_head;
	w->free_head = index;
}

/* The level is where due and now differ first, seen from above. */
static unsigned
level_of(const struct wheel *w, int64_t due_ms)
{
	uint64_t differ = (uint64_t)due_ms ^ (uint64_t)w->now_ms;
	unsigned level = (63u - (unsigned)__builtin_clzll(differ)) / LEVEL_BITS;

	assert(level < WHEEL_LEVELS);
	return level;
}

static void
slot_append(struct wheel *w, uint32_t index, unsigned level)
{
	struct timer *e = timers_get(w->table, index);
	unsigned s = (unsigned)(e->due_ms >> (level * LEVEL_BITS)) & LEVEL_MASK;

	e->state = TIMER_IN_SLOT;
	e->level = (uint8_t)level;
	e->next = 0;
	e->prev = w->slot[level][s].tail;
	if (e->prev != 0)
		timers_get(w->table, e->prev)->next = index;
	else
		w->slot[level][s].head = index;
	w->slot[level][s].tail = index;
	w->pending[level] |= UINT64_C(1) << s;
}

void
wheel_insert(struct wheel *w, uint32_t index, int64_t due_ms)
{
	struct timer *e = timers_get(w->table, index);
	int64_t farthest = w->now_ms |
	    ((INT64_C(1) << (WHEEL_LEVELS * LEVEL_BITS)) - 1);

	assert(e->state == TIMER_HELD);
	if (due_ms <= w->now_ms)
		due_ms = w->now_ms + 1;
	if (due_ms > farthest)
		due_ms = farthest;
	e->due_ms = due_ms;
	slot_append(w, index, level_of(w, due_ms));
}

void
wheel_remove(struct wheel *w, uint32_t index)
{
	struct timer *e = timers_get(w->table, index);
	unsigned level = e->level;
	unsigned s = (unsigned)(e->due_ms >> (level * LEVEL_BITS)) & LEVEL_MASK;

	assert(e->state == TIMER_IN_SLOT);
	if (e->prev != 0)
		timers_get(w->table, e->prev)->next = e->next;
	else
		w->slot[level][s].head = e->next;
	if (e->next != 0)
		timers_get(w->table, e->next)->prev = e->prev;
	else
		w->slot[level][s].tail = e->prev;
	if (w->slot[level][s].head == 0)
		w->pending[level] &= ~(UINT64_C(1) << s);
	e->next = e->prev = 0;
	e->state = TIMER_HELD;
}

/*
 * What is pending at a level lies before the next slot of the level above, so
 * the lowest level that has anything has the next.
 */
int64_t
wheel_next(const struct wheel *w)
{
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		unsigned shift = level * LEVEL_BITS;
		uint64_t window;

		if (w->pending[level] == 0)
			continue;
		window = (uint64_t)w->now_ms >> shift >> LEVEL_BITS;
		window = window << LEVEL_BITS |
		    (unsigned)__builtin_ctzll(w->pending[level]);
		return (int64_t)(window << shift);
	}
	return INT64_MAX;
}

/*
 * The clock stands at the start of a slot: expire or move down what is in it.
 */
static void
open_slot(struct wheel *w, void (*fn)(void *arg, uint32_t index), void *arg)
{
	unsigned level = 0, s;
	uint32_t index, next;

	while (w->pending[level] == 0)
		level++;
	s = (unsigned)__builtin_ctzll(w->pending[level]);
	index = w->slot[level][s].head;
	w->slot[level][s].head = w->slot[level][s].tail = 0;
	w->pending[level] &= ~(UINT64_C(1) << s);
	for (; index != 0; index = next) {
		struct timer *e = timers_get(w->table, index);

		next = e->next;
		if (e->due_ms > w->now_ms) {
			slot_append(w, index, level_of(w, e->due_ms));
			continue;
		}
		e->next = e->prev = 0;
		e->state = TIMER_HELD;
		fn(arg, index);
	}
}

void
wheel_advance(struct wheel *w, int64_t now_ms,
    void (*fn)(void *arg, uint32_t index), void *arg)
{
	int64_t at;

	while ((at = wheel_next(w)) <= now_ms) {
		assert(at > w->now_ms);
		w->now_ms = at;
		open_slot(w, fn, arg);
	}
	if (now_ms > w->now_ms)
		w->now_ms = now_ms;
}
