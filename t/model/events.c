/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in the logs, and what is done with their files.
 */
#include "config.h"

#include "model/stmt.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "mysql/rows.h"

enum { EVENTS_MAX = 5 }; /* of a transaction */

void
stmt_binary_logs(struct stmt *st)
{
	static const char *const columns[] = { "Log_name", "File_size",
		"Encrypted" };
	const struct model_log *l = &st->s->binlog;
	size_t n = stmt_mysql(st, 8, 0, 14) ? 3 : 2;
	char name[MODEL_TEXT_MAX + 16], size[32];

	if (!lex_over(&st->lex)) {
		stmt_syntax(st);
		return;
	}
	if (!st->s->log_bin) {
		stmt_fail(st, 1381, "You are not using binary logging");
		return;
	}
	rows_put_result(st->out, columns, n, l->files);
	for (uint32_t i = 0; i < l->files; i++) {
		stmt_put(st, model_file_name(st->s->log_base,
		    l->file[i].number, name));
		snprintf(size, sizeof size, "%llu",
		    (unsigned long long)l->file[i].end);
		stmt_put(st, size);
		if (n == 3)
			stmt_put(st, "No");
	}
}

/* ---- events ---- */

struct event {
	uint64_t pos, end;
	const char *type;
	char info[512];
};

/* A listing under way. */
struct listing {
	struct stmt *st;
	const char *file; /* name */
	bool relay;
	uint64_t from, skip, limit;
	size_t rows;
};

static void
put_event(struct listing *l, const struct event *e, uint64_t server_id,
    uint64_t source_end)
{
	char number[32];

	if (e->pos < l->from || l->limit == 0)
		return;
	if (l->skip > 0) {
		l->skip--;
		return;
	}
	l->limit--;
	l->rows++;
	stmt_put(l->st, l->file);
	snprintf(number, sizeof number, "%llu", (unsigned long long)e->pos);
	stmt_put(l->st, number);
	stmt_put(l->st, e->type);
	snprintf(number, sizeof number, "%llu", (unsigned long long)server_id);
	stmt_put(l->st, number);
	/* In a relay log this is the place in the source's. */
	snprintf(number, sizeof number, "%llu",
	    (unsigned long long)(l->relay ? source_end : e->end));
	stmt_put(l->st, number);
	stmt_put(l->st, e->info);
}

/* The GTID of a transaction, as its first event says it. */
static void
gtid_event(const struct stmt *st, const struct model_trx *t, struct event *e)
{
	if (st->s->mariadb) {
		e->type = "Gtid";
		snprintf(e->info, sizeof e->info, "%sGTID %u-%llu-%llu",
		    t->kind == MODEL_MARKER ? "" : "BEGIN ", t->domain,
		    (unsigned long long)t->server_id,
		    (unsigned long long)t->seq);
	} else if (t->uuid == MODEL_ANONYMOUS) {
		e->type = "Anonymous_Gtid";
		strcpy(e->info, "SET @@SESSION.GTID_NEXT= 'ANONYMOUS'");
	} else {
		e->type = "Gtid";
		snprintf(e->info, sizeof e->info,
		    "SET @@SESSION.GTID_NEXT= '%s:%llu'",
		    model_uuid_text(st->m, t->uuid),
		    (unsigned long long)t->gno);
	}
}

/* The events of one transaction, without their places: how many. */
static size_t
events_of(const struct stmt *st, const struct model_trx *t, uint64_t ordinal,
    struct event *e)
{
	size_t n = 0;

	gtid_event(st, t, &e[n++]);
	if (t->kind == MODEL_MARKER) {
		e[n].type = "Query";
		snprintf(e[n].info, sizeof e[n].info, "%s%s",
		    st->m->marker[t->text], stmt_mysql(st, 8, 0, 0) ?
		    " /* xid= */" : "");
		if (stmt_mysql(st, 8, 0, 0))
			snprintf(e[n].info, sizeof e[n].info,
			    "%s /* xid=%llu */", st->m->marker[t->text],
			    (unsigned long long)(ordinal * 7 + st->s->origin));
		return n + 1;
	}
	if (!st->s->mariadb) {
		e[n].type = "Query";
		strcpy(e[n++].info, "BEGIN");
	}
	if (t->kind == MODEL_ROW) {
		e[n].type = "Table_map";
		snprintf(e[n++].info, sizeof e->info, "table_id: %u (t.r)",
		    80 + st->s->origin);
		e[n].type = st->s->mariadb ? "Write_rows_v1" : "Write_rows";
		snprintf(e[n++].info, sizeof e->info,
		    "table_id: %u flags: STMT_END_F", 80 + st->s->origin);
	}
	e[n].type = t->kind == MODEL_ROW ? "Xid" : "Query";
	if (t->kind == MODEL_ROW)
		snprintf(e[n].info, sizeof e->info, "COMMIT /* xid=%llu */",
		    (unsigned long long)(ordinal * 7 + st->s->origin));
	else
		strcpy(e[n].info, "COMMIT");
	return n + 1;
}

static void
list_trx(struct listing *l, const struct model_run *r)
{
	struct event e[EVENTS_MAX];
	size_t n = events_of(l->st, &r->first, r->ordinal, e);
	uint64_t each = r->size / n, source_each;

	source_each = l->relay ? r->source_size / n : 0;
	for (size_t i = 0; i < n; i++) {
		bool last = i + 1 == n;

		e[i].pos = r->pos + i * each;
		e[i].end = last ? r->pos + r->size : e[i].pos + each;
		put_event(l, &e[i], r->first.server_id, !l->relay ? 0 :
		    last ? r->source_end : r->source_end - r->source_size +
			(i + 1) * source_each);
	}
}

static void
previous_gtids(const struct stmt *st, const struct model_log *log,
    const struct model_file *f, struct event *e)
{
	struct model_set before = { 0 };

	model_set_copy(&before, &st->s->purged);
	for (uint32_t i = 0; i < log->n && log->run[i].ordinal < f->first; i++)
		if (log->run[i].first.uuid != MODEL_ANONYMOUS)
			model_set_add(&before, log->run[i].first.uuid,
			    log->run[i].first.gno,
			    log->run[i].first.gno + log->run[i].n - 1);
	e->type = st->s->mariadb ? "Gtid_list" : "Previous_gtids";
	if (st->s->mariadb)
		strcpy(e->info, "[]");
	else
		stmt_gtid_text(st, &before, e->info, sizeof e->info);
	model_set_free(&before);
}

/* What each file begins with. */
static void
list_head(struct listing *l, const struct model_log *log,
    const struct model_file *f)
{
	struct event e = { 4, log->header < 126 ? 4 : 126, "Format_desc", "" };

	snprintf(e.info, sizeof e.info, "Server ver: %s, Binlog ver: 4",
	    l->st->s->version);
	put_event(l, &e, l->st->s->server_id, 0);
	if (l->relay)
		return;
	e.pos = e.end;
	e.end = log->header;
	previous_gtids(l->st, log, f, &e);
	put_event(l, &e, l->st->s->server_id, 0);
}

static void
list_file(struct listing *l, const struct model_log *log,
    const struct model_file *f)
{
	struct model_run r;
	uint64_t end = f == &log->file[log->files - 1] ? log->next : f[1].first;
	uint64_t at = f->first;
	struct event rotate = { f->end, f->end + 47, "Rotate", "" };
	char next[MODEL_TEXT_MAX + 16];

	list_head(l, log, f);
	/* Pass by what lies before, without looking at each. */
	while (at < end && l->from > log->header &&
	    model_log_get(log, at, end - at, &r) &&
	    r.pos + r.size <= l->from)
		at += (l->from - r.pos) / r.size < r.n ?
		    (l->from - r.pos) / r.size : r.n;
	for (; at < end && l->limit > 0 && model_log_get(log, at, 1, &r); at++)
		list_trx(l, &r);
	if (f == &log->file[log->files - 1] || l->limit == 0)
		return;
	snprintf(rotate.info, sizeof rotate.info, "%s;pos=4",
	    model_file_name(l->relay ? "relay-bin" : l->st->s->log_base,
		f[1].number, next));
	put_event(l, &rotate, l->st->s->server_id, 4);
}

/* IN 'file' FROM pos LIMIT [offset,] rows */
static bool
take_range(struct listing *l)
{
	struct lex *x = &l->st->lex;
	bool good = true;
	uint64_t more;

	if (lex_take(x, "IN"))
		good = lex_text(x, &l->file);
	if (good && lex_take(x, "FROM"))
		good = lex_number(x, &l->from);
	if (good && lex_take(x, "LIMIT")) {
		good = lex_number(x, &l->limit);
		if (good && lex_take(x, ",")) {
			l->skip = l->limit;
			good = lex_number(x, &more);
			l->limit = good ? more : 0;
		}
	}
	return good && lex_over(x);
}

static void
list_events(struct stmt *st, const struct model_log *log, bool relay)
{
	static const char *const columns[] = { "Log_name", "Pos", "Event_type",
		"Server_id", "End_log_pos", "Info" };
	struct listing l = { .st = st, .relay = relay, .limit = UINT64_MAX };
	const char *base = relay ? "relay-bin" : st->s->log_base;
	char name[MODEL_TEXT_MAX + 16];
	size_t mark;

	if (!take_range(&l)) {
		stmt_syntax(st);
		return;
	}
	if (!stmt_may_change(st))
		return;
	for (uint32_t i = 0; i < log->files; i++) {
		model_file_name(base, log->file[i].number, name);
		if (l.file != NULL && strcmp(l.file, name) != 0)
			continue;
		l.file = name;
		mark = rows_begin(st->out, columns, 6);
		list_file(&l, log, &log->file[i]);
		rows_end(st->out, mark, l.rows);
		return;
	}
	stmt_fail(st, 1220, "Error when executing command SHOW %s EVENTS: "
	    "Could not find target log", relay ? "RELAYLOG" : "BINLOG");
}

void
stmt_binlog_events(struct stmt *st)
{
	if (st->s->log_bin)
		list_events(st, &st->s->binlog, false);
	else
		stmt_fail(st, 1381, "You are not using binary logging");
}

void
stmt_relaylog_events(struct stmt *st)
{
	list_events(st, &st->s->relay, true);
}

/* ---- files ---- */

void
stmt_flush(struct stmt *st)
{
	bool relay = lex_take(&st->lex, "RELAY");

	if (!relay)
		lex_take(&st->lex, "BINARY");
	if (!lex_take(&st->lex, "LOGS") || !lex_over(&st->lex)) {
		stmt_syntax(st);
		return;
	}
	if (!stmt_may_change(st))
		return;
	if (relay)
		model_log_rotate(&st->s->relay);
	else if (st->s->log_bin)
		model_log_rotate(&st->s->binlog);
	stmt_ok(st);
}

void
stmt_purge(struct stmt *st)
{
	const struct model_log *l = &st->s->binlog;
	char name[MODEL_TEXT_MAX + 16];
	const char *file;

	if (!lex_text(&st->lex, &file) || !lex_over(&st->lex)) {
		stmt_syntax(st);
		return;
	}
	if (!stmt_may_change(st))
		return;
	for (uint32_t i = 0; i < l->files; i++)
		if (strcmp(model_file_name(st->s->log_base, l->file[i].number,
			name), file) == 0) {
			model_purge_logs(st->s, l->file[i].number);
			stmt_ok(st);
			return;
		}
	stmt_fail(st, 1373, "Target log not found in binlog index");
}

void
stmt_grants(struct stmt *st)
{
	static const char *const columns[] = { "Grants for o@%" };

	rows_put_result(st->out, columns, 1, 1);
	stmt_put(st, st->s->change_denied != 0 ?
	    "GRANT PROCESS, REPLICATION CLIENT ON *.* TO 'o'@'%'" :
	    "GRANT ALL PRIVILEGES ON *.* TO 'o'@'%'");
}
