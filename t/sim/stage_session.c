/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage's sessions: the messages of actors/session.c over model servers.
 * Each session_run is answered exactly once, at its limit at the latest.
 */
#include "config.h"

#include "sim/stage.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "mysql/intern.h"
#include "mysql/rows.h"

/* A connection that ends by itself is noticed within this. */
#define NOTICE_EVERY DUR_MS(300)

struct session {
	struct session_arg arg;
	bool noticing; /* session_idle is due */
	struct model_server *to; /* connected; NULL: not */
	uint32_t incarnation;	 /* of the server, at the connect */
	uint32_t generation;	 /* of the connection */
	enum { IDLE, CONNECTING, ASKING, DOOMED } state;
	bool put; /* the server has the question */
	struct ask ask;
	mono_t began;
	uint32_t asked_generation;
	char *text;
	bool known; /* it came by its number */
	struct model_session at_server; /* the server's side */
	struct buf rows; /* of a batch of which a part was answered */
	size_t done;	 /* bytes of text */
	enum err_code code; /* when DOOMED */
	unsigned errnum;
	char error[256];
};

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	struct session *s = self;

	s->arg = *(const struct session_arg *)arg;
	stage_of(ctx)->sessions++;
	buf_init(&s->rows);
}

/* Who listens there, by name or by its address. */
static struct model_server *
listener(struct ctx *ctx, const struct session *s)
{
	struct stage *st = stage_of(ctx);
	struct model_server *m = model_find(st->world, s->arg.host,
	    s->arg.port);
	const struct stage_name *n = stage_find_name(st, s->arg.host);

	if (m == NULL && n != NULL && !n->fails)
		m = model_find(st->world, n->ipv4, s->arg.port);
	return m;
}

static void
answer(struct session *s, struct ctx *ctx, const struct msg_session_reply *r)
{
	s->state = IDLE;
	stage_of(ctx)->under_way--;
	mem_free(s->text);
	s->text = NULL;
	msg_pack_session_reply(act_body(ctx), r);
	act_reply(ctx, s->ask, MSG_session_reply);
}

static void
answer_error(struct session *s, struct ctx *ctx)
{
	answer(s, ctx, &(struct msg_session_reply){
		.generation = s->generation, .code = s->code,
		.errnum = s->errnum, .error = s->error });
}

/* Later, but not behind the limit: then that is the answer. */
static void
wait_for(struct session *s, struct ctx *ctx, dur_t d)
{
	dur_t left = mono_sub(s->ask.deadline, act_now(ctx));

	if (d.us >= left.us) {
		d = left;
		s->state = DOOMED;
		s->to = NULL;
		s->code = ERR_TIMEOUT;
		s->errnum = 0;
		strcpy(s->error, "no answer within the limit");
	}
	act_after(ctx, d, session_limit);
}

static void
doom(struct session *s, struct ctx *ctx, dur_t d, enum err_code code,
    unsigned errnum, const char *error)
{
	s->state = DOOMED;
	s->to = NULL;
	s->code = code;
	s->errnum = errnum;
	snprintf(s->error, sizeof s->error, "%s", error);
	wait_for(s, ctx, d);
}

/* As it looks from here. */
static enum model_fault
fault_of(struct ctx *ctx, const struct model_server *m)
{
	if (strcmp(m->address[0].host, stage_of(ctx)->cut) == 0)
		return MODEL_SILENT;
	return m->fault;
}

static void
begin_connect(struct session *s, struct ctx *ctx)
{
	const struct model_server *m = listener(ctx, s);
	enum model_fault fault = m != NULL ? fault_of(ctx, m) : MODEL_UP;
	dur_t limit = stage_of(ctx)->connect_limit;

	s->to = NULL;
	s->put = false;
	s->state = CONNECTING;
	if (m == NULL)
		doom(s, ctx, DUR_MS(1), ERR_UNREACHABLE, 2005,
		    "Unknown MySQL server host");
	else if (fault == MODEL_SILENT || fault == MODEL_HANGS)
		doom(s, ctx, limit, ERR_TIMEOUT, 0, "connecting timed out");
	else if (fault == MODEL_REFUSES)
		doom(s, ctx, m->latency, ERR_UNREACHABLE, 2003,
		    "Can't connect to MySQL server (111)");
	else if (fault == MODEL_DENIES)
		doom(s, ctx, m->latency, ERR_DENIED, 1045,
		    "Access denied for user 'o'@'node'");
	else if (fault == MODEL_FULL)
		doom(s, ctx, m->latency, ERR_SERVER, 1040,
		    "Too many connections");
	else
		wait_for(s, ctx, m->latency);
}

/* It listens where it did, and is the same process. */
static bool
connected(const struct session *s, struct ctx *ctx)
{
	return s->to != NULL && listener(ctx, s) == s->to &&
	    s->to->incarnation == s->incarnation &&
	    s->to->fault != MODEL_REFUSES;
}

static void
notice_later(struct session *s, struct ctx *ctx)
{
	if (s->noticing || addr_is_none(s->arg.owner))
		return;
	s->noticing = true;
	act_after(ctx, NOTICE_EVERY, session_idle);
}

/* The process ended between two requests: news, as with real sessions. */
static void
on_session_idle(struct session *s, struct ctx *ctx)
{
	s->noticing = false;
	if (s->to == NULL)
		return;
	if (s->state == IDLE && !connected(s, ctx)) {
		s->to = NULL;
		act_send(ctx, s->arg.owner, session_lost);
		return;
	}
	notice_later(s, ctx);
}

static void
begin_asking(struct session *s, struct ctx *ctx)
{
	enum model_fault fault = fault_of(ctx, s->to);
	bool mute = fault == MODEL_SILENT || fault == MODEL_HANGS;

	s->state = ASKING;
	s->put = true;
	wait_for(s, ctx, mute ? DUR_S(1000000) : s->to->latency);
}

static void
on_session_run(struct session *s, struct ctx *ctx, const struct msg *m)
{
	const struct msg_session_run *r = as_session_run(m);
	struct stage *st = stage_of(ctx);

	if (s->state != IDLE) {
		st->overlaps++;
		act_answer(ctx, ask_of(m), session_reply, .code = ERR_BUSY,
		    .error = "one at a time");
		return;
	}
	if (++st->under_way > st->most_under_way)
		st->most_under_way = st->under_way;
	s->ask = ask_of(m);
	s->began = act_now(ctx);
	s->asked_generation = r->generation;
	s->known = r->known != 0;
	s->text = mem_strdup(s->known ?
	    (const char *)interned(r->known).data : r->text);
	s->done = 0;
	buf_reset(&s->rows);
	if (!connected(s, ctx))
		begin_connect(s, ctx);
	else if (r->generation != s->generation)
		answer(s, ctx, &(struct msg_session_reply){
			.generation = s->generation, .stale = true });
	else
		begin_asking(s, ctx);
}

/* The server accepted; what was to be asked belongs to no connection yet. */
static void
end_connect(struct session *s, struct ctx *ctx)
{
	s->to = listener(ctx, s);
	if (s->to == NULL) {
		doom(s, ctx, DUR_MS(1), ERR_UNREACHABLE, 2013,
		    "Lost connection");
		return;
	}
	s->to->connects++;
	model_session_init(&s->at_server);
	s->incarnation = s->to->incarnation;
	s->generation++;
	notice_later(s, ctx);
	answer(s, ctx, &(struct msg_session_reply){
		.generation = s->generation, .stale = true });
}

/* Column names go by their number, as they do where the text does. */
static void
number_names(struct buf *rows)
{
	struct rows *r = mem_alloc(sizeof *r);
	struct buf in = *rows, names;

	buf_init(rows);
	buf_init(&names);
	rows_init(r, (struct bin){ (const uint8_t *)in.data, in.len });
	while (rows_next_result(r)) {
		size_t mark, n = r->rows_left;
		uint32_t number;

		buf_reset(&names);
		pack_array(&names, r->columns);
		for (size_t i = 0; i < r->columns; i++)
			pack_cstr(&names, r->name[i]);
		number = intern(names.data, names.len);
		assert(number != 0);
		mark = rows_begin_known(rows, number);
		while (rows_next(r))
			for (size_t i = 0; i < r->columns; i++)
				rows_put_value(rows, r->value[i],
				    r->length[i]);
		rows_end(rows, mark, n);
	}
	assert(rows_ok(r));
	buf_fini(&names);
	buf_fini(&in);
	mem_free(r);
}

/* Is it a statement of an operation?  Those say first how long to wait. */
static bool
is_order(const struct session *s)
{
	return s->done == 0 && strncmp(s->text, "SET SESSION sql_mode", 20) == 0;
}

/* What the story did: can the session go on? */
static bool
goes_on(struct session *s, struct ctx *ctx)
{
	if (stage_of(ctx)->killed)
		wait_for(s, ctx, DUR_S(1000000));
	else if (connected(s, ctx))
		return true;
	else
		begin_connect(s, ctx);
	return false;
}

/* What waits at the server is asked again soon. */
static void
ask_model(struct session *s, struct ctx *ctx)
{
	struct stage *st = stage_of(ctx);
	struct model_result res;
	bool order = is_order(s);

	st->orders += order;
	if (order && st->before_order != NULL)
		st->before_order(st, st->orders, s->to);
	if (!goes_on(s, ctx))
		return;
	model_query(st->world, s->to, &s->at_server, stage_now(st),
	    s->text + s->done, &s->rows, &res);
	if (res.rest != NULL) {
		s->done = (size_t)(res.rest - s->text);
		wait_for(s, ctx, DUR_MS(20));
		return;
	}
	if (order && st->after_order != NULL)
		st->after_order(st, st->orders, s->to);
	if (!goes_on(s, ctx))
		return;
	if (s->known)
		number_names(&s->rows);
	answer(s, ctx, &(struct msg_session_reply){
		.generation = s->generation,
		.code = res.errnum != 0 ? ERR_SERVER : ERR_NONE,
		.errnum = res.errnum,
		.error = res.errnum != 0 ? res.error : NULL,
		.rows = { (const uint8_t *)s->rows.data, s->rows.len },
		.latency_us = mono_sub(act_now(ctx), s->began).us });
}

static void
end_asking(struct session *s, struct ctx *ctx)
{
	static const uint8_t garbage[] = { 0xdd, 0xff, 0xff, 0xff, 0xf0, 1 };

	if (!connected(s, ctx))
		begin_connect(s, ctx); /* it went meanwhile */
	else if (s->to->fault == MODEL_GARBAGE)
		answer(s, ctx, &(struct msg_session_reply){
			.generation = s->generation,
			.rows = { garbage, sizeof garbage } });
	else if (s->to->fault == MODEL_SILENT || s->to->fault == MODEL_HANGS)
		wait_for(s, ctx, DUR_S(1000000));
	else
		ask_model(s, ctx);
}

static void
on_session_limit(struct session *s, struct ctx *ctx)
{
	if (s->state == CONNECTING)
		end_connect(s, ctx);
	else if (s->state == ASKING)
		end_asking(s, ctx);
	else if (s->state == DOOMED)
		answer_error(s, ctx);
}

/* Whoever waits is told. */
static void
close_session(struct session *s, struct ctx *ctx)
{
	if (s->state != IDLE) {
		s->code = ERR_CLOSED;
		s->errnum = 0;
		strcpy(s->error, "the session was closed");
		answer_error(s, ctx);
	}
	act_exit(ctx);
}

static void
on_session_slow(const struct session *s, struct ctx *ctx)
{
	if (s->state != IDLE && s->put)
		act_send(ctx, s->arg.owner, session_mute,
		    .for_us = mono_sub(act_now(ctx), s->began).us);
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	switch (m->type) {
	case MSG_session_run: on_session_run(self, ctx, m); break;
	case MSG_session_limit: on_session_limit(self, ctx); break;
	case MSG_session_slow: on_session_slow(self, ctx); break;
	case MSG_session_idle: on_session_idle(self, ctx); break;
	case MSG_session_close: close_session(self, ctx); break;
	default: act_unexpected(ctx, m);
	}
}

static void
fini(void *self, struct ctx *ctx)
{
	struct session *s = self;
	struct stage *st = stage_of(ctx);

	st->sessions--;
	st->under_way -= s->state != IDLE;
	mem_free(s->text);
	buf_fini(&s->rows);
}

const struct actor_class stage_session_class = {
	.name = "session",
	.size = sizeof(struct session),
	.arg_size = sizeof(struct session_arg),
	.init = init,
	.handle = handle,
	.fini = fini,
};
