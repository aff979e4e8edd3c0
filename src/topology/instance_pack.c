/* SPDX-License-Identifier: Apache-2.0 */
/* The msgpack form of a server's facts; instance.h has the contract. */
#include "config.h"

#include "topology/instance.h"

#include <assert.h>

static void
pack_nullint(struct buf *b, struct nullint v)
{
	if (v.valid)
		pack_int(b, v.v);
	else
		pack_nil(b);
}

static void
pack_nullbool(struct buf *b, struct nullbool v)
{
	if (v.valid)
		pack_bool(b, v.v);
	else
		pack_nil(b);
}

static void
pack_coord(struct buf *b, const struct coord *c)
{
	pack_array(b, 3);
	pack_cstr(b, c->file);
	pack_int(b, c->pos);
	pack_bool(b, c->relay);
}

static void
pack_key(struct buf *b, struct key k)
{
	pack_array(b, 2);
	pack_cstr(b, k.host);
	pack_uint(b, k.port);
}

static void
pack_keys(struct buf *b, struct keys ks)
{
	pack_array(b, ks.n);
	for (size_t i = 0; i < ks.n; i++)
		pack_key(b, ks.at[i]);
}

static void
pack_strs(struct buf *b, struct strs ss)
{
	pack_array(b, ss.n);
	for (size_t i = 0; i < ss.n; i++)
		pack_cstr(b, ss.at[i]);
}

static void
pack_member(struct buf *b, const void *p, enum field_kind kind)
{
	switch (kind) {
	case KIND_STR: pack_cstr(b, *(const char *const *)p); break;
	case KIND_UINT: pack_uint(b, *(const uint64_t *)p); break;
	case KIND_INT: pack_int(b, *(const int64_t *)p); break;
	case KIND_BOOL: pack_bool(b, *(const bool *)p); break;
	case KIND_NULLINT: pack_nullint(b, *(const struct nullint *)p); break;
	case KIND_NULLBOOL:
		pack_nullbool(b, *(const struct nullbool *)p);
		break;
	case KIND_COORD: pack_coord(b, p); break;
	case KIND_KEY: pack_key(b, *(const struct key *)p); break;
	case KIND_KEYS: pack_keys(b, *(const struct keys *)p); break;
	case KIND_STRS: pack_strs(b, *(const struct strs *)p); break;
	case KIND_OBJ: assert(kind != KIND_OBJ);
	}
}

static size_t
packed_count(void)
{
	size_t n = 0;

	for (size_t i = 0; i < instance_field_count; i++)
		n += instance_field_packed(&instance_fields[i]);
	return n;
}

void
instance_pack(struct buf *b, const struct instance *in)
{
	pack_array(b, packed_count());
	for (size_t i = 0; i < instance_field_count; i++) {
		const struct instance_field *f = &instance_fields[i];

		if (instance_field_packed(f))
			pack_member(b, (const char *)in + f->offset, f->kind);
	}
}

static const char *
unpack_str(struct pcur *c)
{
	const char *s = pcur_cstr(c);

	return s != NULL ? s : "";
}

static struct nullint
unpack_nullint(struct pcur *c)
{
	if (pcur_is_nil(c)) {
		pcur_nil(c);
		return (struct nullint){ 0, false };
	}
	return (struct nullint){ pcur_int(c), true };
}

static struct nullbool
unpack_nullbool(struct pcur *c)
{
	if (pcur_is_nil(c)) {
		pcur_nil(c);
		return (struct nullbool){ false, false };
	}
	return (struct nullbool){ pcur_bool(c), true };
}

/* The head of a tuple: a wrong count is malformed. */
static void
unpack_tuple(struct pcur *c, size_t n)
{
	if (pcur_array(c) != n)
		c->bad = true;
}

static struct coord
unpack_coord(struct pcur *c)
{
	struct coord v;

	unpack_tuple(c, 3);
	v.file = unpack_str(c);
	v.pos = pcur_int(c);
	v.relay = pcur_bool(c);
	return v;
}

static struct key
unpack_key(struct pcur *c)
{
	struct key k;
	uint64_t port;

	unpack_tuple(c, 2);
	k.host = unpack_str(c);
	port = pcur_uint(c);
	if (port > UINT32_MAX)
		c->bad = true;
	k.port = (uint32_t)port;
	return k;
}

/*
 * A list's count is checked against the bytes that its elements need at least,
 * so memory stays in proportion to what was received.
 */
static size_t
unpack_count(struct pcur *c, size_t element_min)
{
	size_t n = pcur_array(c);

	if (n > (size_t)(c->end - c->p) / element_min)
		c->bad = true;
	return c->bad ? 0 : n;
}

static struct keys
unpack_keys(struct pcur *c, struct arena *a)
{
	size_t n = unpack_count(c, 3); /* array, host, port */
	struct key *at = arena_alloc(a, n * sizeof *at);

	for (size_t i = 0; i < n; i++)
		at[i] = unpack_key(c);
	return (struct keys){ at, n };
}

static struct strs
unpack_strs(struct pcur *c, struct arena *a)
{
	size_t n = unpack_count(c, 1);
	const char **at = arena_alloc(a, n * sizeof *at);

	for (size_t i = 0; i < n; i++)
		at[i] = unpack_str(c);
	return (struct strs){ at, n };
}

static void
unpack_member(struct pcur *c, void *p, enum field_kind kind, struct arena *a)
{
	switch (kind) {
	case KIND_STR: *(const char **)p = unpack_str(c); break;
	case KIND_UINT: *(uint64_t *)p = pcur_uint(c); break;
	case KIND_INT: *(int64_t *)p = pcur_int(c); break;
	case KIND_BOOL: *(bool *)p = pcur_bool(c); break;
	case KIND_NULLINT: *(struct nullint *)p = unpack_nullint(c); break;
	case KIND_NULLBOOL: *(struct nullbool *)p = unpack_nullbool(c); break;
	case KIND_COORD: *(struct coord *)p = unpack_coord(c); break;
	case KIND_KEY: *(struct key *)p = unpack_key(c); break;
	case KIND_KEYS: *(struct keys *)p = unpack_keys(c, a); break;
	case KIND_STRS: *(struct strs *)p = unpack_strs(c, a); break;
	case KIND_OBJ: assert(kind != KIND_OBJ);
	}
}

bool
instance_unpack(struct pcur *c, struct instance *in, struct arena *a)
{
	size_t left = pcur_array(c);

	instance_init(in);
	for (size_t i = 0; i < instance_field_count && left > 0; i++) {
		const struct instance_field *f = &instance_fields[i];

		if (!instance_field_packed(f))
			continue;
		unpack_member(c, (char *)in + f->offset, f->kind, a);
		left--;
	}
	for (; left > 0 && pcur_ok(c); left--)
		pcur_skip(c);
	return pcur_ok(c);
}
