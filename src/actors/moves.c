/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on servers: one mover for each that runs; see moves.h.
 *
 * At the start, what an earlier process began and did not end is undone.  At
 * the end, what runs is cancelled and undone within STOP_LIMIT.
 */
#include "config.h"

#include "actors/moves.h"

#include <stdio.h>
#include <string.h>

#include "actors/classes.h"
#include "base/mem.h"
#include "topology/control.h"

enum { MOVES_MAX = 256, KEPT_MAX = 1000 };

#define STOP_LIMIT DUR_S(25)

struct running {
	addr_t actor;
	uint32_t number;
	struct ask ask; /* of move_run; serial 0: nobody asks */
};

struct kept {
	char *id;
	size_t len;
	uint8_t *bytes;
};

struct moves {
	struct running at[MOVES_MAX];
	size_t n;
	uint32_t number; /* the last one */
	struct kept kept[KEPT_MAX];
	size_t kepts;
	bool stopping;
	struct ask stop;
	bool stop_asked;
};

/* ---- what others read in the answer ---- */

struct pcur
move_tracks(struct bin tracks)
{
	struct pcur c;

	pcur_init(&c, tracks.data, tracks.len);
	return c;
}

static const char *
text_of(struct pcur *c)
{
	const char *text = pcur_cstr(c);

	return text != NULL ? text : "";
}

bool
move_track_next(struct pcur *cur, struct move_track *t)
{
	if (pcur_done(cur) || pcur_array(cur) != 9)
		return false;
	t->key.host = text_of(cur);
	t->key.port = (uint32_t)pcur_uint(cur);
	t->end = (enum track_end)pcur_uint(cur);
	t->why = text_of(cur);
	t->left = text_of(cur);
	t->undone = pcur_bool(cur);
	t->found = (struct coord){ .file = text_of(cur) };
	t->found.pos = pcur_int(cur);
	t->count = pcur_uint(cur);
	return pcur_ok(cur);
}

/* ---- movers ---- */

static struct running *
start_mover(struct moves *mo, struct ctx *ctx)
{
	struct running *r = &mo->at[mo->n++];

	*r = (struct running){ .number = ++mo->number };
	r->actor = act_spawn(ctx, &mover_class, NULL, HOME_ANY);
	return r;
}

static void
refuse(struct ctx *ctx, const struct msg *m, enum err_code code,
    const char *error)
{
	act_answer(ctx, ask_of(m), move_ran, .code = code, .error = error,
	    .json = "{}", .chosen_host = "");
}

static void
on_move_run(struct moves *mo, struct ctx *ctx, const struct msg *m)
{
	const struct msg_move_run *run = as_move_run(m);
	struct running *r;

	if (mo->stopping) {
		refuse(ctx, m, ERR_CLOSED, "shutting down");
		return;
	}
	if (mo->n == MOVES_MAX) {
		refuse(ctx, m, ERR_BUSY, "too many operations run");
		return;
	}
	r = start_mover(mo, ctx);
	r->ask = ask_of(m);
	act_send(ctx, r->actor, mover_begin, .number = r->number,
	    .request = run->request, .user = run->user, .client = run->client);
}

static void
on_move_cancel(struct moves *mo, struct ctx *ctx, const struct msg *m)
{
	const struct msg_move_cancel *c = as_move_cancel(m);
	struct err err = ERR_INIT;
	char why[300];

	snprintf(why, sizeof why, "canceled by %.255s", c->user != NULL &&
	    *c->user != '\0' ? c->user : "somebody");
	for (size_t i = 0; i < mo->n; i++) {
		if (mo->at[i].number != c->number)
			continue;
		act_send(ctx, mo->at[i].actor, mover_cancel, .why = why);
		act_answer(ctx, ask_of(m), move_cancelled, .error = "");
		return;
	}
	err_set(&err, ERR_NOT_FOUND, "no operation %u is under way", c->number);
	act_answer(ctx, ask_of(m), move_cancelled, .code = err.code,
	    .error = err.text);
}

static void
answer_stop(struct moves *mo, struct ctx *ctx)
{
	if (!mo->stop_asked)
		return;
	mo->stop_asked = false;
	act_answer(ctx, mo->stop, moves_stopped, .left = (uint32_t)mo->n);
}

static void
on_mover_over(struct moves *mo, struct ctx *ctx, const struct msg *m)
{
	const struct msg_mover_over *o = as_mover_over(m);
	size_t i = 0;

	while (i < mo->n && mo->at[i].number != o->number)
		i++;
	assert(i < mo->n);
	if (mo->at[i].ask.serial != 0)
		act_answer(ctx, mo->at[i].ask, move_ran, .code = o->code,
		    .error = o->error, .json = o->json, .tracks = o->tracks,
		    .chosen_host = o->chosen_host,
		    .chosen_port = o->chosen_port);
	mo->at[i] = mo->at[--mo->n];
	if (mo->n == 0)
		answer_stop(mo, ctx);
}

/* ---- the start ---- */

static void
on_move_kept(struct moves *mo, const struct msg_move_kept *k)
{
	struct kept *to;

	if (mo->kepts == KEPT_MAX)
		return;
	to = &mo->kept[mo->kepts++];
	to->id = mem_strdup(k->id);
	to->len = k->kept.len;
	to->bytes = mem_alloc(k->kept.len);
	memcpy(to->bytes, k->kept.data, k->kept.len);
}

static void
on_moves_begin(struct moves *mo, struct ctx *ctx)
{
	size_t n = mo->kepts;

	for (size_t i = 0; i < n; i++) {
		struct kept *k = &mo->kept[i];

		if (mo->n < MOVES_MAX && app_of(ctx)->daemon) {
			struct running *r = start_mover(mo, ctx);

			act_send(ctx, r->actor, mover_undo, .number = r->number,
			    .id = k->id, .kept = { k->bytes, k->len });
		}
		mem_free(k->id);
		mem_free(k->bytes);
	}
	mo->kepts = 0;
}

/* ---- the end ---- */

static void
on_moves_stop(struct moves *mo, struct ctx *ctx, const struct msg *m)
{
	mo->stopping = true;
	answer_stop(mo, ctx);
	mo->stop = ask_of(m);
	mo->stop_asked = true;
	if (mo->n == 0) {
		answer_stop(mo, ctx);
		return;
	}
	for (size_t i = 0; i < mo->n; i++)
		act_send(ctx, mo->at[i].actor, mover_cancel,
		    .why = "the process is shutting down");
	act_after(ctx, STOP_LIMIT, moves_limit);
}

/* ---- the frame ---- */

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	switch (m->type) {
	case MSG_move_run: on_move_run(self, ctx, m); break;
	case MSG_move_cancel: on_move_cancel(self, ctx, m); break;
	case MSG_mover_over: on_mover_over(self, ctx, m); break;
	case MSG_move_kept: on_move_kept(self, as_move_kept(m)); break;
	case MSG_moves_begin: on_moves_begin(self, ctx); break;
	case MSG_moves_stop: on_moves_stop(self, ctx, m); break;
	case MSG_moves_limit: answer_stop(self, ctx); break;
	case SYS_REFUSED: break; /* locks end by themselves */
	default: act_unexpected(ctx, m);
	}
}

static void
fini(void *self, struct ctx *ctx)
{
	struct moves *mo = self;

	(void)ctx;
	for (size_t i = 0; i < mo->kepts; i++) {
		mem_free(mo->kept[i].id);
		mem_free(mo->kept[i].bytes);
	}
}

const struct actor_class moves_class = {
	.name = "moves",
	.size = sizeof(struct moves),
	.handle = handle,
	.fini = fini,
};
