/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whoever dies in the middle of an operation, at whichever statement: we, the
 * server, or the connection to its sources.  And two operators at once.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "actors/control.h"
#include "base/mem.h"
#include "sim/stage.h"
#include "tap.h"

#define CONFIG "{\"InstancePollSeconds\": 5, " \
	"\"DiscoverByShowSlaveHosts\": true}"

enum { HOSTS = 7 };

static const char *const host[HOSTS] = { "a", "b", "c", "d", "e", "g", "h" };
static const int above[HOSTS] = { -1, 0, 0, 0, 1, 1, 2 };

/* How a server is found, to be left so. */
struct found {
	char source[MODEL_HOST_MAX];
	bool io, sql;
};

/* a with b, c, d; e and g below b, h below c. */
static struct stage *
seven(uint64_t seed, const char *version, bool gtid)
{
	struct stage *st = stage_new_on_file(seed, CONFIG);
	struct model_server *s;

	for (int i = 0; i < HOSTS; i++) {
		s = model_add(st->world, host[i], 3306, version);
		strcpy(s->report_host, host[i]);
		s->gtid = s->gtid_strict = gtid;
		if (above[i] >= 0)
			model_replicate(s, st->world->server[above[i]]);
	}
	model_write(st->world->server[0], 20);
	if (!stage_start(st))
		ok(false, "it does not start");
	stage_discover(st, "a", 3306);
	if (!stage_until_valid(st, HOSTS, DUR_S(30)))
		ok(false, "not all are found");
	return st;
}

static struct model_server *
at(struct stage *st, const char *name)
{
	return model_find(st->world, name, 3306);
}

static void
find_all(const struct stage *st, struct found *f)
{
	for (int i = 0; i < HOSTS; i++) {
		const struct model_server *s = st->world->server[i];

		strcpy(f[i].source, s->source.host);
		f[i].io = s->io_wanted;
		f[i].sql = s->sql_wanted;
	}
}

/* Who is not as found: "e: below c, 1 1\n"; s itself may be below to. */
static const char *
changes(const struct stage *st, const struct found *f, const char *moved,
    const char *to)
{
	static char text[512];
	size_t n = 0;

	text[0] = '\0';
	for (int i = 0; i < HOSTS; i++) {
		const struct model_server *s = st->world->server[i];
		bool same = strcmp(s->source.host, f[i].source) == 0 ||
		    (moved != NULL && strcmp(host[i], moved) == 0 &&
			strcmp(s->source.host, to) == 0);

		if (!same || s->io_wanted != f[i].io ||
		    s->sql_wanted != f[i].sql)
			n += (size_t)snprintf(text + n, sizeof text - n,
			    "%s: below %s, %d %d\n", host[i], s->source.host,
			    s->io_wanted, s->sql_wanted);
	}
	return text;
}

/* Who holds the lock of a server; "": nobody. */
static const char *
lock_of(struct stage *st, const char *name)
{
	const struct control_shared *c = stage_hold(st, board_get(
	    port_ctx(st->port), BOARD_CONTROL, "control"));
	const struct control_maintenance *m;

	if (c == NULL)
		return "";
	m = control_maintenance(c->control, (struct key){ name, 3306 });
	return m != NULL ? m->owner : "";
}

static unsigned
locks(struct stage *st)
{
	unsigned n = 0;

	for (int i = 0; i < HOSTS; i++) {
		n += lock_of(st, host[i])[0] != '\0';
		stage_release(st);
	}
	return n;
}

/* What the first operator's operation meets at its first statement. */
struct rival {
	const char *server, *target;
	uint32_t serial;
	char owner[64];
};

static void
ask_rival(struct stage *st, unsigned n, struct model_server *s)
{
	struct rival *r = st->arg;

	(void)s;
	if (n != 1)
		return;
	snprintf(r->owner, sizeof r->owner, "%s", lock_of(st, "e"));
	r->serial = stage_ask_move(st, "relocate", r->server, r->target,
	    "bob");
}

static void
test_two(void)
{
	struct rival r = { .server = "e", .target = "d" };
	struct stage *st = seven(2, "8.4.3", true);
	const struct stage_answer *a;

	st->arg = &r;
	st->before_order = ask_rival;
	a = stage_wait(st, stage_ask_move(st, "relocate", "e", "c", "ann"),
	    DUR_S(60));
	ok(a != NULL && a->code == ERR_NONE, "ann moves e");
	is_str(r.owner, "ann", "and holds its lock meanwhile");
	a = stage_wait(st, r.serial, DUR_S(60));
	ok(a != NULL && a->code != ERR_NONE, "bob cannot move it");
	ok(a != NULL && strstr(a->error, "ann") != NULL,
	    "he is told who does: %s", a != NULL ? a->error : "");
	is_str(at(st, "e")->source.host, "c", "it is where ann wants it");
	is_int(locks(st), 0, "no lock is left");
	stage_free(st);

	st = seven(3, "8.4.3", true);
	r = (struct rival){ .server = "h", .target = "a" };
	st->arg = &r;
	st->before_order = ask_rival;
	a = stage_wait(st, stage_ask_move(st, "relocate", "e", "d", "ann"),
	    DUR_S(60));
	ok(a != NULL && a->code == ERR_NONE, "ann moves e");
	a = stage_wait(st, r.serial, DUR_S(60));
	ok(a != NULL && a->code == ERR_NONE, "bob moves h meanwhile");
	is_str(at(st, "h")->source.host, "a", "both are where they belong");
	is_int(locks(st), 0, "no lock is left");
	stage_free(st);
}

/* ---- whoever dies, at whichever statement ---- */

enum death { US_BEFORE, US_BEHIND, SERVER_BEFORE, SERVER_BEHIND, CUT_OFF,
	DEATHS };

static const char *const death_name[DEATHS] = { "we die before",
	"we die behind", "the server dies before", "the server dies behind",
	"it is cut off at" };

struct nemesis {
	enum death death;
	unsigned at;
	struct model_server *victim;
};

static void
die(struct stage *st, unsigned n, struct model_server *s, bool behind)
{
	struct nemesis *e = st->arg;

	if (n != e->at)
		return;
	if (e->death == (behind ? US_BEHIND : US_BEFORE))
		st->killed = true;
	if (e->death == (behind ? SERVER_BEHIND : SERVER_BEFORE)) {
		s->fault = MODEL_REFUSES;
		s->connected = false;
		e->victim = s;
	}
	if (e->death == CUT_OFF && !behind)
		for (int i = 0; i < HOSTS; i++)
			if (st->world->server[i] != s)
				model_cut(st->world, s, st->world->server[i],
				    false);
}

static void
before(struct stage *st, unsigned n, struct model_server *s)
{
	die(st, n, s, false);
}

static void
behind(struct stage *st, unsigned n, struct model_server *s)
{
	die(st, n, s, true);
}


/* An operation with one death: what is wrong, as text. */
static const char *
one_death(const char *version, bool gtid, const char *op, const char *server,
    const char *target, struct nemesis *e, unsigned *reached)
{
	static char wrong[2048];
	struct stage *st = seven(4, version, gtid);
	const struct stage_answer *a = NULL;
	struct found f[HOSTS];
	const char *c;
	uint32_t serial;
	size_t n = 0;

	wrong[0] = '\0';
	find_all(st, f);
	st->arg = e;
	st->before_order = before;
	st->after_order = behind;
	serial = stage_ask_move(st, op, server, target, "ann");
	for (int i = 0; i < 6000 && a == NULL && !st->killed; i++) {
		a = stage_wait(st, serial, DUR_MS(100));
		model_write(st->world->server[0], 1);
	}
	*reached = st->orders;
	st->before_order = st->after_order = NULL;
	if (st->killed) {
		stage_crash(st);
		if (!stage_restart(st, DUR_S(5)))
			n += (size_t)snprintf(wrong + n, sizeof wrong - n,
			    "it does not start\n");
		stage_run(st, DUR_S(90));
	} else if (a == NULL) {
		n += (size_t)snprintf(wrong + n, sizeof wrong - n,
		    "no answer\n");
	}
	if (locks(st) != 0)
		n += (size_t)snprintf(wrong + n, sizeof wrong - n,
		    "a lock is left\n");
	c = changes(st, f, a == NULL || a->code == ERR_NONE || !gtid ? server :
	    NULL, target);
	/* A server that is gone is as it is, and that is said. */
	if (c[0] != '\0' && (a == NULL || strstr(a->tracks, "replicat") ==
		NULL) && !(a != NULL && a->code == ERR_NONE))
		n += (size_t)snprintf(wrong + n, sizeof wrong - n,
		    "%sthe answer was: %s\n%s", c, a != NULL ? a->error : "none",
		    a != NULL ? a->tracks : "");
	if (st->world->wrongs > 0)
		n += (size_t)snprintf(wrong + n, sizeof wrong - n, "%s\n",
		    st->world->wrong);
	if (n > 0)
		stage_print_log(st, 15);
	stage_free(st);
	return wrong;
}

static void
test_deaths(const char *version, bool gtid, const char *op,
    const char *server, const char *target)
{
	unsigned trials = 0, failed = 0;

	for (enum death d = 0; d < DEATHS; d++) {
		unsigned reached = 0;

		for (unsigned k = 1; k == 1 || k <= reached; k++) {
			struct nemesis e = { .death = d, .at = k };
			const char *wrong = one_death(version, gtid, op, server,
			    target, &e, &reached);

			trials++;
			if (wrong[0] == '\0')
				continue;
			if (failed++ < 3)
				diag("%s statement %u:\n%s", death_name[d], k,
				    wrong);
			if (k > 30)
				break;
		}
	}
	is_int(failed, 0, "%s: %s %s %s: %u deaths", version, op, server,
	    target, trials);
}

int
main(void)
{
	test_two();
	test_deaths("8.4.3", true, "relocate", "e", "c");
	test_deaths("5.7.44", false, "move-below", "b", "c");
	test_deaths("10.11.6-MariaDB", true, "relocate", "e", "a");
	test_deaths("10.11.6-MariaDB", false, "move-up", "e", "a");
	test_deaths("9.1.0", true, "repoint", "e", "b");
	return tap_done();
}
