/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator: every home on one thread.  Cells between homes wait in a heap
 * until their time; a step takes one of the ready actors by chance and lets it
 * handle one message.  When nobody is ready the clock moves to what is due
 * next.
 */
#include "config.h"

#include "runtime/sim.h"

#include <string.h>

#include "base/mem.h"
#include "runtime/core.h"

enum {
	PORTS_MIN = 8,
	PAIRS = 4096,		 /* power of two; see due_of_pair() */
	LATENCY_US = 50,	 /* usual upper bound between two homes */
	LATENCY_SLOW_US = 5000,	 /* one in LATENCY_SLOW_ONE_IN */
	LATENCY_SLOW_ONE_IN = 32,
	STUCK_STEPS = 20000000,	 /* without the clock moving */
};

struct flight {
	int64_t due_us;
	uint64_t number; /* in the order of sending */
	struct cell *cell;
	int home;
};

struct sim {
	struct core core;
	struct ctx *homes;
	struct rng rng;
	struct wheel wheel;
	int64_t now_us, start_us, wall_offset_us;
	struct flight *heap;
	size_t heap_count, heap_cap;
	uint64_t flights;
	int64_t pair_due[PAIRS];
	struct actor **ready;
	size_t ready_count, ready_cap;
	struct port **ports;
	int port_count;
	bool port_mail; /* something arrived at a port */
	uint64_t steps, steps_here; /* since the clock moved */
	uint64_t digest;
};

static struct sim *
sim_of(const struct ctx *ctx)
{
	return ctx->core->owner;
}

/* ---- cells under way: a binary heap by (time, order of sending) ---- */

static bool
before(const struct flight *a, const struct flight *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us :
					a->number < b->number;
}

static void
heap_push(struct sim *sim, struct flight f)
{
	size_t i = sim->heap_count++;

	if (sim->heap_count > sim->heap_cap) {
		sim->heap_cap = 2 * sim->heap_cap + 64;
		sim->heap = mem_resize(sim->heap, sim->heap_cap,
		    sizeof sim->heap[0]);
	}
	for (; i > 0 && before(&f, &sim->heap[(i - 1) / 2]); i = (i - 1) / 2)
		sim->heap[i] = sim->heap[(i - 1) / 2];
	sim->heap[i] = f;
}

static struct flight
heap_pop(struct sim *sim)
{
	struct flight top = sim->heap[0];
	struct flight last = sim->heap[--sim->heap_count];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < sim->heap_count) {
		if (child + 1 < sim->heap_count &&
		    before(&sim->heap[child + 1], &sim->heap[child]))
			child++;
		if (!before(&sim->heap[child], &last))
			break;
		sim->heap[i] = sim->heap[child];
		i = child;
	}
	if (sim->heap_count > 0)
		sim->heap[i] = last;
	return top;
}

/*
 * Later than what went before between the same two.  Pairs that share a place
 * keep an order that they need not: harmless.  What the runtime tells itself
 * travels by home, in order with every actor's messages: see sim_carry().
 */
static int64_t
due_of_pair(struct sim *sim, uint64_t from, uint64_t to, int64_t latency)
{
	uint64_t h = (from << 32 ^ to) * UINT64_C(0x9e3779b97f4a7c15) >> 52;
	int64_t due = sim->now_us + latency;

	if (due < sim->pair_due[h % PAIRS])
		due = sim->pair_due[h % PAIRS];
	sim->pair_due[h % PAIRS] = due;
	return due;
}

static int64_t
latency_us(struct sim *sim)
{
	uint64_t most = rng_below(&sim->rng, LATENCY_SLOW_ONE_IN) == 0 ?
	    LATENCY_SLOW_US : LATENCY_US;

	return 1 + (int64_t)rng_below(&sim->rng, most);
}

/* A thread's ring keeps the order of all that one home sends to another. */
static void
sim_carry(struct ctx *ctx, int home, struct cell *c)
{
	struct sim *sim = sim_of(ctx);
	struct flight f = { .cell = c, .home = home };

	if (c->what == CELL_RETURN) {
		core_arrive(ctx->core->ctx[home], c);
		return;
	}
	stat_add(ctx, STAT_REMOTE, 1);
	f.number = sim->flights++;
	f.due_us = due_of_pair(sim, ctx->index, (uint64_t)home,
	    latency_us(sim));
	heap_push(sim, f);
}

/* ---- who is ready ---- */

static void
sim_ready(struct ctx *ctx, struct actor *a)
{
	struct sim *sim = sim_of(ctx);

	if (ctx->role == ROLE_PORT) {
		sim->port_mail = true;
		return;
	}
	if (sim->ready_count == sim->ready_cap) {
		sim->ready_cap = 2 * sim->ready_cap + 64;
		sim->ready = mem_resize(sim->ready, sim->ready_cap,
		    sizeof sim->ready[0]);
	}
	sim->ready[sim->ready_count++] = a;
}

static struct actor *
take_ready(struct sim *sim)
{
	size_t i = rng_below(&sim->rng, sim->ready_count);
	struct actor *a = sim->ready[i];

	sim->ready[i] = sim->ready[--sim->ready_count];
	return a;
}

/* ---- the clock ---- */

static mono_t
ctx_mono(const struct ctx *ctx)
{
	return (mono_t){ sim_of(ctx)->now_us };
}

static wall_t
ctx_wall(const struct ctx *ctx)
{
	return sim_wall(sim_of(ctx));
}

mono_t
sim_now(const struct sim *sim)
{
	return (mono_t){ sim->now_us };
}

wall_t
sim_wall(const struct sim *sim)
{
	return (wall_t){ sim->wall_offset_us + sim->now_us };
}

void
sim_clock_jump(struct sim *sim, dur_t d)
{
	sim->wall_offset_us += d.us;
}

/* INT64_MAX: nothing will ever happen. */
static int64_t
next_due_us(const struct sim *sim)
{
	int64_t ms = wheel_next(&sim->wheel);
	int64_t us = ms == INT64_MAX ? ms : ms * 1000;

	if (sim->heap_count > 0 && sim->heap[0].due_us < us)
		us = sim->heap[0].due_us;
	return us;
}

static void
move_clock(struct sim *sim, int64_t us)
{
	if (us > sim->now_us) {
		sim->now_us = us;
		sim->steps_here = 0;
	}
	while (sim->heap_count > 0 && sim->heap[0].due_us <= sim->now_us) {
		struct flight f = heap_pop(sim);

		core_arrive(sim->core.ctx[f.home], f.cell);
	}
	timers_run(&sim->homes[0], &sim->wheel, sim->now_us / 1000);
}

/* ---- not in the simulator ---- */

static void
no_io(struct ctx *ctx, int fd, uint32_t events)
{
	(void)ctx;
	(void)fd;
	(void)events;
	assert(!"descriptors in the simulator");
}

static void
no_io_cell(struct ctx *ctx, struct cell *c)
{
	(void)ctx;
	assert(c->item == NULL);
}

static void
no_io_actor(struct ctx *ctx, struct actor *a)
{
	(void)ctx;
	assert(a->io == NULL);
}

static uint32_t
no_exec(struct ctx *ctx, const struct exec_arg *arg)
{
	(void)ctx;
	(void)arg;
	assert(!"programs in the simulator");
	return 0;
}

/* The virtual world sends no signals: asking for them is fine. */
static void
no_signal(struct ctx *ctx, int signo)
{
	(void)ctx;
	(void)signo;
}

static void
sim_port_drain(struct ctx *ctx)
{
	assert(ctx->role == ROLE_PORT);
}

static const struct core_ops sim_ops = {
	.now = ctx_mono,
	.wall = ctx_wall,
	.carry = sim_carry,
	.ready = sim_ready,
	.io = no_io,
	.io_handled = no_io_cell,
	.io_leave = no_io_actor,
	.io_join = no_io_actor,
	.io_forget = no_io_actor,
	.exec = no_exec,
	.signal = no_signal,
	.port_drain = sim_port_drain,
};

/* ---- begin and end ---- */

struct sim *
sim_new(const struct rt_arg *arg, uint64_t seed, wall_t start)
{
	struct sim *sim = mem_zalloc(sizeof *sim);
	struct rt_arg a = *arg;
	int homes;

	if (a.ports < PORTS_MIN)
		a.ports = PORTS_MIN;
	homes = a.workers + a.pinned + a.ports;
	/* mono_t 0 means unset: start at a second. */
	sim->start_us = sim->now_us = 1000000;
	sim->wall_offset_us = start.us - sim->start_us;
	sim->rng.state = seed;
	core_init(&sim->core, &a, &sim_ops, homes);
	sim->core.owner = sim;
	wheel_init(&sim->wheel, &sim->core.timers, sim->now_us / 1000);
	sim->homes = mem_zalloc((size_t)homes * sizeof sim->homes[0]);
	sim->ports = mem_zalloc((size_t)a.ports * sizeof sim->ports[0]);
	for (int i = 0; i < homes; i++) {
		struct ctx *ctx = &sim->homes[i];

		ctx_init(ctx, &sim->core, i, i < a.workers ? ROLE_WORKER :
			i < a.workers + a.pinned ? ROLE_PINNED : ROLE_PORT);
		ctx->rng = &sim->rng;
		ctx->wheel = ctx->role != ROLE_PORT ? &sim->wheel : NULL;
		atomic_store(&ctx->live, ctx->role != ROLE_PORT);
	}
	return sim;
}

void
sim_free(struct sim *sim)
{
	core_end_all(&sim->core);
	for (int i = 0; i < sim->port_count; i++)
		port_free(sim->ports[i]);
	while (sim->heap_count > 0)
		cell_free(sim->heap[--sim->heap_count].cell);
	core_fini(&sim->core);
	mem_free(sim->ports);
	mem_free(sim->homes);
	mem_free(sim->heap);
	mem_free(sim->ready);
	mem_free(sim);
}

addr_t
sim_spawn(struct sim *sim, const struct actor_class *class, const void *arg,
    int home)
{
	struct actor *a = core_actor_new(&sim->homes[0], class, arg,
	    home == HOME_SELF ? HOME_ANY : home);

	core_spawned(sim->core.ctx[word_home(atomic_load(&a->slot->word))], a);
	return a->self;
}

static bool
sim_port_wait(struct port *port, dur_t limit)
{
	struct sim *sim = sim_of(port_ctx(port));

	return sim_until(sim, limit, port_has_mail, port);
}

struct port *
sim_port(struct sim *sim, const char *name)
{
	int i = sim->port_count++;
	struct ctx *ctx;

	assert(i < sim->core.arg.ports);
	ctx = &sim->homes[sim->core.places + i];
	sim->ports[i] = port_new(ctx, name, sim_port_wait);
	return sim->ports[i];
}

/* ---- running ---- */

static void
mix(struct sim *sim, const void *p, size_t n)
{
	const unsigned char *b = p;
	uint64_t h = sim->digest;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * UINT64_C(0x100000001b3);
	sim->digest = h ^ h >> 29;
}

static void
mix_step(struct sim *sim, const struct actor *a)
{
	const struct cell *c = a->inbox.head;
	uint64_t head[3] = { (uint64_t)sim->now_us,
		(uint64_t)a->self.slot << 32 | a->self.gen,
		c != NULL ? c->type : UINT64_MAX };

	mix(sim, head, sizeof head);
	if (c != NULL && c->body.len > 0)
		mix(sim, c->body.data, c->body.len);
}

static void
run_one(struct sim *sim)
{
	struct actor *a = take_ready(sim);
	uint16_t home = word_home(atomic_load(&a->slot->word));
	struct ctx *ctx = sim->core.ctx[home];

	mix_step(sim, a);
	sim->steps++;
	sim->steps_here++;
	assert(sim->steps_here < STUCK_STEPS);
	if (core_run(ctx, a, 1) == RUN_MORE)
		sim_ready(ctx, a);
}

/*
 * Like sim_step(), but not beyond until_us.  Mail for a port is a step too: who
 * waits for it shall not find the clock where the next actor's turn is.
 */
static bool
step_until(struct sim *sim, int64_t until_us)
{
	while (sim->ready_count == 0) {
		int64_t next = next_due_us(sim);

		if (next > until_us || next == INT64_MAX)
			return false;
		sim->port_mail = false;
		move_clock(sim, next);
		if (sim->port_mail)
			return true;
	}
	run_one(sim);
	return true;
}

bool
sim_step(struct sim *sim)
{
	return step_until(sim, INT64_MAX);
}

void
sim_run(struct sim *sim, dur_t d)
{
	int64_t end = sim->now_us + d.us;

	while (step_until(sim, end))
		;
	move_clock(sim, end);
}

bool
sim_until(struct sim *sim, dur_t d, bool (*cond)(void *arg), void *arg)
{
	int64_t end = sim->now_us + d.us;

	while (!cond(arg))
		if (!step_until(sim, end)) {
			move_clock(sim, end);
			return cond(arg);
		}
	return true;
}

uint64_t
sim_steps(const struct sim *sim)
{
	return sim->steps;
}

uint64_t
sim_digest(const struct sim *sim)
{
	return sim->digest;
}

void
sim_stats(const struct sim *sim, struct rt_stats *out)
{
	core_stats(&sim->core, out);
}
