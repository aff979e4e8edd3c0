/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node: its life, the events that come in, and the queues of what goes out.
 */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "raft/core.h"

#ifdef RAFT_MUTANTS
enum raft_rule raft_mutant;
#endif

/* Answers that wait for a disk; older ones are lost, which does no harm. */
enum { HELD_MAX = 4096 };

/* ---- queues ---- */

static void *
queue_push(struct raft_queue *q, size_t size)
{
	if (q->head > 0 && q->head + q->n == q->cap) {
		memmove(q->at, (char *)q->at + q->head * size, q->n * size);
		q->head = 0;
	}
	if (q->n == q->cap) {
		q->cap = q->cap == 0 ? 16 : q->cap * 2;
		q->at = mem_resize(q->at, q->cap, size);
	}
	return (char *)q->at + (q->head + q->n++) * size;
}

/* NULL: empty.  Stays in memory until the next push. */
static void *
queue_pop(struct raft_queue *q, size_t size)
{
	if (q->n == 0)
		return NULL;
	q->n--;
	return (char *)q->at + q->head++ * size;
}

static void *
queue_first(struct raft_queue *q, size_t size)
{
	return q->n == 0 ? NULL : (char *)q->at + q->head * size;
}

/* ---- small things ---- */

bool
raft_is_over(mono_t now, mono_t t)
{
	return t.us != 0 && now.us >= t.us;
}

/* splitmix64 */
uint64_t
raft_random(struct raft *r)
{
	uint64_t z = r->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
raft_tell(struct raft *r, enum raft_news_kind kind, uint64_t serial)
{
	struct raft_news *n = queue_push(&r->news, sizeof *n);

	*n = (struct raft_news){ kind, serial };
}

bool
raft_next_news(struct raft *r, struct raft_news *n)
{
	struct raft_news *first = queue_pop(&r->news, sizeof *first);

	if (first != NULL)
		*n = *first;
	return first != NULL;
}

/* ---- writes ---- */

static bool
is_dirty(const struct raft *r)
{
	return r->dirty_state || r->dirty_snapshot || r->dirty_first != 0;
}

void
raft_write_entries(struct raft *r, uint64_t first)
{
	if (r->dirty_first == 0 || first < r->dirty_first)
		r->dirty_first = first;
}

static struct raft_flight *
new_flight(struct raft *r)
{
	if (r->flights == r->flights_cap) {
		r->flights_cap = r->flights_cap == 0 ? 8 : r->flights_cap * 2;
		r->flight = mem_resize(r->flight, r->flights_cap,
		    sizeof *r->flight);
	}
	return &r->flight[r->flights++];
}

bool
raft_next_write(struct raft *r, struct raft_write *w)
{
	uint64_t first = r->dirty_first;

	if (!is_dirty(r))
		return false;
	if (first != 0 && first <= r->log.base)
		first = r->log.base + 1;
	*w = (struct raft_write){ .serial = ++r->serial,
	    .state = r->dirty_state, .term = r->term, .vote = r->vote,
	    .snapshot = r->dirty_snapshot ? &r->snapshot : NULL,
	    .reset = r->dirty_reset, .first = first };
	if (first != 0 && first <= log_last(&r->log)) {
		w->entries = log_at(&r->log, first);
		w->n = (size_t)(log_last(&r->log) - first + 1);
	}
	*new_flight(r) = (struct raft_flight){ .serial = r->serial,
	    .first = r->dirty_reset ? 1 : first, .last = log_last(&r->log),
	    .term = r->term };
	r->dirty_state = r->dirty_snapshot = r->dirty_reset = false;
	r->dirty_first = 0;
	return true;
}

/* What is being written again is not durable, whatever was there before. */
static void
limit_durable(struct raft *r)
{
	size_t i;

	for (i = 0; i < r->flights; i++)
		if (r->flight[i].first != 0
		    && r->durable >= r->flight[i].first)
			r->durable = r->flight[i].first - 1;
	if (r->dirty_reset)
		r->durable = 0;
	else if (r->dirty_first != 0 && r->durable >= r->dirty_first)
		r->durable = r->dirty_first - 1;
}

void
raft_wrote(struct raft *r, mono_t now, uint64_t serial)
{
	size_t i = 0;

	assert(serial <= r->serial);
	r->now = now;
	if (serial <= r->wrote)
		return;
	r->wrote = serial;
	while (i < r->flights && r->flight[i].serial <= serial) {
		r->durable = r->flight[i].last;
		r->durable_term = r->flight[i].term;
		i++;
	}
	r->flights -= i;
	memmove(r->flight, r->flight + i, r->flights * sizeof *r->flight);
	limit_durable(r);
	if (r->role == RAFT_CANDIDATE)
		raft_count_votes(r);
	else if (r->role == RAFT_LEADER)
		raft_advance(r);
}

/* ---- messages ---- */

void
raft_send(struct raft *r, const struct raft_message *m, bool after)
{
	uint64_t serial = is_dirty(r) ? r->serial + 1 : r->serial;
	struct raft_pending *p;

	if (!after || RULE_OFF(PERSIST_BEFORE_SEND) || serial <= r->wrote) {
		struct raft_message *ready = queue_push(&r->ready,
		    sizeof *ready);

		*ready = *m;
		ready->from = r->o.self;
		return;
	}
	if (r->held.n == HELD_MAX) {
		p = queue_pop(&r->held, sizeof *p);
		raft_message_fini(&p->m);
	}
	p = queue_push(&r->held, sizeof *p);
	p->after = serial;
	p->m = *m;
	p->m.from = r->o.self;
}

bool
raft_next_message(struct raft *r, struct raft_message *m)
{
	struct raft_message *ready = queue_pop(&r->ready, sizeof *ready);
	struct raft_pending *p;

	if (ready != NULL) {
		*m = *ready;
		return true;
	}
	p = queue_first(&r->held, sizeof *p);
	if (p == NULL || p->after > r->wrote)
		return false;
	p = queue_pop(&r->held, sizeof *p);
	*m = p->m;
	return true;
}

/* ---- the log ---- */

uint64_t
raft_append_own(struct raft *r, enum raft_kind kind, const void *data,
    size_t len)
{
	struct raft_entry e = { .index = log_last(&r->log) + 1,
		.term = r->term, .kind = kind,
		.data = len == 0 ? NULL : raft_blob_new(data, len) };

	assert(r->role == RAFT_LEADER);
	log_push(&r->log, &e);
	raft_blob_unref(e.data);
	raft_write_entries(r, e.index);
	r->uncommitted += len;
	return e.index;
}

static void
count_uncommitted(struct raft *r)
{
	uint64_t i;

	r->uncommitted = 0;
	for (i = r->commit + 1; i <= log_last(&r->log); i++) {
		const struct raft_entry *e = log_at(&r->log, i);

		r->uncommitted += e->data == NULL ? 0 : e->data->len;
	}
}

void
raft_set_commit(struct raft *r, uint64_t commit)
{
	assert(commit <= log_last(&r->log));
	if (commit <= r->commit)
		return;
	r->commit = commit;
	count_uncommitted(r);
	if (RULE_OFF(MEMBERS_AT_APPEND))
		raft_members_from_log(r);
}

bool
raft_next_entry(struct raft *r, struct raft_entry *e)
{
	if (r->applied >= r->commit)
		return false;
	*e = *log_at(&r->log, ++r->applied);
	raft_answer_reads(r);
	return true;
}

enum err_code
raft_propose(struct raft *r, mono_t now, const void *data, size_t len,
    uint64_t *index, uint64_t *term, struct err *err)
{
	r->now = now;
	if (r->role != RAFT_LEADER)
		return err_set(err, ERR_UNSUPPORTED, "this node does not lead");
	if (len > RAFT_ENTRY_MAX)
		return err_set(err, ERR_INVALID,
		    "an entry has %d bytes at most, not %zu", RAFT_ENTRY_MAX,
		    len);
	if (r->transfer_to != 0)
		return err_set(err, ERR_BUSY,
		    "leadership is being handed over");
	if (r->uncommitted + len > RAFT_UNCOMMITTED_MAX)
		return err_set(err, ERR_BUSY,
		    "%llu bytes wait for other nodes already",
		    (unsigned long long)r->uncommitted);
	*index = raft_append_own(r, RAFT_DATA, data, len);
	*term = r->term;
	raft_replicate_all(r, false);
	raft_advance(r);
	return ERR_NONE;
}

/* ---- events ---- */

static bool
of_a_leader(const struct raft_message *m)
{
	return m->type == RAFT_APPEND || m->type == RAFT_SNAPSHOT
	    || m->type == RAFT_TIMEOUT_NOW;
}

/* Tell a sender of an older term which one it is now. */
static void
answer_old(struct raft *r, const struct raft_message *m)
{
	struct raft_message a = { .to = m->from, .term = r->term,
		.refused = true, .pre = m->pre };

	if (m->type == RAFT_VOTE)
		a.type = RAFT_VOTED;
	else if (of_a_leader(m))
		a.type = RAFT_APPENDED;
	else
		return;
	raft_send(r, &a, true);
}

/*
 * Someone is further (section 3.3).  A question about a vote that would be
 * (section 9.6), and its consent, are of a term that nobody has reached.
 * false: the message is not to be looked at (section 4.2.3).
 */
static bool
take_term(struct raft *r, const struct raft_message *m)
{
	bool leader = m->type == RAFT_APPEND || m->type == RAFT_SNAPSHOT;

	if (m->pre && (m->type == RAFT_VOTE
		|| (m->type == RAFT_VOTED && !m->refused)))
		return true;
	if (m->type == RAFT_VOTE && !m->transfer
	    && raft_hears_leader(r) && !RULE_OFF(STICKY))
		return false;
	if (!RULE_OFF(TERM_UP))
		raft_follow(r, m->term, leader ? m->from : 0);
	return true;
}

static void
dispatch(struct raft *r, const struct raft_message *m)
{
	switch (m->type) {
	case RAFT_VOTE: raft_on_vote(r, m); break;
	case RAFT_VOTED: raft_on_voted(r, m); break;
	case RAFT_APPEND: raft_on_append(r, m); break;
	case RAFT_APPENDED: raft_on_appended(r, m); break;
	case RAFT_SNAPSHOT: raft_on_snapshot(r, m); break;
	case RAFT_SNAPSHOT_GOT: raft_on_snapshot_got(r, m); break;
	case RAFT_TIMEOUT_NOW:
		if (r->role == RAFT_FOLLOWER && r->leader == m->from)
			raft_stand(r, true);
		break;
	case RAFT_TYPES: break;
	}
}

void
raft_receive(struct raft *r, mono_t now, const struct raft_message *m)
{
	r->now = now;
	if (m->to != r->o.self || m->from == r->o.self)
		return;
	if (m->term < r->term && !RULE_OFF(TERM_OLD)) {
		answer_old(r, m);
		return;
	}
	if (m->term > r->term && !take_term(r, m))
		return;
	dispatch(r, m);
}

void
raft_tick(struct raft *r, mono_t now)
{
	r->now = now;
	if (r->role == RAFT_LEADER)
		raft_leader_tick(r);
	else if (raft_is_over(now, r->election_due))
		raft_stand(r, false);
}

void
raft_yield(struct raft *r, mono_t now, dur_t pause)
{
	r->now = now;
	r->paused = mono_add(now, pause);
	if (r->role != RAFT_FOLLOWER)
		raft_follow(r, r->term, 0);
}

/* ---- life ---- */

static enum err_code
load_entries(struct raft *r, const struct raft_stored *s, struct err *err)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct raft_entry *e = &s->entries[i];

		if (e->index <= r->snapshot.index)
			continue;
		if (e->index != log_last(&r->log) + 1)
			return err_set(err, ERR_MALFORMED,
			    "the log goes on at %llu after %llu",
			    (unsigned long long)e->index,
			    (unsigned long long)log_last(&r->log));
		if (e->term < log_last_term(&r->log) || e->term > s->term)
			return err_set(err, ERR_MALFORMED,
			    "entry %llu is of term %llu, between %llu and %llu",
			    (unsigned long long)e->index,
			    (unsigned long long)e->term,
			    (unsigned long long)log_last_term(&r->log),
			    (unsigned long long)s->term);
		log_push(&r->log, e);
	}
	return ERR_NONE;
}

enum err_code
raft_new(struct raft **out, const struct raft_options *o,
    const struct raft_stored *s, mono_t now, struct err *err)
{
	struct raft *r = mem_zalloc(sizeof *r);
	enum err_code code;

	assert(o->self != 0 && o->heartbeat.us > 0
	    && o->election.us > o->heartbeat.us);
	assert(o->batch <= RAFT_APPEND_ENTRIES && o->chunk <= RAFT_CHUNK);
	r->o = *o;
	if (o->batch == 0)
		r->o.batch = RAFT_APPEND_ENTRIES;
	if (o->chunk == 0)
		r->o.chunk = RAFT_CHUNK;
	r->random = o->seed;
	r->now = now;
	r->term = s->term;
	r->vote = s->vote;
	raft_snapshot_set(&r->snapshot, &s->snapshot);
	log_init(&r->log, s->snapshot.index, s->snapshot.term);
	code = load_entries(r, s, err);
	if (code != ERR_NONE) {
		raft_free(r);
		return code;
	}
	r->commit = r->applied = s->snapshot.index;
	r->durable = log_last(&r->log);
	r->durable_term = r->term;
	raft_members_from_log(r);
	count_uncommitted(r);
	raft_reset_election(r);
	*out = r;
	return ERR_NONE;
}

static void
queues_fini(struct raft *r)
{
	struct raft_message *m;
	struct raft_pending *p;

	while ((m = queue_pop(&r->ready, sizeof *m)) != NULL)
		raft_message_fini(m);
	while ((p = queue_pop(&r->held, sizeof *p)) != NULL)
		raft_message_fini(&p->m);
	mem_free(r->ready.at);
	mem_free(r->held.at);
	mem_free(r->news.at);
}

void
raft_free(struct raft *r)
{
	unsigned i;

	if (r == NULL)
		return;
	for (i = 0; i < r->peers; i++)
		raft_blob_unref(r->peer[i].sending.data);
	queues_fini(r);
	log_fini(&r->log);
	raft_blob_unref(r->snapshot.data);
	raft_incoming_drop(r);
	mem_free(r->flight);
	mem_free(r->read);
	mem_free(r);
}
