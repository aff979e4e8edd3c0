/* SPDX-License-Identifier: Apache-2.0 */
/* A search's frame: phases, questions and answers; see pgtid.h. */
#include "config.h"

#include "plan/pgtid.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "plan/pgtid_impl.h"

static const struct goal {
	bool markers; /* needs a pattern */
	bool both;    /* needs a B */
	phase_fn phase[PHASES_MAX];
} goals[] = {
	[PGTID_MATCH] = { true, true, { last_marker, find_marker, walk } },
	[PGTID_CORRELATE] = { true, true, { last_marker, find_marker, walk } },
	[PGTID_LAST] = { true, false, { last_marker } },
	[PGTID_FIND] = { false, false, { find_text } },
	[PGTID_RELAY] = { false, true, { relay_at, relay_find } },
	[PGTID_LAST_RELAY] = { false, false, { last_relay_event } },
	[PGTID_ERRANT] = { false, false, { errant_files } },
};

/* ---- making ---- */

static void
copy_coord(struct arena *a, struct coord *c)
{
	c->file = arena_strdup(a, c->file == NULL ? "" : c->file);
}

static void
copy_rule(struct pgtid *s, const struct pgtid_rule *rule)
{
	const char **skip = arena_alloc(&s->arena,
	    (rule->skip.n + 1) * sizeof *skip);

	s->rule = *rule;
	if (rule->hold != NULL)
		s->rule.match_arg = rule->hold(rule->match_arg);
	s->rule.fixed = arena_strdup(&s->arena, rule->fixed);
	s->rule.hint = arena_strdup(&s->arena, rule->hint);
	for (size_t i = 0; i < rule->skip.n; i++)
		skip[i] = arena_strdup(&s->arena, rule->skip.at[i]);
	s->rule.skip.at = skip;
}

static void
copy_history(struct pgtid *s, enum pgtid_side side,
    const struct pgtid_history *from)
{
	struct pgtid_history *h = &s->history[side];

	if (from == NULL)
		return;
	*h = *from;
	for (size_t i = 0; i < h->owns; i++)
		copy_coord(&s->arena, &h->own[i]);
	for (size_t i = 0; i < h->relays; i++)
		copy_coord(&s->arena, &h->relay[i]);
}

static void
copy_server(struct pgtid *s, enum pgtid_side side, const struct instance *in,
    const struct pgtid_history *history)
{
	struct instance *to = &s->in[side];

	if (in == NULL)
		return;
	*to = *in;
	to->key = key_dup(in->key, &s->arena);
	to->source_key = key_dup(in->source_key, &s->arena);
	to->binlog_format = arena_strdup(&s->arena, in->binlog_format);
	to->version = arena_strdup(&s->arena, in->version);
	to->version_comment = arena_strdup(&s->arena, in->version_comment);
	to->gtid_purged = arena_strdup(&s->arena, in->gtid_purged);
	copy_coord(&s->arena, &to->self_coord);
	copy_coord(&s->arena, &to->relay_coord);
	to->relay_coord.relay = true;
	copy_history(s, side, history);
	log_init(&s->log[side], to, s->rule.chunk, &s->arena, &s->cost);
}

struct pgtid *
pgtid_new(const struct pgtid_request *r, mono_t now)
{
	struct pgtid *s = mem_zalloc(sizeof *s);
	const struct goal *goal = &goals[r->goal];

	assert(r->a != NULL && r->rule != NULL && r->limit.us > 0);
	assert(!goal->both || r->b != NULL);
	arena_init(&s->arena);
	gtid_set_init(&s->errant.left);
	buf_init(&s->sql);
	buf_init(&s->answer);
	buf_init(&s->text[PGTID_A]);
	buf_init(&s->text[PGTID_B]);
	s->r = *r;
	s->began = s->now = now;
	copy_rule(s, r->rule);
	copy_server(s, PGTID_A, r->a, r->a_history);
	copy_server(s, PGTID_B, r->b, r->b_history);
	copy_coord(&s->arena, &s->r.at);
	s->r.text = arena_strdup(&s->arena, r->text == NULL ? "" : r->text);
	while (s->phases < PHASES_MAX && goal->phase[s->phases] != NULL) {
		s->phase[s->phases] = goal->phase[s->phases];
		s->phases++;
	}
	s->result = (struct pgtid_result){ .text = "", .type = "", .at.file = "",
		.found.file = "", .next.file = "" };
	if (goal->markers && s->rule.fixed[0] == '\0' && s->rule.match == NULL)
		search_fail(s, ERR_INVALID, "PseudoGTIDPattern is not configured");
	return s;
}

void
pgtid_free(struct pgtid *s)
{
	if (s == NULL)
		return;
	log_fini(&s->log[PGTID_A]);
	log_fini(&s->log[PGTID_B]);
	buf_fini(&s->sql);
	buf_fini(&s->answer);
	buf_fini(&s->text[PGTID_A]);
	buf_fini(&s->text[PGTID_B]);
	if (s->rule.release != NULL)
		s->rule.release(s->rule.match_arg);
	gtid_set_fini(&s->errant.left);
	mem_free(s->errant.names);
	arena_fini(&s->arena);
	mem_free(s);
}

/* ---- for phases ---- */

static enum turn
ask(struct pgtid *s, enum pgtid_side side, int what)
{
	s->asking = what;
	s->asked = false;
	s->side = side;
	return TURN_WAIT;
}

enum turn
search_read(struct pgtid *s, enum pgtid_side side)
{
	return ask(s, side, ASK_LOG);
}

enum turn
search_ask(struct pgtid *s, enum pgtid_side side)
{
	return ask(s, side, ASK_TEXT);
}

enum turn
search_pause(struct pgtid *s, dur_t d)
{
	assert(d.us > 0);
	s->pause = d;
	return ask(s, s->side, ASK_PAUSE);
}

enum turn
search_fail(struct pgtid *s, enum err_code code, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	assert(code != ERR_NONE);
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	err_set(&s->err, code, "%s", text);
	s->ended = true;
	s->asking = ASK_NOTHING;
	return TURN_FAILED;
}

enum turn
search_log_failed(struct pgtid *s, enum pgtid_side side, enum log_got got)
{
	const struct log_reader *r = &s->log[side];
	const char *file = r->next.at.file;

	if (got == LOG_FAILED)
		return search_fail(s, r->err.code, "%s", r->err.text);
	if (got == LOG_GONE)
		return search_fail(s, ERR_NOT_FOUND, "%s has no log file %.200s",
		    r->name, file);
	return search_fail(s, ERR_NOT_FOUND,
	    "%s: no event begins at %.200s:%" PRId64, r->name, file,
	    r->next.at.pos);
}

void
mark_set(struct pgtid *s, struct mark *m, enum pgtid_side side,
    const struct log_event *e)
{
	m->place = s->log[side].before;
	m->at = m->place.at;
	m->at.pos = e->pos;
	m->text = arena_strdup(&s->arena, e->info);
	m->type = arena_strdup(&s->arena, e->type);
	m->end = e->end;
	m->server_id = e->server_id;
	m->found = true;
	m->name = "";
	if (event_is_marker(&s->rule, e)) {
		buf_reset(&s->text[side]);
		marker_name(&s->rule, e->info, &s->text[side]);
		m->name = arena_strdup(&s->arena, buf_text(&s->text[side]));
	}
}

/* ---- running ---- */

static bool
in_bounds(struct pgtid *s)
{
	if (mono_sub(s->now, s->began).us >= s->r.limit.us)
		search_fail(s, ERR_TIMEOUT,
		    "no end after %" PRId64 " seconds: %s",
		    s->r.limit.us / 1000000, pgtid_progress(s));
	else if (s->cost.bytes > PGTID_BYTES_MAX
	    || s->cost.files > PGTID_FILES_MAX)
		search_fail(s, ERR_BUSY, "more than a search may read: %s",
		    pgtid_progress(s));
	return !s->ended;
}

static void
go_on(struct pgtid *s)
{
	while (!s->ended && s->asking == ASK_NOTHING) {
		enum turn turn = s->phase[s->at](s);

		assert((turn == TURN_WAIT) == (s->asking != ASK_NOTHING));
		assert((turn == TURN_FAILED) == s->ended);
		if (turn == TURN_OVER && ++s->at == s->phases)
			s->ended = true;
	}
}

bool
pgtid_next(struct pgtid *s, mono_t now, struct pgtid_order *order)
{
	dur_t left;

	s->now = now;
	if (s->ended || !in_bounds(s))
		return false;
	go_on(s);
	if (s->ended || s->asked)
		return false;
	s->asked = true;
	left = mono_sub(mono_add(s->began, s->r.limit), now);
	*order = (struct pgtid_order){ .side = s->side, .limit = left };
	if (s->asking == ASK_LOG)
		order->text = log_sql(&s->log[s->side]);
	else if (s->asking == ASK_TEXT)
		order->text = buf_text(&s->sql);
	else if (s->pause.us < left.us)
		order->limit = s->pause;
	return true;
}

void
pgtid_feed(struct pgtid *s, const struct pgtid_reply *reply, mono_t now)
{
	int asking = s->asking;

	s->now = now;
	if (s->ended)
		return;
	assert(s->asked && (reply != NULL) == (asking != ASK_PAUSE));
	s->asking = ASK_NOTHING;
	s->asked = false;
	if (asking == ASK_LOG) {
		log_feed(&s->log[s->side], reply);
	} else if (asking == ASK_TEXT) {
		s->cost.queries++;
		s->cost.bytes += reply->rows.len;
		s->answer_code = reply->code;
		buf_reset(&s->answer);
		buf_add(&s->answer, reply->rows.data, reply->rows.len);
	}
	if (in_bounds(s))
		go_on(s);
}

bool
pgtid_ended(const struct pgtid *s)
{
	return s->ended;
}

void
pgtid_cancel(struct pgtid *s, const char *why)
{
	if (!s->ended)
		search_fail(s, ERR_CLOSED, "%s", why);
}

enum err_code
pgtid_result(const struct pgtid *s, struct pgtid_result *out, struct err *err)
{
	assert(s->ended);
	*out = s->result;
	if (s->err.code != ERR_NONE)
		return err_set(err, s->err.code, "%s", s->err.text);
	return ERR_NONE;
}

struct pgtid_cost
pgtid_cost(const struct pgtid *s)
{
	return s->cost;
}

const char *
pgtid_progress(struct pgtid *s)
{
	const struct log_reader *r = &s->log[s->side];

	if (r->next.at.file == NULL)
		return "nothing read yet";
	snprintf(s->progress, sizeof s->progress,
	    "reading %.100s's %.60s: %" PRIu64 " events of %" PRIu64
	    " logs in %" PRIu64 " answers", r->name, r->next.at.file,
	    s->cost.events, s->cost.files, s->cost.queries);
	return s->progress;
}
