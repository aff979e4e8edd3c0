/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding places in logs without GTID: by markers (Pseudo-GTID), which are
 * statements of unique text that went through every server's log.
 *
 * A search is a pure machine.  It says which statement to ask of which of two
 * servers, one at a time, takes the rows, and ends with a place or a reason:
 *
 *	s = pgtid_new(&request, now);
 *	while (!pgtid_ended(s)) {
 *		while (pgtid_next(s, now, &order))
 *			... ask order.text of server order.side, or pause ...
 *		... wait ...
 *		pgtid_feed(s, &reply, now);
 *	}
 *	code = pgtid_result(s, &result, &err);	 points into s
 *	pgtid_free(s);
 *
 * Side A is the server that is asked about (the one that moves), side B the one
 * that it is to be moved below.  A's replication must be stopped by the caller,
 * and A's facts read after that.
 *
 * From: inst/instance_binlog.go and inst/instance_binlog_dao.go, 3.2.6; what
 * differs is told in doc/pseudo-gtid.md.
 */
#ifndef ORC_PLAN_PGTID_H
#define ORC_PLAN_PGTID_H

#include "topology/coord.h"

enum {
	PGTID_FILES_MAX = 20000,  /* log files of one server in a search */
	PGTID_HISTORY_MAX = 12,	  /* places remembered of each log of a server */
	PGTID_POLITE_S = 60,	  /* waiting for B to catch up, in all */
	PGTID_CHUNK_FIRST = 128,  /* rows of the first answer; then doubling */
	PGTID_ANSWER_BYTES = 4 << 20, /* an answer should not be larger */
};
#define PGTID_BYTES_MAX (16ULL << 30) /* of all answers of a search */

/* How a marker is known, and how to read.  From configuration. */
struct pgtid_rule {
	/* PseudoGTIDPattern as plain text when it is a fixed substring, else "":
	 * match is asked. */
	const char *fixed;
	bool (*match)(const void *arg, const char *info);
	const void *match_arg;
	/* A search keeps match_arg by one and gives it back by the other; both
	 * or none.  From any thread. */
	void *(*hold)(const void *arg);
	void (*release)(const void *arg);
	const char *hint;  /* PseudoGTIDMonotonicHint; "": none */
	struct strs skip;  /* SkipBinlogEventsContaining */
	unsigned chunk;	   /* BinlogEventsChunkSize, > 0 */
	dur_t polite_lag;  /* ReasonableMaintenanceReplicationLagSeconds */
	bool relay_only;   /* --skip-binlog-search */
};

/*
 * Where a server's logs were in the past, newest first: places at which an
 * event begins, so that reading may begin there.  Hints: a wrong one costs time
 * and nothing else.
 */
struct pgtid_history {
	struct coord own[PGTID_HISTORY_MAX];
	size_t owns;
	struct coord relay[PGTID_HISTORY_MAX];
	size_t relays;
};

enum pgtid_goal {
	PGTID_MATCH,	  /* where on B is what A executed last? */
	PGTID_CORRELATE,  /* where on B is "at" (none: the end) of A's log? */
	PGTID_LAST,	  /* A's last marker */
	PGTID_FIND,	  /* the event of A whose text is "text" */
	PGTID_RELAY,	  /* where in B's relay log is "at" of A's? */
	PGTID_LAST_RELAY, /* A's last executed event in its relay log */
	PGTID_ERRANT,	  /* which of A's logs have transactions of "text" */
};

/* Everything is copied but the histories' and the rule's insides (pattern). */
struct pgtid_request {
	enum pgtid_goal goal;
	const struct pgtid_rule *rule;
	const struct instance *a; /* facts; NULL never */
	const struct instance *b; /* NULL where the goal has no B */
	const struct pgtid_history *a_history, *b_history; /* may be NULL */
	struct coord at;
	const char *text;  /* FIND: an event's text; ERRANT: a GTID set */
	bool exhaustive;   /* LAST: also files before the current one */
	dur_t limit;	   /* > 0, all of it */
};

enum pgtid_side { PGTID_A, PGTID_B };

struct pgtid_order {
	enum pgtid_side side;
	const char *text; /* NULL: nothing to ask, feed after "limit" */
	dur_t limit;	  /* of the answer; or the pause */
};

struct pgtid_reply {
	enum err_code code;
	unsigned errnum;
	const char *error;
	struct bin rows; /* rows.h; read before pgtid_feed() returns */
};

struct pgtid_cost {
	uint64_t queries;
	uint64_t events;  /* rows read */
	uint64_t bytes;	  /* of answers */
	uint64_t files;	  /* opened, on both sides */
};

struct pgtid_result {
	struct coord at;    /* the marker or the event on A */
	struct coord found; /* the place on B; FIND, LAST...: as at */
	struct coord next;  /* RELAY: of B's event after found */
	const char *text;   /* the marker's, or the event's */
	const char *type;   /* Event_type of it */
	int64_t end;	    /* End_log_pos of it */
	uint64_t matched;   /* events that were compared and equal */
	struct strs files;  /* ERRANT */
};

struct pgtid;

struct pgtid *pgtid_new(const struct pgtid_request *r, mono_t now);
void pgtid_free(struct pgtid *s); /* NULL is fine */

/* Something to ask now?  false: an answer is awaited, or it has ended.  The
 * text stays until the next pgtid_feed(). */
bool pgtid_next(struct pgtid *s, mono_t now, struct pgtid_order *order);
/* The answer to what pgtid_next() gave, or the end of its pause (reply NULL). */
void pgtid_feed(struct pgtid *s, const struct pgtid_reply *reply, mono_t now);
bool pgtid_ended(const struct pgtid *s);
/* Give up: ends with CLOSED and why. */
void pgtid_cancel(struct pgtid *s, const char *why);
/*
 * Of a search that ended: NONE, or what was wrong, with server and log named:
 * NOT_FOUND (no marker, not on B), INVALID (the logs differ; B lacks what A
 * has), SERVER, TIMEOUT...
 */
enum err_code pgtid_result(const struct pgtid *s, struct pgtid_result *out,
    struct err *err);
/* Also while it runs: the progress. */
struct pgtid_cost pgtid_cost(const struct pgtid *s);
/* "reading db1:3306's binlog.000012: 30211 events in 5 answers"; in s. */
const char *pgtid_progress(struct pgtid *s);

#endif
