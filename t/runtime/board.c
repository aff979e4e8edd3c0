/* SPDX-License-Identifier: Apache-2.0 */
/* The board: who finds what, and readers while writers write. */
#include "config.h"

#include "runtime/board.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/mem.h"
#include "runtime/sim.h"
#include "tap.h"
#include "types.h"

enum { KIND, OTHER_KIND };
enum { KEYS = 500, ROUNDS = 60 };

/* ---- something published ---- */

static _Atomic int alive;

struct thing {
	struct shared shared;
	uint64_t n, again; /* equal, or memory was freed too early */
};

static void
thing_free(struct shared *s)
{
	struct thing *t = (struct thing *)s;

	t->n = 1;
	t->again = 2;
	atomic_fetch_sub(&alive, 1);
	mem_free(t);
}

static struct thing *
thing_new(uint64_t n)
{
	struct thing *t = mem_zalloc(sizeof *t);

	shared_init(&t->shared, thing_free);
	t->n = t->again = n;
	atomic_fetch_add(&alive, 1);
	return t;
}

static void
key_text(char text[16], uint64_t n)
{
	snprintf(text, 16, "key-%llu", (unsigned long long)n);
}

/* The number under a key; -1: nothing. */
static int64_t
look(struct ctx *ctx, unsigned kind, const char *key)
{
	struct thing *t = board_get(ctx, kind, key);
	int64_t n = t != NULL ? (int64_t)t->n : -1;

	shared_unref(t);
	return n;
}

/* ---- an actor that puts and takes away what it is told ---- */

static void
poster_handle(void *self, struct ctx *ctx, struct msg *m)
{
	(void)self;
	switch (m->type) {
	case T_NOTE: board_put(ctx, KIND, "k", thing_new(t_number(m))); break;
	case T_ANSWER: board_remove(ctx, KIND, "k"); break;
	case T_TICK: act_rehome(ctx, 2); break;
	case T_GO: act_exit(ctx); break;
	}
}

static const struct actor_class poster_class = {
	.name = "poster",
	.handle = poster_handle,
};

static void
count_one(void *arg, const char *key, void *s)
{
	int64_t *sum = arg;
	struct thing *t = s;

	assert(strcmp(key, "k") == 0);
	sum[0]++;
	sum[1] += (int64_t)t->n;
}

static void
tell(struct sim *sim, struct port *port, addr_t to, uint16_t type, uint64_t n)
{
	t_post(port_ctx(port), to, type, n);
	sim_run(sim, DUR_S(1));
}

static void
test_rules(void)
{
	struct rt_arg arg = t_arg(3, 0, 1);
	struct sim *sim = sim_new(&arg, 5, (wall_t){ 0 });
	struct port *port = sim_port(sim, "test");
	struct ctx *ctx = port_ctx(port);
	addr_t a = sim_spawn(sim, &poster_class, NULL, 0);
	addr_t b = sim_spawn(sim, &poster_class, NULL, 1);
	addr_t c = sim_spawn(sim, &poster_class, NULL, 0);
	int64_t sum[2] = { 0, 0 };
	uint64_t version = board_version(ctx, KIND);

	is_int(look(ctx, KIND, "k"), -1, "nothing there");
	tell(sim, port, a, T_NOTE, 1);
	is_int(look(ctx, KIND, "k"), 1, "published");
	ok(board_version(ctx, KIND) > version &&
	    board_version(ctx, OTHER_KIND) == 0, "the kind has a new version");
	is_int(look(ctx, OTHER_KIND, "k"), -1, "kinds are apart");
	tell(sim, port, b, T_NOTE, 2);
	is_int(look(ctx, KIND, "k"), 2, "the newer of two actors is found");
	tell(sim, port, c, T_NOTE, 3);
	is_int(look(ctx, KIND, "k"), 3, "also on the same thread");
	board_each(ctx, KIND, count_one, sum);
	ok(sum[0] == 1 && sum[1] == 3, "each key once, the newest");
	tell(sim, port, b, T_NOTE, 4);
	tell(sim, port, b, T_NOTE, 5);
	tell(sim, port, c, T_ANSWER, 0);
	is_int(look(ctx, KIND, "k"), 5, "what another put stays");
	tell(sim, port, b, T_ANSWER, 0);
	is_int(look(ctx, KIND, "k"), 1, "the older one shows again");
	version = board_version(ctx, KIND);
	tell(sim, port, b, T_ANSWER, 0);
	ok(board_version(ctx, KIND) == version, "nothing removed, no version");
	tell(sim, port, a, T_TICK, 0);
	is_int(look(ctx, KIND, "k"), 1, "what a moving actor put goes along");
	ok(board_version(ctx, KIND) == version, "and is no change");
	tell(sim, port, a, T_NOTE, 6);
	is_int(look(ctx, KIND, "k"), 6, "it can be replaced from there");
	tell(sim, port, a, T_GO, 0);
	is_int(look(ctx, KIND, "k"), -1, "and goes when its actor ends");
	sim_free(sim);
	is_int(atomic_load(&alive), 0, "all is freed");
}

/* ---- readers while others write ---- */

struct writer {
	addr_t port;
	unsigned id, round;
};

static void
writer_init(void *self, struct ctx *ctx, const void *arg)
{
	struct writer *w = self;

	*w = *(const struct writer *)arg;
	act_timer(ctx, DUR_ZERO, T_TICK);
}

/* A round: replace all, take every third away. */
static void
writer_handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct writer *w = self;
	char key[16];

	assert(m->type == T_TICK);
	for (uint64_t i = 0; i < KEYS; i++) {
		key_text(key, i * 2 + w->id);
		if (i % 3 == w->round % 3)
			board_remove(ctx, KIND, key);
		else
			board_put(ctx, KIND, key, thing_new(i * 2 + w->id));
	}
	if (++w->round < ROUNDS)
		act_timer(ctx, DUR_ZERO, T_TICK);
	else
		act_post(ctx, w->port, T_GO);
}

static const struct actor_class writer_class = {
	.name = "writer",
	.size = sizeof(struct writer),
	.arg_size = sizeof(struct writer),
	.init = writer_init,
	.handle = writer_handle,
};

struct readings {
	uint64_t wrong, seen;
	struct thing *kept[8];
};

static void
check(struct readings *r, const char *key, const struct thing *t)
{
	char want[16];

	key_text(want, t->n);
	r->seen++;
	r->wrong += t->n != t->again || strcmp(key, want) != 0;
}

static void
read_one(void *arg, const char *key, void *s)
{
	struct readings *r = arg;
	struct thing **place = &r->kept[r->seen % 8];

	check(r, key, s);
	shared_unref(*place);
	*place = shared_ref(s);
}

static void
count_done(void *arg, struct msg *m)
{
	(void)m;
	++*(int *)arg;
}

static void
read_all(struct port *port, struct readings *r)
{
	char key[16];

	board_each(port_ctx(port), KIND, read_one, r);
	for (uint64_t i = 0; i < 2 * KEYS; i += 7) {
		struct thing *t;

		key_text(key, i);
		t = board_get(port_ctx(port), KIND, key);
		if (t != NULL)
			check(r, key, t);
		shared_unref(t);
	}
}

struct reader {
	struct port *port;
	_Atomic bool *stop;
	struct readings r;
};

static void *
reader_main(void *arg)
{
	struct reader *rd = arg;

	while (!atomic_load(rd->stop))
		read_all(rd->port, &rd->r);
	for (int i = 0; i < 8; i++)
		shared_unref(rd->r.kept[i]);
	return NULL;
}

static void
test_readers(void)
{
	struct rt_arg arg = t_arg(2, 0, 2);
	struct rt *rt = rt_new(&arg);
	struct port *port = rt_port_new(rt, "main", NULL, NULL);
	_Atomic bool stop = false;
	struct reader rd = { .port = rt_port_new(rt, "reader", NULL, NULL),
		.stop = &stop };
	struct readings r = { 0 };
	pthread_t thread;
	int done = 0;

	rt_start(rt);
	pthread_create(&thread, NULL, reader_main, &rd);
	for (unsigned id = 0; id < 2; id++)
		rt_spawn(rt, &writer_class,
		    &(struct writer){ port_addr(port), id, 0 }, (int)id);
	while (done < 2) {
		read_all(port, &r);
		port_poll(port, count_done, &done);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	for (int i = 0; i < 8; i++)
		shared_unref(r.kept[i]);
	is_int((int64_t)(r.wrong + rd.r.wrong), 0,
	    "what readers hold is whole and under its key");
	ok(r.seen > 0 && rd.r.seen > 0, "two threads read");
	rt_free(rt);
	is_int(atomic_load(&alive), 0, "all is freed");
}

int
main(void)
{
	test_rules();
	test_readers();
	return tap_done();
}
