/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that sleeps wakes when its timer is due, and not a second later. */
#include "config.h"

#include "runtime/runtime.h"

#include "tap.h"

enum { TICK = SYS_MAX, PARK_DONE, TYPES, TICKS = 20 };

static const enum msg_kind kinds[] = { MSG_TICK, MSG_ANS };

struct sleeper {
	addr_t to;
	mono_t start;
	int ticks;
};

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	struct sleeper *s = self;

	s->to = *(const addr_t *)arg;
	s->start = act_now(ctx);
	act_timer(ctx, DUR_MS(5), TICK);
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct sleeper *s = self;

	(void)m;
	if (++s->ticks < TICKS) {
		act_timer(ctx, DUR_MS(5), TICK);
		return;
	}
	pack_int(act_body(ctx), mono_sub(act_now(ctx), s->start).us);
	act_post(ctx, s->to, PARK_DONE);
}

static const struct actor_class sleeper_class = {
	.name = "sleeper",
	.size = sizeof(struct sleeper),
	.arg_size = sizeof(addr_t),
	.init = init,
	.handle = handle,
};

static const char *
name(uint16_t type)
{
	return type == TICK ? "tick" : "done";
}

static void
wake(void *arg)
{
	(void)arg;
}

static void
on_done(void *arg, struct msg *m)
{
	struct pcur c;

	pcur_init(&c, m->body.data, m->body.len);
	*(int64_t *)arg = pcur_int(&c);
}

/* How long TICKS timers of 5 ms take, one after the other. */
static int64_t
measure(int home)
{
	struct rt_arg arg = { .workers = 1, .pinned = 1, .ports = 1,
		.kinds = kinds, .types = TYPES, .type_name = name };
	struct rt *rt = rt_new(&arg);
	struct port *port = rt_port_new(rt, "test", wake, NULL);
	addr_t to = port_addr(port);
	int64_t us = 0;

	rt_spawn(rt, &sleeper_class, &to, home);
	rt_start(rt);
	while (us == 0 && port_wait(port, DUR_S(30)))
		port_poll(port, on_done, &us);
	rt_stop(rt);
	rt_free(rt);
	return us;
}

int
main(void)
{
	int64_t us;

	for (int home = 0; home < 2; home++) {
		us = measure(home);
		ok(us >= TICKS * 5000, "home %d: not before it is due", home);
		/* Sleeping past it would cost a second each time. */
		ok(us > 0 && us < 5000000, "nor long after (%d ms)",
		    (int)(us / 1000));
	}
	return tap_done();
}
