/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold right before a step (needs.def), on facts read just now. */
#include "config.h"

#include "plan/make.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "topology/coord.h"
#include "topology/gtid_mariadb.h"
#include "topology/note.h"

struct check {
	const struct member *server, *to, *was;
	const struct world *w;
	const char *name, *to_name;
	struct err *err;
};

#define NO(c, ...) err_set((c)->err, ERR_INVALID, __VA_ARGS__)

/* ---- replication ---- */

static enum err_code
check_REPLICA(const struct check *c)
{
	if (instance_is_replica(c->server->in))
		return ERR_NONE;
	return NO(c, "%s replicates from nobody", c->name);
}

static enum err_code
check_NO_REPLICA(const struct check *c)
{
	char text[KEY_TEXT_MAX];

	if (!instance_is_replica(c->server->in))
		return ERR_NONE;
	return NO(c, "%s replicates from %s", c->name,
	    key_text(c->server->in->source_key, text));
}

/* It may go by another name there than here. */
static bool
is_source(const struct check *c)
{
	const struct instance *in = c->server->in, *to = c->to->in;
	const struct member *known = world_find(c->w, in->key);

	if (key_eq(in->source_key, to->key) ||
	    (to->server_uuid[0] != '\0' &&
		strcmp(in->source_uuid, to->server_uuid) == 0))
		return true;
	return known != NULL && key_eq(known->in->source_key, to->key) &&
	    in->source_host_raw[0] != '\0' &&
	    strcmp(in->source_host_raw, known->in->source_host_raw) == 0 &&
	    in->source_key.port == known->in->source_key.port;
}

static enum err_code
check_SOURCE(const struct check *c)
{
	char text[KEY_TEXT_MAX];

	if (!instance_is_replica(c->server->in))
		return NO(c, "%s replicates from nobody, no longer from %s",
		    c->name, c->to_name);
	if (is_source(c))
		return ERR_NONE;
	return NO(c, "%s replicates from %s now, no longer from %s", c->name,
	    key_text(c->server->in->source_key, text), c->to_name);
}

static bool
is_stopped(int64_t state)
{
	return state == THREAD_STOPPED || state == THREAD_NONE;
}

static enum err_code
check_APPLIER_STOPPED(const struct check *c)
{
	if (is_stopped(c->server->in->sql_state))
		return ERR_NONE;
	return NO(c, "the applier of %s is not stopped", c->name);
}

static enum err_code
check_STOPPED(const struct check *c)
{
	if (is_stopped(c->server->in->io_state))
		return check_APPLIER_STOPPED(c);
	return NO(c, "the receiver of %s is not stopped", c->name);
}

static enum err_code
check_LAG_OK(const struct check *c)
{
	const struct instance *in = c->server->in;

	if (!instance_is_replica(in))
		return check_REPLICA(c);
	if (in->sql_state != THREAD_RUNNING)
		return NO(c, "the applier of %s does not run%s%.300s", c->name,
		    in->last_sql_error[0] != '\0' ? ": " : "",
		    in->last_sql_error);
	if (in->io_state != THREAD_RUNNING)
		return NO(c, "the receiver of %s does not run%s%.300s", c->name,
		    in->last_io_error[0] != '\0' ? ": " : "",
		    in->last_io_error);
	if (!in->seconds_behind.valid)
		return NO(c, "%s does not say how far it lags", c->name);
	if (note_lags(in->seconds_behind, in->sql_delay,
		c->w->policy->maintenance_lag))
		return NO(c, "%s lags by %lld s, and %lld are reasonable "
		    "(ReasonableMaintenanceReplicationLagSeconds)", c->name,
		    (long long)in->seconds_behind.v,
		    (long long)(c->w->policy->maintenance_lag.us / 1000000));
	return ERR_NONE;
}

static enum err_code
check_SQL_ERROR(const struct check *c)
{
	if (!instance_is_replica(c->server->in))
		return check_REPLICA(c);
	if (!is_stopped(c->server->in->sql_state))
		return NO(c, "the applier of %s runs", c->name);
	if (c->server->in->last_sql_error[0] == '\0')
		return NO(c, "the applier of %s did not stop for an error",
		    c->name);
	return ERR_NONE;
}

/* ---- with another server ---- */

static enum err_code
check_MAY_REPLICATE(const struct check *c)
{
	return may_replicate(c->w, c->server, c->to, NULL, c->err);
}

static enum err_code
check_GTID_AVAILABLE(const struct check *c)
{
	return may_replicate_gtid(c->w, c->server, c->to, NULL, c->err);
}

static enum err_code
check_errant_mysql(const struct check *c)
{
	struct gtid_set mine, theirs, extra;
	enum err_code code = ERR_NONE;
	struct buf b;

	gtid_set_init(&mine);
	gtid_set_init(&theirs);
	gtid_set_init(&extra);
	buf_init(&b);
	if (gtid_set_parse(&mine, c->server->in->executed_gtid_set, NULL) !=
		ERR_NONE ||
	    gtid_set_parse(&theirs, c->to->in->executed_gtid_set, NULL) !=
		ERR_NONE)
		code = NO(c, "the GTID set of %s or %s is not readable",
		    c->name, c->to_name);
	else
		gtid_set_subtract(&extra, &mine, &theirs);
	if (code == ERR_NONE && !gtid_set_is_empty(&extra)) {
		gtid_set_text(&extra, &b);
		code = NO(c, "%s has transactions that %s lacks: %.300s",
		    c->name, c->to_name, buf_text(&b));
	}
	buf_fini(&b);
	gtid_set_fini(&mine);
	gtid_set_fini(&theirs);
	gtid_set_fini(&extra);
	return code;
}

static enum err_code
check_errant_mariadb(const struct check *c)
{
	const char *mine = c->server->in->mariadb_binlog_pos;
	const char *theirs = c->to->in->mariadb_binlog_pos;
	enum err_code code = ERR_NONE;
	struct mariadb_pos a, b;
	struct arena arena;

	arena_init(&arena);
	if (mariadb_pos_parse(&a, mine, &arena, NULL) != ERR_NONE ||
	    mariadb_pos_parse(&b, theirs, &arena, NULL) != ERR_NONE)
		code = NO(c, "the GTID position of %s or %s is not readable",
		    c->name, c->to_name);
	else if ((mariadb_pos_cmp(a, b) & MARIADB_AHEAD) != 0)
		code = NO(c, "%s has transactions that %s lacks: it is at "
		    "%.150s, the other at %.150s", c->name, c->to_name, mine,
		    theirs);
	arena_fini(&arena);
	return code;
}

/* Without GTID nobody can tell. */
static enum err_code
check_NO_ERRANT(const struct check *c)
{
	if (c->server->in->executed_gtid_set[0] != '\0' &&
	    (c->to->in->supports_oracle_gtid ||
		c->to->in->executed_gtid_set[0] != '\0'))
		return check_errant_mysql(c);
	if (c->server->in->mariadb_binlog_pos[0] != '\0' &&
	    may_is_mariadb(c->to->in))
		return check_errant_mariadb(c);
	return ERR_NONE;
}

static enum err_code
check_SAME_POSITION(const struct check *c)
{
	char is[COORD_TEXT_MAX], was[COORD_TEXT_MAX];

	if (c->was == NULL ||
	    coord_eq(&c->server->in->exec_coord, &c->was->in->exec_coord))
		return ERR_NONE;
	return NO(c, "%s went on meanwhile: it executed up to %.100s, and now "
	    "to %.100s", c->name, coord_text(&c->was->in->exec_coord, was),
	    coord_text(&c->server->in->exec_coord, is));
}

static enum err_code
check_NOT_AHEAD(const struct check *c)
{
	const struct coord *is = &c->server->in->exec_coord;
	const struct coord *end = &c->to->in->self_coord;
	char mine[COORD_TEXT_MAX], theirs[COORD_TEXT_MAX];

	if (coord_is_none(is) || coord_is_none(end))
		return ERR_NONE;
	if (!coord_comparable(is, end))
		return NO(c, "%s executed up to %.100s, and the log of %s is "
		    "another one, now at %.100s", c->name,
		    coord_text(is, mine), c->to_name, coord_text(end, theirs));
	if (coord_cmp(is, end) <= 0)
		return ERR_NONE;
	return NO(c, "%s executed up to %.100s, and %s has only up to %.100s",
	    c->name, coord_text(is, mine), c->to_name,
	    coord_text(end, theirs));
}

/* ---- the server ---- */

static enum err_code
check_READ_ONLY(const struct check *c)
{
	if (c->server->in->read_only)
		return ERR_NONE;
	return NO(c, "%s is not read-only", c->name);
}

static enum err_code
check_NO_REPLICAS(const struct check *c)
{
	char text[KEY_TEXT_MAX];
	struct keys ks = c->server->in->replicas;

	if (ks.n == 0)
		return ERR_NONE;
	return NO(c, "%s has replicas: %s%s", c->name,
	    key_text(ks.at[0], text), ks.n > 1 ? " and others" : "");
}

/* What was found errant at the first look must still be in its set. */
static enum err_code
check_ERRANT(const struct check *c)
{
	const struct instance *was = c->was != NULL ? c->was->in : NULL;
	const char *errant = c->server->in->gtid_errant;
	struct gtid_set part, whole;
	bool there;

	if (errant[0] == '\0' && was != NULL)
		errant = was->gtid_errant;
	if (errant[0] == '\0')
		return NO(c, "%s has no errant transactions", c->name);
	gtid_set_init(&part);
	gtid_set_init(&whole);
	there = gtid_set_parse(&part, errant, NULL) == ERR_NONE &&
	    gtid_set_parse(&whole, c->server->in->executed_gtid_set, NULL) ==
		ERR_NONE &&
	    gtid_set_contains(&whole, &part);
	gtid_set_fini(&part);
	gtid_set_fini(&whole);
	if (there)
		return ERR_NONE;
	return NO(c, "%s no longer has the errant transactions %.300s",
	    c->name, errant);
}

static enum err_code
check_UNREACHABLE(const struct check *c)
{
	if (!note_is_valid(&c->server->health))
		return ERR_NONE;
	return NO(c, "%s can be reached", c->name);
}

static enum err_code
check_NOT_IN_GROUP(const struct check *c)
{
	if (!instance_is_group_secondary(c->server->in))
		return ERR_NONE;
	return NO(c, "%s is a secondary of the replication group %s", c->name,
	    c->server->in->group_name);
}

static const struct {
	enum err_code (*check)(const struct check *);
	const char *words;
} needs[NEEDS] = {
#define NEED(NAME, wire, words) [NEED_##NAME] = { check_##NAME, words },
#include "plan/needs.def"
#undef NEED
};

enum err_code
need_check(enum need need, const struct member *server,
    const struct member *to, const struct member *was, const struct world *w,
    struct err *err)
{
	char name[KEY_TEXT_MAX], to_name[KEY_TEXT_MAX] = "";
	struct check c = { server, to, was, w, name, to_name, err };

	assert(need < NEEDS && server != NULL);
	key_text(server->in->key, name);
	if (to != NULL)
		key_text(to->in->key, to_name);
	else if (strstr(needs[need].words, "%s") != NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "nothing is known of the other server of %s", name);
	return needs[need].check(&c);
}
