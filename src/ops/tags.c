/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags: free name=value pairs of servers.  From: inst/tag.go, 3.2.6.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ops/order.h"

/* One tag as the caller wrote it. */
struct tag {
	const char *name;
	const char *value; /* "" when none was given */
	bool has_value;
};

/*
 * tagName and tagValue, or tag as name or name=value.  A call about one tag's
 * value names the tag only.  false: answered.
 */
static bool
tag_arg(struct op_call *c, struct tag *tag)
{
	const char *text = op_arg(c, "tagName");
	const char *eq;

	tag->value = "";
	tag->has_value = false;
	if (text != NULL) {
		tag->name = text;
		tag->has_value = op_arg(c, "tagValue") != NULL;
		if (tag->has_value)
			tag->value = op_arg(c, "tagValue");
		return true;
	}
	text = op_arg(c, "tag");
	eq = text != NULL ? strchr(text, '=') : NULL;
	if (text == NULL || eq == text) {
		reply_error(c, "No tag given: name or name=value");
		return false;
	}
	tag->name = text;
	if (eq != NULL) {
		tag->name = arena_strndup(&c->arena, text,
		    (size_t)(eq - text));
		tag->value = eq + 1;
		tag->has_value = true;
	}
	return true;
}

/* ---- reading ---- */

void
op_run_tags(struct op_call *c)
{
	const struct control_tag *t;
	struct control_iter it;
	struct key key;
	struct json *w;

	if (!view_key_arg(c, "host", "port", &key))
		return;
	w = reply_raw(c);
	json_arr(w);
	control_tags(view_control(c), view_key_known(c, key), &it);
	while ((t = control_next(&it)) != NULL)
		json_str(w, arena_printf(&c->arena, "%s=%s", t->name,
				t->value));
	json_end(w);
	reply_sent(c, 200);
}

void
op_run_tag_value(struct op_call *c)
{
	const char *value;
	struct key key;
	struct tag tag;

	if (!view_key_arg(c, "host", "port", &key) || !tag_arg(c, &tag))
		return;
	key = view_key_known(c, key);
	value = control_tag(view_control(c), key, tag.name);
	if (value == NULL) {
		reply_error(c, "tag %s not found for %s:%u", tag.name, key.host,
		    key.port);
		return;
	}
	json_str(reply_raw(c), value);
	reply_sent(c, 200);
}

/* Keys to look at, known servers and tagged ones. */
struct candidates {
	struct key *at;
	size_t n;
};

static int
key_qcmp(const void *x, const void *y)
{
	return key_cmp(*(const struct key *)x, *(const struct key *)y);
}

static void
sort_unique(struct candidates *l)
{
	size_t n = 0;

	if (l->n > 1)
		qsort(l->at, l->n, sizeof(*l->at), key_qcmp);
	for (size_t i = 0; i < l->n; i++)
		if (n == 0 || !key_eq(l->at[n - 1], l->at[i]))
			l->at[n++] = l->at[i];
	l->n = n;
}

static struct candidates
candidates(struct op_call *c)
{
	const struct control *control = view_control(c);
	struct founds all = view_all(c);
	struct candidates l = { 0 };
	const struct control_tag *t;
	struct control_iter it;

	l.at = arena_alloc(&c->arena,
	    (all.n + control_count(control, CONTROL_tag)) * sizeof(*l.at));
	for (size_t i = 0; i < all.n; i++)
		l.at[l.n++] = all.at[i].m->in->key;
	control_each(control, CONTROL_tag, &it);
	while ((t = control_next(&it)) != NULL)
		if (l.n == 0 || !key_eq(l.at[l.n - 1], t->key))
			l.at[l.n++] = t->key;
	sort_unique(&l);
	return l;
}

/*
 * A server without any tag lacks every name, so "~name" finds it: all known
 * servers are looked at.  (v1 looks only at those with some tag.)
 */
void
op_run_tagged(struct op_call *c)
{
	const char *terms = op_arg(c, "tag");
	struct err err = ERR_INIT;
	struct candidates l;
	struct json *w;
	bool match;

	if (terms == NULL) {
		reply_error(c, "No tag given");
		return;
	}
	l = candidates(c);
	w = reply_raw(c);
	json_arr(w);
	for (size_t i = 0; i < l.n; i++) {
		if (control_tags_match(view_control(c), l.at[i], terms, &match,
			&err) != ERR_NONE) {
			reply_error(c, "%s", err.text);
			return;
		}
		if (match)
			view_key_json(w, l.at[i]);
	}
	json_end(w);
	reply_sent(c, 200);
}

/* ---- changing ---- */

static void
on_tagged(struct op_call *c, const struct msg *m)
{
	struct key key = order_key(c);

	if (!order_failed(c, m, NULL))
		order_key_done(c, "%s:%u tagged", key.host, key.port);
}

static void
put_tag(struct op_call *c, struct key key)
{
	struct tag tag;

	if (tag_arg(c, &tag))
		op_order(c, on_tagged, put_tag, .key = key, .name = tag.name,
		    .value = tag.value);
}

void
op_run_tag(struct op_call *c)
{
	order_with_key(c, put_tag);
}

static void
on_untagged(struct op_call *c, const struct msg *m)
{
	struct bin result;
	struct keys keys;
	struct json *w;

	if (order_failed(c, m, &result))
		return;
	if (!control_result_keys(result, &keys, &c->arena))
		assert(!"untag gives keys");
	w = reply_ok(c, "Tag removed from %zu instances", keys.n);
	json_arr(w);
	for (size_t i = 0; i < keys.n; i++)
		view_key_json(w, keys.at[i]);
	json_end(w);
	reply_end(c);
}

static void
untag(struct op_call *c, struct key key)
{
	struct tag tag;

	if (tag_arg(c, &tag))
		op_order(c, on_untagged, untag, .key = key, .name = tag.name,
		    .has_value = tag.has_value, .value = tag.value);
}

void
op_run_untag(struct op_call *c)
{
	order_with_key(c, untag);
}

void
op_run_untag_all(struct op_call *c)
{
	struct tag tag;

	if (!tag_arg(c, &tag))
		return;
	if (!tag.has_value) {
		reply_error(c, "tag must indicate a value: name=value");
		return;
	}
	op_order(c, on_untagged, untag_all, .name = tag.name,
	    .value = tag.value);
}
