/* SPDX-License-Identifier: Apache-2.0 */
/* Entries from a leader to the others: section 3.5, and 3.6.2 on commitment. */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "raft/core.h"

/* ---- the leader's side ---- */

/* References to entries from p->next on, as many as one message takes. */
static void
take_entries(struct raft *r, const struct raft_peer *p, struct raft_message *m)
{
	uint64_t last = log_last(&r->log), i;
	size_t n = 0, bytes = 0;

	for (i = p->next; i <= last && n < r->o.batch; i++, n++) {
		const struct raft_entry *e = log_at(&r->log, i);

		bytes += e->data == NULL ? 0 : e->data->len;
		if (n > 0 && bytes > RAFT_APPEND_BYTES)
			break;
	}
	if (n == 0)
		return;
	m->entries = mem_alloc(n * sizeof *m->entries);
	m->n = n;
	memcpy(m->entries, log_at(&r->log, p->next), n * sizeof *m->entries);
	for (i = 0; i < n; i++)
		raft_blob_ref(m->entries[i].data);
}

static void
send_append(struct raft *r, struct raft_peer *p, uint64_t prev, bool entries)
{
	struct raft_message m = { .type = RAFT_APPEND, .to = p->id,
		.term = r->term, .round = r->round, .index = prev,
		.stamp = (uint64_t)r->now.us, .commit = r->commit };

	if (!log_term(&r->log, prev, &m.index_term)) {
		/* What matches lies before the log: nothing can be said of it. */
		assert(!entries);
		m.index = 0;
	}
	if (entries)
		take_entries(r, p, &m);
	p->sent = r->now;
	if (p->mode == PEER_STREAM && m.n > 0) {
		p->next += m.n;
		p->in_flight++;
	}
	raft_send(r, &m, false);
}

/*
 * Send what the peer lacks.  A heartbeat goes out in any case: to one that
 * streams it speaks of the last entry sent, so that a lost message is noticed.
 */
void
raft_replicate(struct raft *r, struct raft_peer *p, bool heartbeat)
{
	bool more = p->next <= log_last(&r->log);

	if (p->mode != PEER_SNAPSHOT && p->next <= r->log.base) {
		raft_send_snapshot(r, p);
		return;
	}
	switch (p->mode) {
	case PEER_SNAPSHOT:
		if (heartbeat)
			raft_resend_chunk(r, p);
		break;
	case PEER_PROBE:
		if (heartbeat || p->in_flight == 0) {
			p->in_flight = 1;
			send_append(r, p, p->next - 1, more);
		}
		break;
	case PEER_STREAM:
		if (more && p->in_flight < RAFT_IN_FLIGHT)
			send_append(r, p, p->next - 1, true);
		else if (heartbeat)
			send_append(r, p, p->next - 1, false);
		break;
	}
}

void
raft_replicate_all(struct raft *r, bool heartbeat)
{
	unsigned i;

	for (i = 0; i < r->peers; i++)
		raft_replicate(r, &r->peer[i], heartbeat);
}

static uint64_t
own_match(const struct raft *r)
{
	return RULE_OFF(DURABLE_SELF) ? log_last(&r->log) : r->durable;
}

static unsigned
count_at(const struct raft *r, uint64_t index)
{
	unsigned i, n = raft_is_voter(r, r->o.self) && own_match(r) >= index;

	for (i = 0; i < r->peers; i++)
		n += r->peer[i].match >= index
		    && raft_is_voter(r, r->peer[i].id);
	return n;
}

/* The last entry that a quorum has. */
static uint64_t
quorum_match(const struct raft *r)
{
	uint64_t best = 0, own = own_match(r);
	unsigned i;

	if (raft_is_voter(r, r->o.self)
	    && raft_is_quorum(r, count_at(r, own)))
		best = own;
	for (i = 0; i < r->peers; i++) {
		uint64_t match = r->peer[i].match;

		if (match > best && raft_is_voter(r, r->peer[i].id)
		    && raft_is_quorum(r, count_at(r, match)))
			best = match;
	}
	return best;
}

/* Section 4.2.2: it led until the group without it was committed. */
static void
end_when_removed(struct raft *r)
{
	if (raft_is_voter(r, r->o.self) || r->members_index > r->commit
	    || RULE_OFF(REMOVED_LEADER))
		return;
	raft_hand_over(r);
	raft_follow(r, r->term, 0);
}

/* Commit what can be committed. */
void
raft_advance(struct raft *r)
{
	uint64_t match = quorum_match(r), term;

	if (match <= r->commit || !log_term(&r->log, match, &term))
		return;
	/* Section 3.6.2: what earlier leaders left commits along with it. */
	if (!RULE_HOLDS(OWN_TERM, term == r->term))
		return;
	raft_set_commit(r, match);
	raft_replicate_all(r, true);
	raft_answer_reads(r);
	end_when_removed(r);
}

/* Where a peer's log may agree with ours, from what it says of its own. */
static void
step_back(struct raft *r, struct raft_peer *p, const struct raft_message *m)
{
	uint64_t i = m->index < log_last(&r->log) ? m->index
	    : log_last(&r->log), term;

	while (i > p->match && i > r->log.base
	    && log_term(&r->log, i, &term) && term > m->index_term)
		i--;
	if (i < p->match)
		i = p->match;
	p->next = i + 1;
	p->mode = PEER_PROBE;
	p->in_flight = 0;
	raft_replicate(r, p, false);
}

static void
on_match(struct raft *r, struct raft_peer *p, const struct raft_message *m)
{
	if (p->in_flight > 0)
		p->in_flight--;
	if (m->index > p->match)
		p->match = m->index;
	if (p->mode == PEER_SNAPSHOT && p->match < p->sending.index)
		return;
	if (p->mode != PEER_STREAM) {
		raft_snapshot_set(&p->sending, &(struct raft_snapshot){ 0 });
		p->mode = PEER_STREAM;
		p->next = p->match + 1;
		p->in_flight = 0;
	}
	if (p->next <= p->match)
		p->next = p->match + 1;
	if (p->next == m->index + 1)
		p->in_flight = 0; /* nothing else can be under way */
	raft_advance(r);
	if (r->role != RAFT_LEADER)
		return;
	raft_transfer_on(r);
	if (p->next <= log_last(&r->log))
		raft_replicate(r, p, false);
}

/*
 * An answer shows that the peer followed when the question was sent; when the
 * answer arrives it may long be somebody else's (section 6.4.1).
 */
void
raft_hear(struct raft *r, struct raft_peer *p, const struct raft_message *m)
{
	mono_t sent = { (int64_t)m->stamp };

	if (RULE_OFF(HEARD_WHEN_SENT))
		sent = r->now;
	if (sent.us > p->heard.us && sent.us <= r->now.us)
		p->heard = sent;
	if (m->round > p->round && m->round <= r->round)
		p->round = m->round;
}

void
raft_on_appended(struct raft *r, const struct raft_message *m)
{
	struct raft_peer *p = raft_peer_of(r, m->from);

	if (r->role != RAFT_LEADER || p == NULL
	    || (!m->refused && m->index > log_last(&r->log)))
		return;
	raft_hear(r, p, m);
	if (!m->refused)
		on_match(r, p, m);
	else if (p->mode != PEER_SNAPSHOT)
		step_back(r, p, m);
	raft_answer_reads(r);
}

/* ---- the follower's side ---- */

static void
refuse(struct raft *r, const struct raft_message *m)
{
	uint64_t i = m->index > log_last(&r->log) ? log_last(&r->log)
	    : m->index - 1, term = 0;

	while (i > r->commit && log_term(&r->log, i, &term)
	    && term > m->index_term)
		i--;
	if (!log_term(&r->log, i, &term))
		term = 0;
	raft_send(r, &(struct raft_message){ .type = RAFT_APPENDED,
	    .to = m->from, .term = r->term, .round = m->round,
	    .stamp = m->stamp, .refused = true, .index = i, .index_term = term }, true);
}

/* Replaced, with all that follows; true when members were among it. */
static bool
cut(struct raft *r, uint64_t from)
{
	bool members = r->members_index >= from;

	/* What is committed is the same everywhere (section 3.6.3). */
	assert(from > r->commit);
	log_cut(&r->log, from);
	raft_write_entries(r, from);
	return members && !RULE_OFF(MEMBERS_UNDO);
}

static void
take(struct raft *r, const struct raft_message *m)
{
	bool members = false;
	size_t i;

	for (i = 0; i < m->n; i++) {
		const struct raft_entry *e = &m->entries[i];
		uint64_t term;

		if (e->index <= r->log.base)
			continue;
		if (log_term(&r->log, e->index, &term)) {
			if (RULE_OFF(CONFLICT)
			    || (term == e->term && !RULE_OFF(KEEP_MATCHING)))
				continue;
			if (e->index <= r->commit && term == e->term)
				continue;
			members |= cut(r, e->index);
		}
		log_push(&r->log, e);
		raft_write_entries(r, e->index);
		members |= e->kind == RAFT_MEMBERS
		    && !RULE_OFF(MEMBERS_AT_APPEND);
	}
	if (members)
		raft_members_from_log(r);
}

/* A leader's message: this node follows it. */
void
raft_heed(struct raft *r, const struct raft_message *m)
{
	assert(r->role != RAFT_LEADER); /* one leader in a term */
	if (r->role != RAFT_FOLLOWER || r->leader != m->from)
		raft_follow(r, r->term, m->from);
	r->leader_heard = r->now;
	raft_reset_election(r);
}

void
raft_on_append(struct raft *r, const struct raft_message *m)
{
	uint64_t match = m->index + m->n, commit, term;

	raft_heed(r, m);
	/* Before the log all is committed, and so the same there. */
	if (m->index >= r->log.base
	    && !RULE_HOLDS(MATCH_BEFORE, log_term(&r->log, m->index, &term)
		&& term == m->index_term)) {
		refuse(r, m);
		return;
	}
	if (RULE_OFF(MATCH_BEFORE) && m->index > log_last(&r->log))
		return; /* a hole cannot even be written down */
	take(r, m);
	if (match < r->log.base)
		match = r->log.base;
	commit = m->commit;
	if (commit > match && !RULE_OFF(COMMIT_MATCHED))
		commit = match;
	if (commit > log_last(&r->log))
		commit = log_last(&r->log);
	raft_set_commit(r, commit);
	raft_send(r, &(struct raft_message){ .type = RAFT_APPENDED,
	    .to = m->from, .term = r->term, .round = m->round,
	    .stamp = m->stamp, .index = match }, true);
}
