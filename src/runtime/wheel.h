/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers: a hierarchical wheel per thread, 8 levels of 64 slots, a tick of one
 * millisecond.  Insert, cancel and expiry are O(1); a timer that is far away is
 * moved down at most 7 times before it is due.  A pending timer takes 48 bytes,
 * an empty wheel 4 KB.  Timers of the same millisecond come in the order in
 * which they were set.
 *
 * The entries live in one table for all threads, so that a reference stays good
 * when its actor moves to another thread; each entry is touched by the thread
 * of its actor only.
 */
#ifndef ORC_RUNTIME_WHEEL_H
#define ORC_RUNTIME_WHEEL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	WHEEL_LEVELS = 8,
	WHEEL_SLOTS = 64,
	TIMER_CHUNK = 1024,
	TIMER_CHUNKS_MAX = 16384, /* 16 million timers */
};

enum timer_state {
	TIMER_FREE = 0,
	TIMER_HELD,   /* taken, in no wheel: expired or its actor is moving */
	TIMER_IN_SLOT,
};

/* Links are indices into the table; 0 ends a list. */
struct timer {
	uint32_t next, prev;   /* in the slot, or the free list */
	uint32_t anext, aprev; /* all of one actor; kept by actor code */
	int64_t due_ms;
	void *owner; /* the actor */
	void *cell;  /* its message, once expired */
	uint32_t gen; /* of the reference; never 0 */
	uint16_t type;
	uint8_t state;
	uint8_t level; /* of its slot */
};

/* The table. */
struct timers {
	_Atomic(struct timer *) chunk[TIMER_CHUNKS_MAX];
	pthread_mutex_t lock; /* for used */
	uint32_t used;	      /* chunks */
};

struct wheel {
	struct timers *table;
	int64_t now_ms;	    /* everything due until then has expired */
	uint32_t free_head; /* entries of this thread to be used next */
	uint64_t pending[WHEEL_LEVELS]; /* bit per slot that has entries */
	struct {
		uint32_t head, tail;
	} slot[WHEEL_LEVELS][WHEEL_SLOTS];
};

void timers_init(struct timers *t);
void timers_fini(struct timers *t);
struct timer *timers_get(struct timers *t, uint32_t index);

void wheel_init(struct wheel *w, struct timers *table, int64_t now_ms);
/* A fresh entry, TIMER_HELD, with all of owner, type and gen to be set. */
uint32_t wheel_take(struct wheel *w);
void wheel_give(struct wheel *w, uint32_t index); /* TIMER_HELD only */
/* due_ms in the past is due at the next tick. */
void wheel_insert(struct wheel *w, uint32_t index, int64_t due_ms);
void wheel_remove(struct wheel *w, uint32_t index); /* then TIMER_HELD */
/*
 * When wheel_advance() has something to do next, in ms; INT64_MAX: never.  It
 * may be earlier than the next timer (to move far ones down), not later.
 */
int64_t wheel_next(const struct wheel *w);
/*
 * Every entry due until now_ms becomes TIMER_HELD and is given to fn in order.
 */
void wheel_advance(struct wheel *w, int64_t now_ms,
    void (*fn)(void *arg, uint32_t index), void *arg);

#endif
