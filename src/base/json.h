/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streaming JSON writer over a buf: keeps the commas, escapes strings as Go
 * does ('<', '>' and '&' become \u003c \u003e \u0026; invalid UTF-8 becomes
 * U+FFFD), writes 64-bit integers exactly.  Parsing is jansson's work.
 *
 * json_obj(w); json_key(w, "Port"); json_int(w, 3306); json_end(w);
 */
#ifndef ORC_BASE_JSON_H
#define ORC_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { JSON_DEPTH_MAX = 32 };

struct json {
	struct buf *out; /* the caller's */
	int depth;
	bool comma[JSON_DEPTH_MAX]; /* a value was written at this depth */
	bool array[JSON_DEPTH_MAX];
	bool after_key;
};

void json_init(struct json *w, struct buf *out);
void json_obj(struct json *w);
void json_arr(struct json *w);
void json_end(struct json *w); /* closes the innermost obj or arr */
void json_key(struct json *w, const char *key);
/* A key that is known when compiled: n bytes, quotes and colon among them. */
void json_key_quoted(struct json *w, const char *text, size_t n);
void json_str(struct json *w, const char *s); /* NULL is written as "" */
void json_strn(struct json *w, const char *s, size_t n);
void json_int(struct json *w, int64_t v);
void json_uint(struct json *w, uint64_t v);
void json_double(struct json *w, double v); /* not finite: 0 */
void json_bool(struct json *w, bool v);
void json_nil(struct json *w); /* json_null() is jansson's */
/* A value that is JSON text already. */
void json_raw(struct json *w, const char *text, size_t n);

/* key and value in one call */
#define json_kstr(w, k, v) (json_key((w), (k)), json_str((w), (v)))
#define json_kint(w, k, v) (json_key((w), (k)), json_int((w), (v)))
#define json_kuint(w, k, v) (json_key((w), (k)), json_uint((w), (v)))
#define json_kbool(w, k, v) (json_key((w), (k)), json_bool((w), (v)))
#define json_kdouble(w, k, v) (json_key((w), (k)), json_double((w), (v)))
#define json_knull(w, k) (json_key((w), (k)), json_nil((w)))

#endif
