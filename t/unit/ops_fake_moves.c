/* SPDX-License-Identifier: Apache-2.0 */
/* An actor in the place of "moves"; see ops_fake_moves.h. */
#include "config.h"

#include "ops_fake_moves.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "actors/moves.h"
#include "base/mem.h"
#include "topology/coord.h"

struct fake_moves fake_moves;

static void
keep_request(struct bin bytes, const char *user)
{
	char server[KEY_TEXT_MAX], target[KEY_TEXT_MAX], at[COORD_TEXT_MAX];
	struct plan_request r;
	struct pcur c;
	bool good;

	pcur_init(&c, bytes.data, bytes.len);
	good = plan_request_unpack(&c, &r);
	assert(good);
	fake_moves.asked++;
	snprintf(fake_moves.text, sizeof fake_moves.text,
	    "%s %s %s /%s/ %s %lld %s %s%s", r.op, key_text(r.server, server),
	    key_is_none(r.target) ? "-" : key_text(r.target, target),
	    r.pattern, coord_is_none(&r.at) ? "-" : coord_text(&r.at, at),
	    (long long)r.number, r.text, r.force ? "force " : "", user);
}

/* As move_track_next() reads it. */
static void
pack_track(struct buf *b, const struct fake_track *t)
{
	static const enum track_end end[] = {
		[FAKE_DONE] = TRACK_DONE,
		[FAKE_FAILED] = TRACK_FAILED,
		[FAKE_NOT_TRIED] = TRACK_NOT_TRIED,
	};

	pack_array(b, 9);
	pack_cstr(b, t->host);
	pack_uint(b, *t->host != '\0' ? 3306 : 0);
	pack_uint(b, end[t->end]);
	pack_cstr(b, t->why != NULL ? t->why : "");
	pack_cstr(b, t->left != NULL ? t->left : "");
	pack_bool(b, false);
	pack_cstr(b, t->file != NULL ? t->file : "");
	pack_int(b, t->pos);
	pack_uint(b, t->count);
}

static void
on_move_run(struct ctx *ctx, const struct msg *m)
{
	const struct msg_move_run *run = as_move_run(m);
	struct buf tracks = { 0 };

	keep_request(run->request, run->user);
	for (size_t i = 0; i < fake_moves.tracks; i++)
		pack_track(&tracks, &fake_moves.track[i]);
	act_answer(ctx, ask_of(m), move_ran, .code = fake_moves.code,
	    .error = fake_moves.error != NULL ? fake_moves.error : "",
	    .json = "{\"Steps\":[]}",
	    .tracks = { (const uint8_t *)tracks.data, tracks.len },
	    .chosen_host = fake_moves.chosen != NULL ? fake_moves.chosen : "",
	    .chosen_port = fake_moves.chosen != NULL ? 3306 : 0);
	buf_fini(&tracks);
}

static void
on_move_cancel(struct ctx *ctx, const struct msg *m)
{
	char error[64];

	snprintf(error, sizeof error, "no operation %u is under way",
	    as_move_cancel(m)->number);
	act_answer(ctx, ask_of(m), move_cancelled, .code = ERR_NOT_FOUND,
	    .error = error);
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	(void)self;
	if (m->type == MSG_move_run)
		on_move_run(ctx, m);
	else if (m->type == MSG_move_cancel)
		on_move_cancel(ctx, m);
	else
		act_unexpected(ctx, m);
}

static const struct actor_class fake_moves_class = {
	.name = "moves",
	.handle = handle,
};

addr_t
fake_moves_spawn(struct sim *sim)
{
	return sim_spawn(sim, &fake_moves_class, NULL, 0);
}
