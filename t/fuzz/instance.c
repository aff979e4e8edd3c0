/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as packed servers, one after the other: what can be read packs to
 * the same facts, and together they have places and a tree.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "topology/note.h"
#include "topology/tree.h"

enum { SERVERS_MAX = 32 };

static void
survives(const struct instance *in, struct arena *a)
{
	struct instance again;
	struct buf b, text;
	struct pcur c;
	struct json w;

	buf_init(&b);
	instance_pack(&b, in);
	pcur_init(&c, b.data, b.len);
	assert(instance_unpack(&c, &again, a) && pcur_done(&c));
	assert(instance_digest(&again) == instance_digest(in));
	assert(instance_digest(instance_dup(in, a)) == instance_digest(in));
	buf_init(&text);
	json_init(&w, &text);
	instance_json(&w, in);
	buf_fini(&text);
	buf_fini(&b);
}

static const struct instance *
find(void *arg, struct key k)
{
	struct instance **in = arg;

	for (; *in != NULL; in++)
		if (key_eq((*in)->key, k))
			return *in;
	return NULL;
}

/* in ends with NULL. */
static void
root(struct instance **in, size_t n)
{
	const struct cluster_finder f = { find, in };

	for (size_t i = 0; i < n; i++)
		assert(find(in, cluster_root(in[i], &f, "")) != NULL);
}

static void
show(struct instance **in, size_t n, struct arena *a)
{
	struct tree_options o = { TREE_PLAIN, DUR_S(20), NULL };
	struct member m[SERVERS_MAX];
	struct note_input ni;
	struct buf b;
	size_t lines = 1;

	note_input_init(&ni, (wall_t){ 1000000 });
	for (size_t i = 0; i < n; i++) {
		struct member bare = { .in = in[i] };
		struct instance *noted = arena_alloc(a, sizeof *noted);

		note_fill(noted, &bare, &ni, a);
		m[i] = (struct member){ .in = noted };
	}
	buf_init(&b);
	tree_text(m, n, &o, &b);
	buf_reset(&b);
	o.form = TREE_KEYS;
	tree_text(m, n, &o, &b);
	for (size_t i = 0; i < b.len; i++)
		lines += b.data[i] == '\n';
	assert(n == 0 || lines >= n); /* everybody has a line */
	buf_fini(&b);
}

static bool
is_new(struct instance **in, const struct instance *one)
{
	return find(in, one->key) == NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct instance *in[SERVERS_MAX + 1] = { NULL };
	char name[KEY_TEXT_MAX];
	struct arena a;
	struct pcur c;
	size_t have = 0;

	arena_init(&a);
	pcur_init(&c, data, n);
	while (have < SERVERS_MAX && c.p < c.end) {
		struct instance *one = arena_alloc(&a, sizeof *one);

		if (!instance_unpack(&c, one, &a))
			break;
		survives(one, &a);
		if (is_new(in, one))
			in[have++] = one;
	}
	if (have > 0) {
		root(in, have);
		cluster_place(key_text(in[0]->key, name), in, have, &a);
		show(in, have, &a);
	}
	arena_fini(&a);
	return 0;
}
