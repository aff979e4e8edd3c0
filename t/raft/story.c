/* SPDX-License-Identifier: Apache-2.0 */
/* What a group does in situations that a random run meets too seldom. */
#include "config.h"

#include "raft/story.h"

#include <string.h>

#define EXPECT(cond) \
	do { \
		if (!(cond)) { \
			group_fail(g, "%s: %s", __func__, #cond); \
			return; \
		} \
	} while (0)

static struct raft *
raft_of(struct group *g, int i)
{
	return g->node[i].raft;
}

/* A leader, and all agree. */
static int
begin(struct group *g)
{
	group_converges(g, DUR_S(20));
	group_run(g, DUR_MS(300)); /* what is still under way arrives */
	return group_leader(g);
}

static int
other_than(const struct group *g, int a, int b)
{
	unsigned i;

	for (i = 0; i < g->first; i++)
		if ((int)i != a && (int)i != b)
			return (int)i;
	return -1;
}

static void
elects(struct group *g)
{
	int leader = begin(g);

	EXPECT(leader >= 0);
	EXPECT(group_propose(g, (unsigned)leader, 10));
	EXPECT(group_converges(g, DUR_S(2)));
	EXPECT(raft_commit(raft_of(g, leader)) >= 2);
}

/* Its followers stay without anything to do. */
static void
stays(struct group *g)
{
	int leader = begin(g);
	uint64_t term = raft_term(raft_of(g, leader));

	EXPECT(group_run(g, DUR_S(120)));
	EXPECT(group_leader(g) == leader);
	EXPECT(raft_term(raft_of(g, leader)) == term);
}

/* One that cannot hear, but be heard, does not depose a leader. */
static void
deaf_follower(struct group *g)
{
	int leader = begin(g), deaf = other_than(g, leader, -1);
	uint64_t term = raft_term(raft_of(g, leader));
	unsigned i;

	for (i = 0; i < g->n; i++)
		if ((int)i != deaf)
			group_cut(g, i, (unsigned)deaf, true);
	EXPECT(group_run(g, DUR_S(60)));
	EXPECT(raft_term(raft_of(g, leader)) == term);
	for (i = 0; i < g->n; i++)
		if ((int)i != deaf)
			group_cut(g, i, (unsigned)deaf, false);
	EXPECT(group_run(g, DUR_S(10)));
	EXPECT(group_leader(g) == leader);
	EXPECT(raft_term(raft_of(g, leader)) == term);
}

/* Back from a partition it follows whoever leads. */
static void
comes_back(struct group *g)
{
	int leader = begin(g), away = other_than(g, leader, -1);
	uint64_t term = raft_term(raft_of(g, leader));

	group_isolate(g, (unsigned)away, true);
	EXPECT(group_run(g, DUR_S(60)));
	group_isolate(g, (unsigned)away, false);
	EXPECT(group_converges(g, DUR_S(5)));
	EXPECT(group_leader(g) == leader);
	EXPECT(raft_term(raft_of(g, leader)) == term);
}

/* A candidate that asks for real, because it was told to or is of an old
 * version, does not depose a leader that others hear. */
static void
vote_out_of_the_blue(struct group *g)
{
	int leader = begin(g), to = other_than(g, leader, -1);
	int from = other_than(g, leader, to);
	uint64_t term = raft_term(raft_of(g, leader));
	struct raft_message m = { .type = RAFT_VOTE, .term = term + 5,
		.from = g->node[from].id, .to = g->node[to].id,
		.index = 1000, .index_term = term };

	EXPECT(group_run(g, DUR_MS(300)));
	raft_receive(raft_of(g, to), g->now, &m);
	group_settle(g, (unsigned)to);
	EXPECT(group_run(g, DUR_S(5)));
	EXPECT(raft_term(raft_of(g, leader)) == term);
}

/* Without a quorum a leader ends within two elections' time. */
static void
cut_off_leader(struct group *g)
{
	int leader = begin(g);

	group_isolate(g, (unsigned)leader, true);
	EXPECT(group_run(g, DUR_MS(2200)));
	EXPECT(raft_role(raft_of(g, leader)) != RAFT_LEADER);
	EXPECT(!raft_is_sure(raft_of(g, leader), g->now));
	EXPECT(group_run(g, DUR_S(5)));
	EXPECT(group_leader(g) >= 0 && group_leader(g) != leader);
}

/* Entries of the term before commit without anybody writing again. */
static void
new_leader_commits(struct group *g)
{
	int leader = begin(g), to = other_than(g, leader, -1);
	uint64_t last;

	group_cut(g, (unsigned)leader,
	    (unsigned)other_than(g, leader, to), true);
	group_cut(g, (unsigned)to, (unsigned)leader, true);
	group_propose(g, (unsigned)leader, 10);
	last = raft_last(raft_of(g, leader));
	EXPECT(group_run(g, DUR_MS(20)));
	EXPECT(raft_last(raft_of(g, to)) == last);
	EXPECT(raft_commit(raft_of(g, to)) < last);
	group_crash(g, (unsigned)leader);
	EXPECT(group_run(g, DUR_S(8)));
	EXPECT(group_leader(g) == to);
	EXPECT(raft_commit(raft_of(g, to)) >= last);
}

/* A leader whose own disk hangs commits what a quorum of others has, and what
 * only half of them have does not commit by what it has in memory. */
static void
slow_disk(struct group *g)
{
	int leader = begin(g);
	uint64_t commit = raft_commit(raft_of(g, leader));
	unsigned i;

	g->node[leader].disk_delay = DUR_S(1000);
	for (i = 0; i < g->n; i++)
		if ((int)i != leader && (int)i != other_than(g, leader, -1))
			group_cut(g, (unsigned)leader, i, true);
	group_propose(g, (unsigned)leader, 10);
	EXPECT(group_run(g, DUR_MS(500)));
	EXPECT(raft_commit(raft_of(g, leader)) == commit);
}

/* A vote, told before it is durable, could be given twice. */
static void
vote_is_durable(struct group *g)
{
	int leader = begin(g), to = other_than(g, leader, -1);
	int from = other_than(g, leader, to);
	uint64_t term = raft_term(raft_of(g, leader));
	struct raft_message out, m = { .type = RAFT_VOTE, .term = term + 1,
		.from = g->node[from].id, .to = g->node[to].id,
		.index = 1000, .index_term = term, .transfer = true };
	struct raft_write w;

	raft_receive(raft_of(g, to), g->now, &m);
	EXPECT(raft_vote(raft_of(g, to)) == m.from);
	EXPECT(!raft_next_message(raft_of(g, to), &out));
	EXPECT(raft_next_write(raft_of(g, to), &w));
	EXPECT(w.state && w.term == term + 1 && w.vote == m.from);
	EXPECT(!raft_next_message(raft_of(g, to), &out));
	raft_wrote(raft_of(g, to), g->now, w.serial);
	EXPECT(raft_next_message(raft_of(g, to), &out));
	EXPECT(out.type == RAFT_VOTED && !out.refused);
	raft_message_fini(&out);
}

static void
hands_over(struct group *g)
{
	int leader = begin(g), to = other_than(g, leader, -1), k;
	mono_t began;

	for (k = 0; k < 5; k++)
		group_propose(g, (unsigned)leader, 10);
	EXPECT(raft_transfer(raft_of(g, leader), g->now, g->node[to].id, NULL)
	    == ERR_NONE);
	group_settle(g, (unsigned)leader);
	EXPECT(!group_propose(g, (unsigned)leader, 10));
	began = g->now;
	while (group_leader(g) != to && group_step(g)
	    && mono_sub(g->now, began).us < DUR_S(3).us)
		;
	EXPECT(group_leader(g) == to);
	EXPECT(mono_sub(g->now, began).us < DUR_MS(100).us);
}

/* Who is not known to have everything is not told to stand: it would lose. */
static void
hands_over_to_who_lags(struct group *g)
{
	int leader = begin(g), to = other_than(g, leader, -1);
	uint64_t term = raft_term(raft_of(g, leader));

	group_cut(g, (unsigned)to, (unsigned)leader, true);
	group_propose(g, (unsigned)leader, 10);
	EXPECT(raft_transfer(raft_of(g, leader), g->now, g->node[to].id, NULL)
	    == ERR_NONE);
	group_settle(g, (unsigned)leader);
	EXPECT(group_run(g, DUR_S(3)));
	EXPECT(raft_term(raft_of(g, leader)) == term);
	EXPECT(group_propose(g, (unsigned)leader, 10));
}

/* The leader is removed: it leads until that is committed, then ends. */
static void
removes_leader(struct group *g)
{
	int leader = begin(g);
	raft_id id = g->node[leader].id;

	EXPECT(raft_remove(raft_of(g, leader), g->now, id, NULL) == ERR_NONE);
	group_settle(g, (unsigned)leader);
	EXPECT(group_run(g, DUR_MS(50)));
	EXPECT(raft_role(raft_of(g, leader)) != RAFT_LEADER);
	EXPECT(group_run(g, DUR_S(3)));
	EXPECT(group_leader(g) >= 0 && group_leader(g) != leader);
	EXPECT(raft_members(raft_of(g, group_leader(g)))->n == 2);
}

/* New nodes come one at a time; each is whole before it votes. */
static void
grows(struct group *g)
{
	int leader = begin(g);
	unsigned i, k;

	for (k = 0; k < 40; k++)
		group_propose(g, (unsigned)leader, 30);
	EXPECT(group_converges(g, DUR_S(2)));
	EXPECT(group_compact(g, (unsigned)leader));
	for (i = g->first; i < g->n; i++) {
		raft_id id = g->node[i].id;

		EXPECT(raft_add(raft_of(g, leader), g->now, id, "new", NULL)
		    == ERR_NONE);
		group_settle(g, (unsigned)leader);
		EXPECT(raft_set_voter(raft_of(g, leader), g->now, id, true,
			NULL) == ERR_BUSY);
		EXPECT(group_converges(g, DUR_S(3)));
		EXPECT(group_run(g, DUR_MS(300)));
		EXPECT(raft_set_voter(raft_of(g, leader), g->now, id, true,
			NULL) == ERR_NONE);
		group_settle(g, (unsigned)leader);
		EXPECT(group_converges(g, DUR_S(3)));
	}
	EXPECT(raft_voters_of(raft_of(g, leader)) == g->n);
	EXPECT(g->snapshots >= g->n - g->first);
}

/* Nobody else can win, and it has no vote any more by what it wrote last. */
static void
removed_but_needed(struct group *g)
{
	int leader = begin(g), k;

	/* The removal reaches nobody; the leader then dies and comes back. */
	group_isolate(g, (unsigned)leader, true);
	EXPECT(raft_set_voter(raft_of(g, leader), g->now, g->node[leader].id,
		false, NULL) == ERR_NONE);
	group_settle(g, (unsigned)leader);
	for (k = 0; k < 3; k++)
		group_run(g, DUR_MS(50));
	group_crash(g, (unsigned)leader);
	group_isolate(g, (unsigned)leader, false);
	group_restart(g, (unsigned)leader);
	EXPECT(group_run(g, DUR_S(20)));
	EXPECT(group_leader(g) >= 0);
}

/* Two changes at once could leave two quorums that do not meet. */
static void
one_change(struct group *g)
{
	int leader = begin(g);
	raft_id self = g->node[leader].id;
	raft_id other = g->node[other_than(g, leader, -1)].id;

	group_isolate(g, (unsigned)leader, true);
	EXPECT(raft_set_voter(raft_of(g, leader), g->now, other, false, NULL)
	    == ERR_NONE);
	group_settle(g, (unsigned)leader);
	EXPECT(raft_remove(raft_of(g, leader), g->now, self, NULL)
	    == ERR_BUSY);
}

/* A new leader does not know yet what its predecessor's change became. */
static void
change_in_new_term(struct group *g)
{
	int leader = begin(g), to = other_than(g, leader, -1);
	unsigned i;

	raft_transfer(raft_of(g, leader), g->now, g->node[to].id, NULL);
	group_settle(g, (unsigned)leader);
	while (group_leader(g) != to && group_step(g))
		;
	for (i = 0; i < g->n; i++)
		if ((int)i != to)
			group_cut(g, i, (unsigned)to, true);
	EXPECT(raft_remove(raft_of(g, to), g->now, g->node[leader].id, NULL)
	    == ERR_BUSY);
}

/* What one whose vote does not count has does not commit. */
static void
learners_do_not_count(struct group *g)
{
	int leader = begin(g);
	uint64_t commit;
	unsigned i;

	for (i = g->first; i < g->n; i++) {
		EXPECT(raft_add(raft_of(g, leader), g->now, g->node[i].id,
			"new", NULL) == ERR_NONE);
		group_settle(g, (unsigned)leader);
		EXPECT(group_converges(g, DUR_S(3)));
	}
	commit = raft_commit(raft_of(g, leader));
	for (i = 0; i < g->first; i++)
		if ((int)i != leader)
			group_cut(g, (unsigned)leader, i, true);
	group_propose(g, (unsigned)leader, 10);
	EXPECT(group_run(g, DUR_MS(300)));
	EXPECT(raft_commit(raft_of(g, leader)) == commit);
}

/* A deposed leader does not answer from what it has. */
static void
stale_read(struct group *g)
{
	int leader = begin(g);

	group_isolate(g, (unsigned)leader, true);
	EXPECT(group_read(g, (unsigned)leader));
	EXPECT(group_run(g, DUR_MS(500)));
	EXPECT(g->reads_done == 0);
}

/* Section 6.4: a new leader may not know yet what was committed. */
static void
read_before_noop(struct group *g)
{
	int leader = begin(g), to = other_than(g, leader, -1);
	unsigned i;

	raft_transfer(raft_of(g, leader), g->now, g->node[to].id, NULL);
	group_settle(g, (unsigned)leader);
	while (group_leader(g) != to && group_step(g))
		;
	for (i = 0; i < g->n; i++)
		if ((int)i != to)
			group_cut(g, (unsigned)to, i, true);
	EXPECT(!group_read(g, (unsigned)to));
}

/* One node alone is a group, and can grow from there. */
static void
single(struct group *g)
{
	EXPECT(begin(g) == 0);
	grows(g);
}

const struct story stories[] = {
	{ "a group elects a leader, which commits", elects, 3, 3 },
	{ "and stays with it", stays, 5, 5 },
	{ "who cannot hear does not depose it", deaf_follower, 3, 3 },
	{ "nor who comes back from a partition", comes_back, 3, 3 },
	{ "nor who asks for votes out of the blue", vote_out_of_the_blue, 3, 3 },
	{ "a leader that is cut off ends", cut_off_leader, 5, 5 },
	{ "a new leader commits what the last one left", new_leader_commits,
	    3, 3 },
	{ "a leader counts itself when its disk has it", slow_disk, 3, 3 },
	{ "a vote is durable before it is told", vote_is_durable, 3, 3 },
	{ "leadership is handed over at once", hands_over, 3, 3 },
	{ "but not to who lacks something", hands_over_to_who_lags, 3, 3 },
	{ "a leader can be removed", removes_leader, 3, 3 },
	{ "a group grows, by snapshots too", grows, 5, 3 },
	{ "who is removed may be needed until then", removed_but_needed, 2, 2 },
	{ "one change at a time", one_change, 3, 3 },
	{ "no change before something of the term is committed",
	    change_in_new_term, 3, 3 },
	{ "learners count for nothing", learners_do_not_count, 6, 3 },
	{ "a deposed leader answers no reads", stale_read, 3, 3 },
	{ "nor does one that does not know yet", read_before_noop, 3, 3 },
	{ "a single node is a group, and grows", single, 4, 1 },
	{ "an old term's entries do not commit by counting", story_old_term,
	    1, 1 },
	{ "a follower commits what it has verified", story_unverified_tail,
	    1, 1 },
	{ "consent is to one question", story_old_consent, 1, 1 },
	{ "an old snapshot takes nothing back", story_old_snapshot, 1, 1 },
	{ "halves of two snapshots are none", story_two_halves, 1, 1 },
	{ "a damaged log is refused", story_hole, 1, 1 },
	{ "an answer counts from when it was asked for", story_late_answer,
	    1, 1 },
};
const size_t story_count = sizeof stories / sizeof stories[0];

/* Timing is drawn anew: what must hold must hold with each. */
enum { STORY_SEEDS = 20 };

bool
story_holds(const struct story *s, char why[VIOLATION_MAX])
{
	uint64_t seed;

	why[0] = '\0';
	for (seed = 1; seed <= STORY_SEEDS && why[0] == '\0'; seed++) {
		struct group g;

		group_init(&g, s->nodes, s->first, seed);
		s->run(&g);
		memcpy(why, g.violation, VIOLATION_MAX);
		group_fini(&g);
	}
	return why[0] == '\0';
}

bool
stories_hold(char why[VIOLATION_MAX])
{
	size_t i;

	for (i = 0; i < story_count; i++)
		if (!story_holds(&stories[i], why))
			return false;
	return true;
}
