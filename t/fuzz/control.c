/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as commands (two bytes of length, most significant first, then the
 * command), one after the other, and as a snapshot: what is accepted keeps the
 * tables sorted and bounded, and packs to the same state.
 */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "topology/control.h"

static void
differs(void *arg, enum control_table table, const void *was, const void *is)
{
	(void)table;
	(void)was;
	(void)is;
	++*(size_t *)arg;
}

static size_t
differences(const struct control *a, const struct control *b)
{
	size_t n = 0;

	control_diff(a, b, differs, &n);
	return n;
}

/* Packed, read again, packed again. */
static void
survives(const struct control *c)
{
	struct err err = ERR_INIT;
	struct control *again;
	struct buf one, two;

	buf_init(&one);
	buf_init(&two);
	control_pack(&one, c);
	again = control_unpack((struct bin){ (uint8_t *)one.data, one.len },
	    &err);
	assert(again != NULL);
	assert(differences(c, again) == 0);
	control_pack(&two, again);
	assert(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
	control_unref(again);
	buf_fini(&one);
	buf_fini(&two);
}

/* From nothing, the differences alone make it. */
static void
counts(const struct control *c)
{
	struct control *none = control_new();
	size_t rows = 0;

	for (unsigned i = 0; i < CONTROL_TABLES; i++)
		rows += control_count(c, (enum control_table)i);
	assert(differences(none, c) == rows);
	control_unref(none);
}

static struct control *
apply(struct control *c, struct bin command)
{
	struct err err = ERR_INIT;
	struct control *next;
	const char *cluster;
	struct buf text;
	struct key key;

	buf_init(&text);
	command_describe(command, &key, &cluster, &text);
	buf_reset(&text);
	if (control_apply(c, command, &next, &text, &err) == ERR_NONE) {
		assert(command_name(command) != NULL);
		control_unref(c);
		c = next;
	} else
		assert(next == NULL && err.text[0] != '\0');
	buf_fini(&text);
	return c;
}

static void
as_snapshot(const uint8_t *data, size_t n)
{
	struct err err = ERR_INIT;
	struct control *c = control_unpack((struct bin){ data, n }, &err);

	if (c != NULL)
		survives(c);
	else
		assert(err.text[0] != '\0');
	control_unref(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct control *c = control_new();
	const uint8_t *p = data;
	size_t left = n;

	while (left >= 2) {
		size_t len = (size_t)p[0] << 8 | p[1];

		p += 2;
		left -= 2;
		if (len > left)
			len = left;
		c = apply(c, (struct bin){ p, len });
		p += len;
		left -= len;
	}
	survives(c);
	counts(c);
	control_unref(c);
	as_snapshot(data, n);
	return 0;
}
