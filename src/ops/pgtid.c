/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations that read servers' logs: the actor "searches" does it, the answer
 * is put into v1's words here; and places in logs that are known to be the same.
 * From: http/api.go and app/cli.go, 3.2.6.
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "ops/view.h"
#include "plan/pgtid.h"

/* Our own patience with servers that take theirs. */
#define SEARCH_LIMIT_MAX DUR_S(3600)

static dur_t
search_limit(struct op_call *c)
{
	dur_t d = DUR_S(view_config(c)->mysql_topology_read_timeout_seconds);

	return d.us < 1 || d.us > SEARCH_LIMIT_MAX.us ? SEARCH_LIMIT_MAX : d;
}

/* "file:pos"; NULL for none.  false: the error was answered. */
static bool
read_place(struct op_call *c, const char *text, struct coord *at)
{
	struct err err = ERR_INIT;

	*at = (struct coord){ .file = "" };
	if (text == NULL
	    || coord_parse(at, text, &c->arena, &err) == ERR_NONE)
		return true;
	reply_error(c, "%s", err.text);
	return false;
}

/* "destination=host[:port]".  false: the error was answered. */
static bool
destination_arg(struct op_call *c, struct key *to)
{
	const char *text = op_arg(c, "destination");
	struct err err = ERR_INIT;

	if (text == NULL) {
		reply_error(c, "No destination was given");
		return false;
	}
	if (key_parse(to, text,
	    (unsigned)view_config(c)->default_instance_port, &c->arena, &err)
	    != ERR_NONE) {
		reply_error(c, "%s", err.text);
		return false;
	}
	*to = view_key_known(c, *to);
	return true;
}

struct question {
	enum pgtid_goal goal;
	struct key to; /* KEY_NONE without a second server */
	struct coord at;
	const char *text;
	bool exhaustive;
};

static void
search(struct op_call *c, const struct question *q, op_answer_fn *fn)
{
	struct key key;

	if (!view_key_arg(c, "host", "port", &key))
		return;
	key = view_key_known(c, key);
	op_ask(c, op_app(c)->searches, search_run, search_limit(c), fn,
	    .goal = q->goal, .host = key.host, .port = key.port,
	    .to_host = q->to.host, .to_port = q->to.port, .file = q->at.file,
	    .pos = q->at.pos, .text = q->text, .exhaustive = q->exhaustive);
}

/* NULL: the error was answered. */
static const struct msg_searched *
searched(struct op_call *c, const struct msg *m)
{
	const struct msg_searched *s = as_searched(m);

	if (s->code == ERR_NONE)
		return s;
	if (s->code == ERR_BUSY)
		reply_busy(c, "log searches");
	else
		reply_error(c, "%s", s->error);
	return NULL;
}

/* Details: one text, printed as it is by the command line. */
static void
reply_text(struct op_call *c, const char *message, const char *details)
{
	json_str(reply_ok(c, "%s", message), details);
	reply_end(c);
}

static const char *
place(struct op_call *c, const char *file, int64_t pos)
{
	return arena_printf(&c->arena, "%s:%" PRId64, file, pos);
}

/* ---- one server ---- */

static void
on_last_marker(struct op_call *c, const struct msg *m)
{
	const struct msg_searched *s = searched(c, m);

	if (s != NULL)
		reply_text(c, place(c, s->at_file, s->at_pos), s->text);
}

void
op_run_last_pseudo_gtid(struct op_call *c)
{
	search(c, &(struct question){ .goal = PGTID_LAST, .to = KEY_NONE,
	    .at.file = "" }, on_last_marker);
}

static void
on_last_marker_line(struct op_call *c, const struct msg *m)
{
	const struct msg_searched *s = searched(c, m);

	if (s != NULL)
		reply_text(c, "", arena_printf(&c->arena, "%s:%s",
		    place(c, s->at_file, s->at_pos), s->text));
}

void
op_run_last_pseudo_gtid_line(struct op_call *c)
{
	search(c, &(struct question){ .goal = PGTID_LAST, .to = KEY_NONE,
	    .at.file = "", .exhaustive = op_arg(c, "strict") != NULL },
	    on_last_marker_line);
}

static void
on_found(struct op_call *c, const struct msg *m)
{
	const struct msg_searched *s = searched(c, m);

	if (s != NULL)
		reply_text(c, "", place(c, s->found_file, s->found_pos));
}

void
op_run_find_binlog_entry(struct op_call *c)
{
	const char *text = op_arg(c, "text");

	search(c, &(struct question){ .goal = PGTID_FIND, .to = KEY_NONE,
	    .at.file = "", .text = text == NULL ? "" : text }, on_found);
}

static void
on_last_relay_entry(struct op_call *c, const struct msg *m)
{
	const struct msg_searched *s = searched(c, m);

	if (s != NULL)
		reply_text(c, "", arena_printf(&c->arena,
		    "{Coordinates:%s NextEventPos:%" PRId64 " EventType:%s "
		    "Info:%s}:%" PRId64, place(c, s->at_file, s->at_pos),
		    s->end_pos, s->type, s->text, s->end_pos));
}

void
op_run_last_relay_entry(struct op_call *c)
{
	search(c, &(struct question){ .goal = PGTID_LAST_RELAY,
	    .to = KEY_NONE, .at.file = "" }, on_last_relay_entry);
}

static void
on_errant_located(struct op_call *c, const struct msg *m)
{
	const struct msg_searched *s = searched(c, m);
	struct json *w;

	if (s == NULL)
		return;
	w = reply_ok(c, "located errant GTID");
	json_arr(w);
	for (size_t at = 0; at < s->files.len;) {
		const char *name = (const char *)s->files.data + at;

		json_str(w, name);
		at += strlen(name) + 1;
	}
	json_end(w);
	reply_end(c);
}

void
op_run_locate_errant(struct op_call *c)
{
	search(c, &(struct question){ .goal = PGTID_ERRANT, .to = KEY_NONE,
	    .at.file = "" }, on_errant_located);
}

/* ---- two servers ---- */

void
op_run_correlate_binlog(struct op_call *c)
{
	struct question q = { .goal = PGTID_CORRELATE };

	if (destination_arg(c, &q.to) && read_place(c, op_arg(c, "at"), &q.at))
		search(c, &q, on_found);
}

static void
on_relay_correlated(struct op_call *c, const struct msg *m)
{
	const struct msg_searched *s = searched(c, m);

	if (s != NULL)
		reply_text(c, "", arena_printf(&c->arena, "%s;%s;%s",
		    place(c, s->at_file, s->at_pos),
		    place(c, s->found_file, s->found_pos),
		    place(c, s->next_file, s->next_pos)));
}

void
op_run_correlate_relaylog(struct op_call *c)
{
	struct question q = { .goal = PGTID_RELAY };

	if (destination_arg(c, &q.to) && read_place(c, op_arg(c, "at"), &q.at))
		search(c, &q, on_relay_correlated);
}

/* ---- places that earlier moves showed to be the same ---- */

static void
place_json(struct json *w, const struct control_equivalence *e,
    struct arena *a)
{
	json_obj(w);
	json_key(w, "Key");
	view_key_json(w, key_of_text(e->target, a));
	json_key(w, "Coordinates");
	json_obj(w);
	json_kstr(w, "LogFile", e->target_file);
	json_kuint(w, "LogPos", e->target_pos);
	json_kint(w, "Type", 0);
	json_end(w);
	json_end(w);
}

/* The next one of that place; NULL: no more. */
static const struct control_equivalence *
next_equal(struct control_iter *it, const struct coord *at)
{
	const struct control_equivalence *e;

	while ((e = control_next(it)) != NULL)
		if (strcmp(e->file, at->file) == 0
		    && e->pos == (uint64_t)at->pos)
			return e;
	return NULL;
}

void
op_run_equivalent(struct op_call *c)
{
	const char *file = op_arg(c, "logFile"), *pos = op_arg(c, "logPos");
	const struct control_equivalence *e;
	struct control_iter it;
	struct coord at;
	struct json *w;
	struct key key;
	unsigned n = 0;

	if (!view_key_arg(c, "host", "port", &key) || !read_place(c,
	    arena_printf(&c->arena, "%s:%s", file != NULL ? file : "",
	    pos != NULL ? pos : ""), &at))
		return;
	key = view_key_known(c, key);
	control_equivalences(view_control(c), key, &it);
	while (next_equal(&it, &at) != NULL)
		n++;
	w = reply_ok(c, "Found %u equivalent coordinates", n);
	control_equivalences(view_control(c), key, &it);
	if (n == 0)
		json_nil(w); /* v1 has no empty list here */
	else
		json_arr(w);
	while ((e = next_equal(&it, &at)) != NULL)
		place_json(w, e, &c->arena);
	if (n > 0)
		json_end(w);
	reply_end(c);
}
