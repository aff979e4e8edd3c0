/* SPDX-License-Identifier: Apache-2.0 */
/* Empty transactions, the one that is skipped, and a server's own logs. */
#include "config.h"

#include "plan/run_impl.h"

#include <inttypes.h>
#include <string.h>

#include "mysql/rows.h"
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
	run_remember_gone(l);
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
	run_remember_gone(l);
	lane_keep(l, flush_next);
}
