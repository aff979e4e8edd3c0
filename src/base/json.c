/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON writer; see json.h. */
#include "config.h"

#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
json_init(struct json *w, struct buf *out)
{
	memset(w, 0, sizeof *w);
	w->out = out;
}

/* Where the next value goes: a comma, n bytes and a NUL fit there. */
static inline char *
place(struct json *w, size_t n)
{
	struct buf *b = w->out;
	char *p = b->cap - b->len > n + 1 ? b->data + b->len :
	    buf_room(b, n + 1);

	if (w->after_key)
		w->after_key = false;
	else if (w->comma[w->depth])
		*p++ = ',';
	w->comma[w->depth] = true;
	return p;
}

/* It ends there. */
static void
placed(struct json *w, char *end)
{
	*end = '\0';
	w->out->len = (size_t)(end - w->out->data);
}

static void
open_with(struct json *w, char c, bool array)
{
	char *p = place(w, 1);

	assert(w->depth + 1 < JSON_DEPTH_MAX);
	w->depth++;
	w->comma[w->depth] = false;
	w->array[w->depth] = array;
	*p++ = c;
	placed(w, p);
}

void
json_obj(struct json *w)
{
	open_with(w, '{', false);
}

void
json_arr(struct json *w)
{
	open_with(w, '[', true);
}

void
json_end(struct json *w)
{
	assert(w->depth > 0 && !w->after_key);
	buf_chr(w->out, w->array[w->depth] ? ']' : '}');
	w->depth--;
}

/* Length of the valid UTF-8 sequence at p, 0 when it is not one. */
static size_t
utf8_len(const unsigned char *p, size_t left)
{
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

	if (p[0] < 0xc2 || p[0] > 0xf4 || left < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* What needs no escape: printable ASCII but " \\ < > and &. */
static const bool plain[256] = {
	[' '] = true, ['!'] = true, ['#' ... '%'] = true, ['\'' ... ';'] = true,
	['='] = true, ['?' ... '['] = true, [']' ... '~'] = true,
};

static void
escape(struct buf *out, unsigned char c)
{
	switch (c) {
	case '"': buf_str(out, "\\\""); break;
	case '\\': buf_str(out, "\\\\"); break;
	case '\n': buf_str(out, "\\n"); break;
	case '\r': buf_str(out, "\\r"); break;
	case '\t': buf_str(out, "\\t"); break;
	default: buf_printf(out, "\\u%04x", c);
	}
}

/* From p up to the first byte that is not plain. */
static const unsigned char *
skip_plain(const unsigned char *p, const unsigned char *end)
{
	while (p < end && plain[*p])
		p++;
	return p;
}

/* From the first byte that is not plain up to the closing quote. */
static void
add_escaped(struct buf *out, const unsigned char *p, const unsigned char *end)
{
	const unsigned char *from = p;
	size_t k;

	while (p < end) {
		buf_add(out, from, (size_t)(p - from));
		if (*p < 0x80) {
			if (*p == 0x7f)
				buf_chr(out, 0x7f);
			else
				escape(out, *p);
			p++;
		} else if ((k = utf8_len(p, (size_t)(end - p))) > 0) {
			buf_add(out, p, k);
			p += k;
		} else {
			buf_str(out, "\\ufffd");
			p++;
		}
		from = p;
		p = skip_plain(from, end);
	}
	buf_add(out, from, (size_t)(p - from));
	buf_chr(out, '"');
}

/* Most strings are plain: they are copied while they are looked at. */
static void
add_quoted(struct json *w, const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + n;
	char *to = place(w, n + 2);

	*to++ = '"';
	while (p < end && plain[*p])
		*to++ = (char)*p++;
	if (p == end) {
		*to++ = '"';
		placed(w, to);
	} else {
		placed(w, to);
		add_escaped(w->out, p, end);
	}
}

void
json_key(struct json *w, const char *key)
{
	assert(w->depth > 0 && !w->array[w->depth] && !w->after_key);
	add_quoted(w, key, strlen(key));
	buf_chr(w->out, ':');
	w->after_key = true;
}

void
json_key_quoted(struct json *w, const char *text, size_t n)
{
	char *p;

	assert(w->depth > 0 && !w->array[w->depth] && !w->after_key);
	p = place(w, n);
	memcpy(p, text, n);
	placed(w, p + n);
	w->after_key = true;
}

void
json_strn(struct json *w, const char *s, size_t n)
{
	add_quoted(w, s, n);
}

void
json_str(struct json *w, const char *s)
{
	if (s == NULL || *s == '\0')
		json_raw(w, "\"\"", 2); /* two in three of a server's */
	else
		add_quoted(w, s, strlen(s));
}

enum { DIGITS_MAX = 20 };

/* An answer holds forty numbers a server: printf would be half its cost. */
static char *
put_digits(char *to, uint64_t v)
{
	char text[DIGITS_MAX], *p = text + sizeof text;
	size_t n;

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	n = (size_t)(text + sizeof text - p);
	memcpy(to, p, n);
	return to + n;
}

void
json_int(struct json *w, int64_t v)
{
	char *p = place(w, DIGITS_MAX + 1);

	if (v < 0)
		*p++ = '-';
	placed(w, put_digits(p, v < 0 ? -(uint64_t)v : (uint64_t)v));
}

void
json_uint(struct json *w, uint64_t v)
{
	placed(w, put_digits(place(w, DIGITS_MAX), v));
}

void
json_double(struct json *w, double v)
{
	char text[32];
	int digits = 15;

	if (!isfinite(v))
		v = 0.0;
	do
		snprintf(text, sizeof text, "%.*g", digits, v);
	while (strtod(text, NULL) != v && ++digits <= 17);
	json_raw(w, text, strlen(text));
}

void
json_bool(struct json *w, bool v)
{
	if (v)
		json_raw(w, "true", 4);
	else
		json_raw(w, "false", 5);
}

void
json_nil(struct json *w)
{
	json_raw(w, "null", 4);
}

void
json_raw(struct json *w, const char *text, size_t n)
{
	char *p = place(w, n);

	memcpy(p, text, n);
	placed(w, p + n);
}
