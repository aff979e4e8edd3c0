/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a leader does besides replicating: heartbeats, making sure that it still
 * is one, reads, handing over.
 */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "raft/core.h"

void
raft_lead(struct raft *r)
{
	unsigned i;

	r->role = RAFT_LEADER;
	r->leader = r->o.self;
	r->transfer_to = 0;
	r->quorum_check = mono_add(r->now, r->o.election);
	for (i = 0; i < r->peers; i++) {
		raft_snapshot_set(&r->peer[i].sending,
		    &(struct raft_snapshot){ 0 });
		r->peer[i] = (struct raft_peer){ .id = r->peer[i].id,
			.next = log_last(&r->log) + 1, .heard = r->now };
	}
	raft_tell(r, RAFT_NEWS_ROLE, 0);
	if (!RULE_OFF(NOOP))
		raft_append_own(r, RAFT_NOOP, NULL, 0);
	raft_replicate_all(r, true);
	raft_advance(r);
}

/* ---- still leading? (section 6.2) ---- */

/* Voters that followed within the last d. */
static unsigned
follow_since(const struct raft *r, mono_t now, dur_t d)
{
	unsigned i, n = raft_is_voter(r, r->o.self);

	for (i = 0; i < r->peers; i++)
		n += raft_is_voter(r, r->peer[i].id)
		    && mono_sub(now, r->peer[i].heard).us <= d.us;
	return n;
}

bool
raft_is_sure(const struct raft *r, mono_t now)
{
	uint64_t term;

	return r->role == RAFT_LEADER && log_term(&r->log, r->commit, &term)
	    && term == r->term
	    && raft_is_quorum(r, follow_since(r, now, r->o.election));
}

static void
check_quorum(struct raft *r)
{
	if (!raft_is_over(r->now, r->quorum_check))
		return;
	r->quorum_check = mono_add(r->now, r->o.election);
	if (!RULE_HOLDS(CHECK_QUORUM,
		raft_is_quorum(r, follow_since(r, r->now, r->o.election))))
		raft_follow(r, r->term, 0);
}

void
raft_leader_tick(struct raft *r)
{
	unsigned i;

	check_quorum(r);
	if (r->role != RAFT_LEADER)
		return;
	if (r->transfer_to != 0 && raft_is_over(r->now, r->transfer_until))
		r->transfer_to = 0;
	for (i = 0; i < r->peers; i++)
		if (mono_sub(r->now, r->peer[i].sent).us >= r->o.heartbeat.us)
			raft_replicate(r, &r->peer[i], true);
}

mono_t
raft_deadline(const struct raft *r)
{
	mono_t due = r->quorum_check;
	unsigned i;

	if (r->role != RAFT_LEADER)
		return r->election_due;
	if (r->transfer_to != 0 && r->transfer_until.us < due.us)
		due = r->transfer_until;
	for (i = 0; i < r->peers; i++) {
		mono_t beat = mono_add(r->peer[i].sent, r->o.heartbeat);

		if (beat.us < due.us)
			due = beat;
	}
	return due;
}

/* ---- reads (section 6.4) ---- */

enum err_code
raft_read(struct raft *r, mono_t now, uint64_t serial, struct err *err)
{
	uint64_t term;

	r->now = now;
	if (r->role != RAFT_LEADER)
		return err_set(err, ERR_UNSUPPORTED, "this node does not lead");
	if (r->reads == RAFT_READS_MAX)
		return err_set(err, ERR_BUSY, "%d reads wait already",
		    RAFT_READS_MAX);
	if (!RULE_HOLDS(READ_OWN_TERM,
		log_term(&r->log, r->commit, &term) && term == r->term))
		return err_set(err, ERR_BUSY,
		    "nothing of this term is committed yet");
	if (r->reads == r->reads_cap) {
		r->reads_cap = r->reads_cap == 0 ? 16 : r->reads_cap * 2;
		r->read = mem_resize(r->read, r->reads_cap, sizeof *r->read);
	}
	r->read[r->reads++] = (struct raft_waiting_read){ .serial = serial,
		.index = r->commit, .round = ++r->round };
	raft_replicate_all(r, true);
	raft_answer_reads(r);
	return ERR_NONE;
}

static bool
is_confirmed(const struct raft *r, const struct raft_waiting_read *read)
{
	unsigned i, n = raft_is_voter(r, r->o.self);

	if (RULE_OFF(READ_ROUND))
		return true;
	for (i = 0; i < r->peers; i++)
		n += raft_is_voter(r, r->peer[i].id)
		    && r->peer[i].round >= read->round;
	return raft_is_quorum(r, n);
}

/* In their order; a later round confirms an earlier one. */
void
raft_answer_reads(struct raft *r)
{
	size_t n = 0;

	if (r->role != RAFT_LEADER)
		return;
	while (n < r->reads && r->read[n].index <= r->applied
	    && is_confirmed(r, &r->read[n]))
		raft_tell(r, RAFT_NEWS_READ, r->read[n++].serial);
	if (n == 0)
		return;
	r->reads -= n;
	memmove(r->read, r->read + n, r->reads * sizeof *r->read);
}

void
raft_drop_reads(struct raft *r)
{
	size_t i;

	for (i = 0; i < r->reads; i++)
		raft_tell(r, RAFT_NEWS_READ_LOST, r->read[i].serial);
	r->reads = 0;
}

/* ---- handing over (section 3.10) ---- */

static struct raft_peer *
furthest(struct raft *r)
{
	struct raft_peer *best = NULL;
	unsigned i;

	for (i = 0; i < r->peers; i++) {
		struct raft_peer *p = &r->peer[i];

		if (!raft_is_voter(r, p->id)
		    || mono_sub(r->now, p->heard).us > r->o.election.us)
			continue;
		if (best == NULL || p->match > best->match)
			best = p;
	}
	return best;
}

static void
tell_to_stand(struct raft *r, raft_id id)
{
	raft_send(r, &(struct raft_message){ .type = RAFT_TIMEOUT_NOW,
	    .to = id, .term = r->term }, false);
}

/* It goes; somebody else need not wait until that is noticed. */
void
raft_hand_over(struct raft *r)
{
	struct raft_peer *p = furthest(r);

	if (p != NULL)
		tell_to_stand(r, p->id);
}

void
raft_transfer_on(struct raft *r)
{
	struct raft_peer *p;

	if (r->transfer_to == 0 || r->transfer_told)
		return;
	p = raft_peer_of(r, r->transfer_to);
	if (p == NULL) {
		r->transfer_to = 0;
		return;
	}
	if (!RULE_HOLDS(TRANSFER_MATCH, p->match == log_last(&r->log)))
		return;
	r->transfer_told = true;
	tell_to_stand(r, p->id);
}

enum err_code
raft_transfer(struct raft *r, mono_t now, raft_id to, struct err *err)
{
	struct raft_peer *p;

	r->now = now;
	if (r->role != RAFT_LEADER)
		return err_set(err, ERR_UNSUPPORTED, "this node does not lead");
	p = to == 0 ? furthest(r) : raft_peer_of(r, to);
	if (p == NULL && to == 0)
		return err_set(err, ERR_NOT_FOUND,
		    "no other voter answers this leader");
	if (p == NULL || !raft_is_voter(r, p->id))
		return err_set(err, ERR_NOT_FOUND, "no voter %016llx",
		    (unsigned long long)to);
	r->transfer_to = p->id;
	r->transfer_told = false;
	r->transfer_until = mono_add(now, r->o.election);
	raft_replicate(r, p, true);
	raft_transfer_on(r);
	return ERR_NONE;
}
