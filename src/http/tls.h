/* SPDX-License-Identifier: Apache-2.0 */
/* The web listener's TLS: certificate, key, who may come with which OU. */
#ifndef ORC_HTTP_TLS_H
#define ORC_HTTP_TLS_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "base/err.h"
#include "config/conf.h"

/*
 * TLS 1.2 or newer, ALPN h2 (unless http2 is false) and http/1.1; with
 * UseMutualTLS client certificates are asked for and, when SSLCAFile is given,
 * verified.  A connection without one is accepted: it gets 401 later.
 *
 * NULL and err: INVALID for what the configuration lacks, IO for files that
 * cannot be read, DENIED for an encrypted key without a terminal to ask on.
 */
SSL_CTX *tls_new(const struct config *config, bool http2, struct err *err);

/*
 * Has the peer a verified certificate with one of these organisational units?
 *
 * From: go/ssl/ssl.go (Verify), 3.2.6.
 */
bool tls_ou_valid(SSL *ssl, const struct str_list *valid);

#endif
