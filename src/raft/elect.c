/* SPDX-License-Identifier: Apache-2.0 */
/* Who leads: sections 3.4, 3.6.1, 4.2.3 and 9.6. */
#include "config.h"

#include "raft/core.h"

void
raft_reset_election(struct raft *r)
{
	uint64_t spread = (uint64_t)r->o.election.us;

	r->election_due = mono_add(r->now, DUR_US(r->o.election.us
	    + (int64_t)(raft_random(r) % spread)));
}

/*
 * A leader is there, as far as this node can tell: it leads itself, or heard
 * from one within the least time after which anybody stands.
 */
bool
raft_hears_leader(const struct raft *r)
{
	if (r->role == RAFT_LEADER)
		return true;
	return r->leader != 0 && r->leader_heard.us != 0
	    && mono_sub(r->now, r->leader_heard).us < r->o.election.us;
}

void
raft_follow(struct raft *r, uint64_t term, raft_id leader)
{
	bool news = r->role != RAFT_FOLLOWER || r->leader != leader
	    || term != r->term;

	assert(term >= r->term || RULE_OFF(TERM_OLD));
	if (term > r->term) {
		r->term = term;
		r->vote = 0;
		r->dirty_state = true;
	}
	if (r->role == RAFT_LEADER) {
		raft_drop_reads(r);
		r->transfer_to = 0;
	}
	r->role = RAFT_FOLLOWER;
	r->leader = leader;
	raft_reset_election(r);
	if (news)
		raft_tell(r, RAFT_NEWS_ROLE, 0);
}

/* Section 3.6.1. */
static bool
is_up_to_date(const struct raft *r, const struct raft_message *m)
{
	uint64_t term = log_last_term(&r->log);

	return m->index_term > term
	    || (m->index_term == term && m->index >= log_last(&r->log));
}

static void
answer_vote(struct raft *r, const struct raft_message *m, bool grant)
{
	raft_send(r, &(struct raft_message){ .type = RAFT_VOTED,
	    .to = m->from, .term = m->pre && grant ? m->term : r->term,
	    .pre = m->pre, .refused = !grant }, true);
}

/* Nothing is promised, nothing remembered. */
static void
on_pre_vote(struct raft *r, const struct raft_message *m)
{
	answer_vote(r, m, m->term > r->term
	    && RULE_HOLDS(STICKY, !raft_hears_leader(r))
	    && RULE_HOLDS(UP_TO_DATE, is_up_to_date(r, m)));
}

void
raft_on_vote(struct raft *r, const struct raft_message *m)
{
	bool grant;

	if (m->pre) {
		on_pre_vote(r, m);
		return;
	}
	grant = RULE_HOLDS(ONE_VOTE, r->vote == 0 || r->vote == m->from)
	    && RULE_HOLDS(UP_TO_DATE, is_up_to_date(r, m));
	if (grant && r->vote != m->from) {
		r->vote = m->from;
		r->dirty_state = true;
	}
	if (grant)
		raft_reset_election(r);
	answer_vote(r, m, grant);
}

static void
ask_for_votes(struct raft *r, bool pre, bool by_order)
{
	unsigned i;

	for (i = 0; i < r->peers; i++) {
		r->peer[i].granted = false;
		if (!raft_is_voter(r, r->peer[i].id))
			continue;
		raft_send(r, &(struct raft_message){ .type = RAFT_VOTE,
		    .to = r->peer[i].id, .term = pre ? r->term + 1 : r->term,
		    .index = log_last(&r->log),
		    .index_term = log_last_term(&r->log), .pre = pre,
		    .transfer = by_order }, true);
	}
}

static void
stand_for_real(struct raft *r, bool by_order)
{
	r->term++;
	r->vote = r->o.self;
	r->dirty_state = true;
	r->role = RAFT_CANDIDATE;
	r->leader = 0;
	raft_reset_election(r);
	raft_tell(r, RAFT_NEWS_ROLE, 0);
	ask_for_votes(r, false, by_order);
	raft_count_votes(r);
}

/*
 * Section 4.2.2: a change that takes this node's vote away, and that may not be
 * committed, may be what makes its log the only one that others vote for.
 */
static bool
may_stand(const struct raft *r)
{
	struct raft_members before;
	const struct raft_member *self;

	if (raft_is_voter(r, r->o.self))
		return true;
	if (r->members_index <= r->commit || RULE_OFF(STAND_UNTIL_COMMITTED))
		return false;
	raft_members_at(r, r->members_index - 1, &before);
	self = raft_members_find(&before, r->o.self);
	return self != NULL && self->voter;
}

void
raft_stand(struct raft *r, bool by_order)
{
	raft_reset_election(r);
	if (!may_stand(r))
		return;
	if (r->paused.us != 0 && r->now.us < r->paused.us)
		return;
	if (by_order || RULE_OFF(PRE_VOTE)) {
		stand_for_real(r, by_order);
		return;
	}
	r->role = RAFT_PRE_CANDIDATE;
	if (r->leader != 0)
		raft_tell(r, RAFT_NEWS_ROLE, 0);
	r->leader = 0;
	ask_for_votes(r, true, false);
	raft_count_votes(r);
}

void
raft_count_votes(struct raft *r)
{
	/* A real vote of its own counts when it is durable. */
	unsigned i, count = raft_is_voter(r, r->o.self)
	    && (r->role == RAFT_PRE_CANDIDATE || r->durable_term == r->term
		|| RULE_OFF(PERSIST_BEFORE_SEND));

	for (i = 0; i < r->peers; i++)
		count += r->peer[i].granted && raft_is_voter(r, r->peer[i].id);
	if (!raft_is_quorum(r, count))
		return;
	if (r->role == RAFT_PRE_CANDIDATE)
		stand_for_real(r, false);
	else
		raft_lead(r);
}

void
raft_on_voted(struct raft *r, const struct raft_message *m)
{
	struct raft_peer *p = raft_peer_of(r, m->from);
	enum raft_role waiting = m->pre ? RAFT_PRE_CANDIDATE : RAFT_CANDIDATE;
	uint64_t asked = m->pre ? r->term + 1 : r->term;

	if (p == NULL || r->role != waiting || m->refused
	    || !RULE_HOLDS(ANSWER_OF_TERM, m->term == asked))
		return;
	p->granted = true;
	raft_count_votes(r);
}
