/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consensus: a replicated log, as a pure state machine.  Events and the time go
 * in; what to write, what to send and what is committed comes out.  It opens no
 * file, reads no clock and sends nothing by itself.
 *
 *	raft_tick(), raft_receive(), raft_propose(), raft_wrote() ...  an event
 *	while (raft_next_write(r, &w))    write durably, then raft_wrote(w.serial)
 *	while (raft_next_message(r, &m))  send; losing it does no harm
 *	while (raft_next_entry(r, &e))    apply: committed, in order, once
 *	while (raft_next_news(r, &n))     roles, answers to reads, snapshots
 *	raft_deadline(r)                  when raft_tick() is due next
 *
 * Writes are made in their order.  A message comes out only when all was
 * written that it speaks of ("persist before send"); a leader's entries travel
 * while its own disk still works on them, and count there when that is done.
 *
 * "Section" is that of Ongaro's dissertation, "Consensus: Bridging Theory and
 * Practice" (2014).  rules.def lists every rule that safety or progress needs;
 * t/raft/mutants shows that the tests notice when one of them is missing.
 *
 * One thread.  Nothing here trusts a message: one that contradicts what is
 * committed is our own or a peer's failure, and aborts.
 */
#ifndef ORC_RAFT_RAFT_H
#define ORC_RAFT_RAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/pack.h"

struct raft;

enum {
	RAFT_MEMBERS_MAX = 16,
	RAFT_ADDRESS_MAX = 272,		/* with its NUL */
	RAFT_ENTRY_MAX = 4 << 20,	/* bytes of one entry's data */
	RAFT_APPEND_ENTRIES = 256,	/* in one message */
	RAFT_APPEND_BYTES = 1 << 20,	/* likewise; one entry always fits */
	RAFT_IN_FLIGHT = 32,		/* appends to one peer, unanswered */
	RAFT_UNCOMMITTED_MAX = 64 << 20, /* bytes proposed and not committed */
	RAFT_CHUNK = 256 << 10,		/* of a snapshot, in one message */
	RAFT_SNAPSHOT_MAX = 1 << 30,
	RAFT_READS_MAX = 10000,		/* that wait */
};

/* A node's own number, drawn when its store is made; never 0. */
typedef uint64_t raft_id;

struct raft_member {
	raft_id id;
	bool voter; /* else a learner: gets everything, counts for nothing */
	char address[RAFT_ADDRESS_MAX];
};

struct raft_members { /* sorted by id */
	unsigned n;
	struct raft_member at[RAFT_MEMBERS_MAX];
};

/* Bytes with a count of who holds them; never changed. */
struct raft_blob {
	unsigned refs;
	size_t len;
	uint8_t data[];
};
struct raft_blob *raft_blob_new(const void *data, size_t len);
struct raft_blob *raft_blob_ref(struct raft_blob *b); /* NULL stays NULL */
void raft_blob_unref(struct raft_blob *b);

enum raft_kind {
	RAFT_DATA,
	RAFT_NOOP,    /* a leader's first */
	RAFT_MEMBERS, /* raft_members_pack() */
	RAFT_KINDS,
};

struct raft_entry {
	uint64_t index; /* from 1 */
	uint64_t term;
	enum raft_kind kind;
	struct raft_blob *data; /* NULL: none */
};

/* The state up to and with index. */
struct raft_snapshot {
	uint64_t index; /* 0: none */
	uint64_t term;
	struct raft_members members;
	struct raft_blob *data;
};

enum raft_role { RAFT_FOLLOWER, RAFT_PRE_CANDIDATE, RAFT_CANDIDATE,
	RAFT_LEADER };

/* ---- messages ---- */

enum raft_type {
	RAFT_VOTE,	  /* may I lead?  pre: would you vote for me? */
	RAFT_VOTED,
	RAFT_APPEND,	  /* entries, or none: a heartbeat */
	RAFT_APPENDED,
	RAFT_SNAPSHOT,	  /* a chunk */
	RAFT_SNAPSHOT_GOT,
	RAFT_TIMEOUT_NOW, /* stand for election at once */
	RAFT_TYPES,
};

struct raft_message {
	enum raft_type type;
	raft_id from, to;
	uint64_t term;
	uint64_t round; /* of the leader's questions; answers repeat it */
	uint64_t stamp; /* the leader's time at sending, us; repeated, too */

	/* VOTE: its last entry.  APPEND: the entry before these.
	 * APPENDED: last that matches; refused: where to try next. */
	uint64_t index;
	uint64_t index_term;
	bool pre;	 /* VOTE, VOTED */
	bool transfer;	 /* VOTE: the leader asked for it */
	bool refused;	 /* VOTED, APPENDED */
	uint64_t commit; /* APPEND */
	struct raft_entry *entries;
	size_t n;

	/* SNAPSHOT (index and index_term are its own), SNAPSHOT_GOT: at is what
	 * is there already. */
	uint64_t at;
	uint64_t total;
	struct raft_blob *chunk_of; /* sending: bytes at .. at + chunk_len of it */
	const uint8_t *chunk;	    /* either way */
	size_t chunk_len;
	struct raft_members *members; /* with the last chunk */
};

/* Version 1 of the wire form, one msgpack array; framing is the sender's. */
void raft_message_pack(struct buf *b, const struct raft_message *m);
/*
 * m points into the bytes, its entries are new: raft_message_fini().
 * MALFORMED: too long, too many, out of order, contradicting itself.
 */
enum err_code raft_message_unpack(struct raft_message *m, struct bin bytes,
    struct err *err);
/* Also for what raft_next_message() gave. */
void raft_message_fini(struct raft_message *m);

void raft_members_pack(struct buf *b, const struct raft_members *m);
enum err_code raft_members_unpack(struct raft_members *m, struct bin bytes,
    struct err *err);
const struct raft_member *raft_members_find(const struct raft_members *m,
    raft_id id); /* NULL: none */

/* ---- life ---- */

struct raft_options {
	raft_id self;
	dur_t heartbeat; /* of a leader to each peer */
	dur_t election;	 /* at least; each wait is drawn from 1 to 2 of it */
	uint64_t seed;
	uint64_t keep;	 /* entries kept before a snapshot, for slow followers */
	unsigned batch;	 /* entries in a message; 0: RAFT_APPEND_ENTRIES */
	unsigned chunk;	 /* bytes of one; 0: RAFT_CHUNK */
};

/* What a store has of a node; all empty for a new one. */
struct raft_stored {
	uint64_t term;
	raft_id vote; /* in term; 0: none */
	struct raft_snapshot snapshot;
	struct raft_entry *entries; /* after the snapshot, or around its end */
	size_t n;
};

/*
 * Takes references.  A node without members waits to be found by a leader; one
 * that begins a group is given them as snapshot.members with index 0.
 * MALFORMED: a log with a hole, or terms that go back.
 */
enum err_code raft_new(struct raft **r, const struct raft_options *o,
    const struct raft_stored *s, mono_t now, struct err *err);
void raft_free(struct raft *r);

/* ---- events ---- */

void raft_tick(struct raft *r, mono_t now);
/* m stays the caller's. */
void raft_receive(struct raft *r, mono_t now, const struct raft_message *m);
/* All writes up to this serial are durable. */
void raft_wrote(struct raft *r, mono_t now, uint64_t serial);

/*
 * index: where it will stand if it commits.  It has when raft_next_entry()
 * gives that index with this term (*term), and has not when it gives another.
 * UNSUPPORTED: not the leader.  BUSY: too much is uncommitted, or leadership is
 * being handed over.  INVALID: too long.
 */
enum err_code raft_propose(struct raft *r, mono_t now, const void *data,
    size_t len, uint64_t *index, uint64_t *term, struct err *err);

/*
 * Membership, one change at a time (section 4.1).  A new member begins as a
 * learner.  UNSUPPORTED: not the leader.  BUSY: the last change, or the first
 * entry of this term, is not committed yet; a learner is not near enough the
 * end to vote.  EXISTS, NOT_FOUND, INVALID name the member.
 */
enum err_code raft_add(struct raft *r, mono_t now, raft_id id,
    const char *address, struct err *err);
enum err_code raft_set_voter(struct raft *r, mono_t now, raft_id id, bool voter,
    struct err *err);
enum err_code raft_remove(struct raft *r, mono_t now, raft_id id,
    struct err *err);
/* A known member is found at another address. */
enum err_code raft_move(struct raft *r, mono_t now, raft_id id,
    const char *address, struct err *err);

/*
 * Hand leadership over (section 3.10): to that voter, or with 0 to the one that
 * is furthest.  Given up after an election's time.
 */
enum err_code raft_transfer(struct raft *r, mono_t now, raft_id to,
    struct err *err);
/* Lead no longer, and do not stand for that long. */
void raft_yield(struct raft *r, mono_t now, dur_t pause);

/*
 * Ask to read what is committed now (section 6.4).  news RAFT_READ with this
 * serial: all was confirmed and applied up to now; RAFT_READ_LOST: ask again.
 * UNSUPPORTED: not the leader; BUSY: too many wait, or nothing of this term is
 * committed yet.
 */
enum err_code raft_read(struct raft *r, mono_t now, uint64_t serial,
    struct err *err);

/*
 * The state machine's snapshot as of index, which was applied; older entries
 * go, but for the last few.  data is referenced.
 */
void raft_compact(struct raft *r, uint64_t index, struct raft_blob *data);

/* ---- what follows ---- */

/* In this order, as one transaction.  Lives until the next event. */
struct raft_write {
	uint64_t serial;
	bool state; /* term and vote are to be written */
	uint64_t term;
	raft_id vote;
	/* != NULL: replaces older ones; entries up to its index may go.  reset:
	 * all entries go. */
	const struct raft_snapshot *snapshot;
	bool reset;
	/* Entries from first on go, then these come. first 0: none. */
	uint64_t first;
	const struct raft_entry *entries;
	size_t n;
};
bool raft_next_write(struct raft *r, struct raft_write *w);

bool raft_next_message(struct raft *r, struct raft_message *m);
/* Data as long as the log has it: until the next event. */
bool raft_next_entry(struct raft *r, struct raft_entry *e);

enum raft_news_kind {
	RAFT_NEWS_ROLE,	    /* role, term or leader changed */
	RAFT_NEWS_MEMBERS,  /* members changed (perhaps not committed yet) */
	RAFT_NEWS_READ,	    /* serial */
	RAFT_NEWS_READ_LOST, /* serial */
	RAFT_NEWS_RESTORE,  /* load raft_snapshot() before the next entry */
};
struct raft_news {
	enum raft_news_kind kind;
	uint64_t serial;
};
bool raft_next_news(struct raft *r, struct raft_news *n);

mono_t raft_deadline(const struct raft *r);

/* ---- looking ---- */

enum raft_role raft_role(const struct raft *r);
raft_id raft_self(const struct raft *r);
raft_id raft_leader(const struct raft *r); /* 0: not known */
uint64_t raft_term(const struct raft *r);
raft_id raft_vote(const struct raft *r);
uint64_t raft_commit(const struct raft *r);
uint64_t raft_applied(const struct raft *r);
uint64_t raft_last(const struct raft *r);
uint64_t raft_first(const struct raft *r); /* of the log; last + 1: none */
const struct raft_entry *raft_at(const struct raft *r, uint64_t index);
const struct raft_members *raft_members(const struct raft *r);
const struct raft_snapshot *raft_snapshot(const struct raft *r);
/* It leads, a quorum answered within the last election time, and an entry of
 * its term is committed. */
bool raft_is_sure(const struct raft *r, mono_t now);

/* A peer as the leader sees it.  false: no such peer, or not the leader. */
struct raft_peer_state {
	uint64_t match;
	dur_t silent; /* since its last answer */
	bool snapshot; /* being sent */
};
bool raft_peer(const struct raft *r, raft_id id, mono_t now,
    struct raft_peer_state *p);

const char *raft_role_name(enum raft_role role); /* v1's: "Leader" */

#endif
