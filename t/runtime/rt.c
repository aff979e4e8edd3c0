/* SPDX-License-Identifier: Apache-2.0 */
/* Threads: what arrives, in which order, and what is refused. */
#include "config.h"

#include "runtime/runtime.h"

#include <semaphore.h>

#include "base/mem.h"
#include "crowd.h"
#include "tap.h"
#include "types.h"

enum { MANY = 20000 };

/* ---- what a port got ---- */

struct got {
	uint64_t count, answers, busy, dead, down, disorder, number;
};

static void
take(void *arg, struct msg *m)
{
	struct got *g = arg;

	g->count++;
	if (m->type == SYS_DOWN) {
		g->down++;
	} else if (m->type == SYS_REFUSED) {
		g->busy += sys_why(m) == REFUSED_BUSY;
		g->dead += sys_why(m) == REFUSED_DEAD;
	} else if (m->type == T_ANSWER) {
		g->answers++;
	} else {
		uint64_t n = t_number(m);

		g->disorder += n != g->number;
		g->number = n + 1;
	}
}

/* Until that many messages came in all, or a minute is over. */
static bool
await(struct port *port, struct got *g, uint64_t count)
{
	while (g->count < count)
		if (!port_wait(port, DUR_S(60)))
			return false;
		else
			port_poll(port, take, g);
	return true;
}

/* ---- actors ---- */

/* Sends on what it gets; T_GO: a burst of MANY numbers. */
struct relay {
	addr_t to;
	sem_t *gate; /* waits here before each message; NULL: does not */
};

static void
relay_init(void *self, struct ctx *ctx, const void *arg)
{
	(void)ctx;
	memcpy(self, arg, sizeof(struct relay));
}

static void
relay_handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct relay *r = self;

	if (r->gate != NULL)
		while (sem_wait(r->gate) != 0)
			;
	switch (m->type) {
	case T_GO:
		for (uint64_t i = 0; i < MANY; i++)
			t_post(ctx, r->to, T_NOTE, i);
		break;
	case T_NOTE: t_post(ctx, r->to, T_NOTE, t_number(m)); break;
	case T_ASK: act_reply(ctx, ask_of(m), T_ANSWER); break;
	case T_ANSWER: act_exit(ctx); break;
	case T_TICK: act_post(ctx, r->to, T_ANSWER); break;
	}
	/* The gate stays open from here on. */
	if (r->gate != NULL && m->type == T_NOTE)
		r->gate = NULL;
}

static const struct actor_class relay_class = {
	.name = "relay",
	.size = sizeof(struct relay),
	.arg_size = sizeof(struct relay),
	.init = relay_init,
	.handle = relay_handle,
	.inbox_max = 3,
};

static struct rt *
started(int workers, int pinned, void *app)
{
	struct rt_arg arg = t_arg(workers, pinned, 2);
	struct rt *rt;

	arg.app = app;
	rt = rt_new(&arg);
	rt_start(rt);
	return rt;
}

/* ---- a full ring ---- */

static void
test_spill(void)
{
	struct rt *rt = started(1, 1, NULL);
	struct port *port = rt_port_new(rt, "test", NULL, NULL);
	struct got g = { 0 };
	struct rt_stats stats;
	sem_t gate;
	addr_t slow, quick;

	sem_init(&gate, 0, 0);
	slow = rt_spawn(rt, &relay_class,
	    &(struct relay){ port_addr(port), &gate }, 1);
	quick = rt_spawn(rt, &relay_class, &(struct relay){ slow, NULL }, 0);
	t_post(port_ctx(port), quick, T_GO, 0);
	/* A burst larger than the ring, into a thread that is held. */
	do
		rt_stats(rt, &stats);
	while (stats.spilled == 0);
	sem_post(&gate);
	ok(await(port, &g, MANY), "%d messages through a blocked thread", MANY);
	ok(g.disorder == 0, "in order");
	rt_stats(rt, &stats);
	diag("spilled %llu of %d", (unsigned long long)stats.spilled, MANY);
	rt_free(rt);
	sem_destroy(&gate);
}

/* ---- back-pressure ---- */

static void
test_refusals(void)
{
	struct rt *rt = started(1, 1, NULL);
	struct port *port = rt_port_new(rt, "test", NULL, NULL);
	struct ctx *ctx = port_ctx(port);
	struct got g = { 0 };
	struct rt_stats stats;
	sem_t gate;
	addr_t slow;

	sem_init(&gate, 0, 0);
	slow = rt_spawn(rt, &relay_class,
	    &(struct relay){ port_addr(port), &gate }, 1);
	for (int i = 0; i < 10; i++)
		act_ask(ctx, slow, T_ASK, DUR_S(1));
	await(port, &g, 6);
	ok(g.busy >= 6 && g.answers == 0,
	    "busy is said at once, the receiver being blocked");
	for (int i = 0; i < 10; i++)
		sem_post(&gate);
	ok(await(port, &g, 10) && g.busy + g.answers == 10 && g.answers >= 3,
	    "every request has one outcome");

	g = (struct got){ 0 };
	act_watch(ctx, slow);
	act_post(ctx, slow, T_ANSWER);
	sem_post(&gate);
	ok(await(port, &g, 1) && g.down == 1, "its end is told");
	act_ask(ctx, slow, T_ASK, DUR_S(1));
	act_watch(ctx, slow);
	ok(await(port, &g, 3) && g.dead == 1 && g.down == 2,
	    "and told again to who asks later");
	rt_stats(rt, &stats);
	ok(stats.refused >= 6 && stats.dead_letters >= 2 &&
	    stats.sent_remote > 0, "all of it counted");
	rt_free(rt);
	sem_destroy(&gate);
}

static void
test_ticks(void)
{
	struct rt *rt = started(1, 1, NULL);
	struct port *port = rt_port_new(rt, "test", NULL, NULL);
	struct ctx *ctx = port_ctx(port);
	struct got g = { 0 };
	struct rt_stats stats;
	sem_t gate;
	addr_t slow;

	sem_init(&gate, 0, 0);
	slow = rt_spawn(rt, &relay_class,
	    &(struct relay){ port_addr(port), &gate }, 1);
	t_post(ctx, slow, T_NOTE, 7); /* holds it, then opens the gate */
	for (int i = 0; i < 100; i++)
		act_post(ctx, slow, T_TICK);
	t_post(ctx, slow, T_NOTE, 8);
	sem_post(&gate);
	while (g.number != 9 && port_wait(port, DUR_S(60)))
		port_poll(port, take, &g);
	rt_stats(rt, &stats);
	ok(g.answers >= 1 && g.answers + stats.merged_ticks == 100,
	    "ticks that wait merge");
	rt_free(rt);
	sem_destroy(&gate);
}

/* ---- wake callback ---- */

struct bell {
	sem_t rung;
	_Atomic int rings;
};

static void
ring_bell(void *arg)
{
	struct bell *b = arg;

	atomic_fetch_add(&b->rings, 1);
	sem_post(&b->rung);
}

/* What waits in the rings when a port is polled rings no bell any more. */
static void
test_wake_once(void)
{
	enum { WAITING = 700 };
	struct rt *rt = started(2, 0, NULL);
	struct bell bell = { .rings = 0 };
	struct got g = { 0 };
	struct port *port;
	struct rt_stats stats;
	addr_t relay;

	sem_init(&bell.rung, 0, 0);
	port = rt_port_new(rt, "loop", ring_bell, &bell);
	relay = rt_spawn(rt, &relay_class,
	    &(struct relay){ port_addr(port), NULL }, 1);
	for (uint64_t i = 0; i < WAITING; i++)
		t_post(port_ctx(port), relay, T_NOTE, i);
	do
		rt_stats(rt, &stats);
	while (stats.handled < WAITING);
	while (sem_wait(&bell.rung) != 0)
		;
	port_poll(port, take, &g);
	/* The last handler may have been counted before it had sent. */
	while (g.count < WAITING && sem_trywait(&bell.rung) == 0)
		port_poll(port, take, &g);
	ok(g.count >= WAITING - 1, "one poll takes all that waits: %llu",
	    (unsigned long long)g.count);
	rt_free(rt);
	sem_destroy(&bell.rung);
}

static void
test_wake(void)
{
	struct rt *rt = started(2, 0, NULL);
	struct bell bell = { .rings = 0 };
	struct got g = { 0 };
	struct port *port;
	struct ctx *ctx;
	addr_t echo;

	sem_init(&bell.rung, 0, 0);
	port = rt_port_new(rt, "loop", ring_bell, &bell);
	ctx = port_ctx(port);
	echo = rt_spawn(rt, &relay_class,
	    &(struct relay){ port_addr(port), NULL }, 1);
	for (uint64_t i = 0; i < 50; i++)
		t_post(ctx, echo, T_NOTE, i);
	while (g.count < 50) {
		while (sem_wait(&bell.rung) != 0)
			;
		port_poll(port, take, &g);
	}
	ok(g.disorder == 0 && atomic_load(&bell.rings) <= 51,
	    "the callback wakes the loop, once for each poll at most");
	g.count = 0;
	act_ask(ctx, ADDR_NONE, T_ASK, DUR_S(1));
	while (g.count < 1) {
		while (sem_wait(&bell.rung) != 0)
			;
		port_poll(port, take, &g);
	}
	is_int((int64_t)g.dead, 1, "a refusal rings too");
	rt_free(rt);
	sem_destroy(&bell.rung);
}

/* ---- moving about ---- */

static void
test_crowd(int workers, int pinned, unsigned homes, const char *what)
{
	static struct crowd crowd;
	struct rt *rt;
	struct port *port;
	struct rt_stats stats;

	memset(&crowd, 0, sizeof crowd);
	crowd.rounds = 2000;
	crowd.homes = homes;
	crowd.hurry = true;
	rt = started(workers, pinned, &crowd);
	port = rt_port_new(rt, "test", NULL, NULL);
	for (unsigned i = 0; i < CROWD; i++)
		crowd.who[i] = rt_spawn(rt, &talker_class, &i, HOME_ANY);
	for (unsigned i = 0; i < CROWD; i++)
		t_post(port_ctx(port), crowd.who[i], T_GO, 0);
	/* A port takes part in moves: it is polled now and then. */
	for (int i = 0; i < 60000 &&
	     atomic_load(&crowd.handled) < crowd_total(&crowd); i++)
		port_wait(port, DUR_MS(1));
	is_int((int64_t)atomic_load(&crowd.handled),
	    (int64_t)crowd_total(&crowd), "%s: nothing is lost", what);
	is_int((int64_t)atomic_load(&crowd.disorder), 0,
	    "%s: order of each pair is kept", what);
	rt_stats(rt, &stats);
	is_int((int64_t)stats.timers, 0, "%s: no timer is left", what);
	rt_free(rt);
}

/* ---- many actors ---- */

static void
test_many(void)
{
	struct rt *rt = started(2, 1, NULL);
	struct port *port = rt_port_new(rt, "test", NULL, NULL);
	struct got g = { 0 };
	struct rt_stats stats;
	addr_t *who = mem_alloc(5000 * sizeof *who);

	for (int i = 0; i < 5000; i++)
		who[i] = rt_spawn(rt, &relay_class,
		    &(struct relay){ port_addr(port), NULL }, HOME_ANY);
	for (int i = 0; i < 5000; i++)
		act_ask(port_ctx(port), who[i], T_ASK, DUR_S(60));
	ok(await(port, &g, 5000) && g.answers == 5000,
	    "5000 actors spawned from outside answer");
	rt_stats(rt, &stats);
	/* The port and what the runtime itself has. */
	is_int((int64_t)stats.actors, 5002, "and are alive");
	rt_stop(rt);
	rt_stats(rt, &stats);
	is_int((int64_t)stats.actors, 1, "until the end, ports excepted");
	rt_free(rt);
	mem_free(who);
}

int
main(void)
{
	test_spill();
	test_refusals();
	test_ticks();
	test_wake();
	test_wake_once();
	test_crowd(2, 0, 0, "two workers");
	test_crowd(3, 1, 4, "moving");
	test_many();
	return tap_done();
}
