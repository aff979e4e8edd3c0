/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators said: runs their commands, publishes each version, journals it
 * through the store, and ends what has ended.
 *
 * The state machine is topology/control.h.  A command is numbered and sent to
 * the store; until the store says that it is kept, it stays here, so that it can
 * be run again over what another process wrote to the same file.
 *
 * Nothing is polled: the timer is set to the next expiry (at most EXPIRY_MAX
 * away, in case the clock is moved).
 */
#include "config.h"

#include "actors/control.h"

#include <string.h>

#include "actors/classes.h"
#include "base/mem.h"
#include "config/conf.h"

enum { JOURNAL_MAX = 10000 };

#define EXPIRY_MAX DUR_S(3600)

/* A command that the store has not confirmed. */
struct entry {
	struct entry *next;
	uint64_t serial;
	size_t len;
	uint8_t bytes[];
};

struct control_actor {
	bool loaded; /* once */
	struct control *now;
	uint64_t serial; /* of the latest command that changed something */
	struct entry *first;
	struct entry **last;
	size_t entries;
	wall_t next; /* end of a row, or earlier; unset: none ends */
	timer_ref timer;
};

/* ---- for others ---- */

struct command_expire
control_limits(const struct config *config, wall_t now)
{
	const struct config *c = config;
	dur_t names = DUR_S((int64_t)c->expiry_hostname_resolves_minutes * 60);

	return (struct command_expire){
		.at = now,
		.candidate = DUR_S(
		    (int64_t)c->candidate_instance_expire_minutes * 60),
		.domain = names,
		.pool = DUR_S((int64_t)c->instance_pool_expiry_minutes * 60),
		.unresolve = names,
		.pseudo_gtid = DUR_S(CONTROL_PSEUDO_GTID_S),
		.token = DUR_S((int64_t)c->access_token_expiry_minutes * 60),
		.equivalence = DUR_S(
		    (int64_t)c->unseen_instance_forget_hours * 3600),
	};
}

const struct control_shared *
control_shared_ref(struct ctx *ctx)
{
	const struct control_shared *c =
	    board_get(ctx, BOARD_CONTROL, "control");

	assert(c != NULL);
	return c;
}

static void
free_shared(struct shared *s)
{
	struct control_shared *c = (struct control_shared *)s;

	control_unref(c->control);
	mem_free(c);
}

static void
publish(const struct control_actor *ca, struct ctx *ctx)
{
	struct control_shared *c = mem_zalloc(sizeof *c);

	shared_init(&c->shared, free_shared);
	c->control = control_ref(ca->now);
	board_put(ctx, BOARD_CONTROL, "control", c);
}

/* ---- the timer ---- */

static struct command_expire
limits_now(struct ctx *ctx)
{
	const struct config_shared *c = config_ref(ctx);
	struct command_expire limits =
	    control_limits(c->config, act_wall(ctx));

	shared_unref(c);
	return limits;
}

static void
arm(struct control_actor *ca, struct ctx *ctx, wall_t now)
{
	dur_t wait = EXPIRY_MAX;

	act_cancel(ctx, &ca->timer);
	if (ca->next.us == 0)
		return;
	if (wall_sub(ca->next, now).us < wait.us)
		wait = wall_sub(ca->next, now);
	ca->timer = act_after(ctx, wait, control_tick);
}

/* Looks at everything: after a load, and when something has ended. */
static void
set_timer(struct control_actor *ca, struct ctx *ctx)
{
	struct command_expire limits = limits_now(ctx);

	ca->next = control_next_expiry(ca->now, &limits);
	arm(ca, ctx, limits.at);
}

/* Looks at what is new.  Too early does no harm. */
static void
move_timer(struct control_actor *ca, struct ctx *ctx,
    const struct control *was)
{
	struct command_expire limits = limits_now(ctx);
	wall_t next = control_next_expiry_of(was, ca->now, &limits);

	if (next.us == 0 || (ca->next.us != 0 && ca->next.us <= next.us))
		return;
	ca->next = next;
	arm(ca, ctx, limits.at);
}

/* ---- the journal ---- */

static void
drop_first(struct control_actor *ca)
{
	struct entry *e = ca->first;

	ca->first = e->next;
	if (ca->first == NULL)
		ca->last = &ca->first;
	ca->entries--;
	mem_free(e);
}

static void
drop_kept(struct control_actor *ca, uint64_t serial)
{
	while (ca->first != NULL && ca->first->serial <= serial)
		drop_first(ca);
}

static void
journal(struct control_actor *ca, struct ctx *ctx, struct bin command)
{
	struct entry *e = mem_alloc(sizeof *e + command.len);

	if (ca->entries >= JOURNAL_MAX)
		drop_first(ca);
	e->next = NULL;
	e->serial = ++ca->serial;
	e->len = command.len;
	memcpy(e->bytes, command.data, command.len);
	*ca->last = e;
	ca->last = &e->next;
	ca->entries++;
	act_send(ctx, app_of(ctx)->store, store_command,
	    .serial = e->serial, .command = command);
}

/* ---- the audit ---- */

/* A lock that was only made longer. */
static bool
is_extension(const struct control *was, const struct control *is,
    const char *name)
{
	return strcmp(name, "begin_maintenance") == 0 &&
	    control_count(was, CONTROL_maintenance) ==
	    control_count(is, CONTROL_maintenance);
}

static void
audit(struct ctx *ctx, struct bin command)
{
	/* Commands that are somebody's act, by v1's name for it. */
	static const char *const types[][2] = {
		{ "begin_downtime", "begin-downtime" },
		{ "end_downtime", "end-downtime" },
		{ "begin_maintenance", "begin-maintenance" },
		{ "end_maintenance", "end-maintenance" },
		{ "register_candidate", "register-candidate" },
		{ "set_alias_override", "set-cluster-alias-override" },
		{ "put_tag", "put-instance-tag" },
		{ "untag", "delete-instance-tag" },
		{ "untag_all", "delete-instance-tag" },
		{ "submit_pool", "submit-pool-instances" },
		{ "register_unresolve", "register-hostname-unresolve" },
		{ "deregister_unresolve", "deregister-hostname-unresolve" },
		{ "disable_recoveries", "disable-global-recoveries" },
		{ "enable_recoveries", "enable-global-recoveries" },
	};
	const char *name = command_name(command), *cluster;
	struct buf text;
	struct key key;

	buf_init(&text);
	for (size_t i = 0; i < MEM_COUNT(types); i++) {
		if (strcmp(name, types[i][0]) == 0 &&
		    command_describe(command, &key, &cluster, &text))
			act_send(ctx, app_of(ctx)->audit, audit_add,
			    .type = types[i][1], .host = key.host,
			    .port = key.port, .cluster = cluster,
			    .message = buf_text(&text));
	}
	buf_fini(&text);
}

/* ---- commands ---- */

/* Takes the new version over. */
static void
become(struct control_actor *ca, struct ctx *ctx, struct control *next)
{
	control_unref(ca->now);
	ca->now = next;
	publish(ca, ctx);
}

/* A command that changed nothing is not written down. */
static enum err_code
run_command(struct control_actor *ca, struct ctx *ctx, struct bin command,
    struct buf *result, struct err *err)
{
	struct control *was = control_ref(ca->now), *next;
	enum err_code code = control_apply(ca->now, command, &next, result,
	    err);

	if (code == ERR_NONE && next != ca->now) {
		journal(ca, ctx, command);
		if (!is_extension(was, next, command_name(command)))
			audit(ctx, command);
		become(ca, ctx, next);
		move_timer(ca, ctx, was);
	} else if (code == ERR_NONE)
		control_unref(next);
	control_unref(was);
	return code;
}

static void
on_control_run(struct control_actor *ca, struct ctx *ctx, const struct msg *m)
{
	struct err err = ERR_INIT;
	struct buf result;
	enum err_code code;

	buf_init(&result);
	code = run_command(ca, ctx, as_control_run(m)->command, &result, &err);
	act_answer(ctx, ask_of(m), control_ran, .code = code,
	    .error = code != ERR_NONE ? err.text : NULL,
	    .result = { (uint8_t *)result.data, result.len });
	buf_fini(&result);
}

static void
audit_expired(struct ctx *ctx, struct bin result)
{
	struct pcur c = control_expired_begin(result);
	struct control_expired e;

	while (control_expired_next(&c, &e)) {
		if (e.table != CONTROL_downtime &&
		    e.table != CONTROL_maintenance)
			continue;
		act_send(ctx, app_of(ctx)->audit, audit_add,
		    .type = e.table == CONTROL_downtime ? "expire-downtime" :
			"expire-maintenance",
		    .host = e.key.host, .port = e.key.port, .cluster = "",
		    .message = "");
	}
}

static void
on_control_tick(struct control_actor *ca, struct ctx *ctx)
{
	struct command_expire limits = limits_now(ctx);
	struct bin command;
	struct control *next;
	struct buf b, result;
	enum err_code code;

	buf_init(&b);
	buf_init(&result);
	command_pack_expire(&b, &limits);
	command = (struct bin){ (uint8_t *)b.data, b.len };
	code = control_apply(ca->now, command, &next, &result, NULL);
	assert(code == ERR_NONE);
	if (next != ca->now) {
		journal(ca, ctx, command);
		audit_expired(ctx,
		    (struct bin){ (uint8_t *)result.data, result.len });
		become(ca, ctx, next);
	} else
		control_unref(next);
	set_timer(ca, ctx);
	buf_fini(&b);
	buf_fini(&result);
}

/* ---- the store ---- */

/* Run again what the loaded state does not have yet. */
static struct control *
run_journal(const struct control_actor *ca, struct ctx *ctx,
    struct control *state)
{
	struct err err = ERR_INIT;
	struct control *next;

	for (const struct entry *e = ca->first; e != NULL; e = e->next) {
		struct bin command = { e->bytes, e->len };

		if (control_apply(state, command, &next, NULL, &err) !=
		    ERR_NONE) {
			act_log(ctx, LOG_WARNING, "%s was undone, since "
			    "another process wrote meanwhile: %s",
			    command_name(command), err.text);
			continue;
		}
		control_unref(state);
		state = next;
	}
	return state;
}

/*
 * Locks of processes that died; one daemon has a store.  Here, because whoever
 * else asked for it could do so before they are loaded.
 */
static void
end_old_locks(struct control_actor *ca, struct ctx *ctx)
{
	struct err err = ERR_INIT;
	struct buf b;

	buf_init(&b);
	command_pack(&b, end_other_holders, .at = act_wall(ctx),
	    .token = app_of(ctx)->token);
	run_command(ca, ctx, (struct bin){ (uint8_t *)b.data, b.len }, NULL,
	    &err);
	assert(err.code == ERR_NONE);
	buf_fini(&b);
}

static void
on_control_load(struct control_actor *ca, struct ctx *ctx,
    const struct msg_control_load *l)
{
	struct err err = ERR_INIT;
	struct control *state = control_unpack(l->snapshot, &err);

	assert(state != NULL);
	drop_kept(ca, l->serial);
	become(ca, ctx, run_journal(ca, ctx, state));
	set_timer(ca, ctx);
	if (!ca->loaded && app_of(ctx)->daemon)
		end_old_locks(ca, ctx);
	ca->loaded = true;
}

/* ---- life ---- */

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	struct control_actor *ca = self;

	(void)arg;
	ca->now = control_new();
	ca->last = &ca->first;
	publish(ca, ctx);
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct control_actor *ca = self;

	switch (m->type) {
	case MSG_control_run: on_control_run(ca, ctx, m); break;
	case MSG_control_tick: on_control_tick(ca, ctx); break;
	case MSG_control_load:
		on_control_load(ca, ctx, as_control_load(m));
		break;
	case MSG_control_kept:
		drop_kept(ca, as_control_kept(m)->serial);
		break;
	default: act_unexpected(ctx, m);
	}
}

static void
fini(void *self, struct ctx *ctx)
{
	struct control_actor *ca = self;

	(void)ctx;
	while (ca->first != NULL)
		drop_first(ca);
	control_unref(ca->now);
}

const struct actor_class control_class = {
	.name = "control",
	.size = sizeof(struct control_actor),
	.init = init,
	.handle = handle,
	.fini = fini,
};
