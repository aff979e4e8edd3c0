/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One configuration text to values, notes or an error: one row per rule, both
 * sides of it.  t/unit/config_files.c is about where texts come from.
 */
#include "config.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"
#include "config/conf.h"
#include "tap.h"

/*
 * A row gives the text (the braces are added), and one of: the JSON that the
 * dump shows for a key; the error.  note, if any, is part of a note.
 */
static const struct row {
	const char *text;
	const char *key, *want; /* want NULL: the load fails */
	const char *error;	/* the whole text, less "F: " */
	const char *note;
} row[] = {
	/* types */
	{ "", "Debug", "false", NULL, NULL },
	{ "'Debug':true", "Debug", "true", NULL, NULL },
	{ "'Debug':1", NULL, NULL, "Debug: expected true or false, found 1",
	    NULL },
	{ "'debug':true", "Debug", "true", NULL, NULL },
	{ "'InstancePollSeconds':'5s'", NULL, NULL,
	    "InstancePollSeconds: expected a whole number of 32 bits, 0 or "
	    "more, found a string", NULL },
	{ "'InstancePollSeconds':7", "InstancePollSeconds", "7", NULL, NULL },
	{ "'InstancePollSeconds':7.0", NULL, NULL,
	    "InstancePollSeconds: expected a whole number of 32 bits, 0 or "
	    "more, found 7", NULL },
	{ "'AuditPurgeDays':-1", NULL, NULL,
	    "AuditPurgeDays: expected a whole number of 32 bits, 0 or more, "
	    "found -1", NULL },
	{ "'AgentPollMinutes':4294967295", "AgentPollMinutes", "4294967295",
	    NULL, "AgentPollMinutes: this version does not act on it yet" },
	{ "'AgentPollMinutes':4294967296", NULL, NULL,
	    "AgentPollMinutes: expected a whole number of 32 bits, 0 or more, "
	    "found 4294967296", NULL },
	{ "'GraphitePollSeconds':-2147483648", "GraphitePollSeconds",
	    "-2147483648", NULL, NULL },
	{ "'GraphitePollSeconds':2147483648", NULL, NULL,
	    "GraphitePollSeconds: expected a whole number of 32 bits, found "
	    "2147483648", NULL },
	{ "'SeedAcceptableBytesDiff':9223372036854775807",
	    "SeedAcceptableBytesDiff", "9223372036854775807", NULL,
	    "SeedAcceptableBytesDiff has no effect" },
	{ "'SeedAcceptableBytesDiff':true", NULL, NULL,
	    "SeedAcceptableBytesDiff: expected a whole number, found true",
	    NULL },
	{ "'DeadInstancePollSecondsMultiplyFactor':1.5",
	    "DeadInstancePollSecondsMultiplyFactor", "1.5", NULL, NULL },
	{ "'DeadInstancePollSecondsMultiplyFactor':2",
	    "DeadInstancePollSecondsMultiplyFactor", "2", NULL, NULL },
	{ "'DeadInstancePollSecondsMultiplyFactor':{}", NULL, NULL,
	    "DeadInstancePollSecondsMultiplyFactor: expected a number, found "
	    "a map", NULL },
	{ "'WebMessage':'hi'", "WebMessage", "\"hi\"", NULL, NULL },
	{ "'WebMessage':[]", NULL, NULL,
	    "WebMessage: expected a string, found a list", NULL },
	{ "'WebMessage':null", "WebMessage", "\"\"", NULL, NULL },
	{ "'AuthUserHeader':null", "AuthUserHeader", "\"X-Forwarded-User\"",
	    NULL, NULL },
	{ "'DiscoverySeeds':['a','b']", "DiscoverySeeds", "[\"a\",\"b\"]",
	    NULL, NULL },
	{ "'DiscoverySeeds':'a'", NULL, NULL,
	    "DiscoverySeeds: expected a list of strings, found a string",
	    NULL },
	{ "'DiscoverySeeds':['a',3]", NULL, NULL,
	    "DiscoverySeeds: expected a list of strings, found a list, whose "
	    "item 2 is 3", NULL },
	{ "", "PowerAuthUsers", "[\"*\"]", NULL, NULL },
	{ "'PowerAuthUsers':[]", "PowerAuthUsers", "[]", NULL, NULL },
	{ "'ClusterNameToAlias':{'b':'1','a':'2'}", "ClusterNameToAlias",
	    "{\"b\":\"1\",\"a\":\"2\"}", NULL, NULL },
	{ "'ClusterNameToAlias':{'b':null}", NULL, NULL,
	    "ClusterNameToAlias: expected a map of strings to strings, found "
	    "a map, in which b is null", NULL },

	/* names */
	{ "'Debug':true,'Debug':false", NULL, NULL,
	    "line 1, column 21: duplicate object key near '\"Debug\"'", NULL },
	{ "'Debug':true,'debug':true", NULL, NULL,
	    "Debug: given twice, in different letter case", NULL },
	{ "'InstancePolSeconds':7", "InstancePollSeconds", "5", NULL,
	    "F: unknown key InstancePolSeconds (did you mean "
	    "InstancePollSeconds?)" },
	{ "'xyzzy':7", "Debug", "false", NULL, "F: unknown key xyzzy" },
	{ "'bufferbinlogevents':7", "Debug", "false", NULL,
	    "F: BufferBinlogEvents is no longer a key and has no effect" },
	{ "'StatusSimpleHealth':true", "Debug", "false", NULL,
	    "F: StatusSimpleHealth is no longer a key" },

	/* status */
	{ "'RecoverNonWriteableMaster':true", "RecoverNonWriteableMaster",
	    "true", NULL,
	    "RecoverNonWriteableMaster: this version does not act on it yet" },
	{ "'OAuthScopes':['x']", "OAuthScopes", "[\"x\"]", NULL,
	    "OAuthScopes has no effect" },

	/* old names */
	{ "'SlaveLagQuery':'a'", "ReplicationLagQuery", "\"a\"", NULL,
	    "SlaveLagQuery is an old name of ReplicationLagQuery" },
	{ "'SlaveLagQuery':'a','ReplicationLagQuery':'a'",
	    "ReplicationLagQuery", "\"a\"", NULL, NULL },
	{ "'SlaveLagQuery':'','ReplicationLagQuery':'a'",
	    "ReplicationLagQuery", "\"a\"", NULL, NULL },
	{ "'SlaveLagQuery':'a','ReplicationLagQuery':'b'", NULL, NULL,
	    "SlaveLagQuery: differs from ReplicationLagQuery, which is its "
	    "new name", NULL },
	{ "'PostponeSlaveRecoveryOnLagMinutes':3",
	    "PostponeReplicaRecoveryOnLagMinutes", "3", NULL,
	    "PostponeReplicaRecoveryOnLagMinutes: this version does not" },
	{ "'PostponeSlaveRecoveryOnLagMinutes':3,"
	  "'PostponeReplicaRecoveryOnLagMinutes':0",
	    "PostponeReplicaRecoveryOnLagMinutes", "3", NULL, NULL },
	{ "'PostponeSlaveRecoveryOnLagMinutes':3,"
	  "'PostponeReplicaRecoveryOnLagMinutes':4", NULL, NULL,
	    "PostponeSlaveRecoveryOnLagMinutes: differs from "
	    "PostponeReplicaRecoveryOnLagMinutes, which is its new name",
	    NULL },
	{ "", "DetachLostReplicasAfterMasterFailover", "true", NULL, NULL },
	{ "'DetachLostReplicasAfterMasterFailover':false",
	    "DetachLostReplicasAfterMasterFailover", "false", NULL, NULL },
	{ "'DetachLostSlavesAfterMasterFailover':false",
	    "DetachLostReplicasAfterMasterFailover", "false", NULL, NULL },
	{ "'DetachLostSlavesAfterMasterFailover':true,"
	  "'DetachLostReplicasAfterMasterFailover':false",
	    "DetachLostReplicasAfterMasterFailover", "false", NULL,
	    "DetachLostSlavesAfterMasterFailover has no effect beside" },
	{ "'MasterFailoverDetachSlaveMasterHost':true",
	    "MasterFailoverDetachReplicaMasterHost", "true", NULL, NULL },
	{ "", "MasterFailoverDetachReplicaMasterHost", "false", NULL, NULL },

	/* RecoveryPeriodBlockMinutes holds when it alone is given */
	{ "", "RecoveryPeriodBlockSeconds", "3600", NULL, NULL },
	{ "'RecoveryPeriodBlockMinutes':5", "RecoveryPeriodBlockSeconds",
	    "300", NULL, NULL },
	{ "'RecoveryPeriodBlockMinutes':5,'RecoveryPeriodBlockSeconds':3600",
	    "RecoveryPeriodBlockSeconds", "3600", NULL,
	    "RecoveryPeriodBlockMinutes has no effect beside" },
	{ "'RecoveryPeriodBlockMinutes':35791394",
	    "RecoveryPeriodBlockSeconds", "2147483640", NULL, NULL },
	{ "'RecoveryPeriodBlockMinutes':35791395", NULL, NULL,
	    "RecoveryPeriodBlockMinutes: must be from 0 to 35791394, is "
	    "35791395", NULL },
	{ "'RecoveryPeriodBlockMinutes':-1", NULL, NULL,
	    "RecoveryPeriodBlockMinutes: must be from 0 to 35791394, is -1",
	    NULL },

	/* promotion */
	{ "'FailMasterPromotionIfSQLThreadNotUpToDate':true,"
	  "'DelayMasterPromotionIfSQLThreadNotUpToDate':true", NULL, NULL,
	    "FailMasterPromotionIfSQLThreadNotUpToDate: excludes "
	    "DelayMasterPromotionIfSQLThreadNotUpToDate", NULL },
	{ "'FailMasterPromotionIfSQLThreadNotUpToDate':true,"
	  "'DelayMasterPromotionIfSQLThreadNotUpToDate':false",
	    "FailMasterPromotionIfSQLThreadNotUpToDate", "true", NULL, NULL },
	{ "'FailMasterPromotionOnLagMinutes':1", NULL, NULL,
	    "FailMasterPromotionOnLagMinutes: needs ReplicationLagQuery as "
	    "well", NULL },
	{ "'FailMasterPromotionOnLagMinutes':1,'SlaveLagQuery':'q'",
	    "FailMasterPromotionOnLagMinutes", "1", NULL, NULL },

	/* normal forms */
	{ "'URLPrefix':'/a/b//'", "URLPrefix", "\"/a/b\"", NULL, NULL },
	{ "'URLPrefix':'a'", "URLPrefix", "\"/a\"", NULL, NULL },
	{ "'URLPrefix':'/'", "URLPrefix", "\"\"", NULL, NULL },
	{ "", "KVClusterMasterPrefix", "\"mysql/master/\"", NULL, NULL },
	{ "'KVClusterMasterPrefix':'a/b/'", "KVClusterMasterPrefix",
	    "\"a/b/\"", NULL, NULL },
	{ "'KVClusterMasterPrefix':'/'", "KVClusterMasterPrefix", "\"/\"",
	    NULL, NULL },
	{ "", "RaftAdvertise", "\"127.0.0.1:10008\"", NULL, NULL },
	{ "'RaftBind':'a','RaftAdvertise':'b'", "RaftAdvertise", "\"b\"",
	    NULL, NULL },
	{ "", "ReasonableLockedSemiSyncMasterSeconds", "10", NULL, NULL },
	{ "'ReasonableLockedSemiSyncMasterSeconds':3",
	    "ReasonableLockedSemiSyncMasterSeconds", "3", NULL, NULL },
	{ "'BufferInstanceWrites':true", "BufferInstanceWrites", "true", NULL,
	    NULL },
	{ "'BufferInstanceWrites':true,'InstanceWriteBufferSize':0",
	    "BufferInstanceWrites", "false", NULL, NULL },
	{ "'AutoPseudoGTID':true,'PseudoGTIDPattern':'x'",
	    "PseudoGTIDPattern", "\"drop view if exists `_pseudo_gtid_`\"",
	    NULL, NULL },
	{ "'AutoPseudoGTID':true", "PseudoGTIDPatternIsFixedSubstring",
	    "true", NULL, NULL },
	{ "'AutoPseudoGTID':true", "PseudoGTIDMonotonicHint", "\"asc:\"",
	    NULL, NULL },
	{ "'AutoPseudoGTID':true", "DetectPseudoGTIDQuery", "\"select 1\"",
	    NULL, NULL },
	{ "'PseudoGTIDPattern':'x'", "PseudoGTIDPattern", "\"x\"", NULL,
	    NULL },

	/* the store */
	{ "", "BackendDB", "\"sqlite\"", NULL, NULL },
	{ "'MySQLOrchestratorHost':'h'", "BackendDB", "\"sqlite\"", NULL,
	    "MySQLOrchestratorHost is given, but BackendDB is not" },
	{ "'BackendDB':'sqlite3','SQLite3DataFile':':memory:'", "BackendDB",
	    "\"sqlite3\"", NULL, NULL },
	{ "'BackendDB':'mysql'", NULL, NULL,
	    "BackendDB: this version keeps its state in \"sqlite\" only; the "
	    "MySQL store comes later", NULL },
	{ "'BackendDB':''", NULL, NULL,
	    "BackendDB: this version keeps its state in \"sqlite\" only; the "
	    "MySQL store comes later", NULL },
	{ "'BackendDB':'oracle'", NULL, NULL,
	    "BackendDB: must be \"sqlite\", is \"oracle\"", NULL },
	{ "'SQLite3DataFile':''", NULL, NULL,
	    "SQLite3DataFile: must not be empty", NULL },
	{ "'SQLite3DataFile':'/x'", "SQLite3DataFile", "\"/x\"", NULL, NULL },

	/* raft and its address */
	{ "'RaftEnabled':true", NULL, NULL,
	    "RaftEnabled: needs RaftDataDir as well", NULL },
	{ "'RaftEnabled':true,'RaftDataDir':'/d','RaftBind':''", NULL, NULL,
	    "RaftEnabled: needs RaftBind as well", NULL },
	{ "'RaftEnabled':true,'RaftDataDir':'/d'", "RaftEnabled", "true",
	    NULL, "RaftEnabled: this version does not act on it yet" },
	{ "'RaftEnabled':true,'RaftDataDir':'/d','ListenAddress':'a'", NULL,
	    NULL,
	    "ListenAddress: must name a port when RaftEnabled is true and "
	    "HTTPAdvertise is empty, is \"a\"", NULL },
	{ "'RaftEnabled':true,'RaftDataDir':'/d','ListenAddress':'a',"
	  "'HTTPAdvertise':'http://a:1'", "ListenAddress", "\"a\"", NULL,
	    NULL },
	{ "'HTTPAdvertise':'https://[::1]:3000'", "HTTPAdvertise",
	    "\"https://[::1]:3000\"", NULL, NULL },
	{ "'HTTPAdvertise':'http://a:3000/'", NULL, NULL,
	    "HTTPAdvertise: must be scheme://host:port without a path, is "
	    "\"http://a:3000/\"", NULL },
	{ "'HTTPAdvertise':'http://a'", NULL, NULL,
	    "HTTPAdvertise: must be scheme://host:port without a path, is "
	    "\"http://a\"", NULL },
	{ "'HTTPAdvertise':'a:3000'", NULL, NULL,
	    "HTTPAdvertise: must be scheme://host:port without a path, is "
	    "\"a:3000\"", NULL },
	{ "'HTTPAdvertise':'http://:3000'", NULL, NULL,
	    "HTTPAdvertise: must be scheme://host:port without a path, is "
	    "\"http://:3000\"", NULL },

	/* keys that need each other */
	{ "'GraphiteAddr':'a:1'", NULL, NULL,
	    "GraphiteAddr: needs GraphitePath as well", NULL },
	{ "'GraphiteAddr':'a:1','GraphitePath':'p'", "GraphiteAddr",
	    "\"a:1\"", NULL, NULL },
	{ "'ConsulCrossDataCenterDistribution':true", NULL, NULL,
	    "ConsulCrossDataCenterDistribution: needs ConsulAddress as well",
	    NULL },
	{ "'ConsulCrossDataCenterDistribution':true,'ConsulAddress':'a:1'",
	    "ConsulCrossDataCenterDistribution", "true", NULL, NULL },
	{ "'UseSSL':true,'SSLPrivateKeyFile':'k'", NULL, NULL,
	    "UseSSL: needs SSLCertFile as well", NULL },
	{ "'UseSSL':true,'SSLCertFile':'c'", NULL, NULL,
	    "UseSSL: needs SSLPrivateKeyFile as well", NULL },
	{ "'UseSSL':true,'SSLCertFile':'c','SSLPrivateKeyFile':'k'", "UseSSL",
	    "true", NULL, NULL },
	{ "'UseSSL':true,'ListenSocket':'/s'", "UseSSL", "true", NULL, NULL },

	/* words */
	{ "'AuthenticationMethod':'oauth'", NULL, NULL,
	    "AuthenticationMethod: must be one of \"\" \"basic\" \"multi\" "
	    "\"proxy\" \"token\", is \"oauth\"", NULL },
	{ "'AuthenticationMethod':'Proxy'", "AuthenticationMethod",
	    "\"Proxy\"", NULL, NULL },
	{ "'AuthenticationMethod':'multi'", NULL, NULL,
	    "HTTPAuthUser: must not be empty when AuthenticationMethod is "
	    "multi", NULL },
	{ "'AuthenticationMethod':'multi','HTTPAuthUser':'u'", "HTTPAuthUser",
	    "\"u\"", NULL, NULL },
	{ "'AuthenticationMethod':'basic'", "HTTPAuthUser", "\"\"", NULL,
	    "HTTPAuthUser: empty, though AuthenticationMethod is basic" },
	{ "'HostnameResolveMethod':'dns'", "HostnameResolveMethod", "\"dns\"",
	    NULL,
	    "HostnameResolveMethod: \"dns\" is none of \"none\" \"default\" "
	    "\"\" \"cname\" \"ip\"; \"default\" is taken" },
	{ "'ConsulScheme':'https'", "ConsulScheme", "\"https\"", NULL, NULL },
	{ "'ConsulScheme':'ftp'", NULL, NULL,
	    "ConsulScheme: must be one of \"http\" \"https\", is \"ftp\"",
	    NULL },

	/* unreachable servers */
	{ "'DeadInstancePollSecondsMultiplyFactor':0.99", NULL, NULL,
	    "DeadInstancePollSecondsMultiplyFactor: must be 1 or more, is "
	    "0.99", NULL },
	{ "'DeadInstancePollSecondsMax':4", NULL, NULL,
	    "DeadInstancePollSecondsMax: is 4, less than InstancePollSeconds, "
	    "which is 5", NULL },
	{ "'DeadInstancePollSecondsMax':5", "DeadInstancePollSecondsMax", "5",
	    NULL, NULL },
	{ "'InstancePollSeconds':301", NULL, NULL,
	    "DeadInstancePollSecondsMax: is 300, less than "
	    "InstancePollSeconds, which is 301", NULL },

	/* patterns */
	{ "'DataCenterPattern':'db-(.*)'", "DataCenterPattern",
	    "\"db-(.*)\"", NULL, NULL },
	{ "'DataCenterPattern':'db-.*'", NULL, NULL,
	    "DataCenterPattern: must have a group, as in \"db-(.*)\"", NULL },
	{ "'RegionPattern':'('", NULL, NULL,
	    "RegionPattern: bad regular expression at character 2: missing "
	    "closing parenthesis", NULL },
	{ "'PhysicalEnvironmentPattern':'x'", NULL, NULL,
	    "PhysicalEnvironmentPattern: must have a group, as in "
	    "\"db-(.*)\"", NULL },
	{ "'RejectHostnameResolvePattern':'x'",
	    "RejectHostnameResolvePattern", "\"x\"", NULL, NULL },
	{ "'RejectHostnameResolvePattern':'['", NULL, NULL,
	    "RejectHostnameResolvePattern: bad regular expression at "
	    "character 2: missing terminating ] for character class", NULL },
	{ "'PseudoGTIDPattern':'['", NULL, NULL,
	    "PseudoGTIDPattern: bad regular expression at character 2: "
	    "missing terminating ] for character class", NULL },
	{ "'PseudoGTIDPattern':'[','PseudoGTIDPatternIsFixedSubstring':true",
	    "PseudoGTIDPattern", "\"[\"", NULL, NULL },
	{ "'ClusterNameToAlias':{'a':'x','(':'y'}", NULL, NULL,
	    "ClusterNameToAlias: entry 2: bad regular expression at character "
	    "2: missing closing parenthesis", NULL },
	{ "'ProblemIgnoreHostnameFilters':['(']", NULL, NULL,
	    "ProblemIgnoreHostnameFilters: entry 1: bad regular expression at "
	    "character 2: missing closing parenthesis", NULL },
	{ "'RecoverMasterClusterFilters':['alias~=(']", NULL, NULL,
	    "RecoverMasterClusterFilters: entry 1: bad regular expression at "
	    "character 2: missing closing parenthesis", NULL },
	{ "'DiscoveryIgnoreReplicationUsernameFilters':['(']", NULL, NULL,
	    "DiscoveryIgnoreReplicationUsernameFilters: entry 1: bad regular "
	    "expression at character 2: missing closing parenthesis", NULL },

	/* secrets */
	{ "'HTTPAuthPassword':'s'", "HTTPAuthPassword", "\"********\"", NULL,
	    NULL },
	{ "", "HTTPAuthPassword", "\"\"", NULL, NULL },
	{ "'ConsulAclToken':'s'", "ConsulAclToken", "\"********\"", NULL,
	    NULL },
	{ "'MySQLTopologyPassword':5", NULL, NULL,
	    "MySQLTopologyPassword: expected a string, found 5", NULL },
};

/* "{" text "}" with double quotes for single ones */
static char *
json_text(const char *text)
{
	char *s = mem_printf("{%s}", text);

	for (char *p = s; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	return s;
}

static struct config *
load(const char *text, struct err *err)
{
	char *s = json_text(text);
	struct config *c = config_load_text("F", s, strlen(s), err);

	mem_free(s);
	return c;
}

/* What the dump shows for a key; free() it. */
static char *
shown(const struct config *c, const char *key)
{
	json_t *root, *v;
	struct buf b;
	char *s;

	buf_init(&b);
	config_dump(c, &b);
	root = json_loads(buf_text(&b), JSON_REJECT_DUPLICATES, NULL);
	v = json_object_get(root, key);
	s = v != NULL ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	json_decref(root);
	buf_fini(&b);
	return s;
}

static bool
noted(const struct config *c, const char *part)
{
	for (size_t i = 0; i < c->notes; i++)
		if (strstr(c->note[i].text, part) != NULL)
			return true;
	return false;
}

static void
test_row(const struct row *r)
{
	struct err err = ERR_INIT;
	struct config *c = load(r->text, &err);
	const char *text = err.text;
	char *value;

	if (r->want == NULL) {
		ok(c == NULL, "{%s} is refused", r->text);
		if (strncmp(text, "F: ", 3) == 0)
			text += 3;
		is_str(text, r->error, "... and says why");
	} else if (!ok(c != NULL, "{%s} is taken", r->text)) {
		diag("%s", err.text);
	} else {
		value = shown(c, r->key);
		is_str(value, r->want, "... %s", r->key);
		free(value);
		if (r->note != NULL)
			ok(noted(c, r->note), "... noted: %s", r->note);
	}
	config_free(c);
}

/* Numbers with a range: each end is taken, one beyond is not. */
static const struct {
	const char *key;
	long long min, max;
	bool clamp;
	bool below, above; /* can the type hold one beyond? */
} range[] = {
	{ "DefaultInstancePort", 1, 65535, false, true, true },
	{ "MySQLOrchestratorPort", 0, 65535, false, false, true },
	{ "DefaultRaftPort", 0, 65535, false, true, true },
	{ "MySQLTopologyMaxAllowedPacket", -1, 2147483647, false, true, false },
	{ "MySQLOrchestratorMaxAllowedPacket", -1, 2147483647, false, true,
	    false },
	{ "MySQLConnectTimeoutSeconds", 1, 2147483647, true, true, false },
	{ "MySQLDiscoveryReadTimeoutSeconds", 1, 2147483647, true, true,
	    false },
	{ "MySQLTopologyReadTimeoutSeconds", 1, 2147483647, true, true, false },
	{ "MySQLOrchestratorReadTimeoutSeconds", 1, 2147483647, true, true,
	    false },
	{ "MySQLConnectionLifetimeSeconds", 0, 2147483647, false, true, false },
	{ "InstancePollSeconds", 1, 300, false, true, false },
	{ "DiscoveryMaxConcurrency", 1, 4294967295, false, true, false },
	{ "DiscoveryQueueCapacity", 1, 4294967295, false, true, false },
	{ "DiscoveryQueueMaxStatisticsSize", 1, 2147483647, true, true, false },
	{ "DiscoveryCollectionRetentionSeconds", 1, 4294967295, true, true,
	    false },
	{ "InstanceFlushIntervalMilliseconds", 1, 2147483647, true, true,
	    false },
	{ "ExpiryHostnameResolvesMinutes", 1, 2147483647, true, true, false },
	{ "ReasonableReplicationLagSeconds", 0, 2147483647, false, true,
	    false },
	{ "ReasonableMaintenanceReplicationLagSeconds", 0, 2147483647, false,
	    true, false },
	{ "UnseenInstanceForgetHours", 1, 1000000, true, true, true },
	{ "SnapshotTopologiesIntervalHours", 0, 1000000, true, false, true },
	{ "UnseenAgentForgetHours", 0, 1000000, true, false, true },
	{ "AuditPurgeDays", 0, 36500, true, false, true },
	{ "MaxConcurrentReplicaOperations", 1, 2147483647, true, true, false },
	{ "BinlogEventsChunkSize", 1, 2147483647, true, true, false },
	{ "FailureDetectionPeriodBlockMinutes", 0, 2147483647, false, true,
	    false },
	{ "RecoveryPeriodBlockSeconds", 0, 2147483647, false, true, false },
	{ "ConsulMaxKVsPerTransaction", 5, 64, true, true, true },
};

/* NULL: refused; else the value shown; free() it */
static char *
with_number(const char *key, long long v, bool *named)
{
	char *text = mem_printf("'%s':%lld", key, v), *value = NULL;
	struct err err = ERR_INIT;
	struct config *c = load(text, &err);

	mem_free(text);
	if (c != NULL)
		value = shown(c, key);
	*named = c != NULL ? noted(c, key) : strstr(err.text, key) != NULL;
	config_free(c);
	return value;
}

static void
test_beyond(const char *key, long long v, long long end, bool clamp)
{
	bool named;
	char *value = with_number(key, v, &named);

	ok(named, "%s %lld is named", key, v);
	if (clamp)
		is_int(value != NULL ? atoll(value) : -2, end,
		    "... and becomes the nearest");
	else
		ok(value == NULL, "... and refused");
	free(value);
}

static void
test_ranges(void)
{
	for (size_t i = 0; i < MEM_COUNT(range); i++) {
		long long end[] = { range[i].min, range[i].max };
		bool named;

		for (int j = 0; j < 2; j++) {
			char *v = with_number(range[i].key, end[j], &named);

			is_int(v != NULL ? atoll(v) : -2, end[j], "%s %lld",
			    range[i].key, end[j]);
			free(v);
		}
		if (range[i].below)
			test_beyond(range[i].key, end[0] - 1, end[0],
			    range[i].clamp);
		if (range[i].above)
			test_beyond(range[i].key, end[1] + 1, end[1],
			    range[i].clamp);
	}
}

static void
test_words(void)
{
	static const struct {
		const char *text;
		int resolve, server, auth, identity;
	} want[] = {
		{ "", HOSTNAME_RESOLVE_DEFAULT, SERVER_NAME_HOSTNAME,
		    AUTH_NONE, ORC_IDENTITY_NONE },
		{ "'HostnameResolveMethod':'NONE',"
		  "'MySQLHostnameResolveMethod':'none',"
		  "'AuthenticationMethod':'basic',"
		  "'PrependMessagesWithOrcIdentity':'none'",
		    HOSTNAME_RESOLVE_NONE, SERVER_NAME_NONE, AUTH_BASIC,
		    ORC_IDENTITY_NONE },
		{ "'HostnameResolveMethod':'cname',"
		  "'MySQLHostnameResolveMethod':'@@report_host',"
		  "'AuthenticationMethod':'MULTI','HTTPAuthUser':'u',"
		  "'PrependMessagesWithOrcIdentity':'FQDN'",
		    HOSTNAME_RESOLVE_CNAME, SERVER_NAME_REPORT_HOST,
		    AUTH_MULTI, ORC_IDENTITY_FQDN },
		{ "'HostnameResolveMethod':'ip',"
		  "'MySQLHostnameResolveMethod':'default',"
		  "'AuthenticationMethod':'proxy',"
		  "'PrependMessagesWithOrcIdentity':'hostname'",
		    HOSTNAME_RESOLVE_IP, SERVER_NAME_HOSTNAME, AUTH_PROXY,
		    ORC_IDENTITY_HOSTNAME },
		{ "'HostnameResolveMethod':'x',"
		  "'MySQLHostnameResolveMethod':'x',"
		  "'AuthenticationMethod':'token',"
		  "'PrependMessagesWithOrcIdentity':'custom'",
		    HOSTNAME_RESOLVE_DEFAULT, SERVER_NAME_NONE, AUTH_TOKEN,
		    ORC_IDENTITY_CUSTOM },
	};

	for (size_t i = 0; i < MEM_COUNT(want); i++) {
		struct config *c = load(want[i].text, NULL);

		is_int(c->rules.hostname_resolve, want[i].resolve,
		    "HostnameResolveMethod, set %zu", i);
		is_int(c->rules.server_name, want[i].server,
		    "MySQLHostnameResolveMethod, set %zu", i);
		is_int(c->rules.auth, want[i].auth,
		    "AuthenticationMethod, set %zu", i);
		is_int(c->rules.identity, want[i].identity,
		    "PrependMessagesWithOrcIdentity, set %zu", i);
		config_free(c);
	}
}

static void
test_rules(void)
{
	struct config *c = load(
	    "'ClusterNameToAlias':{'':'none','^a':'first','ab':'second'},"
	    "'DiscoveryIgnoreMasterHostnameFilters':['src'],"
	    "'RecoverIntermediateMasterClusterFilters':['*'],"
	    "'DataCenterPattern':'-([a-z]+)$'",
	    NULL);

	is_str(config_cluster_alias(c, "abc"), "first",
	    "the first pattern that matches gives the alias");
	is_str(config_cluster_alias(c, "cab"), "second", "the second");
	is_str(config_cluster_alias(c, "c"), NULL,
	    "an empty pattern gives none");
	ok(host_filter_match(c->rules.discovery_ignore_source, "src1", 1) &&
	    !host_filter_match(c->rules.discovery_ignore_replica, "src1", 1) &&
	    !host_filter_match(c->rules.discovery_ignore, "src1", 1),
	    "each filter has its own key");
	ok(cluster_filter_match(c->rules.recover_intermediate, "x", "") &&
	    !cluster_filter_match(c->rules.recover_primary, "x", ""),
	    "so have the cluster filters");
	ok(c->rules.data_center != NULL && c->rules.region == NULL,
	    "an empty pattern is none");
	config_free(c);
}

static void
test_table(void)
{
	struct config *c = config_defaults();
	size_t short_of = 0, twice = 0, found = 0;

	is_int(CONFIG_KEYS, 201 + 5,
	    "all keys of the reference are known, and five of ours");
	for (unsigned k = 0; k < CONFIG_KEYS; k++) {
		const struct config_info *in = config_info(k);

		found += config_key_find(in->name) == k;
		short_of += strlen(in->help) < 8;
		for (unsigned j = 0; j < k; j++)
			twice += strcasecmp(in->name, config_info(j)->name) ==
			    0;
	}
	is_int((int64_t)found, CONFIG_KEYS, "each is found by its name");
	is_int((int64_t)(short_of + twice), 0, "each has a help, once");
	is_int((int64_t)c->notes, 0, "defaults give no notes");
	is_int(c->discovery_max_concurrency, 300, "a default number");
	is_str(c->status_endpoint, "/api/status", "a default text");
	ok(!config_given(c, CFG_debug), "no default was given");
	config_free(c);
	c = load("'Debug':false,'WebMessage':null", NULL);
	ok(config_given(c, CFG_debug), "given, though the default");
	ok(!config_given(c, CFG_web_message), "null is not given");
	config_free(c);
}

static void
test_suggest(void)
{
	is_str(config_key_suggest("debugg"), "Debug", "one letter too many");
	is_str(config_key_suggest("RecoverMasterClustersFilter"),
	    "RecoverMasterClusterFilters", "two mistakes");
	is_str(config_key_suggest("colour"), NULL, "nothing like it");
	is_str(config_key_suggest(""), NULL, "nothing for nothing");
	is_str(config_key_suggest("DeadInstancePollSecondsMaximumValueThatIs"
				  "FarLongerThanAnyKeyWeHave"),
	    NULL, "too long to compare");
}

static void
test_strict(void)
{
	static const char *const bad[] = { "", "[]", "{}x", "{\"a\":1,}",
		"{\"Debug\":tru}", "// c\n{}", "{\"WebMessage\":\"\\u0000\"}",
		"{\"GraphitePollSeconds\":99999999999999999999}",
		"{\"WebMessage\":\"\xff\"}" };
	struct err err;

	for (size_t i = 0; i < MEM_COUNT(bad); i++) {
		struct config *c;

		err_clear(&err);
		c = config_load_text("F", bad[i], strlen(bad[i]), &err);
		ok(c == NULL && err.code == ERR_MALFORMED &&
		    strncmp(err.text, "F: ", 3) == 0, "not JSON: %s",
		    err.text);
		config_free(c);
	}
}

static void
test_many_unknown(void)
{
	struct config *c;
	struct buf b;

	buf_init(&b);
	for (int i = 0; i < CONFIG_UNKNOWN_MAX + 9; i++)
		buf_printf(&b, "%s'zz%d':1", i > 0 ? "," : "", i);
	c = load(buf_text(&b), NULL);
	is_int((int64_t)c->unknown, CONFIG_UNKNOWN_MAX + 9,
	    "unknown keys are counted");
	is_int((int64_t)c->notes, CONFIG_UNKNOWN_MAX + 1,
	    "not all are noted");
	is_str(c->note[c->notes - 1].text, "more keys are unknown",
	    "the last note says so");
	config_free(c);
	buf_fini(&b);
}

static void
test_manual(void)
{
	struct buf b;
	size_t rows = 0, heads = 0;

	buf_init(&b);
	config_manual(&b);
	for (const char *p = buf_text(&b); (p = strchr(p, '\n')) != NULL; p++) {
		rows += strncmp(p + 1, "| ", 2) == 0;
		heads += strncmp(p + 1, "## ", 3) == 0;
	}
	is_int((int64_t)(rows - heads), CONFIG_KEYS, "all keys in the manual");
	ok(strstr(buf_text(&b), "| InstancePollSeconds | uint | `5` | live | "
				"used | time between two probes") != NULL,
	    "as rows of tables");
	buf_fini(&b);
}

int
main(void)
{
	for (size_t i = 0; i < MEM_COUNT(row); i++)
		test_row(&row[i]);
	test_ranges();
	test_words();
	test_rules();
	test_table();
	test_suggest();
	test_strict();
	test_many_unknown();
	test_manual();
	return tap_done();
}
