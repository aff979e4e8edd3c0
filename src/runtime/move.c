/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving an actor to another home, without losing a message or changing the
 * order between any two actors.  One move at a time; an actor that asks while
 * another one moves tries again after its next message.
 *
 *	old home	sends CELL_MOVE with the actor, and forwards from then
 *			on all that still comes for it
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
	uint16_t from, to, version;
};

static struct leg
leg_of(const struct cell *c)
{
	return (struct leg){ c->serial, (uint16_t)(c->timer >> 16),
		(uint16_t)c->timer, 0 };
}

static struct leg
leg_make(uint32_t serial, uint64_t packed)
{
	return (struct leg){ serial, (uint16_t)(packed >> 32),
		(uint16_t)(packed >> 16), (uint16_t)packed };
}

static addr_t
unpack(uint64_t who)
{
	return (addr_t){ (uint32_t)(who >> 32), (uint32_t)who };
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

/*
 * The move under way, if there is one.  Another thread may end it and begin the
 * next at any time, when this one has acknowledged; but whoever has a cell
 * which a move concerns got it, by whatever way, from one that knew of that
 * move.
 */
static bool
look(struct move *m, addr_t *who, struct leg *leg)
{
	uint32_t serial;

	if (atomic_load_explicit(&m->state, memory_order_acquire) !=
	    MOVE_ACTIVE)
		return false;
	do {
		serial = atomic_load(&m->serial);
		if (atomic_load(&m->state) != MOVE_ACTIVE)
			return false;
		*who = unpack(atomic_load(&m->who));
		*leg = leg_make(serial, atomic_load(&m->leg));
	} while (atomic_load(&m->serial) != serial);
	return true;
}

/* ---- old home ---- */

bool
move_begin(struct ctx *ctx, struct actor *a)
{
	struct move *m = &ctx->core->move;
	int none = MOVE_NONE;
	struct leg leg;

	if (!atomic_compare_exchange_strong(&m->state, &none, MOVE_CLAIMED))
		return false;
	assert(m->held.head == NULL);
	leg.from = ctx->index;
	leg.to = (uint16_t)a->move_to;
	/* 0 means "never moved", VERSION_NONE "no actor". */
	leg.version = (uint16_t)(a->moves % (VERSION_NONE - 1) + 1);
	leg.serial = atomic_fetch_add(&m->serial, 1) + 1;
	atomic_store(&m->who, (uint64_t)a->self.slot << 32 | a->self.gen);
	atomic_store(&m->leg, (uint64_t)leg.from << 32 |
		(uint64_t)leg.to << 16 | leg.version);
	m->known[leg.from] = leg.serial;
	a->moves = leg.version;
	a->move_to = -1;
	timers_leave(ctx, a);
	ctx->core->ops->io_leave(ctx, a);
	atomic_store(&m->state, MOVE_ACTIVE);
	tell(ctx, leg.to, CELL_MOVE, leg, 0, a);
	return true;
}

bool
move_left(struct ctx *ctx, addr_t who)
{
	struct leg leg;
	addr_t mover;

	return look(&ctx->core->move, &mover, &leg) && addr_eq(mover, who) &&
	    ctx->index == leg.from;
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
	addr_t who;

	if (!look(m, &who, &leg) || !addr_eq(c->to, who) ||
	    c->version != leg.version)
		return;
	if (m->marked[ctx->index] == leg.serial)
		return;
	m->marked[ctx->index] = leg.serial;
	tell(ctx, leg.from, CELL_MARK, leg, MARK_ONLY, NULL);
}

bool
move_admit(struct ctx *ctx, struct cell *c)
{
	struct move *m = &ctx->core->move;
	struct leg leg;
	addr_t who;

	if (!look(m, &who, &leg))
		return true;
	if (addr_eq(c->from, who) && c->moves == leg.version &&
	    m->known[ctx->index] != leg.serial) {
		cells_push(&ctx->held, c);
		return false;
	}
	if (!addr_eq(c->to, who))
		return true;
	if (ctx->index == leg.from) {
		ctx->core->ops->carry(ctx, leg.to, c);
		return false;
	}
	if (ctx->index == leg.to && c->version == leg.version &&
	    m->open[c->origin] != leg.serial) {
		cells_push(&m->held, c);
		return false;
	}
	return true;
}

/* ---- new home ---- */

static void
on_move(struct ctx *ctx, struct actor *a, struct leg leg)
{
	struct post *old;

	assert(leg.to == ctx->index && a->ready);
	ctx->core->move.known[leg.to] = leg.serial;
	timers_join(ctx, a);
	ctx->core->ops->io_join(ctx, a);
	old = board_join(ctx, a);
	if (old != NULL)
		tell(ctx, leg.from, CELL_POSTS, leg, 0, old);
	atomic_store(&a->slot->word,
	    word_make(a->self.gen, a->moves, ctx->index));
	a->ready = a->inbox.head != NULL;
	if (a->ready)
		ctx->core->ops->ready(ctx, a);
	tell(ctx, leg.from, CELL_MOVED, leg, 0, NULL);
}

/*
 * A port that becomes live later sees the new word from its first message on.
 */
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
	uint32_t serial = c->serial;

	/* Too late is the mark of a port that became live after the move. */
	if (serial != atomic_load(&m->serial) ||
	    atomic_load(&m->state) != MOVE_ACTIVE)
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
		on_move(ctx, c->item, leg);
	else if (c->what == CELL_MARK)
		on_mark(ctx, c);
	else if (ctx->index == leg.from && c->origin == leg.to)
		spread(ctx, leg);
	else
		on_moved(ctx, leg);
	cell_give(ctx, c);
}
