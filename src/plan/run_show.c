/* SPDX-License-Identifier: Apache-2.0 */
/* What was done, for people and as JSON. */
#include "config.h"

#include "plan/run_impl.h"

#include <string.h>

#include "plan/words.h"

static const char *const end_names[] = {
	[TRACK_PENDING] = "pending",
	[TRACK_DONE] = "done",
	[TRACK_FAILED] = "failed",
	[TRACK_NOT_TRIED] = "not tried",
};

static const char *const step_names[] = {
	[STEP_WAITING] = "not tried",
	[STEP_RUNNING] = "running",
	[STEP_DONE] = "done",
	[STEP_NOTHING] = "nothing to do",
	[STEP_FAILED] = "failed",
};

static void
json_track(const struct run *r, size_t t, struct json *w)
{
	const struct track_result *res = &r->result[t];
	unsigned server = r->plan->track[t].server;
	char text[KEY_TEXT_MAX];

	json_obj(w);
	json_kstr(w, "Server", server == PLAN_NOBODY ? "" :
	    key_text(r->plan->server[server].key, text));
	json_kstr(w, "Result", end_names[res->end]);
	json_kstr(w, "Error", res->why);
	json_kbool(w, "Undone", res->undone);
	json_kstr(w, "Left", res->left);
	json_key(w, "Found");
	coord_json(w, &res->found);
	json_kuint(w, "Count", res->count);
	json_end(w);
}

static void
json_said(struct json *w, const struct buf *said)
{
	const char *at = buf_text(said);

	json_key(w, "Statements");
	json_arr(w);
	while (*at != '\0') {
		size_t n = strcspn(at, "\n");

		json_strn(w, at, n);
		at += n + (at[n] != '\0');
	}
	json_end(w);
}

static void
json_step(const struct run *r, size_t i, struct json *w)
{
	const struct step_log *log = &r->log[i];
	mono_t end = log->ended.us != 0 ? log->ended : r->now;

	json_obj(w);
	words_json_step(r->plan, &r->plan->step[i], w);
	json_kstr(w, "Result", step_names[log->state]);
	json_kstr(w, "Error", log->error);
	json_kdouble(w, "BeganAfterSeconds", log->state == STEP_WAITING ? 0 :
	    (double)mono_sub(log->began, r->began).us / 1e6);
	json_kdouble(w, "Seconds", log->state == STEP_WAITING ? 0 :
	    (double)mono_sub(end, log->began).us / 1e6);
	json_said(w, &log->said);
	json_end(w);
}

uint64_t
run_turns(const struct run *r)
{
	return r->turns;
}

static const char *
result_of(const struct run *r)
{
	struct err err = ERR_INIT;

	if (!r->over)
		return "running";
	if (!run_failed(r, &err))
		return "done";
	return r->result[0].end != TRACK_FAILED ? "partial" :
	    r->result[0].undone ? "undone" : "failed";
}

void
run_json(const struct run *r, struct json *w)
{
	mono_t end = r->over ? r->ended : r->now;

	json_obj(w);
	json_kstr(w, "Operation", r->plan->op);
	json_kstr(w, "Title", r->plan->title);
	json_kstr(w, "Method", r->plan->method);
	json_kstr(w, "Result", result_of(r));
	json_kstr(w, "Error", r->first.text);
	json_kdouble(w, "Seconds", (double)mono_sub(end, r->began).us / 1e6);
	json_key(w, "Tracks");
	json_arr(w);
	for (size_t t = 0; t < r->tracks; t++)
		json_track(r, t, w);
	json_end(w);
	json_key(w, "Steps");
	json_arr(w);
	for (size_t i = 0; i < r->logs; i++)
		json_step(r, i, w);
	json_end(w);
	json_end(w);
}

void
run_words(const struct run *r, struct buf *out)
{
	buf_add(out, buf_text(&r->told), r->told.len);
}
