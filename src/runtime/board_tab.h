/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board's tables, between board.c, which reads them, and board_put.c, which
 * writes those of its own thread.
 */
#ifndef ORC_RUNTIME_BOARD_TAB_H
#define ORC_RUNTIME_BOARD_TAB_H

#include <ck_epoch.h>
#include <ck_ht.h>

#include "runtime/core.h"
#include "runtime/tsan.h"

struct entry {
	ck_epoch_entry_t epoch;
	_Atomic(struct entry *) next; /* of the same kind */
	struct entry *prev;
	_Atomic(struct entry *) same; /* another key with the same hash */
	_Atomic(struct post *) newest;
	uintptr_t hash;
	unsigned kind;
	char key[];
};

struct post {
	ck_epoch_entry_t epoch;
	struct post *older;	     /* under the same entry */
	struct post *anext, **aprev; /* all of its actor */
	struct entry *entry;
	addr_t owner;
	uint64_t number; /* in the order of puts, over all threads */
	struct shared *s;
};

struct board_home {
	ck_epoch_record_t record;
	struct board *board;
	ck_ht_t table; /* (kind, key)'s hash to struct entry; once used */
	_Atomic bool used;
	_Atomic(struct entry *) first[BOARD_KINDS_MAX];
};

struct board {
	ck_epoch_t epoch;
	int homes;
	_Atomic uint64_t number;
	_Atomic uint64_t version[BOARD_KINDS_MAX];
	struct board_home *home[];
};

/* Its address stands, for ThreadSanitizer, for a reader's section that ended. */
extern char board_left;

/* Of (kind, key); neither 0 nor ~0, which mean something to ck_ht. */
uintptr_t board_hash(unsigned kind, const char *key);
/* First entry of that table with that hash, or NULL. */
struct entry *board_first(struct board_home *h, uintptr_t hash);
struct entry *board_find(struct board_home *h, unsigned kind, const char *key,
    uintptr_t hash);
void post_free(struct post *p);

#endif
