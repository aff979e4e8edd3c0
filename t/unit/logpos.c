/* SPDX-License-Identifier: Apache-2.0 */
/* logpos: where logs were, thinned out, and forgotten when they are others. */
#include "config.h"

#include "actors/logpos.h"
#include "base/mem.h"
#include "tap.h"

static struct instance in;
static struct member member = { .in = &in };
static struct cluster_snap cluster = { .members = &member, .n = 1 };
static struct logpos_snap *now;

static const struct pgtid_history *
sample(const char *file, int64_t pos, const char *relay, int64_t relay_pos)
{
	const struct cluster_snap *all[] = { &cluster };
	struct logpos_snap *next;

	in.self_coord = (struct coord){ file, pos, false };
	in.relay_coord = (struct coord){ relay, relay_pos, false };
	next = logpos_sample(now, all, 1);
	shared_unref(now);
	now = next;
	return logpos_of(now, in.key);
}

int
main(void)
{
	const struct pgtid_history *h = NULL;
	bool ascend = true;
	int64_t oldest;

	instance_init(&in);
	in.key = (struct key){ "a", 3306 };
	in.source_key = (struct key){ "s", 3306 };
	ok(logpos_of(NULL, in.key) == NULL, "nothing is known at first");
	for (int i = 1; i <= 200; i++)
		h = sample("bin.000007", i * 100, "relay.000002", i);
	is_int((int64_t)h->owns, PGTID_HISTORY_MAX, "so many, no more");
	is_int(h->own[0].pos, 20000, "the newest first");
	is_int(h->own[1].pos, 19900, "and the one before");
	for (size_t i = 1; i < h->owns; i++)
		ascend = ascend && h->own[i].pos < h->own[i - 1].pos;
	ok(ascend, "from new to old");
	oldest = h->own[h->owns - 1].pos;
	ok(oldest < 20000 - 2 * PGTID_HISTORY_MAX * 100,
	    "the oldest is far older than a dozen: %d minutes",
	    (int)(20000 - oldest) / 100);
	ok(h->relay[0].relay && h->relay[0].pos == 200, "relay logs, too");
	h = sample("bin.000007", 20000, "relay.000002", 200);
	ok(h->own[1].pos < 20000, "a log that stands still is kept once");
	in.source_key = (struct key){ "t", 3306 };
	h = sample("bin.000007", 20100, "relay.000002", 300);
	ok(h->relays == 1 && h->owns > 1, "another source: another relay log");
	h = sample("bin.000001", 4, "relay.000001", 4);
	ok(h->relays == 1 && h->owns == 1, "logs that were begun anew");
	member.health.failures = 1;
	ok(sample("bin.000001", 400, "", 0) == NULL,
	    "who does not answer is forgotten");
	shared_unref(now);
	return tap_done();
}
