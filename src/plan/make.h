/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files share that make plans (make_*.c).  Not for others: plan.h is
 * the way in.
 *
 * A maker is a row of plans.def.  It checks, in the order of the operation's
 * rules, and appends steps; the first rule that says no is its error.  Of a
 * staged plan it is called again, with m->stage as it left p->stage, and a
 * world of facts read after the steps so far.
 */
#ifndef ORC_PLAN_MAKE_H
#define ORC_PLAN_MAKE_H

#include "plan/plan.h"
#include "topology/gtid.h"
#include "topology/version.h"

enum {
	/* Moves side by side that no configuration bounds (as the reference). */
	MAKE_BULK_MAX = 128,
	/* To catch up takes a reasonable lag, and some: so many times. */
	MAKE_CATCH_UP = 3,
	MAKE_CATCH_UP_MIN_S = 10,
	/* Errant transactions replaced by empty ones, in one operation. */
	MAKE_INJECT_MAX = 100000,
	/* Sources above a server that are followed. */
	MAKE_HOPS_MAX = CLUSTER_ANCESTRY_MAX,
};

struct making {
	struct plan *p;
	const struct plan_request *r;
	const struct world *w;
	struct err *err;
	unsigned stage; /* which one is being made, 0 first */
	unsigned track; /* of the steps that are appended */
};

#define PLAN(symbol, name, make) enum err_code make(struct making *m);
#include "plan/plans.def"
#undef PLAN

/* One need, as a bit of step.needs. */
#define MUST(name) (UINT64_C(1) << NEED_##name)

/* ---- servers ---- */

/* "host:port", for one use in a text; of the plan's arena. */
const char *make_name(struct making *m, struct key k);
/* Known; else NOT_FOUND. */
enum err_code make_known(struct making *m, struct key k,
    const struct member **out);
/* Known, and a probe ended well some time; else NOT_FOUND, UNREACHABLE. */
enum err_code make_seen(struct making *m, struct key k,
    const struct member **out);
/* Its last probe was good, and not long ago; else UNREACHABLE, BUSY. */
enum err_code make_fresh(struct making *m, struct key k,
    const struct member **out);
/* Likewise, and it is a replica whose channel can be worked with. */
enum err_code make_replica(struct making *m, struct key k,
    const struct member **out);
/* A replica that may be moved: no group secondary, too. */
enum err_code make_movable(struct making *m, struct key k,
    const struct member **out);
/* What it replicates from, known; else NOT_FOUND or INVALID. */
enum err_code make_source_of(struct making *m, const struct member *a,
    const struct member **out);
/* Its replication can stop for a while: it runs, and its lag is reasonable. */
enum err_code make_can_move(struct making *m, const struct member *a);
enum err_code make_no_ring(struct making *m, const struct member *a,
    const struct member *b);

bool make_siblings(const struct member *a, const struct member *b);
bool make_is_source(const struct member *source, const struct member *a);
/* Is b below a, or a itself? */
bool make_is_below(const struct world *w, const struct member *b,
    const struct member *a);
bool make_is_bls(const struct member *m);

/* ---- steps ---- */

unsigned make_server(struct making *m, const struct member *s);
/* Must not change meanwhile: locked. */
unsigned make_held(struct making *m, const struct member *s);
/* The track is m's; a limit of 0 is the policy's read_limit. */
void make_step(struct making *m, struct step s);
/* How long a server may take to catch up. */
dur_t make_patience(const struct making *m, const struct member *s);
/* A track of its own for a server, current from now on. */
void make_track(struct making *m, const struct member *s);
void make_trunk(struct making *m);
/* At most side by side, and one that succeeds will do. */
void make_bulk(struct making *m, unsigned side_by_side);
/* The threads of the server as they were found.  Of one that was moved, this
 * failing is a failure of the move; of a helper it is told, and no more. */
void make_restore(struct making *m, unsigned server, bool moved);

/* ---- moves, by method (make_way.c): may_ checks, by_ appends ---- */

/* Stop, change to b by GTID, go on. */
enum err_code make_may_gtid(struct making *m, const struct member *a,
    const struct member *b);
void make_by_gtid(struct making *m, const struct member *a,
    const struct member *b, enum gtid_hint hint);

/* It knows where it stands, in file and position. */
enum err_code make_has_place(struct making *m, const struct member *a);

/* Stop, change to b at the place that a has executed (or by GTID, when it uses
 * that and hint allows it), go on.  Right where b's log is that of a's source. */
enum err_code make_may_repoint(struct making *m, const struct member *a,
    const struct member *b, enum gtid_hint hint);
void make_by_repoint(struct making *m, const struct member *a,
    const struct member *b, enum gtid_hint hint);

/* By markers. */
enum err_code make_may_match(struct making *m, const struct member *a,
    const struct member *b);
/* Likewise, and both are known to have markers. */
enum err_code make_may_marked(struct making *m, const struct member *a,
    const struct member *b);
void make_by_match(struct making *m, const struct member *a,
    const struct member *b);

/* Siblings: both stop, who is behind applies until where the other stands, and
 * b's own log goes on from there.  The second part when both are stopped. */
enum err_code make_may_below(struct making *m, const struct member *a,
    const struct member *b);
void make_by_below(struct making *m, const struct member *a,
    const struct member *b);
enum err_code make_below_rest(struct making *m, const struct member *a,
    const struct member *b);

/* The source stops, a applies all that it logged, and goes on from where the
 * source stands in the log of its own source. */
/* Steps that see that neither lacks what the other has, where that is known. */
void make_same_sets(struct making *m, const struct member *a,
    const struct member *b);
/* By position, x is no source of a place for others: it is in a ring, and
 * written to. */
enum err_code make_no_pair(struct making *m, const struct member *x);
enum err_code make_may_up(struct making *m, const struct member *a,
    const struct member *source, const struct member *above);
void make_by_up(struct making *m, const struct member *a,
    const struct member *source, const struct member *above);

/* Where a stands has an equivalent on b; it is looked up when a is stopped. */
enum err_code make_may_equivalent(struct making *m, const struct member *a,
    const struct member *b);
void make_by_equivalent(struct making *m, const struct member *a);
enum err_code make_equivalent_rest(struct making *m, const struct member *a,
    const struct member *b);

/* With all of relocate's rules and methods; may leave a second stage. */
enum err_code make_relocate_one(struct making *m, const struct member *a,
    const struct member *b);
/* As repoint does, with its warnings. */
enum err_code make_repoint_hinted(struct making *m, const struct member *a,
    const struct member *b, enum gtid_hint hint);

/* Only named in needs and texts: nobody looks at it for that. */
unsigned make_named(struct making *m, struct key k);
/* Appends a STOP of a, which must still replicate from its source. */
void make_stop(struct making *m, const struct member *a, uint64_t needs,
    const char *why);
/* What may_replicate() warns of. */
enum err_code make_may_replicate(struct making *m, const struct member *a,
    const struct member *b);

/* ---- lists ---- */

/* Direct replicas of source (deep: binlog servers' too) that fit the pattern,
 * less "but"; an array in the plan's arena. */
struct making_list {
	const struct member **at;
	size_t n;
};
enum err_code make_replicas(struct making *m, const struct member *source,
    const struct member *but, bool deep, struct making_list *out);

/* Replicas of a below b, by whatever method fits each; may leave a second stage,
 * which is make_below_lot_rest() with b. */
enum err_code make_relocate_list(struct making *m,
    const struct making_list *list, const struct member *a,
    const struct member *b);
/* Siblings of b below it, by position (make_lot.c). */
enum err_code make_below_lot(struct making *m, const struct making_list *list,
    const struct member *b);
enum err_code make_below_lot_rest(struct making *m, const struct member *b);

/* ---- rules (may.c) ---- */

enum may_gtid { MAY_NO_GTID, MAY_ORACLE_GTID, MAY_MARIADB_GTID };
/* Which GTID a and b have in common, a using it now. */
enum may_gtid may_speak(const struct instance *a, const struct instance *b);
bool may_is_mariadb(const struct instance *in);

#endif
