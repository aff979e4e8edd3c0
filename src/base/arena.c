/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks that are filled and freed together; see arena.h. */
#include "config.h"

#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { BLOCK_MIN = 4096 - 64, BLOCK_MAX = 1 << 20 };

struct arena_block {
	struct arena_block *next;
	size_t used;
	size_t size;
	alignas(max_align_t) char data[];
};

void
arena_init(struct arena *a)
{
	a->head = NULL;
}

static void
free_from(struct arena_block *b)
{
	struct arena_block *next;

	for (; b != NULL; b = next) {
		next = b->next;
		mem_free(b);
	}
}

void
arena_fini(struct arena *a)
{
	free_from(a->head);
	a->head = NULL;
}

void
arena_reset(struct arena *a)
{
	if (a->head == NULL)
		return;
	free_from(a->head->next);
	a->head->next = NULL;
	a->head->used = 0;
}

static struct arena_block *
add_block(struct arena *a, size_t size)
{
	struct arena_block *b = mem_alloc(sizeof *b + size);

	b->next = a->head;
	b->used = 0;
	b->size = size;
	a->head = b;
	return b;
}

static struct arena_block *
grow(struct arena *a, size_t n)
{
	size_t size = a->head != NULL ? a->head->size * 2 : BLOCK_MIN;

	if (size > BLOCK_MAX)
		size = BLOCK_MAX;
	return add_block(a, size < n ? n : size);
}

size_t
arena_bytes(size_t n)
{
	const size_t align = alignof(max_align_t);

	return (n + align - 1) / align * align;
}

void
arena_reserve(struct arena *a, size_t bytes)
{
	if (bytes > 0 &&
	    (a->head == NULL || a->head->size - a->head->used < bytes))
		add_block(a, bytes);
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->head;
	void *p;

	assert(n < (size_t)1 << 40);
	n = arena_bytes(n);
	if (b == NULL || b->size - b->used < n)
		b = grow(a, n);
	p = b->data + b->used;
	b->used += n;
	return memset(p, 0, n);
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *
arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p;

	n = strnlen(s, n);
	p = arena_alloc(a, n + 1);
	memcpy(p, s, n);
	return p;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	assert(n >= 0);
	p = arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}
