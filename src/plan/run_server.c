/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's switches, a search by markers, the programs that are run for
 * people, and the table of all verbs.
 */
#include "config.h"

#include "plan/run_impl.h"

#include <assert.h>

#include "mysql/rows.h"
#include "plan/pgtid.h"

static const struct instance *
in_of(struct lane *l)
{
	return run_in(l->run, l->server);
}

/* ---- switches ---- */

static bool
wants_super(struct lane *l)
{
	return (l->run->world->policy->super_read_only ||
	    lane_step(l)->number != 0) && sql_has_super(in_of(l));
}

static bool
read_only_is_so(struct lane *l)
{
	return in_of(l)->read_only &&
	    (!wants_super(l) || in_of(l)->super_read_only);
}

static bool
writable_is_so(struct lane *l)
{
	return !in_of(l)->read_only;
}

static void
remember_read_only(struct lane *l)
{
	const struct instance *in = in_of(l);

	run_before(l, BEFORE_READ_ONLY, l->server)->number =
	    in->super_read_only ? 2 : in->read_only;
}

static bool
semi_source_is_so(struct lane *l)
{
	return in_of(l)->semi_sync_source_enabled ==
	    (lane_step(l)->number != 0);
}

static bool
semi_replica_is_so(struct lane *l)
{
	return in_of(l)->semi_sync_replica_enabled ==
	    (lane_step(l)->number != 0);
}

static void
remember_semi_source(struct lane *l)
{
	run_before(l, BEFORE_SEMI_SOURCE, l->server)->number =
	    in_of(l)->semi_sync_source_enabled;
}

static void
remember_semi_replica(struct lane *l)
{
	run_note_threads(l, l->server);
	run_before(l, BEFORE_SEMI_REPLICA, l->server)->number =
	    in_of(l)->semi_sync_replica_enabled;
}

static bool
delay_is_so(struct lane *l)
{
	return (int64_t)in_of(l)->sql_delay == lane_step(l)->number;
}

static void
remember_delay(struct lane *l)
{
	run_before(l, BEFORE_DELAY, l->server)->number =
	    (int64_t)in_of(l)->sql_delay;
}

static bool
reset_is_so(struct lane *l)
{
	return in_of(l)->source_host_raw[0] == '\0';
}

static enum seen
seen_so(struct lane *l)
{
	const struct verb_way *way = &verb_ways[lane_step(l)->verb];

	return way->is_so(l) ? SEEN_YES : SEEN_NOT_YET;
}

/* What is told when it cannot be taken back. */
void
run_remember_gone(struct lane *l)
{
	static const char *const text[VERBS] = {
		[DO_RESET_REPLICA] = "it has forgotten its source",
		[DO_PURGE_LOGS] = "binary logs were purged",
		[DO_KILL_QUERY] = "a query was killed",
		[DO_FLUSH_LOGS] = "a new binary log was begun",
		[DO_SKIP_QUERY] = "a transaction is skipped",
	};
	const char *what = text[lane_step(l)->verb];

	assert(what != NULL);
	run_before(l, BEFORE_GONE, l->server)->text = what;
}

/* ---- MATCH ---- */

static lane_fn search_on;

/* What lane_query() put before the search's statement was answered, too. */
static struct bin
without_session(struct bin reply)
{
	struct rows rows;

	rows_init(&rows, reply);
	if (rows_results(reply) < 2 || !rows_next_result(&rows))
		return reply;
	return (struct bin){ rows.cur.p, (size_t)(rows.cur.end - rows.cur.p) };
}

static void
on_search_answer(struct lane *l)
{
	const struct run_reply *r = l->reply;
	struct pgtid_reply reply = { .code = r->code, .errnum = r->errnum,
		.error = r->error, .rows = without_session(r->rows) };

	pgtid_feed(l->search, l->order.want == RUN_PAUSE ? NULL : &reply,
	    l->run->now);
	search_on(l);
}

static void
end_search(struct lane *l)
{
	struct run_server *s = run_server(l->run, lane_step(l)->server);
	struct track_result *t = &l->run->result[l->track];
	struct pgtid_result found;
	struct err err = ERR_INIT;

	if (pgtid_result(l->search, &found, &err) != ERR_NONE) {
		lane_fail(l, err.code, "%s", err.text);
		return;
	}
	s->matched = found.found;
	s->matched.file = arena_strdup(&l->run->arena, found.found.file);
	t->found = s->matched;
	t->count = found.matched;
	lane_done(l);
}

static void
search_on(struct lane *l)
{
	const struct step *s = lane_step(l);
	struct pgtid_order order;

	if (pgtid_ended(l->search)) {
		end_search(l);
	} else if (!pgtid_next(l->search, l->run->now, &order)) {
		lane_fail(l, ERR_INVALID, "the search does not go on");
	} else if (order.text == NULL) {
		lane_pause(l, order.limit, on_search_answer);
	} else
		lane_query(l, order.side == PGTID_A ? s->server : s->to,
		    order.text, order.limit, false, on_search_answer);
}

void
begin_match(struct lane *l)
{
	const struct step *s = lane_step(l);
	struct pgtid_request request = { .goal = PGTID_MATCH,
		.rule = l->run->world->policy->markers, .text = "",
		.at = { .file = "" } };
	const struct world *w = l->run->world;

	if (request.rule == NULL) {
		lane_fail(l, ERR_UNSUPPORTED, "Pseudo-GTID is not configured");
		return;
	}
	request.a = run_in(l->run, s->server);
	request.b = run_in(l->run, s->to);
	if (w->history != NULL) {
		request.a_history = w->history(w->history_arg, request.a->key);
		request.b_history = w->history(w->history_arg, request.b->key);
	}
	request.limit = lane_left(l);
	l->search = pgtid_new(&request, l->run->now);
	search_on(l);
}

/* ---- RUN_HOOK ---- */

/* What people's programs say is logged, and changes nothing. */
static void
on_hook_ran(struct lane *l)
{
	if (l->reply->code != ERR_NONE)
		run_say(l->run, "%s: %s", lane_step(l)->text, l->reply->error);
	lane_done(l);
}

void
begin_hook(struct lane *l)
{
	buf_reset(&l->text);
	buf_str(&l->text, lane_step(l)->text);
	lane_order(l, RUN_HOOK, lane_left(l), on_hook_ran);
	l->order.to = lane_step(l)->to;
}

/* ---- the table ---- */

const struct verb_way verb_ways[VERBS] = {
	[DO_STOP] = { .begin = begin_stop },
	[DO_STOP_RECEIVER] = { .begin = begin_stop_receiver },
	[DO_STOP_APPLIER] = { .begin = begin_stop_applier },
	[DO_STOP_NICELY] = { .begin = begin_stop_nicely },
	[DO_START] = { .begin = begin_start },
	[DO_START_RECEIVER] = { .begin = begin_start_receiver },
	[DO_START_APPLIER] = { .begin = begin_start_applier },
	[DO_RESTORE] = { .begin = begin_restore },
	[DO_START_UNTIL] = { .begin = begin_start_until },
	[DO_WAIT_FOR] = { .begin = begin_wait_for },
	[DO_CHANGE_SOURCE] = { .begin = begin_change },
	[DO_DETACH] = { .begin = begin_change },
	[DO_ATTACH] = { .begin = begin_change },
	[DO_SET_CREDENTIALS] = { .begin = begin_credentials },
	[DO_SKIP_QUERY] = { .begin = begin_skip },
	[DO_RESET_REPLICA] = { .is_so = reset_is_so, .remember = run_remember_gone,
	    .seen = seen_so, .may_repeat = true },
	[DO_DELAY] = { .is_so = delay_is_so, .remember = remember_delay,
	    .seen = seen_so, .may_repeat = true },
	[DO_READ_ONLY] = { .is_so = read_only_is_so,
	    .remember = remember_read_only, .seen = seen_so,
	    .may_repeat = true },
	[DO_WRITABLE] = { .is_so = writable_is_so,
	    .remember = remember_read_only, .seen = seen_so,
	    .may_repeat = true },
	[DO_SEMI_SYNC_SOURCE] = { .is_so = semi_source_is_so,
	    .remember = remember_semi_source, .seen = seen_so,
	    .may_repeat = true },
	[DO_SEMI_SYNC_REPLICA] = { .is_so = semi_replica_is_so,
	    .remember = remember_semi_replica, .seen = seen_so,
	    .may_repeat = true },
	[DO_FLUSH_LOGS] = { .begin = begin_flush },
	[DO_PURGE_LOGS] = { .remember = run_remember_gone, .may_repeat = true },
	[DO_KILL_QUERY] = { .remember = run_remember_gone },
	[DO_RESET_LOGS] = { .begin = begin_reset_logs },
	[DO_INJECT_EMPTY] = { .begin = begin_inject },
	[DO_MATCH] = { .begin = begin_match },
	[DO_RUN_HOOK] = { .begin = begin_hook },
};
