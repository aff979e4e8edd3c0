/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a mover, shared by mover*.c only. */
#ifndef ORC_ACTORS_MOVER_STATE_H
#define ORC_ACTORS_MOVER_STATE_H

#include <uthash.h>

#include "actors/app.h"
#include "actors/world_board.h"
#include "plan/run.h"

enum {
	MOVER_PLANS_MAX = 3, /* made anew when the locks came late */
	MOVER_ID_MAX = 96,
	MOVER_LOOKS_MAX = 3, /* until a probe began after it was asked for */
	MOVER_OUTPUT_MAX = 64 << 10,
};
/* A lock lasts so long, and is extended at half of it. */
#define MOVER_LOCK DUR_S(120)
#define MOVER_LOCK_AGAIN DUR_S(40)
#define MOVER_LOCK_LATER DUR_S(5)
#define MOVER_ASK DUR_S(20)
/* After a cancel, statements under way get this long. */
#define MOVER_CANCEL DUR_S(5)

/* What was asked of another actor, or of time. */
struct mover_ask {
	uint32_t serial; /* 0: a pause */
	enum { ASK_LOOK, ASK_QUERY, ASK_PAUSE, ASK_KEEP, ASK_HOOK,
		ASK_LOCK, ASK_UNLOCK, ASK_PROBE, ASK_FORGET } what;
	unsigned ticket, server;
	wall_t asked_at; /* LOOK */
	unsigned tries;
	mono_t due; /* PAUSE; of others: by when */
	char *text; /* QUERY: the statements; LOOK: another host's name */
	struct mover_ask *next; /* PAUSE; QUERY that waits */
	UT_hash_handle hh;
};

struct mover_session {
	addr_t actor; /* none: not spawned */
	uint32_t generation;
	bool known; /* generation is of a connection that we were told of */
	bool asked; /* a statement is under way: one at a time */
};

/* Worlds live until the plan's end: it points into them. */
struct mover_world {
	struct world_board board;
	struct mover_world *older;
};

struct mover {
	uint32_t number; /* moves' own */
	enum { MOVER_NEW, MOVER_LOCKING, MOVER_RUNNING, MOVER_ENDING,
		MOVER_OVER } state;
	char id[MOVER_ID_MAX]; /* of the journal */
	bool journalled;
	struct arena arena;
	struct plan_request request;
	const char *user;
	const char *client;
	struct buf request_bytes;
	struct buf kept; /* to be undone */
	struct mover_world *world;
	struct plan plan;
	bool planned;
	unsigned plans;
	struct run *run;
	struct mover_session *session; /* by server of the plan */
	size_t sessions;
	struct mover_ask *asks; /* by serial */
	struct mover_ask *pauses; /* by due */
	struct mover_ask *waiting; /* queries whose session is asked already */
	timer_ref tick;

	/* locks, in key order */
	struct key *lock;
	size_t locks;
	size_t locked; /* of them held */
	size_t ending; /* answers still to come at the end */
	bool unlocked; /* that was asked for, too */
	const char *cancelled; /* why; NULL: not */
	mono_t cancelled_at;

	/* a program under way */
	unsigned hook_ticket;
	size_t hook_at; /* which of the list */
	unsigned hook_server, hook_to;
	dur_t hook_limit;
	const char *hook_key;
	uint32_t hook_child;

	wall_t began;
	uint64_t shown_turns; /* of the run, when it was shown last */
	mono_t shown_at;
	struct err err; /* before there is a run */
};

/* mover.c */
void mover_drive(struct mover *mv, struct ctx *ctx);
void mover_refuse(struct mover *mv, struct ctx *ctx, enum err_code code,
    const char *text);
void mover_locks_held(struct mover *mv, struct ctx *ctx);

/* mover_ask.c: orders of the run */
void mover_order(struct mover *mv, struct ctx *ctx,
    const struct run_order *order);
void mover_on_probed(struct mover *mv, struct ctx *ctx, const struct msg *m);
void mover_on_reply(struct mover *mv, struct ctx *ctx, const struct msg *m);
void mover_on_kept(struct mover *mv, struct ctx *ctx, const struct msg *m);
void mover_on_tick(struct mover *mv, struct ctx *ctx);
void mover_on_refused(struct mover *mv, struct ctx *ctx, const struct msg *m);
void mover_ask(struct mover *mv, uint32_t serial, int what, unsigned ticket,
    unsigned server);
struct mover_ask *mover_answered(struct mover *mv, uint32_t serial);
void mover_ask_free(struct mover_ask *a);
void mover_hurry(struct mover *mv, struct ctx *ctx);
void mover_close(struct mover *mv, struct ctx *ctx);

/* mover_lock.c */
void mover_lock_all(struct mover *mv, struct ctx *ctx);
void mover_unlock_all(struct mover *mv, struct ctx *ctx);
void mover_on_control(struct mover *mv, struct ctx *ctx, const struct msg *m);
void mover_extend(struct mover *mv, struct ctx *ctx);
/* Does the plan lock what is locked? */
bool mover_locks_fit(const struct mover *mv);

/* mover_hook.c */
void mover_hook(struct mover *mv, struct ctx *ctx,
    const struct run_order *order);
void mover_on_child(struct mover *mv, struct ctx *ctx, const struct msg *m);

/* mover_show.c: how far it is, on the board */
void mover_show(struct mover *mv, struct ctx *ctx);

/* mover_end.c: probes, audit, the answer */
void mover_end(struct mover *mv, struct ctx *ctx);
void mover_ended_one(struct mover *mv, struct ctx *ctx);

#endif
