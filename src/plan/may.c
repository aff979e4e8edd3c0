/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May a server replicate from another?  The rules in their order, the first
 * that says no decides.
 *
 * From: inst/instance.go, 3.2.6, CanReplicateFrom, CanReplicateFromEx; the
 * rules on flavours, gtid_mode, MariaDB's positions and errant transactions are
 * ours (doc/differences.md).
 */
#include "config.h"

#include "plan/make.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "topology/gtid_mariadb.h"

struct pair {
	const struct world *w;
	const struct instance *a, *b;
	bool below; /* a replicates from b already, however indirectly */
	char a_name[KEY_TEXT_MAX], b_name[KEY_TEXT_MAX];
	struct err *warn, *err;
};

static void
pair_init(struct pair *p, const struct world *w, const struct member *a,
    const struct member *b, struct err *warn, struct err *err)
{
	p->w = w;
	p->a = a->in;
	p->b = b->in;
	p->below = make_is_below(w, a, b);
	key_text(a->in->key, p->a_name);
	key_text(b->in->key, p->b_name);
	p->warn = warn;
	p->err = err;
}

#define REFUSE_AS(p, code, fmt, ...) \
	err_set((p)->err, (code), "%s cannot replicate from %s: " fmt, \
	    (p)->a_name, (p)->b_name, __VA_ARGS__)
#define REFUSE(p, ...) REFUSE_AS(p, ERR_INVALID, __VA_ARGS__)

static enum flavour
flavour_of(const struct instance *in)
{
	return version_flavour(in->version, in->version_comment);
}

bool
may_is_mariadb(const struct instance *in)
{
	return flavour_of(in) == FLAVOUR_MARIADB;
}

/* ---- one rule each ---- */

static enum err_code
check_known(const struct pair *p)
{
	if (key_eq(p->a->key, p->b->key))
		return err_set(p->err, ERR_INVALID,
		    "%s cannot replicate from itself", p->a_name);
	if (p->b->version[0] == '\0' || p->a->version[0] == '\0')
		return REFUSE(p, "nothing is known of %s yet",
		    p->b->version[0] == '\0' ? p->b_name : p->a_name);
	return ERR_NONE;
}

static enum err_code
check_log(const struct pair *p)
{
	if (!p->b->log_bin)
		return REFUSE(p, "%s has no binary log", p->b_name);
	if (instance_is_replica(p->b) && !p->b->log_replica_updates)
		return REFUSE(p, "%s is a replica and does not log what it "
		    "replicates (log_replica_updates is off)", p->b_name);
	return ERR_NONE;
}

static enum err_code
check_flavour(const struct pair *p)
{
	bool a = may_is_mariadb(p->a), b = may_is_mariadb(p->b);

	if (instance_is_binlog_server(p->a) || instance_is_binlog_server(p->b))
		return ERR_NONE;
	if (b && !a)
		return REFUSE(p, "%s is MySQL (%s), and %s MariaDB (%s)",
		    p->a_name, p->a->version, p->b_name, p->b->version);
	if (a && !b)
		err_set(p->warn, ERR_INVALID, "%s is MariaDB and %s MySQL: "
		    "only by file and position, and not everything that "
		    "MySQL logs is understood", p->a_name, p->b_name);
	return ERR_NONE;
}

static enum err_code
check_version(const struct pair *p)
{
	struct version a = version_parse(p->a->version);
	struct version b = version_parse(p->b->version);

	/* A series is two numbers; numbers of two makers say nothing. */
	a.patch = b.patch = 0;
	if (instance_is_binlog_server(p->a) || instance_is_binlog_server(p->b)
	    || may_is_mariadb(p->a) != may_is_mariadb(p->b)
	    || version_cmp(a, b) >= 0)
		return ERR_NONE;
	if (!p->w->policy->lower_version_allowed)
		return REFUSE(p, "it is %s, older than %s, and "
		    "LowerReplicaVersionAllowed is off",
		    p->a->version, p->b->version);
	err_set(p->warn, ERR_INVALID, "%s is %s, older than %s's %s",
	    p->a_name, p->a->version, p->b_name, p->b->version);
	return ERR_NONE;
}

static int
format_rank(const char *format)
{
	static const char *const rank[] = { "STATEMENT", "MIXED", "ROW" };

	for (size_t i = 0; i < MEM_COUNT(rank); i++)
		if (strcasecmp(format, rank[i]) == 0)
			return (int)i;
	return -1;
}

/* What it logs again must be able to hold what it is sent. */
static enum err_code
check_format(const struct pair *p)
{
	int a = format_rank(p->a->binlog_format);
	int b = format_rank(p->b->binlog_format);

	if (!p->a->log_bin || !p->a->log_replica_updates || a < 0 || b < 0 ||
	    a >= b)
		return ERR_NONE;
	return REFUSE(p, "it logs in the format %s, %s in %s",
	    p->a->binlog_format, p->b_name, p->b->binlog_format);
}

static bool
is_full(const char *image)
{
	return strcasecmp(image, "FULL") == 0;
}

static enum err_code
check_row_image(const struct pair *p)
{
	if (p->a->log_bin && p->a->log_replica_updates &&
	    is_full(p->a->binlog_row_image) &&
	    p->b->binlog_row_image[0] != '\0' &&
	    !is_full(p->b->binlog_row_image))
		err_set(p->warn, ERR_INVALID, "%s logs rows in full and %s "
		    "does not (binlog_row_image is %s)", p->a_name, p->b_name,
		    p->b->binlog_row_image);
	return ERR_NONE;
}

static enum err_code
check_filters(const struct pair *p)
{
	if (!p->w->policy->verify_filters || !p->b->has_filters ||
	    p->a->has_filters)
		return ERR_NONE;
	return REFUSE(p, "%s has replication filters and %s has none "
	    "(VerifyReplicationFilters)", p->b_name, p->a_name);
}

static enum err_code
check_identity(const struct pair *p)
{
	if (instance_is_binlog_server(p->a))
		return ERR_NONE;
	if (p->a->server_id == p->b->server_id)
		return REFUSE(p, "both have the server id %llu",
		    (unsigned long long)p->a->server_id);
	if (p->a->server_uuid[0] != '\0' &&
	    strcasecmp(p->a->server_uuid, p->b->server_uuid) == 0)
		return REFUSE(p, "both have the server uuid %s",
		    p->a->server_uuid);
	return ERR_NONE;
}

static enum err_code
check_delay(const struct pair *p)
{
	if (p->a->sql_delay >= p->b->sql_delay ||
	    (int64_t)p->b->sql_delay <=
		p->w->policy->maintenance_lag.us / 1000000)
		return ERR_NONE;
	return REFUSE(p, "%s is delayed by %llu s on purpose, and %s by %llu",
	    p->b_name, (unsigned long long)p->b->sql_delay, p->a_name,
	    (unsigned long long)p->a->sql_delay);
}

/* How far gtid_mode was switched on; -1: not MySQL's. */
static int
gtid_mode_rank(const char *mode)
{
	static const char *const rank[] = { "OFF", "OFF_PERMISSIVE",
		"ON_PERMISSIVE", "ON" };

	for (size_t i = 0; i < MEM_COUNT(rank); i++)
		if (strcasecmp(mode, rank[i]) == 0)
			return (int)i;
	return -1;
}

/*
 * A server that knows no GTIDs at all cannot take those of one that writes
 * them, nor the other way round.
 * From: MySQL 8.4 Reference Manual, "Replication Mode Concepts".
 */
static enum err_code
check_gtid_mode(const struct pair *p)
{
	int a = gtid_mode_rank(p->a->gtid_mode);
	int b = gtid_mode_rank(p->b->gtid_mode);

	if (a < 0 || b < 0 || may_is_mariadb(p->a) || may_is_mariadb(p->b))
		return ERR_NONE;
	if ((a == 0 && b >= 2) || (a == 3 && b <= 1))
		return REFUSE(p, "its gtid_mode is %s, and %s's %s",
		    p->a->gtid_mode, p->b_name, p->b->gtid_mode);
	return ERR_NONE;
}

enum err_code
may_replicate(const struct world *w, const struct member *a,
    const struct member *b, struct err *warn, struct err *err)
{
	static enum err_code (*const rule[])(const struct pair *) = {
		check_known, check_log, check_flavour, check_version,
		check_format, check_filters, check_identity, check_delay,
		check_gtid_mode, check_row_image,
	};
	struct pair p;

	pair_init(&p, w, a, b, warn, err);
	for (size_t i = 0; i < MEM_COUNT(rule); i++) {
		enum err_code code = rule[i](&p);

		if (code != ERR_NONE)
			return code;
	}
	return ERR_NONE;
}

/* ---- GTID ---- */

enum may_gtid
may_speak(const struct instance *a, const struct instance *b)
{
	if (a->using_oracle_gtid && b->supports_oracle_gtid)
		return MAY_ORACLE_GTID;
	if (a->using_mariadb_gtid && may_is_mariadb(b))
		return MAY_MARIADB_GTID;
	return MAY_NO_GTID;
}

/* Text of a set for an error: long ones are cut by err_set(). */
static enum err_code
refuse_set(const struct pair *p, enum err_code code,
    const struct gtid_set *set, const char *what)
{
	struct buf b;

	buf_init(&b);
	gtid_set_text(set, &b);
	REFUSE_AS(p, code, "%s: %.300s", what, buf_text(&b));
	buf_fini(&b);
	return code;
}

/* out = the transactions of x that y lacks. false: one is not readable. */
static bool
lacks(struct gtid_set *out, const char *x, const char *y)
{
	struct gtid_set a, b;
	bool good;

	gtid_set_init(&a);
	gtid_set_init(&b);
	good = gtid_set_parse(&a, x, NULL) == ERR_NONE &&
	    gtid_set_parse(&b, y, NULL) == ERR_NONE;
	if (good)
		gtid_set_subtract(out, &a, &b);
	gtid_set_fini(&a);
	gtid_set_fini(&b);
	return good;
}

/*
 * The source refuses a replica that has more transactions of the source's own
 * uuid than itself.  Of a server that replicates from b, however indirectly,
 * that only means that b was read earlier.
 */
static enum err_code
check_own_uuid(const struct pair *p, struct gtid_set *extra)
{
	struct gtid_uuid uuid;

	if (p->below ||
	    gtid_uuid_parse(&uuid, p->b->server_uuid, NULL) != ERR_NONE)
		return ERR_NONE;
	gtid_set_keep_uuid(extra, uuid);
	if (gtid_set_is_empty(extra))
		return ERR_NONE;
	return refuse_set(p, ERR_INVALID, extra, "it has transactions of "
	    "that server's own uuid which that server lacks");
}

/* The head of its tree; NULL: that follows somebody who is not known. */
static const struct member *
head_of(const struct world *w, struct key k)
{
	const struct member *m = world_find(w, k);

	for (unsigned hops = 0; m != NULL && hops < MAKE_HOPS_MAX; hops++) {
		const struct member *up = world_find(w, cluster_parent(m->in));

		if (up == NULL)
			return key_is_none(cluster_parent(m->in)) ? m : NULL;
		m = up;
	}
	return NULL;
}

/* Both are known to belong to trees that have nothing in common. */
static bool
are_strangers(const struct pair *p)
{
	const struct member *a = head_of(p->w, p->a->key);
	const struct member *b = head_of(p->w, p->b->key);

	return a != NULL && b != NULL && a != b && a->in != p->a;
}

/* What came from another cluster's primary will never be there. */
static enum err_code
check_cluster(const struct pair *p, const struct gtid_set *extra)
{
	if (gtid_set_is_empty(extra) || !are_strangers(p))
		return ERR_NONE;
	return refuse_set(p, ERR_INVALID, extra, "it is of another cluster, "
	    "and has transactions that are not known here");
}

static enum err_code
check_oracle(const struct pair *p)
{
	enum err_code code = ERR_NONE;
	struct gtid_set set;

	gtid_set_init(&set);
	if (!lacks(&set, p->b->gtid_purged, p->a->executed_gtid_set))
		code = REFUSE(p, "%s", "a GTID set of theirs is not readable");
	else if (!gtid_set_is_empty(&set))
		code = refuse_set(p, ERR_NOT_FOUND, &set, "it lacks "
		    "transactions which that server has purged");
	else if (lacks(&set, p->a->executed_gtid_set,
	    p->b->executed_gtid_set)) {
		code = check_cluster(p, &set);
		if (code == ERR_NONE)
			code = check_own_uuid(p, &set);
	}
	gtid_set_fini(&set);
	return code;
}

/* Where the replica says that it is: what MASTER_USE_GTID makes it send. */
static const char *
sent_pos(const struct instance *in)
{
	return strcasecmp(in->using_gtid_text, "Current_Pos") == 0 ?
	    in->mariadb_current_pos : in->mariadb_slave_pos;
}

static bool
has_gtid(const struct instance *in, const struct mariadb_gtid *g)
{
	const struct mariadb_gtid *at;
	struct mariadb_pos pos;
	struct arena a;
	bool has;

	arena_init(&a);
	has = mariadb_pos_parse(&pos, in->mariadb_binlog_pos, &a, NULL) ==
		ERR_NONE &&
	    (at = mariadb_pos_find(pos, g->domain)) != NULL &&
	    at->seq >= g->seq;
	arena_fini(&a);
	return has;
}

/*
 * Could b still get what it lacks of a domain?  From whoever above it has that,
 * if everybody between replicates; a source that is not known may have it.
 */
static const struct instance *
who_stops(const struct world *w, const struct instance *b,
    const struct mariadb_gtid *g)
{
	for (unsigned hops = 0; hops < MAKE_HOPS_MAX; hops++) {
		const struct member *up;

		if (has_gtid(b, g))
			return NULL;
		if (!instance_is_running(b))
			return b;
		up = world_find(w, b->source_key);
		if (up == NULL)
			return NULL;
		b = up->in;
	}
	return b;
}

static enum err_code
check_behind(const struct pair *p, const struct mariadb_gtid *g,
    const struct mariadb_gtid *at)
{
	const struct instance *who = who_stops(p->w, p->b, g);
	char name[KEY_TEXT_MAX];

	if (who == NULL)
		return ERR_NONE;
	return REFUSE_AS(p, instance_is_replica(who) ? ERR_NOT_FOUND :
	    ERR_INVALID, "in domain %u it is at %u-%u-%llu, %s only at "
	    "%u-%u-%llu, and %s %s", g->domain, g->domain, g->server,
	    (unsigned long long)g->seq, p->b_name, at->domain, at->server,
	    (unsigned long long)at->seq, key_text(who->key, name),
	    instance_is_replica(who) ? "does not replicate" :
				       "follows nobody");
}

static enum err_code
check_domain(const struct pair *p, const struct mariadb_gtid *g,
    struct mariadb_pos log, struct mariadb_pos replicated)
{
	const struct mariadb_gtid *at = mariadb_pos_find(log, g->domain);
	const struct mariadb_gtid *was = mariadb_pos_find(replicated,
	    g->domain);

	if (was != NULL && was->seq == g->seq && was->server == g->server)
		return ERR_NONE;
	if (are_strangers(p) && (at == NULL || at->server != g->server ||
	    at->seq < g->seq))
		return REFUSE(p, "it is of another cluster, at %u-%u-%llu, "
		    "which is not known here", g->domain, g->server,
		    (unsigned long long)g->seq);
	if (at == NULL)
		return REFUSE_AS(p, ERR_NOT_FOUND,
		    "it is at %u-%u-%llu, and %s's binary log "
		    "knows nothing of domain %u", g->domain, g->server,
		    (unsigned long long)g->seq, p->b_name, g->domain);
	if (at->seq == g->seq && at->server != g->server)
		return REFUSE(p, "in domain %u it is at %u-%u-%llu and %s at "
		    "%u-%u-%llu: they have diverged", g->domain, g->domain,
		    g->server, (unsigned long long)g->seq, p->b_name,
		    at->domain, at->server, (unsigned long long)at->seq);
	if (at->seq < g->seq)
		return check_behind(p, g, at);
	return ERR_NONE;
}

/*
 * MariaDB's source looks for the replica's place of each domain in its own log:
 * it must have been there, or have replicated to just there.
 */
static enum err_code
check_mariadb(const struct pair *p)
{
	struct mariadb_pos a, log, replicated;
	enum err_code code = ERR_NONE;
	struct arena arena;

	arena_init(&arena);
	if (mariadb_pos_parse(&a, sent_pos(p->a), &arena, NULL) != ERR_NONE ||
	    mariadb_pos_parse(&log, p->b->mariadb_binlog_pos, &arena, NULL) !=
		ERR_NONE ||
	    mariadb_pos_parse(&replicated, p->b->mariadb_slave_pos, &arena,
		NULL) != ERR_NONE)
		code = REFUSE(p, "%s", "a GTID position of theirs is not "
		    "readable");
	/* Who stands above it has what it was given, only was read earlier. */
	for (size_t i = 0; code == ERR_NONE && !p->below && i < a.n; i++)
		code = check_domain(p, &a.at[i], log, replicated);
	arena_fini(&arena);
	return code;
}

static void
warn_errant(const struct pair *p)
{
	if (p->a->gtid_errant[0] != '\0')
		err_set(p->warn, ERR_INVALID, "%s has transactions of its own "
		    "(errant): %.200s", p->a_name, p->a->gtid_errant);
	else if (p->b->gtid_errant[0] != '\0' && !p->below)
		err_set(p->warn, ERR_INVALID, "%s has transactions of its own "
		    "(errant), which %s will get: %.200s", p->b_name,
		    p->a_name, p->b->gtid_errant);
}

enum err_code
may_replicate_gtid(const struct world *w, const struct member *a,
    const struct member *b, struct err *warn, struct err *err)
{
	enum err_code code;
	struct pair p;

	pair_init(&p, w, a, b, warn, err);
	switch (may_speak(a->in, b->in)) {
	case MAY_ORACLE_GTID: code = check_oracle(&p); break;
	case MAY_MARIADB_GTID: code = check_mariadb(&p); break;
	default:
		if (!a->in->using_oracle_gtid && !a->in->using_mariadb_gtid)
			return err_set(err, ERR_UNSUPPORTED,
			    "%s does not use GTID", p.a_name);
		return err_set(err, ERR_UNSUPPORTED,
		    "%s has not the kind of GTID that %s uses", p.b_name,
		    p.a_name);
	}
	if (code == ERR_NONE && warn != NULL)
		warn_errant(&p);
	return code;
}
