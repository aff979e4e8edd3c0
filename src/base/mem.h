/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that never fails: out of memory aborts here, no caller tests for NULL.
 */
#ifndef ORC_BASE_MEM_H
#define ORC_BASE_MEM_H

#include <stddef.h>

/* Not initialised; n may be 0.  Free with mem_free(). */
void *mem_alloc(size_t n) __attribute__((malloc, returns_nonnull));

/* Zeroed. */
void *mem_zalloc(size_t n) __attribute__((malloc, returns_nonnull));

/* count * size with an overflow check (aborts). p may be NULL. */
void *mem_resize(void *p, size_t count, size_t size)
    __attribute__((returns_nonnull));

char *mem_strdup(const char *s) __attribute__((malloc, returns_nonnull));

/* Copies at most n bytes of s, always NUL-terminated. */
char *mem_strndup(const char *s, size_t n)
    __attribute__((malloc, returns_nonnull));

char *mem_printf(const char *fmt, ...)
    __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

void mem_free(void *p);

#define MEM_COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
