/* SPDX-License-Identifier: Apache-2.0 */
/* The instance actor: what it tells its cluster, the directory, the store. */
#include "config.h"

#include "actors/instance_state.h"

#include <string.h>

#include "topology/control.h"
#include "topology/moving.h"

/*
 * Times and positions are written this often when they are all that is new; the
 * first time at any moment of that, so that not all do it at once.  Who reads the store takes a server for unchecked after five
 * periods: times of those that are well come from store_put_pulse(), of others
 * every three periods.
 */
#define STORE_EVERY DUR_S(60)
#define STORE_PERIODS 3
#define RULE_LIMIT DUR_S(10)

enum { FACTS_USUAL = 2000 }; /* bytes, packed; it grows when there are more */

static void
pack_health(const struct inst *in, struct buf *b)
{
	buf_init(b);
	health_pack(b, &in->health);
}

/* What someone may be waiting for: all of it but times and the words. */
static uint32_t
health_news(const struct health *h)
{
	return (uint32_t)h->error_code << 3 |
	    (h->last_attempted.us > h->last_checked.us) << 2 |
	    h->partial << 1 | (h->failures > 0);
}

void
instance_send_report(struct inst *in, struct ctx *ctx, const struct buf *facts,
    bool calm)
{
	uint32_t news = health_news(&in->health);
	struct buf health;

	if (addr_is_none(in->cluster))
		return;
	if (facts != NULL)
		in->told_base++;
	pack_health(in, &health);
	act_send(ctx, in->cluster, inst_report, .host = in->shown_host,
	    .port = in->shown_port, .health = bytes(&health),
	    .facts = facts != NULL ? bytes(facts) : (struct bin){ 0 },
	    .calm = calm && news == in->health_told, .base = in->told_base);
	in->health_told = news;
	buf_fini(&health);
}

void
instance_report_moved(struct inst *in, struct ctx *ctx, uint32_t rows)
{
	uint32_t news = health_news(&in->health);
	const struct health *h = &in->health;
	char key[KEY_TEXT_MAX];
	struct buf values;

	assert(h->failures == 0);
	if (addr_is_none(in->cluster))
		return;
	buf_init(&values);
	if (rows != 0)
		moving_pack(&values, in->told.raw, rows);
	act_send(ctx, in->cluster, inst_moved,
	    .key = key_text((struct key){ in->shown_host, in->shown_port }, key),
	    .base = in->told_base, .attempted_us = h->last_attempted.us,
	    .seen_us = h->last_seen.us, .latency_us = h->latency.us,
	    .uptime = h->uptime, .calm = news == in->health_told,
	    .values = bytes(&values));
	in->health_told = news;
	buf_fini(&values);
}

void
instance_forget_stored(struct inst *in, struct ctx *ctx)
{
	if (in->stored_as.host[0] == '\0')
		return;
	act_send(ctx, app_of(ctx)->store, store_forget,
	    .host = in->stored_as.host, .port = in->stored_as.port);
	in->stored_as.host[0] = '\0';
}

static void
note_stored(struct inst *in, struct ctx *ctx)
{
	const struct config_shared *c = config_ref(ctx);
	dur_t d = DUR_S((int64_t)c->config->instance_poll_seconds *
	    STORE_PERIODS);

	shared_unref(c);
	in->stored_failing = in->health.failures > 0;
	if (d.us > STORE_EVERY.us || !in->stored_failing)
		d = STORE_EVERY;
	if (in->store_due.us == 0)
		d = DUR_US((int64_t)act_random_below(ctx, (uint64_t)d.us));
	in->store_due = mono_add(act_now(ctx), d);
}

static void
store(struct inst *in, struct ctx *ctx, uint64_t steady,
    const struct buf *facts)
{
	struct key key = { in->shown_host, in->shown_port };
	bool due = act_now(ctx).us >= in->store_due.us;
	struct buf health;

	if (!key_eq(key, address_key(&in->stored_as)))
		instance_forget_stored(in, ctx);
	else if (steady == in->told.steady && !due)
		return;
	in->told.steady = steady;
	in->moved = false;
	note_stored(in, ctx);
	address_set(&in->stored_as, key);
	pack_health(in, &health);
	act_send(ctx, app_of(ctx)->store, store_instance, .host = key.host,
	    .port = key.port, .facts = bytes(facts), .health = bytes(&health));
	buf_fini(&health);
}

/* The directory filed it anew, and has not said where yet. */
static bool
moving(const struct inst *in)
{
	return in->port != in->shown_port ||
	    strcmp(in->host, in->shown_host) != 0;
}

/* Positions go along with the times, when these are due. */
static void
store_moved(struct inst *in, struct ctx *ctx)
{
	const struct directory_snap *snap;
	struct instance *now;
	struct arena a;
	struct buf facts;

	arena_init(&a);
	buf_init(&facts);
	snap = board_get(ctx, BOARD_DIRECTORY, "directory");
	now = told_resolve(&in->told, snap, &a);
	now->key = instance_filed_key(in);
	instance_pack(&facts, now);
	store(in, ctx, in->told.steady, &facts);
	shared_unref(snap);
	buf_fini(&facts);
	arena_fini(&a);
}

void
instance_store_times(struct inst *in, struct ctx *ctx)
{
	struct buf health;

	if (in->moved && act_now(ctx).us >= in->store_due.us &&
	    in->stored_as.host[0] != '\0' && !moving(in)) {
		store_moved(in, ctx);
		return;
	}
	if (in->stored_as.host[0] == '\0' ||
	    (act_now(ctx).us < in->store_due.us &&
	    in->stored_failing == (in->health.failures > 0)))
		return;
	note_stored(in, ctx);
	pack_health(in, &health);
	act_send(ctx, app_of(ctx)->store, store_health,
	    .host = in->stored_as.host, .port = in->stored_as.port,
	    .health = bytes(&health));
	buf_fini(&health);
}

void
instance_report(struct inst *in, struct ctx *ctx, bool whole)
{
	const struct directory_snap *snap;
	struct instance *now;
	struct arena a;
	struct buf facts;
	uint64_t digest, steady;

	if (addr_is_none(in->cluster) || moving(in))
		return;
	arena_init(&a);
	snap = board_get(ctx, BOARD_DIRECTORY, "directory");
	now = told_resolve(&in->told, snap, &a);
	now->key = instance_filed_key(in);
	digest = instance_digest(now);
	if (!whole && digest == in->told.shown) {
		instance_report_moved(in, ctx, 0);
		instance_store_times(in, ctx);
	} else {
		in->told.shown = digest;
		steady = told_steady(now);
		buf_init(&facts);
		buf_room(&facts, FACTS_USUAL);
		instance_pack(&facts, now);
		instance_send_report(in, ctx, &facts,
		    !whole && steady == in->told.steady);
		store(in, ctx, steady, &facts);
		buf_fini(&facts);
	}
	shared_unref(snap);
	arena_fini(&a);
}

void
instance_report_unreached(struct inst *in, struct ctx *ctx)
{
	struct instance facts;
	struct buf b;

	instance_init(&facts);
	facts.key = instance_filed_key(in);
	facts.asked_key = instance_asked_key(in);
	facts.version = "Unknown";
	buf_init(&b);
	instance_pack(&b, &facts);
	instance_send_report(in, ctx, &b, false);
	buf_fini(&b);
}

void
instance_report_state(struct inst *in, struct ctx *ctx)
{
	bool reached = in->health.failures == 0;

	if (in->has_told && in->told_state == reached)
		return;
	in->has_told = true;
	in->told_state = reached;
	act_send(ctx, app_of(ctx)->directory, server_state, .host = in->host,
	    .port = in->port, .reached = reached);
}

void
instance_announce(struct inst *in, struct ctx *ctx)
{
	const struct neighbour *n = in->told.near;

	in->since_announced = 0;
	in->near_announced = in->told.near_digest;
	for (size_t i = 0; i < in->told.near_n; i++)
		act_send(ctx, app_of(ctx)->directory, server_found,
		    .host = n[i].key.host, .port = n[i].key.port,
		    .by = n[i].by);
}

void
instance_report_edge(struct inst *in, struct ctx *ctx)
{
	uint64_t edge = told_edge(in->told.raw);
	struct arena a;
	struct buf b;

	if (edge == in->told.edge)
		return;
	in->told.edge = edge;
	arena_init(&a);
	act_send(ctx, app_of(ctx)->directory, server_filed,
	    .asked_host = in->arg.host, .asked_port = in->arg.port,
	    .host = in->host, .port = in->port,
	    .identity = told_identity(in->told.raw, &a));
	buf_init(&b);
	instance_pack(&b, in->told.raw);
	act_send(ctx, app_of(ctx)->directory, server_edge, .host = in->host,
	    .port = in->port, .facts = bytes(&b));
	buf_fini(&b);
	arena_fini(&a);
}

void
instance_register_rule(struct inst *in, struct ctx *ctx, const struct config *c)
{
	const char *text = in->told.raw->detected_promotion_rule;
	dur_t life = DUR_S((int64_t)c->candidate_instance_expire_minutes * 60);
	struct err err = ERR_INIT;
	enum promotion_rule rule;
	struct buf b;

	if (text[0] == '\0' || (strcmp(text, in->rule) == 0 &&
	    act_now(ctx).us < in->rule_until.us))
		return;
	if (promotion_rule_parse(&rule, text, &err) != ERR_NONE) {
		act_log(ctx, LOG_WARNING, "DetectPromotionRuleQuery: %s",
		    err.text);
	} else {
		buf_init(&b);
		command_pack(&b, register_candidate, .at = act_wall(ctx),
		    .key = instance_filed_key(in), .rule = rule);
		act_request(ctx, app_of(ctx)->control, control_run, RULE_LIMIT,
		    .command = bytes(&b));
		buf_fini(&b);
	}
	snprintf(in->rule, sizeof in->rule, "%s", text);
	in->rule_until = mono_add(act_now(ctx), DUR_US(life.us / 2));
}
