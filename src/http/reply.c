/* SPDX-License-Identifier: Apache-2.0 */
/* Headers, and replies that are not an operation's. */
#include "config.h"

#include "http/reply.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "http/target.h"

enum {
	GZIP_MIN = 1024, /* bytes; smaller replies are not worth it */
	REFUSED_MAX = 1000, /* in a row; then the connection is ended */
};

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

struct strv
http_header_value(h2o_req_t *req, const char *name)
{
	for (size_t i = 0; i < req->headers.size; i++) {
		const h2o_header_t *h = &req->headers.entries[i];

		if (h2o_lcstris(h->name->base, h->name->len, name,
			strlen(name)))
			return (struct strv){ h->value.base, h->value.len };
	}
	return (struct strv){ "", 0 };
}

/* Both stay as they are until the reply is sent. */
void
http_header_add(h2o_req_t *req, const char *name, const char *value)
{
	h2o_add_header_by_str(&req->pool, &req->res.headers, name,
	    strlen(name), 1, NULL, value, strlen(value));
}

void
http_header_add_int(h2o_req_t *req, const char *name, int value)
{
	char *text = h2oc_pool_alloc(&req->pool, 16);

	snprintf(text, 16, "%d", value);
	http_header_add(req, name, text);
}

static void
headers_common(h2o_req_t *req, const char *content_type)
{
	http_header_add(req, "content-type", content_type);
	http_header_add(req, "x-content-type-options", "nosniff");
	http_header_add(req, "x-frame-options", "DENY");
	http_header_add(req, "referrer-policy", "same-origin");
	http_header_add(req, "cross-origin-resource-policy", "same-origin");
}

void
http_headers_data(h2o_req_t *req, const char *content_type)
{
	headers_common(req, content_type);
	http_header_add(req, "cache-control", "no-store");
	http_header_add(req, "content-security-policy",
	    "default-src 'none'; frame-ancestors 'none'");
}

/* ---- replies that are not an operation's ---- */

void
http_set_status(h2o_req_t *req, int status, size_t len)
{
	req->res.status = status;
	req->res.reason = reason_of(status);
	req->res.content_length = len;
	req->compress_hint = len >= GZIP_MIN ? H2O_COMPRESS_HINT_ENABLE :
					       H2O_COMPRESS_HINT_DISABLE;
}

static void
send_static(h2o_req_t *req, int status, const void *body, size_t len)
{
	http_set_status(req, status, len);
	h2o_send_inline(req, body, len);
}

void
http_send_text(h2o_req_t *req, int status, const char *text)
{
	http_headers_data(req, TEXT_TYPE);
	send_static(req, status, text, strlen(text));
}

void
http_send_busy(struct conn *c, h2o_req_t *req, const char *why)
{
	char *body = h2oc_pool_alloc(&req->pool, 200);

	/* Nobody honest goes on like that. */
	if (++c->refused == REFUSED_MAX)
		shutdown(h2o_socket_get_fd(c->sock), SHUT_RDWR);
	snprintf(body, 200,
	    "{\"Code\":\"ERROR\",\"Message\":\"Busy: %s\",\"Details\":null}",
	    why);
	http_headers_data(req, JSON_TYPE);
	http_header_add_int(req, "retry-after", RETRY_AFTER_S);
	send_static(req, 503, body, strlen(body));
}

void
http_send_challenge(h2o_req_t *req)
{
	http_header_add(req, "www-authenticate",
	    "Basic realm=\"Authorization Required\", charset=\"UTF-8\"");
	http_send_text(req, 401, "Not Authorized\n");
}

void
http_send_not_allowed(h2o_req_t *req, const char *allow, const char *text)
{
	http_header_add(req, "allow", allow);
	http_send_text(req, 405, text);
}

void
http_send_file(h2o_req_t *req, const struct web_file *file)
{
	struct strv known = http_header_value(req, "if-none-match");

	headers_common(req, file->content_type);
	http_header_add(req, "cache-control", "no-cache");
	http_header_add(req, "etag", file->etag);
	http_header_add(req, "content-security-policy",
	    "default-src 'none'; script-src 'self'; style-src 'self'; "
	    "img-src 'self'; connect-src 'self'; base-uri 'none'; "
	    "form-action 'none'; frame-ancestors 'none'");
	if (known.len == strlen(file->etag) &&
	    memcmp(known.data, file->etag, known.len) == 0)
		send_static(req, 304, "", 0);
	else
		send_static(req, 200, file->data, file->len);
}
