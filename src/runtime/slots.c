/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slot table.  Looking an address up takes no lock; spawn and exit do, for
 * the list of free slots, which is used from its old end so that generations
 * wear evenly.
 */
#include "config.h"

#include "runtime/core.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void *
line_alloc(size_t n)
{
	size_t whole = (n + 63) & ~(size_t)63;
	void *p = aligned_alloc(64, whole);

	if (p == NULL)
		p = mem_alloc(SIZE_MAX); /* aborts */
	return memset(p, 0, whole);
}

void
slots_init(struct slots *s)
{
	memset(s, 0, sizeof *s);
	pthread_mutex_init(&s->lock, NULL);
}

void
slots_fini(struct slots *s)
{
	for (int i = 0; i < SLOT_CHUNKS_MAX; i++)
		mem_free(atomic_load(&s->chunk[i]));
	pthread_mutex_destroy(&s->lock);
}

/* Pairs with the release in slots_grow(). */
struct slot *
slot_get(struct slots *s, uint32_t index)
{
	struct slot *chunk;

	if (index / SLOT_CHUNK >= SLOT_CHUNKS_MAX)
		return NULL;
	chunk = atomic_load_explicit(&s->chunk[index / SLOT_CHUNK],
	    memory_order_acquire);
	return chunk != NULL ? &chunk[index % SLOT_CHUNK] : NULL;
}

static void
slots_grow(struct slots *s)
{
	struct slot *chunk;

	assert(s->used % SLOT_CHUNK == 0 &&
	    s->used / SLOT_CHUNK < SLOT_CHUNKS_MAX);
	chunk = line_alloc(SLOT_CHUNK * sizeof *chunk);
	for (uint32_t i = 0; i < SLOT_CHUNK; i++) {
		chunk[i].index = s->used + i;
		atomic_init(&chunk[i].word, word_make(1, 0, HOME_NOBODY));
	}
	atomic_store_explicit(&s->chunk[s->used / SLOT_CHUNK], chunk,
	    memory_order_release);
}

struct slot *
slot_take(struct slots *s, addr_t *addr)
{
	struct slot *slot;

	pthread_mutex_lock(&s->lock);
	if (s->free_head != 0) {
		slot = slot_get(s, s->free_head - 1);
		s->free_head = slot->next_free;
		if (s->free_head == 0)
			s->free_tail = 0;
	} else {
		if (s->used % SLOT_CHUNK == 0)
			slots_grow(s);
		slot = slot_get(s, s->used++);
	}
	pthread_mutex_unlock(&s->lock);
	addr->slot = slot->index;
	addr->gen = word_gen(
	    atomic_load_explicit(&slot->word, memory_order_relaxed));
	return slot;
}

void
slot_open(struct slots *s, struct slot *slot, uint32_t gen, uint16_t home,
    uint32_t credits)
{
	atomic_store_explicit(&slot->credit, (uint64_t)gen << 32 | credits,
	    memory_order_relaxed);
	atomic_store_explicit(&slot->word, word_make(gen, 0, home),
	    memory_order_release);
	atomic_fetch_add_explicit(&s->alive, 1, memory_order_relaxed);
}

void
slot_close(struct slots *s, struct slot *slot)
{
	uint32_t gen = word_gen(
	    atomic_load_explicit(&slot->word, memory_order_relaxed));

	if (++gen == 0)
		gen = 1;
	slot->actor = NULL;
	atomic_store_explicit(&slot->credit, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->word, word_make(gen, 0, HOME_NOBODY),
	    memory_order_release);
	atomic_fetch_sub_explicit(&s->alive, 1, memory_order_relaxed);
	pthread_mutex_lock(&s->lock);
	slot->next_free = 0;
	if (s->free_tail != 0)
		slot_get(s, s->free_tail - 1)->next_free = slot->index + 1;
	else
		s->free_head = slot->index + 1;
	s->free_tail = slot->index + 1;
	pthread_mutex_unlock(&s->lock);
}

struct slot *
slot_find(struct slots *s, addr_t a, uint64_t *word)
{
	struct slot *slot = a.gen != 0 ? slot_get(s, a.slot) : NULL;

	if (slot == NULL)
		return NULL;
	*word = atomic_load_explicit(&slot->word, memory_order_acquire);
	if (word_gen(*word) != a.gen || word_home(*word) == HOME_NOBODY)
		return NULL;
	return slot;
}

enum credit
slot_take_credit(struct slot *slot, uint32_t gen)
{
	uint64_t v = atomic_load_explicit(&slot->credit, memory_order_relaxed);

	do {
		if (word_gen(v) != gen)
			return CREDIT_DEAD;
		if ((uint32_t)v == 0)
			return CREDIT_NONE;
	} while (!atomic_compare_exchange_weak_explicit(&slot->credit, &v,
	    v - 1, memory_order_relaxed, memory_order_relaxed));
	return CREDIT_TAKEN;
}

/* By the home, while its actor lives: the generation cannot change. */
void
slot_give_credit(struct slot *slot)
{
	atomic_fetch_add_explicit(&slot->credit, 1, memory_order_relaxed);
}
