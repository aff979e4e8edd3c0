/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replication threads: on, off, and as they were.
 *
 * A receiver that was started and still connects after a second is no failure
 * yet: it is given RUN_PATIENCE, or RUN_ERROR_PATIENCE once it names an error.
 */
#include "config.h"

#include "plan/run_impl.h"

#include "topology/key.h"
#include "topology/note.h"

bool
both_stopped(const struct instance *in)
{
	return in->io_state <= THREAD_STOPPED && in->sql_state <= THREAD_STOPPED;
}

static bool
is_on(int64_t state)
{
	return state == THREAD_RUNNING || state == THREAD_OTHER;
}

/* ---- what is seen ---- */

static const char *
source_name(struct lane *l, const struct instance *in)
{
	char text[KEY_TEXT_MAX];

	return arena_strdup(&l->run->arena, key_text(in->source_key, text));
}

static lane_fn look_after_trouble;

static enum seen
not_running(struct lane *l, const char *who, const char *error, dur_t patience)
{
	dur_t waited = mono_sub(l->run->now, l->looked_since);

	if (waited.us < patience.us)
		return SEEN_NOT_YET;
	err_set(&l->trouble, ERR_SERVER, "%s does not run: %s", who, error);
	return SEEN_NO;
}

static enum seen
seen_receiver(struct lane *l, const struct instance *in)
{
	bool named = in->last_io_error[0] != '\0';

	if (in->io_state == THREAD_RUNNING)
		return SEEN_YES;
	/* It was found like that, perhaps by chance: give it a moment. */
	if (l->lenient && in->io_state == THREAD_OTHER)
		return named || mono_sub(l->run->now, l->looked_since).us >=
		    RUN_ERROR_PATIENCE.us ? SEEN_YES : SEEN_NOT_YET;
	if (named)
		return not_running(l, "its receiver", in->last_io_error,
		    in->io_state == THREAD_STOPPED ? DUR_ZERO :
		    RUN_ERROR_PATIENCE);
	return not_running(l, "its receiver", in->io_state == THREAD_OTHER ?
	    arena_printf(&l->run->arena, "it still connects to %s",
		source_name(l, in)) : "it stopped without an error",
	    RUN_PATIENCE);
}

static enum seen
seen_threads(struct lane *l)
{
	const struct instance *in = run_in(l->run, l->server);
	enum seen seen = SEEN_YES;

	if ((!l->want_io && is_on(in->io_state)) ||
	    (!l->want_sql && is_on(in->sql_state)))
		return SEEN_NOT_YET;
	if (l->want_sql && in->sql_state != THREAD_RUNNING)
		seen = not_running(l, "its applier",
		    in->last_sql_error[0] != '\0' ? in->last_sql_error :
		    "it stopped without an error",
		    in->last_sql_error[0] != '\0' ? DUR_ZERO : RUN_PATIENCE);
	if (seen == SEEN_YES && l->want_io)
		seen = seen_receiver(l, in);
	return seen;
}

static bool
is_as_wanted(struct lane *l, const struct instance *in)
{
	return is_on(in->io_state) == l->want_io &&
	    is_on(in->sql_state) == l->want_sql;
}

/* ---- semi-sync, before a start ---- */

static void
set_semi_sync(struct lane *l, bool source, bool on)
{
	const struct instance *in = run_in(l->run, l->server);
	struct before *b = run_before(l, source ? BEFORE_SEMI_SOURCE :
	    BEFORE_SEMI_REPLICA, l->server);

	b->number = !on;
	list_add(l, arena_printf(&l->arena, "SET GLOBAL %s = %d",
	    sql_semi_sync(in, source), on));
}

/*
 * A replica that may take part acknowledges only in its own role: not as a
 * source, and as a replica unless it must never be promoted.
 * From: recovery of semi-sync, inst/instance_topology_dao.go, Percona fork.
 */
void
run_prepare_semi_sync(struct lane *l)
{
	struct run *r = l->run;
	const struct instance *in = run_in(r, l->server);
	bool wanted;

	if (l->state == LANE_UNDO || in->semi_sync_priority == 0 ||
	    !in->semi_sync_available)
		return;
	if (in->semi_sync_source_enabled)
		set_semi_sync(l, true, false);
	switch (run_semi_sync(r, l->server)) {
	case SEMI_ON: wanted = true; break;
	case SEMI_OFF: wanted = false; break;
	default: return;
	}
	if (wanted != in->semi_sync_replica_enabled)
		set_semi_sync(l, false, wanted);
}

/* ---- setting them ---- */

static void send_threads(struct lane *l);

static void
add_threads(struct lane *l, const struct instance *in)
{
	bool io_on = is_on(in->io_state), sql_on = is_on(in->sql_state);
	bool start_io = l->want_io && !io_on, stop_io = !l->want_io && io_on;
	bool start_sql = l->want_sql && !sql_on;
	bool stop_sql = !l->want_sql && sql_on;
	struct buf b;

	buf_init(&b);
	if (start_io || start_sql)
		run_prepare_semi_sync(l);
#define ADD(word) \
	(buf_reset(&b), sql_threads(&b, in, (word)), list_add(l, buf_text(&b)))
	if (stop_io && stop_sql)
		ADD(SQL_STOP);
	else if (stop_io)
		ADD(SQL_STOP_RECEIVER);
	else if (stop_sql)
		ADD(SQL_STOP_APPLIER);
	if (start_io && start_sql)
		ADD(SQL_START);
	else if (start_io)
		ADD(SQL_START_RECEIVER);
	else if (start_sql)
		ADD(SQL_START_APPLIER);
#undef ADD
	buf_fini(&b);
}

/*
 * A statement failed, or nobody knows: where it is as wanted all the same (a
 * thread that did not run anyway, a connection that broke afterwards) it is well.
 */
static void
on_looked_after_trouble(struct lane *l)
{
	if (l->reply->code != ERR_NONE && !lane_is_blind(l)) {
		lane_pause(l, DUR_MS(500), look_after_trouble);
	} else if (l->reply->code == ERR_NONE &&
	    is_as_wanted(l, run_in(l->run, l->server))) {
		err_clear(&l->trouble);
		look_until(l, seen_threads, l->threads_end);
	} else if (l->reply->code == ERR_NONE && l->unknown &&
	    l->again++ < RUN_AGAIN_MAX && lane_left(l).us > 0) {
		send_threads(l);
	} else
		lane_fail(l, l->trouble.code, "%s", l->trouble.text);
}

static void
look_after_trouble(struct lane *l)
{
	lane_look(l, l->server, on_looked_after_trouble);
}

static void
on_threads_sent(struct lane *l)
{
	if (l->trouble.code == ERR_NONE) {
		look_until(l, seen_threads, l->threads_end);
		return;
	}
	lane_time_to_decide(l);
	look_after_trouble(l);
}

static void
send_threads(struct lane *l)
{
	unsigned again = l->again;

	list_begin(l);
	l->again = again;
	add_threads(l, run_in(l->run, l->server));
	list_send(l, on_threads_sent);
}

void
threads_set(struct lane *l, bool io, bool sql, bool lenient, lane_fn *after)
{
	l->want_io = io;
	l->want_sql = sql;
	l->lenient = lenient;
	l->threads_end = after;
	l->again = 0;
	if (is_as_wanted(l, run_in(l->run, l->server)))
		after(l);
	else
		send_threads(l);
}

/* ---- the verbs ---- */

/* As it is, but for the threads of the verb. */
static void
begin_threads(struct lane *l, bool io, bool sql)
{
	const struct instance *in = run_in(l->run, l->server);

	if (is_on(in->io_state) == io && is_on(in->sql_state) == sql) {
		lane_nothing(l);
		return;
	}
	run_note_threads(l, l->server);
	threads_set(l, io, sql, key_is_detached(in->source_key), lane_done);
}

static const struct instance *
in_of(struct lane *l)
{
	return run_in(l->run, l->server);
}

void
begin_stop(struct lane *l)
{
	begin_threads(l, false, false);
}

void
begin_stop_receiver(struct lane *l)
{
	begin_threads(l, false, is_on(in_of(l)->sql_state));
}

void
begin_stop_applier(struct lane *l)
{
	begin_threads(l, is_on(in_of(l)->io_state), false);
}

void
begin_start(struct lane *l)
{
	begin_threads(l, true, true);
}

void
begin_start_receiver(struct lane *l)
{
	begin_threads(l, true, is_on(in_of(l)->sql_state));
}

void
begin_start_applier(struct lane *l)
{
	begin_threads(l, is_on(in_of(l)->io_state), true);
}

/*
 * The plan never asked for its source, which was known to be away: it need not
 * be there now.
 */
static bool
source_is_away(struct lane *l)
{
	const struct plan *p = l->run->plan;
	struct key source = in_of(l)->source_key;

	for (size_t i = 0; lane_step(l)->last_resort && i < p->servers; i++)
		if (key_eq(p->server[i].key, source))
			return !p->server[i].reached &&
			    p->server[i].known != NULL &&
			    !note_is_valid(&p->server[i].known->health);
	return false;
}

void
begin_restore(struct lane *l)
{
	const struct run_server *s = run_server(l->run, l->server);

	if (!s->found || s->trouble[0] != '\0') {
		lane_nothing(l);
		return;
	}
	threads_set(l, s->found_io, s->found_sql, s->found_connecting ||
	    key_is_detached(in_of(l)->source_key) || source_is_away(l),
	    lane_done);
}
