/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a server is probed next.
 */
#ifndef ORC_TOPOLOGY_SCHEDULE_H
#define ORC_TOPOLOGY_SCHEDULE_H

#include <stdint.h>

#include "base/clock.h"

struct schedule {
	dur_t period;	/* InstancePollSeconds; > 0 */
	double growth;	/* DeadInstancePollSecondsMultiplyFactor; >= 1 */
	dur_t dead_max; /* DeadInstancePollSecondsMax; >= period */
};

/* The first probe of a server: anywhere within the period. */
dur_t schedule_first(const struct schedule *s, uint64_t random);

/*
 * The base of the next probe: one period after the last base, so that the rate
 * is the configured one however long a probe takes; periods that passed while a
 * probe hung are left out, not made up for.
 *
 * failures	in a row; 0 after a good probe.  The n-th failure waits
 *		min(dead_max, period * growth^(n-1)) from now.
 */
mono_t schedule_next(const struct schedule *s, mono_t base, mono_t now,
    uint32_t failures);

/* Up to a tenth of the period, added to a base so that fleets do not beat. */
dur_t schedule_jitter(const struct schedule *s, uint64_t random);

#endif
