/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that tell what is wrong with servers and since when. */
#include "config.h"

#include "ops_world.h"

#include <jansson.h>
#include <string.h>

#include "base/mem.h"
#include "tap.h"

static struct world w;

#define ALPHA "db1:3306 (cluster db1:3306): NoFailoverSupportStructureWarning"
#define OTHER "10.0.0.1:3307 (cluster 10.0.0.1:3307): " \
	"MasterSingleReplicaNotReplicating, NoWriteableMasterStructureWarning"

/* v1's members, in its order, and what they are. */
static const struct {
	const char *name;
	json_type type;
} member[] = {
	{ "AnalyzedInstanceKey", JSON_OBJECT },
	{ "AnalyzedInstanceMasterKey", JSON_OBJECT },
	{ "ClusterDetails", JSON_OBJECT },
	{ "AnalyzedInstanceDataCenter", JSON_STRING },
	{ "AnalyzedInstanceRegion", JSON_STRING },
	{ "AnalyzedInstancePhysicalEnvironment", JSON_STRING },
	{ "AnalyzedInstanceBinlogCoordinates", JSON_OBJECT },
	{ "IsMaster", JSON_TRUE },
	{ "IsReplicationGroupMember", JSON_FALSE },
	{ "IsCoMaster", JSON_FALSE },
	{ "LastCheckValid", JSON_TRUE },
	{ "LastCheckPartialSuccess", JSON_TRUE },
	{ "CountReplicas", JSON_INTEGER },
	{ "CountValidReplicas", JSON_INTEGER },
	{ "CountValidReplicatingReplicas", JSON_INTEGER },
	{ "CountReplicasFailingToConnectToMaster", JSON_INTEGER },
	{ "CountDowntimedReplicas", JSON_INTEGER },
	{ "ReplicationDepth", JSON_INTEGER },
	{ "Replicas", JSON_ARRAY },
	{ "SlaveHosts", JSON_ARRAY },
	{ "IsFailingToConnectToMaster", JSON_FALSE },
	{ "Analysis", JSON_STRING },
	{ "Description", JSON_STRING },
	{ "StructureAnalysis", JSON_ARRAY },
	{ "IsDowntimed", JSON_FALSE },
	{ "IsReplicasDowntimed", JSON_FALSE },
	{ "DowntimeEndTimestamp", JSON_STRING },
	{ "DowntimeRemainingSeconds", JSON_INTEGER },
	{ "IsBinlogServer", JSON_FALSE },
	{ "PseudoGTIDImmediateTopology", JSON_FALSE },
	{ "OracleGTIDImmediateTopology", JSON_FALSE },
	{ "MariaDBGTIDImmediateTopology", JSON_FALSE },
	{ "BinlogServerImmediateTopology", JSON_FALSE },
	{ "SemiSyncMasterEnabled", JSON_FALSE },
	{ "SemiSyncMasterStatus", JSON_FALSE },
	{ "SemiSyncMasterWaitForReplicaCount", JSON_INTEGER },
	{ "SemiSyncMasterClients", JSON_INTEGER },
	{ "CountSemiSyncReplicasEnabled", JSON_INTEGER },
	{ "CountLoggingReplicas", JSON_INTEGER },
	{ "CountStatementBasedLoggingReplicas", JSON_INTEGER },
	{ "CountMixedBasedLoggingReplicas", JSON_INTEGER },
	{ "CountRowBasedLoggingReplicas", JSON_INTEGER },
	{ "CountDistinctMajorVersionsLoggingReplicas", JSON_INTEGER },
	{ "CountDelayedReplicas", JSON_INTEGER },
	{ "CountLaggingReplicas", JSON_INTEGER },
	{ "IsActionableRecovery", JSON_FALSE },
	{ "ProcessingNodeHostname", JSON_STRING },
	{ "ProcessingNodeToken", JSON_STRING },
	{ "CountAdditionalAgreeingNodes", JSON_INTEGER },
	{ "StartActivePeriod", JSON_STRING },
	{ "SkippableDueToDowntime", JSON_FALSE },
	{ "GTIDMode", JSON_STRING },
	{ "MinReplicaGTIDMode", JSON_STRING },
	{ "MaxReplicaGTIDMode", JSON_STRING },
	{ "MaxReplicaGTIDErrant", JSON_STRING },
	{ "CommandHint", JSON_STRING },
	{ "IsReadOnly", JSON_TRUE },
};

/* The Details of an answer; the caller's to json_decref(). */
static json_t *
details(const char *path)
{
	json_t *all = json_loads(world_get(&w, path), 0, NULL);
	json_t *list = json_incref(json_object_get(all, "Details"));

	is_int(w.status, 200, "%s", path);
	is_str(json_string_value(json_object_get(all, "Message")), "Analysis",
	    "message");
	json_decref(all);
	return list;
}

static json_t *
find_host(const json_t *list, const char *host)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry) {
		const json_t *key = json_object_get(entry,
		    "AnalyzedInstanceKey");

		if (strcmp(json_string_value(json_object_get(key, "Hostname")),
			host) == 0)
			return entry;
	}
	return NULL;
}

static void
is_number(const json_t *entry, const char *name, int want)
{
	is_int(json_integer_value(json_object_get(entry, name)), want, "%s",
	    name);
}

static void
test_shape(void)
{
	json_t *list = details("/api/replication-analysis"), *entry, *v;
	const char *name;
	size_t i = 0;

	entry = find_host(list, "10.0.0.1");
	json_object_foreach(entry, name, v) {
		if (i == MEM_COUNT(member))
			break;
		is_str(name, member[i].name, "member %zu", i + 1);
		is_int(json_typeof(v), member[i].type, "of its type");
		i++;
	}
	is_int(json_object_size(entry), 57, "all there are");
	is_number(entry, "CountReplicas", 1);
	is_number(entry, "CountValidReplicas", 1);
	is_number(entry, "CountValidReplicatingReplicas", 0);
	json_decref(list);
}

static void
test_forms(void)
{
	static const struct {
		const char *path;
		int entries;
	} row[] = {
		{ "/api/replication-analysis", 2 },
		{ "/api/replication-analysis/alpha", 1 },
		{ "/api/replication-analysis/db1:3306", 1 },
		{ "/api/replication-analysis/nobody", 0 },
		{ "/api/replication-analysis/instance/db1/3306", 1 },
		{ "/api/replication-analysis/instance/db3/3306", 0 },
		{ "/api/replication-analysis/instance/nobody/1", 0 },
	};

	for (size_t i = 0; i < MEM_COUNT(row); i++) {
		json_t *list = details(row[i].path);

		ok(json_is_array(list), "a list");
		is_int(json_array_size(list), row[i].entries, "its entries");
		json_decref(list);
	}
	world_get(&w, "/api/replication-analysis/instance/db1/x");
	is_int(w.status, 500, "a bad port is an error");
}

static void
test_downtime(void)
{
	json_t *list, *entry;

	world_get(&w, "/api/begin-downtime/10.0.0.2/3307/me/why/1h");
	list = details("/api/replication-analysis");
	entry = find_host(list, "10.0.0.1");
	is_number(entry, "CountDowntimedReplicas", 1);
	ok(json_is_false(json_object_get(entry, "SkippableDueToDowntime")),
	    "a stopped replica's downtime silences nothing");
	json_decref(list);
	world_get(&w, "/api/begin-downtime/10.0.0.1/3307/me/why/1h");
	list = details("/api/replication-analysis");
	entry = find_host(list, "10.0.0.1");
	ok(json_is_true(json_object_get(entry, "SkippableDueToDowntime")),
	    "its own is told of");
	is_number(entry, "DowntimeRemainingSeconds", 3600);
	json_decref(list);
	is_str(world_call(&w, "analysis-lines", ""), "[\"" ALPHA "\"]",
	    "and left out of lines");
	world_get(&w, "/api/end-downtime/10.0.0.1/3307");
}

static void
test_lines(void)
{
	is_str(world_call(&w, "analysis-lines", ""),
	    "[\"" ALPHA "\",\"" OTHER "\"]", "lines");
	is_str(world_call(&w, "analysis-lines", "clusterHint=alpha"),
	    "[\"" ALPHA "\"]", "of one cluster");
	world_get(&w, "/api/begin-maintenance/db1/3306/me/why");
	is_str(world_call(&w, "analysis-lines", ""), "[\"" OTHER "\"]",
	    "a server under maintenance is left out");
	world_get(&w, "/api/end-maintenance/db1/3306");
}

static void
test_configured(void)
{
	json_t *list, *entry;

	world_end(&w);
	world_start(&w, "\"RecoveryIgnoreHostnameFilters\":[\"^db\"],"
	    "\"RecoverNonWriteableMaster\":true,"
	    "\"RecoverMasterClusterFilters\":[\"*\"]");
	is_str(world_call(&w, "analysis-lines", ""), "[\"" OTHER "\"]",
	    "hosts that are never recovered are left out");
	list = details("/api/replication-analysis");
	entry = find_host(list, "10.0.0.1");
	ok(json_is_false(json_object_get(entry, "IsActionableRecovery")),
	    "no recovery exists for what it has");
	json_decref(list);
}

static void
test_changelog(void)
{
	is_str(world_get(&w, "/api/replication-analysis-changelog"),
	    "[{\"AnalyzedInstanceKey\":{\"Hostname\":\"db1\",\"Port\":3306},"
	    "\"Changelog\":[\"2026-11-23T11:00:00Z;DeadMaster,\","
	    "\"2026-11-23T11:00:09Z;NoProblem,\"]},"
	    "{\"AnalyzedInstanceKey\":{\"Hostname\":\"db1\",\"Port\":3307},"
	    "\"Changelog\":[\"2026-11-23T11:00:01Z;UnreachableMaster,\"]}]",
	    "changes by server");
}

static void
test_detection(void)
{
	static const char *const name[] = { "Id", "UID", "AnalysisEntry",
		"SuccessorKey", "SuccessorAlias", "SuccessorBinlogCoordinates",
		"IsActive", "IsSuccessful", "LostReplicas",
		"ParticipatingInstanceKeys", "AllErrors",
		"RecoveryStartTimestamp", "RecoveryEndTimestamp",
		"ProcessingNodeHostname", "ProcessingNodeToken",
		"Acknowledged", "AcknowledgedAt", "AcknowledgedBy",
		"AcknowledgedComment", "LastDetectionId", "RelatedRecoveryId",
		"Type", "RecoveryType" };
	json_t *list = json_loads(world_get(&w, "/api/audit-failure-detection"),
	    0, NULL), *row = json_array_get(list, 0), *an, *v;
	const char *key;
	size_t i = 0;

	json_object_foreach(row, key, v) {
		is_str(key, name[i], "member %zu", i + 1);
		if (++i == MEM_COUNT(name))
			break;
	}
	is_int(json_object_size(row), MEM_COUNT(name), "all there are");
	ok(json_is_true(json_object_get(row, "IsActive")), "it is active");
	an = json_object_get(row, "AnalysisEntry");
	is_int(json_object_size(an), 57, "with an analysis");
	is_str(json_string_value(json_object_get(an, "Analysis")),
	    "DeadMaster", "its code");
	is_str(json_string_value(json_object_get(an, "StartActivePeriod")),
	    "2026-11-23T11:30:00Z", "since when");
	is_number(an, "CountReplicas", 2);
	is_int(json_array_size(json_object_get(an, "Replicas")), 2,
	    "its replicas");
	ok(json_is_false(json_object_get(an, "IsMaster")) &&
	    json_is_false(json_object_get(an, "LastCheckPartialSuccess")),
	    "the rest is not kept");
	json_decref(list);
	world_wait(&w, DUR_S(3600));
	list = json_loads(world_get(&w,
	    "/api/audit-failure-detection/alias/alpha/0"), 0, NULL);
	ok(json_is_false(json_object_get(json_array_get(list, 0), "IsActive")),
	    "an hour later it is not");
	json_decref(list);
	is_str(world_get(&w, "/api/audit-failure-detection/id/x"), "[]",
	    "no id, no detection");
}

int
main(void)
{
	world_start(&w, "");
	test_shape();
	test_forms();
	test_lines();
	test_downtime();
	test_changelog();
	test_detection();
	test_configured();
	world_end(&w);
	world_start_empty(&w, "");
	is_str(world_get(&w, "/api/replication-analysis"),
	    "{\"Code\":\"OK\",\"Message\":\"Analysis\",\"Details\":[]}",
	    "no server: an empty list");
	world_end(&w);
	return tap_done();
}
