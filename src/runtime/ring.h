/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ck's ring from one thread to one thread, and ck's event count over futex.
 *
 * This unit is always built without -fsanitize=thread, which does not see the
 * inline assembly: callers say TSAN_RELEASE() before ring_push() and
 * TSAN_ACQUIRE() after ring_pop().  ck's multi-producer rings are not used: a
 * producer that is preempted inside one stops all others.
 */
#ifndef ORC_RUNTIME_RING_H
#define ORC_RUNTIME_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RING_SIZE = 1024 }; /* holds one less */

struct rings; /* every ordered pair of threads */

struct rings *rings_new(int threads);
void rings_free(struct rings *r);

/* False when it is full. Only thread from may call it. */
bool ring_push(struct rings *r, int from, int to, void *p);
/* At most max pointers into out; the count.  Only thread to may call it. */
unsigned ring_pop(struct rings *r, int from, int to, void **out, unsigned max);
/* Does anything wait for thread to? */
bool rings_waiting(const struct rings *r, int to);

/* Whether looking for some microseconds was of use lately; zero at first. */
struct patience {
	int looks;
	unsigned tries;
};
/* rings_waiting(), that patiently. */
bool rings_spin(const struct rings *r, int to, struct patience *p);
unsigned ring_count(const struct rings *r, int from, int to);

/* Orders what was stored before against what is loaded after. */
void ring_fence(void);

/* An event count: one sleeps, any may wake it. */
struct sleeper {
	uint32_t ec;
};
void sleeper_init(struct sleeper *s);
uint32_t sleeper_value(const struct sleeper *s);
/* Returns when the value is another one or the deadline (monotonic) is over. */
void sleeper_wait(struct sleeper *s, uint32_t value, int64_t deadline_us);
void sleeper_wake(struct sleeper *s);

#endif
