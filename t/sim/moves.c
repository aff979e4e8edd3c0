/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations by the real actors: moves, mover, control, directory, store and
 * audit, over model servers.
 */
#include "config.h"

#include <string.h>

#include "actors/control.h"
#include "base/mem.h"
#include "sim/stage.h"
#include "tap.h"

#define CONFIG "{\"InstancePollSeconds\": 5, " \
	"\"DiscoverByShowSlaveHosts\": true}"

/* a with replicas b and c, d below c. */
static struct stage *
four(uint64_t seed, const char *version, bool gtid)
{
	static const char *const host[] = { "a", "b", "c", "d" };
	static const int above[] = { -1, 0, 0, 2 };
	struct stage *st = stage_new_on_file(seed, CONFIG);
	struct model_server *s;

	st->app.daemon = true;
	for (int i = 0; i < 4; i++) {
		s = model_add(st->world, host[i], 3306, version);
		s->gtid = gtid;
		s->log_bin = s->log_replica_updates = true;
		strcpy(s->report_host, host[i]);
		if (above[i] >= 0)
			model_replicate(s, st->world->server[above[i]]);
		strcpy(s->channel.heartbeat, "7.5");
	}
	model_write(st->world->server[0], 5);
	if (!ok(stage_start(st), "it starts"))
		return st;
	stage_discover(st, "d", 3306);
	stage_until_valid(st, 4, DUR_S(10));
	stage_run(st, DUR_S(12));
	return st;
}

#define BEFORE "a:3306\n a:3306\n  c:3306\n   d:3306\n  b:3306\n"
#define AFTER "a:3306\n a:3306\n  c:3306\n   b:3306\n   d:3306\n"

static size_t
locks(struct stage *st)
{
	const struct control_shared *c = board_get(port_ctx(st->port),
	    BOARD_CONTROL, "control");
	size_t n = control_count(c->control, CONTROL_maintenance);

	shared_unref(c);
	return n;
}

static bool
everyone_has_everything(struct stage *st)
{
	const struct model_server *a = st->world->server[0];

	model_write(st->world->server[0], 3);
	stage_run(st, DUR_S(10));
	model_settle(st->world, stage_now(st));
	for (uint32_t i = 1; i < st->world->n; i++)
		if (st->world->server[i]->last_row != a->last_row)
			return false;
	return st->world->wrongs == 0;
}

static void
test_relocate(const char *version, bool gtid)
{
	struct stage *st = four(1, version, gtid);
	const struct stage_answer *a;

	is_str(stage_tree(st), BEFORE, "%s: found", version);
	a = stage_wait(st, stage_ask_move(st, "relocate", "b", "c", "ann"),
	    DUR_S(60));
	if (!ok(a != NULL, "answered")) {
		stage_print_log(st, 30);
		stage_free(st);
		return;
	}
	is_int((int64_t)a->code, ERR_NONE, "it moves");
	if (a->code != ERR_NONE)
		diag("%s", a->error);
	is_str(stage_tree(st), AFTER, "shown at once");
	is_int((int64_t)locks(st), 0, "no lock stays");
	is_str(st->world->server[1]->channel.heartbeat, "7.5",
	    "the heartbeat period is what it was");
	ok(everyone_has_everything(st), "and replicates");
	is_int((int64_t)stage_logged(st, "mover relocate: relocate b"), 2,
	    "its begin and its end are logged");
	stage_free(st);
}

static void
test_two_at_once(void)
{
	struct stage *st = four(2, "8.4.3", true);
	uint32_t first = stage_ask_move(st, "relocate", "b", "c", "ann");
	uint32_t second = stage_ask_move(st, "stop-replica", "b", "", "bob");
	const struct stage_answer *x, *y;

	x = stage_wait(st, first, DUR_S(60));
	y = stage_wait(st, second, DUR_S(60));
	if (ok(x != NULL && y != NULL, "both are answered")) {
		bool ann = stage_wait(st, first, DUR_ZERO)->code == ERR_NONE;
		const struct stage_answer *no = ann ?
		    stage_wait(st, second, DUR_ZERO) :
		    stage_wait(st, first, DUR_ZERO);

		is_int((int64_t)no->code, ERR_EXISTS, "one is refused");
		ok(strstr(no->error, ann ? "ann" : "bob") != NULL &&
		    strstr(no->error, "since") != NULL,
		    "which names owner, reason and since when");
		diag("%s", no->error);
	}
	is_int((int64_t)locks(st), 0, "no lock stays");
	stage_free(st);
}

static void
test_death(void)
{
	unsigned undone = 0, left = 0, done = 0, none = 0, refused = 0;

	for (int ms = 0; ms < 30; ms += 2) {
		struct stage *st = four(3, "8.4.3", true);
		uint32_t serial = stage_ask_move(st, "relocate", "b", "c",
		    "ann");
		const struct stage_answer *a;

		stage_run(st, DUR_MS(ms));
		st->world->server[1]->fault = MODEL_REFUSES;
		a = stage_wait(st, serial, DUR_S(300));
		if (a == NULL)
			;
		else if (a->code == ERR_NONE)
			done++;
		else if (strstr(a->error, "undone") != NULL)
			undone++;
		else if (strstr(a->error, "left") != NULL)
			left++;
		else
			refused++;
		st->world->server[1]->fault = MODEL_UP;
		if (a == NULL || locks(st) > 0) {
			diag("after %d ms: %zu locks, %s", ms, locks(st),
			    a == NULL ? "no answer" : a->error);
			stage_print_log(st, 12);
			none++;
		}
		stage_free(st);
	}
	is_int(none, 0, "every time an answer, and no lock");
	ok(undone + left + done + refused == 15 && left > 0,
	    "%u done, %u undone, %u left as said, %u refused", done, undone,
	    left, refused);
}

/* The process is killed in the middle; its successor undoes. */
static void
test_crash(void)
{
	unsigned bad = 0, moved = 0, back = 0;

	for (int ms = 0; ms < 30; ms += 2) {
		struct stage *st = four(4, "8.4.3", true);
		const struct model_server *b = st->world->server[1];

		stage_ask_move(st, "relocate", "b", "c", "ann");
		stage_run(st, DUR_MS(ms));
		stage_crash(st);
		st->app.daemon = true;
		stage_restart(st, DUR_S(2));
		stage_run(st, DUR_S(30));
		if (strcmp(b->source.host, "c") == 0)
			moved++;
		else
			back++;
		if (locks(st) > 0 || !b->io_wanted || !b->sql_wanted) {
			diag("after %d ms: %zu locks, source %s, io %d, sql %d",
			    ms, locks(st), b->source.host, b->io_wanted,
			    b->sql_wanted);
			bad++;
		}
		if (!everyone_has_everything(st))
			bad++;
		stage_free(st);
	}
	is_int(bad, 0, "%u moved, %u where they were: all replicate", moved,
	    back);
}

static void
test_stop(void)
{
	struct stage *st = four(5, "8.4.3", true);
	const struct model_server *b = st->world->server[1];
	uint32_t move = stage_ask_move(st, "relocate", "b", "c", "ann"), stop;
	const struct stage_answer *a;

	stage_run(st, DUR_MS(7));
	stop = act_request(port_ctx(st->port), st->app.moves, moves_stop,
	    DUR_S(30), .none_ = 0);
	a = stage_wait(st, stop, DUR_S(30));
	ok(a != NULL && a->count == 0, "all is over in time");
	a = stage_wait(st, move, DUR_S(1));
	ok(a != NULL, "who asked is answered");
	if (a != NULL)
		diag("%s", a->error);
	is_str(b->source.host, "a", "it is where it was");
	ok(b->io_wanted && b->sql_wanted, "and replicates");
	a = stage_wait(st, stage_ask_move(st, "stop-replica", "b", "", ""),
	    DUR_S(5));
	is_int(a != NULL ? (int64_t)a->code : -1, ERR_CLOSED,
	    "nothing new begins");
	stage_free(st);
}

static enum err_code
move(struct stage *st, const char *server, const char *target)
{
	const struct stage_answer *a = stage_wait(st, stage_ask_move(st,
	    "relocate", server, target, "ann"), DUR_S(120));

	if (a != NULL && a->code != ERR_NONE)
		diag("%s", a->error);
	return a == NULL ? ERR_TIMEOUT : (enum err_code)a->code;
}

/* A name that is registered for a host is what replicas are told. */
static void
test_virtual(void)
{
	struct stage *st = four(6, "8.4.3", true);
	const struct model_server *b = st->world->server[1];
	struct buf cmd;

	model_listen(st->world->server[2], "virtual", 3306, false);
	buf_init(&cmd);
	command_pack(&cmd, register_unresolve, .at = sim_wall(st->sim),
	    .host = "c", .name = "virtual");
	act_request(port_ctx(st->port), st->app.control, control_run, DUR_S(5),
	    .command = { (uint8_t *)cmd.data, cmd.len });
	buf_fini(&cmd);
	stage_run(st, DUR_S(1));
	is_int(move(st, "b", "c"), ERR_NONE, "below c, by its virtual name");
	is_str(b->source.host, "virtual", "which is what it was told");
	is_int(move(st, "b", "a"), ERR_NONE, "back");
	model_unlisten(st->world->server[2], "virtual", 3306);
	model_add(st->world, "virtual", 3306, "8.4.3");
	stage_run(st, DUR_S(10));
	ok(move(st, "b", "c") != ERR_NONE, "not when another answers there");
	is_str(b->source.host, "a", "it is where it was");
	ok(b->io_wanted && b->sql_wanted, "and replicates");
	stage_free(st);
}

int
main(void)
{
	test_relocate("8.4.3", true);
	test_relocate("5.7.44", false);
	test_relocate("10.11.6-MariaDB", true);
	test_two_at_once();
	test_death();
	test_crash();
	test_stop();
	test_virtual();
	return tap_done();
}
