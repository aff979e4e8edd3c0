/* SPDX-License-Identifier: Apache-2.0 */
/* What others may know of a node. */
#include "config.h"

#include "raft/core.h"

enum raft_role
raft_role(const struct raft *r)
{
	return r->role;
}

raft_id
raft_self(const struct raft *r)
{
	return r->o.self;
}

raft_id
raft_leader(const struct raft *r)
{
	return r->leader;
}

uint64_t
raft_term(const struct raft *r)
{
	return r->term;
}

raft_id
raft_vote(const struct raft *r)
{
	return r->vote;
}

uint64_t
raft_commit(const struct raft *r)
{
	return r->commit;
}

uint64_t
raft_applied(const struct raft *r)
{
	return r->applied;
}

uint64_t
raft_last(const struct raft *r)
{
	return log_last(&r->log);
}

uint64_t
raft_first(const struct raft *r)
{
	return r->log.base + 1;
}

const struct raft_entry *
raft_at(const struct raft *r, uint64_t index)
{
	return log_at(&r->log, index);
}

const struct raft_members *
raft_members(const struct raft *r)
{
	return &r->members;
}

const struct raft_snapshot *
raft_snapshot(const struct raft *r)
{
	return &r->snapshot;
}

bool
raft_peer(const struct raft *r, raft_id id, mono_t now,
    struct raft_peer_state *out)
{
	unsigned i;

	if (r->role != RAFT_LEADER)
		return false;
	for (i = 0; i < r->peers; i++) {
		const struct raft_peer *p = &r->peer[i];

		if (p->id != id)
			continue;
		*out = (struct raft_peer_state){ .match = p->match,
		    .silent = mono_sub(now, p->heard),
		    .snapshot = p->mode == PEER_SNAPSHOT };
		return true;
	}
	return false;
}

const char *
raft_role_name(enum raft_role role)
{
	switch (role) {
	case RAFT_FOLLOWER: return "Follower";
	case RAFT_PRE_CANDIDATE:
	case RAFT_CANDIDATE: return "Candidate";
	case RAFT_LEADER: return "Leader";
	}
	return "";
}
