/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mover's locks: maintenance, one server after the other in key order, so that
 * two movers never wait for each other in a ring.  They are short, extended
 * while the operation runs, and carry the process's token: those of a process
 * that died are taken away at the next start.
 */
#include "config.h"

#include "actors/mover_state.h"

#include <stdlib.h>

#include "actors/control.h"
#include "base/mem.h"

static int
by_key(const void *a, const void *b)
{
	return key_cmp(*(const struct key *)a, *(const struct key *)b);
}

static const struct plan *
plan_of(const struct mover *mv)
{
	return mv->run != NULL ? run_plan(mv->run) : &mv->plan;
}

/* The keys that the plan wants locked, in order; owned by the caller. */
static size_t
wanted(const struct mover *mv, struct key **out)
{
	const struct plan *p = plan_of(mv);
	size_t n = 0;

	*out = mem_alloc(p->servers * sizeof **out);
	for (size_t i = 0; i < p->servers; i++)
		if (p->server[i].locked)
			(*out)[n++] = p->server[i].key;
	if (n > 1)
		qsort(*out, n, sizeof **out, by_key);
	return n;
}

bool
mover_locks_fit(const struct mover *mv)
{
	struct key *want;
	size_t n = wanted(mv, &want), i = 0;
	bool fit = n == mv->locked;

	for (; fit && i < n; i++)
		fit = key_eq(want[i], mv->lock[i]);
	mem_free(want);
	return fit;
}

static const char *
owner_of(const struct mover *mv)
{
	return mv->user[0] != '\0' ? mv->user : "orchestrator";
}

static void
send_lock(struct mover *mv, struct ctx *ctx, size_t i, unsigned ticket)
{
	struct buf b;

	buf_init(&b);
	command_pack(&b, begin_maintenance, .at = act_wall(ctx),
	    .key = mv->lock[i], .owner = owner_of(mv),
	    .reason = plan_of(mv)->title, .duration = MOVER_LOCK,
	    .holder = mv->id);
	mover_ask(mv, act_request(ctx, app_of(ctx)->control, control_run,
	    MOVER_ASK, .command = { (uint8_t *)b.data, b.len }), ASK_LOCK,
	    ticket, (unsigned)i);
	buf_fini(&b);
}

static void
send_unlock(struct mover *mv, struct ctx *ctx, size_t i)
{
	struct buf b;

	buf_init(&b);
	command_pack(&b, end_maintenance, .at = act_wall(ctx),
	    .key = mv->lock[i], .holder = mv->id);
	mover_ask(mv, act_request(ctx, app_of(ctx)->control, control_run,
	    MOVER_ASK, .command = { (uint8_t *)b.data, b.len }), ASK_UNLOCK, 0,
	    (unsigned)i);
	buf_fini(&b);
}

/* Those that are held and no longer wanted go; then one after the other. */
void
mover_lock_all(struct mover *mv, struct ctx *ctx)
{
	struct key *want;
	size_t n = wanted(mv, &want);

	mv->state = MOVER_LOCKING;
	for (size_t i = 0; i < mv->locked; i++)
		send_unlock(mv, ctx, i);
	mem_free(mv->lock);
	mv->lock = want;
	for (size_t i = 0; i < n; i++)
		mv->lock[i] = key_dup(want[i], &mv->arena);
	mv->locks = n;
	mv->locked = 0;
	if (n == 0)
		mover_locks_held(mv, ctx);
	else
		send_lock(mv, ctx, 0, 0);
}

/* The same holder's lock is made longer. */
void
mover_extend(struct mover *mv, struct ctx *ctx)
{
	if (mv->state == MOVER_LOCKING && mv->kept.len > 0) {
		mover_lock_all(mv, ctx);
		return;
	}
	if (mv->state != MOVER_RUNNING)
		return;
	for (size_t i = 0; i < mv->locked; i++)
		send_lock(mv, ctx, i, 1);
	act_after(ctx, MOVER_LOCK_AGAIN, mover_locks);
}

void
mover_unlock_all(struct mover *mv, struct ctx *ctx)
{
	for (size_t i = 0; i < mv->locked; i++) {
		send_unlock(mv, ctx, i);
		mv->ending++;
	}
	mv->locked = 0;
}

/* What a dead process left is undone when whoever has the server is done. */
static void
mover_lock_later(struct mover *mv, struct ctx *ctx, const char *why)
{
	act_log(ctx, LOG_INFO, "waits: %s", why);
	for (size_t i = 0; i < mv->locked; i++)
		send_unlock(mv, ctx, i);
	mv->locked = 0;
	act_after(ctx, MOVER_LOCK_LATER, mover_locks);
}

static void
on_locked(struct mover *mv, struct ctx *ctx, unsigned i,
    const struct msg_control_ran *r)
{
	if (mv->state != MOVER_LOCKING || i != mv->locked)
		return;
	if (r->code != ERR_NONE && mv->kept.len > 0) {
		mover_lock_later(mv, ctx, r->error);
		return;
	}
	if (r->code != ERR_NONE) {
		mover_refuse(mv, ctx, (enum err_code)r->code, r->error);
		return;
	}
	if (++mv->locked == mv->locks)
		mover_locks_held(mv, ctx);
	else
		send_lock(mv, ctx, mv->locked, 0);
}

void
mover_on_control(struct mover *mv, struct ctx *ctx, const struct msg *m)
{
	const struct msg_control_ran *r = as_control_ran(m);
	struct mover_ask *a = mover_answered(mv, m->serial);
	unsigned i;

	if (a == NULL)
		return;
	i = a->server;
	if (a->what == ASK_LOCK && a->ticket == 0) {
		mover_ask_free(a);
		on_locked(mv, ctx, i, r);
		return;
	}
	if (a->what == ASK_LOCK && r->code != ERR_NONE)
		act_log(ctx, LOG_WARNING, "a lock cannot be extended: %s",
		    r->error);
	else if (a->what == ASK_UNLOCK && mv->state == MOVER_ENDING)
		mover_ended_one(mv, ctx);
	mover_ask_free(a);
}
