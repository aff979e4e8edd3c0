/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group of raft nodes in one process: virtual time, a network that loses,
 * doubles, delays and reorders, disks that are slow and forget what was not
 * synced.  After every event the invariants are checked; the first violation is
 * kept in g->violation and ends the run.  A run is a function of its seed.
 *
 * What is checked:
 *   - one leader in a term;
 *   - log matching: an entry of one index and term has the same past everywhere;
 *   - leader completeness: a new leader has every entry that anyone committed;
 *   - state machine safety: all apply the same entry at an index, and a snapshot
 *     equals what applying gives;
 *   - reads see at least what was committed when they began;
 *   - members change one voter at a time;
 *   - a leader whom no quorum answers ends; a node that is cut off does not
 *     raise its term.
 */
#ifndef ORC_T_RAFT_GROUP_H
#define ORC_T_RAFT_GROUP_H

#include "raft/raft.h"

enum { NODES_MAX = 8, VIOLATION_MAX = 300 };

#define NODE_HEARTBEAT DUR_MS(100)
#define NODE_ELECTION DUR_MS(1000)

struct disk_write { /* on its way to the disk */
	uint64_t serial;
	mono_t due;
	bool state, reset, snapshot;
	uint64_t term;
	raft_id vote;
	struct raft_snapshot snap;
	uint64_t first;
	struct raft_entry *entries;
	size_t n;
};

struct disk { /* what survives a crash */
	uint64_t term;
	raft_id vote;
	struct raft_snapshot snapshot;
	struct raft_entry *entries;
	size_t n, cap;
	struct disk_write *queue;
	size_t queued, queue_cap;
};

struct node {
	raft_id id; /* its number + 1; a wiped one gets another */
	struct raft *raft; /* NULL: down */
	struct disk disk;
	dur_t disk_delay;
	uint64_t hash;	   /* of the state machine: all entries applied */
	uint64_t *chain;   /* of its log, by index */
	size_t chain_cap;
	uint64_t term_seen; /* when it was cut off */
	bool alone;	    /* all its links are cut both ways */
	mono_t alone_since;
	mono_t doubted;	    /* it leads, and no quorum could answer since */
	bool led;
	uint64_t generation; /* of its lives */
};

struct flying {
	mono_t due;
	uint64_t order;
	struct raft_message m;
};

struct read_begun {
	uint64_t serial;
	uint64_t at_least;
};

struct history; /* what was committed and written, by index */

struct group {
	uint64_t random;
	mono_t now;
	struct node node[NODES_MAX];
	unsigned n;	      /* nodes, up or down */
	unsigned first;	      /* of them members from the start */
	bool cut[NODES_MAX][NODES_MAX]; /* from, to */
	unsigned lose, doubles; /* in 1000 */
	dur_t delay;	      /* of messages, at most */
	dur_t disk_delay;
	uint64_t keep;
	struct flying *heap;
	size_t flying, heap_cap;
	uint64_t order;
	struct history *history;
	struct read_begun *read;
	size_t reads, read_cap;
	uint64_t serial;
	uint64_t proposals;
	/* counts, to show that something happened */
	uint64_t events, elections, crashes, applied, snapshots, reads_done,
	    changes;
	char violation[VIOLATION_MAX]; /* "": none */
};

void group_init(struct group *g, unsigned n, unsigned first, uint64_t seed);
void group_fini(struct group *g);

uint64_t group_random(struct group *g);
uint64_t group_below(struct group *g, uint64_t n);

/* One event: a message, a write that ends, a tick. false: a violation. */
bool group_step(struct group *g);
/* All events within d. */
bool group_run(struct group *g, dur_t d);

void group_crash(struct group *g, unsigned i);	 /* what was not synced is lost */
void group_restart(struct group *g, unsigned i);
void group_wipe(struct group *g, unsigned i);	 /* down: a new, empty node */
void group_cut(struct group *g, unsigned from, unsigned to, bool cut);
void group_isolate(struct group *g, unsigned i, bool cut);
void group_heal(struct group *g); /* links, disks, and all nodes are up */

/* Who leads with the highest term; -1: nobody. */
int group_leader(const struct group *g);
bool group_propose(struct group *g, unsigned i, size_t len);
bool group_read(struct group *g, unsigned i);
bool group_compact(struct group *g, unsigned i);
/* Take out everything that follows from events the caller made. */
void group_settle(struct group *g, unsigned i);

/* Within d: one leader, all members have applied the same, nothing is open. */
bool group_converges(struct group *g, dur_t d);

/* How many may vote, as that node sees it. */
unsigned raft_voters_of(const struct raft *r);

void group_fail(struct group *g, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
