/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations under way for requests.  A long answer is made piece by piece, the
 * next one when the client has taken the last: between two of them the thread
 * serves others, and no more than one is kept.
 */
#include "config.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>

#include "base/mem.h"
#include "http/reply.h"

static void
call_hold(struct call *call, size_t n)
{
	call->held = n;
	call->conn->held += n;
	call->conn->thread->held += n;
}

static void
call_free(struct call *call)
{
	struct conn *c = call->conn;
	struct thread *t = c->thread;

	ops_close(call->op);
	c->held -= call->held;
	t->held -= call->held;
	if (call->prev != NULL)
		call->prev->next = call->next;
	else
		t->calls = call->next;
	if (call->next != NULL)
		call->next->prev = call->prev;
	t->call_count--;
	c->calls--;
	http_conn_unref(c);
	mem_free(call);
}

static struct call *
call_new(struct conn *c, h2o_req_t *req, struct op_call *op)
{
	struct call *call = mem_zalloc(sizeof *call);
	struct thread *t = c->thread;

	call->conn = c;
	call->req = req;
	call->op = op;
	call->next = t->calls;
	if (t->calls != NULL)
		t->calls->prev = call;
	t->calls = call;
	t->call_count++;
	c->calls++;
	return call;
}

void
http_calls_reap(struct thread *t)
{
	struct call *call;

	while ((call = t->orphans) != NULL) {
		t->orphans = call->next_orphan;
		call_free(call);
	}
}

void
http_calls_abandon(struct thread *t)
{
	http_calls_reap(t);
	while (t->calls != NULL) {
		struct call *call = t->calls;

		/* h2o may still hold the request: it must not find the call. */
		if (call->handle != NULL)
			call->handle->call = NULL;
		h2oc_timer_unlink(&call->timer);
		call_free(call);
	}
}

/*
 * The request's memory goes: the reply was taken, the client went away, or
 * HTTP/2 reset the stream.  p lies in that memory.
 */
static void
on_request_gone(void *p)
{
	struct call *call = ((struct handle *)p)->call;

	if (call == NULL)
		return;
	call->req = NULL;
	call->handle = NULL;
	h2oc_timer_unlink(&call->timer);
	if (call->answered)
		call_free(call);
}

static void
on_reply_late(h2oc_timer *timer)
{
	struct call *call = H2O_STRUCT_FROM_MEMBER(struct call, timer, timer);

	/* h2o notices and lets go of everything. */
	if (call->conn->sock != NULL)
		shutdown(h2o_socket_get_fd(call->conn->sock), SHUT_RDWR);
}

/* "PUBLIC:SECRET", as JSON and with nothing in it that a header minds? */
static bool
is_token(const char *json, size_t len)
{
	size_t colons = 0;

	if (len < 2 || len > AUTH_HEADER_MAX || json[0] != '"' ||
	    json[len - 1] != '"')
		return false;
	for (size_t i = 1; i < len - 1; i++) {
		if (json[i] == ':')
			colons++;
		else if (!isalnum((unsigned char)json[i]))
			return false;
	}
	return colons == 1;
}

static void
send_cookie(struct call *call, const struct op_reply *r)
{
	h2o_req_t *req = call->req;
	struct thread *t = call->conn->thread;
	const size_t room = AUTH_HEADER_MAX + 200;
	char *text = h2oc_pool_alloc(&req->pool, room);

	snprintf(text, room, AUTH_TOKEN_COOKIE "=%.*s; Path=/; Max-Age=%lld; "
	    "HttpOnly; SameSite=Lax%s", (int)r->len - 2, r->body + 1,
	    (long long)http_thread_config(t)->access_token_expiry_minutes * 60,
	    t->http->tls != NULL ? "; Secure" : "");
	http_header_add(req, "set-cookie", text);
	http_header_add(req, "location", t->http->web_location);
	http_send_text(req, 302, "");
}

/* An operation may take its status from a path; h2o aborts above 999. */
static int
status_of(const struct op_reply *r)
{
	return r->status >= 200 && r->status <= 599 ? r->status : 500;
}

/* The client took what it was sent, and there is more. */
static void
on_proceed(h2o_generator_t *generator, h2o_req_t *req)
{
	struct handle *handle = H2O_STRUCT_FROM_MEMBER(struct handle,
	    generator, generator);
	const struct op_reply *r;
	h2o_iovec_t piece;

	if (handle->call == NULL)
		return; /* the thread ends */
	r = ops_more(handle->call->op);
	piece = h2o_iovec_init(r->body, r->len);
	h2o_send(req, &piece, r->len == 0 ? 0 : 1, r->more ?
	    H2O_SEND_STATE_IN_PROGRESS : H2O_SEND_STATE_FINAL);
}

static void
send_reply(struct call *call, const struct op_reply *r)
{
	h2o_req_t *req = call->req;
	h2o_iovec_t body = h2o_iovec_init(r->body, r->len);
	bool head = h2o_memis(req->method.base, req->method.len,
	    H2O_STRLIT("HEAD"));
	bool more = r->more && !head;

	http_headers_data(req, r->content_type);
	if (r->status == 503)
		http_header_add_int(req, "retry-after",
		    r->retry_after_s > 0 ? r->retry_after_s : RETRY_AFTER_S);
	http_set_status(req, status_of(r), r->more ? SIZE_MAX : r->len);
	h2oc_timer_link(&call->conn->thread->reply_clock, &call->timer,
	    on_reply_late);
	call->handle->generator.proceed = on_proceed;
	h2o_start_response(req, &call->handle->generator);
	/* h2o would send a generator's body even to HEAD. */
	h2o_send(req, &body, head || r->len == 0 ? 0 : 1,
	    more ? H2O_SEND_STATE_IN_PROGRESS : H2O_SEND_STATE_FINAL);
}

/* The operation was answered, perhaps from inside of ops_start(). */
static void
on_op_done(void *arg, struct op_call *op, const struct op_reply *reply)
{
	struct call *call = arg;
	struct thread *t = call->conn->thread;

	assert(call->op == op && !call->answered);
	call->answered = true;
	if (call->req == NULL) {
		call->next_orphan = t->orphans;
		t->orphans = call;
		return;
	}
	call_hold(call, reply->held);
	if (call->makes_cookie && reply->status == 200 &&
	    is_token(reply->body, reply->len))
		send_cookie(call, reply);
	else
		send_reply(call, reply);
}

void
http_calls_refuse(struct thread *t)
{
	static const char body[] = "{\"Code\":\"ERROR\","
	    "\"Message\":\"shutting down\",\"Details\":null}";
	const struct op_reply reply = { .status = 503,
		.content_type = JSON_TYPE,
		.body = body,
		.len = sizeof body - 1 };
	struct call *next;

	for (struct call *call = t->calls; call != NULL; call = next) {
		next = call->next;
		if (!call->answered)
			on_op_done(call, call->op, &reply);
	}
	http_calls_reap(t);
}

void
http_call_run(struct conn *c, h2o_req_t *req, struct op_call *op,
    bool makes_cookie)
{
	struct call *call = call_new(c, req, op);

	call->makes_cookie = makes_cookie;
	call->handle = h2o_mem_alloc_shared(&req->pool, sizeof *call->handle,
	    on_request_gone);
	*call->handle = (struct handle){ .call = call };
	c->refused = 0;
	http_calls_watch(c->thread);
	ops_start(op, on_op_done, call);
}
