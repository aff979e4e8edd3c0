/* SPDX-License-Identifier: Apache-2.0 */
/* One request: may it, what does it ask for. */
#include "config.h"

#include <assert.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "http/reply.h"
#include "http/target.h"

#define NOT_FOUND "404 page not found\n"

enum method { METHOD_GET, METHOD_HEAD, METHOD_OTHER };

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
	return http_header_value(req, lower);
}

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
	char client[NI_MAXHOST];
	struct op_who full = *who;

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
	http_call_run(c, req, op, makes_cookie);
}

/* A page of another site made the browser ask. */
static bool
is_cross_site(h2o_req_t *req)
{
	struct strv site = http_header_value(req, "sec-fetch-site");

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
		in.authorization = http_header_value(req, "authorization");
		break;
	case AUTH_PROXY:
		in.proxy_user = header_value_any_case(req,
		    config->auth_user_header);
		break;
	case AUTH_TOKEN:
		in.cookie = http_header_value(req, "cookie");
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
		http_send_challenge(req);
	else if (op == NULL)
		http_send_text(req, 404, NOT_FOUND);
	else if (method == METHOD_OTHER)
		http_send_not_allowed(req, "GET, HEAD", "405 method not allowed\n");
	else if (method == METHOD_HEAD && !(flags & OP_SAFE))
		http_send_not_allowed(req, "GET", "");
	else if (!(flags & OP_SAFE) && is_cross_site(req))
		http_send_text(req, 403, "403 asked for by another site\n");
	else if (why != NULL)
		http_send_busy(c, req, why);
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
		http_send_challenge(req);
	else if (method != METHOD_GET)
		http_send_not_allowed(req, "GET", "");
	else if (why != NULL)
		http_send_busy(c, req, why);
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
		http_send_challenge(req);
	else if (method == METHOD_OTHER)
		http_send_not_allowed(req, "GET, HEAD", "405 method not allowed\n");
	else if (target->kind == TARGET_FILE)
		http_send_file(req, target->file);
	else {
		http_header_add(req, "location", t->http->web_location);
		http_send_text(req, 302, "");
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
		http_send_text(req, 401, "401 no valid client certificate\n");
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
			http_send_challenge(req);
		else
			http_send_text(req, 404, NOT_FOUND);
		break;
	}
	return 0;
}
