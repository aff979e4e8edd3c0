/* SPDX-License-Identifier: Apache-2.0 */
/* Chance: splitmix64, one state per thread, or one for a whole simulation. */
#ifndef ORC_RUNTIME_RNG_H
#define ORC_RUNTIME_RNG_H

#include <assert.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline uint64_t
rng_next(struct rng *r)
{
	uint64_t x = r->state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* 0 <= x < n without bias: draws below the last whole multiple of n. */
static inline uint64_t
rng_below(struct rng *r, uint64_t n)
{
	uint64_t x, skip;

	assert(n > 0);
	skip = -n % n;
	do
		x = rng_next(r);
	while (x < skip);
	return x % n;
}

#endif
