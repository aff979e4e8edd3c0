/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered, as stories: control, store, reader and audit in virtual
 * time, on a real file; everyone else is a recorder.
 */
#include "config.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "actors/classes.h"
#include "actors/control.h"
#include "actors/reader.h"
#include "base/mem.h"
#include "config/conf.h"
#include "mysql/rows.h"
#include "runtime/sim.h"
#include "store/store.h"
#include "tap.h"
#include "topology/health.h"

#define START ((wall_t){ INT64_C(1795395723000000) })
#define DB(n) ((struct key){ "db" #n, 3306 })

static char dir[] = "/tmp/orc-remember-XXXXXX";
static char file[sizeof dir + 16];

/* ---- the others: one line for each message, by receiver ---- */

static struct buf seen;

static void
record(void *self, struct ctx *ctx, struct msg *m)
{
	(void)self;
	if (m->type == MSG_server_forget) {
		act_answer(ctx, ask_of(m), server_forgotten, .count = 1);
		act_send(ctx, m->from, store_forget,
		    .host = as_server_forget(m)->host,
		    .port = as_server_forget(m)->port);
	}
	msg_print(&seen, m);
	buf_chr(&seen, '\n');
}

static const struct actor_class recorder_class = {
	.name = "recorder",
	.handle = record,
};

static bool
was_told(const char *text)
{
	return strstr(buf_text(&seen), text) != NULL;
}

/* ---- a process ---- */

static struct world {
	struct sim *sim;
	struct port *port;
	struct app app;
	struct control_shared *control; /* the latest taken from the board */
	enum err_code code; /* of the last answer */
	struct buf result;
	uint32_t answers;
} w;

static void
on_answer(void *arg, struct msg *m)
{
	(void)arg;
	w.answers++;
	buf_reset(&w.result);
	switch (m->type) {
	case MSG_control_ran:
		w.code = as_control_ran(m)->code;
		buf_add(&w.result, as_control_ran(m)->result.data,
		    as_control_ran(m)->result.len);
		break;
	case MSG_store_loaded: w.code = as_store_loaded(m)->code; break;
	case MSG_store_done: w.code = as_store_done(m)->code; break;
	case MSG_read_ran:
		w.code = as_read_ran(m)->code;
		buf_add(&w.result, as_read_ran(m)->rows.data,
		    as_read_ran(m)->rows.len);
		break;
	default: diag("%s", msg_name(m->type));
	}
}

static bool
answered(void *arg)
{
	(void)arg;
	port_poll(w.port, on_answer, NULL);
	return w.answers > 0;
}

/* Wait for the answer to what was just asked. */
static enum err_code
wait_answer(void)
{
	w.answers = 0;
	if (!sim_until(w.sim, DUR_S(30), answered, NULL)) {
		diag("no answer");
		return ERR_TIMEOUT;
	}
	return w.code;
}

#define ASK(actor, name, ...) \
	(act_request(port_ctx(w.port), w.app.actor, name, DUR_S(30), \
	     __VA_ARGS__), wait_answer())

static enum err_code
run_command(struct buf *b)
{
	enum err_code code = ASK(control, control_run,
	    .command = { (uint8_t *)b->data, b->len });

	buf_fini(b);
	return code;
}

/* An operator's command, now. */
#define SAY(name, ...) \
	__extension__({ \
		struct buf b_; \
		buf_init(&b_); \
		command_pack(&b_, name, .at = sim_wall(w.sim), __VA_ARGS__); \
		run_command(&b_); \
	})

static const struct control *
control(void)
{
	shared_unref(w.control);
	w.control = board_get(port_ctx(w.port), BOARD_CONTROL, "control");
	return w.control->control;
}

static void
put_config(const char *more)
{
	char text[1024];
	struct err err = ERR_INIT;
	struct config *c;

	snprintf(text, sizeof text, "{ \"BackendDB\": \"sqlite\", "
	    "\"SQLite3DataFile\": \"%s\"%s }", file, more);
	c = config_load_text("story", text, strlen(text), &err);
	if (c == NULL)
		diag("%s", err.text);
	board_put(port_ctx(w.port), BOARD_CONFIG, "config", config_share(c));
}

static void
begin(uint64_t seed, const char *more)
{
	struct rt_arg arg = { .workers = 2, .pinned = 2, .ports = 1,
		.kinds = msg_kinds, .types = MSG_TYPES,
		.type_name = msg_name, .app = &w.app };

	memset(&w, 0, sizeof w);
	buf_reset(&seen);
	w.app = (struct app){ .workers = 2, .hostname = "h", .token = "t",
		.version = "4", .command = "http" };
	w.sim = sim_new(&arg, seed, START);
	w.port = sim_port(w.sim, "story");
	put_config(more);
	w.app.directory = w.app.names = w.app.metrics =
	    sim_spawn(w.sim, &recorder_class, NULL, 0);
	w.app.control = sim_spawn(w.sim, &control_class, NULL, 1);
	w.app.audit = sim_spawn(w.sim, &audit_class, NULL, 3);
	w.app.reader = sim_spawn(w.sim, &reader_class, NULL, 3);
	w.app.store = sim_spawn(w.sim, &store_class, NULL, 2);
	ok(ASK(store, store_load) == ERR_NONE, "the store is loaded");
	sim_run(w.sim, DUR_MS(100));
}

static void
end(void)
{
	shared_unref(w.control);
	sim_free(w.sim);
	buf_fini(&w.result);
}

/* What an instance would send. */
static void
send_instance(struct key key, const char *version)
{
	struct health h = { .error = "", .last_seen = sim_wall(w.sim) };
	struct buf facts, health;
	struct instance in;

	instance_init(&in);
	in.key = key;
	in.version = version;
	buf_init(&facts);
	buf_init(&health);
	instance_pack(&facts, &in);
	health_pack(&health, &h);
	act_send(port_ctx(w.port), w.app.store, store_instance,
	    .host = key.host, .port = key.port,
	    .facts = { (uint8_t *)facts.data, facts.len },
	    .health = { (uint8_t *)health.data, health.len });
	buf_fini(&facts);
	buf_fini(&health);
}

/* ---- another process on the same file ---- */

static struct store *
other(void)
{
	struct store_arg arg = { .path = file, .migrate = true };
	struct err err = ERR_INIT;
	struct store *s;

	if (store_open(&s, &arg, &err) != ERR_NONE)
		diag("%s", err.text);
	return s;
}

static void
count_instance(void *arg, const struct instance *in, const struct health *h)
{
	(void)h;
	buf_printf(arg, "%s:%u=%s ", in->key.host, in->key.port, in->version);
}

static struct buf
instances_in_file(void)
{
	struct err err = ERR_INIT;
	struct store *s = other();
	struct buf b;

	buf_init(&b);
	store_load_instances(s, count_instance, &b, &err);
	store_close(s);
	return b;
}

static void
is_in_file(const char *want, const char *what)
{
	struct buf b = instances_in_file();

	is_str(buf_text(&b), want, "%s", what);
	buf_fini(&b);
}

/* A command line's command. */
static void
other_says(struct buf *command)
{
	struct control *was, *is;
	struct err err = ERR_INIT;
	struct store *s = other();
	unsigned skipped;

	store_load_control(s, &was, &skipped, &err);
	if (control_apply(was, (struct bin){ (uint8_t *)command->data,
	    command->len }, &is, NULL, &err) != ERR_NONE)
		diag("%s", err.text);
	store_begin(s, &err);
	store_put_control(s, was, is, &err);
	store_commit(s, &err);
	control_unref(was);
	control_unref(is);
	store_close(s);
	buf_fini(command);
}

#define OTHER_SAYS(name, ...) \
	__extension__({ \
		struct buf b_; \
		buf_init(&b_); \
		command_pack(&b_, name, .at = sim_wall(w.sim), __VA_ARGS__); \
		other_says(&b_); \
	})

/* ---- stories ---- */

static void
story_expiry(uint64_t seed)
{
	uint64_t steps;

	begin(seed, "");
	is_int(SAY(begin_downtime, .key = DB(1), .owner = "ann",
	    .reason = "disk", .duration = DUR_S(3000)), ERR_NONE, "downtime");
	ok(control_downtime(control(), DB(1)) != NULL, "is published");
	is_int(SAY(begin_maintenance, .key = DB(1), .owner = "ann"), ERR_NONE,
	    "lock");
	is_int(SAY(begin_maintenance, .key = DB(1), .owner = "bob"),
	    ERR_EXISTS, "taken");
	sim_run(w.sim, DUR_S(590)); /* an answer may take until the next tick */
	ok(control_maintenance(control(), DB(1)) != NULL, "lasts ten minutes");
	sim_run(w.sim, DUR_S(11));
	ok(control_maintenance(control(), DB(1)) == NULL, "and no longer");
	steps = sim_steps(w.sim);
	sim_run(w.sim, DUR_S(2390));
	ok(control_downtime(control(), DB(1)) != NULL, "downtime lasts");
	/* store_watch is what runs each second. */
	ok(sim_steps(w.sim) - steps < 2390 + 20, "nothing polls for its end");
	sim_run(w.sim, DUR_S(10));
	ok(control_downtime(control(), DB(1)) == NULL, "until its end");
	end();
}

static void
story_restart(uint64_t seed)
{
	begin(seed, "");
	SAY(put_tag, .key = DB(1), .name = "role", .value = "main");
	SAY(disable_recoveries, );
	send_instance(DB(1), "8.4.0");
	send_instance(DB(2), "8.0.1");
	is_int(ASK(store, store_sync), ERR_NONE, "everything is in the file");
	is_in_file("db1:3306=8.4.0 db2:3306=8.0.1 ", "servers");
	end();
	begin(seed + 1, "");
	is_str(control_tag(control(), DB(1), "role"), "main",
	    "a tag outlives the process");
	ok(control_recoveries_disabled(control()), "so does the switch");
	ok(was_told("server_known host=db1 port=3306") &&
	    was_told("server_known host=db2 port=3306"),
	    "servers are told of at once");
	end();
}

/* Only one of the last two commands is kept: the journal fills the gap. */
static void
story_outside(uint64_t seed)
{
	struct err err = ERR_INIT;
	struct instance in;
	struct health h = { .error = "" };
	struct store *s;

	begin(seed, "");
	SAY(put_tag, .key = DB(1), .name = "ours", .value = "1");
	sim_run(w.sim, DUR_S(2));
	buf_reset(&seen);
	OTHER_SAYS(put_tag, .key = DB(1), .name = "theirs", .value = "2");
	SAY(put_tag, .key = DB(1), .name = "late", .value = "3");
	s = other();
	instance_init(&in);
	in.key = DB(7);
	store_begin(s, &err);
	store_put_instance(s, &in, &h, &err);
	store_forget(s, DB(2), &err);
	store_commit(s, &err);
	store_close(s);
	sim_run(w.sim, DUR_S(2));
	is_str(control_tag(control(), DB(1), "theirs"), "2",
	    "another process's tag is seen");
	is_str(control_tag(control(), DB(1), "ours"), "1", "ours stays");
	is_str(control_tag(control(), DB(1), "late"), "3",
	    "and what was said meanwhile");
	ok(was_told("server_found host=db7 port=3306"),
	    "the directory is told of its server");
	ok(was_told("server_forget host=db2 port=3306"),
	    "and of the one that it forgot");
	sim_run(w.sim, DUR_S(2));
	is_in_file("db1:3306=8.4.0 db7:3306= ", "the file has both");
	end();
	begin(seed + 1, "");
	is_str(control_tag(control(), DB(1), "late"), "3",
	    "all of it was kept");
	is_str(control_tag(control(), DB(1), "theirs"), "2", "theirs too");
	end();
}

static void
story_forget(uint64_t seed)
{
	begin(seed, "");
	send_instance(DB(3), "5.7.44");
	sim_run(w.sim, DUR_S(1));
	is_in_file("db1:3306=8.4.0 db3:3306=5.7.44 db7:3306= ", "known");
	act_send(port_ctx(w.port), w.app.store, store_forget, .host = "db3",
	    .port = 3306);
	send_instance(DB(3), "5.7.45");
	sim_run(w.sim, DUR_S(1));
	is_in_file("db1:3306=8.4.0 db7:3306= ",
	    "its own actor cannot bring a forgotten server back");

	/* Forgotten here while another process writes: it stays forgotten. */
	send_instance(DB(5), "5.7.44");
	sim_run(w.sim, DUR_S(3));
	buf_reset(&seen);
	act_send(port_ctx(w.port), w.app.store, store_forget, .host = "db5",
	    .port = 3306);
	OTHER_SAYS(put_tag, .key = DB(5), .name = "x");
	sim_run(w.sim, DUR_S(3));
	ok(!was_told("server_found"), "nobody finds it in the file");
	is_in_file("db1:3306=8.4.0 db7:3306= ", "where it is no more");
	end();
}

static void
other_runs(const char *sql)
{
	sqlite3 *db;

	if (sqlite3_open(file, &db) != SQLITE_OK ||
	    sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		diag("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* One server cannot be stored: the others are, and it is not forgotten. */
static void
story_refused_row(uint64_t seed)
{
	begin(seed, "");
	other_runs("CREATE TRIGGER no BEFORE INSERT ON instance WHEN "
	    "NEW.host = 'db8' BEGIN SELECT RAISE(ABORT, 'no'); END");
	send_instance(DB(8), "1");
	send_instance(DB(9), "2");
	sim_run(w.sim, DUR_S(2));
	is_in_file("db1:3306=8.4.0 db7:3306= db9:3306=2 ",
	    "a row that is refused holds up no other");
	buf_reset(&seen);
	OTHER_SAYS(put_tag, .key = DB(9), .name = "x");
	sim_run(w.sim, DUR_S(2));
	ok(!was_told("server_forget"), "and is not taken for forgotten");
	other_runs("DROP TRIGGER no; DELETE FROM instance WHERE host = 'db9'");
	sim_run(w.sim, DUR_S(2));
	ok(was_told("server_forget host=db9"), "one that was deleted is");
	end();
}

/* The disk is full for a while. */
static void
story_trouble(uint64_t seed)
{
	struct rlimit was, tight = { 1, RLIM_INFINITY };
	char version[32];

	begin(seed, "");
	getrlimit(RLIMIT_FSIZE, &was);
	tight.rlim_max = was.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &tight);
	for (int i = 0; i < 10; i++) {
		snprintf(version, sizeof version, "9.0.%d", i);
		send_instance(DB(4), version);
		sim_run(w.sim, DUR_S(1));
	}
	is_int(SAY(put_tag, .key = DB(4), .name = "t"), ERR_NONE,
	    "a full disk does not stop operators");
	is_int(ASK(store, store_sync), ERR_IO, "but whoever asks is told");
	setrlimit(RLIMIT_FSIZE, &was);
	is_in_file("db1:3306=8.4.0 db7:3306= ", "nothing half written");
	sim_run(w.sim, DUR_S(70));
	is_in_file("db1:3306=8.4.0 db4:3306=9.0.9 db7:3306= ",
	    "with room again the latest is written");
	is_int(ASK(store, store_sync), ERR_NONE, "and all is well");
	end();
}

static size_t
lines_in(const char *path, const char *with)
{
	char line[1024];
	size_t n = 0;
	FILE *f = fopen(path, "r");

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		n += strstr(line, with) != NULL;
	if (f != NULL)
		fclose(f);
	return n;
}

static void
story_audit(uint64_t seed)
{
	char path[sizeof dir + 16], more[128];
	struct rows r;
	struct buf args;
	size_t n = 0;

	snprintf(path, sizeof path, "%s/audit", dir);
	snprintf(more, sizeof more, ", \"AuditLogFile\": \"%s\", "
	    "\"AuditToBackendDB\": true", path);
	begin(seed, more);
	SAY(begin_downtime, .key = DB(5), .owner = "ann",
	    .reason = "two\nlines\tand tabs", .duration = DUR_S(5));
	sim_run(w.sim, DUR_S(10));
	is_int((int64_t)lines_in(path, "\tbegin-downtime\tdb5\t3306\t[]\t"
	    "owner: ann, reason: two lines and tabs, duration: 5s\t\n"), 1,
	    "one line for an act");
	is_int((int64_t)lines_in(path, "\texpire-downtime\tdb5\t3306\t[]\t"),
	    1, "one for its end");
	for (int i = 0; i < 200; i++)
		act_send(port_ctx(w.port), w.app.audit, audit_add,
		    .type = "flap", .host = "db6", .port = 3306);
	sim_run(w.sim, DUR_S(50));
	is_int((int64_t)lines_in(path, "\tflap\t"), 120, "so many a minute");
	sim_run(w.sim, DUR_S(90));
	is_int((int64_t)lines_in(path, "\taudit-limited\tdb6\t3306\t[]\t"
	    "80 more entries"), 1, "then how many more");

	buf_init(&args);
	reader_pack_audit(&args, DB(5), 0);
	is_int(ASK(reader, read_run, .what = "audit",
	    .args = { (uint8_t *)args.data, args.len }), ERR_NONE,
	    "the reader gives a page");
	rows_init(&r, (struct bin){ (uint8_t *)w.result.data, w.result.len });
	for (rows_next_result(&r); rows_next(&r); n++)
		is_str(rows_get(&r, "type"),
		    n == 0 ? "expire-downtime" : "begin-downtime",
		    "newest first");
	ok(n == 2 && rows_ok(&r), "of that server");
	is_int(ASK(reader, read_run, .what = "nothing"), ERR_NOT_FOUND,
	    "what nobody knows");
	buf_reset(&args);
	reader_pack_history(&args, "c", "(");
	ok(ASK(reader, read_run, .what = "history",
	    .args = { (uint8_t *)args.data, args.len }) != ERR_NONE,
	    "a bad pattern");
	buf_fini(&args);
	end();
}

static void
story_history(uint64_t seed)
{
	struct history_row row = { START, DB(1), DB(2), "c", "8.4.0" };
	struct err err = ERR_INIT;
	struct store *s = other();
	struct rows r;
	struct buf args;

	store_begin(s, &err);
	store_put_history(s, &row, &err);
	row.at.us += 3600000000;
	row.source = DB(9);
	store_put_history(s, &row, &err);
	store_commit(s, &err);
	store_close(s);
	begin(seed, "");
	buf_init(&args);
	reader_pack_history(&args, "c", "^2026-11-23T01:");
	is_int(ASK(reader, read_run, .what = "history",
	    .args = { (uint8_t *)args.data, args.len }), ERR_NONE,
	    "a topology of the past");
	rows_init(&r, (struct bin){ (uint8_t *)w.result.data, w.result.len });
	ok(rows_next_result(&r) && rows_next(&r), "has a row");
	is_str(rows_get(&r, "source_host"), "db2", "of the time that matches");
	ok(!rows_next(&r), "only one");
	is_int(ASK(store, store_history), ERR_NONE, "a snapshot without "
	    "clusters is no error");
	buf_fini(&args);
	end();
}

/* Two runs of one seed are the same run. */
static void
story_again(void)
{
	uint64_t digest[2];

	for (int i = 0; i < 2; i++) {
		unlink(file);
		begin(42, "");
		SAY(begin_downtime, .key = DB(1), .duration = DUR_S(7));
		for (int j = 0; j < 50; j++)
			send_instance(DB(1), j % 2 == 0 ? "a" : "b");
		sim_run(w.sim, DUR_S(20));
		digest[i] = sim_digest(w.sim);
		end();
	}
	ok(digest[0] == digest[1], "a seed gives one story");
}

int
main(void)
{
	char command[sizeof dir + 16];

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(file, sizeof file, "%s/db", dir);
	buf_init(&seen);
	for (uint64_t seed = 1; seed <= 5; seed++) {
		story_expiry(seed);
		story_restart(seed);
		story_outside(seed);
		story_forget(seed);
		story_refused_row(seed);
		story_trouble(seed);
		story_audit(seed);
		story_history(seed);
		snprintf(command, sizeof command, "rm -f %s/*", dir);
		if (system(command) != 0)
			diag("%s stays", dir);
	}
	story_again();
	buf_fini(&seen);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	if (system(command) != 0)
		diag("%s stays", dir);
	return tap_done();
}
