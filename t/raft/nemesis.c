/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can go wrong, at random.  A seed draws the group's size, how bad network
 * and disks are, and then a few hundred deeds, each followed by some events.
 */
#include "config.h"

#include "raft/nemesis.h"

#include <stdio.h>
#include <string.h>

static int
someone(struct group *g)
{
	return (int)group_below(g, g->n);
}

static int
someone_up(struct group *g)
{
	unsigned i, k = (unsigned)someone(g);

	for (i = 0; i < g->n; i++, k = (k + 1) % g->n)
		if (g->node[k].raft != NULL)
			return (int)k;
	return -1;
}

static void
write_some(struct group *g)
{
	int leader = group_leader(g);
	unsigned n = 1 + (unsigned)group_below(g, 12);

	while (leader >= 0 && n-- > 0)
		group_propose(g, (unsigned)leader, group_below(g, 100));
}

/* To every one that thinks it leads: deposed ones try, too. */
static void
write_all(struct group *g)
{
	unsigned i;

	for (i = 0; i < g->n; i++)
		if (g->node[i].raft != NULL)
			group_propose(g, i, 20);
}

static void
read_all(struct group *g)
{
	unsigned i;

	for (i = 0; i < g->n; i++)
		if (g->node[i].raft != NULL)
			group_read(g, i);
}

static void
crash_one(struct group *g)
{
	group_crash(g, (unsigned)someone(g));
}

static void
restart_one(struct group *g)
{
	group_restart(g, (unsigned)someone(g));
}

/* A crash and a start within a breath: what was not synced is gone. */
static void
bounce_one(struct group *g)
{
	unsigned i = (unsigned)someone(g);

	group_crash(g, i);
	group_restart(g, i);
}

/* An entry that has reached one other node only when its leader dies. */
static void
orphan_entry(struct group *g)
{
	int leader = group_leader(g), other = someone(g);
	unsigned j;

	if (leader < 0 || other == leader)
		return;
	for (j = 0; j < g->n; j++)
		if ((int)j != leader && (int)j != other)
			group_cut(g, (unsigned)leader, j, true);
	write_some(g);
	group_run(g, DUR_MS(1 + group_below(g, 8)));
	group_crash(g, (unsigned)leader);
	for (j = 0; j < g->n; j++)
		if ((int)j != leader)
			group_cut(g, (unsigned)leader, j, false);
	if (group_below(g, 2) == 0)
		group_restart(g, (unsigned)leader);
}

static void
cut_one_way(struct group *g)
{
	int a = someone(g), b = someone(g);

	if (a != b)
		group_cut(g, (unsigned)a, (unsigned)b, true);
}

static void
isolate_one(struct group *g)
{
	group_isolate(g, (unsigned)someone(g), true);
}

static void
isolate_leader(struct group *g)
{
	int leader = group_leader(g);

	if (leader >= 0)
		group_isolate(g, (unsigned)leader, true);
}

static void
split(struct group *g)
{
	uint64_t side = group_random(g);
	unsigned a, b;

	for (a = 0; a < g->n; a++)
		for (b = 0; b < g->n; b++)
			if (a != b)
				group_cut(g, a, b,
				    ((side >> a) & 1) != ((side >> b) & 1));
}

static void
join_all(struct group *g)
{
	unsigned a, b;

	for (a = 0; a < g->n; a++)
		for (b = 0; b < g->n; b++)
			group_cut(g, a, b, false);
}

static void
slow_disk(struct group *g)
{
	g->node[someone(g)].disk_delay = DUR_MS(group_below(g, 800));
}

static void
compact_one(struct group *g)
{
	int i = someone_up(g);

	if (i >= 0)
		group_compact(g, (unsigned)i);
}

static void
hand_over(struct group *g)
{
	int leader = group_leader(g), to = someone(g);

	if (leader < 0)
		return;
	raft_transfer(g->node[leader].raft, g->now,
	    group_below(g, 2) == 0 ? 0 : g->node[to].id, NULL);
	group_settle(g, (unsigned)leader);
}

static void
yield_one(struct group *g)
{
	int i = someone_up(g);

	if (i < 0)
		return;
	raft_yield(g->node[i].raft, g->now, DUR_MS(group_below(g, 3000)));
	group_settle(g, (unsigned)i);
}

/* Messages that were on their way for long arrive with those of now. */
static void
bad_network(struct group *g)
{
	g->lose = (unsigned)group_below(g, 300);
	g->doubles = (unsigned)group_below(g, 200);
	g->delay = DUR_MS(1 + group_below(g, group_below(g, 4) == 0 ? 3000
	    : 60));
}

static void
good_network(struct group *g)
{
	g->lose = g->doubles = 0;
	g->delay = DUR_MS(2);
}

/* The wall clock of a machine jumps: nothing here may look at it, but what a
 * process does after a long stop is much the same: all its timers are due. */
static void
stop_one(struct group *g)
{
	int i = someone_up(g);
	struct raft *r;

	if (i < 0)
		return;
	r = g->node[i].raft;
	g->node[i].raft = NULL; /* nothing reaches it */
	group_run(g, DUR_MS(group_below(g, 5000)));
	g->node[i].raft = r;
	g->node[i].doubted = (mono_t){ 0 }; /* it could not know */
	group_settle(g, (unsigned)i);
}

static void
change_members(struct group *g)
{
	int leader = group_leader(g), who = someone(g);
	struct raft *r;
	raft_id id = g->node[who].id;
	const struct raft_member *m;
	enum err_code code;
	char address[16];

	if (leader < 0)
		return;
	r = g->node[leader].raft;
	m = raft_members_find(raft_members(r), id);
	snprintf(address, sizeof address, "n%d", who);
	if (m == NULL)
		code = raft_add(r, g->now, id, address, NULL);
	else if (!m->voter && group_below(g, 4) != 0)
		code = raft_set_voter(r, g->now, id, true, NULL);
	else if (raft_voters_of(r) > 2 || !m->voter)
		code = raft_remove(r, g->now, id, NULL);
	else
		code = raft_set_voter(r, g->now, id, false, NULL);
	g->changes += code == ERR_NONE;
	group_settle(g, (unsigned)leader);
}

/* Two changes at once would be two: only one may be taken. */
static void
change_twice(struct group *g)
{
	change_members(g);
	change_members(g);
}

/* A removed member's machine comes back as a new one. */
static void
wipe_removed(struct group *g)
{
	int leader = group_leader(g), who = someone(g);
	unsigned i;

	if (leader < 0 || leader == who)
		return;
	for (i = 0; i < g->n; i++)
		if (g->node[i].raft != NULL && raft_members_find(
			raft_members(g->node[i].raft), g->node[who].id) != NULL
		    && (int)i != who)
			return;
	group_wipe(g, (unsigned)who);
	group_restart(g, (unsigned)who);
}

static const struct {
	unsigned weight;
	void (*run)(struct group *g);
} deed[] = {
	{ 30, write_some }, { 4, write_all }, { 6, read_all },
	{ 5, crash_one }, { 14, restart_one }, { 4, bounce_one },
	{ 5, orphan_entry }, { 4, cut_one_way }, { 2, isolate_one },
	{ 3, isolate_leader }, { 2, split }, { 7, join_all },
	{ 2, slow_disk }, { 6, compact_one }, { 3, hand_over },
	{ 1, yield_one }, { 2, bad_network }, { 3, good_network },
	{ 2, stop_one }, { 6, change_members }, { 2, change_twice },
	{ 1, wipe_removed },
};

static void
one_deed(struct group *g)
{
	unsigned i, total = 0;
	uint64_t pick;

	for (i = 0; i < sizeof deed / sizeof deed[0]; i++)
		total += deed[i].weight;
	pick = group_below(g, total);
	for (i = 0; pick >= deed[i].weight; i++)
		pick -= deed[i].weight;
	deed[i].run(g);
}

static void
pause_a_while(struct group *g)
{
	static const unsigned most_ms[] = { 1, 5, 30, 300, 3000 };

	group_run(g, DUR_US(group_below(g, 1000
	    * (uint64_t)most_ms[group_below(g, 5)]) + 1));
}

static void
sum_up(const struct group *g, struct totals *t)
{
	t->runs++;
	t->events += g->events;
	t->elections += g->elections;
	t->crashes += g->crashes;
	t->applied += g->applied;
	t->snapshots += g->snapshots;
	t->reads += g->reads_done;
	t->changes += g->changes;
	t->proposals += g->proposals;
}

/* A voter's machine that is whole and connected must be there to converge:
 * every member is started and reached. */
static void
heal_and_check(struct group *g)
{
	int leader, tries = 0;

	group_heal(g);
	if (!group_converges(g, DUR_S(60)))
		return;
	group_propose(g, (unsigned)group_leader(g), 10);
	/* What was still under way may depose this leader once more. */
	while (g->violation[0] == '\0' && g->reads_done == 0 && tries++ < 5) {
		leader = group_leader(g);
		if (leader >= 0)
			group_read(g, (unsigned)leader);
		group_run(g, DUR_S(3));
	}
	if (g->reads_done == 0)
		group_fail(g, "no read was ever answered");
	group_converges(g, DUR_S(20));
}

bool
nemesis_run(uint64_t seed, struct totals *t, char why[VIOLATION_MAX])
{
	static const unsigned sizes[] = { 1, 2, 3, 3, 3, 3, 4, 5, 5, 6 };
	struct group g;
	unsigned first, n, deeds;

	group_init(&g, 1, 1, seed);
	first = sizes[group_below(&g, 10)];
	n = first + (unsigned)group_below(&g, 3);
	deeds = 50 + (unsigned)group_below(&g, 250);
	group_fini(&g);

	group_init(&g, n, first, seed);
	while (deeds-- > 0 && g.violation[0] == '\0') {
		one_deed(&g);
		if (g.violation[0] == '\0')
			pause_a_while(&g);
	}
	if (g.violation[0] == '\0')
		heal_and_check(&g);
	sum_up(&g, t);
	memcpy(why, g.violation, VIOLATION_MAX);
	group_fini(&g);
	return why[0] == '\0';
}
