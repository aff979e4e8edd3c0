/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and commands as their columns: compared, copied, checked, packed. */
#include "config.h"

#include "topology/control_table.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static const char *
text_at(const void *p)
{
	const char *s = *(const char *const *)p;

	return s != NULL ? s : "";
}

static struct key
key_at(const void *p)
{
	struct key k = *(const struct key *)p;

	return k.host != NULL ? k : KEY_NONE;
}

void
row_init(const struct control_schema *s, void *row)
{
	memset(row, 0, s->size);
	for (unsigned i = 0; i < s->n; i++) {
		void *p = (char *)row + s->columns[i].offset;

		switch (s->columns[i].kind) {
		case COLUMN_STR:
		case COLUMN_TEXT: *(const char **)p = ""; break;
		case COLUMN_KEY: *(struct key *)p = KEY_NONE; break;
		case COLUMN_RULE: *(enum promotion_rule *)p = RULE_NEUTRAL;
			break;
		default: break;
		}
	}
}

static int
cmp_int(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int
column_cmp(enum control_column_kind kind, const void *a, const void *b)
{
	switch (kind) {
	case COLUMN_STR:
	case COLUMN_TEXT: return strcmp(text_at(a), text_at(b));
	case COLUMN_KEY: return key_cmp(key_at(a), key_at(b));
	case COLUMN_U64:
		return (*(const uint64_t *)a > *(const uint64_t *)b) -
		    (*(const uint64_t *)a < *(const uint64_t *)b);
	case COLUMN_BOOL: return *(const bool *)a - *(const bool *)b;
	case COLUMN_TIME:
		return cmp_int(((const wall_t *)a)->us,
		    ((const wall_t *)b)->us);
	case COLUMN_RULE:
		return cmp_int(*(const enum promotion_rule *)a,
		    *(const enum promotion_rule *)b);
	default: break;
	}
	assert(!"a column of a table");
	return 0;
}

int
row_cmp(const struct control_schema *s, const void *a, const void *b,
    unsigned columns)
{
	int c = 0;

	for (unsigned i = 0; i < columns && c == 0; i++)
		c = column_cmp(s->columns[i].kind,
		    (const char *)a + s->columns[i].offset,
		    (const char *)b + s->columns[i].offset);
	return c;
}

bool
row_equal(const struct control_schema *s, const void *a, const void *b)
{
	return a == b || row_cmp(s, a, b, s->n) == 0;
}

void *
row_copy(const struct control_schema *s, const void *row, struct arena *a)
{
	void *to = arena_alloc(a, s->size);

	memcpy(to, row, s->size);
	for (unsigned i = 0; i < s->n; i++) {
		void *p = (char *)to + s->columns[i].offset;

		switch (s->columns[i].kind) {
		case COLUMN_STR:
		case COLUMN_TEXT:
			*(const char **)p = arena_strdup(a, text_at(p));
			break;
		case COLUMN_KEY:
			*(struct key *)p = key_dup(key_at(p), a);
			break;
		default: break;
		}
	}
	return to;
}

static enum err_code
check_text(const char *name, const char *text, size_t max, struct err *err)
{
	if (strlen(text) <= max)
		return ERR_NONE;
	return err_set(err, ERR_INVALID, "%s is longer than %zu bytes", name,
	    max);
}

static enum err_code
check_key(struct key k, struct err *err)
{
	if (key_valid(k) && strlen(k.host) <= KEY_HOST_MAX)
		return ERR_NONE;
	return err_set(err, ERR_INVALID,
	    "\"%.64s:%" PRIu32 "\" does not name a server", k.host, k.port);
}

static enum err_code
check_rule(enum promotion_rule rule, struct err *err)
{
	if (rule > RULE_MUST && rule < RULE_COUNT)
		return ERR_NONE;
	return err_set(err, ERR_INVALID, "promotion rule %s",
	    rule == RULE_MUST ? "\"must\" is not supported yet" : "is unknown");
}

enum err_code
row_check_times(const struct control_schema *s, const void *row,
    struct err *err)
{
	for (unsigned i = 0; i < s->n; i++) {
		const struct control_column *c = &s->columns[i];
		const void *p = (const char *)row + c->offset;

		if (c->kind == COLUMN_TIME &&
		    (((const wall_t *)p)->us < 0 ||
			((const wall_t *)p)->us > INT64_MAX / 2))
			return err_set(err, ERR_INVALID, "%s is out of range",
			    c->name);
		if (c->kind == COLUMN_DUR &&
		    ((const dur_t *)p)->us > CONTROL_SPAN_MAX.us)
			return err_set(err, ERR_INVALID,
			    "%s is longer than a hundred years", c->name);
	}
	return ERR_NONE;
}

enum err_code
row_check(const struct control_schema *s, const void *row, struct err *err)
{
	enum err_code code = row_check_times(s, row, err);

	for (unsigned i = 0; i < s->n && code == ERR_NONE; i++) {
		const struct control_column *c = &s->columns[i];
		const void *p = (const char *)row + c->offset;

		if (c->kind == COLUMN_STR)
			code = check_text(c->name, text_at(p), CONTROL_NAME_MAX,
			    err);
		else if (c->kind == COLUMN_TEXT)
			code = check_text(c->name, text_at(p), CONTROL_TEXT_MAX,
			    err);
		else if (c->kind == COLUMN_KEY)
			code = check_key(key_at(p), err);
		else if (c->kind == COLUMN_RULE)
			code = check_rule(*(const enum promotion_rule *)p, err);
		if (code == ERR_NONE && i == 0 && c->kind == COLUMN_STR &&
		    text_at(p)[0] == '\0')
			code = err_set(err, ERR_INVALID, "%s %s is empty",
			    s->name, c->name);
	}
	return code;
}

static void
key_pack(struct buf *b, struct key k)
{
	pack_array(b, 2);
	pack_cstr(b, k.host);
	pack_uint(b, k.port);
}

static void
column_pack(struct buf *b, enum control_column_kind kind, const void *p)
{
	const struct keys *ks;

	switch (kind) {
	case COLUMN_STR:
	case COLUMN_TEXT: pack_cstr(b, text_at(p)); break;
	case COLUMN_U64: pack_uint(b, *(const uint64_t *)p); break;
	case COLUMN_BOOL: pack_bool(b, *(const bool *)p); break;
	case COLUMN_TIME: pack_int(b, ((const wall_t *)p)->us); break;
	case COLUMN_DUR: pack_int(b, ((const dur_t *)p)->us); break;
	case COLUMN_KEY: key_pack(b, key_at(p)); break;
	case COLUMN_RULE:
		pack_uint(b, (uint64_t)*(const enum promotion_rule *)p);
		break;
	case COLUMN_KEYS:
		ks = p;
		pack_array(b, ks->n);
		for (size_t i = 0; i < ks->n; i++)
			key_pack(b, ks->at[i]);
		break;
	}
}

void
row_pack(struct buf *b, const struct control_schema *s, const void *row)
{
	for (unsigned i = 0; i < s->n; i++)
		column_pack(b, s->columns[i].kind,
		    (const char *)row + s->columns[i].offset);
}

static const char *
text_unpack(struct pcur *c)
{
	const char *s = pcur_cstr(c);

	return s != NULL ? s : "";
}

static struct key
key_unpack(struct pcur *c)
{
	struct key k = KEY_NONE;

	if (pcur_array(c) != 2) {
		c->bad = true;
		return k;
	}
	k.host = text_unpack(c);
	k.port = (uint32_t)pcur_uint(c);
	return k;
}

static struct keys
keys_unpack(struct pcur *c, struct arena *a)
{
	size_t n = pcur_array(c);
	struct key *at;

	if (n > CONTROL_POOL_MAX)
		c->bad = true;
	if (!pcur_ok(c))
		return (struct keys){ NULL, 0 };
	at = arena_alloc(a, n * sizeof *at);
	for (size_t i = 0; i < n; i++)
		at[i] = key_unpack(c);
	return (struct keys){ at, n };
}

static void
column_unpack(struct pcur *c, enum control_column_kind kind, void *p,
    struct arena *a)
{
	uint64_t v;

	switch (kind) {
	case COLUMN_STR:
	case COLUMN_TEXT: *(const char **)p = text_unpack(c); break;
	case COLUMN_U64: *(uint64_t *)p = pcur_uint(c); break;
	case COLUMN_BOOL: *(bool *)p = pcur_bool(c); break;
	case COLUMN_TIME: ((wall_t *)p)->us = pcur_int(c); break;
	case COLUMN_DUR: ((dur_t *)p)->us = pcur_int(c); break;
	case COLUMN_KEY: *(struct key *)p = key_unpack(c); break;
	case COLUMN_KEYS: *(struct keys *)p = keys_unpack(c, a); break;
	case COLUMN_RULE:
		v = pcur_uint(c);
		*(enum promotion_rule *)p =
		    v < RULE_COUNT ? (enum promotion_rule)v : RULE_COUNT;
		break;
	}
}

void
row_unpack(struct pcur *c, const struct control_schema *s, size_t count,
    void *row, struct arena *a)
{
	for (size_t i = 0; i < count && pcur_ok(c); i++) {
		if (i < s->n)
			column_unpack(c, s->columns[i].kind,
			    (char *)row + s->columns[i].offset, a);
		else
			pcur_skip(c);
	}
}

static void
keys_print(struct buf *b, struct keys ks)
{
	char text[KEY_TEXT_MAX];

	for (size_t i = 0; i < ks.n; i++)
		buf_printf(b, "%s%s", i > 0 ? " " : "",
		    key_text(ks.at[i], text));
}

void
column_print(struct buf *b, enum control_column_kind kind, const void *p)
{
	char text[KEY_TEXT_MAX];
	char time[WALL_TEXT_MAX];

	switch (kind) {
	case COLUMN_STR:
	case COLUMN_TEXT: buf_str(b, text_at(p)); break;
	case COLUMN_U64:
		buf_printf(b, "%" PRIu64, *(const uint64_t *)p);
		break;
	case COLUMN_BOOL: buf_str(b, *(const bool *)p ? "true" : "false"); break;
	case COLUMN_TIME:
		buf_str(b, wall_text(*(const wall_t *)p, time));
		break;
	case COLUMN_DUR:
		buf_printf(b, "%" PRId64 "s",
		    ((const dur_t *)p)->us / 1000000);
		break;
	case COLUMN_KEY: buf_str(b, key_text(key_at(p), text)); break;
	case COLUMN_KEYS: keys_print(b, *(const struct keys *)p); break;
	case COLUMN_RULE:
		if (*(const enum promotion_rule *)p < RULE_COUNT)
			buf_str(b, promotion_rule_name(
			    *(const enum promotion_rule *)p));
		break;
	}
}
