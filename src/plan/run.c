/* SPDX-License-Identifier: Apache-2.0 */
/* Which steps run when, what is fed, and the life of a run; see run.h. */
#include "config.h"

#include "plan/run_impl.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "plan/pgtid.h"
#include "topology/version.h"

enum { SIDE_BY_SIDE_MAX = 1000 };

static void go_on(struct run *r);

/* ---- orders and answers ---- */

bool
run_next(struct run *r, mono_t now, struct run_order *order)
{
	r->now = now;
	go_on(r);
	for (unsigned i = 0; i < r->lanes; i++) {
		struct lane *l = &r->lane[i];

		if (!l->ordered || l->handed)
			continue;
		l->handed = true;
		*order = l->order;
		return true;
	}
	return false;
}

static struct lane *
lane_of(struct run *r, unsigned ticket)
{
	for (unsigned i = 0; i < r->lanes; i++)
		if (r->lane[i].ordered && r->lane[i].handed &&
		    r->lane[i].order.ticket == ticket)
			return &r->lane[i];
	return NULL;
}

static struct member
member_copy(const struct instance *in, const struct health *h,
    struct arena *a)
{
	struct member m = { .in = instance_dup(in, a) };

	if (h != NULL)
		m.health = *h;
	m.health.error = arena_strdup(a,
	    h != NULL && h->error != NULL ? h->error : "");
	return m;
}

static void
take_look(struct run *r, unsigned server, const struct run_reply *reply)
{
	struct run_server *s = run_server(r, server);

	if (reply->code != ERR_NONE || reply->facts == NULL)
		return;
	if (!s->was_read) {
		s->was_read = true;
		s->was = member_copy(reply->facts, reply->health,
		    &s->was_arena);
	}
	arena_reset(&s->arena);
	s->now = member_copy(reply->facts, reply->health, &s->arena);
	s->read = true;
	s->touched = false;
	s->read_at = r->now;
}

void
run_feed(struct run *r, unsigned ticket, const struct run_reply *reply,
    mono_t now)
{
	struct lane *l = lane_of(r, ticket);

	r->now = now;
	if (l == NULL)
		return; /* it was given up */
	l->ordered = false;
	if (l->order.want == RUN_LOOK) {
		take_look(r, l->order.server, reply);
		if (reply->code == ERR_NONE)
			l->blind_since = (mono_t){ 0 };
	}
	if (l->stop && l->state == LANE_STEP) {
		lane_fail(l, ERR_CLOSED, "%s", r->cancel_why);
	} else {
		l->reply = reply;
		l->then(l);
		l->reply = NULL;
	}
	go_on(r);
}

/* ---- which step is next ---- */

static void
begin(struct lane *l, size_t step)
{
	const struct step *s = &l->run->plan->step[step];
	struct step_log *log = &l->run->log[step];

	assert(l->state == LANE_IDLE);
	l->run->turns++;
	l->stop = false;
	l->restarts = 0;
	l->blind_since = (mono_t){ 0 };
	l->state = LANE_STEP;
	l->step = step;
	l->server = s->server;
	l->began = log->began = l->run->now;
	l->deadline = mono_add(l->began, s->limit);
	log->state = STEP_RUNNING;
	step_begin(l);
}

/* The first step from there on of that track that is still to be done. */
static size_t
wanted_from(const struct run *r, unsigned track, size_t step)
{
	bool failed = r->result[track].end == TRACK_FAILED;

	while (step != SIZE_MAX && failed && !r->plan->step[step].last_resort)
		step = r->next_of[step];
	return step;
}

static void
end_track(struct lane *l)
{
	struct track_result *t = &l->run->result[l->track];

	if (t->end == TRACK_PENDING)
		t->end = TRACK_DONE;
	l->state = LANE_OVER;
	l->run->turns++;
	l->run->running--;
}

static void
track_on(struct lane *l)
{
	size_t next = wanted_from(l->run, l->track,
	    l->run->next_of[l->step]);

	if (next == SIZE_MAX)
		end_track(l);
	else
		begin(l, next);
}

/* A free lane takes the next track of the section that has steps in it. */
static void
start_track(struct run *r, struct lane *l)
{
	while (r->next_track < r->tracks) {
		unsigned t = r->next_track++;
		size_t step = r->first_of[t];

		if (step == SIZE_MAX)
			continue;
		if (r->cancelled || wanted_from(r, t, step) == SIZE_MAX)
			continue;
		if (r->result[t].end == TRACK_DONE)
			r->result[t].end = TRACK_PENDING;
		l->track = t;
		l->state = LANE_IDLE;
		r->running++;
		begin(l, wanted_from(r, t, step));
		return;
	}
}

/* Steps from at on that belong to tracks; the lists of each. */
static void
open_section(struct run *r)
{
	const struct plan *p = r->plan;
	size_t i = r->at;

	for (size_t t = 0; t < r->tracks; t++)
		r->first_of[t] = SIZE_MAX;
	while (i < p->steps && p->step[i].track != 0)
		i++;
	r->section_end = i;
	while (i-- > r->at) {
		r->next_of[i] = r->first_of[p->step[i].track];
		r->first_of[p->step[i].track] = i;
	}
	r->next_track = 1;
	r->running = 0;
}

static bool
any_track_lives(const struct run *r)
{
	for (size_t i = r->at; i < r->section_end; i++)
		if (r->result[r->plan->step[i].track].end == TRACK_DONE)
			return true;
	return false;
}

static void
close_section(struct run *r)
{
	struct lane *trunk = &r->lane[0];
	bool lives = any_track_lives(r);

	r->at = r->section_end;
	r->section_end = 0;
	r->turns++;
	if ((lives && !r->cancelled) || r->failed)
		return;
	if (r->first.code == ERR_NONE)
		err_set(&r->first, ERR_CLOSED, "%s", r->cancel_why);
	r->result[0].end = TRACK_FAILED;
	r->result[0].why = arena_strdup(&r->arena, r->first.text);
	r->result[0].step = r->at - 1;
	trunk->step = r->at - 1;
	undo_begin(trunk);
}

static void
section_on(struct run *r)
{
	for (unsigned i = 1; i < r->lanes; i++) {
		struct lane *l = &r->lane[i];

		if (l->state == LANE_IDLE && l->track != 0)
			track_on(l);
		if (l->state == LANE_OVER) {
			l->track = 0;
			l->state = LANE_IDLE;
		}
		if (l->state == LANE_IDLE && l->track == 0)
			start_track(r, l);
	}
}

static void
finish(struct run *r)
{
	r->over = true;
	r->ended = r->now;
	for (size_t t = 0; t < r->tracks; t++)
		if (r->result[t].end == TRACK_PENDING)
			r->result[t].end = t == 0 ? TRACK_DONE :
			    TRACK_NOT_TRIED;
	for (size_t t = 0; t < r->tracks; t++)
		if (r->result[t].left[0] != '\0')
			r->result[t].undone = r->result[0].undone = false;
}

static void
on_plan_late(struct lane *l)
{
	lane_fail(l, ERR_TIMEOUT, "the rest of the plan was not made");
}

static void
trunk_on(struct run *r)
{
	struct lane *l = &r->lane[0];
	const struct plan *p = r->plan;

	r->turns++;
	while (r->at < p->steps && r->failed && !(p->step[r->at].track == 0 &&
		p->step[r->at].last_resort))
		r->at++;
	if (r->at < p->steps && p->step[r->at].track != 0) {
		open_section(r);
		section_on(r);
		if (r->running == 0)
			close_section(r);
	} else if (r->at < p->steps) {
		begin(l, r->at++);
	} else if (p->stage != 0 && !r->failed) {
		l->state = LANE_STEP;
		l->step = p->steps - 1;
		l->deadline = mono_add(r->now, RUN_UNDO_LIMIT);
		lane_order(l, RUN_PLAN, RUN_UNDO_LIMIT, on_plan_late);
	} else
		finish(r);
}

/* Until everybody waits for an answer. */
static void
go_on(struct run *r)
{
	bool moved = true;

	while (!r->over && moved) {
		uint64_t turns = r->turns;

		if (r->section_end != 0) {
			section_on(r);
			if (r->running == 0)
				close_section(r);
		} else if (r->lane[0].state == LANE_IDLE) {
			if (r->result[0].end == TRACK_FAILED)
				r->failed = true;
			trunk_on(r);
		}
		moved = r->turns != turns;
	}
}

/* ---- life ---- */

/* Arrays as long as the plan is now. */
static void
measure(struct run *r)
{
	const struct plan *p = r->plan;

	r->server = mem_resize(r->server, p->servers, sizeof *r->server);
	for (; r->servers < p->servers; r->servers++) {
		struct run_server *s = &r->server[r->servers];

		memset(s, 0, sizeof *s);
		arena_init(&s->arena);
		arena_init(&s->was_arena);
		s->matched.file = s->trouble = "";
	}
	r->result = mem_resize(r->result, p->tracks, sizeof *r->result);
	r->first_of = mem_resize(r->first_of, p->tracks, sizeof *r->first_of);
	for (; r->tracks < p->tracks; r->tracks++)
		r->result[r->tracks] = (struct track_result){ .why = "",
			.left = "", .found = { .file = "" } };
	r->log = mem_resize(r->log, p->steps, sizeof *r->log);
	r->next_of = mem_resize(r->next_of, p->steps, sizeof *r->next_of);
	for (; r->logs < p->steps; r->logs++) {
		memset(&r->log[r->logs], 0, sizeof *r->log);
		r->log[r->logs].error = "";
	}
}

static void
add_lanes(struct run *r)
{
	unsigned n = r->plan->side_by_side;

	n = n < 1 ? 1 : n > SIDE_BY_SIDE_MAX ? SIDE_BY_SIDE_MAX : n;
	r->lanes = n + 1;
	r->lane = mem_zalloc(r->lanes * sizeof *r->lane);
	for (unsigned i = 0; i < r->lanes; i++) {
		r->lane[i].run = r;
		arena_init(&r->lane[i].arena);
		r->lane[i].target.key = KEY_NONE;
	}
}

struct run *
run_new(struct plan *plan, const struct plan_request *request,
    const struct world *w, mono_t now)
{
	struct run *r = mem_zalloc(sizeof *r);

	arena_init(&r->arena);
	r->plan = plan;
	r->world = w;
	r->now = r->began = now;
	r->cancel_why = "cancelled";
	if (request != NULL)
		r->request = *request;
	r->request.user = arena_strdup(&r->arena,
	    request != NULL && request->user != NULL ? request->user : "");
	r->request.password = arena_strdup(&r->arena,
	    request != NULL && request->password != NULL ? request->password :
	    "");
	measure(r);
	add_lanes(r);
	return r;
}

static void
free_lane(struct lane *l)
{
	arena_fini(&l->arena);
	buf_fini(&l->text);
	buf_fini(&l->kept);
	buf_fini(&l->list);
	pgtid_free(l->search);
}

void
run_free(struct run *r)
{
	for (unsigned i = 0; i < r->lanes; i++)
		free_lane(&r->lane[i]);
	for (size_t i = 0; i < r->servers; i++) {
		arena_fini(&r->server[i].arena);
		arena_fini(&r->server[i].was_arena);
	}
	for (size_t i = 0; i < r->logs; i++)
		buf_fini(&r->log[i].said);
	mem_free(r->lane);
	mem_free(r->server);
	mem_free(r->result);
	mem_free(r->first_of);
	mem_free(r->log);
	mem_free(r->next_of);
	mem_free(r->equal);
	buf_fini(&r->told);
	arena_fini(&r->arena);
	if (r->recovered != NULL) {
		plan_fini(r->recovered);
		mem_free(r->recovered);
	}
	mem_free(r);
}

/* What was read in this run is newer than what is published, mostly. */
static const struct world *
world_of(struct run *r, const struct world *w)
{
	const struct member **read = arena_alloc(&r->arena,
	    (r->servers + 1) * sizeof *read);
	size_t n = 0;

	for (size_t i = 0; i < r->servers; i++)
		if (r->server[i].read)
			read[n++] = &r->server[i].now;
	return world_with(w, read, n, &r->arena);
}

void
run_stage(struct run *r, unsigned ticket, const struct world *w, mono_t now)
{
	struct lane *l = lane_of(r, ticket);
	struct err err = ERR_INIT;

	r->now = now;
	if (l == NULL)
		return;
	assert(l->order.want == RUN_PLAN);
	l->ordered = false;
	r->world = w = world_of(r, w);
	if (l->stop)
		lane_fail(l, ERR_CLOSED, "%s", r->cancel_why);
	else if (plan_make(r->plan, &r->request, w, &err) != ERR_NONE)
		lane_fail(l, err.code, "%s", err.text);
	else
		l->state = LANE_IDLE;
	measure(r);
	go_on(r);
}

static void
cancel_lane(struct lane *l)
{
	bool waits = l->ordered && l->handed &&
	    (l->order.want == RUN_QUERY || l->order.want == RUN_LOOK ||
	    l->order.want == RUN_KEEP || l->order.want == RUN_HOOK);

	/* What brings a server back is let finish. */
	if (l->state != LANE_STEP || (l->order.want != RUN_PLAN &&
		lane_step(l)->last_resort))
		return;
	l->stop = true;
	if (waits)
		return;
	l->ordered = false;
	lane_fail(l, ERR_CLOSED, "%s", l->run->cancel_why);
}

void
run_cancel(struct run *r, const char *why, mono_t now)
{
	if (r->cancelled || r->over)
		return;
	r->now = now;
	r->cancelled = true;
	r->cancel_why = arena_strdup(&r->arena, why);
	for (unsigned i = 0; i < r->lanes; i++)
		cancel_lane(&r->lane[i]);
	if (r->result[0].end == TRACK_PENDING && r->section_end == 0 &&
	    r->lane[0].state == LANE_IDLE && r->at == 0) {
		r->result[0].end = TRACK_FAILED;
		r->result[0].why = r->cancel_why;
		err_set(&r->first, ERR_CLOSED, "%s", why);
	}
	go_on(r);
}

bool
run_ended(const struct run *r)
{
	return r->over;
}

bool
run_failed(const struct run *r, struct err *err)
{
	bool failed = r->result[0].end == TRACK_FAILED, some = false;

	for (size_t t = 1; t < r->tracks; t++) {
		failed |= r->result[t].end == TRACK_FAILED &&
		    !r->plan->any_track_is_enough;
		some |= r->result[t].end == TRACK_FAILED;
	}
	if (!failed && !(some && r->cancelled))
		return false;
	err_set(err, r->first.code != ERR_NONE ? r->first.code : ERR_CLOSED,
	    "%s", r->first.text);
	return true;
}

const struct track_result *
run_track(const struct run *r, unsigned track)
{
	assert(track < r->tracks);
	return &r->result[track];
}

const struct member *
run_facts(const struct run *r, unsigned server)
{
	assert(server < r->servers);
	return r->server[server].read ? &r->server[server].now : NULL;
}

const struct plan *
run_plan(const struct run *r)
{
	return r->plan;
}
