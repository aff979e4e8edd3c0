/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as bytes: the same after a trip, and nothing else is believed. */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "raft/raft.h"
#include "tap.h"

static struct raft_members
some_members(unsigned n)
{
	struct raft_members m = { 0 };
	unsigned i;

	for (i = 0; i < n; i++) {
		m.at[i].id = 10 * (i + 1);
		m.at[i].voter = i % 2 == 0;
		strcpy(m.at[i].address, "db.example:10008");
	}
	m.n = n;
	return m;
}

static struct raft_blob *
members_blob(unsigned n)
{
	struct raft_members m = some_members(n);
	struct raft_blob *blob;
	struct buf b;

	buf_init(&b);
	raft_members_pack(&b, &m);
	blob = raft_blob_new(b.data, b.len);
	buf_fini(&b);
	return blob;
}

static void
pack(struct buf *b, const struct raft_message *m)
{
	buf_reset(b);
	raft_message_pack(b, m);
}

static bool
reads(const struct buf *b, struct raft_message *m)
{
	return raft_message_unpack(m, (struct bin){ (uint8_t *)b->data,
	    b->len }, NULL) == ERR_NONE;
}

static struct raft_message
an_append(struct raft_entry e[3])
{
	e[0] = (struct raft_entry){ 8, 3, RAFT_NOOP, NULL };
	e[1] = (struct raft_entry){ 9, 3, RAFT_DATA, raft_blob_new("abc", 3) };
	e[2] = (struct raft_entry){ 10, 4, RAFT_MEMBERS, members_blob(3) };
	return (struct raft_message){ .type = RAFT_APPEND, .from = 1, .to = 2,
		.term = 4, .round = 77, .stamp = 9, .index = 7, .index_term = 3,
		.commit = 6, .entries = e, .n = 3 };
}

static void
trip(struct buf *b)
{
	struct raft_entry e[3];
	struct raft_message m = an_append(e), got;

	pack(b, &m);
	ok(reads(b, &got), "an append reads back");
	ok(got.term == 4 && got.round == 77 && got.stamp == 9
	    && got.index == 7 && got.commit == 6
	    && got.n == 3, "with its numbers");
	ok(got.entries[0].index == 8 && got.entries[2].index == 10
	    && got.entries[0].data == NULL, "its entries in their places");
	ok(got.entries[1].data->len == 3
	    && memcmp(got.entries[1].data->data, "abc", 3) == 0, "their data");
	raft_message_fini(&got);
	raft_blob_unref(e[1].data);
	raft_blob_unref(e[2].data);
}

static void
trip_snapshot(struct buf *b)
{
	struct raft_members members = some_members(5);
	struct raft_message got, m = { .type = RAFT_SNAPSHOT, .from = 1,
		.to = 2, .term = 4, .index = 100, .index_term = 3, .at = 5,
		.total = 8, .chunk = (const uint8_t *)"xyz", .chunk_len = 3,
		.members = &members };

	pack(b, &m);
	ok(reads(b, &got), "a snapshot's last chunk reads back");
	ok(got.members != NULL && got.members->n == 5
	    && got.members->at[4].id == 50 && got.members->at[4].voter
	    && got.chunk_len == 3, "with its members");
	raft_message_fini(&got);
	m.members = NULL;
	pack(b, &m);
	ok(!reads(b, &got), "not without them");
	m.members = &members;
	m.at = 4;
	pack(b, &m);
	ok(!reads(b, &got), "nor with them before the end");
}

/* Each refused for one thing. */
static void
nonsense(struct buf *b)
{
	struct raft_message good = { .type = RAFT_VOTE, .from = 1, .to = 2,
		.term = 4, .index = 7, .index_term = 3 }, m, got;

	pack(b, &good);
	ok(reads(b, &got), "a question for a vote is fine");
	m = good;
	m.from = 0;
	pack(b, &m);
	ok(!reads(b, &got), "from nobody it is not");
	m = good;
	m.to = 1;
	pack(b, &m);
	ok(!reads(b, &got), "nor to oneself");
	m = good;
	m.term = 0;
	pack(b, &m);
	ok(!reads(b, &got), "nor in no term");
	m = good;
	m.index_term = 5;
	pack(b, &m);
	ok(!reads(b, &got), "nor with an entry of a later one");
	m = good;
	m.type = RAFT_TYPES;
	pack(b, &m);
	ok(!reads(b, &got), "nor of no type");
	pack(b, &good);
	buf_chr(b, '\0');
	ok(!reads(b, &got), "nor with a byte too many");
}

static void
nonsense_entries(struct buf *b)
{
	struct raft_entry e[3];
	struct raft_message m = an_append(e), got;
	struct raft_blob *members = e[2].data;

	e[1].term = 2;
	pack(b, &m);
	ok(!reads(b, &got), "terms of entries do not go back");
	e[1].term = 3;
	e[2].term = 5;
	pack(b, &m);
	ok(!reads(b, &got), "nor beyond the leader's");
	e[2].term = 4;
	e[2].data = e[1].data;
	pack(b, &m);
	ok(!reads(b, &got), "members that cannot be read are refused");
	e[2].data = members;
	m.index = UINT64_MAX - 2;
	pack(b, &m);
	ok(!reads(b, &got), "an index does not overflow");
	raft_blob_unref(e[1].data);
	raft_blob_unref(members);
}

/* Cut short anywhere, and any byte changed: refused, or something harmless. */
static void
damage(struct buf *b)
{
	struct raft_entry e[3];
	struct raft_message m = an_append(e), got;
	size_t i, len, read = 0;
	unsigned bit;

	pack(b, &m);
	len = b->len;
	for (i = 0; i < len; i++) {
		b->len = i;
		if (reads(b, &got)) {
			read++;
			raft_message_fini(&got);
		}
	}
	b->len = len;
	ok(read == 0, "no part of a message is one");
	for (i = 0; i < len; i++)
		for (bit = 0; bit < 8; bit++) {
			b->data[i] ^= (char)(1 << bit);
			if (reads(b, &got)) {
				read++;
				raft_message_fini(&got);
			}
			b->data[i] ^= (char)(1 << bit);
		}
	ok(read < len * 8, "%zu of %zu changed bits are refused",
	    len * 8 - read, len * 8);
	raft_blob_unref(e[1].data);
	raft_blob_unref(e[2].data);
}

int
main(void)
{
	struct buf b;

	buf_init(&b);
	trip(&b);
	trip_snapshot(&b);
	nonsense(&b);
	nonsense_entries(&b);
	damage(&b);
	buf_fini(&b);
	return tap_done();
}
