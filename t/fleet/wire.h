/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of the MySQL protocol, as far as the fleet speaks it:
 * packets appended to a buffer.
 *
 * From: MySQL internals manual, "Client/Server Protocol": Handshake v10, OK,
 * ERR, EOF, text result sets.
 */
#ifndef ORC_T_FLEET_WIRE_H
#define ORC_T_FLEET_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "mysql/rows.h"

enum { WIRE_HEAD = 4, WIRE_MORE_RESULTS = 8 };

/* The length of the payload whose header is at p. */
size_t wire_length(const char *p);

/* tls: it is offered. */
void wire_greeting(struct buf *b, uint8_t *seq, const char *version,
    uint32_t thread, bool tls);
/* Is this payload, instead of a login, the wish to begin TLS? */
bool wire_wants_tls(const char *p, size_t n);
void wire_ok(struct buf *b, uint8_t *seq, bool more);
void wire_eof(struct buf *b, uint8_t *seq, bool more);
void wire_error(struct buf *b, uint8_t *seq, unsigned errnum,
    const char *text);
/* The present result of r with all its rows. */
void wire_result(struct buf *b, uint8_t *seq, struct rows *r,
    bool error_follows);

#endif
