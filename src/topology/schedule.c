/* SPDX-License-Identifier: Apache-2.0 */
/* When a server is probed next; see schedule.h. */
#include "config.h"

#include "topology/schedule.h"

#include <assert.h>

dur_t
schedule_first(const struct schedule *s, uint64_t random)
{
	assert(s->period.us > 0);
	return DUR_US(random % (uint64_t)s->period.us);
}

dur_t
schedule_jitter(const struct schedule *s, uint64_t random)
{
	uint64_t tenth = (uint64_t)s->period.us / 10;

	return DUR_US(random % (tenth > 0 ? tenth : 1));
}

/* From: Percona's fork, go/inst/dead_instance_filter.go. */
static dur_t
dead_delay(const struct schedule *s, uint32_t failures)
{
	double us = (double)s->period.us;

	for (uint32_t n = 1; n < failures && us < (double)s->dead_max.us; n++) {
		if (s->growth <= 1)
			break;
		us *= s->growth;
	}
	if (us > (double)s->dead_max.us)
		us = (double)s->dead_max.us;
	return DUR_US(us);
}

mono_t
schedule_next(const struct schedule *s, mono_t base, mono_t now,
    uint32_t failures)
{
	mono_t next;
	int64_t late;

	assert(s->period.us > 0 && s->dead_max.us >= s->period.us);
	if (failures > 0 && s->growth > 1)
		return mono_add(now, dead_delay(s, failures));
	next = mono_add(base, s->period);
	late = now.us - next.us;
	if (late > 0)
		next.us += late / s->period.us * s->period.us;
	return next;
}
