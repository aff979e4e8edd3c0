/* SPDX-License-Identifier: Apache-2.0 */
/* An operation under way, for who wants to watch it (BOARD_MOVE). */
#include "config.h"

#include "actors/mover_state.h"

#include <string.h>

#include "actors/moves.h"
#include "base/mem.h"

/* To render a long plan costs something: not for each of its steps. */
enum { SHOW_ALWAYS_MAX = 100 };
#define SHOW_EVERY DUR_MS(500)

static void
free_shown(struct shared *s)
{
	mem_free(s);
}

static void
shown_json(const struct mover *mv, struct json *w)
{
	char began[WALL_TEXT_MAX];

	json_obj(w);
	json_kuint(w, "Id", mv->number);
	json_kstr(w, "User", mv->user);
	json_kstr(w, "Client", mv->client);
	json_kstr(w, "BeganAt", wall_text(mv->began, began));
	json_kstr(w, "Title", run_plan(mv->run)->title);
	json_kstr(w, "Canceled", mv->cancelled != NULL ? mv->cancelled : "");
	json_key(w, "Run");
	run_json(mv->run, w);
	json_end(w);
}

void
mover_show(struct mover *mv, struct ctx *ctx)
{
	uint64_t turns = run_turns(mv->run);
	struct move_shown *s;
	struct buf text = { 0 };
	struct json w;

	if (turns == mv->shown_turns ||
	    (run_plan(mv->run)->steps > SHOW_ALWAYS_MAX &&
		mono_sub(act_now(ctx), mv->shown_at).us < SHOW_EVERY.us))
		return;
	mv->shown_turns = turns;
	mv->shown_at = act_now(ctx);
	json_init(&w, &text);
	shown_json(mv, &w);
	s = mem_zalloc(sizeof *s + text.len + 1);
	shared_init(&s->shared, free_shown);
	s->number = mv->number;
	memcpy(s->json, buf_text(&text), text.len);
	board_put(ctx, BOARD_MOVE, mv->id, s);
	buf_fini(&text);
}
