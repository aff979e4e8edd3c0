/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random trees and random requests.  Of every plan it must hold that
 *   - what each step needs is so when its turn comes, if all goes well;
 *   - when it is carried out, the tree is what was asked for, or a replica that
 *     is not moved is left out with a reason;
 *   - nobody else changed, no new ring came up, threads ended as found;
 *   - whatever changes is locked, and every step has a limit and a reason;
 *   - asked again it is the same.
 * A refusal says why and leaves no trace.
 *
 *	plan_random.t [SEED [COUNT]]	one seed alone shows its tree and plan
 */
#include "config.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "plan/plan.h"
#include "tap.h"
#include "topology/coord.h"

enum { SERVERS_MAX = 14, COUNT = 6000, NOW_S = 1000000 };
#define NOW ((wall_t){ INT64_C(1000000) * NOW_S })

/* ---- dice ---- */

static uint64_t dice;

static unsigned
roll(unsigned n)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (unsigned)((dice >> 11) % n);
}

static bool
chance(unsigned percent)
{
	return roll(100) < percent;
}

/* ---- trees ---- */

enum kind { PLAIN, ORACLE, MARIADB, MIXED, KINDS };

struct scene {
	uint64_t seed;
	struct arena a;
	enum kind kind;
	struct instance in[SERVERS_MAX];
	struct member m[SERVERS_MAX];
	const struct member *at[SERVERS_MAX];
	unsigned executed[SERVERS_MAX]; /* transactions */
	size_t n;
	struct plan_policy policy;
	struct world world;
};

static struct coord
place(struct scene *c, unsigned log_of, unsigned transactions)
{
	return (struct coord){ arena_printf(&c->a, "log%02u.%06u", log_of,
	    transactions / 100 + 1), (transactions % 100) * 100 + 4, false };
}

static void
set_gtid(struct scene *c, unsigned i, enum kind kind)
{
	struct instance *in = &c->in[i];
	bool replica = !key_is_none(in->source_key);
	unsigned n = c->executed[i];

	if (kind == ORACLE) {
		in->gtid_mode = "ON";
		in->supports_oracle_gtid = true;
		in->using_oracle_gtid = replica && !chance(10);
		in->executed_gtid_set = arena_printf(&c->a,
		    "00000001-0000-0000-0000-000000000000:1-%u", n);
		if (chance(15))
			in->gtid_purged = arena_printf(&c->a,
			    "00000001-0000-0000-0000-000000000000:1-%u",
			    1 + roll(n));
	} else if (kind == MARIADB) {
		in->version = "10.11.6-MariaDB";
		in->server_uuid = "";
		in->mariadb_binlog_pos = arena_printf(&c->a, "0-1-%u", n);
		in->using_mariadb_gtid = replica && !chance(10);
		in->using_gtid_text = in->using_mariadb_gtid ? "Slave_Pos" :
							       "No";
		if (replica)
			in->mariadb_slave_pos = in->mariadb_binlog_pos;
		in->mariadb_current_pos = in->mariadb_binlog_pos;
	} else {
		in->gtid_mode = "ON_PERMISSIVE";
	}
}

static void
set_threads(struct instance *in, bool on)
{
	in->io_state = in->sql_state = on ? THREAD_RUNNING : THREAD_STOPPED;
	in->io_running = in->sql_running = on;
	in->seconds_behind = in->lag_seconds = (struct nullint){ 0, on };
}

static void
set_below(struct scene *c, unsigned i, unsigned source)
{
	struct instance *in = &c->in[i];
	unsigned got;

	in->source_key = c->in[source].key;
	in->source_uuid = c->in[source].server_uuid;
	in->source_host_raw = in->source_key.host;
	in->channels = 1;
	in->read_only = true;
	c->executed[i] = c->executed[source] - roll(20);
	got = c->executed[i] +
	    roll(1 + c->executed[source] - c->executed[i]);
	in->exec_coord = place(c, source, c->executed[i]);
	in->read_coord = place(c, source, got);
	set_threads(in, !chance(12));
}

/* What goes wrong with servers. */
static void
set_trouble(struct scene *c, unsigned i)
{
	struct instance *in = &c->in[i];
	struct health *h = &c->m[i].health;

	if (chance(5)) {
		h->failures = 1;
		h->last_seen = wall_add(NOW, DUR_S(-60));
		h->error_code = ERR_UNREACHABLE;
		h->error = "connection refused";
	}
	if (chance(2))
		h->last_checked = h->last_seen = wall_add(NOW, DUR_S(-60));
	if (chance(1))
		h->last_seen = (wall_t){ 0 };
	in->log_replica_updates = !chance(5);
	in->log_bin = !chance(4);
	in->read_only = chance(90) ? in->read_only : !in->read_only;
	if (chance(5))
		in->version = in->version[0] == '8' ? "8.0.36" :
						      "10.6.9-MariaDB";
	if (!instance_is_replica(in))
		return;
	if (chance(3))
		in->channels = 2;
	if (chance(6) && in->seconds_behind.valid)
		in->seconds_behind.v = 100;
	if (chance(4)) {
		in->source_key.host = arena_printf(&c->a, "//%s",
		    in->source_key.host);
		in->is_detached_source = true;
	}
}

static void
make_server(struct scene *c, unsigned i)
{
	struct instance *in = &c->in[i];
	char host[8];

	instance_init(in);
	snprintf(host, sizeof host, "h%02u", i);
	in->key = (struct key){ arena_strdup(&c->a, host), 3306 };
	in->server_id = i + 1;
	in->server_uuid = arena_printf(&c->a,
	    "%08x-0000-0000-0000-000000000000", i + 1);
	in->version = "8.4.3";
	in->binlog_format = "ROW";
	in->binlog_row_image = "FULL";
	in->has_replication_credentials = !chance(10);
	in->using_pseudo_gtid = c->policy.pseudo_gtid && chance(80);
	c->executed[i] = 1000;
	c->m[i].in = in;
	c->m[i].health = (struct health){ .last_checked = NOW,
		.last_seen = NOW, .last_attempted = NOW, .error = "" };
	c->at[i] = &c->m[i];
	if (i > 0 && !chance(6))
		set_below(c, i, roll(i));
	if (c->kind == PLAIN && i > 0 && chance(12))
		in->version = "2.5.1-maxscale";
	set_gtid(c, i, c->kind == MIXED ? (enum kind)roll(MIXED) : c->kind);
	in->self_coord = place(c, i, c->executed[i]);
	set_trouble(c, i);
	if (instance_is_binlog_server(in)) {
		in->log_bin = in->log_replica_updates = true;
		in->self_coord = in->read_coord;
	}
}

static void
set_replicas(struct scene *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct key *ks = arena_alloc(&c->a, c->n * sizeof *ks);
		size_t n = 0;

		for (size_t k = 0; k < c->n; k++)
			if (key_eq(c->in[k].source_key, c->in[i].key))
				ks[n++] = c->in[k].key;
		c->in[i].replicas = keys_sorted(ks, n, &c->a);
	}
}

static void
set_scene(struct scene *c, uint64_t seed)
{
	memset(c, 0, sizeof *c);
	arena_init(&c->a);
	c->seed = seed;
	dice = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (unsigned i = 0; i < 8; i++)
		roll(2);
	c->policy = (struct plan_policy){ .poll = DUR_S(5),
		.maintenance_lag = DUR_S(20), .lag = DUR_S(10),
		.read_limit = DUR_S(600), .side_by_side = 5,
		.pseudo_gtid = chance(40) };
	c->kind = (enum kind)roll(KINDS);
	c->n = 3 + roll(SERVERS_MAX - 2);
	for (unsigned i = 0; i < c->n; i++)
		make_server(c, i);
	if (chance(10) && key_eq(c->in[1].source_key, c->in[0].key)) {
		set_below(c, 0, 1);
		set_gtid(c, 0, c->kind == MIXED ? ORACLE : c->kind);
		c->in[0].is_co_primary = c->in[1].is_co_primary = true;
		c->in[0].read_only = false;
	}
	set_replicas(c);
	c->world = (struct world){ .at = c->at, .n = c->n,
		.policy = &c->policy, .now = NOW };
}

/* ---- what is found wrong ---- */

enum property {
	REFUSED_CLEANLY, NEEDS_HOLD, AS_ASKED, NOBODY_ELSE, NO_RING,
	THREADS_AS_FOUND, LOCKED, BOUNDED, SAME_AGAIN, PROPERTIES,
};
static const char *const property_words[] = {
	"a refusal says why and leaves no trace",
	"what a step needs is so when its turn comes",
	"afterwards the tree is what was asked for",
	"nobody changed who is not changed by a step",
	"no ring came up",
	"threads ended as they were found",
	"whatever changes is locked",
	"every step has a limit and a reason, and the plan is complete",
	"asked again, the plan is the same",
};
static unsigned wrong[PROPERTIES];

static void
fail(const struct scene *c, const struct plan_request *r, enum property p,
    const char *text)
{
	if (wrong[p]++ < 3)
		diag("seed %llu: %s %s %s: %s: %s",
		    (unsigned long long)c->seed, r->op, r->server.host,
		    r->target.host, property_words[p], text);
}

/* ---- the properties ---- */

static const struct instance *
after_of(const struct world *after, size_t i)
{
	return after->at[i]->in;
}

static void
check_steps(const struct scene *c, const struct plan_request *r,
    const struct plan *p)
{
	for (size_t i = 0; i < p->steps; i++) {
		const struct step *s = &p->step[i];

		if (verb_changes(s->verb) && !p->server[s->server].locked)
			fail(c, r, LOCKED, verb_wire(s->verb));
		if (s->limit.us <= 0 || s->why[0] == '\0')
			fail(c, r, BOUNDED, verb_wire(s->verb));
	}
	if (p->stage != 0 || p->side_by_side == 0)
		fail(c, r, BOUNDED, "stage, side by side");
}

/* Each on the servers as the steps before it have left them. */
static void
check_needs(const struct scene *c, const struct plan_request *r,
    struct plan *p)
{
	size_t steps = p->steps;

	for (size_t i = 0; i < steps; i++) {
		const struct step *s = &p->step[i];
		const struct world *now;
		struct err err = ERR_INIT;
		struct arena a;

		arena_init(&a);
		p->steps = i;
		now = plan_foresee(p, &c->world, &a);
		for (unsigned n = 0; n < NEEDS; n++) {
			const struct member *to = s->to == PLAN_NOBODY ? NULL :
			    world_find(now, p->server[s->to].key);

			/* How far a binlog server will be nobody foresees, nor
			 * whether sets are the same where places are: the
			 * step is there to find out. */
			if (n == NEED_NOT_AHEAD ||
			    (n == NEED_NO_ERRANT && s->verb == DO_READ))
				continue;
			if ((s->needs & (UINT64_C(1) << n)) != 0 &&
			    need_check((enum need)n, world_find(now,
				p->server[s->server].key), to, NULL, now,
				&err) != ERR_NONE)
				fail(c, r, NEEDS_HOLD, err.text);
		}
		arena_fini(&a);
	}
	p->steps = steps;
}

static bool
is_changed(const struct plan *p, struct key k)
{
	for (size_t i = 0; i < p->steps; i++)
		if (verb_changes(p->step[i].verb) &&
		    key_eq(p->server[p->step[i].server].key, k))
			return true;
	return false;
}

static void
check_others(const struct scene *c, const struct plan_request *r,
    const struct plan *p, const struct world *after)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct instance *was = &c->in[i];
		const struct instance *is = after_of(after, i);

		if (is_changed(p, was->key))
			continue;
		if (!key_eq(was->source_key, is->source_key) ||
		    was->io_state != is->io_state ||
		    was->sql_state != is->sql_state ||
		    was->read_only != is->read_only)
			fail(c, r, NOBODY_ELSE, was->key.host);
	}
}

static bool
is_in_ring(const struct world *w, const struct instance *in)
{
	const struct member *m = world_find(w, in->source_key);

	for (size_t hops = 0; m != NULL && hops <= w->n; hops++) {
		if (key_eq(m->in->key, in->key))
			return true;
		m = world_find(w, m->in->source_key);
	}
	return false;
}

static void
check_rings(const struct scene *c, const struct plan_request *r,
    const struct world *after)
{
	for (size_t i = 0; i < c->n; i++)
		if (is_in_ring(after, after_of(after, i)) &&
		    !is_in_ring(&c->world, &c->in[i]))
			fail(c, r, NO_RING, c->in[i].key.host);
}

static void
check_threads(const struct scene *c, const struct plan_request *r,
    const struct world *after)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->in[i].io_state != after_of(after, i)->io_state ||
		    c->in[i].sql_state != after_of(after, i)->sql_state)
			fail(c, r, THREADS_AS_FOUND, c->in[i].key.host);
}

static bool
is_left_out(const struct plan *p, struct key k)
{
	for (size_t i = 0; i < p->left_outs; i++)
		if (key_eq(p->left_out[i].key, k))
			return p->left_out[i].why[0] != '\0';
	return false;
}

static bool
is_below(const struct world *w, struct key k, struct key source)
{
	return key_eq(world_find(w, k)->in->source_key, source);
}

/* ---- what was asked for ---- */

struct ask {
	const struct scene *c;
	const struct plan_request *r;
	const struct plan *p;
	const struct world *after;
};

/* The server below the target. */
static bool
one_below(const struct ask *q)
{
	return is_below(q->after, q->r->server, q->r->target);
}

/* The server below who was above its source. */
static bool
one_up(const struct ask *q)
{
	const struct world *w = &q->c->world;
	struct key source = world_find(w, q->r->server)->in->source_key;

	return is_below(q->after, q->r->server,
	    world_find(w, source)->in->source_key);
}

/* Whoever was below "from" is below "to" or left out; "but" stays. */
static bool
lot_below(const struct ask *q, struct key from, struct key to, struct key but)
{
	for (size_t i = 0; i < q->c->n; i++) {
		const struct instance *in = &q->c->in[i];

		if (!key_eq(in->source_key, from) || key_eq(in->key, but))
			continue;
		if (!is_below(q->after, in->key, to) &&
		    !(is_left_out(q->p, in->key) &&
			is_below(q->after, in->key, from)))
			return false;
	}
	return true;
}

static bool
replicas_below(const struct ask *q)
{
	return lot_below(q, q->r->server, q->r->target, q->r->target);
}

static bool
replicas_up(const struct ask *q)
{
	struct key above =
	    world_find(&q->c->world, q->r->server)->in->source_key;

	return lot_below(q, q->r->server, above, above);
}

static bool
siblings_below(const struct ask *q)
{
	struct key source =
	    world_find(&q->c->world, q->r->server)->in->source_key;

	return is_below(q->after, q->r->server, source) &&
	    lot_below(q, source, q->r->server, q->r->server);
}

static bool
group_below_chosen(const struct ask *q)
{
	if (q->p->steps == 0)
		return true; /* one or none */
	return is_below(q->after, q->p->chosen, q->r->server) &&
	    lot_below(q, q->r->server, q->p->chosen, q->p->chosen);
}

static bool
swapped(const struct ask *q)
{
	const struct world *w = &q->c->world;
	struct key source = world_find(w, q->r->server)->in->source_key;

	return is_below(q->after, source, q->r->server) && one_up(q);
}

static bool
same_source(const struct ask *q)
{
	return key_eq(world_find(q->after, q->r->server)->in->source_key,
	    world_find(&q->c->world, q->r->server)->in->source_key);
}

static bool
with_gtid(const struct ask *q)
{
	const struct instance *in = world_find(q->after, q->r->server)->in;

	return same_source(q) &&
	    (in->using_oracle_gtid || in->using_mariadb_gtid);
}

static bool
without_gtid(const struct ask *q)
{
	return same_source(q) && !with_gtid(q);
}

static bool
detached(const struct ask *q)
{
	return key_is_detached(
	    world_find(q->after, q->r->server)->in->source_key);
}

static bool
attached(const struct ask *q)
{
	return !detached(q);
}

static const struct {
	const char *op;
	bool target;
	bool (*holds)(const struct ask *q);
} ops[] = {
	{ "relocate", true, one_below },
	{ "relocate", true, one_below },
	{ "relocate-replicas", true, replicas_below },
	{ "take-siblings", false, siblings_below },
	{ "regroup-replicas", false, group_below_chosen },
	{ "regroup-replicas-gtid", false, group_below_chosen },
	{ "move-up", false, one_up },
	{ "move-up-replicas", false, replicas_up },
	{ "move-below", true, one_below },
	{ "move-below-gtid", true, one_below },
	{ "move-replicas-gtid", true, replicas_below },
	{ "repoint", true, one_below },
	{ "repoint-replicas", true, replicas_below },
	{ "match", true, one_below },
	{ "match-up", false, one_up },
	{ "match-replicas", true, replicas_below },
	{ "take-master", false, swapped },
	{ "enable-gtid", false, with_gtid },
	{ "disable-gtid", false, without_gtid },
	{ "detach-replica-master-host", false, detached },
	{ "reattach-replica-master-host", false, attached },
};
static unsigned planned[MEM_COUNT(ops)], refused[MEM_COUNT(ops)];

/* ---- a case ---- */

static void
check_plan(const struct scene *c, const struct plan_request *r, struct plan *p,
    bool (*holds)(const struct ask *q))
{
	const struct world *after = plan_foresee(p, &c->world, &p->arena);
	const struct ask q = { c, r, p, after };

	check_steps(c, r, p);
	check_needs(c, r, p);
	check_others(c, r, p, after);
	check_rings(c, r, after);
	check_threads(c, r, after);
	if (!holds(&q))
		fail(c, r, AS_ASKED, p->title);
}

static void
check_again(const struct scene *c, const struct plan_request *r,
    const struct plan *p)
{
	struct buf first, second;
	struct plan again;

	buf_init(&first);
	buf_init(&second);
	plan_init(&again);
	plan_words(p, &first);
	if (plan_make_whole(&again, r, &c->world, NULL) == ERR_NONE)
		plan_words(&again, &second);
	if (strcmp(buf_text(&first), buf_text(&second)) != 0)
		fail(c, r, SAME_AGAIN, buf_text(&second));
	plan_fini(&again);
	buf_fini(&first);
	buf_fini(&second);
}

static void
show(const struct scene *c, const struct plan_request *r, const struct plan *p,
    const char *error)
{
	struct buf b;

	for (size_t i = 0; i < c->n; i++)
		printf("# %s below %s, %s, %lld %lld\n", c->in[i].key.host,
		    c->in[i].source_key.host, c->in[i].version,
		    (long long)c->in[i].io_state,
		    (long long)c->in[i].sql_state);
	buf_init(&b);
	plan_words(p, &b);
	printf("# %s %s %s\n%s\n%s\n", r->op, r->server.host,
	    r->target.host, error, buf_text(&b));
	buf_fini(&b);
}

static void
run(uint64_t seed, bool alone)
{
	struct err err = ERR_INIT;
	struct plan_request r;
	struct scene c;
	struct plan p;
	size_t op;

	set_scene(&c, seed);
	op = roll(MEM_COUNT(ops));
	r = (struct plan_request){ .op = ops[op].op,
		.server = c.in[roll((unsigned)c.n)].key,
		.target = ops[op].target ? c.in[roll((unsigned)c.n)].key :
					   KEY_NONE };
	plan_init(&p);
	if (plan_make_whole(&p, &r, &c.world, &err) == ERR_NONE) {
		planned[op] += p.steps > 0;
		check_plan(&c, &r, &p, ops[op].holds);
		check_again(&c, &r, &p);
	} else {
		refused[op]++;
		if (err.text[0] == '\0' || err.code == ERR_NONE)
			fail(&c, &r, REFUSED_CLEANLY, "no reason");
		if (p.stage == 0 && p.steps > 0)
			fail(&c, &r, REFUSED_CLEANLY, "steps");
	}
	if (alone)
		show(&c, &r, &p, err.text);
	plan_fini(&p);
	arena_fini(&c.a);
}

int
main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) :
	    argc > 1	      ? 1 : COUNT;

	for (uint64_t i = 0; i < n; i++)
		run(seed + i, n == 1);
	for (unsigned p = 0; p < PROPERTIES; p++)
		ok(wrong[p] == 0, "%s", property_words[p]);
	for (size_t i = 0; argc == 1 && i < MEM_COUNT(ops); i++)
		ok(planned[i] > 0 && refused[i] > 0,
		    "%s: %u plans, %u refusals", ops[i].op, planned[i],
		    refused[i]);
	return tap_done();
}
