/* SPDX-License-Identifier: Apache-2.0 */
/* Connections on their way between threads; see handles.h. */
#include "config.h"

#include "mysql/handles.h"

#include <assert.h>
#include <mysql.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "mysql/connect.h"

/* ---- connections on their way ---- */

enum { FREE, FILLING, FULL, TAKING, STATE_MASK = 3, STATE_BITS = 2 };
enum { SLOT_BITS = 10, SLOT_MASK = HANDLES_MAX - 1 };
static_assert(1 << SLOT_BITS == HANDLES_MAX, "a slot's number fits its bits");

/* Generations wrap; 0 is never used, so that no handle is 0. */
enum { GENERATION_MASK = (1 << (32 - SLOT_BITS)) - 1 };

static struct slot {
	_Atomic uint32_t word; /* generation << STATE_BITS | state */
	MYSQL *m;	       /* valid while FULL */
} slots[HANDLES_MAX];

static uint32_t
next_generation(uint32_t generation)
{
	generation = (generation + 1) & GENERATION_MASK;
	return generation != 0 ? generation : 1;
}

uint32_t
handle_put(struct st_mysql *m)
{
	for (uint32_t i = 0; i < HANDLES_MAX; i++) {
		struct slot *s = &slots[i];
		uint32_t word = atomic_load_explicit(&s->word,
		    memory_order_relaxed);
		uint32_t generation = next_generation(word >> STATE_BITS);

		/* Acquire: what the last taker did comes before our filling. */
		if ((word & STATE_MASK) != FREE ||
		    !atomic_compare_exchange_strong_explicit(&s->word, &word,
			word | FILLING, memory_order_acquire,
			memory_order_relaxed))
			continue;
		s->m = m;
		/* Release: pairs with the acquire in take(). */
		atomic_store_explicit(&s->word,
		    generation << STATE_BITS | FULL, memory_order_release);
		return generation << SLOT_BITS | i;
	}
	return 0;
}

/* Empties a slot that is full in the state "word". */
static MYSQL *
take(struct slot *s, uint32_t word)
{
	uint32_t generation = word >> STATE_BITS;
	MYSQL *m;

	assert((word & STATE_MASK) == FULL);
	if (!atomic_compare_exchange_strong_explicit(&s->word, &word,
		generation << STATE_BITS | TAKING, memory_order_acquire,
		memory_order_relaxed))
		return NULL;
	m = s->m;
	s->m = NULL;
	/* Release: pairs with the acquire in handle_put(). */
	atomic_store_explicit(&s->word, generation << STATE_BITS | FREE,
	    memory_order_release);
	return m;
}

struct st_mysql *
handle_claim(uint32_t handle)
{
	uint32_t generation = handle >> SLOT_BITS;

	if (generation == 0)
		return NULL;
	return take(&slots[handle & SLOT_MASK],
	    generation << STATE_BITS | FULL);
}

void
handles_close(void)
{
	for (uint32_t i = 0; i < HANDLES_MAX; i++) {
		uint32_t word = atomic_load_explicit(&slots[i].word,
		    memory_order_relaxed);
		MYSQL *m = NULL;

		if ((word & STATE_MASK) == FULL)
			m = take(&slots[i], word);
		if (m != NULL)
			mysql_close(m);
	}
}

/* ---- attempts under way ---- */

/*
 * One word for each place: 0 when nothing is watched, else number << 32 |
 * descriptor << 1 | 1; BUSY while watch_shutdown() uses the descriptor.
 */
static _Atomic uint64_t watches[CONNECT_PLACES];
static _Atomic bool stopped;
#define BUSY UINT64_MAX

bool
watch_begin(unsigned place, uint32_t number, int fd)
{
	assert(place < CONNECT_PLACES && fd >= 0);
	/*
	 * Both in one total order with the store and the loads of
	 * watch_stop(): either it finds the descriptor, or we see the flag.
	 */
	atomic_store(&watches[place],
	    (uint64_t)number << 32 | (uint64_t)fd << 1 | 1);
	return !atomic_load(&stopped);
}

void
watch_end(unsigned place)
{
	uint64_t word;

	assert(place < CONNECT_PLACES);
	word = atomic_load_explicit(&watches[place], memory_order_relaxed);
	/* Acquire: pairs with the release at the end of break_off(). */
	while (word != 0) {
		if (word == BUSY)
			sched_yield();
		else if (atomic_compare_exchange_weak_explicit(&watches[place],
			     &word, 0, memory_order_acquire,
			     memory_order_relaxed))
			return;
		word = atomic_load_explicit(&watches[place],
		    memory_order_acquire);
	}
}

static void
break_off(unsigned place, uint64_t word)
{
	if (!atomic_compare_exchange_strong_explicit(&watches[place], &word,
		BUSY, memory_order_acquire, memory_order_relaxed))
		return;
	shutdown((int)((word & UINT32_MAX) >> 1), SHUT_RDWR);
	/* Release: the descriptor may be closed after this. */
	atomic_store_explicit(&watches[place], 0, memory_order_release);
}

void
watch_shutdown(unsigned place, uint32_t number)
{
	uint64_t word;

	assert(place < CONNECT_PLACES);
	/* Acquire: pairs with the store in watch_begin(). */
	word = atomic_load_explicit(&watches[place], memory_order_acquire);
	if (word != 0 && word != BUSY && word >> 32 == number)
		break_off(place, word);
}

void
watch_stop(void)
{
	atomic_store(&stopped, true);
	for (unsigned i = 0; i < CONNECT_PLACES; i++) {
		uint64_t word = atomic_load(&watches[i]);

		if (word != 0 && word != BUSY)
			break_off(i, word);
	}
}
