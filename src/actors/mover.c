/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One operation on servers: make the plan, lock, carry it out, tell.
 *
 *	NEW --mover_begin--> LOCKING --locks held--> RUNNING --run ended-->
 *	ENDING --probed, unlocked--> OVER
 *
 * The plan is made from what is published, and made anew once its locks are
 * held: what was published may have been of before another operation.  All
 * decisions are the run's (plan/run.h); here its orders become messages.
 */
#include "config.h"

#include "actors/mover_state.h"

#include <stdio.h>
#include <string.h>

#include "actors/classes.h"
#include "base/mem.h"

/* ---- the plan ---- */

static void
open_world(struct mover *mv, struct ctx *ctx)
{
	struct mover_world *w = mem_zalloc(sizeof *w);
	struct key key[2] = { mv->request.server, mv->request.target };

	world_board_open(&w->board, ctx, key, mv->request.op == NULL ? 0 : 2);
	w->older = mv->world;
	mv->world = w;
}

static void
close_worlds(struct mover *mv)
{
	struct mover_world *w;

	while ((w = mv->world) != NULL) {
		mv->world = w->older;
		world_board_close(&w->board);
		mem_free(w);
	}
}

static void
drop_plan(struct mover *mv)
{
	if (mv->planned)
		plan_fini(&mv->plan);
	mv->planned = false;
	close_worlds(mv);
}

static enum err_code
make_plan(struct mover *mv, struct ctx *ctx, struct err *err)
{
	drop_plan(mv);
	open_world(mv, ctx);
	plan_init(&mv->plan);
	mv->planned = true;
	mv->plans++;
	return plan_make(&mv->plan, &mv->request, &mv->world->board.world,
	    err);
}

/* Not begun: the locks that are held go, and that is the answer. */
void
mover_refuse(struct mover *mv, struct ctx *ctx, enum err_code code,
    const char *text)
{
	err_set(&mv->err, code, "%s", text);
	mover_end(mv, ctx);
}

/* ---- carrying out ---- */

static void
make_sessions(struct mover *mv)
{
	size_t n = mv->plan.servers;

	if (mv->run != NULL)
		n = run_plan(mv->run)->servers;
	mv->session = mem_resize(mv->session, n, sizeof *mv->session);
	for (; mv->sessions < n; mv->sessions++)
		mv->session[mv->sessions] = (struct mover_session){ 0 };
}

static void
next_stage(struct mover *mv, struct ctx *ctx, const struct run_order *order)
{
	open_world(mv, ctx);
	run_stage(mv->run, order->ticket, &mv->world->board.world,
	    act_now(ctx));
	make_sessions(mv);
}

void
mover_drive(struct mover *mv, struct ctx *ctx)
{
	struct run_order order;

	while (!run_ended(mv->run) &&
	    run_next(mv->run, act_now(ctx), &order)) {
		if (order.want == RUN_PLAN)
			next_stage(mv, ctx, &order);
		else
			mover_order(mv, ctx, &order);
	}
	mover_show(mv, ctx);
	if (run_ended(mv->run) && mv->state == MOVER_RUNNING)
		mover_end(mv, ctx);
}

static void
begin_run(struct mover *mv, struct ctx *ctx)
{
	mv->state = MOVER_RUNNING;
	mv->run = run_new(&mv->plan, &mv->request, &mv->world->board.world,
	    act_now(ctx));
	make_sessions(mv);
	act_log(ctx, LOG_INFO, "%s: %zu steps", mv->plan.title,
	    mv->plan.steps);
	act_after(ctx, MOVER_LOCK_AGAIN, mover_locks);
	mover_drive(mv, ctx);
}

static bool
recover(struct mover *mv, struct ctx *ctx)
{
	struct err err = ERR_INIT;

	mv->run = run_recover((struct bin){ (const uint8_t *)mv->kept.data,
	    mv->kept.len }, &mv->world->board.world, act_now(ctx), &err);
	if (mv->run != NULL)
		return true;
	mover_refuse(mv, ctx, err.code, err.text);
	return false;
}

/* Its limits begin now, not when it was read to know what to lock. */
static void
begin_undo(struct mover *mv, struct ctx *ctx)
{
	run_free(mv->run);
	if (!recover(mv, ctx))
		return;
	make_sessions(mv);
	mv->state = MOVER_RUNNING;
	act_after(ctx, MOVER_LOCK_AGAIN, mover_locks);
	mover_drive(mv, ctx);
}

/*
 * Another operation may have changed the servers before the locks were ours,
 * and what is published then is another world.
 */
void
mover_locks_held(struct mover *mv, struct ctx *ctx)
{
	struct err err = ERR_INIT;

	if (mv->cancelled != NULL) {
		mover_refuse(mv, ctx, ERR_CLOSED, mv->cancelled);
		return;
	}
	if (mv->kept.len > 0) {
		begin_undo(mv, ctx);
		return;
	}
	if (make_plan(mv, ctx, &err) != ERR_NONE)
		mover_refuse(mv, ctx, err.code, err.text);
	else if (mover_locks_fit(mv))
		begin_run(mv, ctx);
	else if (mv->plans >= MOVER_PLANS_MAX)
		mover_refuse(mv, ctx, ERR_BUSY, "the topology changes while"
		    " this is prepared: try again");
	else
		mover_lock_all(mv, ctx);
}

static void
copy_request(struct mover *mv, const struct msg_mover_begin *b)
{
	struct pcur c;
	bool good;

	buf_add(&mv->request_bytes, b->request.data, b->request.len);
	pcur_init(&c, mv->request_bytes.data, mv->request_bytes.len);
	good = plan_request_unpack(&c, &mv->request);
	assert(good);
	mv->user = arena_strdup(&mv->arena, b->user != NULL ? b->user : "");
	mv->client = arena_strdup(&mv->arena,
	    b->client != NULL ? b->client : "");
}

static void
on_mover_begin(struct mover *mv, struct ctx *ctx,
    const struct msg_mover_begin *b)
{
	struct err err = ERR_INIT;

	assert(mv->state == MOVER_NEW);
	mv->number = b->number;
	snprintf(mv->id, sizeof mv->id, "%s-%u", app_of(ctx)->token,
	    b->number);
	copy_request(mv, b);
	mv->state = MOVER_LOCKING;
	if (app_of(ctx)->noop)
		mover_refuse(mv, ctx, ERR_DENIED, "noop: nothing is changed");
	else if (make_plan(mv, ctx, &err) != ERR_NONE)
		mover_refuse(mv, ctx, err.code, err.text);
	else
		mover_lock_all(mv, ctx);
}

/* What an earlier process left. */
static void
on_mover_undo(struct mover *mv, struct ctx *ctx, const struct msg_mover_undo *u)
{
	assert(mv->state == MOVER_NEW);
	mv->number = u->number;
	snprintf(mv->id, sizeof mv->id, "%s", u->id);
	mv->journalled = true;
	mv->user = mv->client = "";
	buf_add(&mv->kept, u->kept.data, u->kept.len);
	open_world(mv, ctx);
	if (!recover(mv, ctx))
		return;
	act_log(ctx, LOG_WARNING, "\"%s\" was under way when its process"
	    " ended: undoing it", run_plan(mv->run)->title);
	mover_lock_all(mv, ctx);
}

static void
on_mover_cancel(struct mover *mv, struct ctx *ctx,
    const struct msg_mover_cancel *c)
{
	if (mv->cancelled != NULL || mv->state >= MOVER_ENDING)
		return;
	mv->cancelled = arena_strdup(&mv->arena, c->why);
	mv->cancelled_at = act_now(ctx);
	if (mv->state != MOVER_RUNNING)
		return; /* seen when the locks are there */
	run_cancel(mv->run, mv->cancelled, act_now(ctx));
	mover_drive(mv, ctx);
	if (mv->state == MOVER_RUNNING)
		mover_hurry(mv, ctx);
}

/* ---- the frame ---- */

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	struct mover *mv = self;

	(void)arg;
	arena_init(&mv->arena);
	mv->began = act_wall(ctx);
	mv->shown_turns = UINT64_MAX;
	mv->user = mv->client = "";
}

static void
on_refused(struct mover *mv, struct ctx *ctx, const struct msg *m)
{
	mover_on_refused(mv, ctx, m);
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct mover *mv = self;

	if (mv->state == MOVER_OVER)
		return;
	switch (m->type) {
	case MSG_mover_begin: on_mover_begin(mv, ctx, as_mover_begin(m)); break;
	case MSG_mover_undo: on_mover_undo(mv, ctx, as_mover_undo(m)); break;
	case MSG_mover_cancel:
		on_mover_cancel(mv, ctx, as_mover_cancel(m));
		break;
	case MSG_mover_tick: mover_on_tick(mv, ctx); break;
	case MSG_mover_locks: mover_extend(mv, ctx); break;
	case MSG_server_probed: mover_on_probed(mv, ctx, m); break;
	case MSG_session_reply: mover_on_reply(mv, ctx, m); break;
	case MSG_session_lost: break; /* the next query finds out */
	case MSG_control_ran: mover_on_control(mv, ctx, m); break;
	case MSG_store_done: mover_on_kept(mv, ctx, m); break;
	case SYS_CHILD: mover_on_child(mv, ctx, m); break;
	case SYS_REFUSED: on_refused(mv, ctx, m); break;
	default: act_unexpected(ctx, m);
	}
}

static void
fini(void *self, struct ctx *ctx)
{
	struct mover *mv = self;

	(void)ctx;
	mover_close(mv, NULL);
	if (mv->run != NULL)
		run_free(mv->run);
	drop_plan(mv);
	mem_free(mv->session);
	mem_free(mv->lock);
	buf_fini(&mv->request_bytes);
	buf_fini(&mv->kept);
	arena_fini(&mv->arena);
}

static const char *
key_of(const void *self)
{
	const struct mover *mv = self;

	return mv->request.op != NULL ? mv->request.op : "undo";
}

const struct actor_class mover_class = {
	.name = "mover",
	.size = sizeof(struct mover),
	.init = init,
	.handle = handle,
	.fini = fini,
	.key = key_of,
};
