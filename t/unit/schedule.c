/* SPDX-License-Identifier: Apache-2.0 */
/* When a server is probed next: the rate holds, the dead are asked less often. */
#include "config.h"

#include "base/mem.h"
#include "tap.h"
#include "topology/schedule.h"

int
main(void)
{
	static const struct {
		const char *what;
		int64_t base, now, want; /* ms */
		uint32_t failures;
		double growth;
	} row[] = {
		{ "a quick probe does not move the rate", 1000, 1050, 6000, 0,
		    1 },
		{ "a probe as long as its period is followed at once", 1000,
		    6000, 6000, 0, 1 },
		{ "periods spent in a hung probe are not made up for", 1000,
		    17500, 16000, 0, 1 },
		{ "a failure without growth keeps the rate", 1000, 1010, 6000,
		    3, 1 },
		{ "the first failure waits one period", 1000, 1010, 6010, 1,
		    2 },
		{ "the second twice that", 1000, 1010, 11010, 2, 2 },
		{ "growth ends at the most", 1000, 1010, 61010, 9, 2 },
		{ "many failures do not overflow", 1000, 1010, 61010, 4000000,
		    1.01 },
	};

	for (size_t i = 0; i < MEM_COUNT(row); i++) {
		const struct schedule s = { DUR_S(5), row[i].growth,
			DUR_S(60) };
		mono_t next = schedule_next(&s, (mono_t){ row[i].base * 1000 },
		    (mono_t){ row[i].now * 1000 }, row[i].failures);

		is_int(next.us / 1000, row[i].want, "%s", row[i].what);
	}
	{
		const struct schedule s = { DUR_S(5), 1, DUR_S(60) };

		ok(schedule_first(&s, 12345678901).us < 5000000,
		    "the first probe is within the period");
		ok(schedule_jitter(&s, 999999999).us < 500000,
		    "jitter is below a tenth");
	}
	return tap_done();
}
