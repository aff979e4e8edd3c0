/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who belongs to the group.  The newest entry about it in the log counts,
 * committed or not (section 4.1), and so it is worked out again whenever the
 * log is cut.
 */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "raft/core.h"

const struct raft_member *
raft_members_find(const struct raft_members *m, raft_id id)
{
	unsigned i;

	for (i = 0; i < m->n; i++)
		if (m->at[i].id == id)
			return &m->at[i];
	return NULL;
}

bool
raft_is_voter(const struct raft *r, raft_id id)
{
	const struct raft_member *m = raft_members_find(&r->members, id);

	return m != NULL && RULE_HOLDS(LEARNER, m->voter);
}

unsigned
raft_voters(const struct raft *r)
{
	unsigned i, n = 0;

	for (i = 0; i < r->members.n; i++)
		n += RULE_HOLDS(LEARNER, r->members.at[i].voter);
	return n;
}

/* Section 3.3. */
bool
raft_is_quorum(const struct raft *r, unsigned count)
{
	unsigned voters = raft_voters(r);

	if (RULE_OFF(QUORUM))
		return voters > 0 && count >= voters / 2;
	return count > voters / 2;
}

static bool
members_entry(const struct raft_log *l, uint64_t *index,
    struct raft_members *m)
{
	uint64_t i;

	for (i = log_last(l); i > l->base; i--) {
		const struct raft_entry *e = log_at(l, i);
		struct bin bytes = { e->data == NULL ? NULL : e->data->data,
			e->data == NULL ? 0 : e->data->len };

		if (e->kind != RAFT_MEMBERS)
			continue;
		*index = i;
		return raft_members_unpack(m, bytes, NULL) == ERR_NONE;
	}
	return false;
}

void
raft_members_from_log(struct raft *r)
{
	struct raft_members m = { 0 };
	uint64_t index = 0;

	if (!members_entry(&r->log, &index, &m)) {
		m = r->snapshot.members;
		index = r->snapshot.index;
	}
	r->members_index = index;
	if (memcmp(&m, &r->members, sizeof m) == 0)
		return;
	r->members = m;
	raft_tell(r, RAFT_NEWS_MEMBERS, 0);
	raft_peers_renew(r);
}

/* Who belonged to the group at index. */
void
raft_members_at(const struct raft *r, uint64_t index, struct raft_members *m)
{
	uint64_t i;

	*m = r->snapshot.members;
	for (i = index; i > r->log.base && i > r->snapshot.index; i--) {
		const struct raft_entry *e = log_at(&r->log, i);

		if (e->kind != RAFT_MEMBERS)
			continue;
		raft_members_unpack(m, (struct bin){ e->data->data,
		    e->data->len }, NULL);
		return;
	}
}

struct raft_peer *
raft_peer_of(struct raft *r, raft_id id)
{
	unsigned i;

	for (i = 0; i < r->peers; i++)
		if (r->peer[i].id == id)
			return &r->peer[i];
	return NULL;
}

/* Everyone but this node; what is known of those who stay is kept. */
void
raft_peers_renew(struct raft *r)
{
	unsigned i, n = 0;

	for (i = 0; i < r->peers; i++)
		if (raft_members_find(&r->members, r->peer[i].id) != NULL)
			r->peer[n++] = r->peer[i];
		else
			raft_blob_unref(r->peer[i].sending.data);
	r->peers = n;
	for (i = 0; i < r->members.n; i++) {
		raft_id id = r->members.at[i].id;

		if (id == r->o.self || raft_peer_of(r, id) != NULL)
			continue;
		r->peer[r->peers++] = (struct raft_peer){ .id = id,
			.next = log_last(&r->log) + 1, .heard = r->now };
	}
}

/* ---- changes (section 4.1) ---- */

static enum err_code
may_change(const struct raft *r, struct err *err)
{
	uint64_t term;

	if (r->role != RAFT_LEADER)
		return err_set(err, ERR_UNSUPPORTED, "this node does not lead");
	if (r->transfer_to != 0)
		return err_set(err, ERR_BUSY,
		    "leadership is being handed over");
	if (!RULE_HOLDS(ONE_CHANGE, r->members_index <= r->commit))
		return err_set(err, ERR_BUSY,
		    "the change of members before is not committed yet");
	if (!RULE_HOLDS(CHANGE_AFTER_NOOP,
		log_term(&r->log, r->commit, &term) && term == r->term))
		return err_set(err, ERR_BUSY,
		    "nothing of this term is committed yet");
	return ERR_NONE;
}

static void
change(struct raft *r, const struct raft_members *m)
{
	struct buf b;

	buf_init(&b);
	raft_members_pack(&b, m);
	raft_append_own(r, RAFT_MEMBERS, b.data, b.len);
	buf_fini(&b);
	if (!RULE_OFF(MEMBERS_AT_APPEND))
		raft_members_from_log(r);
	raft_replicate_all(r, false);
	raft_advance(r);
}

static enum err_code
check_address(const char *address, struct err *err)
{
	size_t n = strlen(address);

	if (n > 0 && n < RAFT_ADDRESS_MAX)
		return ERR_NONE;
	return err_set(err, ERR_INVALID,
	    "a member's address has 1 to %d bytes, not %zu",
	    RAFT_ADDRESS_MAX - 1, n);
}

enum err_code
raft_add(struct raft *r, mono_t now, raft_id id, const char *address,
    struct err *err)
{
	struct raft_members m = r->members;
	enum err_code code;
	unsigned i;

	r->now = now;
	code = may_change(r, err);
	if (code == ERR_NONE)
		code = check_address(address, err);
	if (code != ERR_NONE)
		return code;
	if (id == 0 || raft_members_find(&m, id) != NULL)
		return err_set(err, ERR_EXISTS, "%s is a member already",
		    address);
	if (m.n == RAFT_MEMBERS_MAX)
		return err_set(err, ERR_BUSY, "a group has %d members at most",
		    RAFT_MEMBERS_MAX);
	for (i = m.n; i > 0 && m.at[i - 1].id > id; i--)
		m.at[i] = m.at[i - 1];
	m.at[i] = (struct raft_member){ .id = id };
	strcpy(m.at[i].address, address);
	m.n++;
	change(r, &m);
	return ERR_NONE;
}

static struct raft_member *
member_of(struct raft_members *m, raft_id id, struct err *err)
{
	unsigned i;

	for (i = 0; i < m->n; i++)
		if (m->at[i].id == id)
			return &m->at[i];
	err_set(err, ERR_NOT_FOUND, "no member %016llx",
	    (unsigned long long)id);
	return NULL;
}

/* Near the end, and answering: it will not hold the group up. */
static bool
is_near(struct raft *r, raft_id id)
{
	const struct raft_peer *p = raft_peer_of(r, id);

	return p != NULL && p->match + RAFT_APPEND_ENTRIES >= r->commit
	    && p->match >= r->members_index
	    && mono_sub(r->now, p->heard).us <= r->o.election.us;
}

/* A copy of the members to be changed, and the member it is about. */
static enum err_code
begin_change(struct raft *r, mono_t now, raft_id id, struct raft_members *m,
    struct raft_member **at, struct err *err)
{
	enum err_code code;

	r->now = now;
	*m = r->members;
	code = may_change(r, err);
	if (code != ERR_NONE)
		return code;
	*at = member_of(m, id, err);
	return *at == NULL ? ERR_NOT_FOUND : ERR_NONE;
}

/* Its vote may go: another voter is there. */
static enum err_code
may_lose_vote(const struct raft *r, const struct raft_member *m,
    struct err *err)
{
	if (!m->voter || raft_voters(r) > 1)
		return ERR_NONE;
	return err_set(err, ERR_INVALID, "%s is the only voter", m->address);
}

enum err_code
raft_set_voter(struct raft *r, mono_t now, raft_id id, bool voter,
    struct err *err)
{
	struct raft_members m;
	struct raft_member *at;
	enum err_code code = begin_change(r, now, id, &m, &at, err);

	if (code != ERR_NONE)
		return code;
	if (at->voter == voter)
		return err_set(err, ERR_EXISTS, "%s is a %s already",
		    at->address, voter ? "voter" : "learner");
	if (voter && !is_near(r, id))
		return err_set(err, ERR_BUSY, "%s has not caught up yet",
		    at->address);
	code = may_lose_vote(r, at, err);
	if (code != ERR_NONE)
		return code;
	at->voter = voter;
	change(r, &m);
	return ERR_NONE;
}

enum err_code
raft_remove(struct raft *r, mono_t now, raft_id id, struct err *err)
{
	struct raft_members m;
	struct raft_member *at;
	enum err_code code = begin_change(r, now, id, &m, &at, err);

	if (code == ERR_NONE)
		code = may_lose_vote(r, at, err);
	if (code != ERR_NONE)
		return code;
	m.n--;
	memmove(at, at + 1, (size_t)(&m.at[m.n] - at) * sizeof *at);
	memset(&m.at[m.n], 0, sizeof m.at[m.n]);
	change(r, &m);
	return ERR_NONE;
}

enum err_code
raft_move(struct raft *r, mono_t now, raft_id id, const char *address,
    struct err *err)
{
	struct raft_members m;
	struct raft_member *at;
	enum err_code code = begin_change(r, now, id, &m, &at, err);

	if (code == ERR_NONE)
		code = check_address(address, err);
	if (code != ERR_NONE)
		return code;
	if (strcmp(at->address, address) == 0)
		return err_set(err, ERR_EXISTS, "%s is its address already",
		    address);
	memset(at->address, 0, sizeof at->address);
	strcpy(at->address, address);
	change(r, &m);
	return ERR_NONE;
}
