/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each operation, with each fault at each of its statements: it is carried out,
 * or refused with a name, or all is as before, or the answer says how it is.
 *
 *	every.t [--all]
 *
 * Without --all, servers that are found in an unusual state meet two of the
 * faults only.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "moves/check.h"
#include "tap.h"

/* What waits, waits by many statements. */
enum { AT_MAX = 40 };

enum fault { LOSE_ANSWER, KILL_BEFORE, KILL_AFTER, SILENCE, CUT, DENY,
	KILL_TARGET, KILL_US_BEFORE, KILL_US_AFTER, FAULTS };

static const char *const fault_name[FAULTS] = { "its answer is lost",
	"the server dies before", "the server dies behind",
	"the server is silent", "it is cut off from all sources",
	"it denies us", "the target dies", "we die before", "we die behind" };

/* How the servers are found. */
enum state { ALL_RUN, STOPPED, APPLIER_STOPPED, RECEIVER_STOPPED,
	TARGET_STOPPED, TARGET_BEHIND, STATES };

static const char *const state_name[STATES] = { "all run", "it is stopped",
	"its applier is stopped", "its receiver is stopped",
	"its target's applier is stopped", "its target is behind" };

struct trial {
	const char *version;
	bool gtid;
	const char *op, *server, *target;
	bool threads; /* it is about them */
	enum state state;
	enum fault fault;
	unsigned at;
	unsigned reached; /* statements */
	struct buf what;
};

/* a is the primary; b, c and d are below it, e and g below b, h below c. */
static struct field *
build(const struct trial *t)
{
	static const char *const tree[][2] = { { "a", NULL }, { "b", "a" },
		{ "c", "a" }, { "d", "a" }, { "e", "b" }, { "g", "b" },
		{ "h", "c" } };
	struct field *f = field_new(1);

	for (size_t i = 0; i < MEM_COUNT(tree); i++) {
		struct model_server *s = model_add(f->m, tree[i][0], 3306,
		    t->version);

		strcpy(s->report_host, tree[i][0]);
		s->gtid = s->gtid_strict = t->gtid;
		if (tree[i][1] != NULL)
			model_replicate(s, model_find(f->m, tree[i][1], 3306));
	}
	return f;
}

static void
set_state(struct field *f, const struct trial *t)
{
	struct model_server *s = model_find(f->m, t->server, 3306), *to = NULL;

	if (t->target != NULL)
		to = model_find(f->m, t->target, 3306);
	switch (t->state) {
	case STOPPED: s->io_wanted = s->sql_wanted = false; break;
	case APPLIER_STOPPED: s->sql_wanted = false; break;
	case RECEIVER_STOPPED: s->io_wanted = s->connected = false; break;
	case TARGET_STOPPED:
		if (to != NULL)
			to->sql_wanted = to->source.host[0] == '\0';
		break;
	case TARGET_BEHIND:
		if (to != NULL)
			to->lag_s = 2;
		break;
	default: break;
	}
}

static void
write_some(struct field *f)
{
	struct model_server *a = f->m->server[0];
	char text[96];

	model_client_write(a, 1);
	if (a->written % 5 != 0 || a->fault != MODEL_UP)
		return;
	snprintf(text, sizeof text, "drop view if exists `_pseudo_gtid_`."
	    "`_asc:%08llx:1:%016llx`", (unsigned long long)f->now.us / 1000000,
	    (unsigned long long)f->now.us);
	model_write_marker(a, text);
}

static void
die(struct model_server *s)
{
	s->fault = MODEL_REFUSES;
	s->connected = false;
}

static void
before(struct field *f, unsigned n, struct model_server *s)
{
	const struct trial *t = f->arg;

	if (n != t->at)
		return;
	switch (t->fault) {
	case KILL_BEFORE: die(s); break;
	case SILENCE: s->fault = MODEL_SILENT; break;
	case DENY: s->change_denied = 1227; break;
	case KILL_US_BEFORE: f->killed = true; break;
	case KILL_TARGET:
		if (t->target != NULL)
			die(model_find(f->m, t->target, 3306));
		break;
	case CUT:
		for (uint32_t i = 0; i < f->m->n; i++)
			if (f->m->server[i] != s)
				model_cut(f->m, s, f->m->server[i], false);
		break;
	default: break;
	}
}

static enum field_meddling
after(struct field *f, unsigned n, struct model_server *s)
{
	const struct trial *t = f->arg;

	if (n != t->at)
		return FIELD_GO_ON;
	if (t->fault == KILL_AFTER)
		die(s);
	if (t->fault == KILL_US_AFTER)
		f->killed = true;
	return t->fault == LOSE_ANSWER ? FIELD_LOSE_ANSWER : FIELD_GO_ON;
}

static void
heal(struct field *f)
{
	model_mend(f->m);
	for (uint32_t i = 0; i < f->m->n; i++) {
		struct model_server *s = f->m->server[i];

		s->change_denied = 0;
		if (s->fault == MODEL_REFUSES)
			model_restart(s, f->now);
		s->fault = MODEL_UP;
	}
	f->tick = NULL;
	for (int k = 0; k < 5; k++) {
		for (uint32_t i = 0; i < f->m->n; i++)
			f->m->server[i]->lag_s = 0;
		for (uint32_t i = 0; i < f->m->n; i++)
			if (f->m->server[i]->source.host[0] != '\0' &&
			    f->m->server[i]->source.host[0] != '/')
				f->m->server[i]->io_wanted =
				    f->m->server[i]->sql_wanted = true;
		field_pass(f, DUR_S(5));
	}
}

/* Everything that must hold, as text. */
static void
try(struct trial *t)
{
	struct field *f = build(t);
	bool told[FIELD_SERVERS_MAX] = { false }, killed;
	struct check c;
	enum err_code code;

	f->arg = t;
	f->tick = write_some;
	for (int i = 0; i < 40; i++) {
		field_pass(f, DUR_MS(50));
		if (i == 20)
			set_state(f, t);
	}
	field_look_all(f);
	check_remember(&c, f);
	f->before = before;
	f->after = after;
	code = field_do(f, t->op, t->server, t->target);
	t->reached = f->statements;
	killed = f->killed;
	buf_printf(&t->what, "# %s\n", code == ERR_NONE ? "done" : f->err.text);
	buf_str(&t->what, buf_text(&f->words));
	buf_reset(&t->what);
	f->before = NULL;
	f->after = NULL;
	if (killed && f->kept.len > 0) {
		field_pass(f, DUR_S(3));
		field_look_all(f);
		if (field_recover(f) != ERR_NONE && f->tracks == 0)
			buf_printf(&t->what, "not taken back: %s\n",
			    f->err.text);
	}
	check_always(&c, f, &t->what);
	if (code != ERR_NONE)
		check_as_before(&c, f, t->op, &t->what);
	else if (!t->threads)
		check_threads(&c, f, t->op, &t->what);
	for (uint32_t i = 0; i < f->m->n; i++)
		told[i] = check_is_told(f, f->m->server[i]);
	heal(f);
	check_rows(f, f->m->server[0], told, &t->what);
	field_free(f);
}

/* All statements of one operation, with one fault. */
static void
every_statement(struct trial *t, unsigned *n, unsigned *wrong)
{
	t->reached = t->at = 0;
	do {
		t->at++;
		buf_reset(&t->what);
		try(t);
		++*n;
		if (t->what.len > 0 && ++*wrong < 4)
			diag("%s, statement %u, %s:\n%s", state_name[t->state],
			    t->at, fault_name[t->fault], buf_text(&t->what));
	} while (t->at < t->reached && t->at < AT_MAX);
}

/* With all faults, however the servers are found: how many trials. */
static unsigned
every(struct trial *t, bool all)
{
	unsigned n = 0, wrong = 0;

	for (t->state = 0; t->state < STATES; t->state++)
		for (t->fault = 0; t->fault < FAULTS; t->fault++)
			if (all || t->state == ALL_RUN ||
			    t->fault == LOSE_ANSWER ||
			    t->fault == KILL_US_AFTER)
				every_statement(t, &n, &wrong);
	is_int(wrong, 0, "%s%s: %s %s%s%s: %u trials", t->version,
	    t->gtid ? ", GTID" : "", t->op, t->server,
	    t->target != NULL ? " " : "", t->target != NULL ? t->target : "",
	    n);
	return n;
}

static const struct {
	const char *op, *server, *target;
	enum { GTID_ONLY = 1, FILE_ONLY = 2, THREADS = 4 } flags;
} operations[] = {
	{ "relocate", "e", "c", 0 },
	{ "relocate", "b", "c", 0 },
	{ "relocate", "e", "a", 0 },
	{ "relocate-replicas", "b", "c", 0 },
	{ "move-up", "e", NULL, 0 },
	{ "move-up-replicas", "b", NULL, 0 },
	{ "move-below", "b", "c", 0 },
	{ "move-below-gtid", "e", "h", GTID_ONLY },
	{ "repoint", "e", NULL, 0 },
	{ "match", "e", "c", 0 },
	{ "match-up", "e", NULL, 0 },
	{ "take-siblings", "b", NULL, 0 },
	{ "take-master", "e", NULL, 0 },
	{ "make-co-master", "b", NULL, THREADS },
	{ "detach-replica-master-host", "e", NULL, 0 },
	{ "regroup-replicas", "b", NULL, THREADS },
	{ "enable-gtid", "e", NULL, FILE_ONLY },
	{ "disable-gtid", "e", NULL, GTID_ONLY },
	{ "make-local-master", "e", NULL, 0 },
	{ "restart-replica", "e", NULL, THREADS },
	{ "stop-replica-nice", "e", NULL, THREADS },
};

int
main(int argc, char **argv)
{
	bool all = argc > 1 && strcmp(argv[1], "--all") == 0;
	static const struct {
		const char *version;
		bool gtid;
	} kinds[] = { { "8.4.3", true }, { "5.7.44", false },
		{ "10.11.6-MariaDB", true }, { "10.6.5-MariaDB", false } };
	unsigned n = 0;

	for (size_t k = 0; k < MEM_COUNT(kinds); k++)
		for (size_t i = 0; i < MEM_COUNT(operations); i++) {
			struct trial t = { .version = kinds[k].version,
				.gtid = kinds[k].gtid, .op = operations[i].op,
				.server = operations[i].server,
				.target = operations[i].target,
				.threads = operations[i].flags == THREADS };

			if (operations[i].flags == (kinds[k].gtid ? FILE_ONLY :
								    GTID_ONLY))
				continue;
			buf_init(&t.what);
			n += every(&t, all);
			buf_fini(&t.what);
		}
	diag("%u trials", n);
	return tap_done();
}
