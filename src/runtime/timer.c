/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers of actors: each actor has a list of its own entries, so that they end
 * and move with it.  An expired timer stays an entry until its message is
 * handled: act_cancel() can take it back out of the inbox.
 */
#include "config.h"

#include "runtime/core.h"

static struct timer *
entry(struct ctx *ctx, uint32_t index)
{
	return timers_get(&ctx->core->timers, index);
}

static void
link_to(struct ctx *ctx, struct actor *a, uint32_t index)
{
	struct timer *e = entry(ctx, index);

	e->owner = a;
	e->anext = a->timers;
	e->aprev = 0;
	if (a->timers != 0)
		entry(ctx, a->timers)->aprev = index;
	a->timers = index;
	stat_add(ctx, STAT_TIMERS, 1);
}

static void
drop(struct ctx *ctx, uint32_t index)
{
	struct timer *e = entry(ctx, index);
	struct actor *a = e->owner;

	if (e->state == TIMER_IN_SLOT)
		wheel_remove(ctx->wheel, index);
	if (e->aprev != 0)
		entry(ctx, e->aprev)->anext = e->anext;
	else
		a->timers = e->anext;
	if (e->anext != 0)
		entry(ctx, e->anext)->aprev = e->aprev;
	stat_add(ctx, STAT_TIMERS, -1);
	wheel_give(ctx->wheel, index);
}

static void
expire(struct ctx *ctx, uint32_t index)
{
	struct timer *e = entry(ctx, index);
	struct actor *a = e->owner;
	struct cell *c = cell_take(ctx);

	assert(e->state == TIMER_HELD && e->cell == NULL);
	c->to = c->from = a->self;
	c->type = e->type;
	c->kind = (uint8_t)core_kind(ctx->core, e->type);
	c->timer = index;
	e->cell = c;
	core_push(ctx, a, c);
}

void
timer_settle(struct ctx *ctx, struct cell *c)
{
	if (c->timer == 0)
		return;
	assert(entry(ctx, c->timer)->cell == c);
	drop(ctx, c->timer);
	c->timer = 0;
}

static void
on_due(void *arg, uint32_t index)
{
	struct ctx *ctx = arg;

	expire(ctx, index);
}

void
timers_run(struct ctx *ctx, struct wheel *w, int64_t now_ms)
{
	wheel_advance(w, now_ms, on_due, ctx);
}

timer_ref
act_timer(struct ctx *ctx, dur_t d, uint16_t type)
{
	struct actor *a = ctx->self;
	uint32_t index;
	struct timer *e;
	timer_ref ref;

	assert(a != NULL && ctx->wheel != NULL);
	assert(type > SYS_SIGNAL);
	index = wheel_take(ctx->wheel);
	e = entry(ctx, index);
	e->type = type;
	link_to(ctx, a, index);
	ref = (timer_ref){ index, e->gen };
	if (d.us <= 0)
		expire(ctx, index);
	else
		wheel_insert(ctx->wheel, index,
		    (mono_add(act_now(ctx), d).us + 999) / 1000);
	return ref;
}

bool
act_cancel(struct ctx *ctx, timer_ref *t)
{
	timer_ref ref = *t;
	struct cell *c;
	struct timer *e;

	*t = (timer_ref){ 0, 0 };
	if (ref.gen == 0)
		return false;
	e = entry(ctx, ref.slot);
	if (e->gen != ref.gen || e->owner != ctx->self)
		return false;
	c = e->cell;
	drop(ctx, ref.slot);
	if (c != NULL) {
		c->timer = 0;
		c->flags |= CELL_VOID;
		if (c->kind == MSG_TICK)
			core_tick_clear(ctx->self, c->type);
	}
	return true;
}

void
timers_forget(struct ctx *ctx, struct actor *a)
{
	while (a->timers != 0) {
		struct cell *c = entry(ctx, a->timers)->cell;

		if (c != NULL) {
			c->timer = 0;
			c->flags |= CELL_VOID;
		}
		drop(ctx, a->timers);
	}
}

void
timers_leave(struct ctx *ctx, struct actor *a)
{
	for (uint32_t i = a->timers; i != 0; i = entry(ctx, i)->anext) {
		if (entry(ctx, i)->state == TIMER_IN_SLOT)
			wheel_remove(ctx->wheel, i);
		stat_add(ctx, STAT_TIMERS, -1);
	}
}

void
timers_join(struct ctx *ctx, struct actor *a)
{
	for (uint32_t i = a->timers; i != 0; i = entry(ctx, i)->anext) {
		struct timer *e = entry(ctx, i);

		stat_add(ctx, STAT_TIMERS, 1);
		if (e->cell == NULL)
			wheel_insert(ctx->wheel, i, e->due_ms);
	}
}
