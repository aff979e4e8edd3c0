/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving an actor to another home, without losing a message or changing the
 * order between any two actors.  One move at a time; an actor that asks while
 * another one moves tries again after its next message.
 *
 *	old home	sends CELL_MOVE with the actor, and forwards from then on
 *			all that still comes for it
 *	new home	stores the slot's word: senders come here directly now;
 *			tells the old home (CELL_MOVED)
 *	old home	sends CELL_MOVED to every thread, behind all that the
 *			actor sent while it was there
 *	every thread	delivers what it held back of the actor's new messages;
 *			sends CELL_MARK by the old home, behind all that it sent
 *			to the actor there (before its first direct message, or
 *			now); acknowledges
 *	new home	delivers what it held back of that thread's direct
 *			messages; with the last acknowledgement the move is over
 *
 * Two versions of the slot's word are enough to tell old from new, since every
 * thread has acknowledged before the next move.
 */
#include "config.h"

#include "runtime/core.h"

#include <string.h>

#include "base/mem.h"

/* In a mark's type. */
enum { MARK_ONLY, MARK_AND_ACK };

static uint32_t *
per_home(int homes)
{
	return mem_zalloc((size_t)homes * sizeof(uint32_t));
}

void
move_init(struct move *m, int homes)
{
	memset(m, 0, sizeof *m);
	m->known = per_home(homes);
	m->marked = per_home(homes);
	m->open = per_home(homes);
	m->acked = per_home(homes);
}

void
move_fini(struct move *m)
{
	struct cell *c;

	while ((c = cells_pop(&m->held)) != NULL)
		cell_free(c);
	mem_free(m->known);
	mem_free(m->marked);
	mem_free(m->open);
	mem_free(m->acked);
}

/*
 * What the threads tell each other names the move and its ends, so that who
 * reads it late needs not look at what may be the next move.
 */
struct leg {
	uint32_t serial;
	uint16_t from, to;
};

static struct leg
leg_of(const struct cell *c)
{
	return (struct leg){ c->serial, (uint16_t)(c->timer >> 16),
		(uint16_t)c->timer };
}

static struct leg
leg_now(struct move *m)
{
	return (struct leg){ atomic_load(&m->serial), m->from, m->to };
}

static void
tell(struct ctx *ctx, int home, enum cell_what what, struct leg leg,
    uint16_t type, void *item)
{
	struct cell *c = cell_take(ctx);

	c->what = (uint8_t)what;
	c->type = type;
	c->item = item;
	c->serial = leg.serial;
	c->timer = (uint32_t)leg.from << 16 | leg.to;
	if (home == ctx->index)
		core_arrive(ctx, c);
	else
		ctx->core->ops->carry(ctx, home, c);
}

static bool
active(struct move *m)
{
	return atomic_load_explicit(&m->state, memory_order_acquire) ==
	    MOVE_ACTIVE;
}

/* ---- old home ---- */

bool
move_begin(struct ctx *ctx, struct actor *a)
{
	struct move *m = &ctx->core->move;
	int none = MOVE_NONE;

	if (!atomic_compare_exchange_strong(&m->state, &none, MOVE_CLAIMED))
		return false;
	assert(m->held.head == NULL);
	m->who = a->self;
	m->from = ctx->index;
	m->to = (uint16_t)a->move_to;
	/* 0 means "never moved", VERSION_NONE "no actor". */
	m->version = (uint16_t)(a->moves % (VERSION_NONE - 1) + 1);
	m->known[m->from] = atomic_fetch_add(&m->serial, 1) + 1;
	a->move_to = -1;
	timers_leave(ctx, a);
	ctx->core->ops->io_leave(ctx, a);
	atomic_store(&m->state, MOVE_ACTIVE);
	tell(ctx, m->to, CELL_MOVE, leg_now(m), 0, a);
	return true;
}

bool
move_left(struct ctx *ctx, addr_t who)
{
	struct move *m = &ctx->core->move;

	return active(m) && addr_eq(m->who, who) && ctx->index == m->from;
}

/* The new home has it: now every thread has to hear. */
static void
spread(struct ctx *ctx, struct leg leg)
{
	for (int i = 0; i < ctx->core->homes; i++)
		if (ctx->core->ctx[i]->role != ROLE_OUTSIDE)
			tell(ctx, i, CELL_MOVED, leg, 0, NULL);
}

/* ---- every thread ---- */

static void
deliver_held(struct ctx *ctx, struct cell_list *held, int origin)
{
	struct cell_list all = *held;
	struct cell *c;

	*held = (struct cell_list){ 0 };
	while ((c = cells_pop(&all)) != NULL) {
		if (origin < 0 || c->origin == origin)
			core_arrive(ctx, c);
		else
			cells_push(held, c);
	}
}

static void
on_moved(struct ctx *ctx, struct leg leg)
{
	struct move *m = &ctx->core->move;

	/* A port that nobody had taken while that move lasted. */
	if (leg.serial != atomic_load(&m->serial))
		return;
	m->known[ctx->index] = leg.serial;
	deliver_held(ctx, &ctx->held, -1);
	m->marked[ctx->index] = leg.serial;
	tell(ctx, leg.from, CELL_MARK, leg, MARK_AND_ACK, NULL);
}

void
move_sending(struct ctx *ctx, const struct cell *c)
{
	struct move *m = &ctx->core->move;
	struct leg leg;

	if (!active(m) || !addr_eq(c->to, m->who) || c->version != m->version)
		return;
	leg = leg_now(m);
	if (m->marked[ctx->index] == leg.serial)
		return;
	m->marked[ctx->index] = leg.serial;
	tell(ctx, leg.from, CELL_MARK, leg, MARK_ONLY, NULL);
}

/*
 * The state is loaded with acquire: whoever has a cell which the move concerns
 * got it, by whatever way, from one that knew of the move.
 */
bool
move_admit(struct ctx *ctx, struct cell *c)
{
	struct move *m = &ctx->core->move;
	uint32_t serial;

	if (!active(m))
		return true;
	serial = atomic_load(&m->serial);
	if (addr_eq(c->from, m->who) && c->moves == m->version &&
	    m->known[ctx->index] != serial) {
		cells_push(&ctx->held, c);
		return false;
	}
	if (!addr_eq(c->to, m->who))
		return true;
	if (ctx->index == m->from) {
		ctx->core->ops->carry(ctx, m->to, c);
		return false;
	}
	if (ctx->index == m->to && c->version == m->version &&
	    m->open[c->origin] != serial) {
		cells_push(&m->held, c);
		return false;
	}
	return true;
}

/* ---- new home ---- */

static void
on_move(struct ctx *ctx, struct actor *a)
{
	struct move *m = &ctx->core->move;
	struct leg leg = leg_now(m);
	struct post *old;

	assert(m->to == ctx->index && addr_eq(m->who, a->self));
	a->moves = m->version;
	m->known[m->to] = leg.serial;
	timers_join(ctx, a);
	ctx->core->ops->io_join(ctx, a);
	old = board_join(ctx, a);
	if (old != NULL)
		tell(ctx, m->from, CELL_POSTS, leg, 0, old);
	atomic_store(&a->slot->word,
	    word_make(a->self.gen, m->version, ctx->index));
	a->ready = a->inbox.head != NULL;
	if (a->ready)
		ctx->core->ops->ready(ctx, a);
	tell(ctx, m->from, CELL_MOVED, leg, 0, NULL);
}

/* A port that becomes live later sees the new word from its first message on. */
static bool
all_acked(struct core *core, uint32_t serial)
{
	for (int i = 0; i < core->homes; i++)
		if (core->move.acked[i] != serial &&
		    atomic_load(&core->ctx[i]->live))
			return false;
	return true;
}

static void
on_mark(struct ctx *ctx, const struct cell *c)
{
	struct move *m = &ctx->core->move;
	uint32_t serial = atomic_load(&m->serial);

	if (c->serial != serial || !active(m))
		return;
	m->open[c->origin] = serial;
	deliver_held(ctx, &m->held, c->origin);
	if (c->type != MARK_AND_ACK)
		return;
	m->acked[c->origin] = serial;
	if (all_acked(ctx->core, serial))
		atomic_store(&m->state, MOVE_NONE);
}

void
move_arrive(struct ctx *ctx, struct cell *c)
{
	struct leg leg = leg_of(c);

	if (c->what == CELL_MARK && ctx->index == leg.from) {
		/* A mark goes the way of what it marks the end of. */
		ctx->core->ops->carry(ctx, leg.to, c);
		return;
	}
	c->timer = 0;
	if (c->what == CELL_MOVE)
		on_move(ctx, c->item);
	else if (c->what == CELL_MARK)
		on_mark(ctx, c);
	else if (ctx->index == leg.from && c->origin == leg.to)
		spread(ctx, leg);
	else
		on_moved(ctx, leg);
	cell_give(ctx, c);
}
