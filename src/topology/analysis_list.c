/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of failure analysis for people; see analysis_list.h. */
#include "config.h"

#include "topology/analysis_list.h"

#include <stdlib.h>
#include <string.h>

#include "topology/control.h"

/* ---- which ones ---- */

/* Leaves without trouble are no news; others may have oddities. */
static bool
is_reduced(const struct analysis_facts *f)
{
	return f->sight == SIGHT_SEEN && !f->failing_to_connect &&
	    f->replicas == 0;
}

static struct analysis_entry *
grow(struct analysis_list *l)
{
	struct analysis_entry *more;

	if (l->n < l->max)
		return &l->at[l->n++];
	l->max = l->max > 0 ? l->max * 2 : 16;
	more = arena_alloc(l->a, l->max * sizeof *more);
	if (l->n > 0)
		memcpy(more, l->at, l->n * sizeof *more);
	l->at = more;
	return &l->at[l->n++];
}

static struct keys
replicas_of(const struct analyses *all, const struct analysis *an,
    const struct member *m, struct arena *a)
{
	size_t n = an->facts.replicas;
	struct key *at = arena_alloc(a, n * sizeof *at);

	for (size_t k = 0; k < n; k++)
		at[k] = m[all->replica[an->first + k]].in->key;
	return keys_sorted(at, n, a);
}

void
analysis_list_add(struct analysis_list *l, const char *cluster,
    const struct analyses *all, const struct member *m,
    const struct control *c, wall_t now, const void *of)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct analysis *an = &all->at[i];
		const struct control_downtime *d;
		struct analysis_entry *e;
		struct analysis_note note;

		if ((l->reduced && is_reduced(&an->facts)) ||
		    control_maintenance(c, m[i].in->key) != NULL)
			continue;
		analysis_note(&note, all, i, m, c, now);
		if ((an->code == ANALYSIS_NO_PROBLEM && note.structure == 0) ||
		    (note.skippable && !l->downtimed))
			continue;
		e = grow(l);
		*e = (struct analysis_entry){ .cluster = cluster, .of = of,
			.m = &m[i], .an = an, .note = note };
		e->replicas = replicas_of(all, an, m, l->a);
		d = control_downtime(c, m[i].in->key);
		if (note.downtimed && d != NULL)
			e->downtime_end = d->end;
	}
}

/* ---- order ---- */

static bool
names_cluster(const struct analysis_entry *e)
{
	char text[KEY_TEXT_MAX];

	return strcmp(key_text(e->m->in->key, text), e->cluster) == 0;
}

static int
entry_cmp(const void *x, const void *y)
{
	const struct analysis_entry *a = x, *b = y;
	const struct analysis_facts *f = &a->an->facts, *g = &b->an->facts;
	bool named = names_cluster(a), other = names_cluster(b);

	if (f->primary != g->primary)
		return f->primary ? -1 : 1;
	if (named != other)
		return named ? -1 : 1;
	if (f->replicas != g->replicas)
		return f->replicas > g->replicas ? -1 : 1;
	return key_cmp(a->m->in->key, b->m->in->key);
}

void
analysis_list_sort(struct analysis_list *l)
{
	if (l->n > 1)
		qsort(l->at, l->n, sizeof *l->at, entry_cmp);
}

/* ---- as text ---- */

void
analysis_line(struct buf *b, const struct analysis_entry *e)
{
	char text[KEY_TEXT_MAX];
	const char *comma = "";

	buf_printf(b, "%s (cluster %s): ", key_text(e->m->in->key, text),
	    e->cluster);
	if (e->an->code != ANALYSIS_NO_PROBLEM) {
		buf_str(b, analysis_name(e->an->code));
		comma = ", ";
	}
	for (uint32_t k = 0; k < STRUCTURE_WARNINGS; k++) {
		if ((e->note.structure >> k & 1) == 0)
			continue;
		buf_printf(b, "%s%s", comma,
		    structure_name((enum structure_warning)k));
		comma = ", ";
	}
}

static void
sight_text(struct buf *b, const struct analysis_entry *e, wall_t now)
{
	const struct health *h = &e->m->health;
	int64_t s = wall_seconds(now) - wall_seconds(h->last_seen);

	if (e->an->facts.sight == SIGHT_SEEN) {
		buf_str(b, "seen");
		return;
	}
	if (h->last_seen.us == 0)
		buf_str(b, "never seen");
	else
		buf_printf(b, "not seen for %lld s", (long long)(s > 0 ? s : 0));
	if (e->an->facts.hangs)
		buf_str(b, ", and a probe hangs");
	else if (h->error != NULL && h->error[0] != '\0')
		buf_printf(b, ": %s", h->error);
}

void
analysis_evidence(struct buf *b, const struct analysis_entry *e, wall_t now)
{
	const struct analysis_facts *f = &e->an->facts;

	sight_text(b, e, now);
	if (f->replicas == 0)
		return;
	buf_printf(b, "; %u replica%s, %u seen, %u of these replicating, "
	    "%u failing to connect", f->replicas, f->replicas > 1 ? "s" : "",
	    f->valid, f->replicating, f->failing);
}

/* ---- as JSON ---- */

static void
who_json(struct json *w, const struct analysis_entry *e,
    const struct analysis_context *c)
{
	const struct instance *in = e->m->in;

	json_key(w, "AnalyzedInstanceKey");
	key_json(w, in->key);
	json_key(w, "AnalyzedInstanceMasterKey");
	key_json(w, in->source_key);
	json_key(w, "ClusterDetails");
	cluster_info_json(w, c->info);
	json_kstr(w, "AnalyzedInstanceDataCenter", in->data_center);
	json_kstr(w, "AnalyzedInstanceRegion", in->region);
	json_kstr(w, "AnalyzedInstancePhysicalEnvironment",
	    in->physical_environment);
	json_key(w, "AnalyzedInstanceBinlogCoordinates");
	coord_json(w, &in->self_coord);
}

static void
sight_json(struct json *w, const struct analysis_entry *e)
{
	const struct analysis_facts *f = &e->an->facts;

	json_kbool(w, "IsMaster", f->primary);
	json_kbool(w, "IsReplicationGroupMember", f->group_member);
	json_kbool(w, "IsCoMaster", f->co_primary);
	json_kbool(w, "LastCheckValid", f->sight == SIGHT_SEEN);
	json_kbool(w, "LastCheckPartialSuccess",
	    f->sight == SIGHT_SEEN || e->m->health.partial);
	json_kuint(w, "CountReplicas", f->replicas);
	json_kuint(w, "CountValidReplicas", f->valid);
	json_kuint(w, "CountValidReplicatingReplicas", f->replicating);
	json_kuint(w, "CountReplicasFailingToConnectToMaster", f->failing);
	json_kuint(w, "CountDowntimedReplicas", e->note.downtimed_replicas);
	json_kuint(w, "ReplicationDepth", f->depth);
	json_key(w, "Replicas");
	keys_json(w, e->replicas);
	json_key(w, "SlaveHosts");
	keys_json(w, e->replicas);
	json_kbool(w, "IsFailingToConnectToMaster", f->failing_to_connect);
}

static void
description_json(struct json *w, const struct analysis_entry *e, wall_t now)
{
	struct buf b;

	buf_init(&b);
	buf_printf(&b, "%s (", analysis_text(e->an->code));
	analysis_evidence(&b, e, now);
	buf_chr(&b, ')');
	json_kstr(w, "Description", buf_text(&b));
	buf_fini(&b);
}

static void
structure_json(struct json *w, uint32_t bits)
{
	json_key(w, "StructureAnalysis");
	if (bits == 0) {
		json_nil(w);
		return;
	}
	json_arr(w);
	for (uint32_t k = 0; k < STRUCTURE_WARNINGS; k++)
		if ((bits >> k & 1) != 0)
			json_str(w, structure_name((enum structure_warning)k));
	json_end(w);
}

static void
said_json(struct json *w, const struct analysis_entry *e, bool past,
    wall_t now)
{
	char text[WALL_TEXT_MAX];
	int64_t left = wall_seconds(e->downtime_end) - wall_seconds(now);

	json_kstr(w, "Analysis", analysis_name(e->an->code));
	if (past)
		json_kstr(w, "Description", "");
	else
		description_json(w, e, now);
	structure_json(w, e->note.structure);
	json_kbool(w, "IsDowntimed", e->note.downtimed);
	json_kbool(w, "IsReplicasDowntimed", e->note.replicas_downtimed);
	json_kstr(w, "DowntimeEndTimestamp", wall_text(e->downtime_end, text));
	json_kint(w, "DowntimeRemainingSeconds",
	    e->note.downtimed && left > 0 ? left : 0);
}

static void
counts_json(struct json *w, const struct analysis_facts *f)
{
	json_kbool(w, "IsBinlogServer", f->binlog_server);
	json_kbool(w, "PseudoGTIDImmediateTopology", f->pseudo_gtid);
	json_kbool(w, "OracleGTIDImmediateTopology", f->oracle_gtid);
	json_kbool(w, "MariaDBGTIDImmediateTopology", f->mariadb_gtid);
	json_kbool(w, "BinlogServerImmediateTopology", f->binlog_servers);
	json_kbool(w, "SemiSyncMasterEnabled", f->semi_sync);
	json_kbool(w, "SemiSyncMasterStatus", f->semi_sync_on);
	json_kuint(w, "SemiSyncMasterWaitForReplicaCount", f->acks_wanted);
	json_kuint(w, "SemiSyncMasterClients", f->semi_sync_clients);
	json_kuint(w, "CountSemiSyncReplicasEnabled", f->semi_sync_replicas);
	json_kuint(w, "CountLoggingReplicas", f->logging);
	json_kuint(w, "CountStatementBasedLoggingReplicas", f->statement);
	json_kuint(w, "CountMixedBasedLoggingReplicas", f->mixed);
	json_kuint(w, "CountRowBasedLoggingReplicas", f->row);
	json_kuint(w, "CountDistinctMajorVersionsLoggingReplicas",
	    f->versions);
	json_kuint(w, "CountDelayedReplicas", f->delayed);
	json_kuint(w, "CountLaggingReplicas", f->lagging);
}

void
analysis_json(struct json *w, const struct analysis_entry *e,
    const struct analysis_context *c)
{
	const struct analysis_facts *f = &e->an->facts;

	json_obj(w);
	who_json(w, e, c);
	sight_json(w, e);
	said_json(w, e, c->past, c->now);
	counts_json(w, f);
	json_kbool(w, "IsActionableRecovery", c->actionable);
	json_kstr(w, "ProcessingNodeHostname", c->node);
	json_kstr(w, "ProcessingNodeToken", c->token);
	json_kint(w, "CountAdditionalAgreeingNodes", 0);
	json_kstr(w, "StartActivePeriod", c->started);
	json_kbool(w, "SkippableDueToDowntime", e->note.skippable);
	json_kstr(w, "GTIDMode", f->gtid_mode);
	json_kstr(w, "MinReplicaGTIDMode", f->gtid_mode_min);
	json_kstr(w, "MaxReplicaGTIDMode", f->gtid_mode_max);
	json_kstr(w, "MaxReplicaGTIDErrant", e->note.gtid_errant);
	json_kstr(w, "CommandHint", "");
	json_kbool(w, "IsReadOnly", f->read_only);
	json_end(w);
}
