/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server itself: read-only, semi-sync, its logs, its GTID sets, a search by
 * markers, and the programs that are run for people.
 */
#include "config.h"

#include "plan/run_impl.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "mysql/rows.h"
#include "plan/pgtid.h"
#include "topology/coord.h"
#include "topology/gtid.h"

/* Failures that a worker only reports because another one failed. */
#define WORKER_FOLLOWS "3030"
#define LOOK_PAUSE DUR_MS(500)

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
static void
remember_gone(struct lane *l)
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

/* ---- empty transactions ---- */

/* The next one that the server lacks, of what is to be injected. */
static bool
next_missing(struct lane *l, const char *want, struct buf *out)
{
	struct gtid_set all, has, missing;
	char uuid[GTID_UUID_TEXT_MAX];
	bool any;

	gtid_set_init(&all);
	gtid_set_init(&has);
	gtid_set_init(&missing);
	buf_reset(out);
	any = gtid_set_parse(&all, want, NULL) == ERR_NONE &&
	    gtid_set_parse(&has, in_of(l)->executed_gtid_set, NULL) ==
	    ERR_NONE;
	gtid_set_subtract(&missing, &all, &has);
	any = any && !gtid_set_is_empty(&missing);
	if (any) {
		const struct gtid_source *s = &missing.source[0];

		buf_printf(out, "%s%s%s:%" PRId64,
		    gtid_uuid_text(s->uuid, uuid), s->tag[0] != '\0' ? ":" : "",
		    s->tag, missing.range[s->first].lo);
	}
	gtid_set_fini(&all);
	gtid_set_fini(&has);
	gtid_set_fini(&missing);
	return any;
}

static lane_fn inject_next;

static void
look_inject(struct lane *l)
{
	lane_look(l, l->server, inject_next);
}

/* The session must not keep GTID_NEXT: the connection is told so last. */
static void
on_reset_next(struct lane *l)
{
	lane_fail(l, l->trouble.code, "%s", l->trouble.text);
}

static void
on_injected(struct lane *l)
{
	const struct run_reply *r = l->reply;

	if (r->code == ERR_SERVER || r->code == ERR_DENIED) {
		err_set(&l->trouble, r->code, "an empty transaction: %s",
		    r->error);
		lane_query(l, l->server, "ROLLBACK\n;\n"
		    "SET SESSION GTID_NEXT = 'AUTOMATIC'", lane_left(l), false,
		    on_reset_next);
		return;
	}
	if (r->code != ERR_NONE && lane_left(l).us <= 0) {
		lane_fail(l, r->code, "an empty transaction: %s", r->error);
		return;
	}
	/* Whether it arrived or not: the server knows. */
	l->count += r->code == ERR_NONE;
	look_inject(l);
}

static void
inject(struct lane *l, const char *gtid)
{
	struct buf b;

	buf_init(&b);
	buf_str(&b, "SET SESSION GTID_NEXT = ");
	sql_quote(&b, gtid);
	run_said(l, buf_text(&b));
	buf_str(&b, "\n;\nBEGIN\n;\nCOMMIT\n;\n"
	    "SET SESSION GTID_NEXT = 'AUTOMATIC'");
	lane_query(l, l->server, buf_text(&b), lane_left(l), false,
	    on_injected);
	buf_fini(&b);
}

static void
inject_next(struct lane *l)
{
	struct buf gtid;

	if (l->reply != NULL && l->reply->code != ERR_NONE) {
		if (lane_is_blind(l))
			lane_fail(l, l->reply->code, "it cannot be looked at:"
			    " %s", l->reply->error);
		else
			lane_pause(l, LOOK_PAUSE, look_inject);
		return;
	}
	buf_init(&gtid);
	if (next_missing(l, l->wanted_set, &gtid)) {
		inject(l, buf_text(&gtid));
	} else {
		l->run->result[l->track].count += (uint64_t)l->count;
		lane_done(l);
	}
	buf_fini(&gtid);
}

static void
begin_inject_set(struct lane *l, const char *set)
{
	struct before *b = run_before(l, BEFORE_GONE, l->server);

	b->text = "it has empty transactions more";
	l->wanted_set = arena_strdup(&l->arena, set);
	lane_keep(l, inject_next);
}

void
begin_inject(struct lane *l)
{
	struct err err = ERR_INIT;
	struct gtid_set set;

	gtid_set_init(&set);
	if (gtid_set_parse(&set, lane_step(l)->text, &err) != ERR_NONE)
		lane_fail(l, err.code, "%s", err.text);
	else if (gtid_set_is_empty(&set))
		lane_nothing(l);
	else
		begin_inject_set(l, lane_step(l)->text);
	gtid_set_fini(&set);
}

/* ---- the transaction that the applier fails on ---- */

static bool
is_one_gtid(const char *text)
{
	struct gtid_set set;
	bool one;

	gtid_set_init(&set);
	one = gtid_set_parse(&set, text, NULL) == ERR_NONE &&
	    gtid_set_count(&set) == 1;
	gtid_set_fini(&set);
	return one;
}

/* "...transaction 'uuid:n' at ..." of the applier's error. */
static const char *
gtid_of_error(struct lane *l)
{
	const char *at = strstr(in_of(l)->last_sql_error, "transaction '");
	const char *end;

	if (at == NULL)
		return NULL;
	at += strlen("transaction '");
	end = strchr(at, '\'');
	return end == NULL ? NULL :
	    arena_strndup(&l->arena, at, (size_t)(end - at));
}

static const char *
gtid_of_workers(struct lane *l)
{
	const char *found = NULL;
	struct rows rows;
	unsigned n = 0;

	rows_init(&rows, l->reply->rows);
	while (rows_next_result(&rows))
		while (rows_next(&rows)) {
			const char *t = rows_get(&rows, "APPLYING_TRANSACTION");
			const char *e = rows_get(&rows, "LAST_ERROR_NUMBER");

			if (t == NULL)
				t = rows_get(&rows, "LAST_SEEN_TRANSACTION");
			if (e == NULL || strcmp(e, "0") == 0 ||
			    strcmp(e, WORKER_FOLLOWS) == 0)
				continue;
			n++;
			found = t;
		}
	return n == 1 && found != NULL ? arena_strdup(&l->arena, found) : NULL;
}

static void
on_workers_read(struct lane *l)
{
	const char *gtid = gtid_of_workers(l);

	if (gtid == NULL || !is_one_gtid(gtid))
		gtid = gtid_of_error(l);
	if (gtid == NULL || !is_one_gtid(gtid))
		lane_fail(l, ERR_NOT_FOUND, "the applier does not tell which"
		    " transaction it fails on");
	else
		begin_inject_set(l, gtid);
}

static void
on_counter_set(struct lane *l)
{
	if (l->trouble.code != ERR_NONE)
		lane_fail(l, l->trouble.code, "%s", l->trouble.text);
	else
		lane_done(l);
}

void
begin_skip(struct lane *l)
{
	const struct instance *in = in_of(l);
	struct sql_ask ask = { 0 };

	if (in->sql_state == THREAD_RUNNING || in->last_sql_error[0] == '\0') {
		lane_fail(l, ERR_INVALID, "its applier did not stop with an"
		    " error");
		return;
	}
	if (in->using_oracle_gtid) {
		lane_query(l, l->server, "SELECT * FROM performance_schema"
		    ".replication_applier_status_by_worker", lane_left(l),
		    false, on_workers_read);
		return;
	}
	remember_gone(l);
	list_begin(l);
	list_step(l, &ask);
	list_send(l, on_counter_set);
}

/* ---- RESET_LOGS ---- */

static bool
set_is(const char *a, const char *b)
{
	struct gtid_set x, y;
	bool same;

	gtid_set_init(&x);
	gtid_set_init(&y);
	same = gtid_set_parse(&x, a, NULL) == ERR_NONE &&
	    gtid_set_parse(&y, b, NULL) == ERR_NONE && gtid_set_eq(&x, &y);
	gtid_set_fini(&x);
	gtid_set_fini(&y);
	return same;
}

static void
look_logs(struct lane *l)
{
	lane_look(l, l->server, logs_on);
}

/* Also where an earlier process left it: reset, and nothing purged yet. */
void
logs_on(struct lane *l)
{
	const char *want = l->wanted_set;
	const struct instance *in = in_of(l);
	struct buf b;

	if ((l->reply != NULL && l->reply->code != ERR_NONE) ||
	    (l->trouble.code != ERR_NONE && l->again >= RUN_RESETS_MAX)) {
		if (lane_is_blind(l) || l->again >= RUN_RESETS_MAX)
			lane_fail(l, ERR_SERVER, "%s; gtid_purged must be set"
			    " to '%.300s'", l->trouble.text, want);
		else
			lane_pause(l, LOOK_PAUSE, look_logs);
		return;
	}
	if (set_is(in->executed_gtid_set, want) && l->phase > 0) {
		lane_done(l);
		return;
	}
	l->again++;
	buf_init(&b);
	if (in->executed_gtid_set[0] != '\0') {
		buf_str(&b, sql_word(in, SQL_RESET_LOGS));
	} else {
		buf_str(&b, "SET GLOBAL gtid_purged = ");
		sql_quote(&b, want);
	}
	l->phase = 1;
	run_said(l, buf_text(&b));
	lane_query(l, l->server, buf_text(&b), lane_left(l), false,
	    logs_look);
	buf_fini(&b);
}

void
logs_look(struct lane *l)
{
	err_clear(&l->trouble);
	if (l->reply->code != ERR_NONE)
		err_set(&l->trouble, l->reply->code, "%s",
		    l->reply->error != NULL ? l->reply->error : "no answer");
	lane_look(l, l->server, logs_on);
}

static void
on_reset_kept(struct lane *l)
{
	if (l->reply->code != ERR_NONE) {
		lane_fail(l, l->reply->code, "cannot be noted: %s",
		    l->reply->error);
		return;
	}
	logs_on(l);
}

void
begin_reset_logs(struct lane *l)
{
	struct before *b = run_before(l, BEFORE_LOGS, l->server);

	b->text = arena_strdup(&l->run->arena, lane_step(l)->text);
	l->wanted_set = arena_strdup(&l->arena, lane_step(l)->text);
	lane_keep(l, on_reset_kept);
}

/* ---- FLUSH_LOGS ---- */

static lane_fn flush_next;

static void
on_flushed(struct lane *l)
{
	if (l->trouble.code != ERR_NONE) {
		lane_fail(l, l->trouble.code, "%s", l->trouble.text);
		return;
	}
	l->count++;
	l->run->result[l->track].count++;
	lane_look(l, l->server, flush_next);
}

/* The number of a log against that of another: by what a log is called. */
static bool
is_there(struct lane *l, const struct step *s)
{
	struct coord want = { .file = s->text, .pos = 0 };
	struct coord is = { .file = in_of(l)->self_coord.file, .pos = 0 };

	if (s->text[0] == '\0')
		return l->count >= (s->number > 0 ? s->number : 1);
	return coord_cmp(&is, &want) >= 0;
}

static void
flush_next(struct lane *l)
{
	struct sql_ask ask = { 0 };

	if (is_there(l, lane_step(l))) {
		lane_done(l);
		return;
	}
	list_begin(l);
	list_step(l, &ask);
	list_send_unkept(l, on_flushed);
}

void
begin_flush(struct lane *l)
{
	const struct step *s = lane_step(l);
	struct coord want = { .file = s->text }, is = in_of(l)->self_coord;

	is.pos = 0;
	if (s->text[0] != '\0' && (!coord_comparable(&is, &want) ||
		coord_cmp(&is, &want) > 0)) {
		lane_fail(l, ERR_INVALID, "its log %s is beyond %s",
		    is.file, s->text);
		return;
	}
	remember_gone(l);
	lane_keep(l, flush_next);
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
	[DO_RESET_REPLICA] = { .is_so = reset_is_so, .remember = remember_gone,
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
	[DO_PURGE_LOGS] = { .remember = remember_gone, .may_repeat = true },
	[DO_KILL_QUERY] = { .remember = remember_gone },
	[DO_RESET_LOGS] = { .begin = begin_reset_logs },
	[DO_INJECT_EMPTY] = { .begin = begin_inject },
	[DO_MATCH] = { .begin = begin_match },
	[DO_RUN_HOOK] = { .begin = begin_hook },
};
