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

/* What must stand before the next value. */
static void
before(struct json *w)
{
	if (w->after_key)
		w->after_key = false;
	else if (w->comma[w->depth])
		buf_chr(w->out, ',');
	w->comma[w->depth] = true;
}

static void
open_with(struct json *w, char c, bool array)
{
	before(w);
	assert(w->depth + 1 < JSON_DEPTH_MAX);
	w->depth++;
	w->comma[w->depth] = false;
	w->array[w->depth] = array;
	buf_chr(w->out, c);
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

static bool
plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '<' &&
	    c != '>' && c != '&';
}

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
	while (p < end && plain(*p))
		p++;
	return p;
}

/* Most strings are plain: the whole of one is copied at once. */
static void
add_quoted(struct buf *out, const char *s, size_t n)
{
	const unsigned char *from = (const unsigned char *)s, *end = from + n;
	const unsigned char *p = skip_plain(from, end);
	size_t k;

	buf_room(out, n + 2);
	buf_chr(out, '"');
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

void
json_key(struct json *w, const char *key)
{
	assert(w->depth > 0 && !w->array[w->depth] && !w->after_key);
	before(w);
	add_quoted(w->out, key, strlen(key));
	buf_chr(w->out, ':');
	w->after_key = true;
}

void
json_strn(struct json *w, const char *s, size_t n)
{
	before(w);
	add_quoted(w->out, s, n);
}

void
json_str(struct json *w, const char *s)
{
	json_strn(w, s != NULL ? s : "", s != NULL ? strlen(s) : 0);
}

/* An answer holds forty numbers a server: printf would be half its cost. */
static void
add_digits(struct buf *out, uint64_t v)
{
	char text[20], *p = text + sizeof text;

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_add(out, p, (size_t)(text + sizeof text - p));
}

void
json_int(struct json *w, int64_t v)
{
	before(w);
	if (v < 0)
		buf_chr(w->out, '-');
	add_digits(w->out, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void
json_uint(struct json *w, uint64_t v)
{
	before(w);
	add_digits(w->out, v);
}

void
json_double(struct json *w, double v)
{
	char text[32];
	int digits = 15;

	if (!isfinite(v))
		v = 0.0;
	before(w);
	do
		snprintf(text, sizeof text, "%.*g", digits, v);
	while (strtod(text, NULL) != v && ++digits <= 17);
	buf_str(w->out, text);
}

void
json_bool(struct json *w, bool v)
{
	before(w);
	buf_str(w->out, v ? "true" : "false");
}

void
json_nil(struct json *w)
{
	before(w);
	buf_str(w->out, "null");
}

void
json_raw(struct json *w, const char *text, size_t n)
{
	before(w);
	buf_add(w->out, text, n);
}
