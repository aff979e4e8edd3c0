/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes under the msgpack cursor, with msgpack-c's unpacker as the oracle:
 * what one can read the other can, to the same end and with the same values.
 *
 * The unpacker reserves what a count announces.  After the cursor accepted
 * that is bounded by the input; otherwise it is asked only when no count in
 * the input can be large.
 */
#include "config.h"

#include <assert.h>
#include <msgpack.h>
#include <string.h>

#include "base/pack.h"
#include "fuzz/fuzz.h"

enum { COUNT_MAX = 1024 }; /* elements that the unpacker may reserve at once */

static void
same_bytes(const void *a, size_t n, const void *b, size_t m)
{
	assert(n == m);
	assert(n == 0 || memcmp(a, b, n) == 0);
}

static void
same_str(struct pcur *c, const msgpack_object *o)
{
	struct strv s = pcur_str(c);

	same_bytes(s.data, s.len, o->via.str.ptr, o->via.str.size);
}

static void
same_bin(struct pcur *c, const msgpack_object *o)
{
	struct bin b = pcur_bin(c);

	same_bytes(b.data, b.len, o->via.bin.ptr, o->via.bin.size);
}

static void
same_double(struct pcur *c, const msgpack_object *o)
{
	double v = pcur_double(c);

	assert(memcmp(&v, &o->via.f64, sizeof v) == 0);
}

/* Read one value with the cursor as what the unpacker says it is. */
static void
same(struct pcur *c, const msgpack_object *o)
{
	size_t n;

	switch (o->type) {
	case MSGPACK_OBJECT_NIL:
		assert(pcur_is_nil(c));
		pcur_nil(c);
		break;
	case MSGPACK_OBJECT_BOOLEAN: assert(pcur_bool(c) == o->via.boolean);
		break;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		assert(pcur_uint(c) == o->via.u64);
		break;
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		assert(pcur_int(c) == o->via.i64);
		break;
	case MSGPACK_OBJECT_FLOAT64: same_double(c, o); break;
	case MSGPACK_OBJECT_STR: same_str(c, o); break;
	case MSGPACK_OBJECT_BIN: same_bin(c, o); break;
	case MSGPACK_OBJECT_ARRAY:
		n = pcur_array(c);
		assert(n == o->via.array.size);
		for (size_t i = 0; i < n; i++)
			same(c, &o->via.array.ptr[i]);
		break;
	default: pcur_skip(c); /* maps, extensions, floats of 32 bits */
	}
	assert(pcur_ok(c));
}

/* Could bytes of the input, wherever they stand, announce a large count? */
static bool
may_be_large(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t width = p[i] == 0xdc || p[i] == 0xde ? 2 :
		    p[i] == 0xdd || p[i] == 0xdf	    ? 4 :
							      0;
		uint64_t count = 0;

		if (width == 0 || n - i <= width)
			continue;
		for (size_t j = 1; j <= width; j++)
			count = count << 8 | p[i + j];
		if (count > COUNT_MAX)
			return true;
	}
	return false;
}

static void
compare(const uint8_t *data, size_t n)
{
	struct pcur skip, read;
	msgpack_unpacked u;
	size_t off = 0;
	bool accepted;

	pcur_init(&skip, data, n);
	pcur_skip(&skip);
	if (!pcur_ok(&skip) && may_be_large(data, n))
		return;
	msgpack_unpacked_init(&u);
	accepted = msgpack_unpack_next(&u, (const char *)data, n, &off) ==
	    MSGPACK_UNPACK_SUCCESS;
	assert(accepted == pcur_ok(&skip));
	if (accepted) {
		assert(skip.p == data + off);
		pcur_init(&read, data, n);
		same(&read, &u.data);
		assert(read.p == skip.p);
	}
	msgpack_unpacked_destroy(&u);
}

/* Each reader, on whatever stands there: it stays inside, errors give 0. */
static void
read_blindly(const uint8_t *data, size_t n)
{
	struct pcur c;

	for (unsigned kind = 0; kind < 9; kind++) {
		uint64_t v = 0;

		pcur_init(&c, data, n);
		while (pcur_ok(&c) && !pcur_done(&c)) {
			switch (kind) {
			case 0: pcur_nil(&c); break;
			case 1: v = pcur_bool(&c); break;
			case 2: v = (uint64_t)pcur_int(&c); break;
			case 3: v = pcur_uint(&c); break;
			case 4: v = pcur_double(&c) != 0; break;
			case 5: v = pcur_bin(&c).len; break;
			case 6: v = pcur_str(&c).len; break;
			case 7: v = pcur_cstr(&c) != NULL; break;
			case 8: v = pcur_array(&c); break;
			}
			assert(c.p <= c.end);
		}
		assert(pcur_ok(&c) || v == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	compare(data, n);
	read_blindly(data, n);
	return 0;
}
