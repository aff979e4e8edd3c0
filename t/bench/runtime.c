/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime's cost, next to a mutex-and-condition mailbox and ck's
 * multi-producer ring in the same run.  Ours packs and unpacks msgpack, takes
 * cells from pools and goes through actors' inboxes; the others copy 16 bytes.
 */
#include "config.h"

#include <malloc.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench.h"
#include "mailbox.h"
#include "runtime/sim.h"
#include "runtime/types.h"

enum {
	BURST = 256,	 /* messages between two acknowledgements */
	BURSTS = 3,	 /* of one sender under way */
	ROUNDS = 100000, /* of ping-pong between threads */
	LOCAL_ROUNDS = 100, /* on one worker, for one reading of the clock */
	ACTORS = 10000,
	TOKENS = 500,
	HOPS = 4000,
	TIMERS = 1000000,
};

static void
ignore(void *arg, struct msg *m)
{
	(void)arg;
	(void)m;
}

static void
await(struct port *port, uint64_t count)
{
	while (count > 0) {
		port_wait(port, DUR_S(600));
		count -= port_poll(port, ignore, NULL);
	}
}

static struct rt *
started(int workers, struct port **port, void *app)
{
	struct rt_arg arg = t_arg(workers, 0, 1);
	struct rt *rt;

	arg.app = app;
	rt = rt_new(&arg);
	*port = rt_port_new(rt, "bench", NULL, NULL);
	rt_start(rt);
	return rt;
}

/* ---- many to one ---- */

struct sink {
	addr_t port;
	uint64_t left;
};

static void
sink_init(void *self, struct ctx *ctx, const void *arg)
{
	(void)ctx;
	memcpy(self, arg, sizeof(struct sink));
}

static void
sink_handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct sink *s = self;

	if (t_number(m) % BURST == BURST - 1)
		act_post(ctx, m->from, T_ANSWER);
	if (--s->left == 0)
		act_post(ctx, s->port, T_GO);
}

static const struct actor_class sink_class = {
	.name = "sink",
	.size = sizeof(struct sink),
	.arg_size = sizeof(struct sink),
	.init = sink_init,
	.handle = sink_handle,
};

struct source {
	addr_t to;
	uint64_t sent, each;
};

static void
source_init(void *self, struct ctx *ctx, const void *arg)
{
	(void)ctx;
	memcpy(self, arg, sizeof(struct source));
}

static void
source_handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct source *s = self;
	int burst = m->type == T_GO ? BURST * BURSTS : BURST;

	for (int i = 0; i < burst && s->sent < s->each; i++)
		t_post(ctx, s->to, T_NOTE, s->sent++);
}

static const struct actor_class source_class = {
	.name = "source",
	.size = sizeof(struct source),
	.arg_size = sizeof(struct source),
	.init = source_init,
	.handle = source_handle,
};

static struct lap
rt_many_to_one(int senders, uint64_t each)
{
	struct port *port;
	struct rt *rt = started(senders + 1, &port, NULL);
	struct sink to = { port_addr(port), (uint64_t)senders * each };
	struct source from = { rt_spawn(rt, &sink_class, &to, 0), 0, each };
	struct lap lap = lap_begin();

	for (int i = 0; i < senders; i++)
		act_post(port_ctx(port),
		    rt_spawn(rt, &source_class, &from, i + 1), T_GO);
	await(port, 1);
	lap = lap_end(lap);
	rt_free(rt);
	return lap;
}

static void
bench_many_to_one(int senders, uint64_t total)
{
	uint64_t each = total / (uint64_t)senders;
	char name[64];
	struct lap lap;
	double base = 0, rate;

	for (int k = 0; k < MAILBOXES; k++) {
		lap = BEST_OF_3(mailbox_many_to_one((enum mailbox)k, senders,
		    each));
		snprintf(name, sizeof name, "%d to 1, %s", senders,
		    mailbox_name[k]);
		rate = print_rate(name, each * (uint64_t)senders, lap, base);
		if (k == MUTEX_COND)
			base = rate;
	}
	snprintf(name, sizeof name, "%d to 1, actors", senders);
	print_rate(name, each * (uint64_t)senders,
	    BEST_OF_3(rt_many_to_one(senders, each)), base);
}

/* ---- ping-pong ---- */

struct player {
	addr_t other, port;
	int64_t *ns; /* NULL: just answers */
	size_t round, rounds;
	int per; /* rounds for one reading of the clock */
	int fd;	 /* to be watched, so that the thread sleeps in epoll; -1 */
	int count;
	int64_t start;
};

static void
player_init(void *self, struct ctx *ctx, const void *arg)
{
	struct player *p = self;

	*p = *(const struct player *)arg;
	if (p->fd >= 0)
		act_io(ctx, p->fd, EPOLLIN);
}

static void
player_handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct player *p = self;
	int64_t now;

	if (p->ns != NULL && m->type == T_GO)
		p->start = bench_ns(CLOCK_MONOTONIC);
	else if (p->ns != NULL && ++p->count == p->per) {
		now = bench_ns(CLOCK_MONOTONIC);
		p->ns[p->round++] = now - p->start;
		p->start = now;
		p->count = 0;
		if (p->round == p->rounds) {
			act_post(ctx, p->port, T_GO);
			return;
		}
	}
	t_post(ctx, p->ns != NULL ? p->other : m->from, T_NOTE, 1);
}

static const struct actor_class player_class = {
	.name = "player",
	.size = sizeof(struct player),
	.arg_size = sizeof(struct player),
	.init = player_init,
	.handle = player_handle,
};

static struct lap
rt_ping_pong(int workers, bool epoll, int per, int64_t *ns)
{
	struct port *port;
	struct rt *rt = started(workers, &port, NULL);
	struct player p = { .per = per, .fd = -1, .rounds = ROUNDS,
		.port = port_addr(port) };
	struct lap lap;
	int end[2];

	if (pipe(end) != 0)
		abort();
	if (epoll)
		p.fd = end[0];
	p.other = rt_spawn(rt, &player_class, &p, workers - 1);
	p.ns = ns;
	if (epoll)
		p.fd = dup(end[0]);
	lap = lap_begin();
	act_post(port_ctx(port), rt_spawn(rt, &player_class, &p, 0), T_GO);
	await(port, 1);
	lap = lap_end(lap);
	rt_free(rt);
	close(end[0]);
	close(end[1]);
	if (p.fd >= 0)
		close(p.fd);
	return lap;
}

static const struct {
	const char *name;
	int mailbox; /* -1: actors */
	int workers;
	bool epoll;
	int per;
} ping_pong[] = {
	{ "there and back, mutex+cond", MUTEX_COND, 0, false, 1 },
	{ "there and back, ck mpsc", CK_MPSC, 0, false, 1 },
	{ "there and back, ck spsc each", RINGS, 0, false, 1 },
	{ "there and back, 2 workers, futex", -1, 2, false, 1 },
	{ "there and back, 2 workers, epoll", -1, 2, true, 1 },
	{ "there and back, 1 worker", -1, 1, false, LOCAL_ROUNDS },
};

static struct lap
run_ping_pong(size_t i, int64_t *ns)
{
	if (ping_pong[i].mailbox >= 0)
		return mailbox_ping_pong((enum mailbox)ping_pong[i].mailbox, ns,
		    ROUNDS);
	return rt_ping_pong(ping_pong[i].workers, ping_pong[i].epoll,
	    ping_pong[i].per, ns);
}

/* The best of three by the time that all rounds took. */
static struct lap
best_ping_pong(size_t i, int64_t *ns)
{
	int64_t *more = mem_alloc(ROUNDS * sizeof ns[0]);
	struct lap best = run_ping_pong(i, ns);

	for (int k = 0; k < 2; k++) {
		struct lap lap = run_ping_pong(i, more);

		if (lap.wall_ns > best.wall_ns)
			continue;
		best = lap;
		memcpy(ns, more, ROUNDS * sizeof ns[0]);
	}
	mem_free(more);
	return best;
}

static void
bench_ping_pong(void)
{
	int64_t *ns = mem_alloc(ROUNDS * sizeof ns[0]);
	double base = 0, p50;

	for (size_t i = 0; i < MEM_COUNT(ping_pong); i++) {
		struct lap lap = best_ping_pong(i, ns);

		p50 = print_latency(ping_pong[i].name, ns, ROUNDS,
		    ping_pong[i].per, lap, base);
		if (i == 0)
			base = p50;
	}
	mem_free(ns);
}

/* ---- ten thousand actors ---- */

static addr_t who[ACTORS];

static void
passer_handle(void *self, struct ctx *ctx, struct msg *m)
{
	uint64_t left = t_number(m);

	(void)self;
	if (left == 0)
		act_post(ctx, *(addr_t *)act_app(ctx), T_GO);
	else
		t_post(ctx, who[act_random_below(ctx, ACTORS)], T_NOTE,
		    left - 1);
}

static const struct actor_class passer_class = {
	.name = "passer",
	.handle = passer_handle,
};

static struct lap
rt_tokens(int workers)
{
	struct port *port;
	addr_t home;
	struct rt *rt = started(workers, &port, &home);
	struct lap lap;

	home = port_addr(port);
	for (int i = 0; i < ACTORS; i++)
		who[i] = rt_spawn(rt, &passer_class, NULL, HOME_ANY);
	lap = lap_begin();
	for (int i = 0; i < TOKENS; i++)
		t_post(port_ctx(port), who[i], T_NOTE, HOPS);
	await(port, TOKENS);
	lap = lap_end(lap);
	rt_free(rt);
	return lap;
}

static void
bench_tokens(void)
{
	uint64_t count = (uint64_t)TOKENS * HOPS;
	double base;

	base = print_rate("tokens, 2 threads, mutex+cond", count,
	    BEST_OF_3(mailbox_tokens(MUTEX_COND, TOKENS, HOPS)), 0);
	print_rate("tokens, 2 threads, ck mpsc", count,
	    BEST_OF_3(mailbox_tokens(CK_MPSC, TOKENS, HOPS)), base);
	print_rate("tokens, 2 threads, ck spsc each", count,
	    BEST_OF_3(mailbox_tokens(RINGS, TOKENS, HOPS)), base);
	print_rate("tokens, 10000 actors, 2 workers", count,
	    BEST_OF_3(rt_tokens(2)), base);
	print_rate("tokens, 10000 actors, 1 worker", count,
	    BEST_OF_3(rt_tokens(1)), base);
}

/* ---- timers ---- */

struct clockwork {
	timer_ref *ref;
	uint64_t came;
};

static void
on_set(struct clockwork *c, struct ctx *ctx)
{
	struct lap lap = lap_begin();

	for (int i = 0; i < TIMERS; i++)
		c->ref[i] = act_timer(ctx,
		    DUR_MS(1000 + act_random_below(ctx, 3600000)), T_NOTE);
	print_rate("timer, set, up to a million", TIMERS, lap_end(lap), 0);
	/* One more and one less, the million being there. */
	lap = lap_begin();
	for (int i = 0; i < TIMERS; i++) {
		timer_ref t = act_timer(ctx,
		    DUR_MS(1000 + act_random_below(ctx, 3600000)), T_NOTE);

		act_cancel(ctx, &t);
	}
	print_rate("timer, set and cancel, at a million", TIMERS, lap_end(lap),
	    0);
	lap = lap_begin();
	for (int i = 0; i < TIMERS; i += 2)
		act_cancel(ctx, &c->ref[i]);
	print_rate("timer, cancel, at a million", TIMERS / 2, lap_end(lap), 0);
}

static void
clockwork_handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct clockwork *c = self;

	if (m->type == T_GO) {
		c->ref = mem_alloc(TIMERS * sizeof c->ref[0]);
		on_set(c, ctx);
		mem_free(c->ref);
	} else {
		c->came++;
	}
}

static const struct actor_class clockwork_class = {
	.name = "clockwork",
	.size = sizeof(struct clockwork),
	.handle = clockwork_handle,
};

static void
bench_timers(void)
{
	struct rt_arg arg = t_arg(1, 0, 1);
	struct sim *sim = sim_new(&arg, 1, (wall_t){ 0 });
	struct port *port = sim_port(sim, "bench");
	addr_t a = sim_spawn(sim, &clockwork_class, NULL, 0);
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	struct lap lap;

	act_post(port_ctx(port), a, T_GO);
	sim_run(sim, DUR_MS(10));
	printf("%-34s %8.1f bytes\n", "timer, memory each",
	    (double)(mallinfo2().uordblks + mallinfo2().hblkhd - before) /
	    TIMERS);
	lap = lap_begin();
	sim_run(sim, DUR_S(3700));
	print_rate("timer, expire and handle, simulated", TIMERS / 2, lap_end(lap), 0);
	sim_free(sim);
}

/* ---- doing nothing ---- */

static void
bench_idle(void)
{
	struct port *port;
	struct rt *rt = started(4, &port, NULL);
	struct lap lap = lap_begin();

	port_wait(port, DUR_S(2));
	lap = lap_end(lap);
	printf("%-34s %8.4f %% of a core\n", "idle, 4 workers and a port",
	    100.0 * (double)lap.cpu_ns / (double)lap.wall_ns);
	rt_free(rt);
}

static void
bench_all_to_one(void)
{
	bench_many_to_one(1, 4000000);
	bench_many_to_one(4, 4000000);
	bench_many_to_one(8, 4000000);
}

/* runtime [to-one | ping-pong | tokens | timers | idle]: one of them or all. */
int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} bench[] = {
		{ "to-one", bench_all_to_one },
		{ "ping-pong", bench_ping_pong },
		{ "tokens", bench_tokens },
		{ "timers", bench_timers },
		{ "idle", bench_idle },
	};

	for (size_t i = 0; i < MEM_COUNT(bench); i++)
		if (argc < 2 || strcmp(argv[1], bench[i].name) == 0)
			bench[i].run();
	return 0;
}
