/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many small things with one lifetime: a plan, a reply, one probe's facts.
 * Nothing is freed one by one; arena_fini() frees all.  Not thread-safe.
 */
#ifndef ORC_BASE_ARENA_H
#define ORC_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *head; /* the block being filled; NULL when empty */
};

void arena_init(struct arena *a);
void arena_fini(struct arena *a);

/* Forget everything, keep one block for reuse. */
void arena_reset(struct arena *a);

/*
 * Bytes that n bytes take; and room for so many (their sum) in one block, which
 * is of that size: for what is small, and kept for long by the thousand.
 */
size_t arena_bytes(size_t n);
void arena_reserve(struct arena *a, size_t bytes);

/* Zeroed, aligned for any type. n may be 0. */
void *arena_alloc(struct arena *a, size_t n)
    __attribute__((returns_nonnull));
char *arena_strdup(struct arena *a, const char *s)
    __attribute__((returns_nonnull));
char *arena_strndup(struct arena *a, const char *s, size_t n)
    __attribute__((returns_nonnull));
char *arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((returns_nonnull, format(printf, 2, 3)));

#endif
