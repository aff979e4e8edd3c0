/* SPDX-License-Identifier: Apache-2.0 */
/* The timer wheel against a sorted list, and with a million entries. */
#include "config.h"

#include "runtime/wheel.h"

#include "base/mem.h"
#include "runtime/rng.h"
#include "tap.h"

enum { MODEL = 4000, MILLION = 1000000 };

struct model {
	struct wheel wheel;
	uint32_t index[MODEL];
	int64_t due[MODEL];	/* 0: not set */
	uint64_t number[MODEL]; /* in the order of setting */
	uint64_t set;
	/* expiry */
	int64_t from_ms, until_ms, last_due;
	uint64_t last_number;
	int wrong, expired;
};

static void
on_due(void *arg, uint32_t index)
{
	struct model *m = arg;
	uintptr_t i = (uintptr_t)timers_get(m->wheel.table, index)->owner;

	m->expired++;
	m->wrong += m->index[i] != index || m->due[i] == 0;
	m->wrong += m->due[i] <= m->from_ms || m->due[i] > m->until_ms;
	m->wrong += m->due[i] < m->last_due || (m->due[i] == m->last_due &&
		    m->number[i] < m->last_number);
	m->last_due = m->due[i];
	m->last_number = m->number[i];
	m->due[i] = 0;
	wheel_give(&m->wheel, index);
}

/* Near ones mostly, some far, a few at the same time. */
static int64_t
some_delay(struct rng *r)
{
	return 1 + (int64_t)(rng_next(r) >> (20 + rng_below(r, 44)));
}

static void
set_one(struct model *m, struct rng *r, size_t i)
{
	int64_t due = m->wheel.now_ms + some_delay(r);

	m->index[i] = wheel_take(&m->wheel);
	timers_get(m->wheel.table, m->index[i])->owner = (void *)i;
	m->due[i] = due;
	m->number[i] = m->set++;
	wheel_insert(&m->wheel, m->index[i], due);
}

static void
cancel_one(struct model *m, size_t i)
{
	wheel_remove(&m->wheel, m->index[i]);
	wheel_give(&m->wheel, m->index[i]);
	m->due[i] = 0;
}

static void
advance(struct model *m, int64_t ms)
{
	int missed = 0;

	m->from_ms = m->wheel.now_ms;
	m->until_ms = m->from_ms + ms;
	wheel_advance(&m->wheel, m->until_ms, on_due, m);
	for (size_t i = 0; i < MODEL; i++)
		missed += m->due[i] != 0 && m->due[i] <= m->until_ms;
	m->wrong += missed;
}

static void
test_model(struct timers *table)
{
	static struct model m;
	struct rng r = { 7 };
	bool early = false;

	wheel_init(&m.wheel, table, 1234567);
	for (int round = 0; round < 2000; round++) {
		for (int k = 0; k < 20; k++) {
			size_t i = rng_below(&r, MODEL);

			if (m.due[i] == 0)
				set_one(&m, &r, i);
			else if (k % 2 == 0)
				cancel_one(&m, i);
		}
		m.last_due = 0;
		advance(&m, some_delay(&r) >> rng_below(&r, 12));
		for (size_t i = 0; i < MODEL; i++)
			early |= m.due[i] != 0 &&
			    wheel_next(&m.wheel) > m.due[i];
	}
	is_int(m.wrong, 0,
	    "2000 rounds: each at its time, in order of setting");
	ok(m.expired > 5000, "%d expired", m.expired);
	ok(!early, "the next look is never later than a timer");
}

/* ---- a million ---- */

struct crowd {
	struct wheel wheel;
	int count;
};

static void
count_due(void *arg, uint32_t index)
{
	struct crowd *c = arg;

	wheel_give(&c->wheel, index);
	c->count++;
}

/*
 * Half of them cancelled; the rest within an hour, a look whenever it is due.
 */
static void
test_million(struct timers *table)
{
	static struct crowd c;
	uint32_t *index = mem_alloc(MILLION * sizeof *index);
	struct rng r = { 11 };
	int looks = 0;
	int64_t at;

	wheel_init(&c.wheel, table, 0);
	for (int i = 0; i < MILLION; i++) {
		index[i] = wheel_take(&c.wheel);
		wheel_insert(&c.wheel, index[i],
		    1 + (int64_t)rng_below(&r, 3600 * 1000));
	}
	for (int i = 0; i < MILLION; i += 2) {
		wheel_remove(&c.wheel, index[i]);
		wheel_give(&c.wheel, index[i]);
	}
	for (; (at = wheel_next(&c.wheel)) != INT64_MAX; looks++)
		wheel_advance(&c.wheel, at, count_due, &c);
	is_int(c.count, MILLION / 2, "of a million half are cancelled");
	ok(looks < MILLION / 2 + 3600 * 1000 / 64 * 2,
	    "few looks for nothing (%d)", looks);
	ok(table->used <= (MILLION + MODEL) / TIMER_CHUNK + 2,
	    "entries are used again (%u chunks)", table->used);
	mem_free(index);
}

int
main(void)
{
	static struct timers table;

	timers_init(&table);
	test_model(&table);
	test_million(&table);
	timers_fini(&table);
	return tap_done();
}
