/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connecting to a server: blocking, so on a connector's thread only.  (In
 * mariadb-connector-c the handshake of TLS blocks in the non-blocking calls too,
 * and so does getaddrinfo(), which is called inside connect.)  Afterwards conn.h
 * drives the connection without blocking.
 */
#ifndef ORC_MYSQL_CONNECT_H
#define ORC_MYSQL_CONNECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

struct st_mysql; /* the client library's MYSQL */

enum tls_mode {
	TLS_NEVER,
	TLS_WHEN_NEEDED, /* plain, and TLS where the server refuses that */
	TLS_ALWAYS,	 /* and nothing else, whatever the server offers */
};

struct connect_options {
	const char *host; /* name or address */
	unsigned port;
	const char *user;
	const char *password; /* never in an error, a log or a message */
	dur_t connect_limit;  /* for the TCP connection */
	dur_t limit;	      /* for all of it, name resolution aside */
	enum tls_mode tls;
	bool verify;	      /* certificate and its name; only with TLS */
	const char *ca_file;  /* "": the system's authorities */
	const char *cert_file, *key_file; /* our own, or "" */
	size_t packet_max;    /* bytes of one packet; 0: PACKET_MAX */
};

enum { PACKET_MAX = 16 << 20 };

struct connect_outcome {
	enum err_code code;
	unsigned errnum; /* of server or client library; 0 when none */
	char text[ERR_TEXT_MAX];
	bool tls;	 /* is encrypted; on error: it was tried with TLS */
	dur_t took;
};

/*
 * watch (0: none) makes the attempt known to connect_interrupt() under that
 * number.  NULL on error:
 *	DENIED		user, password or host refused
 *	UNREACHABLE	name, network, nobody there, no handshake
 *	TIMEOUT		a limit passed
 *	SERVER		the server answered with another error
 */
struct st_mysql *connect_server(const struct connect_options *o,
    unsigned place, uint32_t watch, struct connect_outcome *out);

/* Closes a connection that nobody wants; NULL is fine. */
void connect_drop(struct st_mysql *m);

/*
 * From another thread: break off the attempt of that place, if it is still the
 * one with this number.  Needed for a server that drips bytes into the TLS
 * handshake, where no limit of the library counts.
 */
enum { CONNECT_PLACES = 256 };
void connect_interrupt(unsigned place, uint32_t watch);

/*
 * At the end of the process, before rt_stop(), which waits for connectors:
 * attempts under way are broken off and later ones fail.  Afterwards
 * handles_close() of handles.h.
 */
void connect_stop(void);

/*
 * Does this error prove that a database server runs there?  It answered, if
 * only to refuse us (too many connections, host blocked, access denied).
 */
bool connect_proves_life(unsigned errnum);

#endif
