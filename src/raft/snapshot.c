/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots: taking one, and handing it on in chunks (chapter 5).  A receiver
 * says how far it is, so that a broken transfer goes on where it ended, from
 * another leader too when that has the same one.
 */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "raft/core.h"

void
raft_snapshot_set(struct raft_snapshot *to, const struct raft_snapshot *from)
{
	raft_blob_ref(from->data);
	raft_blob_unref(to->data);
	*to = *from;
}

void
raft_compact(struct raft *r, uint64_t index, struct raft_blob *data)
{
	struct raft_snapshot s = { .index = index, .data = data };

	assert(index > r->snapshot.index && index <= r->applied);
	raft_members_at(r, index, &s.members);
	if (!log_term(&r->log, index, &s.term))
		assert(false);
	raft_snapshot_set(&r->snapshot, &s);
	r->dirty_snapshot = true;
	if (index > r->o.keep)
		log_compact(&r->log, index - r->o.keep);
}

/* ---- the leader's side ---- */

static void
send_chunk(struct raft *r, struct raft_peer *p)
{
	struct raft_snapshot *s = &p->sending;
	size_t total = s->data == NULL ? 0 : s->data->len;
	struct raft_message m = { .type = RAFT_SNAPSHOT, .to = p->id,
		.term = r->term, .round = r->round,
		.stamp = (uint64_t)r->now.us, .index = s->index,
		.index_term = s->term, .at = p->at, .total = total };

	assert(p->at <= total);
	m.chunk_len = total - p->at < r->o.chunk ? total - p->at : r->o.chunk;
	m.chunk_of = raft_blob_ref(s->data);
	m.chunk = s->data == NULL ? NULL : s->data->data + p->at;
	if (p->at + m.chunk_len == total) {
		m.members = mem_alloc(sizeof *m.members);
		*m.members = s->members;
	}
	p->sent = r->now;
	raft_send(r, &m, false);
}

void
raft_send_snapshot(struct raft *r, struct raft_peer *p)
{
	assert(r->snapshot.index >= r->log.base);
	raft_snapshot_set(&p->sending, &r->snapshot);
	p->mode = PEER_SNAPSHOT;
	p->at = 0;
	send_chunk(r, p);
}

/* It, or the answer to it, may have been lost. */
void
raft_resend_chunk(struct raft *r, struct raft_peer *p)
{
	send_chunk(r, p);
}

void
raft_on_snapshot_got(struct raft *r, const struct raft_message *m)
{
	struct raft_peer *p = raft_peer_of(r, m->from);

	if (r->role != RAFT_LEADER || p == NULL)
		return;
	raft_hear(r, p, m);
	raft_answer_reads(r);
	if (p->mode != PEER_SNAPSHOT || m->index != p->sending.index
	    || p->sending.data == NULL || m->at > p->sending.data->len
	    || m->at == p->at)
		return;
	p->at = m->at;
	send_chunk(r, p);
}

/* ---- the follower's side ---- */

void
raft_incoming_drop(struct raft *r)
{
	mem_free(r->in.data);
	r->in = (struct raft_incoming){ 0 };
}

static bool
is_the_same(const struct raft_incoming *in, const struct raft_message *m)
{
	return in->data != NULL && in->index == m->index
	    && in->term == m->index_term && in->total == m->total;
}

static void
begin(struct raft *r, const struct raft_message *m)
{
	raft_incoming_drop(r);
	r->in = (struct raft_incoming){ .index = m->index,
		.term = m->index_term, .total = m->total };
	/* Grown with what comes, not with what is announced. */
	r->in.data = mem_alloc(1);
}

static void
take_chunk(struct raft *r, const struct raft_message *m)
{
	struct raft_incoming *in = &r->in;

	if (m->at != in->len || m->chunk_len == 0)
		return;
	in->data = mem_resize(in->data, in->len + m->chunk_len, 1);
	memcpy(in->data + in->len, m->chunk, m->chunk_len);
	in->len += m->chunk_len;
}

static void
install(struct raft *r, const struct raft_message *m)
{
	struct raft_snapshot s = { .index = m->index, .term = m->index_term,
		.members = *m->members,
		.data = raft_blob_new(r->in.data, r->in.len) };
	uint64_t term;

	raft_incoming_drop(r);
	raft_snapshot_set(&r->snapshot, &s);
	raft_blob_unref(s.data);
	r->dirty_snapshot = true;
	if (log_term(&r->log, s.index, &term) && term == s.term) {
		log_compact(&r->log, s.index);
	} else {
		log_restart(&r->log, s.index, s.term);
		r->dirty_reset = true;
		r->dirty_first = 0;
		r->durable = 0;
	}
	r->applied = s.index;
	raft_set_commit(r, s.index);
	raft_members_from_log(r);
	raft_tell(r, RAFT_NEWS_RESTORE, 0);
}

static void
answer(struct raft *r, const struct raft_message *m, enum raft_type type,
    uint64_t index)
{
	raft_send(r, &(struct raft_message){ .type = type, .to = m->from,
	    .term = r->term, .round = m->round, .stamp = m->stamp,
	    .index = index,
	    .at = r->in.len }, true);
}

void
raft_on_snapshot(struct raft *r, const struct raft_message *m)
{
	raft_heed(r, m);
	if (!RULE_HOLDS(SNAPSHOT_NEWER, m->index > r->commit)) {
		answer(r, m, RAFT_APPENDED, r->commit);
		return;
	}
	if (!RULE_HOLDS(SNAPSHOT_WHOLE, is_the_same(&r->in, m)))
		begin(r, m);
	take_chunk(r, m);
	if (r->in.len == m->total && m->members != NULL) {
		install(r, m);
		answer(r, m, RAFT_APPENDED, m->index);
	} else {
		answer(r, m, RAFT_SNAPSHOT_GOT, m->index);
	}
}
