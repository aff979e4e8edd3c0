/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of 64 bits, to tell whether something is as it was: begin with
 * DIGEST_START and feed what counts, in a fixed order.
 *
 * For this process and for what servers say, not against those who look for
 * collisions; the values depend on the machine's byte order.  The constants are
 * those of splitmix64.
 */
#ifndef ORC_BASE_DIGEST_H
#define ORC_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DIGEST_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t
digest_num(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	return h ^ h >> 27;
}

/*
 * Eight bytes at a time; the last ones are filled up with zeros.  The length
 * goes in, so that "a", "b" differs from "ab", "".
 */
static inline uint64_t
digest_bytes(uint64_t h, const void *p, size_t n)
{
	const unsigned char *s = p;
	uint64_t word;

	h = digest_num(h, n);
	for (; n >= sizeof word; n -= sizeof word, s += sizeof word) {
		memcpy(&word, s, sizeof word);
		h = digest_num(h, word);
	}
	word = 0;
	memcpy(&word, s, n);
	return digest_num(h, word);
}

static inline uint64_t
digest_str(uint64_t h, const char *s)
{
	return digest_bytes(h, s, strlen(s));
}

#endif
