/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer; see buf.h. */
#include "config.h"

#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

void
buf_init(struct buf *b)
{
	*b = (struct buf){ 0 };
}

void
buf_fini(struct buf *b)
{
	mem_free(b->data);
	buf_init(b);
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	if (b->data != NULL)
		b->data[0] = '\0';
}

char *
buf_room(struct buf *b, size_t n)
{
	size_t want = b->len + n + 1, cap = b->cap > 0 ? b->cap : 128;

	assert(want > n);
	if (want > b->cap) {
		while (cap < want)
			cap *= 2;
		b->data = mem_resize(b->data, cap, 1);
		b->data[b->len] = '\0';
		b->cap = cap;
	}
	return b->data + b->len;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	char *to = b->cap - b->len > n ? b->data + b->len : buf_room(b, n);

	if (n > 0)
		memcpy(to, p, n);
	to[n] = '\0';
	b->len += n;
}

void
buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_chr(struct buf *b, char c)
{
	char *to = b->cap - b->len > 1 ? b->data + b->len : buf_room(b, 1);

	to[0] = c;
	to[1] = '\0';
	b->len++;
}

void
buf_pad(struct buf *b, char c, size_t n)
{
	char *to = buf_room(b, n);

	memset(to, c, n);
	to[n] = '\0';
	b->len += n;
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	assert(n >= 0);
	vsnprintf(buf_room(b, (size_t)n), (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

const char *
buf_text(const struct buf *b)
{
	return b->data != NULL ? b->data : "";
}

char *
buf_steal(struct buf *b)
{
	char *p;

	buf_add(b, "", 0);
	p = b->data;
	buf_init(b);
	return p;
}
