/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failure analysis: what is wrong with a server, judged by how it and the
 * servers that replicate from it were seen.  The rules are rows of
 * analysis.def; here are the facts that they look at, and how these are
 * counted.  Pure.
 *
 * From: inst/analysis_dao.go, 3.2.6, and the Percona fork; what is judged
 * otherwise is in doc/differences.md, why in doc/analysis.md.
 */
#ifndef ORC_TOPOLOGY_ANALYSIS_H
#define ORC_TOPOLOGY_ANALYSIS_H

#include "topology/cluster.h"

enum analysis_code {
	ANALYSIS_NO_PROBLEM,
#define ANALYSIS(symbol, name, kind, condition, flags, reads, text) \
	ANALYSIS_##symbol,
#include "topology/analysis.def"
#undef ANALYSIS
	ANALYSIS_CODES,
};

enum structure_warning {
#define STRUCTURE(symbol, name, condition, text) STRUCTURE_##symbol,
#include "topology/analysis.def"
#undef STRUCTURE
	STRUCTURE_WARNINGS,
};

/* How a server is seen. */
enum analysis_sight {
	SIGHT_SEEN,	 /* its last probe went well, and none hangs */
	SIGHT_REFUSED,	 /* it answered with an error, which proves life */
	SIGHT_PARTIAL,	 /* the last probe got some answers, then no more */
	SIGHT_GONE,	 /* the last one got none, or hangs */
	SIGHT_UNSEEN,	 /* and so it is since we started */
	SIGHT_UNSETTLED, /* not looked at yet since we started */
};

/* All that rules look at.  Strings are borrowed from the members. */
struct analysis_facts {
	enum analysis_sight sight;
	bool hangs; /* a probe is under way for too long */
	bool primary; /* nobody above; of a group, only its primary */
	bool detached; /* nobody above because it was detached */
	bool co_primary; /* or one of its replicas is */
	bool group_member; /* and the group has not put it OFFLINE */
	bool binlog_server;
	bool failing_to_connect; /* to its own source */
	bool read_only;
	bool pseudo_gtid;
	bool semi_sync, semi_sync_on; /* wanted; in force */
	bool stale; /* lacks acknowledgements, and stands still for long */
	/* how all valid replicas replicate; false when there is none */
	bool oracle_gtid, mariadb_gtid, binlog_servers;
	/* configuration */
	bool exact_semi_sync;	 /* EnforceExactSemiSyncReplicas */
	bool recovers_read_only; /* RecoverNonWriteableMaster */

	uint32_t depth;
	uint64_t acks_wanted, semi_sync_clients;

	/* its direct replicas, and how many of them */
	uint32_t replicas;
	uint32_t unsettled;
	uint32_t valid;	      /* SIGHT_SEEN */
	uint32_t replicating; /* and valid: both threads run */
	uint32_t failing;     /* and valid: cannot connect to it */
	uint32_t lagging;     /* beyond ReasonableReplicationLagSeconds */
	uint32_t delayed;     /* on purpose */
	uint32_t semi_sync_replicas; /* have it enabled */
	uint32_t logging;     /* what they apply; of these, by format: */
	uint32_t statement, mixed, row;
	uint32_t versions;    /* different major ones of them */
	const char *gtid_mode;
	const char *gtid_mode_min, *gtid_mode_max; /* of replicas, as text */
	const char *gtid_errant; /* the greatest of replicas, as text */
};

/* Nobody above. */
#define ANALYSIS_NOBODY UINT32_MAX

/* One server's. */
struct analysis {
	enum analysis_code code;
	uint32_t structure; /* bits, 1 << enum structure_warning */
	uint32_t source;    /* index of a member; ANALYSIS_NOBODY */
	uint32_t first;	    /* its replicas: so many from replica[first] */
	struct analysis_facts facts;
};

/* Of the members of one cluster, in their order. */
struct analyses {
	struct analysis *at;
	uint32_t *replica; /* indexes of members */
	size_t n;
	wall_t again; /* by then the time alone may change it; unset: never */
};

/*
 * Since when a primary that lacks acknowledgements stands at one place in its
 * binary log.  The caller keeps one for each server; zeroed at first.
 */
struct analysis_stand {
	uint64_t coord; /* digest */
	wall_t since;	/* unset: it does not lack any */
};

struct analysis_rules {
	wall_t now;
	wall_t started; /* what was seen before does not count; may be unset */
	dur_t patience; /* a probe under way for longer hangs */
	dur_t lag;	/* ReasonableReplicationLagSeconds */
	dur_t locked;	/* ReasonableLockedSemiSyncMasterSeconds */
	bool exact_semi_sync;
	bool recovers_read_only;
};

/*
 * Analyse a cluster: one pass over its members.
 *
 * stand  of each member, in the same order; brought up to date
 * out	  in a; strings are borrowed from m
 *
 * Nothing is said of a server that is not settled, or that has replicas which
 * are not.  Cost: less than 0.1 us for each member.
 */
void analyse(struct analyses *out, const struct member *m, size_t n,
    const struct analysis_rules *rules, struct analysis_stand *stand,
    struct arena *a);

/* ---- its parts ---- */

enum analysis_sight analysis_sight(const struct health *h,
    const struct analysis_rules *rules, bool *hangs);
/* Its last probe failed, but an answer came: it lives. */
bool analysis_proves_life(const struct health *h);
/* Its receiver is not connected, and its last error says that it cannot. */
bool analysis_fails_to_connect(const struct instance *in);
/* The first row that holds. */
enum analysis_code analysis_judge(const struct analysis_facts *f);
uint32_t analysis_structure(const struct analysis_facts *f);

/* ---- the operator's word ---- */

struct control;

/* What follows from downtime, when somebody reads. */
struct analysis_note {
	bool downtimed;
	uint32_t downtimed_replicas;
	bool replicas_downtimed; /* all, and that silences the code */
	bool skippable;	    /* for downtime: nothing is done about it */
	uint32_t structure; /* without errant GTIDs of downtimed replicas */
	const char *gtid_errant; /* likewise */
};
void analysis_note(struct analysis_note *out, const struct analyses *all,
    size_t i, const struct member *m, const struct control *c, wall_t now);

/* ---- what a code means ---- */

const char *analysis_name(enum analysis_code code); /* "DeadMaster" */
/* The reverse; NO_PROBLEM when there is none of that name. */
enum analysis_code analysis_code(const char *name);
const char *analysis_text(enum analysis_code code); /* a sentence */
const char *structure_name(enum structure_warning w);
const char *structure_text(enum structure_warning w);
/* A recovery exists for it. */
bool analysis_acts(enum analysis_code code);
/* A failure detection is registered. */
bool analysis_recorded(enum analysis_code code);
/* Not told while all replicas are downtimed. */
bool analysis_silenced(enum analysis_code code);

/* Who is to be probed at once, to prove it or not. */
enum analysis_reads {
	READS_SELF = 1 << 0,
	READS_REPLICAS = 1 << 1,
	READS_SOURCE = 1 << 2,
};
unsigned analysis_reads(enum analysis_code code);

/* The reference: every code and warning (orchestrator -x analysis). */
void analysis_manual(struct buf *b);

#endif
