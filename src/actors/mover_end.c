/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of an operation: all servers that it touched are probed, so that what
 * is published is true when it is answered; then the locks go; then it is told,
 * to the audit and to who asked.
 */
#include "config.h"

#include "actors/mover_state.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"

/* v1's audit types, where they are not the operation's name. */
#define EQUALS_LIMIT DUR_S(30)

static const char *const audit_types[][2] = {
	{ "relocate", "relocate-below" },
	{ "regroup-replicas-pgtid", "regroup-replicas" },
	{ "repoint-replicas", "repoint-to" },
	{ "reset-replica", "reset-slave" },
	{ "detach-replica-master-host", "repoint" },
	{ "reattach-replica-master-host", "repoint" },
	{ "match", "match-below" },
	{ "rematch", "match-below" },
	{ "match-up", "match-below" },
	{ "match-replicas", "multi-match-replicas" },
	{ "match-up-replicas", "multi-match-replicas" },
	{ "set-read-only", "read-only" },
	{ "set-writeable", "read-only" },
	{ "flush-binary-logs", "flush-binary-logs" },
};

static const char *
audit_type(const struct mover *mv)
{
	const char *op = mv->request.op != NULL ? mv->request.op : "undo-move";

	for (size_t i = 0; i < MEM_COUNT(audit_types); i++)
		if (strcmp(audit_types[i][0], op) == 0)
			return audit_types[i][1];
	return op;
}

static const struct plan *
plan_of(const struct mover *mv)
{
	return mv->run != NULL ? run_plan(mv->run) : &mv->plan;
}

/* ---- what is told ---- */

/* The failure, and how the servers stand. */
static enum err_code
outcome(const struct mover *mv, struct buf *text)
{
	const struct track_result *t;
	struct err err = mv->err;

	if (mv->run != NULL)
		run_failed(mv->run, &err);
	if (err.code == ERR_NONE)
		return ERR_NONE;
	buf_str(text, err.text);
	if (mv->run == NULL)
		return err.code;
	for (size_t i = 0; i < plan_of(mv)->tracks; i++) {
		t = run_track(mv->run, (unsigned)i);
		if (t->end == TRACK_FAILED && t->left[0] != '\0' &&
		    strstr(buf_text(text), t->left) == NULL)
			buf_printf(text, "; left: %s", t->left);
	}
	t = run_track(mv->run, 0);
	if (t->end == TRACK_FAILED && t->undone)
		buf_str(text, "; undone: all is as it was");
	return err.code;
}

static void
pack_track(struct buf *b, struct key key, const struct track_result *t)
{
	pack_array(b, 9);
	pack_cstr(b, key.host);
	pack_uint(b, key.port);
	pack_uint(b, t->end);
	pack_cstr(b, t->why);
	pack_cstr(b, t->left);
	pack_bool(b, t->undone);
	pack_cstr(b, t->found.file);
	pack_int(b, t->found.pos);
	pack_uint(b, t->count);
}

/* Without tracks of its own it is about the server that was named. */
static void
pack_tracks(const struct mover *mv, struct buf *b)
{
	const struct plan *p = plan_of(mv);

	if (mv->run == NULL)
		return;
	if (p->tracks == 1 && mv->request.op != NULL)
		pack_track(b, mv->request.server, run_track(mv->run, 0));
	for (size_t i = 1; i < p->tracks; i++)
		pack_track(b, p->server[p->track[i].server].key,
		    run_track(mv->run, (unsigned)i));
	for (size_t i = 0; i < p->left_outs; i++)
		pack_track(b, p->left_out[i].key, &(struct track_result){
		    .end = TRACK_NOT_TRIED, .why = p->left_out[i].why,
		    .left = "", .found = { .file = "" } });
}

static void
audit(struct mover *mv, struct ctx *ctx, enum err_code code, const char *text)
{
	const struct plan *p = plan_of(mv);
	struct key key = mv->request.op != NULL ? mv->request.server :
	    p->servers > 0 ? p->server[0].key : KEY_NONE;
	char place_key[KEY_TEXT_MAX];
	struct place *place = board_get(ctx, BOARD_PLACE,
	    key_text(key, place_key));
	struct buf b;

	buf_init(&b);
	if (mv->run != NULL || (mv->planned && p->title[0] != '\0'))
		buf_str(&b, p->title);
	else
		buf_str(&b, mv->request.op != NULL ? mv->request.op : "undo");
	if (mv->run != NULL && p->method[0] != '\0')
		buf_printf(&b, " (%s)", p->method);
	if (mv->user[0] != '\0')
		buf_printf(&b, ", by %s", mv->user);
	if (mv->client[0] != '\0')
		buf_printf(&b, " from %s", mv->client);
	buf_printf(&b, ", %.1f s: ",
	    (double)wall_sub(act_wall(ctx), mv->began).us / 1e6);
	buf_str(&b, code == ERR_NONE ? "done" : "failed: ");
	buf_str(&b, text);
	act_send(ctx, app_of(ctx)->audit, audit_add, .type = audit_type(mv),
	    .host = key.host, .port = key.port,
	    .cluster = place != NULL ? place->cluster : "",
	    .message = buf_text(&b));
	act_log(ctx, code != ERR_NONE && app_of(ctx)->daemon ? LOG_WARNING :
	    LOG_INFO, "%s",
	    buf_text(&b));
	shared_unref(place);
	buf_fini(&b);
}

/* What later moves may rely on: move-equivalent. */
static void
keep_equals(const struct mover *mv, struct ctx *ctx)
{
	const struct run_equal *e;
	size_t n = mv->run == NULL ? 0 : run_equals(mv->run, &e);
	struct buf b;

	buf_init(&b);
	for (size_t i = 0; i < n; i++) {
		buf_reset(&b);
		command_pack(&b, register_equivalence, .at = act_wall(ctx),
		    .key = e[i].was, .file = e[i].was_at.file,
		    .pos = (uint64_t)e[i].was_at.pos, .target = e[i].is,
		    .target_file = e[i].is_at.file,
		    .target_pos = (uint64_t)e[i].is_at.pos);
		act_request(ctx, app_of(ctx)->control, control_run,
		    EQUALS_LIMIT, .command = { (const uint8_t *)b.data,
		    b.len });
	}
	buf_fini(&b);
}

static void
tell(struct mover *mv, struct ctx *ctx)
{
	const struct plan *p = plan_of(mv);
	struct key chosen = mv->planned ? p->chosen : KEY_NONE;
	struct buf text = { 0 }, json = { 0 }, tracks = { 0 };
	enum err_code code = outcome(mv, &text);
	struct json w;

	json_init(&w, &json);
	if (mv->run != NULL)
		run_json(mv->run, &w);
	else
		buf_str(&json, "{}");
	pack_tracks(mv, &tracks);
	keep_equals(mv, ctx);
	audit(mv, ctx, code, buf_text(&text));
	act_send(ctx, app_of(ctx)->moves, mover_over, .number = mv->number,
	    .code = code, .error = code != ERR_NONE ? buf_text(&text) : NULL,
	    .json = buf_text(&json),
	    .tracks = { (const uint8_t *)tracks.data, tracks.len },
	    .chosen_host = chosen.host, .chosen_port = chosen.port);
	buf_fini(&text);
	buf_fini(&json);
	buf_fini(&tracks);
}

/* ---- one after the other ---- */

static void
probe_all(struct mover *mv, struct ctx *ctx)
{
	const struct plan *p = plan_of(mv);

	if (mv->run == NULL)
		return;
	for (size_t i = 0; i < p->servers; i++) {
		if (!p->server[i].locked)
			continue;
		mover_ask(mv, act_request(ctx, app_of(ctx)->directory,
		    server_probe, MOVER_ASK, .host = p->server[i].key.host,
		    .port = p->server[i].key.port), ASK_PROBE, 0, (unsigned)i);
		mv->ending++;
	}
}

static void
forget_journal(struct mover *mv, struct ctx *ctx)
{
	/* What could not even begin is for the next start. */
	if (!mv->journalled || (mv->run != NULL && !run_ended(mv->run)))
		return;
	mover_ask(mv, act_request(ctx, app_of(ctx)->store, store_move,
	    MOVER_ASK, .id = mv->id), ASK_FORGET, 0, 0);
	mv->ending++;
}

void
mover_ended_one(struct mover *mv, struct ctx *ctx)
{
	if (mv->state != MOVER_ENDING || --mv->ending > 0)
		return;
	if (!mv->unlocked) {
		mv->unlocked = true;
		mv->ending = 1;
		forget_journal(mv, ctx);
		mover_unlock_all(mv, ctx);
		mover_ended_one(mv, ctx);
		return;
	}
	tell(mv, ctx);
	mv->state = MOVER_OVER;
	act_exit(ctx);
}

void
mover_end(struct mover *mv, struct ctx *ctx)
{
	assert(mv->state < MOVER_ENDING);
	mv->state = MOVER_ENDING;
	mover_close(mv, ctx);
	mv->ending = 1;
	probe_all(mv, ctx);
	mover_ended_one(mv, ctx);
}
