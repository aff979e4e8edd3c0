/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board: where actors publish large, read-mostly, immutable state for
 * everyone.  Readers on any runtime thread take a counted reference without
 * waiting for anybody.
 *
 * An entry is found by (kind, key).  Each runtime thread writes a table of its
 * own (ck_ht, one writer, many readers); the entry belongs to the actor that
 * put it.  Two actors may hold the same key for a moment (a server that moves
 * from one cluster to another): the newer one is found.
 */
#ifndef ORC_RUNTIME_BOARD_H
#define ORC_RUNTIME_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/actor.h"

struct board;

enum { BOARD_KINDS_MAX = 32 };

/* First member of whatever is published. */
struct shared {
	uint32_t refs; /* atomic; the board's own among them */
	void (*free)(struct shared *s);
};

/* refs = 1, the caller's. */
void shared_init(struct shared *s, void (*free_fn)(struct shared *s));
void *shared_ref(const void *s);   /* the same pointer, counted */
void shared_unref(const void *s);  /* NULL is fine; from any thread */

/*
 * Publish s under (kind, key), instead of what this actor had there.  Takes
 * over the caller's reference.  Nothing of s may change from now on.  What an
 * actor put goes when it ends, and moves with it.
 */
void board_put(struct ctx *ctx, unsigned kind, const char *key, void *s);
/* Take away what this actor put there; nothing when another one has it. */
void board_remove(struct ctx *ctx, unsigned kind, const char *key);

/* A counted reference (shared_unref()), or NULL. From actors and ports. */
void *board_get(struct ctx *ctx, unsigned kind, const char *key);

/*
 * All of a kind, in no order: fn is called with borrowed pointers and may
 * shared_ref() what it keeps.  It must not block nor call the board.
 */
void board_each(struct ctx *ctx, unsigned kind,
    void (*fn)(void *arg, const char *key, void *s), void *arg);

/* Grows with every put and remove of that kind: cheap "did anything change". */
uint64_t board_version(struct ctx *ctx, unsigned kind);

#endif
