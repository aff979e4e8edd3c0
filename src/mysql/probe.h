/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking a server about itself: a pure state machine that says which text to
 * send next and takes what came back, until the facts are complete.  Who sends
 * (a session, a test, the simulator) is not its business.
 *
 *	probe_start(&p, &options, &memory, asked, &arena);
 *	while ((text = probe_text(&p)) != NULL) {
 *		... send text for connection probe_generation(&p) ...
 *		probe_take(&p, &reply);
 *	}
 *	if (p.err.code == ERR_NONE) ... p.unchanged, or *probe_facts(&p) ...
 *	probe_fini(&p);
 *
 * Round trips: one on a connection that is known, two on a new one.  One
 * statement more for each that the server refused in the middle of a batch;
 * the memory keeps these at the end of later batches, one of them a probe.
 *
 * From: inst/instance_dao.go, 3.2.6; doc/probing.md has the statements.
 */
#ifndef ORC_MYSQL_PROBE_H
#define ORC_MYSQL_PROBE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/pack.h"
#include "mysql/dialect.h"
#include "mysql/quick.h"
#include "topology/instance.h"

/* Queries that an operator configured, each with the fact it gives. */
enum probe_query {
	QUERY_LAG,
	QUERY_DATA_CENTER,
	QUERY_REGION,
	QUERY_ENVIRONMENT,
	QUERY_ALIAS,
	QUERY_PROMOTION_RULE,
	QUERY_CLUSTER_ALIAS,
	QUERY_CLUSTER_DOMAIN,
	QUERY_SEMI_SYNC_PRIORITY,
	QUERY_PSEUDO_GTID,
	QUERIES,
};

/* MySQLHostnameResolveMethod: the name that a probed server is filed under. */
enum probe_filed { FILED_ASKED, FILED_HOSTNAME, FILED_REPORT_HOST };

struct probe_options {
	uint64_t version; /* another one: they may have changed */
	enum probe_filed filed;
	bool skip_maxscale_check;
	bool list_replicas;	/* DiscoverByShowSlaveHosts */
	bool credentials_query; /* ReplicationCredentialsQuery is set */
	const char *query[QUERIES]; /* NULL or "": none */
};

/* What a server calls itself. */
struct probe_names {
	const char *hostname;
	const char *report_host;
	uint64_t port;
	uint64_t report_port;
};

/* A statement that the server is asked; probe_impl.h lists them. */
enum { PROBE_STATEMENTS_MAX = 32 };

/* All that a probe reads, and what follows from it only on the way. */
struct probe_seen {
	struct instance in;
	struct probe_names names;
	bool performance_schema;
	const char *credentials_repository; /* TABLE, FILE, "" where gone */
	const char *single_primary;	    /* of group replication */
	const char *group_name;
	const char *maxscale;		    /* its version; "" when it is none */
};

/*
 * What is remembered of a server from probe to probe: what cannot change while
 * a connection lasts, which words it knows, what it refuses.
 */
struct probe_memory {
	uint32_t generation; /* connection that "fixed" was read on; 0: none */
	bool fixed_known;
	struct probe_seen fixed;
	struct arena arena;  /* its texts */
	uint64_t variables;  /* which of the table the server has, as bits */
	struct dialect dialect;
	bool one_by_one;     /* it takes no batches */
	bool process_right;  /* PROCESS is granted */
	bool lists_replicas; /* SHOW REPLICAS named some last time */
	uint32_t refused;    /* optional statements that failed, as bits */
	unsigned turn;	     /* whose turn it is to be tried again */
	char *note[PROBE_STATEMENTS_MAX]; /* why they failed; or NULL */
	bool digest_valid;
	uint64_t digest;     /* of the last complete answer */
	size_t channel;	     /* row of the replica status that is shown */
	struct quick quick;  /* that answer itself */
};

void probe_memory_init(struct probe_memory *m);
void probe_memory_fini(struct probe_memory *m);

/* The last probe's facts were not taken: the next is not "unchanged". */
void probe_memory_distrust(struct probe_memory *m);

/* A neighbour as the server names it, not resolved. */
enum found_kind { FOUND_SOURCE, FOUND_REPLICA, FOUND_MEMBER };
struct found {
	enum found_kind kind;
	struct key key;
	const char *user; /* of its replication connection; "" unknown */
	struct found *next;
};

/* The fields of msg_session_reply. */
struct probe_reply {
	uint32_t generation;
	bool stale;
	enum err_code code; /* ERR_SERVER: the statement after the last result */
	unsigned errnum;
	const char *error;
	struct bin rows;
};

struct probe {
	/* The outcome, when probe_text() gives NULL. */
	struct err err;	 /* code ERR_NONE: it went well */
	bool partial;	 /* it failed, after the server had told its settings */
	bool unchanged;	 /* nothing but uptime differs from the last good probe
			  * with this memory: facts and found are not filled */
	uint64_t uptime; /* seconds */
	struct found *found; /* in the order read; in the arena */
	const char *notes[PROBE_STATEMENTS_MAX + 8]; /* not failures */
	unsigned notes_count;
	unsigned round_trips;

	/* Its own. */
	const struct probe_options *options;
	struct probe_memory *memory;
	struct arena *arena;
	struct key asked;
	struct probe_seen seen;
	struct found **found_end;
	struct buf text;
	enum { PROBE_FIXED, PROBE_MAIN, PROBE_OVER } phase;
	uint8_t todo[PROBE_STATEMENTS_MAX];
	unsigned todo_count;
	unsigned regular; /* of todo: without what is tried again */
	unsigned at, batch; /* the statements sent: where, how many */
	unsigned restarts;
	uint64_t text_digest;
	bool written; /* text is that of the batch */
	bool sent;
};

/* asked, options and memory must live until probe_fini(); a takes the facts. */
void probe_start(struct probe *p, const struct probe_options *o,
    struct probe_memory *m, struct key asked, struct arena *a);
void probe_fini(struct probe *p);

/* The next text to send, the same until its reply is taken; NULL: finished. */
const char *probe_text(struct probe *p);
uint32_t probe_generation(const struct probe *p);
void probe_take(struct probe *p, const struct probe_reply *r);

/*
 * Everything that was read (FACT and EXTRA rows), in the arena; only after a
 * good probe that was not unchanged.  Keys of others are as the server names
 * them: probe_resolve() them.  key is that of probe_filed_key(), or the asked
 * one when there is none.
 */
struct instance *probe_facts(struct probe *p);

/*
 * The name to file the server under.  INVALID: it has no such name, and the
 * probe counts as failed.  A binlog server keeps the asked one.
 */
enum err_code probe_filed_key(const struct probe *p, struct key *out,
    struct err *err);

/*
 * Replace the hosts of source, replicas and group members by what resolve
 * says (which may return its argument); detached and empty ones are kept.
 * Lists are sorted again, without doubles and without the server itself.
 */
void probe_resolve(struct instance *in, struct arena *a,
    const char *(*resolve)(void *arg, const char *host), void *arg);

/*
 * Is text one statement, complete in itself, so that it can stand in a batch?
 * *len: without blanks and semicolons at its end.  INVALID says why not.
 */
enum err_code probe_check_query(const char *text, size_t *len,
    struct err *err);

#endif
