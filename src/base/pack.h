/* SPDX-License-Identifier: Apache-2.0 */
/*
 * msgpack, both ways.  Writing is msgpack-c's packer over a struct buf.
 * Reading is our own cursor: it checks every count against the bytes left,
 * never allocates, and its strings point into the bytes read.  (msgpack-c's
 * unpacker allocates whatever a hostile length announces.)
 */
#ifndef ORC_BASE_PACK_H
#define ORC_BASE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Bytes that someone else owns. */
struct bin {
	const uint8_t *data;
	size_t len;
};

/* A string that someone else owns; not NUL-terminated in general. */
struct strv {
	const char *data;
	size_t len;
};

void pack_nil(struct buf *b);
void pack_bool(struct buf *b, bool v);
void pack_int(struct buf *b, int64_t v);
void pack_uint(struct buf *b, uint64_t v);
void pack_double(struct buf *b, double v);
void pack_bin(struct buf *b, const void *p, size_t n);
void pack_strn(struct buf *b, const char *s, size_t n);
void pack_array(struct buf *b, size_t n);
/*
 * NULL is packed as nil.  The terminating NUL goes along inside the string, so
 * that a reader may point at it as a C string: see pcur_cstr().
 */
void pack_cstr(struct buf *b, const char *s);

/*
 * A cursor.  The first mistake sets bad; after that every read gives 0, false
 * or an empty value and the cursor stays: check once at the end with pcur_ok().
 */
struct pcur {
	const uint8_t *p;
	const uint8_t *end;
	bool bad;
	int depth;
};

void pcur_init(struct pcur *c, const void *p, size_t n);
bool pcur_ok(const struct pcur *c);
/* Nothing left to read and nothing went wrong. */
bool pcur_done(const struct pcur *c);
bool pcur_is_nil(const struct pcur *c); /* looks, does not move */
void pcur_nil(struct pcur *c);
bool pcur_bool(struct pcur *c);
int64_t pcur_int(struct pcur *c);   /* bad when it does not fit */
uint64_t pcur_uint(struct pcur *c); /* bad when negative */
double pcur_double(struct pcur *c);
struct bin pcur_bin(struct pcur *c);
struct strv pcur_str(struct pcur *c);
/* What pack_cstr() wrote: NULL for nil; bad when the NUL is missing. */
const char *pcur_cstr(struct pcur *c);
/* Count of elements; bad when more than the bytes left could hold. */
size_t pcur_array(struct pcur *c);
/* Step over one value of any kind, nested ones included (depth <= 32). */
void pcur_skip(struct pcur *c);

#endif
