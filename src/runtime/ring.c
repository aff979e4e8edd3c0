/* SPDX-License-Identifier: Apache-2.0 */
/* Rings from one thread to another, and parking; see ring.h. */
#include "config.h"

#include "runtime/ring.h"

#include <ck_ec.h>
#include <ck_ring.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum {
	LOOKS_MAX = 500, /* at rings, by one who would like to sleep */
	TRY_EVERY = 32,
};

struct rings {
	int threads;
	ck_ring_t *ring;	   /* [from * threads + to] */
	ck_ring_buffer_t *buffer;  /* RING_SIZE of each; touched when used */
};

struct rings *
rings_new(int threads)
{
	size_t n = (size_t)threads * (size_t)threads;
	struct rings *r = mem_zalloc(sizeof *r);

	r->threads = threads;
	r->ring = mem_zalloc(n * sizeof r->ring[0]);
	r->buffer = mem_zalloc(n * RING_SIZE * sizeof r->buffer[0]);
	for (size_t i = 0; i < n; i++)
		ck_ring_init(&r->ring[i], RING_SIZE);
	return r;
}

void
rings_free(struct rings *r)
{
	mem_free(r->ring);
	mem_free(r->buffer);
	mem_free(r);
}

bool
ring_push(struct rings *r, int from, int to, void *p)
{
	size_t i = (size_t)from * (size_t)r->threads + (size_t)to;

	return ck_ring_enqueue_spsc(&r->ring[i], r->buffer + i * RING_SIZE, p);
}

/*
 * Not ck_ring_dequeue_spsc(): up to 0.7.2 it orders the reading of the slot
 * against its release by a store fence only, too little on weakly ordered
 * machines.  Many at once also touch the shared counter once.
 */
unsigned
ring_pop(struct rings *r, int from, int to, void **out, unsigned max)
{
	size_t i = (size_t)from * (size_t)r->threads + (size_t)to;
	ck_ring_t *ring = &r->ring[i];
	ck_ring_buffer_t *buffer = r->buffer + i * RING_SIZE;
	unsigned head = ring->c_head;
	unsigned n = ck_pr_load_uint(&ring->p_tail) - head;

	if (n == 0)
		return 0;
	if (n > max)
		n = max;
	ck_pr_fence_load();
	for (unsigned k = 0; k < n; k++)
		out[k] = ck_pr_load_ptr(&buffer[(head + k) & ring->mask].value);
	ck_pr_fence_load_store();
	ck_pr_store_uint(&ring->c_head, head + n);
	return n;
}

bool
rings_waiting(const struct rings *r, int to)
{
	for (int from = 0; from < r->threads; from++) {
		size_t i = (size_t)from * (size_t)r->threads + (size_t)to;

		if (ck_ring_size(&r->ring[i]) > 0)
			return true;
	}
	return false;
}

/*
 * An answer that is a few microseconds away is cheaper than a sleep, unless who
 * would give it waits for this core.  Which it is shows by trying now and then.
 */
bool
rings_spin(const struct rings *r, int to, struct patience *p)
{
	if (++p->tries % TRY_EVERY == 0)
		p->looks = LOOKS_MAX;
	for (int i = 0; i <= p->looks; i += r->threads) {
		if (rings_waiting(r, to)) {
			p->looks = p->looks > 0 ? LOOKS_MAX : 0;
			return true;
		}
		ck_pr_stall();
	}
	p->looks /= 4;
	return false;
}

unsigned
ring_count(const struct rings *r, int from, int to)
{
	size_t i = (size_t)from * (size_t)r->threads + (size_t)to;

	return ck_ring_size(&r->ring[i]);
}

/* A locked instruction where ck has the slower mfence. */
void
ring_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* ---- sleeping ---- */

static int
now(const struct ck_ec_ops *ops, struct timespec *out)
{
	(void)ops;
	return clock_gettime(CLOCK_MONOTONIC, out);
}

static void
futex_wait(const struct ck_ec_wait_state *state, const uint32_t *address,
    uint32_t expected, const struct timespec *deadline)
{
	(void)state;
	syscall(SYS_futex, address, FUTEX_WAIT_BITSET_PRIVATE, expected,
	    deadline, NULL, FUTEX_BITSET_MATCH_ANY);
}

static void
futex_wake(const struct ck_ec_ops *ops, const uint32_t *address)
{
	(void)ops;
	syscall(SYS_futex, address, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/*
 * ck_ec looks again after 2, 16, 128, 1024 ms unless told otherwise, for the
 * sake of its single-producer mode, which we do not use; and spins first, which
 * rings_spin() has done.
 */
static const struct ck_ec_ops ops = {
	.gettime = now,
	.wait32 = futex_wait,
	.wake32 = futex_wake,
	.busy_loop_iter = 1,
	.initial_wait_ns = 2000000000,
};
static const struct ck_ec_mode mode = { .ops = &ops };

void
sleeper_init(struct sleeper *s)
{
	ck_ec32_init((struct ck_ec32 *)s, 0);
}

uint32_t
sleeper_value(const struct sleeper *s)
{
	return ck_ec32_value((const struct ck_ec32 *)s);
}

/*
 * ck_ec looks at its caller's deadline only when a round of its own is over, so
 * that a wait of 1 ms would last a second.  A round must not end later.
 */
static int
end_round(const struct ck_ec_wait_state *state, struct timespec *round)
{
	const struct timespec *at = state->data;

	if (at->tv_sec < round->tv_sec || (at->tv_sec == round->tv_sec &&
	    at->tv_nsec < round->tv_nsec))
		*round = *at;
	return 0;
}

void
sleeper_wait(struct sleeper *s, uint32_t value, int64_t deadline_us)
{
	struct timespec at = { deadline_us / 1000000,
		deadline_us % 1000000 * 1000 };

	if (deadline_us == INT64_MAX)
		ck_ec32_wait((struct ck_ec32 *)s, &mode, value, NULL);
	else
		ck_ec32_wait_pred((struct ck_ec32 *)s, &mode, value, end_round,
		    &at, &at);
}

void
sleeper_wake(struct sleeper *s)
{
	ck_ec32_inc((struct ck_ec32 *)s, &mode);
}
