/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whoever wants something found in logs asks here, and gets a searcher of his
 * own, which answers.  At most SEARCHES_MAX run at once: reading logs is work
 * for the servers.
 */
#include "config.h"

#include "actors/classes.h"

enum { SEARCHES_MAX = 16 };

struct searches {
	unsigned running;
};

static void
on_search_run(struct searches *s, struct ctx *ctx, const struct msg *m)
{
	addr_t searcher;

	if (s->running == SEARCHES_MAX) {
		act_answer(ctx, ask_of(m), searched, .code = ERR_BUSY,
		    .error = "too many searches in logs run already");
		return;
	}
	s->running++;
	searcher = act_spawn(ctx, &searcher_class, NULL, HOME_ANY);
	act_watch(ctx, searcher);
	act_send(ctx, searcher, search_begin, .asker = m->from,
	    .serial = m->serial,
	    .limit_us = mono_sub(m->deadline, act_now(ctx)).us,
	    .request = m->body);
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct searches *s = self;

	switch (m->type) {
	case MSG_search_run: on_search_run(s, ctx, m); break;
	case SYS_DOWN:
		assert(s->running > 0);
		s->running--;
		break;
	default: act_unexpected(ctx, m);
	}
}

const struct actor_class searches_class = {
	.name = "searches",
	.size = sizeof(struct searches),
	.handle = handle,
};
