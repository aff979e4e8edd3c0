/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random runs of a raft group with every kind of fault: see group.h for what is
 * checked.
 *
 *	campaign.t [--seeds N] [--seed FIRST] [--events N]
 *
 * --events goes on until that many were run.  A failing seed fails again.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raft/nemesis.h"
#include "tap.h"

/*
 * Seeds that found something once: a node without a vote that was needed, a
 * leader that took late answers for new ones.
 */
static const uint64_t kept[] = { 3, 11, 32, 2199, 2202, 3687 };

static uint64_t
number(int argc, char **argv, const char *name, uint64_t otherwise)
{
	int i;

	for (i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return strtoull(argv[i + 1], NULL, 10);
	return otherwise;
}

static bool
run(uint64_t seed, struct totals *t)
{
	char why[VIOLATION_MAX];

	if (nemesis_run(seed, t, why))
		return true;
	ok(false, "seed %" PRIu64 ": %s", seed, why);
	return false;
}

static void
say(const struct totals *t)
{
	diag("%" PRIu64 " events in %" PRIu64 " runs: %" PRIu64 " elections, %"
	    PRIu64 " crashes, %" PRIu64 " proposals, %" PRIu64 " entries "
	    "applied, %" PRIu64 " snapshots installed, %" PRIu64 " reads, %"
	    PRIu64 " changes of members", t->events, t->runs, t->elections,
	    t->crashes, t->proposals, t->applied, t->snapshots, t->reads,
	    t->changes);
}

int
main(int argc, char **argv)
{
	uint64_t seeds = number(argc, argv, "--seeds", 300);
	uint64_t first = number(argc, argv, "--seed", 1);
	uint64_t events = number(argc, argv, "--events", 0);
	struct totals t = { 0 };
	uint64_t i, bad = 0;

	for (i = 0; i < sizeof kept / sizeof kept[0]; i++)
		bad += !run(kept[i], &t);
	for (i = first; bad < 5 && (events > 0 ? t.events < events
		: i < first + seeds); i++)
		bad += !run(i, &t);
	say(&t);
	ok(bad == 0, "every rule held");
	ok(t.elections > t.runs && t.crashes > 0 && t.snapshots > 0
	    && t.reads > 0 && t.changes > 0, "and something happened");
	return tap_done();
}
