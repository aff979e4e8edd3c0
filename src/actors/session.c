/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session: the one connection to one server, and the deadline of whatever is
 * sent over it.
 *
 *	IDLE --session_run--> DIALING --dial_done--> IDLE (answered: stale)
 *	IDLE --session_run--> RUNNING --last io----> IDLE (answered: rows)
 *
 * A request names the connection that its text was written for.  When that is
 * not the present one the answer is "stale" with the new number, and the text
 * is not sent: the asker may have to begin differently.  So it is, too, when
 * the connection turns out to be lost: it is opened again first.  Every
 * request is answered once, within its limit; a second one meanwhile is "busy".
 *
 * A connection that ends while nothing is asked is news, too: session_lost.
 * So the death of a process is seen at once, not with the next probe.
 *
 * A dial outlives the request that it was begun for.  The session ends only
 * after its answer, or the connection would be nobody's.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "actors/app.h"
#include "actors/classes.h"
#include "base/mem.h"
#include "config/conf.h"
#include "mysql/conn.h"
#include "mysql/handles.h"

#define DIAL_AHEAD DUR_MS(100)

/*
 * A server that hangs gets little time, so that many of them can be tried; now
 * and then the whole, for one that is only slow.
 */
enum { PATIENT_EVERY = 4 };

enum { ROWS_KEEP_MAX = 64 << 10 }; /* bytes; a larger reply's are freed */

struct session {
	struct session_arg arg;
	struct conn conn;
	int fd; /* of conn: the library closes it on an error, before us */
	uint32_t generation; /* of the connection; grows with each */
	bool running;
	bool writing; /* what was watched for last is room to write */
	uint32_t dial;	     /* serial of the attempt under way; 0: none */
	bool closing;

	/* The request that waits. */
	bool asked;
	struct ask ask;
	mono_t began, deadline;
	timer_ref limit;  /* stays when a request ends: the next has it */
	mono_t limit_due; /* when it comes; 0: it does not */

	/* What was learnt of the server. */
	bool tls;  /* it has been reached with TLS: never without again */
	unsigned hung; /* attempts and requests in a row without an answer */
	timer_ref idle;
	mono_t expires; /* of the connection; 0: never */
};

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	struct session *s = self;

	s->arg = *(const struct session_arg *)arg;
	conn_init(&s->conn, NULL);
	/* Not the number of another session's, that its asker may remember. */
	s->generation = (uint32_t)act_random(ctx);
	if (!addr_is_none(s->arg.owner))
		act_watch(ctx, s->arg.owner);
}

static const char *
key_of(const void *self)
{
	static _Thread_local char text[KEY_TEXT_MAX];
	const struct session *s = self;

	snprintf(text, sizeof text, "%s:%" PRIu32, s->arg.host, s->arg.port);
	return text;
}

/* ---- answers ---- */

static void
end_request(struct session *s, struct ctx *ctx)
{
	(void)ctx;
	s->asked = false;
}

static void
answer(struct session *s, struct ctx *ctx, const struct msg_session_reply *r)
{
	struct msg_session_reply full = *r;

	assert(s->asked);
	full.generation = s->generation;
	full.latency_us = mono_sub(act_now(ctx), s->began).us;
	msg_pack_session_reply(act_body(ctx), &full);
	act_reply(ctx, s->ask, MSG_session_reply);
	end_request(s, ctx);
}

static void
answer_error(struct session *s, struct ctx *ctx, enum err_code code,
    unsigned errnum, const char *text)
{
	answer(s, ctx, &(struct msg_session_reply){ .code = code,
	    .errnum = errnum, .error = text });
}

static void
answer_stale(struct session *s, struct ctx *ctx)
{
	answer(s, ctx, &(struct msg_session_reply){ .stale = true });
}

/* ---- the connection ---- */

static void
drop_connection(struct session *s, struct ctx *ctx)
{
	if (s->conn.m == NULL)
		return;
	/* A closed one must be taken back before its number is used again. */
	act_io(ctx, s->fd, 0);
	conn_fini(&s->conn);
	conn_init(&s->conn, NULL);
	s->running = false;
	act_cancel(ctx, &s->idle);
}

/*
 * From now on whatever comes is told once, and that it ended, too: a request
 * needs no call for it.
 */
static void
watch(struct session *s, struct ctx *ctx)
{
	act_io(ctx, s->fd, EPOLLIN | EPOLLRDHUP | EPOLLET);
	s->writing = false;
}

static void
dial(struct session *s, struct ctx *ctx)
{
	dur_t left = mono_sub(s->deadline, act_now(ctx));

	assert(s->asked && s->conn.m == NULL);
	if (s->dial != 0)
		return; /* begun for an earlier request; this one gets it */
	/* Before our own limit: that nobody dialled is not the server's fault. */
	left.us -= left.us / 10 < DIAL_AHEAD.us ? left.us / 10 : DIAL_AHEAD.us;
	if (left.us < 1)
		left = DUR_US(1);
	s->dial = act_request(ctx, app_of(ctx)->dialer, dial, left,
	    .host = s->arg.host, .port = s->arg.port, .limit_us = left.us,
	    .tls = s->tls, .hung = s->hung > 0,
	    .quick = s->hung % PATIENT_EVERY != 0);
}

/* MySQLConnectionLifetimeSeconds, as it is when the connection opens. */
static void
set_lifetime(struct session *s, struct ctx *ctx)
{
	const struct config_shared *c = config_ref(ctx);
	int64_t seconds = c->config->mysql_connection_lifetime_seconds;

	shared_unref(c);
	s->expires = (mono_t){ 0 };
	if (seconds <= 0)
		return;
	s->expires = mono_add(act_now(ctx), DUR_S(seconds));
	s->idle = act_after(ctx, DUR_S(seconds), session_idle);
}

static void
on_dial_done(struct session *s, struct ctx *ctx, const struct msg *m)
{
	const struct msg_dial_done *r = as_dial_done(m);
	struct st_mysql *my = handle_claim(r->handle);

	assert(m->serial == s->dial && s->conn.m == NULL);
	s->dial = 0;
	if (r->code == ERR_TIMEOUT)
		s->hung++;
	else if (r->code != ERR_BUSY)
		s->hung = 0;
	if (my != NULL) {
		conn_init(&s->conn, my);
		s->fd = conn_fd(&s->conn);
		watch(s, ctx);
		s->generation++;
		s->tls = s->tls || r->tls;
		set_lifetime(s, ctx);
	}
	if (s->closing)
		act_exit(ctx);
	else if (s->asked && my != NULL)
		answer_stale(s, ctx);
	else if (s->asked)
		answer_error(s, ctx, (enum err_code)r->code, r->errnum,
		    r->error);
}

/* ---- a query ---- */

/*
 * Thousands of sessions: none keeps its last reply.  The thread's buffer goes
 * from hand to hand; an answer that comes in pieces keeps it meanwhile.
 */
static void
lend_rows(struct session *s, struct ctx *ctx)
{
	struct buf *scratch = act_scratch(ctx);

	if (s->conn.rows.cap > 0)
		return;
	s->conn.rows = *scratch;
	buf_reset(&s->conn.rows);
	buf_init(scratch);
}

static void
give_rows(struct session *s, struct ctx *ctx)
{
	struct buf *scratch = act_scratch(ctx);

	if (scratch->cap == 0 && s->conn.rows.cap <= ROWS_KEEP_MAX) {
		*scratch = s->conn.rows;
		buf_init(&s->conn.rows);
	} else {
		buf_fini(&s->conn.rows);
	}
}

static void
take_outcome(struct session *s, struct ctx *ctx)
{
	const struct conn_outcome *now = &s->conn.outcome;
	struct conn_outcome o;

	s->running = false;
	if (!now->lost) {
		answer(s, ctx, &(struct msg_session_reply){
		    .code = now->code, .errnum = now->errnum,
		    .error = now->text,
		    .rows = { (const uint8_t *)s->conn.rows.data,
			s->conn.rows.len } });
		give_rows(s, ctx);
		if (s->writing)
			watch(s, ctx);
		return;
	}
	o = *now;
	drop_connection(s, ctx);
	if (o.code == ERR_UNREACHABLE)
		dial(s, ctx);
	else
		answer_error(s, ctx, o.code, o.errnum, o.text);
}

static void
go_on(struct session *s, struct ctx *ctx, uint32_t events)
{
	if (events == 0) {
		take_outcome(s, ctx);
	} else if ((events & EPOLLOUT) != 0) {
		act_io(ctx, s->fd, events);
		s->writing = true;
	} else if (s->writing) {
		watch(s, ctx);
	}
}

static void
lose(struct session *s, struct ctx *ctx)
{
	drop_connection(s, ctx);
	if (!addr_is_none(s->arg.owner))
		act_send(ctx, s->arg.owner, session_lost);
}

static void
on_io(struct session *s, struct ctx *ctx, const struct msg *m)
{
	struct sys_io io = sys_io(m);

	if (s->conn.m == NULL || io.fd != s->fd)
		return;
	if (s->running) {
		lend_rows(s, ctx);
		go_on(s, ctx, conn_continue(&s->conn, io.events));
		if (s->running && s->conn.rows.len == 0)
			give_rows(s, ctx);
	}
	/* The server closed it, after its answer or between two requests. */
	if (s->conn.m != NULL && !s->running &&
	    (io.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
		lose(s, ctx);
}

static bool
is_expired(const struct session *s, struct ctx *ctx)
{
	return s->conn.m != NULL && s->expires.us > 0 &&
	    s->expires.us <= act_now(ctx).us;
}

/* The timer of an earlier request, if it comes in time, sets itself anew. */
static void
set_limit(struct session *s, struct ctx *ctx)
{
	if (s->limit_due.us != 0 && s->limit_due.us <= s->deadline.us)
		return;
	act_cancel(ctx, &s->limit);
	s->limit = act_after(ctx, mono_sub(s->deadline, act_now(ctx)),
	    session_limit);
	s->limit_due = s->deadline;
}

static void
on_session_run(struct session *s, struct ctx *ctx, const struct msg *m)
{
	const struct msg_session_run *r = as_session_run(m);

	if (s->asked || s->closing) {
		act_answer(ctx, ask_of(m), session_reply,
		    .generation = s->generation, .code = ERR_BUSY,
		    .error = "the session is busy");
		return;
	}
	s->asked = true;
	s->ask = ask_of(m);
	s->began = act_now(ctx);
	s->deadline = mono_add(s->began, DUR_US(r->limit_us));
	set_limit(s, ctx);
	if (is_expired(s, ctx))
		drop_connection(s, ctx);
	if (s->conn.m == NULL) {
		dial(s, ctx);
	} else if (r->generation != s->generation) {
		answer_stale(s, ctx);
	} else {
		s->running = true;
		go_on(s, ctx, r->known != 0 ?
		    conn_start_known(&s->conn, r->known) :
		    conn_start(&s->conn, r->text));
	}
}

static void
on_session_limit(struct session *s, struct ctx *ctx)
{
	s->limit_due = (mono_t){ 0 };
	if (!s->asked)
		return;
	if (s->deadline.us > act_now(ctx).us) { /* of an earlier request */
		set_limit(s, ctx);
		return;
	}
	if (s->running) {
		s->hung++;
		drop_connection(s, ctx);
		answer_error(s, ctx, ERR_TIMEOUT, 0,
		    "time over: the server does not answer");
	} else {
		answer_error(s, ctx, ERR_TIMEOUT, 0,
		    "time over: no connection to the server yet");
	}
}

/* Only what the server was asked tells of the server. */
static void
on_session_slow(const struct session *s, struct ctx *ctx)
{
	if (s->asked && s->running)
		act_send(ctx, s->arg.owner, session_mute,
		    .for_us = mono_sub(act_now(ctx), s->began).us);
}

/* ---- ends ---- */

/* One that is in use then is closed by the next request. */
static void
on_session_idle(struct session *s, struct ctx *ctx)
{
	if (!s->running && is_expired(s, ctx))
		drop_connection(s, ctx);
}

static void
close_session(struct session *s, struct ctx *ctx)
{
	s->closing = true;
	drop_connection(s, ctx);
	if (s->asked)
		answer_error(s, ctx, ERR_CLOSED, 0, "the session was closed");
	if (s->dial == 0)
		act_exit(ctx);
}

static void
on_refused(struct session *s, struct ctx *ctx)
{
	s->dial = 0;
	if (s->closing)
		act_exit(ctx);
	else if (s->asked)
		answer_error(s, ctx, ERR_BUSY, 0,
		    "too many connections wait to be opened");
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct session *s = self;

	switch (m->type) {
	case MSG_session_run: on_session_run(s, ctx, m); break;
	case MSG_session_limit: on_session_limit(s, ctx); break;
	case MSG_session_slow: on_session_slow(s, ctx); break;
	case MSG_session_idle: on_session_idle(s, ctx); break;
	case MSG_session_close: close_session(s, ctx); break;
	case MSG_dial_done: on_dial_done(s, ctx, m); break;
	case SYS_IO: on_io(s, ctx, m); break;
	case SYS_DOWN: close_session(s, ctx); break;
	case SYS_REFUSED: on_refused(s, ctx); break;
	default: act_unexpected(ctx, m);
	}
}

static void
fini(void *self, struct ctx *ctx)
{
	struct session *s = self;

	drop_connection(s, ctx);
	conn_fini(&s->conn);
}

const struct actor_class session_class = {
	.name = "session",
	.size = sizeof(struct session),
	.arg_size = sizeof(struct session_arg),
	.init = init,
	.handle = handle,
	.fini = fini,
	.key = key_of,
	.inbox_max = 16,
};
