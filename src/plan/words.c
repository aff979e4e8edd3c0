/* SPDX-License-Identifier: Apache-2.0 */
/* Plans for people, and as JSON. */
#include "config.h"

#include "plan/run_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "plan/words.h"
#include "topology/coord.h"

/*
 * What a step does, and what takes it back; "%" stands for the other server.
 */
static const struct {
	const char *does;
	const char *undo; /* NULL: nothing to undo */
} phrases[VERBS] = {
	[DO_READ] = { "look at it", NULL },
	[DO_STOP] = { "stop replication", "its threads as they were" },
	[DO_STOP_RECEIVER] = { "stop its receiver",
	    "its threads as they were" },
	[DO_STOP_APPLIER] = { "stop its applier", "its threads as they were" },
	[DO_STOP_NICELY] = { "stop replication when all that was received is"
	    " applied", "its threads as they were" },
	[DO_START] = { "start replication", "its threads as they were" },
	[DO_START_RECEIVER] = { "start its receiver",
	    "its threads as they were" },
	[DO_START_APPLIER] = { "start its applier",
	    "its threads as they were" },
	[DO_RESTORE] = { "its replication threads as they were found", NULL },
	[DO_START_UNTIL] = { "apply until a place, and stop there",
	    "its threads as they were; what was applied stays" },
	[DO_WAIT_FOR] = { "wait until it has executed what % has", NULL },
	[DO_CHANGE_SOURCE] = { "replicate from %",
	    "the source that it had, at the place that it had" },
	[DO_RESET_REPLICA] = { "forget its source",
	    "none: the password is gone with it" },
	[DO_DETACH] = { "make its source's name impossible",
	    "the source's name" },
	[DO_ATTACH] = { "give its source its name back",
	    "the impossible name" },
	[DO_DELAY] = { "delay replication", "the delay that it had" },
	[DO_SET_CREDENTIALS] = { "set the replication user and password",
	    "none: the old password cannot be read" },
	[DO_SKIP_QUERY] = { "skip the transaction that its applier fails on",
	    "none" },
	[DO_READ_ONLY] = { "make it read-only", "read_only as it was" },
	[DO_WRITABLE] = { "make it writeable", "read_only as it was" },
	[DO_SEMI_SYNC_SOURCE] = { "semi-sync as a source",
	    "the switch as it was" },
	[DO_SEMI_SYNC_REPLICA] = { "semi-sync as a replica",
	    "the switch as it was" },
	[DO_FLUSH_LOGS] = { "begin a new binary log", "none" },
	[DO_PURGE_LOGS] = { "purge binary logs", "none" },
	[DO_KILL_QUERY] = { "end a query", "none" },
	[DO_RESET_LOGS] = { "begin its binary logs and GTIDs anew",
	    "none: what was begun is completed" },
	[DO_INJECT_EMPTY] = { "empty transactions in place of missing ones",
	    "none" },
	[DO_MATCH] = { "find its place in the log of %, by Pseudo-GTID", NULL },
	[DO_RUN_HOOK] = { "run the programs that are configured", "none" },
};

static const char *const need_wires[] = {
#define NEED(NAME, wire, words) wire,
#include "plan/needs.def"
#undef NEED
};
static const char *const need_texts[] = {
#define NEED(NAME, wire, words) words,
#include "plan/needs.def"
#undef NEED
};

static const char *
name_of(const struct plan *p, unsigned server, char text[KEY_TEXT_MAX])
{
	return server == PLAN_NOBODY ? "nobody" :
	    key_text(p->server[server].key, text);
}

/* text, with the other server's name for mark. */
static void
add_with(struct buf *b, const char *text, const char *mark, const char *name)
{
	const char *at = strstr(text, mark);

	if (at == NULL) {
		buf_str(b, text);
		return;
	}
	buf_add(b, text, (size_t)(at - text));
	buf_str(b, name);
	buf_str(b, at + strlen(mark));
}

static unsigned
other_of(const struct step *s)
{
	return s->verb == DO_WAIT_FOR && s->at.kind != AT_GIVEN &&
	    s->at.kind != AT_NONE ? s->at.server : s->to;
}

void
words_step(const struct plan *p, const struct step *s, struct buf *b)
{
	char name[KEY_TEXT_MAX], at[COORD_TEXT_MAX];

	if (s->verb == DO_WAIT_FOR && s->at.kind == AT_GIVEN)
		buf_printf(b, "wait until it has executed %s",
		    coord_text(&s->at.coord, at));
	else
		add_with(b, phrases[s->verb].does, "%",
		    name_of(p, other_of(s), name));
	if (s->verb == DO_DELAY)
		buf_printf(b, " by %" PRId64 " s", s->number);
	if (s->verb == DO_SEMI_SYNC_SOURCE || s->verb == DO_SEMI_SYNC_REPLICA)
		buf_str(b, s->number != 0 ? ": on" : ": off");
}

/* ---- statements, from what is known ---- */

static const struct instance *
known(const struct plan *p, unsigned server)
{
	return server != PLAN_NOBODY && p->server[server].known != NULL ?
	    p->server[server].known->in : NULL;
}

static struct coord
place(const struct plan *p, const struct step *s)
{
	const struct coord none = { .file = "?" };
	const struct instance *in;
	struct coord at = none;

	switch (s->at.kind) {
	case AT_GIVEN: return s->at.coord;
	case AT_OWN_OF:
		in = known(p, s->at.server);
		at = in != NULL ? in->self_coord : none;
		break;
	case AT_EXECUTED_OF:
		in = known(p, s->at.server);
		at = in != NULL ? in->exec_coord : none;
		break;
	case AT_NONE:
		in = known(p, s->server);
		at = in != NULL ? in->exec_coord : none;
		break;
	default: break;
	}
	return coord_is_none(&at) ? none : at;
}

static size_t
statements(const struct plan *p, const struct step *s, struct buf *out)
{
	const struct instance *in = known(p, s->server);
	struct sql_account hidden = { .user = s->text[0] != '\0' ? s->text :
		"?", .password = "?" };
	struct sql_source to = { .heartbeat = "" };
	struct sql_ask ask = { .step = s, .in = in, .to = &to,
		.account = &hidden, .super = s->number != 0 };
	char host[KEY_HOST_MAX + 4];

	if (in == NULL)
		return 0;
	ask.at = to.at = place(p, s);
	to.heartbeat = in->heartbeat_period;
	channel_choose(s, in, &to.by);
	to.key = s->to != PLAN_NOBODY ? p->server[s->to].key : in->source_key;
	if (s->verb == DO_DETACH) {
		snprintf(host, sizeof host, "//%s", in->source_host_raw);
		to.key.host = host;
	} else if (s->verb == DO_ATTACH && key_is_detached(in->source_key))
		to.key.host = in->source_host_raw + 2;
	else if (s->verb == DO_CHANGE_SOURCE && s->to == PLAN_NOBODY)
		return 0;
	return sql_step(out, &ask);
}

/* A place that is only known when it is reached. */
static void
add_place(const struct plan *p, const struct step *s, struct buf *b)
{
	char name[KEY_TEXT_MAX];
	static const char *const text[] = {
		[AT_OWN_OF] = "where the log of %s ends then",
		[AT_EXECUTED_OF] = "where %s has executed to by then",
		[AT_MATCHED_OF] = "where the search for %s ended",
	};

	if (s->at.kind == AT_NONE || s->at.kind == AT_GIVEN ||
	    s->verb == DO_WAIT_FOR)
		return;
	buf_str(b, "      place: ");
	add_with(b, text[s->at.kind], "%s", name_of(p, s->at.server, name));
	buf_chr(b, '\n');
}

static void
add_needs(const struct plan *p, const struct step *s, struct buf *b)
{
	char name[KEY_TEXT_MAX];
	const char *before = "      only if ";

	for (unsigned n = 0; n < NEEDS; n++) {
		if ((s->needs & (UINT64_C(1) << n)) == 0)
			continue;
		buf_str(b, before);
		add_with(b, need_texts[n], "%s", name_of(p, s->to, name));
		before = ", and ";
	}
	if (before[0] == ',')
		buf_chr(b, '\n');
}

static void
add_step(const struct plan *p, size_t i, struct buf *b)
{
	const struct step *s = &p->step[i];
	char name[KEY_TEXT_MAX];
	struct buf sql;

	buf_printf(b, "%4zu. %s: ", i + 1, name_of(p, s->server, name));
	words_step(p, s, b);
	if (s->why[0] != '\0')
		buf_printf(b, " (%s)", s->why);
	buf_chr(b, '\n');
	add_needs(p, s, b);
	buf_init(&sql);
	statements(p, s, &sql);
	for (size_t at = 0; at < sql.len; at += strlen(sql.data + at) + 1)
		buf_printf(b, "      %s;\n", sql.data + at);
	buf_fini(&sql);
	add_place(p, s, b);
	if (phrases[s->verb].undo != NULL)
		buf_printf(b, "      undo: %s\n", phrases[s->verb].undo);
}

void
plan_words(const struct plan *p, struct buf *out)
{
	char name[KEY_TEXT_MAX];

	buf_printf(out, "%s\n", p->title);
	if (p->method[0] != '\0')
		buf_printf(out, "how: %s\n", p->method);
	for (size_t i = 0; i < p->warnings; i++)
		buf_printf(out, "warning: %s\n", p->warning[i]);
	for (size_t i = 0; i < p->steps; i++) {
		bool first = p->step[i].track != 0 &&
		    (i == 0 || p->step[i - 1].track == 0);

		if (first && p->side_by_side > 1)
			buf_printf(out, "   up to %u servers side by side:\n",
			    p->side_by_side);
		add_step(p, i, out);
	}
	if (p->steps == 0)
		buf_str(out, "   there is nothing to do\n");
	if (p->stage != 0)
		buf_str(out, "   the rest is decided when this is done\n");
	for (size_t i = 0; i < p->left_outs; i++)
		buf_printf(out, "left out: %s: %s\n",
		    key_text(p->left_out[i].key, name), p->left_out[i].why);
}

/* ---- JSON ---- */

static void
json_needs(struct json *w, const struct step *s)
{
	json_key(w, "Needs");
	json_arr(w);
	for (unsigned n = 0; n < NEEDS; n++)
		if ((s->needs & (UINT64_C(1) << n)) != 0)
			json_str(w, need_wires[n]);
	json_end(w);
}

static void
json_statements(const struct plan *p, const struct step *s, struct json *w)
{
	struct buf sql;

	buf_init(&sql);
	statements(p, s, &sql);
	json_key(w, "Statements");
	json_arr(w);
	for (size_t at = 0; at < sql.len; at += strlen(sql.data + at) + 1)
		json_str(w, sql.data + at);
	json_end(w);
	buf_fini(&sql);
}

void
words_json_step(const struct plan *p, const struct step *s, struct json *w)
{
	char name[KEY_TEXT_MAX];
	struct buf does;

	buf_init(&does);
	words_step(p, s, &does);
	json_kstr(w, "Server", name_of(p, s->server, name));
	json_kstr(w, "Action", verb_wire(s->verb));
	json_kstr(w, "Does", buf_text(&does));
	json_kstr(w, "Other", s->to == PLAN_NOBODY ? "" :
	    name_of(p, s->to, name));
	json_kstr(w, "Why", s->why);
	json_kuint(w, "Track", s->track);
	buf_fini(&does);
}

static void
json_step(const struct plan *p, const struct step *s, struct json *w)
{
	json_obj(w);
	words_json_step(p, s, w);
	json_needs(w, s);
	json_statements(p, s, w);
	json_kstr(w, "Undo", phrases[s->verb].undo != NULL ?
	    phrases[s->verb].undo : "");
	json_kint(w, "LimitSeconds", s->limit.us / 1000000);
	json_end(w);
}

void
plan_json(const struct plan *p, struct json *w)
{
	char name[KEY_TEXT_MAX];

	json_obj(w);
	json_kstr(w, "Operation", p->op);
	json_kstr(w, "Title", p->title);
	json_kstr(w, "Method", p->method);
	json_key(w, "Servers");
	json_arr(w);
	for (size_t i = 0; i < p->servers; i++) {
		json_obj(w);
		json_kstr(w, "Server", name_of(p, (unsigned)i, name));
		json_kbool(w, "Locked", p->server[i].locked);
		json_end(w);
	}
	json_end(w);
	json_key(w, "Steps");
	json_arr(w);
	for (size_t i = 0; i < p->steps; i++)
		json_step(p, &p->step[i], w);
	json_end(w);
	json_kbool(w, "Complete", p->stage == 0);
	json_key(w, "LeftOut");
	json_arr(w);
	for (size_t i = 0; i < p->left_outs; i++) {
		json_obj(w);
		json_kstr(w, "Server", key_text(p->left_out[i].key, name));
		json_kstr(w, "Why", p->left_out[i].why);
		json_end(w);
	}
	json_end(w);
	json_key(w, "Warnings");
	json_arr(w);
	for (size_t i = 0; i < p->warnings; i++)
		json_str(w, p->warning[i]);
	json_end(w);
	json_end(w);
}
