/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actors that send each other numbers at random and move about; every receiver
 * checks that each sender's numbers come in order.  In sim.c in virtual time,
 * in rt.c on threads.
 */
#ifndef ORC_T_RUNTIME_CROWD_H
#define ORC_T_RUNTIME_CROWD_H

#include <stdatomic.h>

#include "types.h"

enum { CROWD = 24, CROWD_SENDS = 3 };

struct crowd {
	addr_t who[CROWD];
	unsigned rounds; /* of each */
	unsigned homes;	 /* to move between; 0: nobody moves */
	bool hurry;	 /* no pause between rounds */
	uint64_t next[CROWD][CROWD]; /* from, to: the receiver's */
	_Atomic uint64_t handled, disorder;
};

static inline uint64_t
crowd_total(const struct crowd *c)
{
	return (uint64_t)CROWD * c->rounds * CROWD_SENDS;
}

struct talker {
	unsigned me;
	uint64_t sent[CROWD];
	unsigned left;
};

static void
talker_init(void *self, struct ctx *ctx, const void *arg)
{
	struct talker *t = self;

	(void)ctx;
	t->me = *(const unsigned *)arg;
}

static void
talk(struct talker *t, struct ctx *ctx)
{
	struct crowd *crowd = act_app(ctx);

	for (int i = 0; i < CROWD_SENDS; i++) {
		uint64_t to = act_random_below(ctx, CROWD);

		t_post(ctx, crowd->who[to], T_NOTE,
		    (uint64_t)t->me << 32 | t->sent[to]++);
	}
	if (crowd->homes > 0 && act_random_below(ctx, 10) == 0)
		act_rehome(ctx, (int)act_random_below(ctx, crowd->homes));
	if (--t->left > 0)
		act_timer(ctx, DUR_US(crowd->hurry ? 0 :
			act_random_below(ctx, 3000)), T_TICK);
}

static void
talker_handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct talker *t = self;
	struct crowd *crowd = act_app(ctx);
	uint64_t n, from;

	if (m->type == T_GO)
		t->left = crowd->rounds;
	if (m->type == T_GO || m->type == T_TICK) {
		talk(t, ctx);
		return;
	}
	n = t_number(m);
	from = n >> 32;
	if (crowd->next[from][t->me]++ != (uint32_t)n)
		atomic_fetch_add(&crowd->disorder, 1);
	atomic_fetch_add(&crowd->handled, 1);
}

static const struct actor_class talker_class = {
	.name = "talker",
	.size = sizeof(struct talker),
	.arg_size = sizeof(unsigned),
	.init = talker_init,
	.handle = talker_handle,
};

#endif
