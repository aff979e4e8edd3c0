/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that read what is published: their answers, to the byte. */
#include "config.h"

#include "ops_world.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

static struct world w;

#define KEY(host, port) "{\"Hostname\":\"" host "\",\"Port\":" port "}"
#define ERROR(text) "{\"Code\":\"ERROR\",\"Message\":\"" text \
	"\",\"Details\":null}"
#define ALPHA_INFO "{\"ClusterName\":\"db1:3306\",\"ClusterAlias\":\"alpha\"," \
	"\"ClusterDomain\":\"\",\"CountInstances\":4,\"HeuristicLag\":0," \
	"\"HasAutomatedMasterRecovery\":true," \
	"\"HasAutomatedIntermediateMasterRecovery\":false}"
#define OTHER_INFO "{\"ClusterName\":\"10.0.0.1:3307\"," \
	"\"ClusterAlias\":\"10.0.0.1:3307\",\"ClusterDomain\":\"\"," \
	"\"CountInstances\":2,\"HeuristicLag\":0," \
	"\"HasAutomatedMasterRecovery\":false," \
	"\"HasAutomatedIntermediateMasterRecovery\":true}"
#define CONFIG "\"RecoverMasterClusterFilters\":[\"alias=alpha\"]," \
	"\"RecoverIntermediateMasterClusterFilters\":[\"10[.]0\"]," \
	"\"OSCIgnoreHostnameFilters\":[\"db2\"]"

/* The whole body. */
static const struct {
	const char *path;
	int status;
	const char *body;
} exact[] = {
	{ "/api/lb-check", 200, "\"OK\"" },
	{ "/api/_ping", 200, "\"OK\"" },
	{ "/api/leader-check", 200, "\"OK\"" },
	{ "/api/leader-check/429", 200, "\"OK\"" },
	{ "/api/routed-leader-check", 200, "\"OK\"" },
	{ "/api/clusters", 200, "[\"10.0.0.1:3307\",\"db1:3306\"]" },
	{ "/api/clusters-info", 200, "[" OTHER_INFO "," ALPHA_INFO "]" },
	{ "/api/cluster-info/alpha", 200, ALPHA_INFO },
	{ "/api/cluster-info/db1:3306", 200, ALPHA_INFO },
	{ "/api/cluster-info/db4:3306", 200, ALPHA_INFO },
	{ "/api/cluster-info/db4", 200, ALPHA_INFO },
	{ "/api/cluster-info/alias/alpha", 200, ALPHA_INFO },
	{ "/api/cluster-info/10.0.0.1:3307", 200, OTHER_INFO },
	{ "/api/cluster-info/alias/beta", 500,
	    ERROR("No cluster found for alias beta") },
	{ "/api/cluster-info/beta", 500,
	    ERROR("Unable to determine cluster name: no cluster or instance is "
		  "known as beta") },
	{ "/api/cluster/instance/nobody/3306", 500,
	    ERROR("Unable to determine cluster name: no instance is known as "
		  "nobody:3306") },
	{ "/api/instance/nobody/3306", 500,
	    ERROR("Cannot read instance: nobody:3306") },
	{ "/api/instance/db1/x", 500, ERROR("Invalid port: x") },
	{ "/api/instance/db1/65536", 500, ERROR("Invalid port: 65536") },
	{ "/api/instance/db1/-1", 500, ERROR("Invalid port: -1") },
	{ "/api/problems/alpha/x", 0, NULL },
	{ "/api/topology/alpha", 200,
	    "{\"Code\":\"OK\",\"Message\":\"Topology for cluster\","
	    "\"Details\":\""
	    "db1:3306     [0s,ok,10.11.6-MariaDB-log,rw,ROW,\\u003e\\u003e]"
	    "\\n+ db3:3306   [3s,ok,10.11.6-MariaDB-log,ro,ROW,\\u003e\\u003e]"
	    "\\n  - db4:3306 [unknown,invalid,10.11.6-MariaDB-log,ro,ROW,"
	    "\\u003e\\u003e]"
	    "\\n+ db2:3306   [0s,ok,10.11.6-MariaDB-log,ro,ROW,\\u003e\\u003e]"
	    "\"}" },
	{ "/api/tags/db1/3306", 200, "[]" },
	{ "/api/tagged?tag=role", 200, "[]" },
	{ "/api/tagged?tag=~role", 200,
	    "[" KEY("10.0.0.1", "3307") "," KEY("10.0.0.2", "3307") ","
	    KEY("db1", "3306") "," KEY("db2", "3306") "," KEY("db3", "3306")
	    "," KEY("db4", "3306") "]" },
	{ "/api/tagged", 500, ERROR("No tag given") },
	{ "/api/tag-value/db1/3306/role", 500,
	    ERROR("tag role not found for db1:3306") },
	{ "/api/downtimed", 200, "[]" },
	{ "/api/downtimed/alpha", 200, "[]" },
	{ "/api/maintenance", 200, "[]" },
	{ "/api/in-maintenance/db1/3306", 200,
	    "{\"Code\":\"OK\",\"Message\":\"false\",\"Details\":\"\"}" },
	{ "/api/bulk-instances", 200,
	    "[" KEY("10.0.0.1", "3307") "," KEY("10.0.0.2", "3307") ","
	    KEY("db1", "3306") "," KEY("db2", "3306") "," KEY("db3", "3306")
	    "," KEY("db4", "3306") "]" },
	{ "/api/bulk-promotion-rules", 200, "null" },
	{ "/api/cluster-pool-instances/alpha", 200,
	    "{\"Code\":\"OK\",\"Message\":\"Cluster pool instances\","
	    "\"Details\":{}}" },
	{ "/api/heuristic-cluster-pool-lag/alpha", 500,
	    ERROR("No pool instances found for db1:3306") },
	{ "/api/check-global-recoveries", 200,
	    "{\"Code\":\"OK\",\"Message\":\"Global recoveries are enabled\","
	    "\"Details\":\"enabled\"}" },
	{ "/api/automated-recovery-filters", 200,
	    "{\"Code\":\"OK\","
	    "\"Message\":\"Automated recovery configuration details\","
	    "\"Details\":{\"RecoverIntermediateMasterClusterFilters\":"
	    "[\"10[.]0\"],\"RecoverMasterClusterFilters\":[\"alias=alpha\"],"
	    "\"RecoveryIgnoreHostnameFilters\":[]}}" },
	{ "/api/hostname-resolve-cache", 200,
	    "{\"Code\":\"OK\",\"Message\":\"Cache retrieved\","
	    "\"Details\":{}}" },
	{ "/api/raft-state", 500,
	    ERROR("raft-state: not running with raft setup") },
	{ "/api/raft-health", 500,
	    ERROR("raft-state: not running with raft setup") },
	{ "/api/raft-status", 500,
	    ERROR("raft-state: not running with raft setup") },
	{ "/api/raft-leader", 500,
	    ERROR("raft-leader: not running with raft setup") },
	{ "/api/raft-peers", 500,
	    ERROR("raft-nodes: not running with raft setup") },
	{ "/api/discovery-metrics-raw/0", 500,
	    ERROR("Unable to determine the time span: 0 is not a number of "
		  "seconds, from 1 on") },
	{ "/api/discovery-queue-metrics-raw/-5", 500,
	    ERROR("Unable to determine the time span: -5 is not a number of "
		  "seconds, from 0 on") },
	{ "/api/health", 200,
	    "{\"Code\":\"OK\",\"Message\":\"Application node is healthy\","
	    "\"Details\":{\"Healthy\":true,\"Hostname\":\"node1\","
	    "\"Token\":\"00ff\",\"IsActiveNode\":true,\"ActiveNode\":"
	    "{\"Hostname\":\"node1\",\"Token\":\"00ff\",\"AppVersion\":\"\","
	    "\"FirstSeenActive\":\"2026-11-23T12:00:00Z\","
	    "\"LastSeenActive\":\"2026-11-23T12:00:02Z\",\"ExtraInfo\":\"\","
	    "\"Command\":\"\",\"DBBackend\":\"\","
	    "\"LastReported\":\"0001-01-01T00:00:00Z\"},\"Error\":null,"
	    "\"AvailableNodes\":[{\"Hostname\":\"node1\",\"Token\":\"00ff\","
	    "\"AppVersion\":\"4.0.0\","
	    "\"FirstSeenActive\":\"2026-11-23T12:00:00Z\","
	    "\"LastSeenActive\":\"2026-11-23T12:00:02Z\",\"ExtraInfo\":\"\","
	    "\"Command\":\"http\",\"DBBackend\":\"/x/orc.db\","
	    "\"LastReported\":\"0001-01-01T00:00:00Z\"}],\"RaftLeader\":\"\","
	    "\"IsRaftLeader\":false,\"RaftLeaderURI\":\"\","
	    "\"RaftAdvertise\":\"\",\"RaftHealthyMembers\":null}}" },
};

static void
exact_answers(void)
{
	for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++) {
		const char *body = world_get(&w, exact[i].path);

		is_str(body, exact[i].body, "%s", exact[i].path);
		if (body != NULL)
			is_int(w.status, exact[i].status, "%s: status",
			    exact[i].path);
	}
}

/* Lists of instances by their names, in order. */
static const struct {
	const char *path;
	const char *hosts;
} lists[] = {
	{ "/api/cluster/alpha", "db1 db3 db2 db4" },
	{ "/api/cluster/alias/alpha", "db1 db3 db2 db4" },
	{ "/api/cluster/db2:3306", "db1 db3 db2 db4" },
	{ "/api/cluster/instance/db2/3306", "db1 db3 db2 db4" },
	{ "/api/cluster/10.0.0.2:3307", "10.0.0.1 10.0.0.2" },
	{ "/api/all-instances", "db1 10.0.0.1 db3 10.0.0.2 db2 db4" },
	{ "/api/instance-replicas/db1/3306", "db3 db2" },
	{ "/api/instance-replicas/db4/3306", "" },
	{ "/api/instance-replicas/nobody/3306", "" },
	{ "/api/search?s=ALPHA", "db1 db3 db2 db4" },
	{ "/api/search/b3:33", "db3" },
	{ "/api/search?s=8.0.36", "10.0.0.1 10.0.0.2" },
	{ "/api/search?s=3307", "10.0.0.1 10.0.0.2" },
	{ "/api/search?s=nothing", "" },
	{ "/api/search", "db1 10.0.0.1 db3 10.0.0.2 db2 db4" },
	{ "/api/cluster-osc-replicas/alpha", "db3" },
	{ "/api/masters", "db1" },
	{ "/api/problems", "10.0.0.2 db4" },
	{ "/api/problems/alpha", "db4" },
	{ "/api/problems/db1:3306", "db4" },
	{ "/api/problems/nobody", "" },
	/* part of a name: the only one that has it */
	{ "/api/instance-replicas/b3/3306", "db4" },
	{ "/api/instance-replicas/db/3306", "" },
};

static void
hosts_of(const char *body, struct buf *out)
{
	json_t *list = json_loads(body, JSON_DECODE_ANY, NULL), *in;
	size_t i;

	json_array_foreach(list, i, in)
		buf_printf(out, "%s%s", i > 0 ? " " : "",
		    json_string_value(json_object_get(
			json_object_get(in, "Key"), "Hostname")));
	json_decref(list);
}

static void
instance_lists(void)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct buf hosts = { 0 };

		hosts_of(world_get(&w, lists[i].path), &hosts);
		is_str(buf_text(&hosts), lists[i].hosts, "%s", lists[i].path);
		is_int(w.status, 200, "%s: status", lists[i].path);
		buf_fini(&hosts);
	}
}

/* null where v1 has no list. */
static void
empty_world(void)
{
	static const struct {
		const char *path, *body;
	} none[] = {
		{ "/api/clusters", "null" },
		{ "/api/masters", "null" },
		{ "/api/problems", "null" },
		{ "/api/bulk-instances", "null" },
		{ "/api/bulk-promotion-rules", "null" },
		{ "/api/clusters-info", "[]" },
		{ "/api/all-instances", "[]" },
		{ "/api/downtimed", "[]" },
	};
	struct world empty;

	world_start_empty(&empty, "");
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		is_str(world_get(&empty, none[i].path), none[i].body,
		    "nothing known: %s", none[i].path);
	world_end(&empty);
}

/* One whole instance, its members in v1's order. */
static void
one_instance(void)
{
	is_str(world_get(&w, "/api/instance/db3/3306"),
	    "{\"Key\":" KEY("db3", "3306") ",\"InstanceAlias\":\"\","
	    "\"Uptime\":0,\"ServerID\":3,\"ServerUUID\":\"\","
	    "\"Version\":\"10.11.6-MariaDB-log\","
	    "\"VersionComment\":\"test build\",\"FlavorName\":\"MariaDB\","
	    "\"ReadOnly\":true,\"Binlog_format\":\"ROW\","
	    "\"BinlogRowImage\":\"\",\"LogBinEnabled\":true,"
	    "\"LogSlaveUpdatesEnabled\":true,"
	    "\"LogReplicationUpdatesEnabled\":true,"
	    "\"SelfBinlogCoordinates\":{\"LogFile\":\"bin.000007\","
	    "\"LogPos\":1234,\"Type\":0},\"MasterKey\":" KEY("db1", "3306")
	    ",\"MasterUUID\":\"\",\"AncestryUUID\":\"\","
	    "\"IsDetachedMaster\":false,\"Slave_SQL_Running\":true,"
	    "\"ReplicationSQLThreadRuning\":true,\"Slave_IO_Running\":true,"
	    "\"ReplicationIOThreadRuning\":true,"
	    "\"ReplicationSQLThreadState\":1,\"ReplicationIOThreadState\":1,"
	    "\"HasReplicationFilters\":false,\"GTIDMode\":\"\","
	    "\"SupportsOracleGTID\":false,\"UsingOracleGTID\":false,"
	    "\"UsingMariaDBGTID\":false,\"UsingPseudoGTID\":false,"
	    "\"ReadBinlogCoordinates\":{\"LogFile\":\"bin.000007\","
	    "\"LogPos\":1000,\"Type\":0},"
	    "\"ExecBinlogCoordinates\":{\"LogFile\":\"bin.000007\","
	    "\"LogPos\":1000,\"Type\":0},\"IsDetached\":false,"
	    "\"RelaylogCoordinates\":{\"LogFile\":\"\",\"LogPos\":0,"
	    "\"Type\":1},\"LastSQLError\":\"\",\"LastIOError\":\"\","
	    "\"SecondsBehindMaster\":{\"Int64\":3,\"Valid\":true},"
	    "\"SQLDelay\":0,\"ExecutedGtidSet\":\"\",\"GtidPurged\":\"\","
	    "\"GtidErrant\":\"\","
	    "\"SlaveLagSeconds\":{\"Int64\":3,\"Valid\":true},"
	    "\"ReplicationLagSeconds\":{\"Int64\":3,\"Valid\":true},"
	    "\"SlaveHosts\":[" KEY("db4", "3306") "],"
	    "\"Replicas\":[" KEY("db4", "3306") "],"
	    "\"ClusterName\":\"db1:3306\","
	    "\"SuggestedClusterAlias\":\"alpha\",\"DataCenter\":\"\","
	    "\"Region\":\"\",\"PhysicalEnvironment\":\"\","
	    "\"ReplicationDepth\":1,\"IsCoMaster\":false,"
	    "\"HasReplicationCredentials\":false,"
	    "\"ReplicationCredentialsAvailable\":false,"
	    "\"SemiSyncAvailable\":false,\"SemiSyncPriority\":0,"
	    "\"SemiSyncMasterPluginNewVersion\":false,"
	    "\"SemiSyncReplicaPluginNewVersion\":false,"
	    "\"SemiSyncMasterEnabled\":false,"
	    "\"SemiSyncReplicaEnabled\":false,\"SemiSyncMasterTimeout\":0,"
	    "\"SemiSyncMasterWaitForReplicaCount\":0,"
	    "\"SemiSyncMasterStatus\":false,\"SemiSyncMasterClients\":0,"
	    "\"SemiSyncReplicaStatus\":false,"
	    "\"LastSeenTimestamp\":\"2026-11-23T12:00:00Z\","
	    "\"IsLastCheckValid\":true,\"IsUpToDate\":true,"
	    "\"IsRecentlyChecked\":true,"
	    "\"SecondsSinceLastSeen\":{\"Int64\":2,\"Valid\":true},"
	    "\"CountMySQLSnapshots\":0,\"IsCandidate\":false,"
	    "\"PromotionRule\":\"neutral\",\"IsDowntimed\":false,"
	    "\"DowntimeReason\":\"\",\"DowntimeOwner\":\"\","
	    "\"DowntimeEndTimestamp\":\"\",\"ElapsedDowntime\":0,"
	    "\"UnresolvedHostname\":\"\",\"AllowTLS\":false,"
	    "\"ReplicationSSLCAFile\":\"\",\"ReplicationSSLCAPath\":\"\","
	    "\"ReplicationSSLCert\":\"\",\"ReplicationSSLCipher\":\"\","
	    "\"ReplicationSSLCRLFile\":\"\",\"ReplicationSSLCRLPath\":\"\","
	    "\"ReplicationSSLKey\":\"\",\"ReplicationSSLVerifyServerCert\":"
	    "{\"Bool\":false,\"Valid\":false},\"ReplicationTLSVersion\":\"\","
	    "\"ReplicationTLSCiphersuites\":\"\","
	    "\"ReplicationSourcePublicKeyPath\":\"\","
	    "\"ReplicationGetSourcePublicKey\":"
	    "{\"Bool\":false,\"Valid\":false},\"Problems\":[],"
	    "\"LastDiscoveryLatency\":7000000,\"ReplicationGroupName\":\"\","
	    "\"ReplicationGroupIsSinglePrimary\":false,"
	    "\"ReplicationGroupMemberState\":\"\","
	    "\"ReplicationGroupMemberRole\":\"\","
	    "\"ReplicationGroupMembers\":[],"
	    "\"ReplicationGroupPrimaryInstanceKey\":" KEY("", "0") ","
	    "\"QSP\":{}}", "a server, all members in order");
}

/* For the command line: operations without a path. */
static void
by_name(void)
{
	struct buf hosts = { 0 };

	hosts_of(world_call(&w, "find", "pattern=^db[24]$"), &hosts);
	is_str(buf_text(&hosts), "db2 db4", "find by a regular expression");
	buf_reset(&hosts);
	hosts_of(world_call(&w, "cluster-gh-ost-replicas",
		     "clusterHint=alpha"), &hosts);
	is_str(buf_text(&hosts), "db2 db3", "replicas for gh-ost");
	buf_fini(&hosts);
	is_str(world_call(&w, "instance-status", "host=db2&port=3306"),
	    "\"[0s,ok,10.11.6-MariaDB-log,ro,ROW,\\u003e\\u003e]\"",
	    "a status line");
	is_str(world_call(&w, "lost-in-recovery", ""), "[]", "nothing lost");
	is_str(world_call(&w, "pool-instances", ""), "[]", "no pools");
	is_str(world_call(&w, "unresolve-hosts", ""), "[]",
	    "no virtual names");
	is_str(world_call(&w, "resolve-hosts", ""), "[]", "no other names");
}

static void
headers(void)
{
	struct op_call *call = ops_open_path(w.ops, "/api/headers", 12);

	op_header_add(call, "x-b", 3, "2", 1);
	op_header_add(call, "accept", 6, "*/*", 3);
	op_header_add(call, "X-B", 3, "1<", 2);
	is_str(world_run(&w, call),
	    "{\"Accept\":[\"*/*\"],\"X-B\":[\"2\",\"1\\u003c\"]}",
	    "headers by name, several of one in their order");
}

static void
identity(void)
{
	struct world named;

	world_start_empty(&named,
	    "\"PrependMessagesWithOrcIdentity\":\"hostname\"");
	is_str(world_get(&named, "/api/check-global-recoveries"),
	    "{\"Code\":\"OK\",\"Message\":\"Orchestrator node1 says: "
	    "Global recoveries are enabled\",\"Details\":\"enabled\"}",
	    "messages may begin with who speaks");
	world_end(&named);
}

enum { MANY = 90 };

/* A primary and its replicas, in one of two clusters. */
static void
report_many(struct world *many, const char *cluster, const char *prefix)
{
	char host[32], primary[32];
	struct key replica[MANY];
	char name[MANY][32];
	struct instance in;

	snprintf(primary, sizeof(primary), "%s0", prefix);
	for (int i = 0; i < MANY; i++) {
		snprintf(name[i], sizeof(name[i]), "%s%d", prefix, i);
		replica[i] = (struct key){ name[i], 3306 };
	}
	for (int i = 0; i < MANY; i++) {
		instance_init(&in);
		snprintf(host, sizeof(host), "%s%d", prefix, i);
		in.key = (struct key){ host, 3306 };
		in.version = "8.4.3";
		if (i == 0)
			in.replicas = (struct keys){ replica + 1, MANY - 1 };
		else
			in.source_key = (struct key){ primary, 3306 };
		world_report(many, cluster, &in);
	}
}

/* As member_cmp() has it: depth, then clusters by name, then hosts. */
static bool
is_sorted(const json_t *list)
{
	const json_t *x, *last = NULL;
	size_t i;

	json_array_foreach(list, i, x) {
		const char *key[] = { "ReplicationDepth", "ClusterName" };
		int c = last == NULL ? -1 : (int)(
		    json_integer_value(json_object_get(last, key[0])) -
		    json_integer_value(json_object_get(x, key[0])));

		if (c == 0)
			c = strcmp(
			    json_string_value(json_object_get(last, key[1])),
			    json_string_value(json_object_get(x, key[1])));
		if (c == 0)
			c = strcmp(
			    json_string_value(json_object_get(
				json_object_get(last, "Key"), "Hostname")),
			    json_string_value(json_object_get(
				json_object_get(x, "Key"), "Hostname")));
		if (c >= 0)
			return false;
		last = x;
	}
	return true;
}

static int
age_of(const json_t *list, size_t i)
{
	return (int)json_integer_value(json_object_get(json_object_get(
	    json_array_get(list, i), "SecondsSinceLastSeen"), "Int64"));
}

static void
first_piece(void *arg, struct op_call *call, const struct op_reply *reply)
{
	(void)call;
	*(const struct op_reply **)arg = reply;
}

static void
long_lists(void)
{
	const struct op_reply *r = NULL;
	struct buf whole = { 0 };
	struct op_call *call;
	struct world many;
	size_t pieces = 1, longest;
	json_t *list;

	world_start_empty(&many, "");
	report_many(&many, "b0:3306", "b");
	report_many(&many, "a0:3306", "a");
	call = ops_open_path(many.ops, "/api/all-instances", 18);
	ops_start(call, first_piece, &r);
	ok(r->more && r->held > r->len, "a long list goes out in pieces");
	buf_add(&whole, r->body, r->len);
	for (longest = r->len; r->more; pieces++) {
		world_wait(&many, DUR_S(3));
		r = ops_more(call);
		buf_add(&whole, r->body, r->len);
		longest = r->len > longest ? r->len : longest;
	}
	ops_close(call);
	ok(pieces > 2 && longest < 120000, "of one size");
	list = json_loadb(whole.data, whole.len, 0, NULL);
	is_int((int)json_array_size(list), 2 * MANY, "all are in it");
	ok(is_sorted(list), "in their order");
	ok(abs(age_of(list, 1) - age_of(list, 2 * MANY - 1)) <= 1,
	    "as they were at the moment of the call");
	json_decref(list);
	call = ops_open_path(many.ops, "/api/cluster/a0:3306", 20);
	ops_start(call, first_piece, &r);
	ok(r->more, "a large cluster, too");
	ops_close(call); /* whoever asked went away */
	list = json_loads(world_get(&many, "/api/cluster/a0:3306"), 0, NULL);
	is_int((int)json_array_size(list), MANY, "its members");
	json_decref(list);
	buf_fini(&whole);
	world_end(&many);
}

int
main(void)
{
	world_start(&w, CONFIG);
	exact_answers();
	instance_lists();
	one_instance();
	by_name();
	headers();
	world_end(&w);
	empty_world();
	long_lists();
	identity();
	return tap_done();
}
