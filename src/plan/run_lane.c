/* SPDX-License-Identifier: Apache-2.0 */
/* A lane's orders, and how its steps end; see run_impl.h. */
#include "config.h"

#include "plan/run_impl.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "plan/pgtid.h"
#include "topology/version.h"

/* ---- looking things up ---- */

struct run_server *
run_server(struct run *r, unsigned i)
{
	assert(i < r->servers);
	return &r->server[i];
}

const char *
run_name(struct run *r, unsigned i)
{
	static const char nobody[] = "nobody";
	char text[KEY_TEXT_MAX];

	if (i == PLAN_NOBODY)
		return nobody;
	return arena_strdup(&r->arena, key_text(r->plan->server[i].key, text));
}

const struct instance *
run_in(struct run *r, unsigned i)
{
	struct run_server *s = run_server(r, i);
	struct instance *empty;

	if (s->read)
		return s->now.in;
	if (r->plan->server[i].known != NULL)
		return r->plan->server[i].known->in;
	empty = arena_alloc(&r->arena, sizeof *empty);
	instance_init(empty);
	empty->key = r->plan->server[i].key;
	return empty;
}

const struct step *
lane_step(const struct lane *l)
{
	assert(l->step < l->run->plan->steps);
	return &l->run->plan->step[l->step];
}

dur_t
lane_left(const struct lane *l)
{
	return mono_sub(l->deadline, l->run->now);
}

void
lane_time_to_decide(struct lane *l)
{
	if (l->late || lane_left(l).us >= RUN_DECIDE.us)
		return;
	l->late = true;
	l->deadline = mono_add(l->run->now, RUN_DECIDE);
}

bool
lane_is_blind(struct lane *l)
{
	if (l->blind_since.us == 0)
		l->blind_since = l->run->now;
	return lane_left(l).us <= 0 ||
	    mono_sub(l->run->now, l->blind_since).us >= RUN_DECIDE.us;
}

void
run_say(struct run *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	buf_vprintf(&r->told, fmt, args);
	va_end(args);
	buf_chr(&r->told, '\n');
}

/* ---- orders ---- */

void
lane_order(struct lane *l, enum run_want want, dur_t limit, lane_fn *then)
{
	assert(!l->ordered);
	l->ordered = true;
	l->handed = false;
	l->then = then;
	l->order = (struct run_order){ .want = want, .limit = limit,
	    .server = l->server, .text = buf_text(&l->text),
	    .ticket = ++l->run->ticket };
	if (l->order.ticket == 0)
		l->order.ticket = ++l->run->ticket;
}

/* No order can be given any more: its answer is that. */
static void
answer_late(struct lane *l, lane_fn *then)
{
	static const struct run_reply late = { .code = ERR_TIMEOUT,
		.error = "the step's time is over" };

	l->reply = &late;
	then(l);
	l->reply = NULL;
}

void
lane_look(struct lane *l, unsigned server, lane_fn *then)
{
	dur_t left = lane_left(l);

	if (left.us <= 0) {
		answer_late(l, then);
		return;
	}
	buf_reset(&l->text);
	lane_order(l, RUN_LOOK, left, then);
	l->order.server = server;
}

void
lane_query(struct lane *l, unsigned server, const char *text, dur_t limit,
    bool secret, lane_fn *then)
{
	dur_t left = lane_left(l);

	if (left.us <= 0) {
		answer_late(l, then);
		return;
	}
	if (limit.us > left.us)
		limit = left;
	buf_reset(&l->text);
	sql_session(&l->text, limit);
	buf_str(&l->text, "\n;\n");
	if (version_flavour(run_in(l->run, server)->version,
		run_in(l->run, server)->version_comment) == FLAVOUR_MAXSCALE)
		buf_reset(&l->text);
	buf_str(&l->text, text);
	lane_order(l, RUN_QUERY, limit, then);
	l->order.server = server;
	l->order.secret = secret;
	run_server(l->run, server)->touched = true;
}

void
lane_pause(struct lane *l, dur_t d, lane_fn *then)
{
	if (d.us > lane_left(l).us)
		d = lane_left(l);
	if (d.us <= 0) {
		answer_late(l, then);
		return;
	}
	lane_order(l, RUN_PAUSE, d, then);
}

void
lane_keep(struct lane *l, lane_fn *then)
{
	buf_reset(&l->kept);
	journal_pack(l->run, &l->kept);
	lane_order(l, RUN_KEEP, RUN_UNDO_LIMIT, then);
	l->order.kept = (struct bin){ (const uint8_t *)l->kept.data,
	    l->kept.len };
}

/* ---- the ends of steps ---- */

static void
end_step(struct lane *l)
{
	struct step_log *log = &l->run->log[l->step];

	log->ended = l->run->now;
	arena_reset(&l->arena);
	pgtid_free(l->search);
	l->search = NULL;
	l->state = LANE_IDLE;
}

void
lane_done(struct lane *l)
{
	if (l->state == LANE_UNDO) {
		lane_undone(l);
		return;
	}
	l->run->log[l->step].state = STEP_DONE;
	end_step(l);
}

void
lane_nothing(struct lane *l)
{
	if (l->state == LANE_STEP) {
		l->run->log[l->step].state = STEP_NOTHING;
		end_step(l);
	} else
		lane_undone(l);
}

static void
note_failure(struct lane *l, enum err_code code, const char *text)
{
	struct run *r = l->run;
	struct track_result *t = &r->result[l->track];

	r->log[l->step].state = STEP_FAILED;
	r->log[l->step].error = text;
	if (r->first.code == ERR_NONE)
		err_set(&r->first, code, "%s", text);
	if (t->end == TRACK_FAILED)
		return;
	t->end = TRACK_FAILED;
	t->step = l->step;
	t->why = text;
}

void
lane_fail(struct lane *l, enum err_code code, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX], name[KEY_TEXT_MAX];
	bool alone = l->run->result[l->track].end != TRACK_FAILED;
	const char *full;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	key_text(l->run->plan->server[l->server].key, name);
	full = arena_printf(&l->run->arena, "%s: %s", name, text);
	if (l->state == LANE_UNDO) {
		undo_failed(l, text);
		return;
	}
	assert(l->state == LANE_STEP && code != ERR_NONE);
	run_say(l->run, "%s: failed: %s", verb_wire(lane_step(l)->verb), full);
	if (lane_step(l)->last_resort && l->restarts++ < RUN_AGAIN_MAX &&
	    lane_left(l).us > RUN_RESTART.us) {
		lane_pause(l, RUN_RESTART, step_begin);
		return;
	}
	note_failure(l, code, full);
	/* Nothing is undone for a last resort, so it must be said. */
	if (lane_step(l)->last_resort)
		undo_leave(l, l->track, l->server, alone ? arena_printf(
		    &l->run->arena, "%s; what was done before stays", text) :
		    text);
	end_step(l);
	if (!lane_step(l)->last_resort)
		undo_begin(l);
}
