/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations that ask an actor: the operators' word through the real control
 * actor, everything else through one that answers as told.
 */
#include "config.h"

#include "ops_world.h"

#include <jansson.h>

#include "actors/store_shared.h"
#include "base/mem.h"
#include "tap.h"

static struct world w;

#define KEY(host, port) "{\"Hostname\":\"" host "\",\"Port\":" port "}"
#define OK(text, details) "{\"Code\":\"OK\",\"Message\":\"" text \
	"\",\"Details\":" details "}"
#define ERROR(text) "{\"Code\":\"ERROR\",\"Message\":\"" text \
	"\",\"Details\":null}"
#define ENABLED "Global recoveries are enabled"
#define DISABLED "Global recoveries are disabled"
#define IN_USE "db1:3306 is in maintenance by ann (upgrade) until " \
	"2026-11-23T12:10:02Z"

/* In this order: each line sees what the ones before it did. */
static const struct {
	const char *path;
	const char *body;
} step[] = {
	/* downtime */
	{ "/api/begin-downtime/db2/3306/bob/disk%2Fraid/2h",
	    OK("Downtime begun: db2:3306", KEY("db2", "3306")) },
	{ "/api/begin-downtime/db2/3306/bob/x/soon",
	    NULL },
	{ "/api/begin-downtime/newhost/3306/bob/x",
	    OK("Downtime begun: newhost:3306", KEY("newhost", "3306")) },
	{ "/api/begin-downtime/dead/3306/bob/x",
	    ERROR("dead: no such host") },
	{ "/api/end-downtime/newhost/3306",
	    OK("Downtime ended: newhost:3306", KEY("newhost", "3306")) },
	{ "/api/end-downtime/db1/3306",
	    OK("Downtime ended: db1:3306", KEY("db1", "3306")) },
	/* maintenance */
	{ "/api/begin-maintenance/db1/3306/ann/upgrade",
	    OK("Maintenance begun: db1:3306", KEY("db1", "3306")) },
	{ "/api/in-maintenance/db1/3306",
	    OK("true", "\"db1:3306\"") },
	{ "/api/maintenance",
	    "[{\"MaintenanceId\":1,\"Key\":" KEY("db1", "3306") ","
	    "\"BeginTimestamp\":\"2026-11-23T12:00:02Z\","
	    "\"SecondsElapsed\":0,\"IsActive\":true,\"Owner\":\"ann\","
	    "\"Reason\":\"upgrade\"}]" },
	{ "/api/end-maintenance/99",
	    OK("Maintenance ended: 99", "99") },
	{ "/api/end-maintenance/x", ERROR("Not a maintenance id: x") },
	{ "/api/end-maintenance/1", OK("Maintenance ended: 1", "1") },
	{ "/api/in-maintenance/db1/3306", OK("false", "\"\"") },
	{ "/api/end-maintenance/db1/3306",
	    OK("Maintenance ended: db1:3306", KEY("db1", "3306")) },
	/* tags */
	{ "/api/tag/db1/3306?tag=role=main",
	    OK("db1:3306 tagged", KEY("db1", "3306")) },
	{ "/api/tag/db2/3306/role/spare",
	    OK("db2:3306 tagged", KEY("db2", "3306")) },
	{ "/api/tag/db2/3306?tag=old",
	    OK("db2:3306 tagged", KEY("db2", "3306")) },
	{ "/api/tag/db2/3306?tag==x",
	    ERROR("No tag given: name or name=value") },
	{ "/api/tags/db2/3306", "[\"old=\",\"role=spare\"]" },
	{ "/api/tag-value/db1/3306/role", "\"main\"" },
	{ "/api/tag-value/db1/3306?tag=role", "\"main\"" },
	{ "/api/tagged?tag=role,~old", "[" KEY("db1", "3306") "]" },
	{ "/api/tagged?tag=role", "[" KEY("db1", "3306") ","
	    KEY("db2", "3306") "]" },
	{ "/api/untag/db2/3306?tag=role=main",
	    OK("Tag removed from 0 instances", "[]") },
	{ "/api/untag/db2/3306/role",
	    OK("Tag removed from 1 instances", "[" KEY("db2", "3306") "]") },
	{ "/api/untag-all?tag=role",
	    ERROR("tag must indicate a value: name=value") },
	{ "/api/untag-all/role/main",
	    OK("Tag removed from 1 instances", "[" KEY("db1", "3306") "]") },
	/* pools */
	{ "/api/submit-pool-instances/reads?instances=db2:3306,db3,10.0.0.2:3307",
	    OK("Pool reads submitted", "\"reads\"") },
	{ "/api/cluster-pool-instances/alpha",
	    OK("Cluster pool instances", "{\"reads\":[" KEY("db2", "3306") ","
		KEY("db3", "3306") "]}") },
	{ "/api/cluster-pool-instances/10.0.0.1:3307/reads",
	    OK("Cluster pool instances",
		"{\"reads\":[" KEY("10.0.0.2", "3307") "]}") },
	{ "/api/cluster-pool-instances/alpha/writes",
	    OK("Cluster pool instances", "{}") },
	{ "/api/heuristic-cluster-pool-lag/alpha",
	    OK("Heuristic pool lag", "3") },
	{ "/api/submit-pool-instances/reads?instances=",
	    OK("Pool reads submitted", "\"reads\"") },
	{ "/api/cluster-pool-instances/alpha",
	    OK("Cluster pool instances", "{}") },
	/* rules */
	{ "/api/register-candidate/db3/3306/prefer",
	    OK("Registered candidate db3:3306", KEY("db3", "3306")) },
	{ "/api/bulk-promotion-rules",
	    "[{\"Hostname\":\"db3\",\"Port\":3306,\"PromotionRule\":\"prefer\","
	    "\"LastSuggestedString\":\"2026-11-23T12:00:02Z\","
	    "\"PromotionRuleExpiry\":\"2026-11-23T13:00:02Z\"}]" },
	{ "/api/register-hostname-unresolve/db1/3306/vip1",
	    OK("Virtual name of db1:3306 noted", KEY("db1", "3306")) },
	{ "/api/deregister-hostname-unresolve/db1/3306",
	    OK("Virtual name of db1:3306 noted", KEY("db1", "3306")) },
	/* recoveries */
	{ "/api/disable-global-recoveries", OK(DISABLED, "\"disabled\"") },
	{ "/api/check-global-recoveries", OK(DISABLED, "\"disabled\"") },
	{ "/api/enable-global-recoveries", OK(ENABLED, "\"enabled\"") },
	/* aliases: found at once */
	{ "/api/set-cluster-alias/10.0.0.1:3307?alias=beta",
	    OK("Alias of cluster 10.0.0.1:3307 is now beta", "null") },
	{ "/api/cluster-info/beta",
	    "{\"ClusterName\":\"10.0.0.1:3307\",\"ClusterAlias\":\"beta\","
	    "\"ClusterDomain\":\"\",\"CountInstances\":2,\"HeuristicLag\":0,"
	    "\"HasAutomatedMasterRecovery\":false,"
	    "\"HasAutomatedIntermediateMasterRecovery\":false}" },
	{ "/api/set-cluster-alias/10.0.0.1:3307",
	    OK("Alias of cluster 10.0.0.1:3307 is now its own again",
		"null") },
	{ "/api/cluster-info/alias/beta",
	    ERROR("No cluster found for alias beta") },
	/* discovery */
	{ "/api/refresh/db9/3306",
	    OK("Instance refreshed: db9:3306", KEY("db9", "3306")) },
	{ "/api/refresh/dead/3306", ERROR("dead:3306: connection refused") },
	{ "/api/discover/dead/3306", ERROR("dead:3306: connection refused") },
	{ "/api/discover/ignored/3306",
	    OK("No instances discovered: ignored:3306 is ignored", "null") },
	{ "/api/async-discover/db9/3306",
	    OK("Asynchronous discovery initiated for Instance: db9:3306",
		"null") },
	{ "/api/forget/db1/3306",
	    OK("Instance forgotten: db1:3306", KEY("db1", "3306")) },
	{ "/api/forget/dead/3306", ERROR("dead:3306 is not known") },
	{ "/api/forget-cluster/alpha",
	    OK("Cluster forgotten: db1:3306", "null") },
	/* the rest */
	{ "/api/resolve/db1/3306",
	    OK("Instance resolved and reachable", KEY("db1", "3306")) },
	{ "/api/resolve/db1/1", ERROR("connection refused") },
	{ "/api/resolve/dead/3306", ERROR("dead: no such host") },
	{ "/api/reset-hostname-resolve-cache",
	    OK("Hostname cache cleared", "null") },
	{ "/api/snapshot-topologies",
	    OK("Topology Snapshot completed", "\"Took 0.001000s\"") },
	{ "/api/reload-configuration", OK("Config reloaded", "\"\"") },
	{ "/api/reload-configuration?config=/x/extra.json",
	    ERROR("/x/extra.json: no such file") },
	{ "/api/reload-cluster-alias",
	    ERROR("This API call has been retired") },
	{ "/api/audit/2",
	    "[{\"AuditId\":17,\"AuditTimestamp\":\"2026-11-23T11:59:58Z\","
	    "\"AuditType\":\"forget\",\"AuditInstanceKey\":"
	    KEY("db9", "3306")
	    ",\"Message\":\"why \\u003cnot\\u003e\"}]" },
	{ "/api/discovery-metrics-raw/60", "[\"discovery-raw\",60,\"DEFAULT\"]" },
	{ "/api/discovery-metrics-aggregated/x",
	    "[\"discovery-aggregated\",0,\"DEFAULT\"]" },
	{ "/api/discovery-queue-metrics-raw/DEADINSTANCES/5",
	    "[\"queue-raw\",5,\"DEADINSTANCES\"]" },
	{ "/debug/metrics", "[\"counters\",0,\"DEFAULT\"]" },
};

static void
steps(void)
{
	for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		const char *body = world_get(&w, step[i].path);
		bool error = strncmp(body, "{\"Code\":\"ERROR\"", 15) == 0;

		if (step[i].body != NULL)
			is_str(body, step[i].body, "%s", step[i].path);
		else
			ok(error, "%s: refused", step[i].path);
		is_int(w.status, error ? 500 : 200, "%s: status", step[i].path);
	}
}

/* A second lock of the same server: Details is the number 0. */
static void
locked_twice(void)
{
	json_t *answer;

	world_get(&w, "/api/begin-maintenance/db1/3306/ann/upgrade");
	answer = json_loads(
	    world_get(&w, "/api/begin-maintenance/db1/3306/bob/again"), 0,
	    NULL);
	is_int(w.status, 500, "a locked server cannot be locked again");
	is_str(json_string_value(json_object_get(answer, "Code")), "ERROR",
	    "it is an error");
	ok(json_is_integer(json_object_get(answer, "Details")) &&
		json_integer_value(json_object_get(answer, "Details")) == 0,
	    "with 0 as its details");
	json_decref(answer);
	world_wait(&w, DUR_S(601));
	is_str(world_get(&w, "/api/maintenance"), "[]",
	    "a lock ends by itself after ten minutes");
}

static void
downtime_shows(void)
{
	const char *path = "/api/instance/db2/3306";
	json_t *in = json_loads(world_get(&w, path), 0, NULL);

	ok(json_is_true(json_object_get(in, "IsDowntimed")),
	    "a server in downtime says so");
	is_str(json_string_value(json_object_get(in, "DowntimeReason")),
	    "disk/raid", "and why");
	json_decref(in);
	world_wait(&w, DUR_S(7200));
	in = json_loads(world_get(&w, path), 0, NULL);
	ok(json_is_false(json_object_get(in, "IsDowntimed")),
	    "until the time is over");
	json_decref(in);
}

static json_t *
first_of_other(void)
{
	json_t *list = json_loads(
	    world_get(&w, "/api/cluster/10.0.0.1:3307"), 0, NULL);
	json_t *in = json_incref(json_array_get(list, 0));

	json_decref(list);
	return in;
}

static int64_t
age_of(const json_t *in)
{
	return json_integer_value(json_object_get(
	    json_object_get(in, "SecondsSinceLastSeen"), "Int64"));
}

/* What is remembered of a cluster within a second never hides a change. */
static void
always_fresh(void)
{
	json_t *in = first_of_other(), *later;
	struct instance news;

	ok(json_is_false(json_object_get(in, "IsDowntimed")), "asked once");
	world_get(&w, "/api/begin-downtime/10.0.0.1/3307/bob/x");
	later = first_of_other();
	ok(json_is_true(json_object_get(later, "IsDowntimed")),
	    "a downtime of this moment is there");
	json_decref(in);
	in = later;
	world_wait(&w, DUR_S(1));
	later = first_of_other();
	is_int(age_of(later), age_of(in) + 1, "a second later it is older");
	json_decref(later);
	json_decref(in);
	instance_init(&news);
	news.key = (struct key){ "10.0.0.1", 3307 };
	news.version = "9.9.9";
	world_report(&w, "10.0.0.1:3307", &news);
	in = first_of_other();
	is_str(json_string_value(json_object_get(in, "Version")), "9.9.9",
	    "new facts are there");
	json_decref(in);
}

static void
discovered(void)
{
	json_t *answer = json_loads(world_get(&w, "/api/discover/db9/3306"), 0,
	    NULL);
	json_t *in = json_object_get(answer, "Details");

	is_int((int64_t)json_object_size(in), 102, "a discovered server whole");
	is_str(json_string_value(json_object_get(in, "Version")), "8.4.3",
	    "as it was read");
	ok(json_is_true(json_object_get(in, "IsLastCheckValid")),
	    "and just now");
	json_decref(answer);
	answer = json_loads(world_get(&w, "/api/discover/db4/3306"), 0, NULL);
	in = json_object_get(answer, "Details");
	is_str(json_string_value(json_object_get(in, "ClusterName")),
	    "db1:3306", "one that is known has its cluster");
	is_str(json_string_value(json_object_get(in, "Version")), "8.4.3",
	    "and what was read of it now");
	json_decref(answer);
}

/* ---- who may, and what becomes of calls ---- */

static void
unauthorized(void)
{
	w.authorized = false;
	is_str(world_get(&w, "/api/forget/db1/3306"), ERROR("Unauthorized"),
	    "changes need authorisation");
	is_str(world_get(&w, "/api/tag/db1/3306/a/b"), ERROR("Unauthorized"),
	    "tags too");
	world_get(&w, "/api/clusters");
	is_int(w.status, 200, "reading does not");
	w.authorized = true;
}

static void
timed_out(void)
{
	is_str(world_get(&w, "/api/refresh/silent/3306"),
	    ERROR("refresh: timed out"), "an actor that does not answer");
	is_int((int64_t)ops_pending(w.ops), 1, "its answer is still awaited");
}

static void
count_done(void *arg, struct op_call *call, const struct op_reply *reply)
{
	int *busy = arg;

	(void)call;
	*busy += reply->status == 503 && reply->retry_after_s > 0;
}

static struct op_call *
start(const char *path, int *busy)
{
	struct op_call *call = ops_open_path(w.ops, path, strlen(path));
	struct op_who who = { .authorized = true };

	op_who_set(call, &who);
	ops_start(call, count_done, busy);
	return call;
}

/* More requests than the actor takes at once: some hear "busy", none is lost. */
static void
too_many(void)
{
	size_t before = ops_pending(w.ops);
	struct op_call *call[10];
	int busy = 0;

	for (int i = 0; i < 10; i++)
		call[i] = start("/api/refresh/db9/3306", &busy);
	world_wait(&w, DUR_S(1));
	is_int(busy, 6, "an inbox of four: six of ten are told to come again");
	for (int i = 0; i < 10; i++)
		ops_close(call[i]);
	is_int((int64_t)ops_pending(w.ops), (int64_t)before, "all answered");
}

static void
abandoned(void)
{
	size_t before = ops_pending(w.ops);
	int busy = 0;
	struct op_call *call = start("/api/refresh/db9/3306", &busy);

	ops_close(call);
	is_int((int64_t)ops_pending(w.ops), (int64_t)before + 1,
	    "a call that nobody waits for still counts");
	world_wait(&w, DUR_S(1));
	is_int((int64_t)ops_pending(w.ops), (int64_t)before,
	    "until its actor answered");
}

/* A node whose store cannot be written is not healthy. */
static void
unhealthy(void)
{
	struct store_shared *state = mem_zalloc(sizeof(*state));
	json_t *answer, *details;

	shared_init(&state->shared, (void (*)(struct shared *))mem_free);
	strcpy(state->trouble, "disk full");
	board_put(port_ctx(w.port), BOARD_STORE, "store", state);
	answer = json_loads(world_get(&w, "/api/health"), 0, NULL);
	is_int(w.status, 500, "a store in trouble");
	is_str(json_string_value(json_object_get(answer, "Message")),
	    "Application node is unhealthy: disk full", "is said");
	details = json_object_get(answer, "Details");
	ok(json_is_false(json_object_get(details, "Healthy")), "and shown");
	json_decref(answer);
	board_remove(port_ctx(w.port), BOARD_STORE, "store");
}

/* ---- for the command line ---- */

static void
by_name(void)
{
	is_str(world_call(&w, "global-recoveries-disabled", ""), "false",
	    "a switch");
	is_str(world_call(&w, "domain-instance", "clusterHint=alpha"),
	    ERROR("No domain name is known for cluster db1:3306"),
	    "a domain that is not known");
	is_str(world_call(&w, "cluster-heuristic-lag", "clusterHint=alpha"),
	    "3", "a lag for a cluster");
	is_str(world_call(&w, "find", "pattern=("),
	    "{\"Code\":\"ERROR\",\"Message\":\"bad regular expression at "
	    "character 2: missing closing parenthesis\",\"Details\":null}", "a bad pattern");
	is_str(world_call(&w, "topology",
		   "clusterHint=alpha&pattern=2026"),
	    OK("Topology for cluster", "\"db2:3306\\n- db1:3306\""),
	    "a topology of the past");
}

static void
tokens(void)
{
	char public[65];
	const char *body = world_call(&w, "access-token", "owner=ann");

	is_int((int64_t)strlen(body), 66, "a token of 64 digits");
	memcpy(public, body + 1, 64);
	public[64] = '\0';
	ok(!ops_token_valid(w.ops, public, ""), "not without its secret");
	ok(!ops_token_valid(w.ops, "x", "y"), "nor any other");
}

int
main(void)
{
	world_start(&w, "\"CandidateInstanceExpireMinutes\":60");
	steps();
	downtime_shows();
	locked_twice();
	always_fresh();
	discovered();
	unauthorized();
	timed_out();
	too_many();
	abandoned();
	unhealthy();
	by_name();
	tokens();
	world_end(&w);
	return tap_done();
}
