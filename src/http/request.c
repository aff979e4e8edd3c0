/* SPDX-License-Identifier: Apache-2.0 */
/* One request: may it, what does it ask for, run it, send the reply. */
#include "config.h"

#include <ctype.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "http/server.h"
#include "http/target.h"

enum {
	GZIP_MIN = 1024, /* bytes; smaller replies are not worth it */
	RETRY_AFTER_S = 1,
	REFUSED_MAX = 1000, /* in a row; then the connection is ended */
};

#define JSON_TYPE "application/json; charset=UTF-8"
#define TEXT_TYPE "text/plain; charset=utf-8"
#define NOT_FOUND "404 page not found\n"

enum method { METHOD_GET, METHOD_HEAD, METHOD_OTHER };

static const struct {
	int status;
	const char *reason;
} reason[] = {
	{ 200, "OK" },
	{ 302, "Found" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
};

static const char *
reason_of(int status)
{
	for (size_t i = 0; i < MEM_COUNT(reason); i++)
		if (reason[i].status == status)
			return reason[i].reason;
	return "Status";
}

/* ---- headers ---- */

static struct strv
header_value(h2o_req_t *req, const char *name)
{
	for (size_t i = 0; i < req->headers.size; i++) {
		const h2o_header_t *h = &req->headers.entries[i];

		if (h2o_lcstris(h->name->base, h->name->len, name,
			strlen(name)))
			return (struct strv){ h->value.base, h->value.len };
	}
	return (struct strv){ "", 0 };
}

/* h2o keeps names in lower case; the setting may be in any. */
static struct strv
header_value_any_case(h2o_req_t *req, const char *name)
{
	char lower[128];
	size_t n = strlen(name);

	if (n >= sizeof lower)
		return (struct strv){ "", 0 };
	for (size_t i = 0; i <= n; i++)
		lower[i] = name[i] >= 'A' && name[i] <= 'Z' ?
		    (char)(name[i] - 'A' + 'a') : name[i];
	return header_value(req, lower);
}

/* Both stay as they are until the reply is sent. */
static void
header_add(h2o_req_t *req, const char *name, const char *value)
{
	h2o_add_header_by_str(&req->pool, &req->res.headers, name,
	    strlen(name), 1, NULL, value, strlen(value));
}

static void
header_add_int(h2o_req_t *req, const char *name, int value)
{
	char *text = h2oc_pool_alloc(&req->pool, 16);

	snprintf(text, 16, "%d", value);
	header_add(req, name, text);
}

static void
headers_common(h2o_req_t *req, const char *content_type)
{
	header_add(req, "content-type", content_type);
	header_add(req, "x-content-type-options", "nosniff");
	header_add(req, "x-frame-options", "DENY");
	header_add(req, "referrer-policy", "same-origin");
	header_add(req, "cross-origin-resource-policy", "same-origin");
}

static void
headers_data(h2o_req_t *req, const char *content_type)
{
	headers_common(req, content_type);
	header_add(req, "cache-control", "no-store");
	header_add(req, "content-security-policy",
	    "default-src 'none'; frame-ancestors 'none'");
}

/* ---- replies that are not an operation's ---- */

static void
send_static(h2o_req_t *req, int status, const void *body, size_t len)
{
	req->res.status = status;
	req->res.reason = reason_of(status);
	req->res.content_length = len;
	req->compress_hint = len >= GZIP_MIN ? H2O_COMPRESS_HINT_ENABLE :
					       H2O_COMPRESS_HINT_DISABLE;
	h2o_send_inline(req, body, len);
}

static void
send_text(h2o_req_t *req, int status, const char *text)
{
	headers_data(req, TEXT_TYPE);
	send_static(req, status, text, strlen(text));
}

static void
send_busy(struct conn *c, h2o_req_t *req, const char *why)
{
	char *body = h2oc_pool_alloc(&req->pool, 200);

	/* Nobody honest goes on like that. */
	if (++c->refused == REFUSED_MAX)
		shutdown(h2o_socket_get_fd(c->sock), SHUT_RDWR);
	snprintf(body, 200,
	    "{\"Code\":\"ERROR\",\"Message\":\"Busy: %s\",\"Details\":null}",
	    why);
	headers_data(req, JSON_TYPE);
	header_add_int(req, "retry-after", RETRY_AFTER_S);
	send_static(req, 503, body, strlen(body));
}

static void
send_challenge(h2o_req_t *req)
{
	header_add(req, "www-authenticate",
	    "Basic realm=\"Authorization Required\", charset=\"UTF-8\"");
	send_text(req, 401, "Not Authorized\n");
}

static void
send_not_allowed(h2o_req_t *req, const char *allow, const char *text)
{
	header_add(req, "allow", allow);
	send_text(req, 405, text);
}

static void
send_file(h2o_req_t *req, const struct web_file *file)
{
	struct strv known = header_value(req, "if-none-match");

	headers_common(req, file->content_type);
	header_add(req, "cache-control", "no-cache");
	header_add(req, "etag", file->etag);
	header_add(req, "content-security-policy",
	    "default-src 'none'; script-src 'self'; style-src 'self'; "
	    "img-src 'self'; connect-src 'self'; base-uri 'none'; "
	    "form-action 'none'; frame-ancestors 'none'");
	if (known.len == strlen(file->etag) &&
	    memcmp(known.data, file->etag, known.len) == 0)
		send_static(req, 304, "", 0);
	else
		send_static(req, 200, file->data, file->len);
}

/* ---- calls ---- */

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
		if (call->token != NULL)
			*call->token = NULL;
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
	struct call *call = *(struct call **)p;

	if (call == NULL)
		return;
	call->req = NULL;
	call->token = NULL;
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
	header_add(req, "set-cookie", text);
	header_add(req, "location", t->http->web_location);
	send_text(req, 302, "");
}

/* An operation may take its status from a path; h2o aborts above 999. */
static int
status_of(const struct op_reply *r)
{
	return r->status >= 200 && r->status <= 599 ? r->status : 500;
}

static void
send_reply(struct call *call, const struct op_reply *r)
{
	h2o_req_t *req = call->req;
	h2o_iovec_t body = h2o_iovec_init(r->body, r->len);
	bool head = h2o_memis(req->method.base, req->method.len,
	    H2O_STRLIT("HEAD"));

	headers_data(req, r->content_type);
	if (r->status == 503)
		header_add_int(req, "retry-after",
		    r->retry_after_s > 0 ? r->retry_after_s : RETRY_AFTER_S);
	req->res.status = status_of(r);
	req->res.reason = reason_of(req->res.status);
	req->res.content_length = r->len;
	req->compress_hint = r->len >= GZIP_MIN ? H2O_COMPRESS_HINT_ENABLE :
						  H2O_COMPRESS_HINT_DISABLE;
	h2oc_timer_link(&call->conn->thread->reply_clock, &call->timer,
	    on_reply_late);
	h2o_start_response(req, &call->generator);
	/* h2o would send a generator's body even to HEAD. */
	h2o_send(req, &body, head || r->len == 0 ? 0 : 1,
	    H2O_SEND_STATE_FINAL);
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
	call_hold(call, reply->len);
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

/* ---- what a request asks for ---- */

/* NULL: there is room for one more. */
static const char *
busy(const struct conn *c)
{
	const struct thread *t = c->thread;
	const struct http_tuning *most = &t->http->tuning;

	if (c->calls >= most->conn_calls_max)
		return "too many requests of this connection are under way";
	if (c->held >= most->conn_held_max)
		return "this connection does not take its replies";
	if (t->call_count >= most->calls_max ||
	    ops_pending(t->ops) >= OPS_CALLS_MAX)
		return "too many requests are under way";
	if (t->held >= most->held_max)
		return "too many replies wait for their clients";
	return NULL;
}

static const char *
client_text(h2o_req_t *req, char out[NI_MAXHOST])
{
	struct sockaddr_storage peer;
	socklen_t len = req->conn->callbacks->get_peername(req->conn,
	    (struct sockaddr *)&peer);
	size_t n = SIZE_MAX;

	if (len > 0 && peer.ss_family != AF_UNIX)
		n = h2o_socket_getnumerichost((struct sockaddr *)&peer, len,
		    out);
	if (n == SIZE_MAX)
		return "unix";
	return out;
}

static void
run(struct conn *c, h2o_req_t *req, struct op_call *op,
    const struct op_who *who, bool makes_cookie)
{
	struct call *call = call_new(c, req, op);
	char client[NI_MAXHOST];
	struct op_who full = *who;

	call->makes_cookie = makes_cookie;
	if (op_flags(op_of(op)) & OP_WRITE)
		full.client = client_text(req, client);
	op_who_set(op, &full);
	if (req->query_at != SIZE_MAX)
		op_query_set(op, req->path.base + req->query_at + 1,
		    req->path.len - req->query_at - 1);
	if (strcmp(op_name(op_of(op)), "headers") == 0)
		for (size_t i = 0; i < req->headers.size; i++) {
			const h2o_header_t *h = &req->headers.entries[i];

			op_header_add(op, h->name->base, h->name->len,
			    h->value.base, h->value.len);
		}
	c->refused = 0;
	call->token = h2o_mem_alloc_shared(&req->pool, sizeof call,
	    on_request_gone);
	*call->token = call;
	http_calls_watch(c->thread);
	ops_start(op, on_op_done, call);
}

/* A page of another site made the browser ask. */
static bool
is_cross_site(h2o_req_t *req)
{
	struct strv site = header_value(req, "sec-fetch-site");

	return h2o_memis(site.data, site.len, H2O_STRLIT("cross-site")) ||
	    h2o_memis(site.data, site.len, H2O_STRLIT("same-site"));
}

static void
authorize(struct thread *t, h2o_req_t *req, bool writes, struct auth_out *out)
{
	const struct config *config = http_thread_config(t);
	struct auth a = {
		.config = config,
		.groups = &t->groups,
		.now = { (int64_t)h2o_now(t->loop) * 1000 },
		.token = t->http->arg.token,
		.token_arg = t->http->arg.token_arg != NULL
		    ? t->http->arg.token_arg
		    : t->ops,
	};
	struct auth_in in = { { "", 0 }, { "", 0 }, { "", 0 }, writes };

	switch (config->rules.auth) {
	case AUTH_BASIC:
	case AUTH_MULTI:
		in.authorization = header_value(req, "authorization");
		break;
	case AUTH_PROXY:
		in.proxy_user = header_value_any_case(req,
		    config->auth_user_header);
		break;
	case AUTH_TOKEN:
		in.cookie = header_value(req, "cookie");
		break;
	case AUTH_NONE: break;
	}
	auth_check(&a, &in, out);
}

static void
handle_op(struct conn *c, h2o_req_t *req, const struct target *target,
    enum method method)
{
	struct thread *t = c->thread;
	struct op_call *op = ops_open_path(t->ops, target->path, target->len);
	const unsigned flags = op != NULL ? op_flags(op_of(op)) : 0;
	const char *why = busy(c);
	struct auth_out who;

	authorize(t, req, (flags & OP_WRITE) != 0, &who);
	if (who.challenge)
		send_challenge(req);
	else if (op == NULL)
		send_text(req, 404, NOT_FOUND);
	else if (method == METHOD_OTHER)
		send_not_allowed(req, "GET, HEAD", "405 method not allowed\n");
	else if (method == METHOD_HEAD && !(flags & OP_SAFE))
		send_not_allowed(req, "GET", "");
	else if (!(flags & OP_SAFE) && is_cross_site(req))
		send_text(req, 403, "403 asked for by another site\n");
	else if (why != NULL)
		send_busy(c, req, why);
	else {
		run(c, req, op, &(struct op_who){ who.authorized, who.user,
		    "" }, false);
		return;
	}
	if (op != NULL)
		ops_close(op);
}

/*
 * ?publicToken=T: whoever has the public part and is the first gets the secret
 * one.  From: go/http/web.go (AccessToken), 3.2.6.
 */
static void
handle_token(struct conn *c, h2o_req_t *req, enum method method)
{
	struct thread *t = c->thread;
	const char *why = busy(c);
	struct auth_out who;

	authorize(t, req, false, &who);
	if (who.challenge)
		send_challenge(req);
	else if (method != METHOD_GET)
		send_not_allowed(req, "GET", "");
	else if (why != NULL)
		send_busy(c, req, why);
	else
		run(c, req, ops_open(t->ops, "acquire-token"),
		    &(struct op_who){ false, who.user, "" }, true);
}

static void
handle_file(struct thread *t, h2o_req_t *req, const struct target *target,
    enum method method)
{
	struct auth_out who;

	authorize(t, req, false, &who);
	if (who.challenge)
		send_challenge(req);
	else if (method == METHOD_OTHER)
		send_not_allowed(req, "GET, HEAD", "405 method not allowed\n");
	else if (target->kind == TARGET_FILE)
		send_file(req, target->file);
	else {
		header_add(req, "location", t->http->web_location);
		send_text(req, 302, "");
	}
}

static enum method
method_of(h2o_req_t *req)
{
	if (h2o_memis(req->method.base, req->method.len, H2O_STRLIT("GET")))
		return METHOD_GET;
	if (h2o_memis(req->method.base, req->method.len, H2O_STRLIT("HEAD")))
		return METHOD_HEAD;
	return METHOD_OTHER;
}

/* Certificates are asked for on every path but, if so configured, one. */
static bool
certificate_missing(struct conn *c, const struct target *target)
{
	const struct config *config = http_thread_config(c->thread);

	if (c->thread->http->tls == NULL || !config->use_mutual_tls ||
	    c->cert_ok)
		return false;
	return !target->status || config->status_ou_verify;
}

int
http_request(h2o_handler_t *self, h2o_req_t *req)
{
	struct thread *t = http_thread_of(req);
	struct conn *c = http_conn_of(req);
	const struct config *fixed = t->http->arg.config;
	size_t len = req->query_at != SIZE_MAX ? req->query_at : req->path.len;
	struct target target;
	struct auth_out who;

	(void)self;
	c->http2 = req->version >= 0x200;
	http_conn_used(c);
	target_find(&target, fixed->url_prefix, fixed->status_endpoint,
	    req->path.base, len);
	if (certificate_missing(c, &target)) {
		send_text(req, 401, "401 no valid client certificate\n");
		return 0;
	}
	switch (target.kind) {
	case TARGET_OP: handle_op(c, req, &target, method_of(req)); break;
	case TARGET_TOKEN: handle_token(c, req, method_of(req)); break;
	case TARGET_FILE:
	case TARGET_REDIRECT:
		handle_file(t, req, &target, method_of(req));
		break;
	case TARGET_NONE:
		authorize(t, req, false, &who);
		if (who.challenge)
			send_challenge(req);
		else
			send_text(req, 404, NOT_FOUND);
		break;
	}
	return 0;
}
