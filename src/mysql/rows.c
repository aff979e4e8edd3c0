/* SPDX-License-Identifier: Apache-2.0 */
/* Results as bytes, written and read; see rows.h. */
#include "config.h"

#include "mysql/rows.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "mysql/intern.h"

/* The count of rows is written in full width, so that it can be set later. */
enum { COUNT_TAG = 0xce, COUNT_BYTES = 5 };

static void
set_count(char *p, size_t rows)
{
	assert(rows <= UINT32_MAX);
	p[0] = (char)COUNT_TAG;
	for (int i = 0; i < 4; i++)
		p[1 + i] = (char)(rows >> (24 - 8 * i));
}

size_t
rows_begin_count(struct buf *b)
{
	size_t mark = b->len;

	buf_add(b, "\xce\0\0\0\0", COUNT_BYTES);
	return mark;
}

size_t
rows_begin(struct buf *b, const char *const *columns, size_t n)
{
	assert(n <= ROWS_COLUMNS_MAX);
	pack_array(b, n);
	for (size_t i = 0; i < n; i++)
		pack_cstr(b, columns[i]);
	return rows_begin_count(b);
}

size_t
rows_begin_known(struct buf *b, uint32_t names)
{
	pack_uint(b, names);
	return rows_begin_count(b);
}

void
rows_end(struct buf *b, size_t mark, size_t rows)
{
	assert(mark + COUNT_BYTES <= b->len);
	set_count(b->data + mark, rows);
}

void
rows_put_result(struct buf *b, const char *const *columns, size_t n,
    size_t rows)
{
	rows_end(b, rows_begin(b, columns, n), rows);
}

void
rows_put_ok(struct buf *b)
{
	rows_put_result(b, NULL, 0, 0);
}

/* A string with its length, as msgpack's str 8, 16 or 32, and a NUL. */
void
rows_put_value(struct buf *b, const char *v, size_t len)
{
	size_t n = len + 1, head_len = n <= 0xff ? 2 : n <= 0xffff ? 3 : 5;
	char *to;

	if (v == NULL) {
		pack_nil(b);
		return;
	}
	assert(len < UINT32_MAX);
	to = buf_room(b, head_len + n);
	to[0] = (char)(head_len == 2 ? 0xd9 : head_len == 3 ? 0xda : 0xdb);
	for (size_t i = 1; i < head_len; i++)
		to[i] = (char)(n >> (8 * (head_len - 1 - i)));
	memcpy(to + head_len, v, len);
	to[head_len + len] = to[head_len + n] = '\0';
	b->len += head_len + n;
}

void
rows_init(struct rows *r, struct bin reply)
{
	pcur_init(&r->cur, reply.data, reply.len);
	r->columns = 0;
	r->rows_left = 0;
}

bool
rows_ok(const struct rows *r)
{
	return pcur_ok(&r->cur);
}

/* A value or NULL; the NUL at its end must be there. */
static void
read_value(struct rows *r, size_t i)
{
	struct strv s;

	r->value[i] = NULL;
	r->length[i] = 0;
	if (pcur_is_nil(&r->cur)) {
		pcur_nil(&r->cur);
		return;
	}
	s = pcur_str(&r->cur);
	if (s.len == 0 || s.data[s.len - 1] != '\0') {
		r->cur.bad = true;
		return;
	}
	r->value[i] = s.data;
	r->length[i] = s.len - 1;
}

bool
rows_next(struct rows *r)
{
	if (r->rows_left == 0 || !rows_ok(r))
		return false;
	r->rows_left--;
	for (size_t i = 0; i < r->columns && rows_ok(r); i++)
		read_value(r, i);
	return rows_ok(r);
}

/* Nearly everything here is a string of less than 256 bytes. */
static void
skip_string(struct pcur *c)
{
	const uint8_t *p = c->p;
	size_t left = (size_t)(c->end - p);

	if (left > 0 && p[0] >= 0xa0 && p[0] <= 0xbf &&
	    left > (p[0] & 0x1fu))
		c->p += 1 + (p[0] & 0x1f);
	else if (left > 1 && p[0] == 0xd9 && left - 1 > p[1])
		c->p += 2 + p[1];
	else
		pcur_skip(c);
}

static void
skip_rows(struct rows *r)
{
	for (; r->rows_left > 0 && rows_ok(r); r->rows_left--)
		for (size_t i = 0; i < r->columns && rows_ok(r); i++)
			skip_string(&r->cur);
}

static void
read_name(struct rows *r, struct pcur *c, size_t i)
{
	r->name[i] = pcur_cstr(c);
	r->value[i] = NULL;
	r->length[i] = 0;
	if (r->name[i] == NULL)
		c->bad = true;
}

static void
skip_name(struct rows *r, struct pcur *c, size_t i)
{
	(void)r;
	(void)i;
	skip_string(c);
}

typedef void name_fn(struct rows *r, struct pcur *c, size_t i);

static void
read_names(struct rows *r, struct pcur *c, name_fn *name)
{
	r->columns = pcur_array(c);
	if (r->columns > ROWS_COLUMNS_MAX)
		c->bad = true;
	for (size_t i = 0; i < r->columns && pcur_ok(c); i++)
		name(r, c, i);
}

static bool
is_number(const struct pcur *c)
{
	return c->p < c->end && (*c->p < 0x80 || (*c->p & 0xfc) == 0xcc);
}

/* Those that go by a number. */
static void
read_known_names(struct rows *r, name_fn *name)
{
	uint64_t number = pcur_uint(&r->cur);
	struct bin names = interned(number < UINT32_MAX ? (uint32_t)number : 0);
	struct pcur c;

	pcur_init(&c, names.data, names.len);
	if (names.data != NULL)
		read_names(r, &c, name);
	if (names.data == NULL || !pcur_done(&c))
		r->cur.bad = true;
}

/* To the next result, with its names or without. */
static bool
next_head(struct rows *r, name_fn *name)
{
	uint64_t rows;

	skip_rows(r);
	if (!rows_ok(r) || pcur_done(&r->cur))
		return false;
	if (is_number(&r->cur))
		read_known_names(r, name);
	else
		read_names(r, &r->cur, name);
	rows = pcur_uint(&r->cur);
	/* Each value takes a byte at least; a row without columns is none. */
	if (rows > (size_t)(r->cur.end - r->cur.p) ||
	    (r->columns == 0 && rows > 0))
		r->cur.bad = true;
	r->rows_left = rows_ok(r) ? (size_t)rows : 0;
	return rows_ok(r);
}

bool
rows_next_result(struct rows *r)
{
	return next_head(r, read_name);
}

static size_t
find_column(const struct rows *r, const char *column)
{
	size_t i = 0;

	while (i < r->columns && strcasecmp(r->name[i], column) != 0)
		i++;
	return i;
}

bool
rows_has(const struct rows *r, const char *column)
{
	return find_column(r, column) < r->columns;
}

const char *
rows_get(const struct rows *r, const char *column)
{
	size_t i = find_column(r, column);

	return i < r->columns ? r->value[i] : NULL;
}

size_t
rows_results(struct bin reply)
{
	struct rows r;
	size_t n = 0;

	rows_init(&r, reply);
	while (rows_next_result(&r))
		n++;
	return rows_ok(&r) ? n : 0;
}

/* The end of the piece from p on that counts; *skip_to where the next begins. */
static const uint8_t *
next_piece(struct rows *r, const uint8_t **skip_to)
{
	const uint8_t *value;

	for (;;) {
		while (r->rows_left > 0 && r->columns == 2) {
			struct strv name = pcur_is_nil(&r->cur) ?
			    (pcur_nil(&r->cur), (struct strv){ "", 0 }) :
			    pcur_str(&r->cur);

			value = r->cur.p;
			pcur_skip(&r->cur);
			r->rows_left--;
			*skip_to = r->cur.p;
			if (!rows_ok(r))
				return NULL;
			if (name.len == sizeof "Uptime" &&
			    memcmp(name.data, "Uptime", sizeof "Uptime") == 0)
				return value;
		}
		if (!next_head(r, skip_name))
			return NULL;
	}
}

uint64_t
rows_digest(struct bin reply)
{
	const uint8_t *p = reply.data, *to, *skip;
	struct rows r;
	uint64_t h = 0;

	if (reply.len == 0)
		return digest_num(h, 0);
	rows_init(&r, reply);
	while ((to = next_piece(&r, &skip)) != NULL) {
		h = digest_bytes(h, p, (size_t)(to - p));
		p = skip;
	}
	return digest_bytes(h, p, (size_t)(reply.data + reply.len - p));
}
