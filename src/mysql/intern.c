/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes kept once, by number; see intern.h. */
#include "config.h"

#include "mysql/intern.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"

struct entry {
	uint64_t digest;
	size_t len;
	char bytes[];
};

/* Stored with release under the lock, read with acquire: interned(). */
static _Atomic(struct entry *) table[INTERN_MAX + 1];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t used;
static size_t bytes;

static uint32_t
find(uint64_t digest, const void *p, size_t n)
{
	for (uint32_t i = 1; i <= used; i++) {
		const struct entry *e = atomic_load_explicit(&table[i],
		    memory_order_relaxed);

		if (e->digest == digest && e->len == n &&
		    memcmp(e->bytes, p, n) == 0)
			return i;
	}
	return 0;
}

static uint32_t
add(uint64_t digest, const void *p, size_t n)
{
	struct entry *e;

	if (used == INTERN_MAX || n > INTERN_BYTES_MAX - bytes)
		return 0;
	e = mem_alloc(sizeof *e + n + 1);
	e->digest = digest;
	e->len = n;
	memcpy(e->bytes, p, n);
	e->bytes[n] = '\0';
	bytes += n;
	atomic_store_explicit(&table[++used], e, memory_order_release);
	return used;
}

uint32_t
intern(const void *p, size_t n)
{
	uint64_t digest = digest_bytes(DIGEST_START, p, n);
	uint32_t number;

	if (n > INTERN_EACH_MAX)
		return 0;
	pthread_mutex_lock(&lock);
	number = find(digest, p, n);
	if (number == 0)
		number = add(digest, p, n);
	pthread_mutex_unlock(&lock);
	return number;
}

struct bin
interned(uint32_t number)
{
	const struct entry *e = number <= INTERN_MAX ?
	    atomic_load_explicit(&table[number], memory_order_acquire) : NULL;

	if (e == NULL)
		return (struct bin){ NULL, 0 };
	return (struct bin){ (const uint8_t *)e->bytes, e->len };
}
