/* SPDX-License-Identifier: Apache-2.0 */
/* store: what is written is read again, and every trouble is told. */
#include "config.h"

#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tap.h"

#define AT(s) ((wall_t){ INT64_C(1795395723123456) + (int64_t)(s) * 1000000 })

static char dir[] = "/tmp/orc-store-XXXXXX";
static char path[sizeof dir + 64];
static struct err err;

static const char *
file(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static struct store *
open_store(const char *name)
{
	struct store_arg arg = { .path = file(name), .migrate = true };
	struct store *s;

	err_clear(&err);
	if (store_open(&s, &arg, &err) != ERR_NONE)
		diag("%s", err.text);
	return s;
}

static enum err_code
try_open(const char *name, bool migrate, bool readonly)
{
	struct store_arg arg = { .path = file(name), .migrate = migrate,
		.readonly = readonly };
	struct store *s;
	enum err_code code;

	err_clear(&err);
	code = store_open(&s, &arg, &err);
	store_close(s);
	return code;
}

/* SQL from outside, as a DBA or another program would. */
static int64_t
sql(const char *name, const char *text)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	const char *tail = text;
	int64_t value = -1;

	if (sqlite3_open(file(name), &db) != SQLITE_OK)
		return -1;
	while (tail != NULL && tail[0] != '\0' &&
	    sqlite3_prepare_v2(db, tail, -1, &stmt, &tail) == SQLITE_OK) {
		if (sqlite3_step(stmt) == SQLITE_ROW)
			value = sqlite3_column_int64(stmt, 0);
		sqlite3_finalize(stmt);
	}
	if (sqlite3_errcode(db) != SQLITE_OK &&
	    sqlite3_errcode(db) != SQLITE_DONE)
		diag("%s: %s", text, sqlite3_errmsg(db));
	sqlite3_close(db);
	return value;
}

/* ---- servers ---- */

static const struct key some_keys[] = { { "a,b%2C", 1 }, { "fe80::1", 3306 },
	{ "", 0 } };
static const char *const some_strs[] = { "", "x,y", "%" };

/* Every stored member gets a value of its own. */
static void
fill(struct instance *in, struct arena *a)
{
	instance_init(in);
	for (size_t i = 0; i < instance_field_count; i++) {
		const struct instance_field *f = &instance_fields[i];
		void *p = (char *)in + f->offset;

		if (f->from != IS_FACT && f->from != IS_EXTRA)
			continue;
		switch (f->kind) {
		case KIND_STR:
			*(const char **)p = arena_printf(a, "text %zu '\"\n",
			    i);
			break;
		case KIND_UINT: *(uint64_t *)p = UINT64_MAX - i; break;
		case KIND_INT: *(int64_t *)p = -(int64_t)i; break;
		case KIND_BOOL: *(bool *)p = true; break;
		case KIND_NULLINT:
			*(struct nullint *)p = (struct nullint){ INT64_MIN,
				true };
			break;
		case KIND_NULLBOOL:
			*(struct nullbool *)p = (struct nullbool){ i % 2, true };
			break;
		case KIND_COORD:
			*(struct coord *)p = (struct coord){
				arena_printf(a, "log.%06zu", i), (int64_t)i,
				true };
			break;
		case KIND_KEY:
			*(struct key *)p = (struct key){
				arena_printf(a, "host%zu", i), 1 + (uint32_t)i };
			break;
		case KIND_KEYS:
			*(struct keys *)p = (struct keys){ some_keys, 3 };
			break;
		case KIND_STRS:
			*(struct strs *)p = (struct strs){ some_strs, 3 };
			break;
		case KIND_OBJ: break;
		}
	}
	in->key = (struct key){ "db1", 3306 };
}

static const struct health some_health = {
	.first_known = { 1795395723000001 }, .last_attempted = { 1795395724000002 },
	.last_checked = { 1795395725000003 }, .last_seen = { 1795395726000004 },
	.latency = { 1234 }, .failures = 3, .partial = true,
	.error = "it's gone", .error_code = ERR_UNREACHABLE,
};

struct seen {
	size_t n;
	struct buf facts; /* of the last one */
	struct buf health;
	struct instance in;
	struct health h; /* times and numbers of it */
};

static void
see(void *arg, const struct instance *in, const struct health *h)
{
	struct seen *s = arg;

	s->n++;
	s->in = *in; /* numbers only are looked at later */
	s->h = *h;
	buf_reset(&s->facts);
	buf_reset(&s->health);
	instance_pack(&s->facts, in);
	pack_int(&s->health, h->first_known.us);
	pack_int(&s->health, h->last_attempted.us);
	pack_int(&s->health, h->last_checked.us);
	pack_int(&s->health, h->last_seen.us);
	pack_int(&s->health, h->latency.us);
	pack_uint(&s->health, h->failures);
	pack_bool(&s->health, h->partial);
	pack_cstr(&s->health, h->error);
	pack_uint(&s->health, h->error_code);
}

static void
seen_fini(struct seen *s)
{
	buf_fini(&s->facts);
	buf_fini(&s->health);
}

static bool
same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static enum err_code
put_one(struct store *s, const struct instance *in, const struct health *h)
{
	if (store_begin(s, &err) != ERR_NONE ||
	    store_put_instance(s, in, h, &err) != ERR_NONE) {
		store_rollback(s);
		return err.code;
	}
	return store_commit(s, &err);
}

static void
test_round_trip(void)
{
	struct store *s = open_store("new/er/db.sqlite3");
	struct seen want = { 0 }, got = { 0 };
	struct instance in, empty;
	struct health none = { .error = "" };
	struct arena a;
	struct stat st;

	if (!ok(s != NULL, "directories and file are made"))
		return;
	ok(stat(file("new/er/db.sqlite3"), &st) == 0 &&
	    (st.st_mode & 0777) == 0600, "the file is ours alone");
	arena_init(&a);
	fill(&in, &a);
	is_int(put_one(s, &in, &some_health), ERR_NONE, "a server is written");
	see(&want, &in, &some_health);
	is_int(store_load_instances(s, see, &got, &err), ERR_NONE, "and read");
	is_int((int64_t)got.n, 1, "one");
	ok(same(&want.facts, &got.facts), "every fact is as it was");
	ok(same(&want.health, &got.health), "so is its health");

	instance_init(&empty);
	empty.key = in.key;
	put_one(s, &empty, &none);
	see(&want, &empty, &none);
	is_int(store_load_instance(s, in.key, see, &got, &err), ERR_NONE,
	    "one server by name");
	ok(same(&want.facts, &got.facts) && same(&want.health, &got.health),
	    "written again, nothing of the old row stays");
	store_begin(s, &err);
	store_put_health(s, in.key, &some_health, &err);
	store_put_health(s, (struct key){ "db9", 1 }, &some_health, &err);
	store_commit(s, &err);
	got.n = 0;
	store_load_instances(s, see, &got, &err);
	see(&want, &empty, &some_health);
	ok(got.n == 1 && same(&want.health, &got.health) &&
	    same(&want.facts, &got.facts),
	    "health alone: of a row that is there, and only it");
	is_int(sql("new/er/db.sqlite3", "SELECT count(*) FROM instance WHERE "
	    "last_seen = '2026-11-23T01:02:06.000004Z'"), 1,
	    "times can be read by people");
	is_int(store_load_instance(s, (struct key){ "db9", 1 }, see, &got, &err),
	    ERR_NOT_FOUND, "another is not there");
	store_begin(s, &err);
	store_forget(s, in.key, &err);
	store_commit(s, &err);
	got.n = 0;
	store_load_instances(s, see, &got, &err);
	is_int((int64_t)got.n, 0, "forgotten");
	seen_fini(&want);
	seen_fini(&got);
	arena_fini(&a);
	store_close(s);
}

/* ---- what operators say ---- */

static struct control *
apply(struct control *old, struct buf *b)
{
	struct control *next;

	if (control_apply(old, (struct bin){ (uint8_t *)b->data, b->len },
	    &next, NULL, &err) != ERR_NONE) {
		diag("%s", err.text);
		next = control_ref(old);
	}
	buf_fini(b);
	return next;
}

#define DO(c, name, ...) \
	__extension__({ \
		struct buf b_; \
		struct control *next_; \
		buf_init(&b_); \
		command_pack(&b_, name, __VA_ARGS__); \
		next_ = apply((c), &b_); \
		control_unref(c); \
		(c) = next_; \
	})

static void
count_diff(void *arg, enum control_table t, const void *was, const void *is)
{
	(void)was;
	(void)is;
	++*(size_t *)arg;
	diag("differs: %s", control_schema(t)->name);
}

static void
test_control(void)
{
	const struct key k = { "db1", 3306 };
	struct store *s = open_store("control");
	struct control *c = control_new(), *was, *back;
	unsigned skipped;
	size_t differ = 0;

	was = control_ref(c);
	DO(c, begin_downtime, .at = AT(0), .key = k, .owner = "ann",
	    .reason = "it's; broken\n");
	DO(c, begin_maintenance, .at = AT(1), .key = k, .owner = "ann");
	DO(c, register_candidate, .at = AT(2), .key = k,
	    .rule = RULE_PREFER_NOT);
	DO(c, set_alias_override, .at = AT(3), .cluster = "c", .alias = "shop");
	DO(c, set_domain, .at = AT(3), .cluster = "c", .domain = "d");
	DO(c, put_tag, .at = AT(4), .key = k, .name = "role", .value = "x");
	DO(c, put_tag, .at = AT(4), .key = k, .name = "solo");
	DO(c, submit_pool, .at = AT(5), .pool = "web", .members = { &k, 1 });
	DO(c, register_unresolve, .at = AT(5), .host = "h", .name = "v");
	DO(c, set_attribute, .at = AT(5), .host = "*", .name = "n",
	    .value = "v");
	DO(c, mark_pseudo_gtid, .at = AT(5), .cluster = "c");
	DO(c, token_add, .at = AT(5), .public = "p", .secret = "s");
	DO(c, disable_recoveries, .at = AT(6));
	store_begin(s, &err);
	is_int(store_put_control(s, was, c, &err), ERR_NONE, "written");
	store_commit(s, &err);
	is_int(store_load_control(s, &back, &skipped, &err), ERR_NONE, "read");
	control_diff(c, back, count_diff, &differ);
	is_int((int64_t)differ, 0, "every table is as it was");
	is_int(skipped, 0, "nothing left out");
	control_unref(back);
	is_int(sql("control", "SELECT count(*) FROM downtime WHERE host = "
	    "'db1' AND owner = 'ann' AND begin < end"), 1,
	    "readable with sqlite3");
	is_int(sql("control", "SELECT count(*) FROM candidate WHERE "
	    "rule = 'prefer_not'"), 1, "rules by name");

	control_unref(was);
	was = control_ref(c);
	DO(c, untag, .at = AT(7), .key = k, .name = "role");
	DO(c, put_tag, .at = AT(7), .key = k, .name = "solo", .value = "y");
	store_begin(s, &err);
	store_put_control(s, was, c, &err);
	store_commit(s, &err);
	store_load_control(s, &back, &skipped, &err);
	control_diff(c, back, count_diff, &differ);
	is_int((int64_t)differ, 0, "a change: a row gone, a row changed");
	control_unref(back);

	sql("control", "UPDATE candidate SET rule = 'maybe'");
	is_int(store_load_control(s, &back, &skipped, &err), ERR_NONE,
	    "a row that somebody broke");
	ok(skipped == 1 && control_count(back, CONTROL_candidate) == 0 &&
	    control_count(back, CONTROL_tag) == 1, "is left out, alone");
	control_unref(back);
	control_unref(was);
	control_unref(c);
	store_close(s);
}

/* ---- history ---- */

struct audit_seen {
	size_t n;
	int64_t first;
	char message[32];
};

static void
see_audit(void *arg, const struct audit_row *row)
{
	struct audit_seen *a = arg;

	if (a->n++ > 0)
		return;
	a->first = row->id;
	snprintf(a->message, sizeof a->message, "%s", row->message);
}

static struct audit_seen
audit_page(struct store *s, struct key key, uint32_t page)
{
	struct audit_seen a = { 0 };

	is_int(store_read_audit(s, key, page, 20, see_audit, &a, &err),
	    ERR_NONE, "page %u", page);
	return a;
}

static void
test_audit(struct store *s)
{
	struct audit_seen a;
	char message[32];

	store_begin(s, &err);
	for (int i = 1; i <= 45; i++) {
		snprintf(message, sizeof message, "number %d", i);
		store_put_audit(s, &(struct audit_row){ .at = AT(i),
			.type = "test", .key = i % 5 == 0 ?
			(struct key){ "db5", 3306 } : KEY_NONE,
			.cluster = "", .message = message }, &err);
	}
	store_commit(s, &err);
	a = audit_page(s, KEY_NONE, 0);
	ok(a.n == 20 && strcmp(a.message, "number 45") == 0, "newest first");
	a = audit_page(s, KEY_NONE, 2);
	ok(a.n == 5 && strcmp(a.message, "number 5") == 0, "the last page");
	is_int((int64_t)audit_page(s, KEY_NONE, 3).n, 0, "after it");
	a = audit_page(s, (struct key){ "db5", 3306 }, 0);
	ok(a.n == 9 && strcmp(a.message, "number 45") == 0, "of one server");
	store_begin(s, &err);
	store_purge_audit(s, AT(44), &err);
	store_commit(s, &err);
	is_int((int64_t)audit_page(s, KEY_NONE, 0).n, 2,
	    "purged before a time, not at it");
}

static void
see_name(void *arg, const char *host, const char *name, wall_t at)
{
	buf_printf(arg, "%s=%s@%lld ", host, name,
	    (long long)(at.us - AT(0).us) / 1000000);
}

static void
test_names(struct store *s)
{
	struct buf b;

	buf_init(&b);
	store_begin(s, &err);
	store_put_name(s, "a", "a.example", AT(1), &err);
	store_put_name(s, "b", "b.example", AT(2), &err);
	store_put_name(s, "a", "a2.example", AT(3), &err);
	store_commit(s, &err);
	store_load_names(s, see_name, &b, &err);
	is_str(buf_text(&b), "a=a2.example@3 b=b.example@2 ", "names");
	buf_reset(&b);
	store_purge_names(s, AT(3), &err);
	store_load_names(s, see_name, &b, &err);
	is_str(buf_text(&b), "a=a2.example@3 ", "old ones go");
	buf_reset(&b);
	store_reset_names(s, &err);
	store_load_names(s, see_name, &b, &err);
	is_str(buf_text(&b), "", "all go");
	buf_fini(&b);
}

static bool
see_time(void *arg, wall_t at)
{
	buf_printf(arg, "%lld ", (long long)(at.us - AT(0).us) / 1000000);
	return true;
}

static bool
see_one_time(void *arg, wall_t at)
{
	see_time(arg, at);
	return false;
}

static void
see_history(void *arg, const struct history_row *row)
{
	buf_printf(arg, "%s:%u<%s:%u %s ", row->key.host, row->key.port,
	    row->source.host, row->source.port, row->version);
}

static void
test_history(struct store *s)
{
	const struct key one = { "db1", 3306 }, two = { "db2", 3306 };
	struct buf b;

	buf_init(&b);
	store_begin(s, &err);
	for (int i = 1; i <= 3; i++) {
		store_put_history(s, &(struct history_row){ AT(i), two, one,
		    "c", "8.4" }, &err);
		store_put_history(s, &(struct history_row){ AT(i), one,
		    KEY_NONE, i == 3 ? "other" : "c", "8.0" }, &err);
	}
	store_commit(s, &err);
	store_history_times(s, see_time, &b, &err);
	is_str(buf_text(&b), "3 2 1 ", "snapshots, newest first");
	buf_reset(&b);
	store_history_times(s, see_one_time, &b, &err);
	is_str(buf_text(&b), "3 ", "until told to stop");
	buf_reset(&b);
	store_read_history(s, AT(2), "c", 10, see_history, &b, &err);
	is_str(buf_text(&b), "db1:3306<:0 8.0 db2:3306<db1:3306 8.4 ",
	    "a cluster as it was");
	buf_reset(&b);
	store_read_history(s, AT(3), "c", 10, see_history, &b, &err);
	is_str(buf_text(&b), "db2:3306<db1:3306 8.4 ", "of that time only");
	buf_reset(&b);
	store_read_history(s, AT(2), "c", 1, see_history, &b, &err);
	is_str(buf_text(&b), "db1:3306<:0 8.0 ", "at most so many");
	buf_fini(&b);
}

static void
test_nodes(struct store *s)
{
	struct node_row n = { "t1", "h", "http", "4", AT(0) };

	is_int(store_put_node(s, &n, AT(-9), &err), ERR_NONE, "a node");
	n.token = "t2";
	n.started = AT(9);
	store_put_node(s, &n, AT(5), &err);
	is_int(sql("history", "SELECT count(*) FROM node WHERE token = 't2'"),
	    1, "the present one");
	is_int(sql("history", "SELECT count(*) FROM node"), 1, "and no others");
}

/* ---- analyses ---- */

static void
see_change(void *arg, const struct analysis_change *row)
{
	struct buf *b = arg;

	buf_printf(b, "%s:%u %s@%lld\n", row->key.host, row->key.port,
	    row->code, (long long)((row->at.us - AT(0).us) / 1000000));
}

static const char *
changes(struct store *s, struct buf *b)
{
	buf_reset(b);
	is_int(store_read_analysis(s, 100, see_change, b, &err), ERR_NONE,
	    "analyses are read");
	return buf_text(b);
}

static void
analysed(struct store *s, const char *host, const char *code, int at)
{
	struct analysis_change row = { { host, 3306 }, AT(at), code };

	is_int(store_put_analysis(s, &row, &err), ERR_NONE, "%s: %s", host,
	    code);
}

static void
test_analyses(void)
{
	struct store *s = open_store("analyses");
	struct buf b = { 0 };

	if (s == NULL)
		return;
	analysed(s, "db2", "NoProblem", 0);
	analysed(s, "db1", "DeadMaster", 1);
	is_str(changes(s, &b), "", "the first one ever is no change");
	analysed(s, "db2", "NoProblem", 2);
	analysed(s, "db2", "DeadMaster", 3);
	analysed(s, "db2", "DeadMaster", 4);
	analysed(s, "db2", "NoProblem", 5);
	analysed(s, "db1", "NoProblem", 6);
	is_str(changes(s, &b), "db1:3306 NoProblem@6\ndb2:3306 DeadMaster@3\n"
	    "db2:3306 NoProblem@5\n", "another one is, and the same is not");
	sql("analyses", "INSERT INTO instance (host, port) VALUES ('db2', "
	    "3306)");
	is_int(store_purge_analysis(s, AT(5), &err), ERR_NONE, "aged");
	is_str(changes(s, &b), "db1:3306 NoProblem@6\ndb2:3306 NoProblem@5\n",
	    "old ones go");
	analysed(s, "db1", "DeadMaster", 7);
	analysed(s, "db2", "DeadMaster", 8);
	is_str(changes(s, &b), "db1:3306 NoProblem@6\ndb2:3306 NoProblem@5\n"
	    "db2:3306 DeadMaster@8\n", "who was forgotten begins anew");
	buf_fini(&b);
	store_close(s);
}

/* ---- detections ---- */

static void
see_detection(void *arg, const struct detection_row *row)
{
	struct buf *b = arg;

	buf_printf(b, "%lld %s %s %u[%s] %s;", (long long)row->id,
	    row->key.host, row->code, row->replica_count, row->replicas,
	    row->alias);
}

static void
detected(struct store *s, const char *host, const char *code, bool acts,
    int at)
{
	struct detection_row row = { .key = { host, 3306 }, .at = AT(at),
		.active_until = AT(at + 60), .actionable = acts, .code = code,
		.cluster = "c", .alias = host, .replica_count = 2,
		.replicas = "x:1,y:2", .node = "n", .token = "t" };

	is_int(store_put_detection(s, &row, &err), ERR_NONE, "%s: %s", host,
	    code);
}

static const char *
detections(struct store *s, struct detection_page page, struct buf *b)
{
	buf_reset(b);
	is_int(store_read_detections(s, &page, see_detection, b, &err),
	    ERR_NONE, "detections are read");
	return buf_text(b);
}

static void
test_detections(void)
{
	struct store *s = open_store("detections");
	struct buf b = { 0 };

	if (s == NULL)
		return;
	detected(s, "db1", "UnreachableMaster", false, 0);
	detected(s, "db1", "DeadMaster", true, 1);
	detected(s, "db1", "DeadMaster", true, 60);
	detected(s, "db2", "DeadMaster", true, 2);
	is_str(detections(s, (struct detection_page){ 0, "", 0, 20 }, &b),
	    "3 db2 DeadMaster 2[x:1,y:2] db2;"
	    "2 db1 DeadMaster 2[x:1,y:2] db1;"
	    "1 db1 UnreachableMaster 2[x:1,y:2] db1;",
	    "one of a kind is active at a time");
	detected(s, "db1", "DeadMaster", true, 61);
	is_str(detections(s, (struct detection_page){ 0, "", 0, 1 }, &b),
	    "4 db1 DeadMaster 2[x:1,y:2] db1;", "and another one later");
	is_str(detections(s, (struct detection_page){ 0, "", 3, 1 }, &b),
	    "1 db1 UnreachableMaster 2[x:1,y:2] db1;", "by pages");
	is_str(detections(s, (struct detection_page){ 0, "db2", 0, 20 }, &b),
	    "3 db2 DeadMaster 2[x:1,y:2] db2;", "of an alias");
	is_str(detections(s, (struct detection_page){ 2, "", 0, 20 }, &b),
	    "2 db1 DeadMaster 2[x:1,y:2] db1;", "by id");
	is_int(store_purge_detections(s, AT(2), &err), ERR_NONE, "aged");
	is_str(detections(s, (struct detection_page){ 0, "db1", 0, 20 }, &b),
	    "4 db1 DeadMaster 2[x:1,y:2] db1;", "old ones go");
	buf_fini(&b);
	store_close(s);
}

/* ---- versions of the schema ---- */

static void
write_file(const char *name, const char *text, size_t n)
{
	FILE *f = fopen(file(name), "w");

	if (f == NULL || fwrite(text, 1, n, f) != n)
		diag("cannot write %s", name);
	if (f != NULL)
		fclose(f);
}

static void
test_older(void)
{
	struct seen got = { 0 };
	struct store *s;

	sql("older", "CREATE TABLE schema_version (version INTEGER PRIMARY "
	    "KEY, applied TEXT NOT NULL);"
	    "INSERT INTO schema_version VALUES (1, ''), (2, ''), (3, ''), (4, ''), "
	    "(5, '');"
	    "CREATE TABLE move (id TEXT PRIMARY KEY, kept BLOB);"
	    "CREATE TABLE pulse (id INTEGER PRIMARY KEY, at TEXT);"
	    "CREATE TABLE audit (id INTEGER PRIMARY KEY);"
	    "CREATE TABLE instance (host TEXT NOT NULL, port INTEGER NOT NULL,"
	    " version TEXT, gone_column TEXT, last_seen TEXT,"
	    " PRIMARY KEY (host, port));"
	    "INSERT INTO instance VALUES ('db1', 3306, '8.0.1', 'x',"
	    " '2026-11-23T01:02:03Z');"
	    "INSERT INTO instance VALUES ('', 0, '', '', '');"
	    "CREATE TABLE downtime (host TEXT NOT NULL, port INTEGER NOT NULL,"
	    " owner TEXT NOT NULL, PRIMARY KEY (host, port));"
	    "INSERT INTO downtime VALUES ('db1', 3306, 'ann');");
	is_int(try_open("older", false, false), ERR_NONE,
	    "a file with the present version may be left as it is");
	s = open_store("older");
	if (!ok(s != NULL, "a file with fewer columns is opened"))
		return;
	is_int(store_load_instances(s, see, &got, &err), ERR_NONE, "read");
	is_int((int64_t)got.n, 1, "the row that names a server");
	ok(got.in.sql_state == THREAD_NONE && got.in.io_state == THREAD_NONE,
	    "what it lacks is as of a new name");
	is_int(sql("older", "SELECT count(*) FROM instance WHERE version = "
	    "'8.0.1' AND gone_column = 'x' AND executed_gtid_set IS NULL"), 1,
	    "columns were added, none taken away");
	is_int(sql("older", "SELECT count(*) FROM downtime WHERE reason = ''"),
	    1, "in control tables too");
	seen_fini(&got);
	store_close(s);
}

static wall_t
seen_at(struct store *s, const struct health *written, wall_t pulse)
{
	struct instance in;
	struct seen got = { 0 };
	wall_t at;

	instance_init(&in);
	in.key = (struct key){ "db1", 3306 };
	put_one(s, &in, written);
	store_begin(s, &err);
	store_put_pulse(s, pulse, &err);
	store_commit(s, &err);
	store_load_instance(s, in.key, see, &got, &err);
	at = got.h.last_seen.us == got.h.last_checked.us ? got.h.last_seen :
	    (wall_t){ -1 };
	seen_fini(&got);
	return at;
}

/* Who is well was seen when the daemon last said that it probes. */
static void
test_pulse(void)
{
	struct store *s = open_store("pulse");
	wall_t t = some_health.last_seen;
	struct health h = { .last_seen = t, .last_checked = t,
		.last_attempted = t, .error = "" };

	is_int(seen_at(s, &h, wall_add(t, DUR_S(5))).us,
	    wall_add(t, DUR_S(5)).us, "seen with the pulse");
	is_int(seen_at(s, &h, wall_add(t, DUR_S(-5))).us, t.us,
	    "an older one says nothing");
	is_int(seen_at(s, &h, wall_add(t, DUR_S(STORE_PULSE_S + 1))).us, t.us,
	    "nor one much later, who never said that it is well still");
	h.failures = 1;
	is_int(seen_at(s, &h, wall_add(t, DUR_S(5))).us, t.us,
	    "nor of a server that fails");
	store_close(s);
}

/* As version 1 left it. */
static void
test_first_version(void)
{
	struct store *s;

	store_close(open_store("first"));
	sql("first", "DROP TABLE last_analysis; DROP TABLE analysis_change;"
	    "DROP TABLE failure_detection;"
	    "DROP TABLE move;"
	    "DROP TABLE pulse;"
	    "DELETE FROM schema_version WHERE version > 1");
	is_int(try_open("first", false, true), ERR_UNSUPPORTED,
	    "an older schema is not read");
	s = open_store("first");
	if (!ok(s != NULL, "and brought up to date"))
		return;
	analysed(s, "db1", "NoProblem", 1);
	store_close(s);
}

static void
test_versions(void)
{
	store_close(open_store("newer"));
	is_int(sql("newer", "SELECT count(*) FROM schema_version"), 5,
	    "versions are noted");
	sql("newer", "INSERT INTO schema_version VALUES (999, '')");
	is_int(try_open("newer", true, false), ERR_UNSUPPORTED,
	    "a newer schema is refused");
	ok(strstr(err.text, "999") != NULL && strstr(err.text, "newer") != NULL,
	    "clearly: %s", err.text);
	sql("foreign", "CREATE TABLE database_instance (x)");
	is_int(try_open("foreign", true, false), ERR_UNSUPPORTED,
	    "another program's file is refused");
	ok(strstr(err.text, "SQLite3DataFile") != NULL, "clearly: %s",
	    err.text);
	is_int(sql("foreign", "SELECT count(*) FROM sqlite_master"), 1,
	    "and left alone");
	is_int(try_open("skip", false, false), ERR_IO,
	    "nothing is made when that is forbidden");
	is_int(access(file("skip"), F_OK), -1, "not even a file");
	write_file("blank", "", 0);
	is_int(try_open("blank", false, false), ERR_UNSUPPORTED,
	    "nor in an empty one");
	ok(strstr(err.text, "SkipOrchestratorDatabaseUpdate") != NULL,
	    "clearly: %s", err.text);
	is_int(try_open("absent", false, true), ERR_IO,
	    "a reader makes no file");
}

/* ---- troubles ---- */

static void
test_corrupt(void)
{
	static char junk[8192];
	struct seen got = { 0 };
	struct instance in;
	struct health none = { .error = "" };
	struct store *s;
	enum err_code code;
	int fd;

	memset(junk, 'j', sizeof junk);
	write_file("junk", junk, sizeof junk);
	is_int(try_open("junk", true, false), ERR_MALFORMED, "no database");
	ok(strstr(err.text, "not a database") != NULL, "clearly: %s", err.text);

	s = open_store("damaged");
	instance_init(&in);
	in.key = (struct key){ "db1", 3306 };
	for (uint32_t i = 1; i <= 200; i++) {
		in.key.port = i;
		put_one(s, &in, &none);
	}
	store_checkpoint(s);
	store_close(s);
	/* All but the schema's pages. */
	fd = open(file("damaged"), O_WRONLY);
	for (off_t at = 4096 * 30; at < 4096 * 60; at += 4096)
		if (pwrite(fd, junk, 4096, at) != 4096)
			diag("pwrite: %s", strerror(errno));
	close(fd);
	code = try_open("damaged", true, false);
	if (code == ERR_NONE) {
		s = open_store("damaged");
		code = store_load_instances(s, see, &got, &err);
		store_close(s);
	}
	is_int(code, ERR_MALFORMED, "a damaged one");
	ok(strstr(err.text, "damaged") != NULL, "clearly: %s", err.text);
	seen_fini(&got);
}

/* fn in a process of its own; its exit status. */
static int
in_child(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		fn();
		_exit(99);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* Exits with the code; 50 and more: not told why. */
static void
as_nobody(void)
{
	if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		_exit(98);
	int code = try_open("closed/db", true, false);

	_exit(strstr(err.text, "ermission denied") != NULL ? code : 50 + code);
}

static void
as_nobody_known_file(void)
{
	if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		_exit(98);
	int code = try_open("locked/db", true, false);

	_exit(err.text[0] != '\0' ? code : 50 + code);
}

static void
test_permissions(void)
{
	chmod(dir, 0755);
	mkdir(file("closed"), 0555);
	is_int(in_child(as_nobody), ERR_IO, "a directory without rights");
	store_close(open_store("locked/db"));
	chmod(file("locked/db"), 0444);
	chmod(file("locked"), 0555);
	is_int(in_child(as_nobody_known_file), ERR_IO, "a file without rights");
	chmod(file("locked"), 0755);
	write_file("plain", "x", 1);
	is_int(try_open("plain/db", true, false), ERR_IO,
	    "a file where a directory is needed");
	ok(strstr(err.text, "plain") != NULL, "clearly: %s", err.text);
}

/* A limit on file sizes is a disk that fills up. */
static void
fill_disk(void)
{
	struct rlimit limit = { 600000, 600000 };
	struct health none = { .error = "" };
	struct seen got = { 0 };
	struct store *s = open_store("full");
	struct instance in;
	enum err_code code = ERR_NONE;
	size_t before = 0;

	signal(SIGXFSZ, SIG_IGN);
	if (s == NULL || setrlimit(RLIMIT_FSIZE, &limit) != 0)
		_exit(97);
	instance_init(&in);
	in.key = (struct key){ "db1", 3306 };
	for (; code == ERR_NONE && before < 100000; before++) {
		in.key.port = 1 + (uint32_t)before % 65535;
		code = put_one(s, &in, &none);
	}
	/* What was committed can be read; the failed one left no trace. */
	if (store_load_instances(s, see, &got, &err) != ERR_NONE)
		_exit(96);
	_exit(got.n == before - 1 ? (int)code : 95);
}

static void
test_full(void)
{
	struct store *s;
	struct instance in;
	struct health none = { .error = "" };

	is_int(in_child(fill_disk), ERR_IO, "a full disk is an error, no more");
	s = open_store("full");
	instance_init(&in);
	in.key = (struct key){ "db1", 3306 };
	ok(s != NULL && put_one(s, &in, &none) == ERR_NONE,
	    "with room again, it goes on");
	store_close(s);
}

static void
test_busy(void)
{
	struct store *a = open_store("busy"), *b = open_store("busy");
	struct instance in;
	struct health none = { .error = "" };

	instance_init(&in);
	in.key = (struct key){ "db1", 3306 };
	ok(!store_changed_outside(a), "nothing has changed yet");
	put_one(a, &in, &none);
	ok(!store_changed_outside(a), "what one writes is not from outside");
	in.key.port++; /* a row that is the same already changes no page */
	is_int(put_one(b, &in, &none), ERR_NONE, "another one writes");
	ok(store_changed_outside(a), "what another one writes is");
	ok(!store_changed_outside(a), "told once");
	store_close(a);
	store_close(b);
}

/* ---- kill -9 ---- */

enum { BATCH = 50 };

/* Batches for ever; after each commit one byte to the parent. */
static void
write_for_ever(int out)
{
	struct store *s = open_store("killed");
	struct health none = { .error = "" };
	struct instance in;

	instance_init(&in);
	in.key = (struct key){ "db1", 0 };
	for (;;) {
		store_begin(s, &err);
		for (int i = 0; i < BATCH; i++) {
			in.key.port = in.key.port % 65535 + 1;
			store_put_instance(s, &in, &none, &err);
			/* The middle of a batch: a good time to be killed. */
			if (i == BATCH / 2 && write(out, "m", 1) != 1)
				_exit(1);
		}
		store_commit(s, &err);
		if (write(out, "c", 1) != 1)
			_exit(1);
	}
}

static void
test_killed(void)
{
	int fd[2], commits = 0;
	struct seen got = { 0 };
	struct store *s;
	pid_t pid;
	char c;

	if (pipe(fd) != 0)
		return;
	pid = fork();
	if (pid == 0) {
		close(fd[0]);
		write_for_ever(fd[1]);
	}
	close(fd[1]);
	while (read(fd[0], &c, 1) == 1) {
		commits += c == 'c';
		if (commits >= 7 && c == 'm')
			break;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* It went on until the signal came. */
	while (read(fd[0], &c, 1) == 1)
		commits += c == 'c';
	close(fd[0]);
	s = open_store("killed");
	if (!ok(s != NULL, "the file is opened after kill -9"))
		return;
	is_int(store_load_instances(s, see, &got, &err), ERR_NONE, "and read");
	/* A commit may have been told of by nobody any more. */
	ok((int)got.n == commits * BATCH || (int)got.n == (commits + 1) * BATCH,
	    "whole batches, all that were committed (%d of %d)", (int)got.n,
	    commits * BATCH);
	is_int(sql("killed", "SELECT count(*) FROM pragma_integrity_check "
	    "WHERE integrity_check = 'ok'"), 1, "the file is sound");
	seen_fini(&got);
	store_close(s);
}

static void
test_memory(void)
{
	struct store_arg arg = { .path = ":memory:", .migrate = true };
	struct store *a, *b;
	struct seen got = { 0 };
	struct health none = { .error = "" };
	struct instance in;

	is_int(store_open(&a, &arg, &err), ERR_NONE, "in memory");
	arg.migrate = false;
	arg.readonly = true;
	is_int(store_open(&b, &arg, &err), ERR_NONE, "twice");
	instance_init(&in);
	in.key = (struct key){ "db1", 3306 };
	put_one(a, &in, &none);
	store_load_instances(b, see, &got, &err);
	is_int((int64_t)got.n, 1, "the same");
	seen_fini(&got);
	store_close(b);
	store_close(a);
}

static void
remove_dir(void)
{
	char command[sizeof dir + 16];

	snprintf(command, sizeof command, "rm -rf %s", dir);
	if (system(command) != 0)
		diag("%s stays", dir);
}

int
main(void)
{
	struct store *s;

	if (mkdtemp(dir) == NULL)
		return 1;
	umask(022);
	test_round_trip();
	test_control();
	s = open_store("history");
	test_audit(s);
	test_names(s);
	test_history(s);
	test_nodes(s);
	store_close(s);
	test_older();
	test_analyses();
	test_pulse();
	test_detections();
	test_first_version();
	test_versions();
	test_corrupt();
	test_permissions();
	test_full();
	test_busy();
	test_killed();
	test_memory();
	remove_dir();
	return tap_done();
}
