/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a thread does: flush what it could not send, empty its rings, run timers
 * and ready actors, sleep.
 *
 * Going to sleep, and sending to one that may sleep, are a store and then a
 * load of what the other one stores, with a full fence between on both sides:
 *
 *	sleeper: asleep = IN_...; fence; rings empty? then wait
 *	sender:  push into the ring; fence; asleep? then wake
 *
 * The same holds for a full ring:
 *
 *	sender:   starved = true; fence; still full? asleep = IN_...; fence;
 *		  still starved? then wait
 *	receiver: take from the ring; fence; starved? starved = false, wake
 */
#include "config.h"

#include <time.h>

#include "runtime/rt.h"
#include "runtime/tsan.h"

enum {
	DRAIN_MAX = 256,	/* cells of one ring in one turn */
	RETURNS_MAX = 16,	/* chains of free cells for a sleeper */
	ROUNDS_MAX = 16,	/* of ready actors before a look at the rings */
	IO_EVERY_US = 100,	/* a busy thread looks at its descriptors */
	FLOW_LOOK_US = 4000,	/* descriptors make a stream or not, since */
	FLOW_EACH_US = 500,	/* with an event at least in each of these */
	FLOW_WAIT_US = 2000,	/* then several are waited for */
};

int64_t
clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- waking ---- */

void
thread_wake(struct thread *t, struct ctx *by)
{
	switch (atomic_exchange(&t->asleep, AWAKE)) {
	case IN_FUTEX: sleeper_wake(&t->sleeper); break;
	case IN_EPOLL: io_wake(t->io); break;
	case WANTS_CALL: t->wake(t->wake_arg); break;
	default: return;
	}
	stat_add(by, STAT_WAKEUPS, 1);
}

static void
mark_touched(struct thread *t, int home)
{
	if (t->touched[home])
		return;
	t->touched[home] = true;
	t->touched_list[t->touched_count++] = (uint16_t)home;
	t->ctx.touched = true;
}

/* Wake those who are seen to sleep; the others stay touched. */
static void
wake_sleepers(struct thread *t)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < t->touched_count; i++) {
		uint16_t home = t->touched_list[i];
		struct thread *to = &t->rt->thread[home];

		if (atomic_load_explicit(&to->asleep, memory_order_relaxed) ==
		    AWAKE) {
			t->touched_list[kept++] = home;
			continue;
		}
		t->touched[home] = false;
		thread_wake(to, &t->ctx);
	}
	t->touched_count = kept;
	t->ctx.touched = kept > 0;
}

/* After the fence, who is not seen to sleep will see what was sent. */
void
thread_wake_touched(struct ctx *ctx)
{
	struct thread *t = thread_of(ctx);

	ring_fence();
	wake_sleepers(t);
	for (unsigned i = 0; i < t->touched_count; i++)
		t->touched[t->touched_list[i]] = false;
	t->touched_count = 0;
	ctx->touched = false;
}

/* A port with more than fits is called when there is room. */
static void
touch(struct ctx *ctx, int home)
{
	mark_touched(thread_of(ctx), home);
	/* Who may block, or is not in a turn, does not put it off. */
	if (ctx->role == ROLE_WORKER)
		return;
	if (ctx->role == ROLE_PORT && thread_of(ctx)->spilled > 0)
		thread_ask_for_room(thread_of(ctx));
	thread_wake_touched(ctx);
}

/* ---- sending ---- */

/* Free cells wake nobody; a few chains wait for one that sleeps. */
static void
carry_return(struct thread *t, int home, struct cell *c)
{
	struct rings *r = t->rt->rings;
	bool awake = atomic_load_explicit(&t->rt->thread[home].asleep,
	    memory_order_relaxed) == AWAKE;

	TSAN_RELEASE(c);
	if (t->spill[home].head != NULL || ring_count(r, t->ctx.index, home) >=
		(awake ? RING_SIZE / 2 : RETURNS_MAX) ||
	    !ring_push(r, t->ctx.index, home, c))
		cell_free(c);
}

void
thread_carry(struct ctx *ctx, int home, struct cell *c)
{
	struct thread *t = thread_of(ctx);

	if (c->what == CELL_RETURN) {
		carry_return(t, home, c);
		return;
	}
	stat_add(ctx, STAT_REMOTE, 1);
	TSAN_RELEASE(c);
	if (t->spill[home].head != NULL ||
	    !ring_push(t->rt->rings, ctx->index, home, c)) {
		cells_push(&t->spill[home], c);
		t->spilled++;
		stat_add(ctx, STAT_SPILLED, 1);
	}
	touch(ctx, home);
}

static void
flush_to(struct thread *t, int home)
{
	struct cell_list *l = &t->spill[home];
	struct cell *c, *next;

	while ((c = l->head) != NULL) {
		next = c->next; /* once pushed it is not ours */
		TSAN_RELEASE(c);
		if (!ring_push(t->rt->rings, t->ctx.index, home, c))
			return;
		l->head = next;
		if (next == NULL)
			l->tail = NULL;
		l->count--;
		t->spilled--;
		mark_touched(t, home);
	}
}

void
thread_flush(struct thread *t)
{
	if (t->spilled == 0)
		return;
	for (int i = 0; i < t->ctx.core->homes; i++)
		if (t->spill[i].head != NULL)
			flush_to(t, i);
}

/*
 * Before sleeping with cells that did not fit: ask to be woken when there is
 * room, then look once more.
 */
void
thread_ask_for_room(struct thread *t)
{
	for (int i = 0; i < t->ctx.core->homes; i++)
		if (t->spill[i].head != NULL)
			atomic_store(
			    &t->rt->thread[i].starved[t->ctx.index], true);
	ring_fence();
	thread_flush(t);
}

/* Somebody made room since, perhaps before he could see that we sleep. */
static bool
room_came(struct thread *t)
{
	if (t->spilled == 0)
		return false;
	for (int i = 0; i < t->ctx.core->homes; i++)
		if (t->spill[i].head != NULL &&
		    !atomic_load(&t->rt->thread[i].starved[t->ctx.index]))
			return true;
	return false;
}

/* ---- receiving ---- */

/* true: there may be more */
static bool
drain_from(struct thread *t, int from)
{
	void *cell[DRAIN_MAX];
	unsigned n = ring_pop(t->rt->rings, from, t->ctx.index, cell,
	    DRAIN_MAX);

	if (n == 0)
		return false;
	for (unsigned i = 0; i < n; i++) {
		TSAN_ACQUIRE(cell[i]);
		core_arrive(&t->ctx, cell[i]);
	}
	ring_fence();
	if (atomic_load_explicit(&t->starved[from], memory_order_relaxed)) {
		atomic_store(&t->starved[from], false);
		thread_wake(&t->rt->thread[from], &t->ctx);
	}
	return n == DRAIN_MAX;
}

bool
thread_drain(struct thread *t)
{
	bool more = false;

	for (int from = 0; from < t->ctx.core->homes; from++)
		more |= drain_from(t, from);
	return more;
}

/* ---- running ---- */

/* A port's inbox is emptied by port_poll(): tell its thread. */
void
thread_ready(struct ctx *ctx, struct actor *a)
{
	struct thread *t = thread_of(ctx);

	if (ctx->role == ROLE_PORT) {
		if (!t->draining && t->wake != NULL)
			thread_wake(t, ctx);
		return;
	}
	if (t->rt->ended)
		return; /* the last one in the list may be freed by now */
	a->next_ready = NULL;
	if (t->ready.tail != NULL)
		t->ready.tail->next_ready = a;
	else
		t->ready.head = a;
	t->ready.tail = a;
	t->ready.count++;
}

static struct actor *
pop_ready(struct thread *t)
{
	struct actor *a = t->ready.head;

	t->ready.head = a->next_ready;
	if (t->ready.head == NULL)
		t->ready.tail = NULL;
	t->ready.count--;
	return a;
}

/* Everyone who is ready now gets one turn. */
static void
run_ready(struct thread *t)
{
	for (unsigned n = t->ready.count; n > 0; n--) {
		struct actor *a = pop_ready(t);

		if (core_run(&t->ctx, a, BATCH_MAX) == RUN_MORE)
			thread_ready(&t->ctx, a);
		/* Soon; for certain when all had their turn. */
		if (t->ctx.touched)
			wake_sleepers(t);
	}
	if (t->ctx.touched)
		thread_wake_touched(&t->ctx);
}

/* ---- sleeping ---- */

/*
 * Where thousands of answers come in a second, to wake for each of them costs as
 * much as to read it: then the thread sleeps two milliseconds on its futex, which
 * whoever sends it a message wakes, and takes what came, and what is due,
 * together.
 */
static void
watch_flow(struct thread *t, int64_t now_us)
{
	int64_t took = now_us - t->io_since_us;

	if (took < FLOW_LOOK_US)
		return;
	t->io_flows = (int64_t)t->io_seen * FLOW_EACH_US >= took;
	t->io_seen = 0;
	t->io_since_us = now_us;
}

static int
epoll_timeout(int64_t until_us)
{
	int64_t ms;

	if (until_us == INT64_MAX)
		return -1;
	ms = (until_us - clock_us() + 999) / 1000;
	return ms < 0 ? 0 : ms > 86400000 ? 86400000 : (int)ms;
}

void
thread_park(struct thread *t, int64_t until_us)
{
	enum asleep how = io_in_use(t->io) && !t->io_flows ? IN_EPOLL :
							     IN_FUTEX;
	uint32_t value = sleeper_value(&t->sleeper);

	if (t->spilled > 0)
		thread_ask_for_room(t);
	if (t->ctx.touched)
		thread_wake_touched(&t->ctx);
	if (rings_spin(t->rt->rings, t->ctx.index, &t->patience))
		return;
	if (how == IN_FUTEX && t->io_flows)
		until_us = clock_us() + FLOW_WAIT_US;
	atomic_store(&t->asleep, how);
	ring_fence();
	if (!rings_waiting(t->rt->rings, t->ctx.index) && !room_came(t) &&
	    !atomic_load(&t->rt->stopping)) {
		if (how == IN_EPOLL)
			t->io_seen += (unsigned)io_poll(t,
			    epoll_timeout(until_us));
		else
			sleeper_wait(&t->sleeper, value, until_us);
	}
	atomic_store(&t->asleep, AWAKE);
}

/* ---- the loop ---- */

static void
look_at_io(struct thread *t, int64_t now_us)
{
	if (!io_in_use(t->io) || now_us - t->io_polled_us < IO_EVERY_US)
		return;
	t->io_polled_us = now_us;
	t->io_seen += (unsigned)io_poll(t, 0);
}

static void
rest(struct thread *t)
{
	int64_t ms;

	board_reclaim(&t->ctx);
	ms = wheel_next(&t->wheel);
	thread_park(t, ms == INT64_MAX ? ms : ms * 1000);
}

void *
thread_main(void *arg)
{
	struct thread *t = arg;

	while (!atomic_load_explicit(&t->rt->stopping, memory_order_relaxed)) {
		int64_t now_us = clock_us();

		thread_flush(t);
		thread_drain(t);
		timers_run(&t->ctx, &t->wheel, now_us / 1000);
		look_at_io(t, now_us);
		watch_flow(t, now_us);
		if (t->ready.count == 0)
			rest(t);
		for (int i = 0; i < ROUNDS_MAX && t->ready.count > 0; i++)
			run_ready(t);
		if (t->ctx.touched)
			thread_wake_touched(&t->ctx);
	}
	return NULL;
}
