/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of src/raft share; not for others. */
#ifndef ORC_RAFT_CORE_H
#define ORC_RAFT_CORE_H

#include <assert.h>

#include "raft/raft.h"

/* ---- rules, and their absence in a build for tests ---- */

enum raft_rule {
	RULE_ALL,
#define RULE(name, section, text) RULE_##name,
#include "raft/rules.def"
#undef RULE
	RULES,
};

#ifdef RAFT_MUTANTS
extern enum raft_rule raft_mutant; /* the rule that is off; RULE_ALL: none */
#define RULE_OFF(name) (raft_mutant == RULE_##name)
#else
#define RULE_OFF(name) false
#endif
/* Is the condition of this rule met? */
#define RULE_HOLDS(name, cond) (RULE_OFF(name) || (cond))

/* ---- the log ---- */

/* Entries base + 1 ... base + n; what lies before is in the snapshot. */
struct raft_log {
	struct raft_entry *at; /* a ring would save the moves of compaction */
	size_t n, cap;
	uint64_t base, base_term;
};

void log_init(struct raft_log *l, uint64_t base, uint64_t base_term);
void log_fini(struct raft_log *l);
uint64_t log_last(const struct raft_log *l);
/* false: it is not there (before the base, or beyond the end). */
bool log_term(const struct raft_log *l, uint64_t index, uint64_t *term);
uint64_t log_last_term(const struct raft_log *l);
const struct raft_entry *log_at(const struct raft_log *l, uint64_t index);
/* The next one; refers to data. */
void log_push(struct raft_log *l, const struct raft_entry *e);
void log_cut(struct raft_log *l, uint64_t from); /* from on */
void log_compact(struct raft_log *l, uint64_t upto); /* up to and with */
/* Nothing but what the snapshot has. */
void log_restart(struct raft_log *l, uint64_t base, uint64_t base_term);

/* ---- the node ---- */

struct raft_peer {
	raft_id id;
	uint64_t match;	   /* known to be there, durably */
	uint64_t next;	   /* to be sent */
	uint64_t round;	   /* the last that it answered */
	mono_t heard;	   /* when what it answered last was sent */
	mono_t sent;	   /* the last message to it */
	enum { PEER_PROBE, PEER_STREAM, PEER_SNAPSHOT } mode;
	unsigned in_flight;
	struct raft_snapshot sending;
	uint64_t at;	   /* of it: the next byte */
	bool granted;	   /* its vote */
};

/* A snapshot that arrives. */
struct raft_incoming {
	uint64_t index, term, total;
	uint8_t *data;
	uint64_t len;
};

struct raft_pending { /* a message that waits for a write */
	uint64_t after;
	struct raft_message m;
};

struct raft_flight { /* a write that was given out */
	uint64_t serial;
	uint64_t first; /* entries from there on; 0: none */
	uint64_t last;	/* of the log, when it is durable */
	uint64_t term;	/* of the state; durable then */
};

/* First in, first out; elements move in memory. */
struct raft_queue {
	void *at;
	size_t head, n, cap;
};

struct raft_waiting_read {
	uint64_t serial, index, round;
	bool confirmed;
};

struct raft {
	struct raft_options o;
	uint64_t random;
	mono_t now;

	/* persistent */
	uint64_t term;
	raft_id vote;
	struct raft_log log;
	struct raft_snapshot snapshot;

	/* follows from the log */
	struct raft_members members;
	uint64_t members_index; /* of the entry they are from */

	enum raft_role role;
	raft_id leader;
	uint64_t commit, applied;
	mono_t election_due;
	mono_t leader_heard;   /* a leader's last message; unset: none */
	mono_t paused;	       /* does not stand before; unset: may */

	/* as a leader, a candidate */
	struct raft_peer peer[RAFT_MEMBERS_MAX];
	unsigned peers;
	uint64_t round;
	uint64_t uncommitted; /* bytes */
	raft_id transfer_to;
	bool transfer_told;
	mono_t transfer_until;
	mono_t quorum_check;
	struct raft_waiting_read *read;
	size_t reads, reads_cap;

	struct raft_incoming in;

	/* writes */
	uint64_t serial;       /* of the last one given out */
	uint64_t wrote;	       /* durable up to */
	struct raft_flight *flight;
	size_t flights, flights_cap;
	bool dirty_state, dirty_snapshot, dirty_reset;
	uint64_t dirty_first;  /* entries from there on; 0: none */
	uint64_t durable;      /* of the log */
	uint64_t durable_term; /* of the state */

	struct raft_queue ready; /* of struct raft_message */
	struct raft_queue held;	 /* of struct raft_pending */
	struct raft_queue news;	 /* of struct raft_news */
};

/* core.c */
bool raft_is_over(mono_t now, mono_t t); /* t is set, and not after now */
uint64_t raft_random(struct raft *r);
void raft_tell(struct raft *r, enum raft_news_kind kind, uint64_t serial);
/* after: with what is still to be written; else as soon as it can. */
void raft_send(struct raft *r, const struct raft_message *m, bool after);
void raft_write_entries(struct raft *r, uint64_t first);
uint64_t raft_append_own(struct raft *r, enum raft_kind kind, const void *data,
    size_t len);
void raft_set_commit(struct raft *r, uint64_t commit);

/* members.c */
bool raft_is_voter(const struct raft *r, raft_id id);
unsigned raft_voters(const struct raft *r);
bool raft_is_quorum(const struct raft *r, unsigned count);
void raft_members_from_log(struct raft *r);
void raft_members_at(const struct raft *r, uint64_t index,
    struct raft_members *m);
void raft_peers_renew(struct raft *r);
struct raft_peer *raft_peer_of(struct raft *r, raft_id id);

/* elect.c */
void raft_follow(struct raft *r, uint64_t term, raft_id leader);
void raft_stand(struct raft *r, bool by_order);
void raft_on_vote(struct raft *r, const struct raft_message *m);
void raft_on_voted(struct raft *r, const struct raft_message *m);
void raft_count_votes(struct raft *r);
void raft_reset_election(struct raft *r);
bool raft_hears_leader(const struct raft *r);

/* replicate.c */
void raft_replicate(struct raft *r, struct raft_peer *p, bool heartbeat);
void raft_replicate_all(struct raft *r, bool heartbeat);
void raft_advance(struct raft *r);
void raft_hear(struct raft *r, struct raft_peer *p,
    const struct raft_message *m);
void raft_heed(struct raft *r, const struct raft_message *m);
void raft_on_append(struct raft *r, const struct raft_message *m);
void raft_on_appended(struct raft *r, const struct raft_message *m);

/* snapshot.c */
void raft_send_snapshot(struct raft *r, struct raft_peer *p);
void raft_resend_chunk(struct raft *r, struct raft_peer *p);
void raft_on_snapshot(struct raft *r, const struct raft_message *m);
void raft_on_snapshot_got(struct raft *r, const struct raft_message *m);
void raft_incoming_drop(struct raft *r);
void raft_snapshot_set(struct raft_snapshot *to,
    const struct raft_snapshot *from);

/* lead.c */
void raft_lead(struct raft *r);
void raft_leader_tick(struct raft *r);
void raft_answer_reads(struct raft *r);
void raft_drop_reads(struct raft *r);
void raft_transfer_on(struct raft *r);
void raft_hand_over(struct raft *r);

#endif
