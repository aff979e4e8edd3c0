/* SPDX-License-Identifier: Apache-2.0 */
/* Headers, and replies that are not an operation's.  Inside of src/http only. */
#ifndef ORC_HTTP_REPLY_H
#define ORC_HTTP_REPLY_H

#include "http/server.h"

struct web_file;

#define JSON_TYPE "application/json; charset=UTF-8"
#define TEXT_TYPE "text/plain; charset=utf-8"

enum { RETRY_AFTER_S = 1 };

/* "" when there is no such header; name in lower case. */
struct strv http_header_value(h2o_req_t *req, const char *name);

/* Name and value stay as they are until the reply is sent. */
void http_header_add(h2o_req_t *req, const char *name, const char *value);
void http_header_add_int(h2o_req_t *req, const char *name, int value);
/* Those of everything that is no page. */
void http_headers_data(h2o_req_t *req, const char *content_type);
/* len: of the body; SIZE_MAX: not known yet. */
void http_set_status(h2o_req_t *req, int status, size_t len);

/* Whole replies. */
void http_send_text(h2o_req_t *req, int status, const char *text);
void http_send_busy(struct conn *c, h2o_req_t *req, const char *why);
void http_send_challenge(h2o_req_t *req);
void http_send_not_allowed(h2o_req_t *req, const char *allow,
    const char *text);
void http_send_file(h2o_req_t *req, const struct web_file *file);

#endif
