/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations on random trees under writes, with random faults: no row is
 * applied twice or left out, nobody becomes writable by our doing, threads end
 * as they were found, what an answer says is so, and when all is well again
 * every server that replicates has every row.
 *
 *	campaign.t [--seeds N] [--from K] [--verbose]
 *
 * The same seed does the same again.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "moves/check.h"
#include "tap.h"

enum { OPERATIONS = 25, SEEDS = 120, TREE_MIN = 8, TREE_MAX = 12 };

/* MIXED: one tree of MySQL by GTID, and one of MariaDB by GTID. */
enum kind { MYSQL_GTID, MYSQL_FILE, MARIADB_GTID, MARIADB_FILE, MIXED, KINDS };
enum { PRIMARIES_MAX = 2 };

struct play {
	struct field *f;
	uint64_t seed;
	enum kind kind;
	struct model_server *primary[PRIMARIES_MAX];
	unsigned primaries;
	int64_t wrote_us, marked_us;
	struct check check;
	/* the fault of this operation */
	enum { NO_FAULT, LOSE_ANSWER, KILL_BEFORE, KILL_AFTER, CUT, SILENCE,
		KILL_US, DENY, FAULTS } fault;
	unsigned fault_at; /* at which statement */
	struct model_server *victim; /* NULL: who the statement is for */
	bool told[FIELD_SERVERS_MAX]; /* an answer said how it was left */
	struct buf trace, why;
	uint64_t done, refused, failed, recovered, statements;
};

static struct play *
play_of(struct field *f)
{
	return f->arg;
}

#define SAY(p, ...) \
	(buf_printf(&(p)->trace, "%.3f ", (double)(p)->f->now.us / 1e6), \
	    buf_printf(&(p)->trace, __VA_ARGS__), buf_chr(&(p)->trace, '\n'))
#define WRONG(p, ...) \
	(buf_printf(&(p)->why, __VA_ARGS__), buf_chr(&(p)->why, '\n'))

static struct model_server *
any(struct play *p)
{
	return p->f->m->server[field_chance(p->f, p->f->m->n)];
}

static const char *
host_of(const struct model_server *s)
{
	return s->address[0].host;
}

/* ---- the world ---- */

static void
mark(struct field *f, struct model_server *s)
{
	char text[128];

	if (s->fault != MODEL_UP || s->read_only)
		return;
	snprintf(text, sizeof text, "drop view if exists `_pseudo_gtid_`."
	    "`_asc:%08llx:%08x:%016llx`",
	    (unsigned long long)(f->now.us / 1000000), (unsigned)s->server_id,
	    (unsigned long long)field_chance(f, UINT64_MAX));
	model_write_marker(s, text);
}

static void
write_some(struct field *f)
{
	struct play *p = play_of(f);

	if (f->now.us - p->wrote_us < 20000)
		return;
	p->wrote_us = f->now.us;
	for (unsigned i = 0; i < p->primaries; i++)
		model_client_write(p->primary[i], 1 + field_chance(f, 3));
	if (f->now.us - p->marked_us < 3000000)
		return;
	p->marked_us = f->now.us;
	for (unsigned i = 0; i < p->primaries; i++)
		mark(f, p->primary[i]);
}

static struct model_server *
add_server(struct play *p, size_t i, const char *version)
{
	struct field *f = p->f;
	struct model_server *s;
	char host[32];

	snprintf(host, sizeof host, "s%zu", i);
	s = model_add(f->m, host, 3306, version);
	strcpy(s->report_host, host);
	s->gtid = p->kind != MYSQL_FILE && p->kind != MARIADB_FILE;
	s->gtid_strict = s->mariadb && s->gtid && field_chance(f, 2) == 0;
	s->latency = DUR_US(200 + field_chance(f, 2000));
	if (i < p->primaries)
		p->primary[i] = s;
	else
		model_replicate(s, f->m->server[field_chance(f,
		    i < 4 ? i / p->primaries : 4 / p->primaries) *
		    p->primaries + i % p->primaries]);
	return s;
}

/* Somebody forgot to log what it applies, is behind, or was written to. */
static void
spoil(struct play *p, size_t n)
{
	struct field *f = p->f;

	if (field_chance(f, 4) == 0)
		f->m->server[n - 1]->log_replica_updates = false;
	if (field_chance(f, 4) == 0)
		f->m->server[n - 2]->lag_s = 3;
	/* MariaDB's sequence numbers would clash with the primary's. */
	if (field_chance(f, 4) == 0 && p->kind < MARIADB_GTID)
		model_write(f->m->server[n - 3], 2);
}

static void
build(struct play *p)
{
	static const char *const mysql[] = { "8.0.36", "8.4.3", "9.1.0",
		"5.7.44" };
	static const char *const mariadb[] = { "10.5.23-MariaDB",
		"10.11.6-MariaDB", "11.4.2-MariaDB" };
	struct field *f = p->f;
	size_t n = TREE_MIN + field_chance(f, TREE_MAX - TREE_MIN + 1);
	const char *v[2];

	v[0] = v[1] = mysql[field_chance(f, p->kind == MYSQL_FILE ? 4 : 3)];
	p->primaries = p->kind == MIXED ? 2 : 1;
	if (p->kind == MARIADB_GTID || p->kind == MARIADB_FILE)
		v[0] = mariadb[field_chance(f, 3)];
	if (p->kind == MIXED)
		v[1] = mariadb[field_chance(f, 3)];
	for (size_t i = 0; i < n; i++)
		add_server(p, i, v[i % p->primaries]);
	f->policy.pseudo_gtid = field_chance(f, 3) > 0;
	for (unsigned i = 0; i < p->primaries; i++)
		model_write(p->primary[i], 20);
	field_pass(f, DUR_S(4));
	spoil(p, n);
	f->tick = write_some;
}

/* ---- the nemesis ---- */

static void
die(struct play *p, struct model_server *s)
{
	SAY(p, "  %s dies", host_of(s));
	s->fault = MODEL_REFUSES;
	s->connected = false;
}

static struct model_server *
victim_of(struct play *p, struct model_server *s)
{
	return p->victim != NULL ? p->victim : s;
}

static void
before(struct field *f, unsigned n, struct model_server *s)
{
	struct play *p = play_of(f);
	struct model_server *v = victim_of(p, s);

	p->statements++;
	if (n != p->fault_at)
		return;
	switch (p->fault) {
	case KILL_BEFORE: die(p, v); break;
	case SILENCE:
		SAY(p, "  %s is silent", host_of(v));
		v->fault = MODEL_SILENT;
		break;
	case CUT:
		for (uint32_t i = 0; i < f->m->n; i++)
			if (f->m->server[i] != v)
				model_cut(f->m, v, f->m->server[i],
				    field_chance(f, 2) == 0);
		SAY(p, "  %s is cut off from its sources", host_of(v));
		break;
	case DENY:
		v->change_denied = 1227;
		SAY(p, "  %s denies us", host_of(v));
		break;
	case KILL_US:
		if (field_chance(f, 2) == 0) {
			SAY(p, "  we die before statement %u", n);
			f->killed = true;
		}
		break;
	default: break;
	}
}

static enum field_meddling
after(struct field *f, unsigned n, struct model_server *s)
{
	struct play *p = play_of(f);

	if (n != p->fault_at)
		return FIELD_GO_ON;
	if (p->fault == KILL_AFTER)
		die(p, victim_of(p, s));
	if (p->fault == KILL_US && !f->killed) {
		SAY(p, "  we die behind statement %u", n);
		f->killed = true;
	}
	if (p->fault != LOSE_ANSWER)
		return FIELD_GO_ON;
	SAY(p, "  the answer of %s is lost", host_of(s));
	return FIELD_LOSE_ANSWER;
}

static void
choose_fault(struct play *p)
{
	struct field *f = p->f;

	p->fault = NO_FAULT;
	p->victim = NULL;
	if (field_chance(f, 2) == 0)
		return;
	p->fault = (int)field_chance(f, FAULTS);
	p->fault_at = 1 + (unsigned)field_chance(f, field_chance(f, 4) == 0 ?
	    30 : 12);
	if (field_chance(f, 3) == 0)
		p->victim = any(p);
}

/* All faults end. */
static void
heal(struct play *p)
{
	struct field *f = p->f;

	model_mend(f->m);
	for (uint32_t i = 0; i < f->m->n; i++) {
		struct model_server *s = f->m->server[i];

		s->change_denied = 0;
		if (s->fault == MODEL_REFUSES)
			model_restart(s, f->now);
		s->fault = MODEL_UP;
	}
	field_pass(f, DUR_MS(100));
}

/* Trouble that is there before an operation. */
static void
disturb(struct play *p)
{
	struct model_server *s = any(p);

	switch (field_chance(p->f, 8)) {
	case 0:
		if (s->source.host[0] != '\0')
			s->sql_wanted = false;
		break;
	case 1:
		s->io_wanted = s->connected = false;
		break;
	case 2:
		if (s->source.host[0] != '\0' && s->io_errno == 0)
			s->io_wanted = s->sql_wanted = true;
		break;
	case 3: model_log_rotate(&s->binlog); break;
	default: break;
	}
}

/* ---- operations ---- */

static const struct operation {
	const char *op;
	unsigned weight;
	bool has_target;
	bool changes_threads; /* that is what it is for */
	bool moves;	      /* server ends below target */
} operations[] = {
	{ "relocate", 12, true, false, true },
	{ "relocate-replicas", 4, true, false, false },
	{ "move-up", 4, false, false, false },
	{ "move-below", 4, true, false, true },
	{ "repoint", 3, false, false, false },
	{ "take-siblings", 2, false, false, false },
	{ "take-master", 2, false, false, false },
	{ "move-up-replicas", 2, false, false, false },
	{ "match", 3, true, false, true },
	{ "match-up", 2, false, false, false },
	{ "move-below-gtid", 3, true, false, true },
	{ "move-replicas-gtid", 2, true, false, false },
	{ "detach-replica-master-host", 1, false, true, false },
	{ "reattach-replica-master-host", 1, false, true, false },
	{ "regroup-replicas", 1, false, true, false },
	{ "enable-gtid", 1, false, false, false },
	{ "disable-gtid", 1, false, false, false },
	{ "start-replica", 2, false, true, false },
	{ "stop-replica", 1, false, true, false },
	{ "stop-replica-nice", 1, false, true, false },
	{ "restart-replica", 1, false, true, false },
	{ "flush-binary-logs", 1, false, false, false },
	{ "make-local-master", 1, false, false, false },
	{ "make-co-master", 1, false, true, false },
	{ "regroup-replicas-gtid", 1, false, true, false },
	{ "repoint-replicas", 1, false, false, false },
	{ "match-replicas", 2, true, false, false },
	{ "match-up-replicas", 1, false, false, false },
	{ "rematch", 1, false, false, false },
	{ "gtid-errant-inject-empty", 1, false, false, false },
	{ "gtid-errant-reset-master", 1, false, false, false },
	{ "set-read-only", 1, false, false, false },
	{ "reset-replica", 1, false, true, false },
};

static const struct operation *
choose_operation(struct play *p)
{
	uint64_t sum = 0, x;

	for (size_t i = 0; i < MEM_COUNT(operations); i++)
		sum += operations[i].weight;
	x = field_chance(p->f, sum);
	for (size_t i = 0; i < MEM_COUNT(operations); i++) {
		if (x < operations[i].weight)
			return &operations[i];
		x -= operations[i].weight;
	}
	return NULL;
}

static void
check_done(struct play *p, const struct operation *o,
    const struct model_server *s, const struct model_server *target)
{
	if (o->moves && strcmp(s->source.host, host_of(target)) != 0)
		WRONG(p, "%s says it is done: %s replicates from %s", o->op,
		    host_of(s), s->source.host);
	if (!o->changes_threads)
		check_threads(&p->check, p->f, o->op, &p->why);
}

/* Another process takes it back; that one may die as well. */
static void
recover(struct play *p)
{
	struct field *f = p->f;
	enum err_code code;

	p->recovered++;
	p->fault = field_chance(f, 3) == 0 ? KILL_US : NO_FAULT;
	p->fault_at = 1 + (unsigned)field_chance(f, 4);
	while (f->kept.len > 0) {
		field_pass(f, DUR_S(3));
		field_look_all(f);
		code = field_recover(f);
		SAY(p, "  taken back: %s\n%s", code == ERR_NONE ? "done" :
		    f->err.text, buf_text(&f->words));
		/* Who dies again has only logged what it left. */
		if (f->killed)
			check_note_left(&p->check, f);
		p->fault = NO_FAULT;
		if (!f->killed)
			return;
	}
}

/* "gtid_purged must be set to '...'": somebody does so. */
static void
follow_hint(struct play *p, struct model_server *s)
{
	static const char hint[] = "gtid_purged must be ";
	const char *at = strstr(p->f->err.text, hint);
	struct model_session session;
	struct model_result res;
	struct buf out;
	char *text;

	if (at == NULL || s->executed.n > 0)
		return;
	heal(p);
	at = strstr(at, "set to ") + strlen("set to ");
	text = mem_printf("SET GLOBAL gtid_purged = %.*s",
	    (int)(strcspn(at + 1, "'") + 2), at);
	buf_init(&out);
	model_session_init(&session);
	model_query(p->f->m, s, &session, p->f->now, text, &out, &res);
	SAY(p, "  %s: %s %s", host_of(s), text, res.error);
	buf_fini(&out);
	mem_free(text);
}

/* A replica that is written to, and is in no ring: nobody can tell from outside
 * that its own rows are missing elsewhere. */
static bool
strands_primary(const struct play *p, const struct operation *o,
    const struct model_server *s)
{
	if (strcmp(o->op, "set-read-only") == 0)
		return s == p->primary[0] || s == p->primary[1];
	if (strcmp(o->op, "reset-replica") != 0 &&
	    strcmp(o->op, "detach-replica-master-host") != 0)
		return false;
	for (unsigned i = 0; i < p->primaries; i++)
		if (strcmp(p->primary[i]->source.host, host_of(s)) == 0)
			return true;
	return false;
}

static void
operate(struct play *p)
{
	struct field *f = p->f;
	const struct operation *o = choose_operation(p);
	struct model_server *s = any(p), *target = any(p);
	enum err_code code;
	bool killed;

	if (strands_primary(p, o, s))
		return;
	choose_fault(p);
	field_look_all(f);
	check_remember(&p->check, f);
	SAY(p, "%s %s %s (fault %d at %u)", o->op, host_of(s),
	    o->has_target ? host_of(target) : "", p->fault, p->fault_at);
	f->heeds_warnings = strcmp(o->op, "gtid-errant-reset-master") == 0;
	code = field_do(f, o->op, host_of(s), o->has_target ? host_of(target) :
	    NULL);
	killed = f->killed;
	SAY(p, "  %s\n%s", code == ERR_NONE ? "done" : f->err.text,
	    buf_text(&f->words));
	if (killed)
		recover(p);
	check_always(&p->check, f, &p->why);
	follow_hint(p, s);
	for (uint32_t i = 0; i < f->m->n; i++)
		p->told[i] = p->told[i] || check_is_told(f, f->m->server[i]);
	if (code == ERR_NONE) {
		p->done++;
		check_done(p, o, s, target);
		return;
	}
	if (f->statements == 0 && !killed)
		p->refused++;
	else
		p->failed++;
	if (!o->changes_threads || killed)
		check_as_before(&p->check, f, o->op, &p->why);
}

/* ---- the end ---- */

static void
start_all(struct play *p)
{
	struct field *f = p->f;

	for (uint32_t i = 0; i < f->m->n; i++) {
		struct model_server *s = f->m->server[i];

		s->lag_s = 0;
		if (s->source.host[0] != '\0' && s->source.host[0] != '/')
			s->io_wanted = s->sql_wanted = true;
	}
	field_pass(f, DUR_S(5));
}

static void
check_end(struct play *p)
{
	struct field *f = p->f;
	unsigned attached = 0;

	heal(p);
	f->tick = NULL;
	/* Who stands above may have had to catch up first. */
	for (uint32_t k = 0; k < f->m->n; k++)
		start_all(p);
	for (unsigned i = 0; i < p->primaries; i++)
		attached += check_rows(f, p->primary[i], p->told, &p->why);
	SAY(p, "%u of %u are attached", attached, f->m->n);
}

static bool
play(uint64_t seed, struct play *sum, bool verbose)
{
	struct play p = { .seed = seed, .kind = (int)(seed % KINDS) };
	bool good;

	buf_init(&p.trace);
	buf_init(&p.why);
	p.f = field_new(seed);
	p.f->arg = &p;
	p.f->before = before;
	p.f->after = after;
	build(&p);
	for (int i = 0; i < OPERATIONS && p.why.len == 0; i++) {
		disturb(&p);
		field_pass(p.f, DUR_MS(field_chance(p.f, 500)));
		operate(&p);
		if (field_chance(p.f, 3) > 0)
			heal(&p);
	}
	if (p.why.len == 0)
		check_end(&p);
	good = p.why.len == 0;
	if (!good || verbose)
		printf("# seed %llu, kind %d\n%s%s", (unsigned long long)seed,
		    p.kind, buf_text(&p.trace), buf_text(&p.why));
	sum->done += p.done;
	sum->refused += p.refused;
	sum->failed += p.failed;
	sum->recovered += p.recovered;
	sum->statements += p.statements;
	buf_fini(&p.trace);
	buf_fini(&p.why);
	field_free(p.f);
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

/* They failed once. */
static const unsigned long kept[] = { 243, 496, 950, 10187, 12745, 13766,
	14450, 18420, 19135, 19645, 20268, 23055, 25951, 28915, 29098,
	16302, 43423, 60375 };

int
main(int argc, char **argv)
{
	unsigned long seeds = option(argc, argv, "--seeds", SEEDS);
	unsigned long from = option(argc, argv, "--from", 1);
	unsigned long most = option(argc, argv, "--failures", 5);
	bool verbose = argc > 1 && strcmp(argv[argc - 1], "--verbose") == 0;
	struct play sum = { 0 };
	clock_t began = clock();
	unsigned failed = 0;

	for (size_t i = 0; i < MEM_COUNT(kept); i++)
		failed += !play(kept[i], &sum, verbose);
	is_int(failed, 0, "seeds that failed once: every rule held");
	for (unsigned long s = from; s < from + seeds && failed < most; s++)
		failed += !play(s, &sum, verbose);
	is_int(failed, 0, "%lu seeds from %lu: every rule held", seeds, from);
	ok(sum.done > seeds && sum.failed > seeds, "operations succeed and "
	    "fail");
	diag("%llu done, %llu refused, %llu failed, %llu taken back by another "
	    "process; %llu statements, %.1f s of CPU",
	    (unsigned long long)sum.done, (unsigned long long)sum.refused,
	    (unsigned long long)sum.failed, (unsigned long long)sum.recovered,
	    (unsigned long long)sum.statements,
	    (double)(clock() - began) / CLOCKS_PER_SEC);
	return tap_done();
}
