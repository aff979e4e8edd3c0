/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a message: to its receiver's home, into the inbox, through the
 * handler; and what happens when there is no receiver or no room.
 */
#include "config.h"

#include "runtime/core.h"

#include <string.h>

#include "base/mem.h"

void
core_init(struct core *core, const struct rt_arg *arg,
    const struct core_ops *ops, int homes)
{
	assert(arg->workers >= 1 && arg->pinned >= 0 && arg->ports >= 0);
	assert(arg->types <= UINT16_MAX && homes <= HOMES_MAX);
	memset(core, 0, sizeof *core);
	core->arg = *arg;
	core->ops = ops;
	core->homes = homes;
	core->places = arg->workers + arg->pinned;
	core->ctx = mem_zalloc((size_t)homes * sizeof *core->ctx);
	slots_init(&core->slots);
	timers_init(&core->timers);
	core->board = board_new(homes);
	move_init(&core->move, homes);
}

void
core_fini(struct core *core)
{
	move_fini(&core->move);
	for (int i = 0; i < core->homes; i++)
		ctx_fini(core->ctx[i]);
	board_free(core->board);
	timers_fini(&core->timers);
	slots_fini(&core->slots);
	mem_free(core->ctx);
}

void
ctx_init(struct ctx *ctx, struct core *core, int index, enum role role)
{
	ctx->core = core;
	ctx->index = (uint16_t)index;
	ctx->role = role;
	ctx->when = mem_zalloc(sizeof *ctx->when);
	ctx->returns =
	    mem_zalloc((size_t)core->homes * sizeof *ctx->returns);
	ctx->board = board_home(core->board, index);
	core->ctx[index] = ctx;
}

void
ctx_fini(struct ctx *ctx)
{
	if (ctx->draft != NULL)
		cell_free(ctx->draft);
	buf_fini(&ctx->scratch);
	cell_free_all(ctx);
	mem_free(ctx->returns);
	mem_free(ctx->when);
}

enum msg_kind
core_kind(const struct core *core, uint16_t type)
{
	if (type < SYS_MAX)
		return MSG_ANS;
	assert(type < core->arg.types);
	return core->arg.kinds[type - SYS_MAX];
}

/* ---- no receiver, no room ---- */

void
core_dead_letter(struct ctx *ctx, struct cell *c)
{
	stat_add(ctx, STAT_DEAD, 1);
	if (c->what == CELL_WATCH) {
		addr_t gone = c->to;

		c->to = c->from;
		c->from = gone;
		c->what = CELL_MSG;
		c->type = SYS_DOWN;
		c->kind = MSG_ANS;
		c->moves = VERSION_NONE;
		core_send(ctx, c);
	} else if (c->kind == MSG_REQ) {
		core_refuse(ctx, c, REFUSED_DEAD);
	} else {
		cell_give(ctx, c);
	}
}

/* The request turns round: body [why, type of the request]. */
void
core_refuse(struct ctx *ctx, struct cell *c, enum refusal why)
{
	addr_t refuser = c->to;

	assert(c->kind == MSG_REQ && c->what == CELL_MSG);
	stat_add(ctx, STAT_REFUSED, why == REFUSED_BUSY);
	buf_reset(&c->body);
	pack_array(&c->body, 2);
	pack_uint(&c->body, why);
	pack_uint(&c->body, c->type);
	c->to = c->from;
	c->from = refuser;
	c->type = SYS_REFUSED;
	c->kind = MSG_ANS;
	c->flags = 0;
	c->moves = VERSION_NONE;
	core_send(ctx, c);
}

/* ---- on the way ---- */

/* Most messages: the slot is known already, and nobody moves. */
static void
send_here(struct ctx *ctx, struct slot *slot, struct cell *c)
{
	if (c->what == CELL_MSG &&
	    atomic_load_explicit(&ctx->core->move.state,
		memory_order_acquire) == MOVE_NONE)
		core_push(ctx, slot->actor, c);
	else
		core_arrive(ctx, c);
}

void
core_send(struct ctx *ctx, struct cell *c)
{
	uint64_t word;
	struct slot *slot = slot_find(&ctx->core->slots, c->to, &word);
	enum credit credit;

	if (slot == NULL) {
		core_dead_letter(ctx, c);
		return;
	}
	if (c->kind == MSG_REQ && c->what == CELL_MSG) {
		credit = slot_take_credit(slot, c->to.gen);
		if (credit == CREDIT_DEAD) {
			core_dead_letter(ctx, c);
			return;
		}
		if (credit == CREDIT_NONE) {
			core_refuse(ctx, c, REFUSED_BUSY);
			return;
		}
		c->flags |= CELL_CREDIT;
	}
	c->version = word_version(word);
	c->origin = ctx->index;
	if (c->version != 0)
		move_sending(ctx, c);
	if (word_home(word) == ctx->index)
		send_here(ctx, slot, c);
	else
		ctx->core->ops->carry(ctx, word_home(word), c);
}

static bool
watches_already(const struct actor *a, addr_t who)
{
	for (unsigned i = 0; i < a->watcher_count; i++)
		if (addr_eq(a->watchers[i], who))
			return true;
	return false;
}

/* When the list is full those who ended make room, before it grows. */
static void
add_watcher(struct ctx *ctx, struct actor *a, addr_t who)
{
	unsigned kept = 0;
	uint64_t word;

	if (watches_already(a, who))
		return;
	if (a->watcher_count == a->watcher_cap) {
		for (unsigned i = 0; i < a->watcher_count; i++)
			if (slot_find(&ctx->core->slots, a->watchers[i],
				&word) != NULL)
				a->watchers[kept++] = a->watchers[i];
		a->watcher_count = kept;
	}
	if (2 * a->watcher_count >= a->watcher_cap) {
		a->watcher_cap = 2 * a->watcher_cap + 4;
		a->watchers = mem_resize(a->watchers, a->watcher_cap,
		    sizeof a->watchers[0]);
	}
	a->watchers[a->watcher_count++] = who;
}

/* MSG and WATCH: for an actor that is here, was here, or is no more. */
static void
arrive_for_actor(struct ctx *ctx, struct cell *c)
{
	uint64_t word;
	struct slot *slot = slot_find(&ctx->core->slots, c->to, &word);

	if (slot == NULL) {
		core_dead_letter(ctx, c);
		return;
	}
	if (!move_admit(ctx, c))
		return;
	if (word_home(word) != ctx->index) {
		ctx->core->ops->carry(ctx, word_home(word), c);
	} else if (c->what == CELL_WATCH) {
		add_watcher(ctx, slot->actor, c->from);
		cell_give(ctx, c);
	} else {
		core_push(ctx, slot->actor, c);
	}
}

/* Another cell may have brought the actor to life first, and sent it away. */
static void
arrive_spawn(struct ctx *ctx, struct cell *c)
{
	uint64_t word;
	struct slot *slot = slot_find(&ctx->core->slots, c->to, &word);

	if (slot != NULL && word_version(word) == 0 &&
	    word_home(word) == ctx->index && !move_left(ctx, c->to))
		core_spawned(ctx, slot->actor);
	cell_give(ctx, c);
}

static void
arrive_return(struct ctx *ctx, struct cell *c)
{
	struct cell *next, *chain = c->item;

	c->item = NULL;
	cell_give(ctx, c);
	for (; chain != NULL; chain = next) {
		next = chain->next;
		cell_give(ctx, chain);
	}
}

static void
arrive_posts(struct ctx *ctx, struct cell *c)
{
	board_drop(ctx, c->item);
	cell_give(ctx, c);
}

void
core_arrive(struct ctx *ctx, struct cell *c)
{
	static void (*const arrive[])(struct ctx *, struct cell *) = {
		[CELL_MSG] = arrive_for_actor,
		[CELL_WATCH] = arrive_for_actor,
		[CELL_SPAWN] = arrive_spawn,
		[CELL_MOVE] = move_arrive,
		[CELL_MOVED] = move_arrive,
		[CELL_MARK] = move_arrive,
		[CELL_POSTS] = arrive_posts,
		[CELL_RETURN] = arrive_return,
	};

	assert(c->what < MEM_COUNT(arrive));
	arrive[c->what](ctx, c);
}

/* ---- inbox ---- */

/* True when one of that type waits already. */
static bool
tick_test_and_set(struct actor *a, uint16_t type)
{
	unsigned i = (unsigned)type - SYS_MAX;
	uint64_t bit = UINT64_C(1) << (i % 64);
	bool was = (a->ticks[i / 64] & bit) != 0;

	a->ticks[i / 64] |= bit;
	return was;
}

void
core_tick_clear(struct actor *a, uint16_t type)
{
	unsigned i = (unsigned)type - SYS_MAX;

	a->ticks[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

void
core_push(struct ctx *ctx, struct actor *a, struct cell *c)
{
	if (c->kind == MSG_TICK && tick_test_and_set(a, c->type)) {
		stat_add(ctx, STAT_MERGED, 1);
		timer_settle(ctx, c);
		cell_give(ctx, c);
		return;
	}
	cells_push(&a->inbox, c);
	if (!a->ready) {
		a->ready = true;
		ctx->core->ops->ready(ctx, a);
	}
}

/* What a waiting message holds is given back just before it is handled. */
static void
settle(struct ctx *ctx, struct actor *a, struct cell *c)
{
	if (c->kind == MSG_TICK && !(c->flags & CELL_VOID))
		core_tick_clear(a, c->type);
	if (c->flags & CELL_CREDIT)
		slot_give_credit(a->slot);
	c->flags &= (uint8_t)~CELL_CREDIT;
	timer_settle(ctx, c);
	if (c->type == SYS_IO && c->item != NULL)
		ctx->core->ops->io_handled(ctx, c);
}

struct cell *
core_take(struct ctx *ctx, struct actor *a)
{
	struct cell *c;

	while ((c = cells_pop(&a->inbox)) != NULL) {
		settle(ctx, a, c);
		if (!(c->flags & CELL_VOID))
			return c;
		cell_give(ctx, c);
	}
	return NULL;
}

struct msg
core_msg(const struct cell *c)
{
	return (struct msg){
		.type = c->type,
		.from = c->from,
		.serial = c->serial,
		.deadline = c->deadline,
		.body = { (const uint8_t *)buf_text(&c->body), c->body.len },
	};
}

/* ---- turns ---- */

static void
run_init(struct ctx *ctx, struct actor *a)
{
	a->inited = true;
	*ctx->when = (struct when){ 0 };
	if (a->class->init != NULL)
		a->class->init(a->state, ctx, a->arg);
	mem_free(a->arg);
	a->arg = NULL;
}

static void
run_handler(struct ctx *ctx, struct actor *a, struct cell *c)
{
	struct msg m = core_msg(c);

	*ctx->when = (struct when){ 0 };
	stat_add(ctx, STAT_HANDLED, 1);
	a->class->handle(a->state, ctx, &m);
	/* What was packed must have been sent. */
	assert(ctx->draft == NULL || ctx->draft->body.len == 0);
	cell_give(ctx, c);
}

/* After each handler: does the actor end or move? */
static bool
stays(struct ctx *ctx, struct actor *a)
{
	if (ctx->exiting) {
		ctx->exiting = false;
		core_end(ctx, a);
		return false;
	}
	if (a->move_to == ctx->index)
		a->move_to = -1;
	if (a->move_to < 0 || !move_begin(ctx, a))
		return true;
	ctx->self = NULL;
	return false;
}

enum run
core_run(struct ctx *ctx, struct actor *a, unsigned max)
{
	struct cell *c;

	assert(ctx->self == NULL && a->ready);
	ctx->self = a;
	if (!a->inited) {
		run_init(ctx, a);
		if (!stays(ctx, a))
			return RUN_GONE;
	}
	for (; max > 0 && (c = core_take(ctx, a)) != NULL; max--) {
		run_handler(ctx, a, c);
		if (!stays(ctx, a))
			return RUN_GONE;
	}
	ctx->self = NULL;
	if (a->inbox.head != NULL)
		return RUN_MORE;
	a->ready = false;
	return RUN_IDLE;
}

void
core_stats(const struct core *core, struct rt_stats *out)
{
	uint64_t sum[STAT_MAX] = { 0 };

	for (int i = 0; i < core->homes; i++)
		for (int s = 0; s < STAT_MAX; s++)
			sum[s] += atomic_load_explicit(&core->ctx[i]->stat[s],
			    memory_order_relaxed);
	*out = (struct rt_stats){
		.handled = sum[STAT_HANDLED],
		.sent_remote = sum[STAT_REMOTE],
		.spilled = sum[STAT_SPILLED],
		.refused = sum[STAT_REFUSED],
		.dead_letters = sum[STAT_DEAD],
		.merged_ticks = sum[STAT_MERGED],
		.actors = atomic_load(&core->slots.alive),
		.timers = sum[STAT_TIMERS],
		.wakeups = sum[STAT_WAKEUPS],
	};
}
