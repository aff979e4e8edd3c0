/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime as a whole.  Thread indices: workers, pinned, one of our own for
 * children and signals, ports, and one for whoever calls rt_spawn().
 */
#include "config.h"

#include "runtime/runtime.h"

#include <signal.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "base/mem.h"
#include "runtime/rt.h"

static mono_t
rt_now(const struct ctx *ctx)
{
	(void)ctx;
	return (mono_t){ clock_us() };
}

static wall_t
rt_wall(const struct ctx *ctx)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &t);
	return (wall_t){ (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 };
}

/* From here on a new message calls wake(); then empty the rings. */
static void
rt_port_drain(struct ctx *ctx)
{
	struct thread *t = thread_of(ctx);

	if (t->wake != NULL)
		atomic_store(&t->asleep, WANTS_CALL);
	ring_fence();
	t->draining = true;
	thread_flush(t);
	/* All of it: nobody calls wake() for what is there already. */
	while (thread_drain(t))
		;
	t->draining = false;
	if (t->spilled > 0)
		thread_ask_for_room(t);
	if (ctx->touched)
		thread_wake_touched(ctx);
	board_reclaim(ctx);
}

static const struct core_ops rt_ops = {
	.now = rt_now,
	.wall = rt_wall,
	.carry = thread_carry,
	.ready = thread_ready,
	.io = io_watch,
	.io_handled = io_handled,
	.io_leave = io_leave,
	.io_join = io_join,
	.io_forget = io_forget,
	.exec = child_exec,
	.signal = signals_ask,
	.port_drain = rt_port_drain,
};

/* ---- making ---- */

static enum role
role_of(const struct rt_arg *arg, int index, int homes)
{
	if (index < arg->workers)
		return ROLE_WORKER;
	if (index <= arg->workers + arg->pinned)
		return ROLE_PINNED; /* the last of them is the service */
	return index < homes - 1 ? ROLE_PORT : ROLE_OUTSIDE;
}

static void
thread_init(struct thread *t, struct rt *rt, int index, enum role role)
{
	size_t homes = (size_t)rt->core.homes;
	ssize_t n;

	ctx_init(&t->ctx, &rt->core, index, role);
	t->rt = rt;
	t->spill = mem_zalloc(homes * sizeof t->spill[0]);
	t->touched = mem_zalloc(homes * sizeof t->touched[0]);
	t->touched_list = mem_zalloc(homes * sizeof t->touched_list[0]);
	t->starved = mem_zalloc(homes * sizeof t->starved[0]);
	n = getrandom(&t->rng.state, sizeof t->rng.state, 0);
	assert(n == sizeof t->rng.state);
	t->ctx.rng = &t->rng;
	wheel_init(&t->wheel, &rt->core.timers, clock_us() / 1000);
	if (role == ROLE_WORKER || role == ROLE_PINNED) {
		t->ctx.wheel = &t->wheel;
		atomic_store(&t->ctx.live, true);
	}
	sleeper_init(&t->sleeper);
}

struct rt *
rt_new(const struct rt_arg *arg)
{
	struct rt *rt = mem_zalloc(sizeof *rt);
	int homes = arg->workers + arg->pinned + 1 + arg->ports + 1;

	core_init(&rt->core, arg, &rt_ops, homes);
	rt->core.owner = rt;
	rt->rings = rings_new(homes);
	rt->thread = line_alloc((size_t)homes * sizeof rt->thread[0]);
	for (int i = 0; i < homes; i++)
		thread_init(&rt->thread[i], rt, i, role_of(arg, i, homes));
	rt->ports = mem_zalloc((size_t)arg->ports * sizeof rt->ports[0]);
	pthread_mutex_init(&rt->lock, NULL);
	rt->service = rt_spawn(rt, &signals_class, NULL, rt->core.places);
	return rt;
}

void
rt_stats(const struct rt *rt, struct rt_stats *out)
{
	core_stats(&rt->core, out);
}

/* ---- spawning from outside ---- */

/* No thread runs yet: straight into its home. */
static addr_t
spawn_early(struct rt *rt, const struct actor_class *class, const void *arg,
    int home)
{
	struct actor *a = core_actor_new(&rt->thread[0].ctx, class, arg,
	    home == HOME_SELF ? HOME_ANY : home);

	core_spawned(
	    rt->core.ctx[word_home(atomic_load(&a->slot->word))], a);
	return a->self;
}

addr_t
rt_spawn(struct rt *rt, const struct actor_class *class, const void *arg,
    int home)
{
	struct thread *outside = &rt->thread[rt->core.homes - 1];
	addr_t a;

	pthread_mutex_lock(&rt->lock);
	if (!rt->started) {
		a = spawn_early(rt, class, arg, home);
	} else {
		a = core_spawn(&outside->ctx, class, arg, home);
		thread_drain(outside); /* cells that come home */
		while (outside->spilled > 0) {
			thread_flush(outside);
			if (outside->spilled > 0)
				thread_park(outside, INT64_MAX);
		}
		if (outside->ctx.touched)
			thread_wake_touched(&outside->ctx);
	}
	pthread_mutex_unlock(&rt->lock);
	return a;
}

/* ---- ports ---- */

static bool
rt_port_wait(struct port *port, dur_t limit)
{
	struct thread *t = thread_of(port_ctx(port));
	int64_t until_us = clock_us() + limit.us;
	bool mail;

	t->draining = true;
	for (;;) {
		thread_flush(t);
		thread_drain(t);
		mail = port_has_mail(port);
		if (mail || clock_us() >= until_us ||
		    atomic_load(&t->rt->stopping))
			break;
		thread_park(t, until_us);
	}
	t->draining = false;
	if (t->wake != NULL)
		atomic_store(&t->asleep, WANTS_CALL);
	return mail;
}

struct port *
rt_port_new(struct rt *rt, const char *name, void (*wake)(void *), void *arg)
{
	struct thread *t;
	struct port *port;

	pthread_mutex_lock(&rt->lock);
	assert(rt->ports_taken < rt->core.arg.ports);
	t = &rt->thread[rt->core.places + 1 + rt->ports_taken];
	t->wake = wake;
	t->wake_arg = arg;
	port = port_new(&t->ctx, name, rt_port_wait);
	rt->ports[rt->ports_taken++] = port;
	pthread_mutex_unlock(&rt->lock);
	if (wake != NULL)
		atomic_store(&t->asleep, WANTS_CALL);
	return port;
}

/* ---- running ---- */

static bool
has_thread(const struct rt *rt, int i)
{
	return i <= rt->core.places;
}

static void
start_thread(struct rt *rt, int i)
{
	static const char *const name[] = { "worker", "pinned" };
	struct thread *t = &rt->thread[i];
	char text[16];
	int failed = pthread_create(&t->id, NULL, thread_main, t);

	assert(!failed);
	if (i == rt->core.places)
		snprintf(text, sizeof text, "service");
	else
		snprintf(text, sizeof text, "%s-%d", name[t->ctx.role],
		    i < rt->core.arg.workers ? i : i - rt->core.arg.workers);
#ifdef HAVE_PTHREAD_SETNAME_NP
	pthread_setname_np(t->id, text);
#endif
}

/* Signals of the process are for the service thread and foreign ones. */
void
rt_start(struct rt *rt)
{
	sigset_t all, old;

	assert(!rt->started);
	rt->started = true;
	signals_begin();
	start_thread(rt, rt->core.places);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (int i = 0; i < rt->core.places; i++)
		start_thread(rt, i);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void
rt_stop(struct rt *rt)
{
	if (rt->stopped)
		return;
	rt->stopped = true;
	atomic_store(&rt->stopping, true);
	for (int i = 0; rt->started && i < rt->core.homes; i++)
		thread_wake(&rt->thread[i], &rt->thread[i].ctx);
	for (int i = 0; rt->started && has_thread(rt, i); i++)
		pthread_join(rt->thread[i].id, NULL);
	rt->ended = true;
	core_end_all(&rt->core);
	if (rt->started)
		signals_end();
}

static void
empty_ring(struct rt *rt, int from, int to)
{
	void *cell;

	while (ring_pop(rt->rings, from, to, &cell, 1) > 0)
		cell_free(cell);
}

static void
thread_fini(struct thread *t)
{
	struct cell *c;

	for (int i = 0; i < t->ctx.core->homes; i++) {
		while ((c = cells_pop(&t->spill[i])) != NULL)
			cell_free(c);
		empty_ring(t->rt, i, t->ctx.index);
	}
	io_free(t->io);
	mem_free(t->spill);
	mem_free(t->touched);
	mem_free(t->touched_list);
	mem_free((void *)t->starved);
}

void
rt_free(struct rt *rt)
{
	rt_stop(rt);
	for (int i = 0; i < rt->ports_taken; i++)
		port_free(rt->ports[i]);
	for (int i = 0; i < rt->core.homes; i++)
		thread_fini(&rt->thread[i]);
	core_fini(&rt->core);
	rings_free(rt->rings);
	pthread_mutex_destroy(&rt->lock);
	mem_free(rt->ports);
	mem_free(rt->thread);
	mem_free(rt);
}
