/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations that are plans: what is asked of the actor that carries them out,
 * and how its answers read.  The actor is a fake; dry runs are real.
 */
#include "config.h"

#include "ops_world.h"

#include <jansson.h>
#include <string.h>

#include "base/mem.h"
#include "ops_fake_moves.h"
#include "tap.h"

static struct world w;

/* ---- every path leads to its plan ---- */

#define LONG32 "abcdefghijklmnopqrstuvwxyz012345"
#define LONG LONG32 LONG32 LONG32 LONG32 LONG32 LONG32 LONG32 LONG32
#define TO "/db2/3306/db3/3306"
#define AT "/db2/3306"

static const struct {
	const char *path;
	const char *asks; /* operation, and the rest when it matters */
} row[] = {
	{ "relocate" TO, "relocate db2:3306 db3:3306" },
	{ "relocate-below" TO, "relocate db2:3306 db3:3306" },
	{ "relocate-replicas" TO "?pattern=db[45]",
	    "relocate-replicas db2:3306 db3:3306 /db[45]/" },
	{ "relocate-slaves" TO, "relocate-replicas db2:3306 db3:3306" },
	{ "regroup-replicas" AT, "regroup-replicas db2:3306" },
	{ "regroup-slaves" AT, "regroup-replicas db2:3306" },
	{ "move-up" AT, "move-up db2:3306" },
	{ "move-up-replicas" AT "?pattern=x",
	    "move-up-replicas db2:3306 - /x/" },
	{ "move-up-slaves" AT, "move-up-replicas db2:3306" },
	{ "move-below" TO, "move-below db2:3306 db3:3306" },
	{ "move-equivalent" TO, "move-equivalent db2:3306 db3:3306" },
	{ "repoint" TO, "repoint db2:3306 db3:3306" },
	{ "repoint" AT, "repoint db2:3306" },
	{ "repoint-replicas" AT, "repoint-replicas db2:3306" },
	{ "repoint-slaves" AT, "repoint-replicas db2:3306" },
	{ "make-co-master" AT, "make-co-master db2:3306" },
	{ "take-siblings" AT, "take-siblings db2:3306" },
	{ "enslave-siblings" AT, "take-siblings db2:3306" },
	{ "take-master" AT, "take-master db2:3306" },
	{ "enslave-master" AT, "take-master db2:3306" },
	{ "regroup-replicas-bls" AT, "regroup-replicas-bls db2:3306" },
	{ "regroup-slaves-bls" AT, "regroup-replicas-bls db2:3306" },
	{ "move-below-gtid" TO, "move-below-gtid db2:3306 db3:3306" },
	{ "move-gtid" TO, "move-below-gtid db2:3306 db3:3306" },
	{ "move-replicas-gtid" TO, "move-replicas-gtid db2:3306 db3:3306" },
	{ "move-slaves-gtid" TO, "move-replicas-gtid db2:3306 db3:3306" },
	{ "regroup-replicas-gtid" AT, "regroup-replicas-gtid db2:3306" },
	{ "regroup-slaves-gtid" AT, "regroup-replicas-gtid db2:3306" },
	{ "match" TO, "match db2:3306 db3:3306" },
	{ "match-below" TO, "match db2:3306 db3:3306" },
	{ "match-up" AT, "match-up db2:3306" },
	{ "rematch" AT, "rematch db2:3306" },
	{ "match-replicas" TO, "match-replicas db2:3306 db3:3306" },
	{ "match-slaves" TO, "match-replicas db2:3306 db3:3306" },
	{ "match-up-replicas" AT, "match-up-replicas db2:3306" },
	{ "match-up-slaves" AT, "match-up-replicas db2:3306" },
	{ "regroup-replicas-pgtid" AT, "regroup-replicas-pgtid db2:3306" },
	{ "regroup-slaves-pgtid" AT, "regroup-replicas-pgtid db2:3306" },
	{ "make-master" AT, "make-master db2:3306" },
	{ "make-local-master" AT, "make-local-master db2:3306" },
	{ "enable-gtid" AT, "enable-gtid db2:3306" },
	{ "disable-gtid" AT, "disable-gtid db2:3306" },
	{ "gtid-errant-reset-master" AT, "gtid-errant-reset-master db2:3306" },
	{ "gtid-errant-inject-empty" AT, "gtid-errant-inject-empty db2:3306" },
	{ "skip-query" AT, "skip-query db2:3306" },
	{ "start-replica" AT, "start-replica db2:3306" },
	{ "start-slave" AT, "start-replica db2:3306" },
	{ "restart-replica" AT, "restart-replica db2:3306" },
	{ "restart-slave" AT, "restart-replica db2:3306" },
	{ "stop-replica" AT, "stop-replica db2:3306" },
	{ "stop-slave" AT, "stop-replica db2:3306" },
	{ "stop-replica-nice" AT, "stop-replica-nice db2:3306" },
	{ "stop-slave-nice" AT, "stop-replica-nice db2:3306" },
	{ "reset-replica" AT, "reset-replica db2:3306" },
	{ "reset-slave" AT, "reset-replica db2:3306" },
	{ "change-master-credentials" AT,
	    "change-master-credentials db2:3306" },
	{ "detach-replica" AT, "detach-replica-master-host db2:3306" },
	{ "detach-slave" AT, "detach-replica-master-host db2:3306" },
	{ "detach-replica-master-host" AT,
	    "detach-replica-master-host db2:3306" },
	{ "detach-slave-master-host" AT,
	    "detach-replica-master-host db2:3306" },
	{ "reattach-replica" AT, "reattach-replica-master-host db2:3306" },
	{ "reattach-slave" AT, "reattach-replica-master-host db2:3306" },
	{ "reattach-replica-master-host" AT,
	    "reattach-replica-master-host db2:3306" },
	{ "reattach-slave-master-host" AT,
	    "reattach-replica-master-host db2:3306" },
	{ "flush-binary-logs" AT, "flush-binary-logs db2:3306" },
	{ "purge-binary-logs" AT "/bin.000004",
	    "purge-binary-logs db2:3306 - // - 0 bin.000004" },
	{ "purge-binary-logs" AT "/latest?force=true",
	    "purge-binary-logs db2:3306 - // - 0 latest force" },
	{ "enable-semi-sync-master" AT, "enable-semi-sync-master db2:3306" },
	{ "enable-semi-sync-source" AT, "enable-semi-sync-master db2:3306" },
	{ "disable-semi-sync-master" AT, "disable-semi-sync-master db2:3306" },
	{ "disable-semi-sync-source" AT, "disable-semi-sync-master db2:3306" },
	{ "enable-semi-sync-replica" AT, "enable-semi-sync-replica db2:3306" },
	{ "disable-semi-sync-replica" AT,
	    "disable-semi-sync-replica db2:3306" },
	{ "delay-replication" AT "/90",
	    "delay-replication db2:3306 - // - 90" },
	{ "set-read-only" AT, "set-read-only db2:3306" },
	{ "set-writeable" AT, "set-writeable db2:3306" },
	{ "kill-query" AT "/77", "kill-query db2:3306 - // - 77" },
	/* names as people give them */
	{ "move-up/b2/3306", "move-up db2:3306" },
	{ "move-up/db/3306", "move-up db:3306" },
	{ "move-up/newhost/3306", "move-up newhost:3306" },
	{ "move-up/dead/3306", "-" },
	{ "move-up/db2/x", "-" },
	{ "move-up/db2/70000", "-" },
	{ "delay-replication" AT "/-1", "-" },
	{ "delay-replication" AT "/1h", "-" },
	{ "kill-query" AT "/99999999999999999999", "-" },
	{ "relocate/db2/3306/dead/3306", "-" },
	/* names that nobody has */
	{ "move-up/%2F%2Fdb2/3306", "-" },
	{ "move-up/_/3306", "-" },
	{ "move-up/db2/0", "-" },
	{ "move-up/db2/-1", "-" },
	{ "move-up/" LONG "/3306", "-" },
	{ "relocate/db2/3306/" LONG "/3306", "-" },
	{ "move-up/x%27%3B%20stop%20slave%3B%20--/3306",
	    "move-up x'; stop slave; --:3306" },
};

static void
paths(void)
{
	char path[512];

	fake_moves = (struct fake_moves){ 0 };
	for (size_t i = 0; i < MEM_COUNT(row); i++) {
		unsigned asked = fake_moves.asked;
		size_t len = strlen(row[i].asks);
		const char *body;

		snprintf(path, sizeof path, "/api/%s", row[i].path);
		body = world_get(&w, path);
		if (strcmp(row[i].asks, "-") == 0) {
			ok(fake_moves.asked == asked && w.status == 500 &&
			    strstr(body, "\"Details\":null") != NULL,
			    "%s: refused", path);
			continue;
		}
		ok(body != NULL && fake_moves.asked == asked + 1, "%s: asked",
		    path);
		ok(strncmp(fake_moves.text, row[i].asks, len) == 0 &&
		    fake_moves.text[len] == ' ', "%s: asks %s (%s)", path,
		    row[i].asks, fake_moves.text);
	}
}

/* ---- answers ---- */

static const struct fake_track moved[] = {
	{ .host = "db2", .end = FAKE_DONE },
	{ .host = "db4", .end = FAKE_DONE, .file = "bin.000009", .pos = 120 },
};
static const struct fake_track some[] = {
	{ .host = "db2", .end = FAKE_DONE },
	{ .host = "db3", .end = FAKE_FAILED, .why = "its lag is 900 s",
	    .left = "its replication is stopped" },
	{ .host = "db4", .end = FAKE_NOT_TRIED, .why = "db4:3306 is ahead" },
};
static const struct fake_track regrouped[] = {
	{ .host = "db3", .end = FAKE_DONE },
	{ .host = "db2", .end = FAKE_DONE },
	{ .host = "db4", .end = FAKE_DONE, .file = "bin.000009", .pos = 120 },
};
static const struct fake_track itself[] = {
	{ .host = "db1", .end = FAKE_DONE },
};
static const struct fake_track none[] = {
	{ .host = "db2", .end = FAKE_FAILED, .why = "access denied" },
	{ .host = "db3", .end = FAKE_FAILED, .why = "gone" },
};
static const struct fake_track matched[] = {
	{ .host = "", .file = "bin.000009", .pos = 120, .count = 3 },
};

#define TRACKS(t) .track = (t), .tracks = MEM_COUNT(t)
#define OK(text) "{\"Code\":\"OK\",\"Message\":\"" text "\",\"Details\":"
#define ERROR(text) "{\"Code\":\"ERROR\",\"Message\":\"" text "\",\"Details\":"
#define KEY(host) "{\"Hostname\":\"" host "\",\"Port\":3306}"
#define INSTANCE(host) "{\"Key\":" KEY(host) ","
#define LOST "; 2 errors: [db3:3306: its lag is 900 s, and its replication " \
	"is stopped; db4:3306 is ahead]"
#define BOTH "1 replicas of db1:3306 relocated below db2:3306" LOST

static const struct {
	const char *path;
	struct fake_moves reply;
	const char *body; /* its beginning */
} answer[] = {
	{ "relocate/db2/3306/db3/3306", { 0 },
	    OK("db2:3306 relocated below db3:3306") INSTANCE("db2") },
	{ "relocate/db2/3306/db3/3306",
	    { .code = ERR_BUSY,
		.error = "db3:3306 is in maintenance by <ann>" },
	    ERROR("db3:3306 is in maintenance by \\u003cann\\u003e") "null}" },
	{ "relocate-replicas/db1/3306/db2/3306", { TRACKS(moved) },
	    OK("2 replicas of db1:3306 relocated below db2:3306; 0 errors: []")
	    "[" INSTANCE("db2") },
	{ "relocate-replicas/db1/3306/db2/3306", { TRACKS(some) },
	    OK(BOTH) "[" INSTANCE("db2") },
	{ "relocate-replicas/db1/3306/db2/3306",
	    { .code = ERR_SERVER, .error = "of several", TRACKS(some) },
	    OK(BOTH) "[" INSTANCE("db2") },
	{ "relocate-replicas/db1/3306/db2/3306",
	    { .code = ERR_SERVER, .error = "db2:3306: stop replication: access "
		"denied", TRACKS(none) },
	    ERROR("db2:3306: stop replication: access denied (moved 0 of 2; "
		"2 errors: [db2:3306: access denied; db3:3306: gone])")
	    "null}" },
	{ "relocate-replicas/db1/3306/db2/3306", { 0 },
	    OK("0 replicas of db1:3306 relocated below db2:3306; 0 errors: []")
	    "[]}" },
	{ "relocate-replicas/db1/3306/db2/3306", { TRACKS(itself) },
	    OK("0 replicas of db1:3306 relocated below db2:3306; 0 errors: []")
	    "[]}" },
	{ "move-replicas-gtid/db1/3306/db2/3306", { TRACKS(moved) },
	    OK("2 replicas of db1:3306 moved below db2:3306 via GTID; "
		"0 errors: []") KEY("db2") "}" },
	{ "move-replicas-gtid/db1/3306/db2/3306?details=moved",
	    { TRACKS(moved) },
	    OK("2 replicas of db1:3306 moved below db2:3306 via GTID; "
		"0 errors: []") "[" INSTANCE("db2") },
	{ "match-up-replicas/db3/3306", { TRACKS(moved) },
	    OK("2 replicas of db3:3306 matched up below db1:3306; "
		"0 errors: []") KEY("db1") "}" },
	{ "regroup-replicas/db1/3306", { TRACKS(moved), .chosen = "db3" },
	    OK("promoted replica: db3:3306, lost: 0, trivial: 1, "
		"pseudo-gtid: 1") KEY("db3") "}" },
	{ "regroup-replicas/db1/3306", { TRACKS(regrouped), .chosen = "db3" },
	    OK("promoted replica: db3:3306, lost: 0, trivial: 1, "
		"pseudo-gtid: 1") KEY("db3") "}" },
	{ "regroup-replicas-gtid/db1/3306", { TRACKS(some), .chosen = "db1" },
	    OK("promoted replica: db1:3306, lost: 2, moved: 1"
		LOST)
	    KEY("db1") "}" },
	{ "regroup-replicas/db4/3306", { 0 },
	    OK("promoted replica: nobody, lost: 0, trivial: 0, "
		"pseudo-gtid: 0") "null}" },
	{ "regroup-replicas/db1/3306?details=report",
	    { TRACKS(some), .chosen = "db1" },
	    OK("promoted replica: db1:3306, lost: 2, trivial: 1, "
		"pseudo-gtid: 0" LOST) "{\"Chosen\":" KEY("db1") ",\"Count\":1,"
	    "\"Lost\":2,\"Trivial\":1,\"Matched\":0,\"Moved\":[" KEY("db2")
	    "],\"Failed\":[{\"Key\":" KEY("db3") ",\"Why\":\"its lag is 900 s\""
	    ",\"Left\":\"its replication is stopped\",\"Undone\":false}],"
	    "\"NotTried\":[{\"Key\":" KEY("db4")
	    ",\"Why\":\"db4:3306 is ahead\","
	    "\"Left\":\"\",\"Undone\":false}],\"Run\":{\"Steps\":[]}}}" },
	{ "take-siblings/db3/3306", { TRACKS(moved) },
	    OK("db3:3306 took 2 siblings; 0 errors: []") INSTANCE("db3") },
	{ "match/db2/3306/db3/3306", { TRACKS(matched) },
	    OK("db2:3306 matched below db3:3306 at bin.000009:120")
	    INSTANCE("db2") },
	{ "gtid-errant-inject-empty/db2/3306", { TRACKS(matched) },
	    OK("3 empty transactions injected for the errant GTID of db2:3306")
	    INSTANCE("db2") },
	{ "delay-replication/db2/3306/90", { 0 },
	    OK("Replication delay set on db2:3306") "90}" },
};

static void
answers(void)
{
	char path[256];

	for (size_t i = 0; i < MEM_COUNT(answer); i++) {
		const char *body;
		json_t *json;

		snprintf(path, sizeof path, "/api/%s", answer[i].path);
		fake_moves = answer[i].reply;
		body = world_get(&w, path);
		ok(strncmp(body, answer[i].body, strlen(answer[i].body)) == 0,
		    "%s: %.200s", path, body);
		json = json_loads(body, 0, NULL);
		ok(json != NULL && json_object_size(json) == 3,
		    "%s: well formed", path);
		json_decref(json);
	}
}

/* ---- dry runs, and who may ---- */

static void
dry_runs(void)
{
	static const char *const dry[] = { "dry-run=true", "dry-run=1",
		"dry-run", "dry-run=", "dry-run=words" };
	static const char *const wrong[] = { "dry-run=yes", "dry-run=no" };
	char path[256];

	fake_moves = (struct fake_moves){ 0 };
	for (size_t i = 0; i < MEM_COUNT(dry); i++) {
		snprintf(path, sizeof path, "/api/stop-replica/db2/3306?%s",
		    dry[i]);
		w.authorized = i % 2 == 0;
		ok(strncmp(world_get(&w, path),
		    "{\"Code\":\"OK\",\"Message\":\"Plan: ", 30) == 0,
		    "%s: a plan (%.200s)", path, buf_text(&w.body));
	}
	w.authorized = true;
	for (size_t i = 0; i < MEM_COUNT(wrong); i++) {
		snprintf(path, sizeof path, "/api/stop-replica/db2/3306?%s",
		    wrong[i]);
		ok(strstr(world_get(&w, path), "Invalid dry-run") != NULL,
		    "%s: neither dry nor done", path);
	}
	ok(strstr(world_get(&w, "/api/tag/db2/3306?tag=x&dry-run=true"),
	    "tag has no dry run") != NULL, "an operation without a plan");
	ok(strstr(world_get(&w, "/api/relocate/db1/3306/db2/3306?dry-run=true"),
	    "\"Code\":\"ERROR\"") != NULL, "a plan that cannot be: %.200s",
	    buf_text(&w.body));
	ok(strstr(world_get(&w,
	    "/api/move-up-replicas/db3/3306?dry-run=1&pattern=%28"),
	    "\"Code\":\"ERROR\"") != NULL, "a pattern that is none: %.200s",
	    buf_text(&w.body));
	ok(fake_moves.asked == 0, "nothing was asked of anybody");
	world_get(&w, "/api/stop-replica/db2/3306?dry-run=false");
	ok(fake_moves.asked == 1, "dry-run=false is no dry run");
}

static void
permissions(void)
{
	fake_moves = (struct fake_moves){ 0 };
	w.authorized = false;
	ok(strstr(world_get(&w, "/api/relocate/db2/3306/db3/3306"),
	    "Unauthorized") != NULL, "who may not is told so");
	ok(strstr(world_get(&w,
	    "/api/relocate/newhost/3306/db3/3306?dry-run=true"),
	    "Cannot read instance: newhost:3306\"") != NULL,
	    "and no unknown server is probed for him: %.200s",
	    buf_text(&w.body));
	w.authorized = true;
	w.app.noop = true;
	ok(strstr(world_get(&w, "/api/relocate/db2/3306/db3/3306"),
	    "noop: relocate is not carried out") != NULL, "-noop refuses");
	w.app.noop = false;
	ok(fake_moves.asked == 0, "nothing was asked of anybody");
}

static void
never(void *arg, struct op_call *call, const struct op_reply *reply)
{
	(void)call;
	(void)reply;
	*(bool *)arg = true;
}

/* Who asked goes away when it is under way: it goes on. */
static void
hang_up(void)
{
	static const char path[] = "/api/stop-replica/db2/3306";
	struct op_who who = { .authorized = true, .user = "", .client = "" };
	struct op_call *call = ops_open_path(w.ops, path, strlen(path));
	bool answered = false;

	fake_moves = (struct fake_moves){ 0 };
	op_who_set(call, &who);
	ops_start(call, never, &answered);
	while (fake_moves.asked == 0)
		world_wait(&w, DUR_US(1));
	ops_close(call);
	ok(ops_pending(w.ops) == 1, "an abandoned call is counted");
	world_wait(&w, DUR_S(1));
	ok(fake_moves.asked == 1 && !answered, "it is carried out");
	ok(ops_pending(w.ops) == 0, "and over then");
}

/* ---- what is under way ---- */

static void
under_way(void)
{
	ok(strcmp(world_get(&w, "/api/operations"), "[]") == 0,
	    "no operation is under way");
	ok(strstr(world_get(&w, "/api/cancel-operation/7"),
	    "no operation 7 is under way") != NULL, "none can be ended");
	ok(strstr(world_get(&w, "/api/cancel-operation/7x"),
	    "Not an operation: 7x") != NULL, "a number is a number");
	w.authorized = false;
	ok(strstr(world_get(&w, "/api/cancel-operation/7"), "Unauthorized") !=
	    NULL, "and not by anybody");
	w.authorized = true;
}

/* ---- questions ---- */

static void
questions(void)
{
	ok(strcmp(world_get(&w, "/api/can-replicate-from/db2/3306/db3/3306"),
	    OK("true") KEY("db3") "}") == 0, "it may: %.200s",
	    buf_text(&w.body));
	ok(strstr(world_get(&w, "/api/can-replicate-from/db2/3306/db2/3306"),
	    "\"Code\":\"ERROR\"") != NULL && w.status == 500,
	    "not from itself: %.200s", buf_text(&w.body));
	ok(strcmp(world_get(&w,
	    "/api/can-replicate-from/db2/3306/db2/3306?refused=ok"),
	    OK("false") "null}") == 0, "which may be no error");
	ok(strstr(world_get(&w, "/api/can-replicate-from/db2/3306/nobody/1"),
	    "Cannot read instance: nobody:1") != NULL, "an unknown one");
	ok(strstr(world_get(&w,
	    "/api/can-replicate-from-gtid/db2/3306/db3/3306"),
	    "\"Code\":\"ERROR\"") != NULL, "by GTID not: %.200s",
	    buf_text(&w.body));
	ok(strcmp(world_get(&w,
	    "/api/restart-replica-statements/db2/3306?q=select%201;%20"),
	    OK("Statements for db2:3306") "[\"select 1;\"]}") == 0,
	    "statements around one: %.200s", buf_text(&w.body));
}

int
main(void)
{
	world_start(&w, "\"HostnameResolveMethod\":\"none\"");
	w.app.probe = true;
	w.app.moves = fake_moves_spawn(w.sim);
	paths();
	answers();
	dry_runs();
	permissions();
	hang_up();
	under_way();
	questions();
	world_end(&w);
	return tap_done();
}
