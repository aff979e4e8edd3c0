/* SPDX-License-Identifier: Apache-2.0 */
/*
 * moved: what a cluster makes of reports that tell only what changed.  The
 * instance is played by the test, so that it can lose count.
 */
#include "config.h"

#include "sim/stage.h"

#include <string.h>

#include "actors/cluster.h"
#include "base/mem.h"
#include "tap.h"
#include "topology/health.h"
#include "topology/moving.h"

/* Each message of the script is sent when the clock says so. */
enum { ALL, MOVED, STRANGER };

struct scene {
	int what;
	uint32_t base;
	const char *set; /* executed */
	int64_t pos;
};

#define SOURCE "00010000-0000-4000-8000-000000000000"
#define OTHER "00010001-0000-4000-8000-000000000001"

static const struct scene script[] = {
	{ ALL, 7, SOURCE ":1-5", 100 },
	{ MOVED, 7, SOURCE ":1-9", 120 },
	{ MOVED, 7, SOURCE ":1-9", 121 },
	{ MOVED, 8, SOURCE ":1-10", 130 }, /* facts 8 got lost */
	{ MOVED, 8, SOURCE ":1-11", 140 },
	{ ALL, 8, SOURCE ":1-11", 140 },
	{ MOVED, 8, SOURCE ":1-12", 150 },
	{ STRANGER, 8, SOURCE ":1-99", 999 },
	{ MOVED, 8, SOURCE ":1-12," OTHER ":1", 150 },
};

struct player {
	addr_t cluster;
	unsigned at;	/* in the script */
	unsigned again; /* how often it was asked for all */
};

static struct player *player;

static void
fill(struct instance *in, const struct scene *s)
{
	instance_init(in);
	in->key = (struct key){ "b", 3306 };
	in->version = "8.0.36";
	in->server_uuid = OTHER;
	in->executed_gtid_set = s->set;
	in->exec_coord = (struct coord){ "bin.1", s->pos, false };
}

static void
send_all(struct ctx *ctx, const struct player *p, const struct scene *s)
{
	struct health h = { .last_seen = act_wall(ctx), .error = "" };
	struct instance in;
	struct buf facts, health;

	buf_init(&facts);
	buf_init(&health);
	fill(&in, s);
	instance_pack(&facts, &in);
	health_pack(&health, &h);
	act_send(ctx, p->cluster, inst_report, .host = "b", .port = 3306,
	    .facts = { (uint8_t *)facts.data, facts.len },
	    .health = { (uint8_t *)health.data, health.len },
	    .base = s->base);
	buf_fini(&facts);
	buf_fini(&health);
}

static void
send_moved(struct ctx *ctx, const struct player *p, const struct scene *s)
{
	uint32_t rows =
	    1u << moving_find(offsetof(struct instance, exec_coord.pos)) |
	    1u << moving_find(offsetof(struct instance, executed_gtid_set));
	struct instance in;
	struct buf values;

	buf_init(&values);
	fill(&in, s);
	moving_pack(&values, &in, rows);
	act_send(ctx, p->cluster, inst_moved,
	    .key = s->what == STRANGER ? "c:3306" : "b:3306",
	    .base = s->base, .seen_us = act_wall(ctx).us, .calm = true,
	    .values = { (uint8_t *)values.data, values.len });
	buf_fini(&values);
}

static void
player_init(void *self, struct ctx *ctx, const void *arg)
{
	struct cluster_arg name = { .name = "b:3306" };

	(void)arg;
	player = self;
	player->cluster = act_spawn(ctx, &cluster_class, &name, HOME_ANY);
	act_after(ctx, DUR_S(2), probe_tick);
}

static void
player_handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct player *p = self;
	const struct scene *s = &script[p->at];

	if (m->type == MSG_inst_again) {
		p->again++;
		return;
	}
	assert(m->type == MSG_probe_tick);
	if (s->what == ALL)
		send_all(ctx, p, s);
	else
		send_moved(ctx, p, s);
	if (++p->at < MEM_COUNT(script))
		act_after(ctx, DUR_S(2), probe_tick);
}

static const struct actor_class player_class = {
	.name = "player",
	.size = sizeof(struct player),
	.init = player_init,
	.handle = player_handle,
};

/* One step on: the position that is shown, and how often it was asked. */
static void
step(struct stage *st, int64_t pos, const char *set, unsigned again,
    const char *what)
{
	const struct cluster_snap *snap;
	const struct instance *in;

	stage_run(st, DUR_MS(1950));
	snap = stage_cluster(st, "b:3306");
	in = snap != NULL && snap->n == 1 ? snap->members[0].in : NULL;
	ok(in != NULL && in->exec_coord.pos == pos &&
	    strcmp(in->executed_gtid_set, set) == 0 &&
	    strcmp(in->exec_coord.file, "bin.1") == 0 &&
	    strcmp(in->version, "8.0.36") == 0, "%s", what);
	is_int(player->again, again, "  asked for all: %u times", again);
	stage_run(st, DUR_MS(50));
	stage_release(st);
}

int
main(void)
{
	struct stage *st = stage_new(1, "{}");

	stage_start(st);
	sim_spawn(st->sim, &player_class, NULL, HOME_ANY);
	stage_run(st, DUR_MS(2050));
	step(st, 100, SOURCE ":1-5", 0, "all of it");
	step(st, 120, SOURCE ":1-9", 0, "what moved");
	step(st, 121, SOURCE ":1-9", 0, "and again");
	step(st, 121, SOURCE ":1-9", 1, "since facts that never came: not taken");
	step(st, 121, SOURCE ":1-9", 1, "nor later ones, asked once");
	step(st, 140, SOURCE ":1-11", 1, "all of it came again");
	step(st, 150, SOURCE ":1-12", 1, "and from there it moves on");
	step(st, 150, SOURCE ":1-12", 1, "a server that is none of its members");
	step(st, 150, SOURCE ":1-12," OTHER ":1", 1, "one of its own");
	stage_free(st);
	return tap_done();
}
