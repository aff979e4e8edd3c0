/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analysis: properties that hold whatever a cluster looks like, v1's own
 * conditions as they are written there, and the parts by themselves.  Which code
 * belongs to which picture is in t/cases/analysis-*.case.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tap.h"
#include "topology/analysis.h"
#include "topology/control.h"

enum { MEMBERS = 12, WORLDS = 20000 };

#define T(s) ((wall_t){ (int64_t)(1000000 + (s)) * 1000000 })
#define LOST "Error reconnecting to source 'r@h:3306'. Message: refused"

static const struct analysis_rules plain = {
	.now = { INT64_C(1000100) * 1000000 },
	.started = { INT64_C(1000000) * 1000000 },
	.patience = { 2000000 },
	.lag = { 10000000 },
	.locked = { 10000000 },
};

static uint64_t seed;

static uint32_t
draw(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33) % n;
}

static bool
chance(uint32_t percent)
{
	return draw(100) < percent;
}

/* ---- worlds ---- */

struct world {
	struct instance in[MEMBERS];
	struct member m[MEMBERS];
	char host[MEMBERS][8];
	size_t n;
	struct analysis_rules rules;
};

static void
draw_replication(struct instance *in, struct key source)
{
	in->source_key = source;
	in->sql_running = chance(80);
	in->io_running = chance(50);
	if (!in->io_running && chance(50))
		in->last_io_error = LOST;
	in->lag_seconds = (struct nullint){ draw(20), chance(80) };
	in->sql_delay = chance(10) ? 60 : 0;
}

static void
draw_server(struct world *w, size_t i)
{
	static const char *const format[] = { "ROW", "MIXED", "STATEMENT" };
	static const char *const version[] = { "8.0.36", "8.4.3",
		"10.11.6-MariaDB", "2.3.4-maxscale" };
	struct instance *in = &w->in[i];

	instance_init(in);
	snprintf(w->host[i], sizeof w->host[i], "h%zu", i);
	in->key = (struct key){ w->host[i], 3306 };
	in->version = version[chance(60) ? 0 : draw(4)];
	in->version_comment = in->version[0] == '2' ? "MaxScale" : "";
	in->binlog_format = format[draw(3)];
	in->log_bin = chance(80);
	in->log_replica_updates = chance(80);
	in->using_oracle_gtid = chance(60);
	in->using_mariadb_gtid = chance(30);
	in->using_pseudo_gtid = chance(30);
	in->gtid_mode = chance(70) ? "ON" : "OFF";
	in->gtid_errant = chance(10) ? "x:1" : "";
	in->read_only = chance(30);
	in->semi_sync_source_enabled = chance(40);
	in->semi_sync_source_status = chance(70);
	in->semi_sync_wait_count = draw(3);
	in->semi_sync_source_clients = draw(3);
	in->replication_depth = draw(3);
	if (chance(10)) {
		in->group_name = "g";
		in->group_member_role = chance(50) ? "PRIMARY" : "SECONDARY";
		in->group_member_state = chance(70) ? "ONLINE" : "OFFLINE";
	}
	if (i > 0 && chance(90))
		draw_replication(in, w->in[draw((uint32_t)i)].key);
	else if (chance(10))
		in->source_key = (struct key){ "//h0", 3306 };
}

/* plainly: seen or gone, as v1 knows them; else all there is. */
static void
draw_health(struct health *h, bool plainly)
{
	*h = (struct health){ .error = "" };
	h->last_checked = h->last_attempted = T(99);
	h->last_seen = T(99);
	if (chance(60))
		return;
	h->last_seen = T(90);
	h->error_code = ERR_UNREACHABLE;
	if (plainly)
		return;
	h->partial = chance(30);
	if (chance(30))
		h->error_code = (enum err_code)(1 + draw(ERR_CLOSED));
	if (chance(20))
		h->last_seen = T(-10);
	if (chance(20))
		h->last_attempted = h->last_checked = h->last_seen = T(-10);
	if (chance(20)) {
		h->last_attempted = T(draw(8) + 92);
		h->last_checked = T(91);
	}
}

static void
draw_world(struct world *w, bool plainly)
{
	w->n = 1 + draw(MEMBERS);
	w->rules = plain;
	w->rules.exact_semi_sync = chance(50);
	w->rules.recovers_read_only = chance(30);
	for (size_t i = 0; i < w->n; i++) {
		draw_server(w, i);
		draw_health(&w->m[i].health, plainly);
		w->m[i].in = &w->in[i];
	}
	if (w->n > 1 && chance(30)) {
		draw_replication(&w->in[0], w->in[1].key);
		draw_replication(&w->in[1], w->in[0].key);
		w->in[0].is_co_primary = w->in[1].is_co_primary = true;
	}
}

/* ---- properties ---- */

static bool
is_dead_code(enum analysis_code code)
{
	return strncmp(analysis_name(code), "Dead", 4) == 0;
}

static bool
agrees_with(const struct world *w, const struct analyses *all, size_t i)
{
	const struct analysis *an = &all->at[i];
	const struct analysis_facts *f = &an->facts;
	bool alive = analysis_proves_life(&w->m[i].health) && !f->hangs;

	if (is_dead_code(an->code) &&
	    (f->sight != SIGHT_GONE || alive || f->replicating > 0 ||
		f->unsettled > 0 || w->m[i].health.last_seen.us <
		plain.started.us))
		return false;
	if (f->sight == SIGHT_UNSETTLED && an->code != ANALYSIS_NO_PROBLEM)
		return false;
	if (f->replicating > f->valid || f->failing > f->valid ||
	    f->valid > f->replicas || f->replicating + f->failing > f->valid ||
	    f->statement + f->mixed + f->row > f->logging)
		return false;
	for (uint32_t k = 0; k < f->replicas; k++) {
		uint32_t r = all->replica[an->first + k];

		if (!key_eq(w->in[r].source_key, w->in[i].key) ||
		    all->at[r].source != i)
			return false;
	}
	return true;
}

/* In another order of the members the same is said of each. */
static bool
same_shuffled(const struct world *w, const struct analyses *all,
    struct arena *a)
{
	struct analysis_stand stand[MEMBERS] = { 0 };
	struct member m[MEMBERS];
	struct analyses other;
	size_t from[MEMBERS];

	for (size_t i = 0; i < w->n; i++)
		from[i] = i;
	for (size_t i = w->n; i > 1; i--) {
		size_t k = draw((uint32_t)i), t = from[k];

		from[k] = from[i - 1];
		from[i - 1] = t;
	}
	for (size_t i = 0; i < w->n; i++)
		m[i] = w->m[from[i]];
	analyse(&other, m, w->n, &w->rules, stand, a);
	if (other.again.us != all->again.us)
		return false;
	for (size_t i = 0; i < w->n; i++)
		if (other.at[i].code != all->at[from[i]].code ||
		    other.at[i].structure != all->at[from[i]].structure)
			return false;
	return true;
}

static void
test_properties(void)
{
	unsigned wrong = 0, moved = 0, dead = 0, codes = 0;
	bool seen[ANALYSIS_CODES] = { false };

	for (unsigned round = 0; round < WORLDS; round++) {
		struct analysis_stand stand[MEMBERS] = { 0 };
		struct analyses all;
		struct world w;
		struct arena a;

		seed = round;
		arena_init(&a);
		draw_world(&w, false);
		analyse(&all, w.m, w.n, &w.rules, stand, &a);
		for (size_t i = 0; i < w.n; i++) {
			wrong += !agrees_with(&w, &all, i);
			dead += is_dead_code(all.at[i].code);
			seen[all.at[i].code] = true;
		}
		moved += !same_shuffled(&w, &all, &a);
		arena_fini(&a);
	}
	for (size_t i = 0; i < ANALYSIS_CODES; i++)
		codes += seen[i];
	is_int(wrong, 0, "no death where an answer is fresh or a witness sees "
	    "the server, in %d worlds", WORLDS);
	is_int(moved, 0, "the order of members changes nothing");
	ok(dead > 1000, "%u deaths among them", dead);
	ok(codes >= 35, "%u codes among them", codes);
}

/* ---- v1's conditions, as analysis.tsv of the specification has them ---- */

#define M (f->primary)
#define CM (f->co_primary)
#define V (f->sight == SIGHT_SEEN)
#define P false
#define R (f->replicas)
#define RV (f->valid)
#define RR (f->replicating)
#define RF (f->failing)
#define RL (f->lagging)
#define RD (f->delayed)
#define SEMI (f->semi_sync && f->semi_sync_on && f->acks_wanted > 0)
#define SC (f->semi_sync_clients)
#define SW (f->acks_wanted)

static const char *
v1_primary(const struct analysis_facts *f)
{
	if (M && !V && R==0) return "DeadMasterWithoutReplicas";
	if (M && !V && RV==R && RR==0) return "DeadMaster";
	if (M && !V && R>0 && RV==0 && RR==0) return "DeadMasterAndReplicas";
	if (M && !V && RV<R && RV>0 && RR==0)
		return "DeadMasterAndSomeReplicas";
	if (M && !V && RL==R && RD<R && RR>0)
		return "UnreachableMasterWithLaggingReplicas";
	if (M && !V && !P && RV>0 && RR>0) return "UnreachableMaster";
	/* The next three ask for a valid primary here; v1 does not. */
	if (M && V && SEMI && SC<SW && f->stale) return "LockedSemiSyncMaster";
	if (M && V && SEMI && SC<SW) return "LockedSemiSyncMasterHypothesis";
	if (f->exact_semi_sync && M && V && SEMI && SC>SW)
		return "MasterWithTooManySemiSyncReplicas";
	if (M && !f->detached && V && f->read_only && RR>0 &&
	    f->recovers_read_only)
		return "NoWriteableMasterStructureWarning";
	if (M && V && R==1 && RV==R && RR==0)
		return "MasterSingleReplicaNotReplicating";
	if (M && V && R==1 && RV==0) return "MasterSingleReplicaDead";
	if (M && V && R>1 && RV==R && RR==0)
		return "AllMasterReplicasNotReplicating";
	if (M && V && R>1 && RV<R && RV>0 && RR==0)
		return "AllMasterReplicasNotReplicatingOrDead";
	return NULL;
}

static const char *
v1_co_primary(const struct analysis_facts *f)
{
	if (CM && !V && R>0 && RV==R && RR==0) return "DeadCoMaster";
	if (CM && !V && R>0 && RV<R && RV>0 && RR==0)
		return "DeadCoMasterAndSomeReplicas";
	if (CM && !V && !P && RV>0 && RR>0) return "UnreachableCoMaster";
	if (CM && V && R>0 && RR==0)
		return "AllCoMasterReplicasNotReplicating";
	return NULL;
}

static const char *
v1_intermediate(const struct analysis_facts *f)
{
	if (!M && !V && R==1 && RV==R && RF==R && RR==0)
		return "DeadIntermediateMasterWithSingleReplicaFailingToConnect";
	if (!M && !V && R==1 && RV==R && RR==0)
		return "DeadIntermediateMasterWithSingleReplica";
	if (!M && !V && R>1 && RV==R && RR==0) return "DeadIntermediateMaster";
	if (!M && !V && RV<R && RV>0 && RR==0)
		return "DeadIntermediateMasterAndSomeReplicas";
	if (!M && !V && R>0 && RV==0)
		return "DeadIntermediateMasterAndReplicas";
	if (!M && !V && RL==R && RD<R && RR>0)
		return "UnreachableIntermediateMasterWithLaggingReplicas";
	if (!M && !V && !P && RV>0 && RR>0)
		return "UnreachableIntermediateMaster";
	if (!M && V && R>1 && RR==0 && RF>0 && RF==RV)
		return "AllIntermediateMasterReplicasFailingToConnectOrDead";
	if (!M && V && R>0 && RV>0 && RR==0)
		return "AllIntermediateMasterReplicasNotReplicating";
	return NULL;
}

static const char *
v1_says(const struct analysis_facts *f)
{
	const char *name;

	if (f->group_member)
		return !V && R>0 && RR==0 ?
		    "DeadReplicationGroupMemberWithReplicas" : "NoProblem";
	if ((name = v1_primary(f)) != NULL ||
	    (name = v1_co_primary(f)) != NULL ||
	    (name = v1_intermediate(f)) != NULL)
		return name;
	if (f->binlog_server && f->failing_to_connect)
		return "BinlogServerFailingToConnectToMaster";
	if (f->depth==1 && f->failing_to_connect)
		return "FirstTierReplicaFailingToConnectToMaster";
	return "NoProblem";
}

static void
test_v1(void)
{
	unsigned differ = 0, told = 0;

	for (unsigned round = 0; round < WORLDS; round++) {
		struct analysis_stand stand[MEMBERS] = { 0 };
		struct analyses all;
		struct world w;
		struct arena a;

		seed = round + WORLDS;
		arena_init(&a);
		draw_world(&w, true);
		if (chance(30))
			w.rules.locked = DUR_ZERO; /* at once */
		analyse(&all, w.m, w.n, &w.rules, stand, &a);
		for (size_t i = 0; i < w.n; i++) {
			const char *want = v1_says(&all.at[i].facts);
			const char *got = analysis_name(all.at[i].code);

			if (strcmp(want, got) != 0 && differ++ < 3)
				is_str(got, want, "world %u, server %zu",
				    round, i);
			told++;
		}
		arena_fini(&a);
	}
	is_int(differ, 0, "of %u servers seen or gone v1 says the same", told);
}

#undef M
#undef V
#undef P
#undef R

/* ---- parts ---- */

static void
test_life(void)
{
	static const struct {
		enum err_code code;
		enum analysis_sight want;
	} row[] = {
		{ ERR_DENIED, SIGHT_REFUSED }, { ERR_SERVER, SIGHT_REFUSED },
		{ ERR_MALFORMED, SIGHT_REFUSED },
		{ ERR_UNSUPPORTED, SIGHT_REFUSED },
		{ ERR_INVALID, SIGHT_REFUSED },
		{ ERR_TIMEOUT, SIGHT_GONE }, { ERR_UNREACHABLE, SIGHT_GONE },
		{ ERR_BUSY, SIGHT_GONE }, { ERR_CLOSED, SIGHT_GONE },
	};

	for (size_t i = 0; i < MEM_COUNT(row); i++) {
		struct health h = { .last_attempted = T(99),
			.last_checked = T(99), .last_seen = T(90),
			.error_code = row[i].code };
		bool hangs;

		is_int(analysis_sight(&h, &plain, &hangs), row[i].want,
		    "a probe failed: %s", err_name(row[i].code));
		h.last_attempted = ((wall_t){ T(99).us + 500000 });
		is_int(analysis_sight(&h, &plain, &hangs), row[i].want,
		    "and the next is young");
	}
}

static void
test_connecting(void)
{
	static const struct {
		const char *what, *error;
		bool io, sql, want;
	} row[] = {
		{ "MySQL 8", "error connecting to master 'r@h:1' - retry-time",
		    false, true, true },
		{ "MySQL 8.0.33 and later", "Error connecting to source 'r@h'",
		    false, true, true },
		{ "MySQL, later", "error reconnecting to source 'r@h:1'",
		    false, true, true },
		{ "a running receiver", "error connecting to master", true,
		    true, false },
		{ "a stopped applier as well", "error connecting to master",
		    false, false, false },
		{ "another error", "Got fatal error 1236 from source", false,
		    true, false },
		{ "no error", "", false, true, false },
	};

	for (size_t i = 0; i < MEM_COUNT(row); i++) {
		struct instance in;

		instance_init(&in);
		in.io_running = row[i].io;
		in.sql_running = row[i].sql;
		in.last_io_error = row[i].error;
		is_int(analysis_fails_to_connect(&in), row[i].want, "%s",
		    row[i].what);
	}
}

/* A primary that lacks acknowledgements is watched where it stands. */
static void
test_stand(void)
{
	struct analysis_rules rules = plain;
	struct analysis_stand stand = { 0 };
	struct instance in;
	struct member m = { .in = &in, .health = { .last_attempted = T(99),
		.last_checked = T(99), .last_seen = T(99) } };
	struct analyses all;
	struct arena a;

	arena_init(&a);
	instance_init(&in);
	in.key = (struct key){ "h", 1 };
	in.semi_sync_source_enabled = in.semi_sync_source_status = true;
	in.semi_sync_wait_count = 1;
	in.self_coord = (struct coord){ "bin.1", 100, false };
	analyse(&all, &m, 1, &rules, &stand, &a);
	is_int(all.again.us, wall_add(rules.now, rules.locked).us,
	    "looked at again when it may be locked");
	rules.now = wall_add(rules.now, DUR_S(9));
	in.self_coord.pos = 101;
	analyse(&all, &m, 1, &rules, &stand, &a);
	rules.now = wall_add(rules.now, DUR_S(9));
	analyse(&all, &m, 1, &rules, &stand, &a);
	is_str(analysis_name(all.at[0].code), "LockedSemiSyncMasterHypothesis",
	    "it moved nine seconds ago");
	rules.now = wall_add(rules.now, DUR_S(1));
	analyse(&all, &m, 1, &rules, &stand, &a);
	is_str(analysis_name(all.at[0].code), "LockedSemiSyncMaster",
	    "ten seconds ago");
	is_int(all.again.us, 0, "and time changes nothing more");
	rules.now = wall_add(rules.now, DUR_S(86400));
	analyse(&all, &m, 1, &rules, &stand, &a);
	is_str(analysis_name(all.at[0].code), "LockedSemiSyncMaster",
	    "nor does a day");
	in.semi_sync_source_clients = 1;
	analyse(&all, &m, 1, &rules, &stand, &a);
	is_str(analysis_name(all.at[0].code), "NoProblem", "a replica came");
	is_int(stand.since.us, 0, "and it is watched no more");
	arena_fini(&a);
}

/* ---- downtime ---- */

static struct control *
downtimed(const struct control *old, const char *host)
{
	struct control *new = NULL;
	struct buf b;

	buf_init(&b);
	command_pack(&b, begin_downtime, .at = T(0), .key = { host, 3306 },
	    .owner = "o", .reason = "r", .duration = DUR_S(3600));
	control_apply(old, (struct bin){ (const uint8_t *)b.data, b.len },
	    &new, NULL, NULL);
	buf_fini(&b);
	return new;
}

static void
test_downtime(void)
{
	struct control *c[4];
	struct analysis_stand stand[3] = { 0 };
	struct analysis_note n;
	struct analyses all;
	struct world w = { .n = 3, .rules = plain };
	struct arena a;

	arena_init(&a);
	for (size_t i = 0; i < 3; i++) {
		seed = i;
		draw_server(&w, i);
		w.in[i].source_key = i > 0 ? w.in[0].key : KEY_NONE;
		w.in[i].group_name = "";
		w.in[i].io_running = false;
		w.in[i].semi_sync_source_enabled = false;
		w.in[i].gtid_errant = i == 1 ? "x:1" : "";
		w.m[i] = (struct member){ &w.in[i], { .last_attempted = T(99),
			.last_checked = T(99), .last_seen = T(99) } };
	}
	analyse(&all, w.m, 3, &w.rules, stand, &a);
	is_str(analysis_name(all.at[0].code),
	    "AllMasterReplicasNotReplicating", "replicas are stopped");
	c[0] = control_new();
	analysis_note(&n, &all, 0, w.m, c[0], plain.now);
	ok(!n.skippable && n.downtimed_replicas == 0, "nobody is downtimed");
	is_str(n.gtid_errant, "x:1", "and the errant one counts");
	c[1] = downtimed(c[0], "h1");
	analysis_note(&n, &all, 0, w.m, c[1], plain.now);
	is_int(n.downtimed_replicas, 1, "one replica is downtimed");
	ok(!n.skippable && !n.replicas_downtimed, "which silences nothing");
	ok((n.structure & 1u << STRUCTURE_ERRANT_GTID) == 0 &&
	    n.gtid_errant[0] == '\0', "but the errant one counts no more");
	c[2] = downtimed(c[1], "h2");
	analysis_note(&n, &all, 0, w.m, c[2], plain.now);
	ok(n.skippable && n.replicas_downtimed && !n.downtimed,
	    "all replicas: not told");
	analysis_note(&n, &all, 0, w.m, c[2], T(3601));
	ok(!n.skippable, "until that ends");
	c[3] = downtimed(c[0], "h0");
	analysis_note(&n, &all, 0, w.m, c[3], plain.now);
	ok(n.skippable && n.downtimed && !n.replicas_downtimed,
	    "the server itself");
	for (size_t i = 0; i < MEM_COUNT(c); i++)
		control_unref(c[i]);
	arena_fini(&a);
}

int
main(void)
{
	test_properties();
	test_v1();
	test_life();
	test_connecting();
	test_stand();
	test_downtime();
	return tap_done();
}
