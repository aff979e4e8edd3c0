/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several operators at once on random trees under writes, with the real actors,
 * and faults at random statements, ourselves included: no lock is left, no row
 * is applied twice or left out, nobody becomes writable, every request is
 * answered once, and in the end who replicates has every row.
 *
 *	storm.t [--seeds N] [--from K] [--verbose]
 *
 * The same seed does the same again.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actors/control.h"
#include "base/mem.h"
#include "sim/stage.h"
#include "tap.h"

enum { SEEDS = 12, ROUNDS = 8, TREE_MIN = 8, TREE_MAX = 12, AT_ONCE = 3 };

struct play {
	struct stage *st;
	uint64_t rng;
	struct model_server *primary;
	enum { NOTHING, KILL_US, KILL_SERVER, SILENCE, CUT, DENY, FAULTS } fault;
	unsigned fault_at;
	bool behind; /* the statement, not before it */
	uint32_t serial[AT_ONCE];
	unsigned asked;
	struct buf trace, why;
	uint64_t done, failed, deaths, steps;
};

static uint64_t
chance(struct play *p, uint64_t n)
{
	uint64_t z = p->rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % n;
}

#define SAY(p, ...) \
	(buf_printf(&(p)->trace, "%.3f ", \
	    (double)stage_now((p)->st).us / 1e6), \
	    buf_printf(&(p)->trace, __VA_ARGS__), buf_chr(&(p)->trace, '\n'))
#define WRONG(p, ...) \
	(buf_printf(&(p)->why, __VA_ARGS__), buf_chr(&(p)->why, '\n'))

static const char *
host_of(const struct model_server *s)
{
	return s->address[0].host;
}

static struct model_server *
any(struct play *p)
{
	return p->st->world->server[chance(p, p->st->world->n)];
}

/* ---- faults ---- */

static void
strike(struct stage *st, unsigned n, struct model_server *s, bool behind)
{
	struct play *p = st->arg;

	if (n != p->fault_at || behind != p->behind)
		return;
	SAY(p, "  fault %d %s statement %u, of %s", p->fault, behind ?
	    "behind" : "before", n, host_of(s));
	switch (p->fault) {
	case KILL_US: st->killed = true; break;
	case KILL_SERVER:
		s->fault = MODEL_REFUSES;
		s->connected = false;
		break;
	case SILENCE: s->fault = MODEL_SILENT; break;
	case DENY: s->change_denied = 1227; break;
	case CUT:
		for (uint32_t i = 0; i < st->world->n; i++)
			if (st->world->server[i] != s)
				model_cut(st->world, s, st->world->server[i],
				    chance(p, 2) == 0);
		break;
	default: break;
	}
}

static void
before(struct stage *st, unsigned n, struct model_server *s)
{
	strike(st, n, s, false);
}

static void
behind(struct stage *st, unsigned n, struct model_server *s)
{
	strike(st, n, s, true);
}

static void
heal(struct play *p)
{
	struct model *m = p->st->world;

	model_mend(m);
	for (uint32_t i = 0; i < m->n; i++) {
		struct model_server *s = m->server[i];

		s->change_denied = 0;
		if (s->fault == MODEL_REFUSES)
			model_restart(s, stage_now(p->st));
		s->fault = MODEL_UP;
	}
}

/* ---- rounds ---- */

static void
build(struct play *p, uint64_t seed)
{
	static const struct {
		const char *version;
		bool gtid;
	} kind[] = { { "8.4.3", true }, { "5.7.44", false },
		{ "10.11.6-MariaDB", true }, { "10.6.5-MariaDB", false } };
	unsigned k = (unsigned)(seed % MEM_COUNT(kind));
	size_t n = TREE_MIN + chance(p, TREE_MAX - TREE_MIN + 1);
	struct model_server *s;
	char host[32];

	for (size_t i = 0; i < n; i++) {
		snprintf(host, sizeof host, "s%zu", i);
		s = model_add(p->st->world, host, 3306, kind[k].version);
		strcpy(s->report_host, host);
		s->gtid = s->gtid_strict = kind[k].gtid;
		s->latency = DUR_US(200 + chance(p, 3000));
		if (i > 0)
			model_replicate(s, p->st->world->server[chance(p,
			    i < 4 ? i : 4)]);
	}
	p->primary = p->st->world->server[0];
	model_write(p->primary, 20);
}

static void
ask_some(struct play *p)
{
	static const struct {
		const char *op;
		bool has_target;
	} op[] = { { "relocate", true }, { "relocate", true },
		{ "relocate-replicas", true }, { "move-up", false },
		{ "move-below", true }, { "take-siblings", false },
		{ "repoint", false }, { "take-master", false },
		{ "regroup-replicas", false }, { "restart-replica", false } };
	static const char *const user[AT_ONCE] = { "ann", "bob", "cid" };

	p->asked = 1 + (unsigned)chance(p, AT_ONCE);
	for (unsigned i = 0; i < p->asked; i++) {
		size_t k = chance(p, MEM_COUNT(op));
		struct model_server *s = any(p), *to = any(p);

		SAY(p, "%s: %s %s %s", user[i], op[k].op, host_of(s),
		    op[k].has_target ? host_of(to) : "");
		p->serial[i] = stage_ask_move(p->st, op[k].op, host_of(s),
		    op[k].has_target ? host_of(to) : "", user[i]);
		stage_run(p->st, DUR_US(chance(p, 3000)));
	}
}

/* true: all are answered. */
static bool
wait_for_all(struct play *p)
{
	const struct stage_answer *a;
	unsigned n = 0;

	for (int i = 0; i < 9000 && n < p->asked && !p->st->killed; i++) {
		stage_run(p->st, DUR_MS(100));
		model_client_write(p->primary, 1 + chance(p, 2));
		for (n = 0; n < p->asked; n++)
			if (stage_wait(p->st, p->serial[n], DUR_ZERO) == NULL)
				break;
	}
	if (n < p->asked)
		return false;
	for (unsigned i = 0; i < p->asked; i++) {
		a = stage_wait(p->st, p->serial[i], DUR_ZERO);
		SAY(p, "  %u %s", a->code, a->error);
		*(a->code == ERR_NONE ? &p->done : &p->failed) += 1;
		if (stage_answers_to(p->st, p->serial[i]) != 1)
			WRONG(p, "%u answers", stage_answers_to(p->st,
			    p->serial[i]));
	}
	return true;
}

static void
check(struct play *p)
{
	const struct model *m = p->st->world;
	const struct control_shared *c = stage_hold(p->st, board_get(
	    port_ctx(p->st->port), BOARD_CONTROL, "control"));

	if (m->wrongs > 0)
		WRONG(p, "%u times: %s", m->wrongs, m->wrong);
	for (uint32_t i = 0; i < m->n; i++) {
		const struct model_server *s = m->server[i];

		if (!s->read_only && s != p->primary)
			WRONG(p, "%s is writable", host_of(s));
		if (c != NULL && control_maintenance(c->control,
			(struct key){ host_of(s), 3306 }) != NULL)
			WRONG(p, "%s is locked", host_of(s));
	}
	stage_release(p->st);
}

static void
play_round(struct play *p)
{
	p->fault = (int)chance(p, FAULTS);
	p->fault_at = 1 + (unsigned)chance(p, 12);
	p->behind = chance(p, 2) == 0;
	p->st->orders = 0;
	ask_some(p);
	if (!wait_for_all(p) && !p->st->killed)
		WRONG(p, "no answer after a quarter of an hour");
	if (p->st->killed) {
		p->deaths++;
		p->steps += sim_steps(p->st->sim);
		stage_crash(p->st);
		if (!stage_restart(p->st, DUR_S(1 + chance(p, 20))))
			WRONG(p, "it does not start again");
		stage_run(p->st, DUR_S(90));
	}
	heal(p);
	stage_run(p->st, DUR_S(15));
	check(p);
}

static bool
is_attached(const struct play *p, const struct model_server *s)
{
	for (uint32_t i = 0; i <= p->st->world->n && s != NULL; i++) {
		if (s == p->primary)
			return true;
		s = model_source(p->st->world, s);
	}
	return false;
}

static void
check_end(struct play *p)
{
	struct model *m = p->st->world;

	for (uint32_t k = 0; k < m->n; k++) {
		for (uint32_t i = 0; i < m->n; i++)
			if (m->server[i]->source.host[0] != '\0')
				m->server[i]->io_wanted =
				    m->server[i]->sql_wanted = true;
		stage_run(p->st, DUR_S(2));
	}
	check(p);
	for (uint32_t i = 0; i < m->n; i++)
		if (!is_attached(p, m->server[i]))
			WRONG(p, "%s is below %s", host_of(m->server[i]),
			    m->server[i]->source.host);
		else if (!model_set_holds(&m->server[i]->rows,
		    &p->primary->rows))
			WRONG(p, "%s lacks rows", host_of(m->server[i]));
}

static bool
play(uint64_t seed, struct play *sum, uint64_t *digest, bool verbose)
{
	struct play p = { .rng = seed * 2 + 1 };
	bool good;

	buf_init(&p.trace);
	buf_init(&p.why);
	p.st = stage_new_on_file(seed, "{\"InstancePollSeconds\": 5, "
	    "\"DiscoverByShowSlaveHosts\": true}");
	build(&p, seed);
	p.st->arg = &p;
	p.st->before_order = before;
	p.st->after_order = behind;
	if (!stage_start(p.st))
		WRONG(&p, "it does not start");
	stage_discover(p.st, "s0", 3306);
	if (!stage_until_valid(p.st, p.st->world->n, DUR_S(30)))
		WRONG(&p, "not all are found");
	for (int i = 0; i < ROUNDS && p.why.len == 0; i++)
		play_round(&p);
	if (p.why.len == 0)
		check_end(&p);
	good = p.why.len == 0;
	if (!good || verbose) {
		printf("# seed %llu\n%s%s", (unsigned long long)seed,
		    buf_text(&p.trace), buf_text(&p.why));
		stage_print_log(p.st, 40);
	}
	*digest = sim_digest(p.st->sim);
	sum->done += p.done;
	sum->failed += p.failed;
	sum->deaths += p.deaths;
	sum->steps += p.steps + sim_steps(p.st->sim);
	buf_fini(&p.trace);
	buf_fini(&p.why);
	stage_free(p.st);
	return good;
}

static unsigned long
option(int argc, char **argv, const char *name, unsigned long value)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return strtoul(argv[i + 1], NULL, 10);
	return value;
}

int
main(int argc, char **argv)
{
	unsigned long seeds = option(argc, argv, "--seeds", SEEDS);
	unsigned long from = option(argc, argv, "--from", 1);
	bool verbose = argc > 1 && strcmp(argv[argc - 1], "--verbose") == 0;
	struct play sum = { 0 };
	uint64_t digest = 0, again = 0;
	clock_t began = clock();
	unsigned failed = 0;

	for (unsigned long s = from; s < from + seeds && failed < 5; s++)
		failed += !play(s, &sum, &digest, verbose);
	is_int(failed, 0, "%lu seeds from %lu: every rule held", seeds, from);
	diag("%llu done, %llu refused or failed, %llu deaths of ours; %llu "
	    "handlers, %.1f s of CPU", (unsigned long long)sum.done,
	    (unsigned long long)sum.failed, (unsigned long long)sum.deaths,
	    (unsigned long long)sum.steps,
	    (double)(clock() - began) / CLOCKS_PER_SEC);
	play(from, &sum, &digest, false);
	play(from, &sum, &again, false);
	ok(digest == again, "the same seed gives the same run");
	return tap_done();
}
