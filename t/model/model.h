/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model of MySQL and MariaDB servers that replicate from each other: enough
 * of them that a probe cannot tell, with faults by command.  One world serves
 * the simulator in virtual time and a fleet over real sockets.
 *
 * A transaction is (origin, number).  A server has executed, of each origin, all
 * numbers up to one; replicas take what their source has.  Replication happens
 * when somebody looks: model_query() brings the world up to date first.
 */
#ifndef ORC_T_MODEL_MODEL_H
#define ORC_T_MODEL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "topology/version.h"

enum { MODEL_HOST_MAX = 128, MODEL_QUERIES_MAX = 16, MODEL_ADDRESSES_MAX = 4 };

enum model_fault {
	MODEL_UP,
	MODEL_REFUSES,	 /* the process is gone: connections are refused */
	MODEL_SILENT,	 /* the host is gone: connections time out */
	MODEL_HANGS,	 /* accepts, and never answers */
	MODEL_DENIES,	 /* access denied: alive */
	MODEL_FULL,	 /* too many connections: alive */
	MODEL_GARBAGE,	 /* answers what nobody can read */
};

struct model_address {
	char host[MODEL_HOST_MAX];
	uint32_t port;
};

/* What an operator's own query gives on this server. */
struct model_query {
	char text[256];
	char value[128];
	unsigned errnum; /* != 0: this error instead */
};

struct model_server {
	/* who it is */
	struct model_address address[MODEL_ADDRESSES_MAX]; /* it listens there */
	unsigned addresses;
	char hostname[MODEL_HOST_MAX]; /* @@hostname */
	char report_host[MODEL_HOST_MAX];
	uint32_t port; /* @@port */
	bool mariadb;
	struct version number;
	char version[64];
	char comment[64];
	uint64_t server_id;
	char uuid[40];
	uint32_t origin; /* its index in the world */

	/* settings */
	bool read_only;
	bool log_bin;
	bool log_replica_updates;
	bool gtid; /* gtid_mode ON; MariaDB always has positions */
	bool semi_sync_source;
	bool semi_sync_replica;
	struct model_query query[MODEL_QUERIES_MAX];
	unsigned queries;
	unsigned denied_errnum; /* of replica status: a missing privilege */

	/* replication */
	struct model_address source; /* host "": not a replica */
	char replication_user[32];
	bool auto_position;
	bool io_wanted, sql_wanted; /* started */
	int64_t lag_s;
	/* group replication, single-primary; MySQL from 8.0 */
	char group[40]; /* its name; "": no member */
	bool group_primary;
	const char *group_state; /* "ONLINE", "RECOVERING"... */
	uint64_t *executed;  /* by origin; world->capacity of them */
	uint64_t *retrieved;
	uint64_t last_seq; /* MariaDB's sequence number in domain 0 */
	uint64_t last_server;

	/* state */
	enum model_fault fault;
	dur_t latency;	       /* of a connect and of a batch */
	mono_t started;
	uint32_t incarnation;  /* connections of an older one are broken */
	uint64_t statements;
	uint64_t connects;
};

struct model {
	struct model_server **server;
	uint32_t n;
	uint32_t capacity;
};

struct model *model_new(void);
void model_free(struct model *m);

/*
 * A running server without a source, writable, listening on host:port, which is
 * also what it calls itself.  version as "8.0.36" or "10.11.6-MariaDB".
 */
struct model_server *model_add(struct model *m, const char *host,
    uint32_t port, const char *version);
struct model_server *model_find(const struct model *m, const char *host,
    uint32_t port);
/* One more address, or (only = true) that one instead of all others. */
void model_listen(struct model_server *s, const char *host, uint32_t port,
    bool only);
/* Not there any more; at one address at least it stays. */
void model_unlisten(struct model_server *s, const char *host, uint32_t port);
/* Replicate from source, named by its first address; read-only from now on. */
void model_replicate(struct model_server *s, const struct model_server *source);
void model_detach(struct model_server *s);
/* Make it a member, online; a group has one primary. */
void model_join_group(struct model_server *s, const char *group, bool primary);
/* n transactions of its own. */
void model_write(struct model_server *s, uint64_t n);
/* The process ends and a new one starts. */
void model_restart(struct model_server *s, mono_t now);
void model_set_query(struct model_server *s, const char *text,
    const char *value, unsigned errnum);
/* Bring all replicas up to date, as far as their threads run. */
void model_replicate_all(struct model *m);
/* The replica's receiver is connected. */
bool model_io_running(const struct model *m, const struct model_server *s);

/* How a batch ended; rows before the error are good. */
struct model_result {
	unsigned errnum; /* 0: all statements were answered */
	char error[256];
};

/*
 * Run a batch of statements, separated as a probe does ("\n;\n"), and append
 * their results to out (rows.h).
 */
void model_query(struct model *m, struct model_server *s, mono_t now,
    const char *text, struct buf *out, struct model_result *res);

#endif
