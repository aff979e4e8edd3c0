/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model of MySQL and MariaDB servers that replicate from each other: enough
 * of them that who asks and orders cannot tell, with faults by command.  One
 * world serves the simulator in virtual time and a fleet over real sockets.
 *
 * What a server writes are rows: (origin, number).  A row travels in a
 * transaction, with a GTID or without, through binary logs (log.h), receivers,
 * relay logs and appliers.  Each row follows what its writer had executed last;
 * an applier that lacks that stops with error 1032, one that has the row already
 * with 1062, as real ones do, and the world counts it (model.wrongs).
 *
 * Replication happens when somebody looks: model_query() and model_settle()
 * bring the world up to date first.
 */
#ifndef ORC_T_MODEL_MODEL_H
#define ORC_T_MODEL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "model/log.h"
#include "model/set.h"
#include "topology/version.h"

enum {
	MODEL_HOST_MAX = 128,
	MODEL_QUERIES_MAX = 16,
	MODEL_ADDRESSES_MAX = 4,
	MODEL_CUTS_MAX = 64,
	MODEL_DOMAINS_MAX = 4,
	MODEL_TEXT_MAX = 96,
	MODEL_ERROR_MAX = 256,
	MODEL_UUID_MAX = 64, /* with a tag */
};

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

/* What a channel has besides its source's address and where it stands. */
struct model_channel {
	char user[MODEL_TEXT_MAX];
	char password[MODEL_TEXT_MAX];
	char heartbeat[MODEL_TEXT_MAX];
	char ssl_ca[MODEL_TEXT_MAX];
	char ssl_capath[MODEL_TEXT_MAX];
	char ssl_cert[MODEL_TEXT_MAX];
	char ssl_cipher[MODEL_TEXT_MAX];
	char ssl_crl[MODEL_TEXT_MAX];
	char ssl_crlpath[MODEL_TEXT_MAX];
	char ssl_key[MODEL_TEXT_MAX];
	char tls_version[MODEL_TEXT_MAX];
	char tls_ciphersuites[MODEL_TEXT_MAX];
	char public_key_path[MODEL_TEXT_MAX];
	char bind[MODEL_TEXT_MAX];
	uint64_t connect_retry;
	uint64_t retry_count;
	uint64_t delay_s;
	uint64_t ssl;
	uint64_t ssl_verify;
	uint64_t get_public_key;
	uint64_t gtid_only;
};

/* A place in the source's log; file 0: the name is base, which has no number. */
struct model_coord {
	char base[MODEL_TEXT_MAX];
	uint32_t file;
	uint64_t pos;
};

/* MariaDB: the last of a domain; seq 0: none. */
struct model_gtid {
	uint32_t domain;
	uint64_t server;
	uint64_t seq;
};

/* Rows from this one on follow another server's row, not the one before. */
struct model_link {
	uint64_t row;
	uint32_t origin;
	uint64_t after; /* 0: nothing */
};

/* When rows up to the next mark were written. */
struct model_mark {
	uint64_t row;
	mono_t at;
};

enum model_use_gtid { MODEL_GTID_NO, MODEL_SLAVE_POS, MODEL_CURRENT_POS };

struct model_server {
	/* who it is */
	struct model *world;
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
	bool read_only, super_read_only;
	bool starts_read_only; /* after a restart */
	bool skips_start;      /* its replication does not start by itself */
	bool log_bin;
	bool log_replica_updates;
	bool gtid; /* gtid_mode ON; MariaDB always has positions */
	bool gtid_strict; /* MariaDB */
	uint32_t domain;  /* likewise */
	const char *binlog_format;
	bool filters; /* of replication: it has some */
	bool semi_sync_plugin; /* MySQL: its variables are there */
	bool semi_sync_source;
	bool semi_sync_replica;
	unsigned semi_sync_wait;    /* replicas that must acknowledge */
	uint64_t semi_sync_timeout_ms;
	bool relay_log_recovery;
	uint64_t sync_binlog, sync_relay_log;
	uint64_t skip_counter;
	struct model_query query[MODEL_QUERIES_MAX];
	unsigned queries;
	unsigned denied_errnum; /* of replica status: a missing privilege */
	unsigned change_denied; /* errnum of whatever changes; 0: allowed */
	char replication_password[MODEL_TEXT_MAX]; /* replicas need; "": any */

	/* its data and logs */
	struct model_set rows;	    /* what its tables hold */
	struct model_set executed;  /* MySQL: GTIDs, by UUID */
	struct model_set purged;    /* of them, those no log here has */
	struct model_set retrieved; /* into the relay log */
	struct model_gtid replica_pos[MODEL_DOMAINS_MAX]; /* gtid_slave_pos */
	struct model_gtid log_pos[MODEL_DOMAINS_MAX];	  /* gtid_binlog_pos */
	struct model_gtid before_log[MODEL_DOMAINS_MAX]; /* its first file */
	struct model_log binlog;
	uint32_t log_life; /* grows with each reset */
	char log_base[MODEL_TEXT_MAX];
	uint32_t trx_bytes;  /* of each in its binary log */
	uint32_t last_origin;
	uint64_t last_row;   /* executed last */
	uint64_t written;    /* rows, ever */
	uint64_t acked;	     /* of them its clients were told */
	mono_t waits_since;  /* for an acknowledgement; 0: not */
	bool degraded;	     /* semi-sync gave up waiting */
	struct model_link *link;
	uint32_t links, links_cap;
	struct model_mark *mark;
	uint32_t marks, marks_cap;

	/* replication */
	struct model_address source; /* host "": not a replica */
	struct model_channel channel;
	bool auto_position;	     /* MySQL */
	enum model_use_gtid use_gtid; /* MariaDB */
	bool io_wanted, sql_wanted;  /* started */
	bool connected;		     /* its receiver, to feed */
	const struct model_server *feed;
	uint32_t feed_incarnation, feed_log_life;
	uint64_t feed_next; /* ordinal of the source's log, to be received */
	struct model_log relay;
	uint64_t relay_next; /* ordinal of what is to be applied */
	struct model_coord read_at, exec_at;
	struct model_place until; /* of the source; file 0: none */
	unsigned io_errno, sql_errno;
	char io_error[MODEL_ERROR_MAX], sql_error[MODEL_ERROR_MAX];
	int64_t lag_s; /* it applies nothing younger, and says so */

	/* group replication, single-primary; MySQL from 8.0 */
	char group[40]; /* its name; "": no member */
	bool group_primary;
	const char *group_state; /* "ONLINE", "RECOVERING"... */

	/* state */
	enum model_fault fault;
	dur_t latency;	       /* of a connect and of a batch */
	mono_t started;
	uint32_t incarnation;  /* connections of an older one are broken */
	uint64_t statements;
	uint64_t connects;
	uint64_t killed; /* the connection that was killed last */
};

/* A replica cannot reach a source; we can reach both. */
struct model_cut {
	uint32_t replica, source;
	bool silent; /* it notices after a minute only */
	mono_t since;
};

struct model {
	struct model_server **server;
	uint32_t n;
	uint32_t capacity;
	mono_t now;
	dur_t grain; /* of the times of rows */
	char (*uuid)[MODEL_UUID_MAX]; /* of no server here */
	uint32_t uuids;
	char **marker;
	uint32_t markers;
	struct model_set voided; /* rows that somebody chose to leave out */
	struct model_cut cut[MODEL_CUTS_MAX];
	unsigned cuts;
	unsigned wrongs; /* rows applied twice, or without the one before */
	char wrong[MODEL_ERROR_MAX]; /* the first of them */
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
/* Replicate from source, named by its first address, by GTID if it can, else
 * from behind what it has; read-only from now on. */
void model_replicate(struct model_server *s, const struct model_server *source);
void model_detach(struct model_server *s);
/* All data of another server, as from a backup; its logs are new. */
void model_clone(struct model_server *s, const struct model_server *from);
/* Make it a member, online; a group has one primary. */
void model_join_group(struct model_server *s, const char *group, bool primary);
void model_set_query(struct model_server *s, const char *text,
    const char *value, unsigned errnum);

/* ---- what happens to it ---- */

/* n transactions of its own, whoever may write there. */
void model_write(struct model_server *s, uint64_t n);
/* The same by a client without special rights: an errnum, 0 when written.
 * What was acknowledged is s->acked. */
unsigned model_client_write(struct model_server *s, uint64_t n);
/* The process ends and a new one starts. */
void model_restart(struct model_server *s, mono_t now);
/* The host loses what was not synced: at most so many of each log. */
void model_lose(struct model_server *s, uint64_t binlog, uint64_t relay);
void model_cut(struct model *m, const struct model_server *replica,
    const struct model_server *source, bool silent);
/* All cuts end. */
void model_mend(struct model *m);

/* ---- replication ---- */

/* Bring all replicas up to date, as far as their threads run. */
void model_settle(struct model *m, mono_t now);
/* The replica's receiver is connected. */
bool model_io_running(const struct model *m, const struct model_server *s);
const struct model_server *model_source(const struct model *m,
    const struct model_server *s);
/* Nothing received waits to be applied. */
bool model_applied_all(const struct model_server *s);
/* The age of the oldest that waits; 0: nothing does. */
dur_t model_behind(const struct model_server *s);

/* ---- for this folder ---- */

void model_io_fail(struct model_server *s, unsigned errnum, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
void model_forget_relay(struct model_server *s);
/* Where a log of source continues behind what s has. */
struct model_coord model_behind_own(const struct model_server *s,
    const struct model_server *source);
const char *model_file_name(const char *base, uint32_t file,
    char out[MODEL_TEXT_MAX + 16]);
struct model_coord model_coord_of(const char *name, uint64_t pos);
uint32_t model_uuid(struct model *m, const char *text, size_t len);
const char *model_uuid_text(const struct model *m, uint32_t uuid);
void model_gtid_reach(struct model_gtid *pos, struct model_gtid g);
const struct model_gtid *model_gtid_of(const struct model_gtid *pos,
    uint32_t domain);
/* Put a transaction into its own data and log. */
void model_commit(struct model_server *s, const struct model_trx *t,
    uint64_t n, bool replicated);
/* A statement of no effect in the log, as Pseudo-GTID uses. */
void model_write_marker(struct model_server *s, const char *text);
/* A transaction without content; the row it stands for is not missed. */
void model_write_empty(struct model_server *s, uint32_t uuid, uint64_t gno);
void model_purge_logs(struct model_server *s, uint32_t number);
void model_reset_logs(struct model_server *s);

/* ---- statements ---- */

/* A connection's own state. */
struct model_session {
	uint32_t gtid_uuid; /* GTID_NEXT; MODEL_ANONYMOUS: AUTOMATIC */
	uint64_t gtid_no;
	bool in_trx;
	mono_t waits_until; /* of the statement that waits; 0: none does */
};

void model_session_init(struct model_session *ss);

/* How a batch ended; rows before the error are good. */
struct model_result {
	unsigned errnum; /* 0: all statements were answered */
	char error[256];
	/* It waits: ask again later with this rest of the text; NULL: done. */
	const char *rest;
};

/*
 * Run a batch of statements, separated as a probe does ("\n;\n"), and append
 * their results to out (rows.h).
 */
void model_query(struct model *m, struct model_server *s,
    struct model_session *ss, mono_t now, const char *text, struct buf *out,
    struct model_result *res);

#endif
