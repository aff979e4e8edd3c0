/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer.  data is always NUL-terminated after len bytes once
 * something was added; buf_text() gives "" for an untouched one.
 */
#ifndef ORC_BASE_BUF_H
#define ORC_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
	char *data;
	size_t len;
	size_t cap;
};

void buf_init(struct buf *b);
void buf_fini(struct buf *b);
void buf_reset(struct buf *b); /* keeps the memory */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, const char *s);
void buf_chr(struct buf *b, char c);
void buf_pad(struct buf *b, char c, size_t n);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
/* Make room for n more bytes and return where they go; the caller adds to len. */
char *buf_room(struct buf *b, size_t n);
const char *buf_text(const struct buf *b);
/* Hands the memory to the caller (mem_free()); the buffer is empty after. */
char *buf_steal(struct buf *b);

#endif
