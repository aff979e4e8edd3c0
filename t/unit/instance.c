/* SPDX-License-Identifier: Apache-2.0 */
/* instance: one table, and its JSON, msgpack, copy and digest. */
#include "config.h"

#include <inttypes.h>
#include <jansson.h>

#include "base/mem.h"
#include "tap.h"
#include "topology/instance.h"

static struct arena arena;

/* v1's members in order, each with the letter of its type. */
static const char *const wire[] = {
	"k Key",
	"s InstanceAlias",
	"u Uptime",
	"u ServerID",
	"s ServerUUID",
	"s Version",
	"s VersionComment",
	"s FlavorName",
	"b ReadOnly",
	"s Binlog_format",
	"s BinlogRowImage",
	"b LogBinEnabled",
	"b LogSlaveUpdatesEnabled",
	"b LogReplicationUpdatesEnabled",
	"c SelfBinlogCoordinates",
	"k MasterKey",
	"s MasterUUID",
	"s AncestryUUID",
	"b IsDetachedMaster",
	"b Slave_SQL_Running",
	"b ReplicationSQLThreadRuning",
	"b Slave_IO_Running",
	"b ReplicationIOThreadRuning",
	"i ReplicationSQLThreadState",
	"i ReplicationIOThreadState",
	"b HasReplicationFilters",
	"s GTIDMode",
	"b SupportsOracleGTID",
	"b UsingOracleGTID",
	"b UsingMariaDBGTID",
	"b UsingPseudoGTID",
	"c ReadBinlogCoordinates",
	"c ExecBinlogCoordinates",
	"b IsDetached",
	"c RelaylogCoordinates",
	"s LastSQLError",
	"s LastIOError",
	"n SecondsBehindMaster",
	"u SQLDelay",
	"s ExecutedGtidSet",
	"s GtidPurged",
	"s GtidErrant",
	"n SlaveLagSeconds",
	"n ReplicationLagSeconds",
	"K SlaveHosts",
	"K Replicas",
	"s ClusterName",
	"s SuggestedClusterAlias",
	"s DataCenter",
	"s Region",
	"s PhysicalEnvironment",
	"u ReplicationDepth",
	"b IsCoMaster",
	"b HasReplicationCredentials",
	"b ReplicationCredentialsAvailable",
	"b SemiSyncAvailable",
	"u SemiSyncPriority",
	"b SemiSyncMasterPluginNewVersion",
	"b SemiSyncReplicaPluginNewVersion",
	"b SemiSyncMasterEnabled",
	"b SemiSyncReplicaEnabled",
	"u SemiSyncMasterTimeout",
	"u SemiSyncMasterWaitForReplicaCount",
	"b SemiSyncMasterStatus",
	"u SemiSyncMasterClients",
	"b SemiSyncReplicaStatus",
	"s LastSeenTimestamp",
	"b IsLastCheckValid",
	"b IsUpToDate",
	"b IsRecentlyChecked",
	"n SecondsSinceLastSeen",
	"i CountMySQLSnapshots",
	"b IsCandidate",
	"s PromotionRule",
	"b IsDowntimed",
	"s DowntimeReason",
	"s DowntimeOwner",
	"s DowntimeEndTimestamp",
	"i ElapsedDowntime",
	"s UnresolvedHostname",
	"b AllowTLS",
	"s ReplicationSSLCAFile",
	"s ReplicationSSLCAPath",
	"s ReplicationSSLCert",
	"s ReplicationSSLCipher",
	"s ReplicationSSLCRLFile",
	"s ReplicationSSLCRLPath",
	"s ReplicationSSLKey",
	"B ReplicationSSLVerifyServerCert",
	"s ReplicationTLSVersion",
	"s ReplicationTLSCiphersuites",
	"s ReplicationSourcePublicKeyPath",
	"B ReplicationGetSourcePublicKey",
	"S Problems",
	"i LastDiscoveryLatency",
	"s ReplicationGroupName",
	"b ReplicationGroupIsSinglePrimary",
	"s ReplicationGroupMemberState",
	"s ReplicationGroupMemberRole",
	"K ReplicationGroupMembers",
	"k ReplicationGroupPrimaryInstanceKey",
	"o QSP",
};

/* Every member gets a value of its own, so that a mix-up shows. */
static void
fill(struct instance *in)
{
	instance_init(in);
	for (size_t i = 0; i < instance_field_count; i++) {
		const struct instance_field *f = &instance_fields[i];
		void *p = (char *)in + f->offset;
		struct key *k = arena_alloc(&arena, 2 * sizeof *k);
		const char **s = arena_alloc(&arena, 2 * sizeof *s);

		if (f->from == IS_COPY || f->kind == KIND_OBJ)
			continue;
		for (unsigned j = 0; j < 2; j++) {
			k[j].host = arena_printf(&arena, "h%zu-%u", i, j);
			k[j].port = (uint32_t)(3000 + i);
			s[j] = arena_printf(&arena, "s%zu-%u", i, j);
		}
		switch (f->kind) {
		case KIND_STR: *(const char **)p = s[0]; break;
		case KIND_UINT: *(uint64_t *)p = UINT64_MAX - i; break;
		case KIND_INT: *(int64_t *)p = -(int64_t)i; break;
		case KIND_BOOL: *(bool *)p = true; break;
		case KIND_NULLINT:
			*(struct nullint *)p = (struct nullint){ (int64_t)i,
				true };
			break;
		case KIND_NULLBOOL:
			*(struct nullbool *)p = (struct nullbool){ true, true };
			break;
		case KIND_COORD:
			*(struct coord *)p = (struct coord){ s[0], (int64_t)i,
				true };
			break;
		case KIND_KEY: *(struct key *)p = k[0]; break;
		case KIND_KEYS: *(struct keys *)p = (struct keys){ k, 2 }; break;
		case KIND_STRS: *(struct strs *)p = (struct strs){ s, 2 }; break;
		case KIND_OBJ: break;
		}
	}
}

static char *
to_json(const struct instance *in)
{
	struct json w;
	struct buf b;

	buf_init(&b);
	json_init(&w, &b);
	instance_json(&w, in);
	return buf_steal(&b);
}

/* The letter of a JSON value's shape, as in wire[]. */
static char
shape(json_t *v, char want)
{
	if (json_is_string(v))
		return 's';
	if (json_is_integer(v))
		return want == 'u' || want == 'i' ? want : '?';
	if (json_is_boolean(v))
		return 'b';
	if (json_is_array(v))
		return want == 'K' || want == 'S' ? want : '?';
	if (json_object_size(v) == 0)
		return 'o';
	if (json_object_size(v) == 3)
		return json_object_get(v, "LogFile") != NULL ? 'c' : '?';
	if (json_object_get(v, "Hostname") != NULL)
		return 'k';
	if (json_object_get(v, "Int64") != NULL)
		return 'n';
	return json_object_get(v, "Bool") != NULL ? 'B' : '?';
}

static void
test_json_shape(void)
{
	struct instance in;
	struct json_t *root, *v;
	const char *name;
	char *text;
	size_t i = 0;
	bool good = true;

	instance_init(&in);
	text = to_json(&in);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	ok(root != NULL, "an empty instance is JSON without duplicates");
	json_object_foreach(root, name, v) {
		if (i >= MEM_COUNT(wire) || strcmp(wire[i] + 2, name) != 0 ||
		    shape(v, wire[i][0]) != wire[i][0]) {
			diag("member %zu: %s", i + 1, name);
			good = false;
		}
		i++;
	}
	ok(good && i == 102, "102 members, in order, each of its type");
	json_decref(root);
	mem_free(text);
}

static const struct {
	const char *what, *error, *want;
} error_row[] = {
	{ "no error", "", "" },
	{ "plain text", "Got fatal error 1236", "\"Got fatal error 1236\"" },
	{ "quotes and backslashes", "'a' \"b\" \\c", "\"'a' \\\"b\\\" \\\\c\"" },
	{ "control characters", "a\n\t\x01\x7f", "\"a\\n\\t\\x01\\x7f\"" },
	{ "beyond ASCII", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
	    "\"\\u00e9 \\u20ac \\U0001f600\"" },
	{ "broken UTF-8", "\xff\xc3", "\"\\xff\\xc3\"" },
	{ "over-long and surrogate", "\xc0\x80 \xed\xa0\x80",
	    "\"\\xc0\\x80 \\xed\\xa0\\x80\"" },
};

static void
test_json_values(void)
{
	static const struct key two[] = { { "a", 1 }, { "b", 2 } };
	struct instance in;
	json_t *root;
	char *text;

	for (size_t i = 0; i < MEM_COUNT(error_row); i++) {
		instance_init(&in);
		in.last_io_error = error_row[i].error;
		text = to_json(&in);
		root = json_loads(text, 0, NULL);
		is_str(json_string_value(json_object_get(root, "LastIOError")),
		    error_row[i].want, "last error: %s", error_row[i].what);
		json_decref(root);
		mem_free(text);
	}
	instance_init(&in);
	in.key = two[0];
	in.replicas = (struct keys){ two, 2 };
	in.seconds_behind = (struct nullint){ 7, false };
	in.io_state = 2;
	in.self_coord = (struct coord){ "bin.000001", 4, false };
	text = to_json(&in);
	ok(strstr(text, "{\"Key\":{\"Hostname\":\"a\",\"Port\":1},") == text,
	    "key first");
	ok(strstr(text, "\"SlaveHosts\":[{\"Hostname\":\"a\",\"Port\":1},"
	    "{\"Hostname\":\"b\",\"Port\":2}],\"Replicas\":[{") != NULL,
	    "copies show the same value");
	ok(strstr(text, "\"SecondsBehindMaster\":{\"Int64\":0,"
	    "\"Valid\":false}") != NULL, "NULL is 0 and not valid");
	ok(strstr(text, "\"RelaylogCoordinates\":{\"LogFile\":\"\","
	    "\"LogPos\":0,\"Type\":1}") != NULL, "relay logs are of type 1");
	ok(strstr(text, "\"ReplicationSQLThreadState\":-1,"
	    "\"ReplicationIOThreadState\":2") != NULL, "thread states");
	ok(strstr(text, "\"Problems\":[]") != NULL, "no problems");
	mem_free(text);
}

static bool
same_json(const struct instance *a, const struct instance *b)
{
	char *x = to_json(a), *y = to_json(b);
	bool same = strcmp(x, y) == 0;

	mem_free(x);
	mem_free(y);
	return same;
}

/* What is computed is not packed: take it away for a comparison. */
static void
forget_computed(struct instance *in)
{
	struct instance none;

	instance_init(&none);
	for (size_t i = 0; i < instance_field_count; i++) {
		const struct instance_field *f = &instance_fields[i];
		size_t end = sizeof none;

		if (f->from != IS_PLACE && f->from != IS_NOTE)
			continue;
		if (f->kind == KIND_OBJ)
			continue;
		for (size_t j = 0; j < instance_field_count; j++)
			if (instance_fields[j].offset > f->offset &&
			    instance_fields[j].offset < end)
				end = instance_fields[j].offset;
		memcpy((char *)in + f->offset, (char *)&none + f->offset,
		    end - f->offset);
	}
}

static void
test_pack(void)
{
	struct instance in, out;
	struct pcur c;
	struct buf b;
	bool inside = true;

	buf_init(&b);
	fill(&in);
	instance_pack(&b, &in);
	pcur_init(&c, b.data, b.len);
	ok(instance_unpack(&c, &out, &arena) && pcur_done(&c), "read back");
	forget_computed(&in);
	ok(same_json(&in, &out), "every fact survives");
	ok(instance_digest(&in) == instance_digest(&out), "same digest");
	is_str(out.mariadb_io_pos, in.mariadb_io_pos, "extra rows too");
	for (size_t n = 0; n < b.len; n++) {
		pcur_init(&c, b.data, n);
		if (instance_unpack(&c, &out, &arena) || c.p > c.end)
			inside = false;
	}
	ok(inside, "cut anywhere, it is refused");
	buf_fini(&b);
}

static void
test_pack_versions(void)
{
	struct instance in, out;
	struct pcur c;
	struct buf b;

	buf_init(&b);
	pack_array(&b, 2);
	pack_array(&b, 2);
	pack_cstr(&b, "db1");
	pack_uint(&b, 3306);
	pack_cstr(&b, "alias");
	pcur_init(&c, b.data, b.len);
	ok(instance_unpack(&c, &out, &arena) && pcur_done(&c),
	    "an older writer's short row");
	is_str(out.instance_alias, "alias", "what it has is read");
	ok(out.io_state == THREAD_NONE && out.version[0] == '\0',
	    "the rest is unset");

	/* A newer writer: the same array with a longer head and more at the
	 * end.  Today's count fits array16 (0xdc). */
	buf_reset(&b);
	fill(&in);
	instance_pack(&b, &in);
	ok((unsigned char)b.data[0] == 0xdc, "head is array16");
	b.data[2] = (char)(b.data[2] + 2);
	pack_array(&b, 1);
	pack_cstr(&b, "future");
	pack_nil(&b);
	pcur_init(&c, b.data, b.len);
	ok(instance_unpack(&c, &out, &arena) && pcur_done(&c) &&
		instance_digest(&in) == instance_digest(&out),
	    "a newer writer's rows are passed over");
	buf_reset(&b);
	pack_array(&b, 1);
	pack_cstr(&b, "not a key");
	pcur_init(&c, b.data, b.len);
	ok(!instance_unpack(&c, &out, &arena), "a wrong kind is malformed");
	buf_fini(&b);
}

static void
test_digest(void)
{
	struct instance in, changed;
	uint64_t before;
	size_t same = 0, told = 0;

	fill(&in);
	before = instance_digest(&in);
	for (size_t i = 0; i < instance_field_count; i++) {
		const struct instance_field *f = &instance_fields[i];
		unsigned char *p;

		if (f->kind != KIND_UINT && f->kind != KIND_BOOL &&
		    f->kind != KIND_INT)
			continue;
		changed = in;
		p = (unsigned char *)&changed + f->offset;
		*p ^= 1;
		if (instance_digest(&changed) == before)
			same += f->from != IS_COPY;
		else
			told += f->from != IS_COPY;
		if (f->from == IS_FACT && strcmp(f->wire, "Uptime") != 0 &&
		    instance_digest(&changed) == before)
			diag("unseen: %s", f->wire);
	}
	changed = in;
	changed.uptime++;
	ok(instance_digest(&changed) == before, "time passing is no change");
	changed = in;
	changed.is_up_to_date = !in.is_up_to_date;
	changed.gtid_errant = "x";
	ok(instance_digest(&changed) == before, "what is computed does not count");
	changed.using_gtid_text = "Slave_Pos";
	ok(instance_digest(&changed) != before, "an extra row does");
	ok(told > 30 && same > 5, "plain members: %zu told, %zu not", told,
	    same);
}

static void
test_dup(void)
{
	struct arena other;
	struct instance in, *out;
	struct key k = { NULL, 3306 };
	char host[] = "db1";

	arena_init(&other);
	fill(&in);
	out = instance_dup(&in, &other);
	ok(same_json(&in, out), "a copy looks the same");
	instance_init(&in);
	k.host = host;
	in.version = host;
	in.replicas = (struct keys){ &k, 1 };
	out = instance_dup(&in, &other);
	host[0] = 'x';
	is_str(out->version, "db1", "strings are its own");
	is_str(out->replicas.at[0].host, "db1", "lists too");
	arena_fini(&other);
}

/* R replica, U running, G group member, P its primary, S secondary, T top */
static const struct {
	const char *what;
	struct key source;
	const char *read_file;
	bool gtid;
	int io, sql;
	const char *group, *role;
	struct key group_primary;
	const char *want;
} is_row[] = {
	{ "alone", KEY_NONE, "", false, -1, -1, "", "", KEY_NONE, "T" },
	{ "replica", { "s", 1 }, "bin.1", false, 1, 1, "", "", KEY_NONE, "RU" },
	{ "replica by GTID", { "s", 1 }, "", true, 1, 1, "", "", KEY_NONE,
	    "RU" },
	{ "source named, nothing read", { "s", 1 }, "", false, 0, 0, "", "",
	    KEY_NONE, "T" },
	{ "after RESET", { "_", 1 }, "bin.1", false, 0, 0, "", "", KEY_NONE,
	    "T" },
	{ "connecting", { "s", 1 }, "bin.1", false, 2, 1, "", "", KEY_NONE,
	    "R" },
	{ "applier stopped", { "s", 1 }, "bin.1", false, 1, 0, "", "",
	    KEY_NONE, "R" },
	{ "detached: still below", { "//s", 1 }, "bin.1", false, 0, 0, "", "",
	    KEY_NONE, "R" },
	{ "group primary", KEY_NONE, "", false, -1, -1, "g", "PRIMARY",
	    { "me", 1 }, "GPT" },
	{ "group secondary", KEY_NONE, "", false, -1, -1, "g", "SECONDARY",
	    { "other", 1 }, "GS" },
	{ "group primary below another cluster", { "s", 1 }, "bin.1", false, 1,
	    1, "g", "PRIMARY", { "me", 1 }, "RUGP" },
};

static void
test_is(void)
{
	for (size_t i = 0; i < MEM_COUNT(is_row); i++) {
		char got[8] = "", *p = got;
		struct instance in;

		instance_init(&in);
		in.key = (struct key){ "me", 1 };
		in.source_key = is_row[i].source;
		in.read_coord.file = is_row[i].read_file;
		in.using_mariadb_gtid = is_row[i].gtid;
		in.io_state = is_row[i].io;
		in.sql_state = is_row[i].sql;
		in.group_name = is_row[i].group;
		in.group_member_role = is_row[i].role;
		in.group_primary = is_row[i].group_primary;
		*p = 'R', p += instance_is_replica(&in);
		*p = 'U', p += instance_is_running(&in);
		*p = 'G', p += instance_is_group_member(&in);
		*p = 'P', p += instance_is_group_primary(&in);
		*p = 'S', p += instance_is_group_secondary(&in);
		*p = 'T', p += instance_is_primary(&in);
		*p = '\0';
		is_str(got, is_row[i].want, "%s", is_row[i].what);
	}
}

int
main(void)
{
	arena_init(&arena);
	test_json_shape();
	test_json_values();
	test_pack();
	test_pack_versions();
	test_digest();
	test_dup();
	test_is();
	arena_fini(&arena);
	return tap_done();
}
