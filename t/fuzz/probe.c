/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile server under the probe: the input is its replies, one after the
 * other, each a byte of kind, two bytes of length and the bytes of its rows.
 * Whatever it says, the probe ends after a bounded number of round trips, and
 * what it found packs and prints.  The memory goes on to a second probe.
 */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "mysql/probe.h"
#include "mysql/rows.h"

enum { ROUND_TRIPS_MAX = 200 };

struct input {
	const uint8_t *p;
	size_t left;
};

static unsigned
take_byte(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->p++;
}

/* Errors that a probe treats each in its way. */
static const unsigned errors[] = { 1193, 1064, 1146, 1227, 1142, 1317 };

static struct probe_reply
next_reply(struct input *in, uint32_t generation)
{
	unsigned kind = take_byte(in);
	size_t n = take_byte(in) << 8;
	struct probe_reply r = { .generation = generation, .error = "no" };

	n |= take_byte(in);
	if (n > in->left)
		n = in->left;
	r.rows = (struct bin){ in->p, n };
	in->p += n;
	in->left -= n;
	r.stale = kind == 255;
	if ((kind & 1) != 0) {
		r.code = ERR_SERVER;
		r.errnum = errors[kind / 2 % (sizeof errors / sizeof *errors)];
	}
	if (kind == 254)
		r.code = ERR_TIMEOUT;
	return r;
}

static void
show(struct instance *in)
{
	struct json w;
	struct buf b;

	buf_init(&b);
	instance_pack(&b, in);
	json_init(&w, &b);
	instance_json(&w, in);
	buf_fini(&b);
}

static void
run(struct probe_memory *m, const struct probe_options *o, struct input *in)
{
	struct arena a;
	struct probe p;
	struct key filed;
	const char *text;

	arena_init(&a);
	probe_start(&p, o, m, (struct key){ "db1", 3306 }, &a);
	for (int i = 0; (text = probe_text(&p)) != NULL; i++) {
		struct probe_reply r = next_reply(in, (uint32_t)i + 1);

		assert(i < ROUND_TRIPS_MAX && text[0] != '\0');
		probe_take(&p, &r);
	}
	if (p.err.code == ERR_NONE && !p.unchanged) {
		probe_filed_key(&p, &filed, NULL);
		show(probe_facts(&p));
	}
	probe_fini(&p);
	arena_fini(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct input in = { data, n };
	unsigned flags = take_byte(&in);
	struct probe_options o = {
		.filed = (enum probe_filed)(flags % 3),
		.skip_maxscale_check = (flags & 4) != 0,
		.list_replicas = (flags & 8) != 0,
		.credentials_query = (flags & 16) != 0,
	};
	struct probe_memory m;

	if ((flags & 32) != 0) {
		o.query[QUERY_LAG] = "select 1";
		o.query[QUERY_ALIAS] = "call x()";
		o.query[QUERY_SEMI_SYNC_PRIORITY] = "select 2";
	}
	probe_memory_init(&m);
	for (int i = 0; i < 2; i++)
		run(&m, &o, &in);
	probe_memory_fini(&m);
	return 0;
}
