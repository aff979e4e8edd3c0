/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What servers write themselves, and what they lose.
 */
#include "config.h"

#include "model/model.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

enum { MARKS_MAX = 4096 };

void
model_commit(struct model_server *s, const struct model_trx *t, uint64_t n,
    bool replicated)
{
	struct model_gtid g = { t->domain, t->server_id, t->seq + n - 1 };
	bool logged = s->log_bin && (!replicated || s->log_replica_updates);

	if (t->row > 0) {
		model_set_add(&s->rows, t->origin, t->row, t->row + n - 1);
		s->last_origin = t->origin;
		s->last_row = t->row + n - 1;
	}
	if (t->uuid != MODEL_ANONYMOUS)
		model_set_add(&s->executed, t->uuid, t->gno, t->gno + n - 1);
	if (replicated && t->seq > 0)
		model_gtid_reach(s->replica_pos, g);
	if (logged)
		model_log_add(&s->binlog, t, n, s->trx_bytes, NULL);
	else if (t->uuid != MODEL_ANONYMOUS)
		model_set_add(&s->purged, t->uuid, t->gno, t->gno + n - 1);
	if (logged && t->seq > 0)
		model_gtid_reach(s->log_pos, g);
}

/* ---- its own rows ---- */

/* The next row follows what was executed last. */
static void
note_link(struct model_server *s)
{
	struct model_link l = { s->written + 1, s->last_origin, s->last_row };

	if (l.origin == s->origin && l.after == s->written)
		return;
	if (s->links == s->links_cap) {
		s->links_cap = s->links_cap > 0 ? s->links_cap * 2 : 4;
		s->link = mem_resize(s->link, s->links_cap, sizeof *s->link);
	}
	s->link[s->links++] = l;
}

static void
note_time(struct model_server *s)
{
	struct model *m = s->world;

	if (s->marks > 0 && mono_sub(m->now, s->mark[s->marks - 1].at).us <=
	    m->grain.us)
		return;
	if (s->marks == MARKS_MAX) {
		s->marks /= 2;
		memmove(s->mark, s->mark + s->marks,
		    s->marks * sizeof *s->mark);
	}
	if (s->marks == s->marks_cap) {
		s->marks_cap = s->marks_cap > 0 ? s->marks_cap * 2 : 4;
		s->mark = mem_resize(s->mark, s->marks_cap, sizeof *s->mark);
	}
	s->mark[s->marks++] = (struct model_mark){ s->written + 1, m->now };
}

static uint64_t
next_seq(const struct model_server *s)
{
	const struct model_gtid *a = model_gtid_of(s->log_pos, s->domain);
	const struct model_gtid *b = model_gtid_of(s->replica_pos, s->domain);
	uint64_t seq = a != NULL ? a->seq : 0;

	return (b != NULL && b->seq > seq ? b->seq : seq) + 1;
}

/* The GTID of the next transaction; at most n can count on from there. */
static uint64_t
name_trx(const struct model_server *s, struct model_trx *t, uint64_t n)
{
	uint64_t taken;

	t->uuid = MODEL_ANONYMOUS;
	t->server_id = s->server_id;
	if (s->mariadb) {
		t->domain = s->domain;
		t->seq = next_seq(s);
	} else if (s->gtid) {
		t->uuid = s->origin;
		t->gno = model_set_first(&s->executed, s->origin, 1,
		    INT64_MAX, false);
		taken = model_set_first(&s->executed, s->origin, t->gno,
		    t->gno + n - 1, true);
		n = taken - t->gno;
	}
	return n;
}

static void
write_rows(struct model_server *s, enum model_kind kind, uint32_t text,
    uint64_t n)
{
	uint64_t part;

	if (n == 0)
		return;
	note_link(s);
	note_time(s);
	for (; n > 0; n -= part) {
		struct model_trx t = { .kind = kind, .origin = s->origin,
			.row = s->written + 1, .text = text };

		part = name_trx(s, &t, n);
		s->written += part;
		model_commit(s, &t, part, false);
	}
}

void
model_write(struct model_server *s, uint64_t n)
{
	write_rows(s, MODEL_ROW, 0, n);
}

unsigned
model_client_write(struct model_server *s, uint64_t n)
{
	if (s->fault != MODEL_UP)
		return 2003;
	if (s->read_only || s->super_read_only)
		return 1290;
	if (s->waits_since.us != 0)
		return 1205; /* its clients wait for an acknowledgement */
	model_write(s, n);
	return 0;
}

void
model_write_marker(struct model_server *s, const char *text)
{
	struct model *m = s->world;

	m->marker = mem_resize(m->marker, m->markers + 1, sizeof *m->marker);
	m->marker[m->markers] = mem_strdup(text);
	write_rows(s, MODEL_MARKER, m->markers++, 1);
}

/* Which row went by that GTID: whoever still has it in a log says so. */
static void
void_row(struct model *m, uint32_t uuid, uint64_t gno)
{
	for (uint32_t i = 0; i < m->n; i++) {
		const struct model_log *l = &m->server[i]->binlog;

		for (uint32_t k = 0; k < l->n; k++) {
			const struct model_trx *t = &l->run[k].first;

			if (t->uuid == uuid && t->row > 0 && gno >= t->gno &&
			    gno - t->gno < l->run[k].n)
				model_set_add(&m->voided, t->origin,
				    t->row + gno - t->gno,
				    t->row + gno - t->gno);
		}
	}
}

void
model_write_empty(struct model_server *s, uint32_t uuid, uint64_t gno)
{
	struct model_trx t = { .kind = MODEL_EMPTY, .origin = s->origin,
		.uuid = uuid, .gno = gno, .server_id = s->server_id };

	if (model_set_has(&s->executed, uuid, gno))
		return;
	void_row(s->world, uuid, gno);
	model_commit(s, &t, 1, false);
}

/* ---- logs that go ---- */

void
model_purge_logs(struct model_server *s, uint32_t number)
{
	for (uint32_t i = 0; i < s->binlog.n; i++) {
		const struct model_run *r = &s->binlog.run[i];
		const struct model_trx *t = &r->first;

		if (r->file >= number)
			break;
		if (t->uuid != MODEL_ANONYMOUS)
			model_set_add(&s->purged, t->uuid, t->gno,
			    t->gno + r->n - 1);
		model_gtid_reach(s->before_log, (struct model_gtid){ t->domain,
			t->server_id, t->seq > 0 ? t->seq + r->n - 1 : 0 });
	}
	model_log_purge(&s->binlog, number);
}

void
model_reset_logs(struct model_server *s)
{
	uint64_t header = s->binlog.header;

	model_log_free(&s->binlog);
	model_log_begin(&s->binlog, 1, header);
	model_set_clear(&s->executed);
	model_set_clear(&s->purged);
	memset(s->log_pos, 0, sizeof s->log_pos);
	memset(s->before_log, 0, sizeof s->before_log);
	s->log_life++; /* whoever reads it must begin anew */
}

/* Back to what the logs hold. */
static void
count_again(struct model_server *s)
{
	memcpy(s->log_pos, s->before_log, sizeof s->log_pos);
	for (uint32_t i = 0; i < s->binlog.n; i++) {
		const struct model_run *r = &s->binlog.run[i];

		model_gtid_reach(s->log_pos, (struct model_gtid){
			r->first.domain, r->first.server_id,
			r->first.seq > 0 ? r->first.seq + r->n - 1 : 0 });
	}
}

static void
lose_trx(struct model_server *s, const struct model_run *r)
{
	uint64_t last = r->first.row + r->n - 1;

	model_set_cut(&s->rows, s->origin, r->first.row, last);
	model_set_add(&s->world->voided, s->origin, r->first.row, last);
	if (r->first.uuid != MODEL_ANONYMOUS)
		model_set_cut(&s->executed, r->first.uuid, r->first.gno,
		    r->first.gno + r->n - 1);
	s->last_origin = s->origin;
	s->last_row = r->first.row - 1;
}

static void
lose_binlog(struct model_server *s, uint64_t most)
{
	struct model_log *l = &s->binlog;
	struct model_run r;

	while (most > 0 && l->n > 0) {
		const struct model_run *last = &l->run[l->n - 1];
		uint64_t n = last->n < most ? last->n : most;

		/* What it applied is safe with where it stood. */
		if (last->first.origin != s->origin || last->first.row == 0)
			break;
		model_log_get(l, last->ordinal + last->n - n, n, &r);
		lose_trx(s, &r);
		model_log_cut(l, r.ordinal);
		most -= n;
	}
	count_again(s);
}

static void
lose_relay(struct model_server *s, uint64_t most)
{
	struct model_log *l = &s->relay;
	uint64_t left = l->next - s->relay_next, keep;
	struct model_run r;

	keep = s->relay_log_recovery || left < most ? 0 : left - most;
	for (uint64_t at = s->relay_next + keep;
	     model_log_get(l, at, UINT64_MAX, &r); at += r.n)
		if (r.first.uuid != MODEL_ANONYMOUS)
			model_set_cut(&s->retrieved, r.first.uuid, r.first.gno,
			    r.first.gno + r.n - 1);
	model_log_cut(l, s->relay_next + keep);
	if (keep == 0) {
		s->read_at = s->exec_at;
	} else if (model_log_get(l, l->next - 1, 1, &r)) {
		s->read_at.file = r.source_file;
		s->read_at.pos = r.source_end;
	}
}

void
model_lose(struct model_server *s, uint64_t binlog, uint64_t relay)
{
	s->fault = MODEL_REFUSES;
	s->connected = false;
	if (s->sync_binlog != 1)
		lose_binlog(s, binlog);
	if (s->sync_relay_log != 1 || s->relay_log_recovery)
		lose_relay(s, relay);
}
