/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's actors in one process: the same for the daemon and for a command
 * that runs by itself on the store.
 */
#ifndef ORC_CLI_DAEMON_H
#define ORC_CLI_DAEMON_H

#include "actors/app.h"
#include "runtime/runtime.h"

struct daemon {
	struct app app;
	struct rt *rt;
	struct port *port; /* main's own */
	const struct config *config; /* the one loaded at start; of the board */
	char hostname[256];
	char fqdn[256]; /* "" when nobody wanted to know it */
	char token[65];
};

struct daemon_arg {
	struct config *config;	     /* taken over */
	struct config_source source; /* where it came from, for reloads */
	const char *command;	     /* "http", or the name of a command */
	bool probe;
	bool noop; /* the flag */
	bool daemon;		     /* goes on until it is stopped */
	bool skip_binlog_search;     /* as in struct app */
	int workers;
	int ports; /* besides main's */
};

/* Build everything, wire the addresses, start the threads. */
void daemon_start(struct daemon *d, struct daemon_arg *arg);

/*
 * Wait until what the store knew is published; IO and such when it cannot be
 * read, CLOSED when *stop became true meanwhile (NULL: never).
 */
enum err_code daemon_wait_up(struct daemon *d, bool (*stop)(void),
    struct err *err);

/* A line for the audit: no server's, the process's own. */
void daemon_audit(struct daemon *d, const char *type, const char *message);

/* Wait until what was done so far is in the store; IO and such when it is not. */
enum err_code daemon_sync(struct daemon *d, struct err *err);

/* End all threads. */
void daemon_stop(struct daemon *d);
void daemon_free(struct daemon *d);

#endif
