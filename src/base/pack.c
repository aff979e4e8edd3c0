/* SPDX-License-Identifier: Apache-2.0 */
/* msgpack, both ways; see pack.h. */
#include "config.h"

#include "base/pack.h"

#include <assert.h>
#include <msgpack.h>
#include <string.h>

static int
write_to_buf(void *data, const char *p, size_t n)
{
	buf_add(data, p, n);
	return 0;
}

static msgpack_packer
packer(struct buf *b)
{
	return (msgpack_packer){ .data = b, .callback = write_to_buf };
}

void
pack_nil(struct buf *b)
{
	msgpack_packer pk = packer(b);

	msgpack_pack_nil(&pk);
}

void
pack_bool(struct buf *b, bool v)
{
	msgpack_packer pk = packer(b);

	if (v)
		msgpack_pack_true(&pk);
	else
		msgpack_pack_false(&pk);
}

void
pack_int(struct buf *b, int64_t v)
{
	msgpack_packer pk = packer(b);

	msgpack_pack_int64(&pk, v);
}

void
pack_uint(struct buf *b, uint64_t v)
{
	msgpack_packer pk = packer(b);

	msgpack_pack_uint64(&pk, v);
}

void
pack_double(struct buf *b, double v)
{
	msgpack_packer pk = packer(b);

	msgpack_pack_double(&pk, v);
}

void
pack_bin(struct buf *b, const void *p, size_t n)
{
	msgpack_packer pk = packer(b);

	msgpack_pack_bin(&pk, n);
	if (n > 0)
		msgpack_pack_bin_body(&pk, p, n);
}

/* Most strings are short: the same bytes, with less ado. */
static void
pack_short(struct buf *b, const char *s, size_t n)
{
	char *to = buf_room(b, n + 2);
	size_t head = n < 32 ? 1 : 2;

	to[0] = (char)(n < 32 ? 0xa0 | n : 0xd9);
	if (head == 2)
		to[1] = (char)n;
	memcpy(to + head, s, n);
	to[head + n] = '\0';
	b->len += head + n;
}

void
pack_strn(struct buf *b, const char *s, size_t n)
{
	msgpack_packer pk = packer(b);

	if (n > 0 && n < 256) {
		pack_short(b, s, n);
		return;
	}
	msgpack_pack_str(&pk, n);
	if (n > 0)
		msgpack_pack_str_body(&pk, s, n);
}

void
pack_array(struct buf *b, size_t n)
{
	msgpack_packer pk = packer(b);

	msgpack_pack_array(&pk, n);
}

void
pack_cstr(struct buf *b, const char *s)
{
	if (s == NULL)
		pack_nil(b);
	else
		pack_strn(b, s, strlen(s) + 1);
}

void
pcur_init(struct pcur *c, const void *p, size_t n)
{
	c->p = p;
	c->end = n > 0 ? c->p + n : c->p; /* p may be NULL */
	c->bad = false;
	c->depth = 0;
}

bool
pcur_ok(const struct pcur *c)
{
	return !c->bad;
}

bool
pcur_done(const struct pcur *c)
{
	return !c->bad && c->p == c->end;
}

static size_t
left(const struct pcur *c)
{
	return (size_t)(c->end - c->p);
}

/* The next n bytes, or NULL and bad. */
static const uint8_t *
take(struct pcur *c, size_t n)
{
	const uint8_t *p = c->p;

	if (c->bad || left(c) < n) {
		c->bad = true;
		return NULL;
	}
	c->p += n;
	return p;
}

/* A big-endian unsigned of n bytes. */
static uint64_t
take_be(struct pcur *c, size_t n)
{
	const uint8_t *p = take(c, n);
	uint64_t v = 0;

	for (size_t i = 0; p != NULL && i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static uint8_t
take_tag(struct pcur *c)
{
	const uint8_t *p = take(c, 1);

	/* 0xc1 is never used by msgpack: nothing matches it. */
	return p != NULL ? *p : 0xc1;
}

bool
pcur_is_nil(const struct pcur *c)
{
	return !c->bad && c->p < c->end && *c->p == 0xc0;
}

void
pcur_nil(struct pcur *c)
{
	if (take_tag(c) != 0xc0)
		c->bad = true;
}

bool
pcur_bool(struct pcur *c)
{
	uint8_t tag = take_tag(c);

	if (tag != 0xc2 && tag != 0xc3)
		c->bad = true;
	return tag == 0xc3;
}

/* A signed big-endian number of n bytes, sign extended. */
static int64_t
take_signed(struct pcur *c, size_t n)
{
	uint64_t v = take_be(c, n);
	unsigned shift = (unsigned)(64 - 8 * n);

	return (int64_t)(v << shift) >> shift;
}

/* Reads an integer; *negative says how to see the bits. */
static uint64_t
take_integer(struct pcur *c, bool *negative)
{
	uint8_t tag = take_tag(c);
	int64_t s;

	*negative = false;
	if (tag <= 0x7f)
		return tag;
	if (tag >= 0xcc && tag <= 0xcf)
		return take_be(c, (size_t)1 << (tag - 0xcc));
	if (tag >= 0xe0)
		s = (int8_t)tag;
	else if (tag >= 0xd0 && tag <= 0xd3)
		s = take_signed(c, (size_t)1 << (tag - 0xd0));
	else {
		c->bad = true;
		return 0;
	}
	*negative = s < 0;
	return (uint64_t)s;
}

int64_t
pcur_int(struct pcur *c)
{
	bool negative;
	uint64_t v = take_integer(c, &negative);

	if (!negative && v > INT64_MAX)
		c->bad = true;
	return c->bad ? 0 : (int64_t)v;
}

uint64_t
pcur_uint(struct pcur *c)
{
	bool negative;
	uint64_t v = take_integer(c, &negative);

	if (negative)
		c->bad = true;
	return c->bad ? 0 : v;
}

double
pcur_double(struct pcur *c)
{
	uint64_t bits;
	double v = 0;

	if (take_tag(c) != 0xcb)
		c->bad = true;
	bits = take_be(c, 8);
	if (!c->bad)
		memcpy(&v, &bits, sizeof v);
	return v;
}

struct bin
pcur_bin(struct pcur *c)
{
	uint8_t tag = take_tag(c);
	size_t n = 0;
	const uint8_t *p;

	if (tag >= 0xc4 && tag <= 0xc6)
		n = (size_t)take_be(c, (size_t)1 << (tag - 0xc4));
	else
		c->bad = true;
	p = take(c, n);
	return p != NULL ? (struct bin){ p, n } : (struct bin){ NULL, 0 };
}

struct strv
pcur_str(struct pcur *c)
{
	uint8_t tag = take_tag(c);
	size_t n = 0;
	const uint8_t *p;

	if (tag >= 0xa0 && tag <= 0xbf)
		n = tag & 0x1f;
	else if (tag >= 0xd9 && tag <= 0xdb)
		n = (size_t)take_be(c, (size_t)1 << (tag - 0xd9));
	else
		c->bad = true;
	p = take(c, n);
	return p != NULL ? (struct strv){ (const char *)p, n } :
			   (struct strv){ "", 0 };
}

const char *
pcur_cstr(struct pcur *c)
{
	struct strv s;

	if (pcur_is_nil(c)) {
		pcur_nil(c);
		return NULL;
	}
	s = pcur_str(c);
	if (c->bad || s.len == 0 || memchr(s.data, 0, s.len) !=
	    s.data + s.len - 1) {
		c->bad = true;
		return NULL;
	}
	return s.data;
}

size_t
pcur_array(struct pcur *c)
{
	uint8_t tag = take_tag(c);
	size_t n = 0;

	if (tag >= 0x90 && tag <= 0x9f)
		n = tag & 0x0f;
	else if (tag == 0xdc)
		n = (size_t)take_be(c, 2);
	else if (tag == 0xdd)
		n = (size_t)take_be(c, 4);
	else
		c->bad = true;
	/* Each element takes a byte at least. */
	if (n > left(c))
		c->bad = true;
	return c->bad ? 0 : n;
}

static size_t
fixed_size(uint8_t tag)
{
	if (tag <= 0x7f || tag >= 0xe0 || tag == 0xc0 || tag == 0xc2 ||
	    tag == 0xc3)
		return 0;
	if (tag >= 0xcc && tag <= 0xcf)
		return (size_t)1 << (tag - 0xcc);
	if (tag >= 0xd0 && tag <= 0xd3)
		return (size_t)1 << (tag - 0xd0);
	if (tag >= 0xd4 && tag <= 0xd8)
		return 1 + ((size_t)1 << (tag - 0xd4));
	if (tag == 0xca)
		return 4;
	if (tag == 0xcb)
		return 8;
	return SIZE_MAX;
}

static void
skip_many(struct pcur *c, size_t n)
{
	if (++c->depth > 32)
		c->bad = true;
	for (size_t i = 0; i < n && !c->bad; i++)
		pcur_skip(c);
	c->depth--;
}

void
pcur_skip(struct pcur *c)
{
	uint8_t tag = take_tag(c);
	size_t n = fixed_size(tag);

	if (c->bad)
		return;
	if (n != SIZE_MAX) {
		take(c, n);
	} else if (tag >= 0xa0 && tag <= 0xbf) {
		take(c, tag & 0x1f);
	} else if (tag >= 0xd9 && tag <= 0xdb) {
		take(c, (size_t)take_be(c, (size_t)1 << (tag - 0xd9)));
	} else if (tag >= 0xc4 && tag <= 0xc6) {
		take(c, (size_t)take_be(c, (size_t)1 << (tag - 0xc4)));
	} else if (tag >= 0xc7 && tag <= 0xc9) {
		take(c, (size_t)take_be(c, (size_t)1 << (tag - 0xc7)) + 1);
	} else if ((tag >= 0x90 && tag <= 0x9f) || tag == 0xdc ||
	    tag == 0xdd) {
		c->p--;
		skip_many(c, pcur_array(c));
	} else if (tag >= 0x80 && tag <= 0x8f) {
		skip_many(c, 2 * (size_t)(tag & 0x0f));
	} else if (tag == 0xde || tag == 0xdf) {
		skip_many(c, 2 * (size_t)take_be(c, tag == 0xde ? 2 : 4));
	} else {
		c->bad = true;
	}
}
