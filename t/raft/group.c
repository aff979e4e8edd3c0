/* SPDX-License-Identifier: Apache-2.0 */
/* Raft nodes in virtual time, and what must hold after every event. */
#include "config.h"

#include "raft/group.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- chance ---- */

uint64_t
group_random(struct group *g)
{
	uint64_t z = g->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t
group_below(struct group *g, uint64_t n)
{
	return group_random(g) % n;
}

void
group_fail(struct group *g, const char *fmt, ...)
{
	va_list args;

	if (g->violation[0] != '\0')
		return;
	va_start(args, fmt);
	vsnprintf(g->violation, sizeof g->violation, fmt, args);
	va_end(args);
}

static uint64_t
mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0xff51afd7ed558ccd);
	return h ^ (h >> 32);
}

static uint64_t
entry_hash(uint64_t h, const struct raft_entry *e)
{
	size_t i;

	h = mix(mix(mix(h, e->index), e->term), e->kind);
	for (i = 0; e->data != NULL && i < e->data->len; i++)
		h = mix(h, e->data->data[i]);
	return h;
}

/* ---- history ---- */

struct seen { /* an entry that was in some log */
	uint64_t index, term, chain;
	struct seen *next;
};

struct history {
	struct seen **seen; /* by index */
	uint64_t *committed; /* hash of the state after index; 0: not yet */
	uint64_t *term_at;
	size_t cap;
	uint64_t last; /* committed */
	uint64_t *leader_of; /* by term */
	size_t terms;
};

static void *
grow_zeroed(void *at, size_t from, size_t to, size_t size)
{
	at = mem_resize(at, to, size);
	memset((char *)at + from * size, 0, (to - from) * size);
	return at;
}

static void
history_reach(struct history *h, uint64_t index)
{
	size_t cap = h->cap == 0 ? 256 : h->cap;

	while (cap <= index)
		cap *= 2;
	if (cap == h->cap)
		return;
	h->seen = grow_zeroed(h->seen, h->cap, cap, sizeof *h->seen);
	h->committed = grow_zeroed(h->committed, h->cap, cap,
	    sizeof *h->committed);
	h->term_at = grow_zeroed(h->term_at, h->cap, cap, sizeof *h->term_at);
	h->cap = cap;
}

/* Log matching. */
static void
check_entry(struct group *g, unsigned i, uint64_t index, uint64_t term,
    uint64_t chain)
{
	struct history *h = g->history;
	struct seen *s;

	history_reach(h, index);
	for (s = h->seen[index]; s != NULL; s = s->next) {
		if (s->term != term)
			continue;
		if (s->chain != chain)
			group_fail(g, "log matching: node %u has another past "
			    "before %llu of term %llu", i,
			    (unsigned long long)index,
			    (unsigned long long)term);
		return;
	}
	s = mem_alloc(sizeof *s);
	*s = (struct seen){ index, term, chain, h->seen[index] };
	h->seen[index] = s;
}

/* State machine safety. */
static void
check_applied(struct group *g, unsigned i, uint64_t index, uint64_t term,
    uint64_t hash)
{
	struct history *h = g->history;

	history_reach(h, index);
	if (h->committed[index] == 0) {
		h->committed[index] = hash;
		h->term_at[index] = term;
		if (index > h->last)
			h->last = index;
	} else if (h->committed[index] != hash) {
		group_fail(g, "state machine safety: node %u has applied "
		    "something else up to %llu", i, (unsigned long long)index);
	}
}

static void
check_leader(struct group *g, unsigned i)
{
	struct node *n = &g->node[i];
	struct history *h = g->history;
	uint64_t term = raft_term(n->raft), last = h->last;

	if (term >= h->terms) {
		size_t terms = h->terms == 0 ? 256 : h->terms;

		while (terms <= term)
			terms *= 2;
		h->leader_of = grow_zeroed(h->leader_of, h->terms, terms,
		    sizeof *h->leader_of);
		h->terms = terms;
	}
	if (h->leader_of[term] != 0 && h->leader_of[term] != n->id)
		group_fail(g, "two leaders in term %llu: node %u is the second",
		    (unsigned long long)term, i);
	if (h->leader_of[term] == n->id)
		return;
	h->leader_of[term] = n->id;
	g->elections++;
	if (last == 0)
		return;
	if (raft_last(n->raft) < last
	    || (last >= raft_first(n->raft)
		&& raft_at(n->raft, last)->term != h->term_at[last]))
		group_fail(g, "leader completeness: node %u leads term %llu "
		    "without %llu", i, (unsigned long long)term,
		    (unsigned long long)last);
}

/* ---- the network ---- */

static bool
later(const struct flying *a, const struct flying *b)
{
	return a->due.us != b->due.us ? a->due.us > b->due.us
	    : a->order > b->order;
}

static void
heap_push(struct group *g, const struct flying *f)
{
	size_t i = g->flying++;

	if (g->flying > g->heap_cap) {
		g->heap_cap = g->heap_cap == 0 ? 64 : g->heap_cap * 2;
		g->heap = mem_resize(g->heap, g->heap_cap, sizeof *g->heap);
	}
	while (i > 0 && later(&g->heap[(i - 1) / 2], f)) {
		g->heap[i] = g->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	g->heap[i] = *f;
}

static struct flying
heap_pop(struct group *g)
{
	struct flying top = g->heap[0], last = g->heap[--g->flying];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < g->flying) {
		if (child + 1 < g->flying
		    && later(&g->heap[child], &g->heap[child + 1]))
			child++;
		if (!later(&last, &g->heap[child]))
			break;
		g->heap[i] = g->heap[child];
		i = child;
	}
	g->heap[i] = last;
	return top;
}

static int
node_of(const struct group *g, raft_id id)
{
	unsigned i;

	for (i = 0; i < g->n; i++)
		if (g->node[i].id == id)
			return (int)i;
	return -1;
}

/* By way of its bytes, as between processes. */
static void
fly(struct group *g, const struct raft_message *m)
{
	struct flying f = { .order = g->order++ };
	struct buf b;

	buf_init(&b);
	raft_message_pack(&b, m);
	/* The chunk points into these bytes: they go along as a blob. */
	struct raft_blob *bytes = raft_blob_new(b.data, b.len);
	if (raft_message_unpack(&f.m, (struct bin){ bytes->data, bytes->len },
		NULL) != ERR_NONE)
		group_fail(g, "a message of type %d does not read back",
		    m->type);
	f.m.chunk_of = bytes;
	buf_fini(&b);
	f.due = mono_add(g->now, DUR_US(50
	    + (int64_t)group_below(g, (uint64_t)g->delay.us + 1)));
	heap_push(g, &f);
}

static void
send(struct group *g, unsigned from, struct raft_message *m)
{
	int to = node_of(g, m->to);

	if (to >= 0 && !g->cut[from][to] && group_below(g, 1000) >= g->lose) {
		fly(g, m);
		if (group_below(g, 1000) < g->doubles)
			fly(g, m);
	}
	raft_message_fini(m);
}

static void
arrive(struct group *g)
{
	struct flying f = heap_pop(g);
	int to = node_of(g, f.m.to), from = node_of(g, f.m.from);

	if (to >= 0 && from >= 0 && g->node[to].raft != NULL
	    && !g->cut[from][to]) {
		raft_receive(g->node[to].raft, g->now, &f.m);
		group_settle(g, (unsigned)to);
	}
	raft_message_fini(&f.m);
}

/* ---- disks ---- */

static void
entries_drop(struct disk *d, uint64_t from)
{
	while (d->n > 0 && d->entries[d->n - 1].index >= from)
		raft_blob_unref(d->entries[--d->n].data);
}

static void
write_fini(struct disk_write *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		raft_blob_unref(w->entries[i].data);
	mem_free(w->entries);
	raft_blob_unref(w->snap.data);
}

static void
disk_apply(struct disk *d, struct disk_write *w)
{
	size_t i;

	if (w->state) {
		d->term = w->term;
		d->vote = w->vote;
	}
	if (w->snapshot) {
		raft_blob_ref(w->snap.data);
		raft_blob_unref(d->snapshot.data);
		d->snapshot = w->snap;
	}
	if (w->reset)
		entries_drop(d, 0);
	if (w->first != 0)
		entries_drop(d, w->first);
	for (i = 0; i < w->n; i++) {
		if (d->n == d->cap) {
			d->cap = d->cap == 0 ? 64 : d->cap * 2;
			d->entries = mem_resize(d->entries, d->cap,
			    sizeof *d->entries);
		}
		d->entries[d->n] = w->entries[i];
		raft_blob_ref(w->entries[i].data);
		d->n++;
	}
}

static void
disk_begin(struct group *g, struct node *n, const struct raft_write *w)
{
	struct disk *d = &n->disk;
	struct disk_write q = { .serial = w->serial, .state = w->state,
		.term = w->term, .vote = w->vote, .reset = w->reset,
		.snapshot = w->snapshot != NULL, .first = w->first,
		.n = w->n };
	size_t i;

	if (w->snapshot != NULL) {
		q.snap = *w->snapshot;
		raft_blob_ref(q.snap.data);
	}
	if (w->n > 0) {
		q.entries = mem_alloc(w->n * sizeof *q.entries);
		memcpy(q.entries, w->entries, w->n * sizeof *q.entries);
	}
	for (i = 0; i < w->n; i++)
		raft_blob_ref(q.entries[i].data);
	q.due = mono_add(g->now, DUR_US((int64_t)group_below(g,
	    (uint64_t)(g->disk_delay.us + n->disk_delay.us) + 1)));
	if (d->queued > 0 && q.due.us < d->queue[d->queued - 1].due.us)
		q.due = d->queue[d->queued - 1].due;
	if (d->queued == d->queue_cap) {
		d->queue_cap = d->queue_cap == 0 ? 8 : d->queue_cap * 2;
		d->queue = mem_resize(d->queue, d->queue_cap,
		    sizeof *d->queue);
	}
	d->queue[d->queued++] = q;
}

static void
disk_end(struct group *g, unsigned i)
{
	struct disk *d = &g->node[i].disk;
	struct disk_write w = d->queue[0];

	d->queued--;
	memmove(d->queue, d->queue + 1, d->queued * sizeof *d->queue);
	disk_apply(d, &w);
	raft_wrote(g->node[i].raft, g->now, w.serial);
	write_fini(&w);
	group_settle(g, i);
}

/* ---- what a node says ---- */

static uint64_t
chain_at(const struct node *n, uint64_t index)
{
	return index < n->chain_cap ? n->chain[index] : 0;
}

static void
chain_set(struct node *n, uint64_t index, uint64_t chain)
{
	size_t cap = n->chain_cap == 0 ? 256 : n->chain_cap;

	while (cap <= index)
		cap *= 2;
	if (cap != n->chain_cap) {
		n->chain = grow_zeroed(n->chain, n->chain_cap, cap,
		    sizeof *n->chain);
		n->chain_cap = cap;
	}
	n->chain[index] = chain;
}

static void
check_write(struct group *g, unsigned i, const struct raft_write *w)
{
	struct node *n = &g->node[i];
	size_t k;

	for (k = 0; k < w->n; k++) {
		const struct raft_entry *e = &w->entries[k];
		uint64_t before = chain_at(n, e->index - 1);

		chain_set(n, e->index, entry_hash(before, e));
		if (before != 0 || e->index == 1)
			check_entry(g, i, e->index, e->term,
			    chain_at(n, e->index));
	}
}

/* A snapshot's data: index, hash, chain, padding. */
enum { SNAPSHOT_WORDS = 3, SNAPSHOT_BYTES = 700 };

static void
restore(struct group *g, unsigned i)
{
	struct node *n = &g->node[i];
	const struct raft_snapshot *s = raft_snapshot(n->raft);
	uint64_t words[SNAPSHOT_WORDS];

	if (s->data == NULL || s->data->len != SNAPSHOT_BYTES) {
		group_fail(g, "node %u got a snapshot that is not whole", i);
		return;
	}
	memcpy(words, s->data->data, sizeof words);
	if (words[0] != s->index) {
		group_fail(g, "node %u got the snapshot of %llu as that of "
		    "%llu", i, (unsigned long long)words[0],
		    (unsigned long long)s->index);
		return;
	}
	n->hash = words[1];
	chain_set(n, s->index, words[2]);
	check_applied(g, i, s->index, s->term, n->hash);
	g->snapshots++;
}

static void
on_read(struct group *g, unsigned i, uint64_t serial)
{
	size_t k;

	for (k = 0; k < g->reads; k++) {
		if (g->read[k].serial != serial)
			continue;
		if (raft_applied(g->node[i].raft) < g->read[k].at_least)
			group_fail(g, "node %u answered a read at %llu, %llu "
			    "was committed before", i, (unsigned long long)
			    raft_applied(g->node[i].raft),
			    (unsigned long long)g->read[k].at_least);
		g->reads_done++;
		g->read[k] = g->read[--g->reads];
		return;
	}
}

static void
take_news(struct group *g, unsigned i)
{
	struct raft_news news;

	while (raft_next_news(g->node[i].raft, &news)) {
		if (news.kind == RAFT_NEWS_RESTORE)
			restore(g, i);
		else if (news.kind == RAFT_NEWS_READ)
			on_read(g, i, news.serial);
	}
}

/* Could a quorum answer this leader at all? */
static bool
has_quorum(const struct group *g, unsigned i)
{
	const struct raft_members *m = raft_members(g->node[i].raft);
	unsigned k, voters = 0, there = 0;

	for (k = 0; k < m->n; k++) {
		int j = node_of(g, m->at[k].id);

		if (!m->at[k].voter)
			continue;
		voters++;
		there += j == (int)i || (j >= 0 && g->node[j].raft != NULL
		    && !g->cut[i][j] && !g->cut[j][i]);
	}
	return there > voters / 2;
}

static void
check_roles(struct group *g, unsigned i)
{
	struct node *n = &g->node[i];
	bool leads = raft_role(n->raft) == RAFT_LEADER;

	if (leads)
		check_leader(g, i);
	if (!leads || has_quorum(g, i))
		n->doubted = (mono_t){ 0 };
	else if (n->doubted.us == 0)
		n->doubted = g->now;
	else if (mono_sub(g->now, n->doubted).us > 3 * NODE_ELECTION.us)
		group_fail(g, "node %u leads without a quorum", i);
	/* Its own vote may already be on its way when it is cut off. */
	if (n->alone && raft_voters_of(n->raft) > 1
	    && raft_term(n->raft) > n->term_seen + 1)
		group_fail(g, "node %u is cut off and raised its term from "
		    "%llu to %llu", i, (unsigned long long)n->term_seen,
		    (unsigned long long)raft_term(n->raft));
}

unsigned
raft_voters_of(const struct raft *r)
{
	const struct raft_members *m = raft_members(r);
	unsigned i, n = 0;

	for (i = 0; i < m->n; i++)
		n += m->at[i].voter;
	return n;
}

void
group_settle(struct group *g, unsigned i)
{
	struct node *n = &g->node[i];
	struct raft_message m;
	struct raft_write w;
	struct raft_entry e;

	while (raft_next_write(n->raft, &w)) {
		check_write(g, i, &w);
		disk_begin(g, n, &w);
	}
	while (raft_next_message(n->raft, &m))
		send(g, i, &m);
	take_news(g, i);
	while (raft_next_entry(n->raft, &e)) {
		n->hash = entry_hash(n->hash, &e);
		check_applied(g, i, e.index, e.term, n->hash);
		g->applied++;
	}
	take_news(g, i);
	check_roles(g, i);
}

/* ---- events ---- */

static mono_t
next_due(const struct group *g, int *disk, int *tick)
{
	mono_t due = { INT64_MAX };
	unsigned i;

	*disk = *tick = -1;
	if (g->flying > 0)
		due = g->heap[0].due;
	for (i = 0; i < g->n; i++) {
		const struct node *n = &g->node[i];
		mono_t t;

		if (n->raft == NULL)
			continue;
		if (n->disk.queued > 0 && n->disk.queue[0].due.us < due.us) {
			due = n->disk.queue[0].due;
			*disk = (int)i;
			*tick = -1;
		}
		t = raft_deadline(n->raft);
		if (t.us < due.us) {
			due = t;
			*disk = -1;
			*tick = (int)i;
		}
	}
	return due;
}

static void
one_event(struct group *g, mono_t due, int disk, int tick)
{
	if (due.us > g->now.us)
		g->now = due;
	g->events++;
	if (disk >= 0) {
		disk_end(g, (unsigned)disk);
	} else if (tick >= 0) {
		raft_tick(g->node[tick].raft, g->now);
		group_settle(g, (unsigned)tick);
	} else {
		arrive(g);
	}
}

bool
group_step(struct group *g)
{
	int disk, tick;
	mono_t due = next_due(g, &disk, &tick);

	if (due.us != INT64_MAX)
		one_event(g, due, disk, tick);
	return g->violation[0] == '\0';
}

bool
group_run(struct group *g, dur_t d)
{
	mono_t end = mono_add(g->now, d);
	int disk, tick;

	while (g->violation[0] == '\0') {
		mono_t due = next_due(g, &disk, &tick);

		if (due.us > end.us) {
			g->now = end;
			return true;
		}
		one_event(g, due, disk, tick);
	}
	return false;
}

/* ---- life ---- */

static void
start(struct group *g, unsigned i)
{
	struct node *n = &g->node[i];
	struct raft_options o = { .self = n->id, .heartbeat = NODE_HEARTBEAT,
		.election = NODE_ELECTION, .seed = group_random(g),
		.keep = g->keep, .batch = 8, .chunk = 200 };
	struct raft_stored s = { .term = n->disk.term, .vote = n->disk.vote,
		.snapshot = n->disk.snapshot, .entries = n->disk.entries,
		.n = n->disk.n };
	struct err err = ERR_INIT;
	uint64_t words[SNAPSHOT_WORDS] = { 0 };

	if (raft_new(&n->raft, &o, &s, g->now, &err) != ERR_NONE) {
		group_fail(g, "node %u does not start: %s", i, err.text);
		return;
	}
	n->generation++;
	if (s.snapshot.data != NULL)
		memcpy(words, s.snapshot.data->data, sizeof words);
	n->hash = words[1];
	chain_set(n, s.snapshot.index, words[2]);
	for (size_t k = 0; k < s.n; k++)
		if (s.entries[k].index > s.snapshot.index)
			chain_set(n, s.entries[k].index, entry_hash(
			    chain_at(n, s.entries[k].index - 1),
			    &s.entries[k]));
	n->doubted = (mono_t){ 0 };
	n->term_seen = n->disk.term;
	group_settle(g, i);
}

static void
disk_forget_queue(struct disk *d)
{
	size_t k;

	for (k = 0; k < d->queued; k++)
		write_fini(&d->queue[k]);
	d->queued = 0;
}

void
group_crash(struct group *g, unsigned i)
{
	if (g->node[i].raft == NULL)
		return;
	raft_free(g->node[i].raft);
	g->node[i].raft = NULL;
	disk_forget_queue(&g->node[i].disk);
	g->crashes++;
}

void
group_restart(struct group *g, unsigned i)
{
	if (g->node[i].raft == NULL)
		start(g, i);
}

static void
disk_fini(struct disk *d)
{
	disk_forget_queue(d);
	entries_drop(d, 0);
	mem_free(d->entries);
	mem_free(d->queue);
	raft_blob_unref(d->snapshot.data);
	*d = (struct disk){ 0 };
}

void
group_wipe(struct group *g, unsigned i)
{
	struct node *n = &g->node[i];

	group_crash(g, i);
	disk_fini(&n->disk);
	n->id += NODES_MAX;
	n->alone = false;
}

void
group_init(struct group *g, unsigned n, unsigned first, uint64_t seed)
{
	struct raft_members m = { 0 };
	unsigned i;

	*g = (struct group){ .random = seed, .now = { 1000000 }, .n = n,
		.first = first, .delay = DUR_MS(2), .disk_delay = DUR_MS(2),
		.keep = 5 };
	g->history = mem_zalloc(sizeof *g->history);
	for (i = 0; i < first; i++) {
		m.at[i] = (struct raft_member){ .id = i + 1, .voter = true };
		snprintf(m.at[i].address, sizeof m.at[i].address, "n%u", i);
		m.n++;
	}
	for (i = 0; i < n; i++) {
		g->node[i].id = i + 1;
		if (i < first)
			g->node[i].disk.snapshot.members = m;
		start(g, i);
	}
}

void
group_fini(struct group *g)
{
	struct history *h = g->history;
	size_t i;

	for (i = 0; i < g->n; i++) {
		raft_free(g->node[i].raft);
		disk_fini(&g->node[i].disk);
		mem_free(g->node[i].chain);
	}
	while (g->flying > 0) {
		struct flying f = heap_pop(g);

		raft_message_fini(&f.m);
	}
	mem_free(g->heap);
	mem_free(g->read);
	for (i = 0; i < h->cap; i++) {
		struct seen *s = h->seen[i], *next;

		for (; s != NULL; s = next) {
			next = s->next;
			mem_free(s);
		}
	}
	mem_free(h->seen);
	mem_free(h->committed);
	mem_free(h->term_at);
	mem_free(h->leader_of);
	mem_free(h);
}

/* ---- what tests do ---- */

static void
look_alone(struct group *g, unsigned i)
{
	struct node *n = &g->node[i];
	bool alone = true;
	unsigned j;

	for (j = 0; j < g->n; j++)
		if (j != i && (!g->cut[i][j] || !g->cut[j][i]))
			alone = false;
	if (alone && !n->alone && n->raft != NULL)
		n->term_seen = raft_term(n->raft);
	n->alone = alone && n->raft != NULL && (n->alone || true);
}

void
group_cut(struct group *g, unsigned from, unsigned to, bool cut)
{
	g->cut[from][to] = cut;
	look_alone(g, from);
	look_alone(g, to);
}

void
group_isolate(struct group *g, unsigned i, bool cut)
{
	unsigned j;

	for (j = 0; j < g->n; j++) {
		if (j == i)
			continue;
		group_cut(g, i, j, cut);
		group_cut(g, j, i, cut);
	}
}

void
group_heal(struct group *g)
{
	unsigned i, j;

	g->lose = g->doubles = 0;
	g->delay = g->disk_delay = DUR_MS(2);
	for (i = 0; i < g->n; i++) {
		g->node[i].disk_delay = DUR_ZERO;
		for (j = 0; j < g->n; j++)
			g->cut[i][j] = false;
	}
	for (i = 0; i < g->n; i++) {
		look_alone(g, i);
		group_restart(g, i);
	}
}

int
group_leader(const struct group *g)
{
	int best = -1;
	unsigned i;

	for (i = 0; i < g->n; i++)
		if (g->node[i].raft != NULL
		    && raft_role(g->node[i].raft) == RAFT_LEADER
		    && (best < 0 || raft_term(g->node[i].raft)
			> raft_term(g->node[best].raft)))
			best = (int)i;
	return best;
}

bool
group_propose(struct group *g, unsigned i, size_t len)
{
	uint8_t data[4096];
	uint64_t index, term, n = ++g->proposals;
	enum err_code code;

	memset(data, (int)n, sizeof data);
	memcpy(data, &n, sizeof n);
	code = raft_propose(g->node[i].raft, g->now, data,
	    len < sizeof n ? sizeof n : len, &index, &term, NULL);
	group_settle(g, i);
	return code == ERR_NONE;
}

bool
group_read(struct group *g, unsigned i)
{
	uint64_t serial = ++g->serial;

	if (g->reads == g->read_cap) {
		g->read_cap = g->read_cap == 0 ? 64 : g->read_cap * 2;
		g->read = mem_resize(g->read, g->read_cap, sizeof *g->read);
	}
	g->read[g->reads++] = (struct read_begun){ serial, g->history->last };
	if (raft_read(g->node[i].raft, g->now, serial, NULL) != ERR_NONE) {
		g->reads--;
		return false;
	}
	group_settle(g, i);
	return true;
}

bool
group_compact(struct group *g, unsigned i)
{
	struct node *n = &g->node[i];
	uint64_t at = raft_applied(n->raft);
	uint64_t words[SNAPSHOT_WORDS] = { at, n->hash, chain_at(n, at) };
	uint8_t data[SNAPSHOT_BYTES] = { 0 };
	struct raft_blob *blob;

	if (at <= raft_snapshot(n->raft)->index)
		return false;
	memcpy(data, words, sizeof words);
	blob = raft_blob_new(data, sizeof data);
	raft_compact(n->raft, at, blob);
	raft_blob_unref(blob);
	group_settle(g, i);
	return true;
}

static bool
is_converged(const struct group *g)
{
	int leader = group_leader(g);
	const struct raft *l;
	unsigned i;

	if (leader < 0)
		return false;
	l = g->node[leader].raft;
	if (raft_commit(l) != raft_last(l) || !raft_is_sure(l, g->now))
		return false;
	for (i = 0; i < g->n; i++) {
		const struct node *n = &g->node[i];

		if (n->raft == NULL
		    || raft_members_find(raft_members(l), n->id) == NULL)
			continue;
		if ((raft_role(n->raft) == RAFT_LEADER) != (leader == (int)i)
		    || raft_applied(n->raft) != raft_applied(l)
		    || n->hash != g->node[leader].hash)
			return false;
	}
	return true;
}

bool
group_converges(struct group *g, dur_t d)
{
	mono_t end = mono_add(g->now, d);

	while (g->now.us < end.us) {
		if (is_converged(g))
			return true;
		if (!group_step(g))
			return false;
	}
	group_fail(g, "no agreement after the faults were healed");
	return false;
}
