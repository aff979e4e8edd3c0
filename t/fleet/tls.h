/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS for the fleet's connections: bytes from the socket in, what they say out,
 * and the other way.  One key and one certificate, made when the fleet starts,
 * serve all servers; nobody can verify them, which is MySQLTopologySSLSkipVerify.
 */
#ifndef ORC_T_FLEET_TLS_H
#define ORC_T_FLEET_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct tls;

/* Once, before the first tls_new(). */
void tls_init(void);
struct tls *tls_new(void);
void tls_free(struct tls *t); /* NULL is fine */

/*
 * Bytes from the client: what they say is appended to plain; what TLS itself has
 * to answer, to out.  false: this is no TLS, or it ended.
 */
bool tls_open(struct tls *t, const char *p, size_t n, struct buf *plain,
    struct buf *out);

/* What stands in b from at on, encrypted in its place. */
void tls_seal(struct tls *t, struct buf *b, size_t at);

#endif
