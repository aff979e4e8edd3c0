/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mailboxes of 1024 messages of 16 bytes.  MUTEX_COND takes all that waits at
 * once.  CK_MPSC, being full or empty, yields: it has nothing to sleep on,
 * which spares it the price of waking.  RINGS has a single-producer ring of
 * pointers from each thread and sleeps in an event count, as the runtime does;
 * the mail is in an array of the sender's.
 */
#include "config.h"

#include "mailbox.h"

#include <ck_ring.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "runtime/ring.h"
#include "runtime/rng.h"

enum { SIZE = 1024, SENDERS_MAX = 15 };

const char *const mailbox_name[MAILBOXES] = { "mutex+cond", "ck mpsc",
	"ck spsc each" };

struct mail {
	uint64_t who, n;
};

CK_RING_PROTOTYPE(mail, mail)

struct box {
	enum mailbox kind;
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	struct mail mail[SIZE];
	unsigned count;
	bool sleeping;
	int full; /* senders that wait */
	_Atomic bool stop;
	ck_ring_t ring;
	struct rings *rings;	/* from each sender to number 0 */
	struct sleeper sleeper;
	_Atomic int asleep;
	struct patience patience;
	struct sleeper room[SENDERS_MAX + 1]; /* senders that found it full */
	_Atomic bool starved[SENDERS_MAX + 1];
	struct mail (*ours)[2 * SIZE]; /* per sender: what is under way */
	unsigned next[SENDERS_MAX + 1];
};

static _Thread_local int sender_number = 1;

static struct box *
box_new(enum mailbox kind)
{
	struct box *b = calloc(1, sizeof *b);

	b->kind = kind;
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->filled, NULL);
	pthread_cond_init(&b->emptied, NULL);
	ck_ring_init(&b->ring, SIZE);
	b->rings = rings_new(SENDERS_MAX + 1);
	sleeper_init(&b->sleeper);
	for (int i = 0; i <= SENDERS_MAX; i++)
		sleeper_init(&b->room[i]);
	b->ours = calloc(SENDERS_MAX + 1, sizeof b->ours[0]);
	return b;
}

static void
box_free(struct box *b)
{
	pthread_mutex_destroy(&b->lock);
	pthread_cond_destroy(&b->filled);
	pthread_cond_destroy(&b->emptied);
	rings_free(b->rings);
	free(b->ours);
	free(b);
}

static void
put_mutex(struct box *b, struct mail m)
{
	bool wake;

	pthread_mutex_lock(&b->lock);
	while (b->count == SIZE && !b->stop) {
		b->full++;
		pthread_cond_wait(&b->emptied, &b->lock);
		b->full--;
	}
	if (b->count < SIZE)
		b->mail[b->count++] = m;
	wake = b->sleeping;
	b->sleeping = false;
	pthread_mutex_unlock(&b->lock);
	if (wake)
		pthread_cond_signal(&b->filled);
}

static unsigned
take_mutex(struct box *b, struct mail *out)
{
	unsigned n;

	pthread_mutex_lock(&b->lock);
	while (b->count == 0) {
		b->sleeping = true;
		pthread_cond_wait(&b->filled, &b->lock);
	}
	n = b->count;
	memcpy(out, b->mail, n * sizeof out[0]);
	b->count = 0;
	if (b->full > 0)
		pthread_cond_broadcast(&b->emptied);
	pthread_mutex_unlock(&b->lock);
	return n;
}

static void
put_ring(struct box *b, struct mail m)
{
	while (!ck_ring_enqueue_mpsc_mail(&b->ring, b->mail, &m) && !b->stop)
		sched_yield();
}

static unsigned
take_ring(struct box *b, struct mail *out)
{
	unsigned n = 0;

	while (!ck_ring_dequeue_mpsc_mail(&b->ring, b->mail, out))
		sched_yield();
	while (++n < SIZE &&
	    ck_ring_dequeue_mpsc_mail(&b->ring, b->mail, &out[n]))
		;
	return n;
}

static void
wake_taker(struct box *b)
{
	if (atomic_load_explicit(&b->asleep, memory_order_relaxed) &&
	    atomic_exchange(&b->asleep, 0))
		sleeper_wake(&b->sleeper);
}

/* As a thread of the runtime does with what it spilled. */
static void
put_when_room(struct box *b, int me, struct mail *mine)
{
	for (;;) {
		uint32_t value = sleeper_value(&b->room[me]);

		atomic_store(&b->starved[me], true);
		ring_fence();
		if (ring_push(b->rings, me, 0, mine) || b->stop)
			return;
		wake_taker(b);
		if (atomic_load(&b->starved[me]))
			sleeper_wait(&b->room[me], value, INT64_MAX);
	}
}

static void
put_rings(struct box *b, struct mail m)
{
	int me = sender_number;
	struct mail *mine = &b->ours[me][b->next[me]++ % (2 * SIZE)];

	*mine = m;
	if (!ring_push(b->rings, me, 0, mine))
		put_when_room(b, me, mine);
	ring_fence();
	wake_taker(b);
}

static unsigned
take_from(struct box *b, int from, struct mail *out)
{
	void *p[64];
	unsigned n = ring_pop(b->rings, from, 0, p, 64);

	for (unsigned i = 0; i < n; i++)
		out[i] = *(struct mail *)p[i];
	if (n == 0)
		return 0;
	ring_fence();
	if (atomic_load_explicit(&b->starved[from], memory_order_relaxed)) {
		atomic_store(&b->starved[from], false);
		sleeper_wake(&b->room[from]);
	}
	return n;
}

static unsigned
take_rings(struct box *b, struct mail *out)
{
	for (;;) {
		uint32_t value = sleeper_value(&b->sleeper);
		unsigned n = 0;

		for (int from = 1; from <= SENDERS_MAX; from++)
			n += take_from(b, from, out + n);
		if (n > 0)
			return n;
		if (rings_spin(b->rings, 0, &b->patience))
			continue;
		atomic_store(&b->asleep, 1);
		ring_fence();
		if (!rings_waiting(b->rings, 0))
			sleeper_wait(&b->sleeper, value, INT64_MAX);
		atomic_store(&b->asleep, 0);
	}
}

static void
put(struct box *b, struct mail m)
{
	static void (*const how[])(struct box *, struct mail) = { put_mutex,
		put_ring, put_rings };

	how[b->kind](b, m);
}

/* At least one, at most SIZE. */
static unsigned
take(struct box *b, struct mail *out)
{
	static unsigned (*const how[])(struct box *, struct mail *) = {
		take_mutex, take_ring, take_rings };

	return how[b->kind](b, out);
}

/* ---- many to one ---- */

struct sender {
	pthread_t id;
	struct box *box;
	uint64_t each;
	int number;
};

static void *
sender_main(void *arg)
{
	struct sender *s = arg;

	sender_number = s->number;
	for (uint64_t i = 0; i < s->each && !s->box->stop; i++)
		put(s->box, (struct mail){ 0, i });
	return NULL;
}

/* Let the senders go that wait for room. */
static void
box_stop(struct box *b)
{
	pthread_mutex_lock(&b->lock);
	b->stop = true;
	pthread_cond_broadcast(&b->emptied);
	pthread_mutex_unlock(&b->lock);
	for (int i = 1; i <= SENDERS_MAX; i++)
		sleeper_wake(&b->room[i]);
}

struct lap
mailbox_many_to_one(enum mailbox kind, int senders, uint64_t each)
{
	struct box *b = box_new(kind);
	struct sender *s = calloc((size_t)senders, sizeof *s);
	uint64_t got = 0, all = (uint64_t)senders * each;
	struct mail m[SIZE];
	struct lap lap = lap_begin();
	double more;

	for (int i = 0; i < senders; i++) {
		s[i].box = b;
		s[i].each = each;
		s[i].number = i + 1;
		pthread_create(&s[i].id, NULL, sender_main, &s[i]);
	}
	while (got < all && lap_end(lap).wall_ns < 2000000000)
		got += take(b, m);
	lap = lap_end(lap);
	more = (double)all / (double)got;
	lap.wall_ns = (int64_t)((double)lap.wall_ns * more);
	lap.cpu_ns = (int64_t)((double)lap.cpu_ns * more);
	box_stop(b);
	for (int i = 0; i < senders; i++)
		pthread_join(s[i].id, NULL);
	free(s);
	box_free(b);
	return lap;
}

/* ---- ping-pong ---- */

struct pair {
	struct box *there, *back;
	size_t rounds;
};

static void *
pong_main(void *arg)
{
	struct pair *p = arg;
	struct mail m[SIZE];

	for (size_t i = 0; i < p->rounds; i++) {
		take(p->there, m);
		put(p->back, m[0]);
	}
	return NULL;
}

struct lap
mailbox_ping_pong(enum mailbox kind, int64_t *ns, size_t rounds)
{
	struct pair p = { box_new(kind), box_new(kind), rounds };
	struct mail m[SIZE];
	struct lap lap = lap_begin();
	pthread_t id;

	pthread_create(&id, NULL, pong_main, &p);
	for (size_t i = 0; i < rounds; i++) {
		int64_t start = bench_ns(CLOCK_MONOTONIC);

		put(p.there, (struct mail){ 0, i });
		take(p.back, m);
		ns[i] = bench_ns(CLOCK_MONOTONIC) - start;
	}
	pthread_join(id, NULL);
	lap = lap_end(lap);
	box_free(p.there);
	box_free(p.back);
	return lap;
}

/* ---- tokens ---- */

enum { STOP = UINT32_MAX };

struct passer {
	pthread_t id;
	struct box *box[2], *done;
	int me;
};

static void *
passer_main(void *arg)
{
	struct passer *p = arg;
	struct rng r = { (uint64_t)p->me };
	struct mail m[SIZE];

	sender_number = p->me + 2;
	for (;;) {
		unsigned n = take(p->box[p->me], m);

		for (unsigned i = 0; i < n; i++) {
			if (m[i].who == STOP)
				return NULL;
			if (m[i].n == 0)
				put(p->done, m[i]);
			else
				put(p->box[rng_next(&r) % 2],
				    (struct mail){ 0, m[i].n - 1 });
		}
	}
}

/* At most SIZE / 2 tokens: two full boxes would wait for each other. */
struct lap
mailbox_tokens(enum mailbox kind, int tokens, unsigned hops)
{
	struct passer p[2];
	struct box *box[2] = { box_new(kind), box_new(kind) };
	struct box *done = box_new(kind);
	struct mail m[SIZE];
	struct lap lap = lap_begin();

	for (int i = 0; i < 2; i++) {
		p[i] = (struct passer){ 0, { box[0], box[1] }, done, i };
		pthread_create(&p[i].id, NULL, passer_main, &p[i]);
	}
	for (int i = 0; i < tokens; i++)
		put(box[i % 2], (struct mail){ 0, hops });
	for (int left = tokens; left > 0;)
		left -= (int)take(done, m);
	lap = lap_end(lap);
	for (int i = 0; i < 2; i++)
		put(box[i], (struct mail){ STOP, 0 });
	for (int i = 0; i < 2; i++)
		pthread_join(p[i].id, NULL);
	for (int i = 0; i < 2; i++)
		box_free(box[i]);
	box_free(done);
	return lap;
}
