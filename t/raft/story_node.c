/* SPDX-License-Identifier: Apache-2.0 */
/* Stories of one node that is told things by hand. */
#include "config.h"

#include "raft/story.h"

#include <stdio.h>
#include <string.h>

#define EXPECT(cond) \
	do { \
		if (!(cond)) { \
			group_fail(g, "%s: %s", __func__, #cond); \
			goto out; \
		} \
	} while (0)

static const mono_t now = { 5000000 };

/* Node 1 of n voters, in that term, its log one entry of each of the terms. */
static struct raft *
node(unsigned n, uint64_t term, const uint64_t *terms, size_t count)
{
	struct raft_options o = { .self = 1, .heartbeat = NODE_HEARTBEAT,
		.election = NODE_ELECTION, .seed = 7 };
	struct raft_stored s = { .term = term, .n = count };
	struct raft_entry entry[8] = { 0 };
	struct raft *r = NULL;
	unsigned i;

	for (i = 0; i < n; i++) {
		struct raft_member *m = &s.snapshot.members.at[i];

		m->id = i + 1;
		m->voter = true;
		snprintf(m->address, sizeof m->address, "n%u", i);
	}
	s.snapshot.members.n = n;
	for (i = 0; i < count; i++)
		entry[i] = (struct raft_entry){ .index = i + 1,
			.term = terms[i] };
	s.entries = entry;
	raft_new(&r, &o, &s, now, NULL);
	return r;
}

/* All that is to be written is written, all messages are lost. */
static void
settle(struct raft *r)
{
	struct raft_message m;
	struct raft_write w;
	struct raft_entry e;

	while (raft_next_write(r, &w))
		raft_wrote(r, now, w.serial);
	while (raft_next_message(r, &m))
		raft_message_fini(&m);
	while (raft_next_entry(r, &e))
		;
}

static void
tell(struct raft *r, struct raft_message m)
{
	m.to = 1;
	raft_receive(r, now, &m);
	settle(r);
}

static void
stand(struct raft *r)
{
	raft_tick(r, mono_add(now, DUR_S(100)));
	settle(r);
}

static void
win(struct raft *r, unsigned voters)
{
	uint64_t term = raft_term(r);
	unsigned i;

	stand(r);
	for (i = 2; i <= voters; i++)
		tell(r, (struct raft_message){ .type = RAFT_VOTED, .from = i,
		    .term = term + 1, .pre = true });
	for (i = 2; i <= voters; i++)
		tell(r, (struct raft_message){ .type = RAFT_VOTED, .from = i,
		    .term = term + 1 });
}

/*
 * Figure 3.7 of the dissertation: an entry of an earlier term stands on a
 * quorum, and may still be replaced.
 */
void
story_old_term(struct group *g)
{
	struct raft *r = node(5, 3, (uint64_t[]){ 1, 2 }, 2);

	win(r, 3);
	EXPECT(raft_role(r) == RAFT_LEADER && raft_term(r) == 4);
	EXPECT(raft_last(r) == 3);
	tell(r, (struct raft_message){ .type = RAFT_APPENDED, .from = 2,
	    .term = 4, .index = 2 });
	tell(r, (struct raft_message){ .type = RAFT_APPENDED, .from = 3,
	    .term = 4, .index = 2 });
	EXPECT(raft_commit(r) == 0);
	tell(r, (struct raft_message){ .type = RAFT_APPENDED, .from = 2,
	    .term = 4, .index = 3 });
	tell(r, (struct raft_message){ .type = RAFT_APPENDED, .from = 3,
	    .term = 4, .index = 3 });
	EXPECT(raft_commit(r) == 3);
out:
	raft_free(r);
}

/* What lies behind the entries that a leader has spoken of may be another's. */
void
story_unverified_tail(struct group *g)
{
	struct raft *r = node(3, 1, (uint64_t[]){ 1, 1 }, 2);

	tell(r, (struct raft_message){ .type = RAFT_APPEND, .from = 2,
	    .term = 2, .index = 1, .index_term = 1, .commit = 2 });
	EXPECT(raft_commit(r) == 1);
out:
	raft_free(r);
}

/* Consent to an earlier question is none to this one. */
void
story_old_consent(struct group *g)
{
	struct raft *r = node(3, 5, (uint64_t[]){ 1 }, 1);

	stand(r);
	EXPECT(raft_role(r) == RAFT_PRE_CANDIDATE);
	tell(r, (struct raft_message){ .type = RAFT_VOTED, .from = 2,
	    .term = 5, .pre = true });
	EXPECT(raft_role(r) == RAFT_PRE_CANDIDATE);
	tell(r, (struct raft_message){ .type = RAFT_VOTED, .from = 2,
	    .term = 6, .pre = true });
	EXPECT(raft_role(r) == RAFT_CANDIDATE);
out:
	raft_free(r);
}

static void
send_chunk(struct raft *r, uint64_t index, uint64_t at, size_t len,
    uint64_t total, char with)
{
	uint8_t bytes[64];
	struct raft_members m = *raft_members(r);

	memset(bytes, with, sizeof bytes);
	tell(r, (struct raft_message){ .type = RAFT_SNAPSHOT, .from = 2,
	    .term = 2, .index = index, .index_term = 1, .at = at,
	    .total = total, .chunk = bytes, .chunk_len = len,
	    .members = at + len == total ? &m : NULL });
}

/* A late snapshot does not take anything back. */
void
story_old_snapshot(struct group *g)
{
	struct raft *r = node(3, 1, (uint64_t[]){ 1, 1, 1, 1 }, 4);

	tell(r, (struct raft_message){ .type = RAFT_APPEND, .from = 2,
	    .term = 2, .index = 4, .index_term = 1, .commit = 4 });
	EXPECT(raft_applied(r) == 4);
	send_chunk(r, 2, 0, 10, 10, 'a');
	EXPECT(raft_applied(r) == 4);
	EXPECT(raft_snapshot(r)->index == 0);
out:
	raft_free(r);
}

/* Halves of two snapshots are none. */
void
story_two_halves(struct group *g)
{
	struct raft *r = node(3, 1, (uint64_t[]){ 1 }, 1);
	const struct raft_snapshot *s = raft_snapshot(r);

	send_chunk(r, 5, 0, 10, 20, 'a');
	send_chunk(r, 6, 10, 10, 20, 'b');
	EXPECT(s->index == 0);
	send_chunk(r, 6, 0, 10, 20, 'b');
	send_chunk(r, 6, 10, 10, 20, 'b');
	EXPECT(s->index == 6);
	EXPECT(s->data->len == 20 && s->data->data[0] == 'b');
	EXPECT(raft_applied(r) == 6 && raft_commit(r) == 6);
out:
	raft_free(r);
}

/* A store that is damaged is not begun with. */
void
story_hole(struct group *g)
{
	struct raft_options o = { .self = 1, .heartbeat = NODE_HEARTBEAT,
		.election = NODE_ELECTION };
	struct raft_entry entry[] = { { .index = 1, .term = 1 },
		{ .index = 3, .term = 1 } };
	struct raft_stored s = { .term = 1, .entries = entry, .n = 2 };
	struct raft *r = NULL;
	struct err err = ERR_INIT;

	EXPECT(raft_new(&r, &o, &s, now, &err) == ERR_MALFORMED);
	EXPECT(strcmp(err.text, "the log goes on at 3 after 1") == 0);
	entry[1].index = 2;
	entry[1].term = 2;
	EXPECT(raft_new(&r, &o, &s, now, &err) == ERR_MALFORMED);
	entry[0].term = entry[1].term = 1;
	EXPECT(raft_new(&r, &o, &s, now, &err) == ERR_NONE);
out:
	raft_free(r);
}

/* A late answer does not make a leader sure of what is. */
void
story_late_answer(struct group *g)
{
	struct raft *r = node(3, 3, (uint64_t[]){ 1, 2 }, 2);
	mono_t later = mono_add(now, DUR_MS(900));
	struct raft_message m = { .type = RAFT_APPENDED, .from = 2, .to = 1,
		.term = 4, .index = 3, .stamp = (uint64_t)now.us };

	win(r, 3);
	tell(r, m);
	EXPECT(raft_role(r) == RAFT_LEADER && raft_is_sure(r, later));
	raft_receive(r, later, &m);
	settle(r);
	EXPECT(raft_is_sure(r, later));
	EXPECT(!raft_is_sure(r, mono_add(later, DUR_MS(200))));
out:
	raft_free(r);
}
