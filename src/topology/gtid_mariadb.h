/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MariaDB's GTID positions: domain-server-sequence, one place per domain.
 * Within a domain the sequence tells the order: who is at n has all up to n.
 * From: MariaDB Knowledge Base, "Global Transaction ID".
 */
#ifndef ORC_TOPOLOGY_GTID_MARIADB_H
#define ORC_TOPOLOGY_GTID_MARIADB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { MARIADB_GTIDS_MAX = 10000 }; /* in one position */

struct mariadb_gtid {
	uint32_t domain;
	uint32_t server;
	uint64_t seq;
};

/*
 * Sorted by domain, then server.  gtid_slave_pos and gtid_binlog_pos have one
 * entry for a domain, gtid_binlog_state one for each of its servers.
 */
struct mariadb_pos {
	const struct mariadb_gtid *at;
	size_t n;
};

/*
 * Reads "0-1-100,5-2-7" (blanks and order are free, "" is the empty position;
 * of two entries for the same domain and server the later sequence stays).
 * MALFORMED names the place, INVALID: more than MARIADB_GTIDS_MAX.
 */
enum err_code mariadb_pos_parse(struct mariadb_pos *pos, const char *text,
    struct arena *a, struct err *err);
void mariadb_pos_text(struct mariadb_pos pos, struct buf *out);

/* The furthest entry of a domain; NULL when it has none. */
const struct mariadb_gtid *mariadb_pos_find(struct mariadb_pos pos,
    uint32_t domain);
/* Is this GTID, judged by its sequence, already in the position? */
bool mariadb_pos_reached(struct mariadb_pos pos, struct mariadb_gtid g);

enum mariadb_order {
	MARIADB_EQUAL = 0,
	MARIADB_BEHIND = 1,   /* a lacks something of b, not the reverse */
	MARIADB_AHEAD = 2,    /* a has something that b lacks */
	MARIADB_DIVERGED = 3, /* both */
};

/*
 * How far a is compared with b, all domains together: the same sequence from
 * two servers is DIVERGED too, for neither server has the other's transaction.
 */
enum mariadb_order mariadb_pos_cmp(struct mariadb_pos a, struct mariadb_pos b);

/* One domain alone. */
enum mariadb_order mariadb_domain_cmp(struct mariadb_pos a,
    struct mariadb_pos b, uint32_t domain);

#endif
