/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator: what actors may rely on, and that a run is its seed's. */
#include "config.h"

#include "runtime/sim.h"

#include "base/mem.h"
#include "crowd.h"
#include "tap.h"
#include "types.h"

static struct sim *
new_sim(uint64_t seed, void *app)
{
	struct rt_arg arg = t_arg(3, 1, 2);

	arg.app = app;
	return sim_new(&arg, seed, (wall_t){ 1795395723000000 });
}

/* ---- an actor that writes down what it gets ---- */

struct seen {
	uint16_t type[64];
	addr_t from[64];
	uint32_t serial[64];
	int64_t at_us[64];
	uint64_t number[64];
	int why[64];
	int count;
	int fini;
};

static void
keep(struct seen *s, const struct ctx *ctx, const struct msg *m)
{
	int i = s->count++;

	assert(i < 64);
	s->type[i] = m->type;
	s->from[i] = m->from;
	s->serial[i] = m->serial;
	s->at_us[i] = act_now(ctx).us;
	s->number[i] = m->type >= SYS_MAX && m->body.len > 0 ? t_number(m) : 0;
	s->why[i] = m->type == SYS_REFUSED ? (int)sys_why(m) : -1;
}

struct scribe {
	struct seen *seen;
};

static void
scribe_init(void *self, struct ctx *ctx, const void *arg)
{
	struct scribe *s = self;

	(void)ctx;
	s->seen = *(struct seen *const *)arg;
}

static void
scribe_handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct scribe *s = self;

	keep(s->seen, ctx, m);
	if (m->type == T_ASK)
		act_reply(ctx, ask_of(m), T_ANSWER);
	if (m->type == T_GO)
		act_exit(ctx);
}

static void
scribe_fini(void *self, struct ctx *ctx)
{
	struct scribe *s = self;

	(void)ctx;
	s->seen->fini++;
}

static const struct actor_class scribe_class = {
	.name = "scribe",
	.size = sizeof(struct scribe),
	.arg_size = sizeof(struct seen *),
	.init = scribe_init,
	.handle = scribe_handle,
	.fini = scribe_fini,
	.inbox_max = 3,
};

static addr_t
spawn_scribe(struct sim *sim, struct seen *seen, int home)
{
	return sim_spawn(sim, &scribe_class, &seen, home);
}

static void
port_keep(void *arg, struct msg *m)
{
	struct seen *s = arg;
	int i = s->count++;

	assert(i < 64);
	s->type[i] = m->type;
	s->from[i] = m->from;
	s->serial[i] = m->serial;
	s->why[i] = m->type == SYS_REFUSED ? (int)sys_why(m) : -1;
}

/* ---- requests ---- */

static void
test_requests(void)
{
	struct sim *sim = new_sim(1, NULL);
	struct port *port = sim_port(sim, "story");
	struct ctx *ctx = port_ctx(port);
	struct seen got = { 0 }, back = { 0 };
	addr_t a = spawn_scribe(sim, &got, 1);
	uint32_t serial[5];
	int busy = 0, answered = 0, right = 0;

	for (int i = 0; i < 5; i++)
		serial[i] = act_ask(ctx, a, T_ASK, DUR_S(1));
	sim_run(sim, DUR_S(1));
	port_poll(port, port_keep, &back);
	is_int(back.count, 5, "five requests, five outcomes");
	for (int i = 0; i < back.count; i++) {
		busy += back.why[i] == REFUSED_BUSY;
		answered += back.type[i] == T_ANSWER;
		right += addr_eq(back.from[i], a);
		for (int j = 0; j < 5; j++)
			if (serial[j] == back.serial[i])
				serial[j] = 0;
	}
	is_int(answered, 3, "as many answered as may wait");
	is_int(busy, 2, "the others are refused as busy");
	is_int(right, 5, "each names who was asked");
	is_int(serial[0] | serial[1] | serial[2] | serial[3] | serial[4], 0,
	    "each with its serial");

	back.count = 0;
	act_post(ctx, a, T_GO);
	serial[0] = act_ask(ctx, a, T_ASK, DUR_S(1));
	sim_run(sim, DUR_S(1));
	serial[1] = act_ask(ctx, a, T_ASK, DUR_S(1));
	sim_run(sim, DUR_S(1));
	port_poll(port, port_keep, &back);
	is_int(back.count, 2, "asked while dying and when dead");
	ok(back.why[0] == REFUSED_DEAD && back.serial[0] == serial[0],
	    "what waited in the inbox is refused as dead");
	ok(back.why[1] == REFUSED_DEAD && back.serial[1] == serial[1],
	    "so is what comes later");
	is_int(got.fini, 1, "fini ran once");
	sim_free(sim);
}

static void
test_addresses(void)
{
	struct sim *sim = new_sim(2, NULL);
	struct port *port = sim_port(sim, "story");
	struct ctx *ctx = port_ctx(port);
	struct seen got = { 0 }, back = { 0 };
	struct rt_stats stats;
	addr_t old = spawn_scribe(sim, &got, 0), now = ADDR_NONE;

	act_watch(ctx, old);
	act_watch(ctx, old);
	t_post(ctx, old, T_GO, 0);
	sim_run(sim, DUR_S(1));
	act_watch(ctx, old);
	sim_run(sim, DUR_S(1));
	port_poll(port, port_keep, &back);
	is_int(back.count, 2, "one notice for two watches, one for the dead");
	ok(back.type[0] == SYS_DOWN && addr_eq(back.from[0], old) &&
	    back.type[1] == SYS_DOWN && addr_eq(back.from[1], old),
	    "a notice says who is down");

	for (int i = 0; i < 2000 && now.slot != old.slot; i++) {
		now = spawn_scribe(sim, &got, 0);
		if (now.slot != old.slot)
			t_post(ctx, now, T_GO, 0);
		sim_run(sim, DUR_MS(10));
		got.count = 0;
	}
	ok(now.slot == old.slot && now.gen != old.gen,
	    "a slot is used again, with another generation");
	t_post(ctx, old, T_NOTE, 1);
	t_post(ctx, ADDR_NONE, T_NOTE, 1);
	sim_run(sim, DUR_S(1));
	is_int(got.count, 0, "the old address does not lead to the new one");
	sim_stats(sim, &stats);
	is_int((int64_t)stats.dead_letters, 3, "dead letters are counted");
	is_int((int64_t)stats.actors, 2, "one actor and the port are alive");
	sim_free(sim);
}

/* ---- ticks and timers ---- */

struct clockwork {
	struct seen *seen;
	timer_ref kept, taken;
	bool again;
};

static void
clockwork_init(void *self, struct ctx *ctx, const void *arg)
{
	struct clockwork *c = self;

	c->seen = *(struct seen *const *)arg;
	act_timer(ctx, DUR_MS(30), T_NOTE);
	act_timer(ctx, DUR_S(5000), T_NOTE);
	c->taken = act_timer(ctx, DUR_MS(20), T_ANSWER);
	act_timer(ctx, DUR_MS(10), T_TICK2);
	act_timer(ctx, DUR_MS(10), T_TICK2);
	c->kept = act_timer(ctx, DUR_MS(10), T_GO);
	act_timer(ctx, DUR_ZERO, T_TICK);
}

static void
clockwork_handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct clockwork *c = self;

	keep(c->seen, ctx, m);
	if (m->type == T_TICK) {
		timer_ref now = act_timer(ctx, DUR_ZERO, T_ASK);

		c->again = act_cancel(ctx, &c->taken);
		assert(!act_cancel(ctx, &c->taken));
		assert(act_cancel(ctx, &now));
	}
	if (m->type == T_GO)
		assert(!act_cancel(ctx, &c->kept));
}

static const struct actor_class clockwork_class = {
	.name = "clockwork",
	.size = sizeof(struct clockwork),
	.arg_size = sizeof(struct seen *),
	.init = clockwork_init,
	.handle = clockwork_handle,
};

static void
test_timers(void)
{
	static const uint16_t want[] = { T_TICK, T_TICK2, T_GO, T_NOTE,
		T_NOTE };
	static const int64_t want_ms[] = { 0, 10, 10, 30, 5000000 };
	struct sim *sim = new_sim(3, NULL);
	struct seen got = { 0 }, *arg = &got;
	struct rt_stats stats;
	int64_t start = sim_now(sim).us;

	sim_spawn(sim, &clockwork_class, &arg, 0);
	sim_run(sim, DUR_S(6000));
	is_int(got.count, 5, "what was taken back does not come");
	for (int i = 0; i < 5; i++)
		ok(got.type[i] == want[i] &&
		    got.at_us[i] == start + want_ms[i] * 1000,
		    "%s at %lld ms", t_name(got.type[i]),
		    (long long)(got.at_us[i] - start) / 1000);
	sim_stats(sim, &stats);
	is_int((int64_t)stats.timers, 0, "no timer is left");
	is_int((int64_t)stats.merged_ticks, 1, "equal ticks merged");
	is_int(sim_now(sim).us, start + 6000000000, "the clock is where it was "
	    "sent");
	ok(!sim_step(sim), "nothing is left to do");
	sim_clock_jump(sim, DUR_S(-3600));
	is_int(wall_seconds(sim_wall(sim)), 1795395723 + 6000 - 3600,
	    "the wall clock jumps alone");
	sim_free(sim);
}

/* ---- order and chance: a crowd that talks at random ---- */

static uint64_t
run_crowd(uint64_t seed, struct crowd *crowd)
{
	struct sim *sim = new_sim(seed, crowd);
	struct port *port = sim_port(sim, "story");
	uint64_t digest;

	memset(crowd, 0, sizeof *crowd);
	crowd->rounds = 200;
	crowd->homes = 4;
	for (unsigned i = 0; i < CROWD; i++)
		crowd->who[i] = sim_spawn(sim, &talker_class, &i, HOME_ANY);
	for (unsigned i = 0; i < CROWD; i++)
		t_post(port_ctx(port), crowd->who[i], T_GO, 0);
	while (sim_step(sim))
		;
	digest = sim_digest(sim);
	sim_free(sim);
	return digest;
}

static void
test_seeds(void)
{
	static struct crowd crowd;
	uint64_t digest[20], lost = 0, disorder = 0;
	int same = 0, different = 0;

	for (uint64_t seed = 0; seed < 20; seed++) {
		digest[seed] = run_crowd(seed, &crowd);
		lost += crowd_total(&crowd) - crowd.handled;
		disorder += crowd.disorder;
		different += seed > 0 && digest[seed] != digest[seed - 1];
	}
	for (uint64_t seed = 0; seed < 20; seed += 5)
		same += run_crowd(seed, &crowd) == digest[seed];
	is_int((int64_t)lost, 0, "nothing is lost, actors moving about");
	is_int((int64_t)disorder, 0, "order of each pair is kept");
	is_int(same, 4, "the same seed gives the same run");
	is_int(different, 19, "another seed another one");
}

/* ---- port_wait in virtual time ---- */

static void
test_port(void)
{
	struct sim *sim = new_sim(9, NULL);
	struct port *port = sim_port(sim, "story");
	struct seen got = { 0 }, back = { 0 };
	addr_t a = spawn_scribe(sim, &got, 3);
	int64_t before;

	act_ask(port_ctx(port), a, T_ASK, DUR_S(1));
	ok(port_wait(port, DUR_S(10)), "waiting runs the others");
	is_int((int64_t)port_poll(port, port_keep, &back), 1, "one answer");
	before = sim_now(sim).us;
	ok(!port_wait(port, DUR_S(10)), "nothing more comes");
	is_int(sim_now(sim).us - before, 10000000, "and the time passed");
	sim_free(sim);
}

int
main(void)
{
	test_requests();
	test_addresses();
	test_timers();
	test_seeds();
	test_port();
	return tap_done();
}
