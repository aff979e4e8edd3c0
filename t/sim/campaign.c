/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random worlds and random trouble: rules that must hold at any moment, and
 * what must be seen when all is well again.
 *
 *	campaign.t [--seeds N] [--from K] [--verbose]
 *
 * A seed that fails is printed with what was done and the last log lines; the
 * same seed does the same again.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "sim/stage.h"
#include "tap.h"

enum {
	SERVERS_MAX = 30,
	STEPS = 24,
	LOOKS = 8,
	SEEDS = 300,
	SETTLE_S = 200, /* until all must be seen */
};

struct play {
	struct stage *st;
	uint64_t rng;
	uint64_t seed;
	bool by_hostname; /* servers are filed under @@hostname */
	bool listed;
	struct buf trace;
	struct buf why;
	uint64_t digest;
	uint64_t steps;
};

/* splitmix64: the nemesis has chances of its own. */
static uint64_t
chance(struct play *p, uint64_t n)
{
	uint64_t z = p->rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % n;
}

static struct model_server *
any(struct play *p)
{
	return p->st->world->server[chance(p, p->st->world->n)];
}

#define SAY(p, ...) \
	(buf_printf(&(p)->trace, "%.3f ", \
	    (double)stage_now((p)->st).us / 1e6), \
	    buf_printf(&(p)->trace, __VA_ARGS__), buf_chr(&(p)->trace, '\n'))

/* ---- a world ---- */

static char *
config_text(const struct play *p, int poll)
{
	return mem_printf("{\"InstancePollSeconds\": %d, "
	    "\"DiscoverByShowSlaveHosts\": %s, "
	    "\"MySQLHostnameResolveMethod\": \"%s\", "
	    "\"MySQLConnectTimeoutSeconds\": 1, "
	    "\"MySQLDiscoveryReadTimeoutSeconds\": 3, "
	    "\"DeadInstancePollSecondsMultiplyFactor\": %s, "
	    "\"DeadInstancePollSecondsMax\": 20}", poll,
	    p->listed ? "true" : "false",
	    p->by_hostname ? "@@hostname" : "none",
	    p->seed % 2 == 0 ? "1" : "1.5");
}

static void
build_world(struct play *p)
{
	static const char *const version[] = { "5.7.44", "8.0.36", "8.4.3",
		"9.1.0", "10.5.23-MariaDB", "10.11.6-MariaDB",
		"11.8.2-MariaDB" };
	static const int64_t latency[] = { 0, 300, 5000, 50000 };
	uint32_t n = 2 + (uint32_t)chance(p, SERVERS_MAX - 1);
	uint32_t clusters = 1 + (uint32_t)chance(p, 4);
	struct model *w = p->st->world;
	char host[32];

	for (uint32_t i = 0; i < n; i++) {
		struct model_server *s, *up;

		snprintf(host, sizeof host, "s%u", i);
		if (i < clusters) {
			model_add(w, host, 3306,
			    version[chance(p, MEM_COUNT(version))]);
		} else {
			/* Each of a cluster by number, below any before it. */
			do
				up = w->server[chance(p, i)];
			while (up->origin % clusters != i % clusters);
			s = model_add(w, host, 3306, up->version);
			model_replicate(s, up);
		}
		strcpy(w->server[i]->report_host, host);
		w->server[i]->latency = DUR_US(latency[chance(p, 4)]);
		if (p->by_hostname)
			snprintf(w->server[i]->hostname, MODEL_HOST_MAX,
			    "h%u", i);
	}
	/* Somebody copied a whole data directory. */
	if (p->seed % 8 == 3)
		strcpy(w->server[n - 1]->uuid, w->server[n - 2]->uuid);
}

/* ---- the nemesis ---- */

static void
set_fault(struct play *p)
{
	static const enum model_fault fault[] = { MODEL_REFUSES, MODEL_SILENT,
		MODEL_HANGS, MODEL_DENIES, MODEL_FULL, MODEL_GARBAGE };
	struct model_server *s = any(p);

	s->fault = fault[chance(p, MEM_COUNT(fault))];
	SAY(p, "s%u has fault %d", s->origin, s->fault);
}

static void
restart(struct play *p)
{
	struct model_server *s = any(p);

	model_restart(s, stage_now(p->st));
	SAY(p, "s%u restarts", s->origin);
}

/* Those that replicate from it are told, or find out when all is well. */
static void
follow(struct play *p, const struct model_address *old,
    const struct model_server *s)
{
	struct model *w = p->st->world;

	for (uint32_t i = 0; i < w->n; i++)
		if (strcmp(w->server[i]->source.host, old->host) == 0)
			w->server[i]->source = s->address[0];
}

static void
move_address(struct play *p)
{
	struct model_server *s = any(p);
	struct model_address old = s->address[0];
	char host[32];

	snprintf(host, sizeof host, "s%u-%llu", s->origin,
	    (unsigned long long)chance(p, 3));
	/* Some addresses are used again and again, by whoever comes. */
	if (chance(p, 2) == 0)
		snprintf(host, sizeof host, "p%llu",
		    (unsigned long long)chance(p, 4));
	if (model_find(p->st->world, host, 3306) != NULL)
		return;
	model_listen(s, host, 3306, true);
	snprintf(s->report_host, sizeof s->report_host, "%s", host);
	model_restart(s, stage_now(p->st));
	follow(p, &old, s);
	SAY(p, "s%u moves to %s", s->origin, host);
}

/*
 * A virtual address goes to another server; some that replicate from it call it
 * so.  Without hostnames that would be one server under two keys.
 */
static void
move_virtual(struct play *p)
{
	struct model *w = p->st->world;
	struct model_server *s = any(p), *was;
	char host[16];

	snprintf(host, sizeof host, "v%llu", (unsigned long long)chance(p, 2));
	was = model_find(w, host, 3306);
	if (!p->by_hostname || s == was || s->addresses == MODEL_ADDRESSES_MAX)
		return;
	if (was != NULL)
		model_unlisten(was, host, 3306);
	model_listen(s, host, 3306, false);
	for (uint32_t i = 0; i < w->n; i++)
		if (strcmp(w->server[i]->source.host, s->address[0].host) == 0 &&
		    chance(p, 2) == 0)
			strcpy(w->server[i]->source.host, host);
	/* Those that used it elsewhere: not below themselves, nor mixed up. */
	for (uint32_t i = 0; i < w->n; i++)
		if (strcmp(w->server[i]->source.host, host) == 0 &&
		    (w->server[i] == s || w->server[i]->mariadb != s->mariadb))
			model_detach(w->server[i]);
	SAY(p, "%s goes to s%u", host, s->origin);
}

static void
replicate(struct play *p)
{
	struct model_server *s = any(p), *up = any(p);

	if (s == up || s->mariadb != up->mariadb)
		return;
	if (chance(p, 4) == 0) {
		model_detach(s);
		SAY(p, "s%u is detached", s->origin);
	} else {
		model_replicate(s, up);
		SAY(p, "s%u is below s%u", s->origin, up->origin);
	}
}

static void
discover(struct play *p)
{
	struct model_server *s = any(p);
	const char *host = chance(p, 5) > 0 ? s->address[0].host : "nowhere";

	stage_ask_probe(p->st, host, 3306);
	SAY(p, "discover %s", host);
}

static const char *
key_of(const struct play *p, const struct model_server *s,
    char text[KEY_TEXT_MAX])
{
	const char *host = p->by_hostname ? s->hostname : s->address[0].host;

	return key_text((struct key){ host, 3306 }, text);
}

static void
forget(struct play *p)
{
	struct model_server *s = any(p);
	char text[KEY_TEXT_MAX];

	if (chance(p, 4) == 0) {
		const char *c = stage_place(p->st, key_of(p, s, text));

		SAY(p, "forget cluster %s", c);
		stage_ask_forget_cluster(p->st, c);
		stage_release(p->st);
		return;
	}
	SAY(p, "forget %s", key_of(p, s, text));
	stage_ask_forget(p->st,
	    p->by_hostname ? s->hostname : s->address[0].host, 3306);
	if (chance(p, 3) > 0)
		return;
	SAY(p, "and discover it");
	stage_ask_probe(p->st, s->address[0].host, 3306);
}

static void
reload(struct play *p)
{
	int poll = 2 + (int)chance(p, 5);
	char *text = config_text(p, poll);

	SAY(p, "poll every %d s", poll);
	if (stage_reload(p->st, text) != ERR_NONE)
		buf_str(&p->why, "the reload failed\n");
	mem_free(text);
}

/* Every request of this life was answered once; later ones hang on. */
static void
check_answers(struct play *p)
{
	struct stage *st = p->st;

	if (st->answers != st->asked)
		buf_printf(&p->why, "%u requests, %zu answers\n", st->asked,
		    st->answers);
	for (size_t i = 0; i < st->answers; i++)
		if (stage_answers_to(st, st->answer[i].serial) != 1)
			buf_printf(&p->why, "request %u: %u answers\n",
			    st->answer[i].serial, stage_answers_to(st,
				st->answer[i].serial));
}

static void
crash(struct play *p)
{
	size_t known;

	SAY(p, "the daemon is killed");
	p->steps += sim_steps(p->st->sim);
	stage_crash(p->st);
	if (!stage_restart(p->st, DUR_MS(100 + chance(p, 10000))))
		buf_str(&p->why, "it does not start again\n");
	known = stage_count(p->st, false);
	SAY(p, "it is up, %zu servers shown", known);
	if (known != p->st->answer[0].count)
		buf_printf(&p->why, "%u were stored, %zu are shown\n",
		    p->st->answer[0].count, known);
}

static void
heal_one(struct play *p)
{
	struct model_server *s = any(p);

	s->fault = MODEL_UP;
	SAY(p, "s%u is well", s->origin);
}

static void
write_some(struct play *p)
{
	for (int i = 0; i < 5; i++)
		model_write(any(p), 1 + chance(p, 50));
}

static void
act(struct play *p)
{
	static const struct {
		unsigned weight;
		void (*run)(struct play *p);
	} row[] = {
		{ 5, set_fault }, { 3, heal_one }, { 2, restart },
		{ 3, move_address }, { 2, move_virtual }, { 5, replicate }, { 4, discover },
		{ 2, forget }, { 1, reload }, { 1, crash }, { 3, write_some },
	};
	uint64_t sum = 0, x;

	for (size_t i = 0; i < MEM_COUNT(row); i++)
		sum += row[i].weight;
	x = chance(p, sum);
	for (size_t i = 0; i < MEM_COUNT(row); i++) {
		if (x < row[i].weight) {
			row[i].run(p);
			return;
		}
		x -= row[i].weight;
	}
}

static void
check_rules(struct play *p)
{
	buf_str(&p->why, stage_rules_broken(p->st));
}

/* ---- when all is well ---- */

static void
heal(struct play *p)
{
	struct model *w = p->st->world;

	SAY(p, "all is well");
	for (uint32_t i = 0; i < w->n; i++) {
		w->server[i]->fault = MODEL_UP;
		/* Nobody has that virtual address any more. */
		if (model_find(w, w->server[i]->source.host, 3306) == NULL)
			model_detach(w->server[i]);
	}
	stage_run(p->st, DUR_S(20)); /* what is forgotten may come back */
	for (uint32_t i = 0; i < w->n; i++)
		stage_ask_probe(p->st, w->server[i]->address[0].host, 3306);
}

static const struct model_server *
source_of(const struct play *p, const struct model_server *s)
{
	return s->source.host[0] == '\0' ? NULL :
	    model_find(p->st->world, s->source.host, s->source.port);
}

/* The root by the model; NULL for a ring. */
static const struct model_server *
root_of(const struct play *p, const struct model_server *s, unsigned *depth)
{
	const struct model_server *up;

	for (*depth = 0; *depth <= SERVERS_MAX; ++*depth) {
		up = source_of(p, s);
		if (up == NULL)
			return s;
		s = up;
	}
	return NULL;
}

static void
check_server(struct play *p, const struct model_server *s, struct buf *b)
{
	const struct model_server *up = source_of(p, s), *root;
	char key[KEY_TEXT_MAX], text[KEY_TEXT_MAX], want[KEY_TEXT_MAX];
	const struct member *m = stage_member(p->st, key_of(p, s, key));
	unsigned depth;

	if (m == NULL) {
		buf_printf(b, "%s is not shown\n", key);
		return;
	}
	if (!stage_valid(p->st, key))
		buf_printf(b, "%s is not valid: %s\n", key, m->health.error);
	strcpy(want, ":0");
	if (up != NULL)
		key_of(p, up, want);
	if (strcmp(key_text(m->in->source_key, text), want) != 0)
		buf_printf(b, "%s: its source is %s, not %s\n", key, text,
		    want);
	root = root_of(p, s, &depth);
	if (root == NULL)
		return;
	if (m->in->replication_depth != depth)
		buf_printf(b, "%s: its depth is %u, not %u\n", key,
		    (unsigned)m->in->replication_depth, depth);
	if (strcmp(m->in->cluster_name, key_of(p, root, want)) != 0)
		buf_printf(b, "%s: its cluster is %s, not %s\n", key,
		    m->in->cluster_name, want);
}

/* Nobody is shown twice; what nobody ever reached may be left over. */
static void
check_doubles(struct play *p, struct buf *b)
{
	size_t valid = stage_count(p->st, true);
	const struct directory_snap *d = stage_directory(p->st);

	if (valid != p->st->world->n)
		buf_printf(b, "%zu are valid, %u exist\n", valid,
		    p->st->world->n);
	if (d->servers != p->st->sessions)
		buf_printf(b, "%u servers are known, %u sessions\n",
		    d->servers, p->st->sessions);
	stage_release(p->st);
}

/* All are reached: none is analysed as if it were not. */
static void
check_analyses(struct play *p, struct buf *b)
{
	static const char *const not_seen[] = { "Dead", "Unreachable",
		"Unseen", "Refusing", "Stalled" };
	struct model *w = p->st->world;

	for (uint32_t i = 0; i < w->n; i++) {
		char key[KEY_TEXT_MAX];
		const char *code = stage_analysis(p->st,
		    key_of(p, w->server[i], key));

		for (size_t k = 0; k < MEM_COUNT(not_seen); k++)
			if (strncmp(code, not_seen[k],
				strlen(not_seen[k])) == 0)
				buf_printf(b, "s%u: %s\n", i, code);
		stage_release(p->st);
	}
}

static void
check_end(struct play *p)
{
	struct model *w = p->st->world;
	struct buf b;

	buf_init(&b);
	for (int s = 0; s < SETTLE_S; s += 5) {
		stage_run(p->st, DUR_S(5));
		check_rules(p);
		buf_reset(&b);
		for (uint32_t i = 0; i < w->n; i++) {
			check_server(p, w->server[i], &b);
			stage_release(p->st);
		}
		check_doubles(p, &b);
		check_analyses(p, &b);
		if (b.len == 0)
			break;
	}
	buf_str(&p->why, buf_text(&b));
	buf_fini(&b);
	check_answers(p);
}

/* ---- one seed ---- */

/* true when all rules held. */
static bool
play(uint64_t seed, uint64_t *digest, uint64_t *steps, bool verbose)
{
	struct play p = { .rng = seed * 2 + 1, .seed = seed };
	char *config;
	bool good;

	buf_init(&p.trace);
	buf_init(&p.why);
	p.by_hostname = chance(&p, 2) == 0;
	p.listed = chance(&p, 2) == 0;
	config = config_text(&p, 5);
	p.st = stage_new(seed, config);
	mem_free(config);
	build_world(&p);
	if (!stage_start(p.st))
		buf_str(&p.why, "it does not start\n");
	stage_ask_probe(p.st, p.st->world->server[0]->address[0].host, 3306);
	for (int i = 0; i < STEPS && p.why.len == 0; i++) {
		/* What goes wrong goes so in short moments. */
		for (int k = 0; k < LOOKS && p.why.len == 0; k++) {
			stage_run(p.st, DUR_US(chance(&p, 20000)));
			check_rules(&p);
		}
		stage_run(p.st, DUR_MS(chance(&p, 8000)));
		check_rules(&p);
		act(&p);
	}
	if (p.why.len == 0) {
		heal(&p);
		check_end(&p);
	}
	good = p.why.len == 0;
	if (!good || verbose) {
		printf("# seed %llu%s\n%s%s", (unsigned long long)seed,
		    p.by_hostname ? ", by hostname" : "",
		    buf_text(&p.trace), buf_text(&p.why));
		stage_print_log(p.st, 60);
		printf("%s", stage_tree(p.st));
	}
	*digest = sim_digest(p.st->sim);
	*steps += p.steps + sim_steps(p.st->sim);
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
	uint64_t digest = 0, again = 0, steps = 0, unused = 0;
	clock_t began = clock();
	unsigned failed = 0;

	for (unsigned long s = from; s < from + seeds && failed < 5; s++)
		failed += !play(s, &digest, &steps, verbose);
	is_int(failed, 0, "%lu seeds from %lu: every rule held", seeds, from);
	diag("%llu handlers, %.1f s of CPU", (unsigned long long)steps,
	    (double)(clock() - began) / CLOCKS_PER_SEC);
	play(from, &digest, &unused, false);
	play(from, &again, &unused, false);
	ok(digest == again, "the same seed gives the same run");
	return tap_done();
}
