/* SPDX-License-Identifier: Apache-2.0 */
/* The v1 JSON object of a server (inst/instance.go, 3.2.6). */
#include "config.h"

#include "topology/instance.h"

#include <assert.h>
#include <stddef.h>

/* Keys of the small objects; they are written a dozen times a server. */
#define QKEY(w, name) \
	json_key_quoted((w), "\"" name "\":", sizeof name + 2)
#define RAW(w, text) json_raw((w), (text), sizeof(text) - 1)

void
key_json(struct json *w, struct key k)
{
	json_obj(w);
	QKEY(w, "Hostname");
	json_str(w, k.host);
	QKEY(w, "Port");
	json_uint(w, k.port);
	json_end(w);
}

void
keys_json(struct json *w, struct keys ks)
{
	json_arr(w);
	for (size_t i = 0; i < ks.n; i++)
		key_json(w, ks.at[i]);
	json_end(w);
}

void
coord_json(struct json *w, const struct coord *c)
{
	json_obj(w);
	QKEY(w, "LogFile");
	json_str(w, c->file);
	QKEY(w, "LogPos");
	json_int(w, c->pos);
	QKEY(w, "Type");
	json_int(w, c->relay ? 1 : 0);
	json_end(w);
}

static void
nullint_json(struct json *w, struct nullint v)
{
	if (!v.valid) {
		RAW(w, "{\"Int64\":0,\"Valid\":false}");
		return;
	}
	json_obj(w);
	QKEY(w, "Int64");
	json_int(w, v.v);
	QKEY(w, "Valid");
	json_bool(w, true);
	json_end(w);
}

static void
nullbool_json(struct json *w, struct nullbool v)
{
	if (!v.valid)
		RAW(w, "{\"Bool\":false,\"Valid\":false}");
	else if (v.v)
		RAW(w, "{\"Bool\":true,\"Valid\":true}");
	else
		RAW(w, "{\"Bool\":false,\"Valid\":true}");
}

static void
strs_json(struct json *w, struct strs ss)
{
	json_arr(w);
	for (size_t i = 0; i < ss.n; i++)
		json_str(w, ss.at[i]);
	json_end(w);
}

/* One code point at *p, which moves on; the byte itself | BAD when invalid. */
enum { BAD = 1 << 24 };

static uint32_t
next_rune(const unsigned char **p)
{
	const unsigned char *s = *p;
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	static const uint32_t min[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t v = n == 1 ? s[0] : s[0] & (0x7fu >> n);

	(*p)++;
	if (n == 1)
		return s[0];
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return s[0] | BAD;
		v = v << 6 | (s[i] & 0x3f);
	}
	if (s[0] < 0xc2 || s[0] > 0xf4 || v < min[n] || v > 0x10ffff ||
	    (v >= 0xd800 && v <= 0xdfff))
		return s[0] | BAD;
	*p = s + n;
	return v;
}

static void
quote_rune(struct buf *b, uint32_t r)
{
	static const char from[] = "\a\b\f\n\r\t\v\\\"";
	static const char to[] = "abfnrtv\\\"";

	for (size_t i = 0; i < sizeof from - 1; i++) {
		if (r == (unsigned char)from[i]) {
			buf_chr(b, '\\');
			buf_chr(b, to[i]);
			return;
		}
	}
	if (r >= 0x20 && r < 0x7f)
		buf_chr(b, (char)r);
	else if (r < 0x80 || r & BAD)
		buf_printf(b, "\\x%02x", (unsigned)(r & 0xff));
	else
		buf_printf(b, r < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)r);
}

/*
 * Errors of replication threads are shown as a quoted ASCII literal, as Go's
 * strconv writes it: clients of v1 take the quotes off.
 */
static void
error_json(struct json *w, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	struct buf b;

	if (text[0] == '\0') {
		json_str(w, "");
		return;
	}
	buf_init(&b);
	buf_chr(&b, '"');
	while (*p != '\0')
		quote_rune(&b, next_rune(&p));
	buf_chr(&b, '"');
	json_strn(w, b.data, b.len);
	buf_fini(&b);
}

static bool
is_error_text(const struct instance_field *f)
{
	return f->offset == offsetof(struct instance, last_sql_error) ||
	    f->offset == offsetof(struct instance, last_io_error);
}

static void
str_json(struct json *w, const struct instance_field *f, const char *s)
{
	if (is_error_text(f))
		error_json(w, s);
	else
		json_str(w, s);
}

static void
member_json(struct json *w, const struct instance_field *f, const void *p)
{
	switch (f->kind) {
	case KIND_STR: str_json(w, f, *(const char *const *)p); break;
	case KIND_UINT: json_uint(w, *(const uint64_t *)p); break;
	case KIND_INT: json_int(w, *(const int64_t *)p); break;
	case KIND_BOOL: json_bool(w, *(const bool *)p); break;
	case KIND_NULLINT: nullint_json(w, *(const struct nullint *)p); break;
	case KIND_NULLBOOL:
		nullbool_json(w, *(const struct nullbool *)p);
		break;
	case KIND_COORD: coord_json(w, p); break;
	case KIND_KEY: key_json(w, *(const struct key *)p); break;
	case KIND_KEYS: keys_json(w, *(const struct keys *)p); break;
	case KIND_STRS: strs_json(w, *(const struct strs *)p); break;
	case KIND_OBJ: RAW(w, "{}"); break;
	}
}

void
instance_json(struct json *w, const struct instance *in)
{
	json_obj(w);
	for (size_t i = 0; i < instance_field_count; i++) {
		const struct instance_field *f = &instance_fields[i];

		if (f->wire[0] == '\0')
			continue;
		json_key_quoted(w, f->quoted, f->quoted_len);
		member_json(w, f, (const char *)in + f->offset);
	}
	json_end(w);
}
