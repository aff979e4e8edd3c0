/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what was written to what is meant: old names, keys that stand for
 * others, normal forms.
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/build.h"

#define SYSTEM_DATA_FILE "/var/lib/orchestrator/orchestrator.db"

/*
 * Old names, of types BOOL, UINT and STR only.  The new name wins when both
 * are given; with agree set, two different values that both say something are
 * an error.
 */
static const struct synonym {
	enum config_key old, new;
	bool agree;
} synonym[] = {
	{ CFG_old_replication_lag_query, CFG_replication_lag_query, true },
	{ CFG_old_postpone_replica_recovery,
	    CFG_postpone_replica_recovery_on_lag_minutes, true },
	{ CFG_old_detach_lost_replicas,
	    CFG_detach_lost_replicas_after_primary_failover, false },
	{ CFG_old_detach_promoted, CFG_primary_failover_detach_source_host,
	    false },
};

static void
copy_value(struct config *c, enum config_key to, enum config_key from)
{
	void *dst = config_field(c, to);
	const void *src = config_value(c, from);

	switch (config_info(to)->type) {
	case CONFIG_BOOL: *(bool *)dst = *(const bool *)src; break;
	case CONFIG_UINT: *(unsigned *)dst = *(const unsigned *)src; break;
	case CONFIG_STR:
		*(const char **)dst = *(const char *const *)src;
		break;
	default: abort(); /* no synonym is of another type */
	}
	c->from[to] = c->from[from];
}

static enum err_code
take_synonym(struct config *c, const struct synonym *s, struct err *err)
{
	const char *new = config_info(s->new)->name;
	bool conflict = config_given(c, s->new) &&
	    !config_equal(config_info(s->new)->type, config_value(c, s->new),
		config_value(c, s->old));

	if (!config_given(c, s->old))
		return ERR_NONE;
	config_note(c, LOG_INFO, "%s is an old name of %s",
	    config_info(s->old)->name, new);
	if (s->agree && !config_is_set(c, s->old))
		return ERR_NONE;
	if (s->agree && conflict && config_is_set(c, s->new))
		return config_fail(c, s->old, err,
		    "differs from %s, which is its new name", new);
	if (!conflict || s->agree)
		copy_value(c, s->new, s->old);
	else
		config_note(c, LOG_NOTICE, "%s has no effect beside %s",
		    config_info(s->old)->name, new);
	return ERR_NONE;
}

static enum err_code
adjust_synonyms(struct config *c, struct err *err)
{
	for (size_t i = 0; i < MEM_COUNT(synonym); i++)
		if (take_synonym(c, &synonym[i], err) != ERR_NONE)
			return err->code;
	return ERR_NONE;
}

/* The old key counts in minutes; it holds when the new one is not given. */
static enum err_code
adjust_period(struct config *c, struct err *err)
{
	enum config_key old = CFG_recovery_period_block_minutes;
	int minutes = c->recovery_period_block_minutes;

	if (!config_given(c, old))
		return ERR_NONE;
	if (config_given(c, CFG_recovery_period_block_seconds)) {
		config_note(c, LOG_NOTICE,
		    "RecoveryPeriodBlockMinutes has no effect beside "
		    "RecoveryPeriodBlockSeconds");
		return ERR_NONE;
	}
	if (minutes < 0 || minutes > INT_MAX / 60)
		return config_fail(c, old, err, "must be from 0 to %d, is %d",
		    INT_MAX / 60, minutes);
	c->recovery_period_block_seconds = minutes * 60;
	c->from[CFG_recovery_period_block_seconds] = c->from[old];
	return ERR_NONE;
}

/* Say which keys will not do anything. */
static enum err_code
note_status(struct config *c, struct err *err)
{
	struct config *plain = config_new();

	(void)err;
	for (unsigned k = 0; k < CONFIG_KEYS; k++) {
		const struct config_info *in = config_info(k);

		if (!config_given(c, k) ||
		    config_equal(in->type, config_value(c, k),
			config_value(plain, k)))
			continue;
		if (in->status == CONFIG_LATER)
			config_note(c, LOG_NOTICE,
			    "%s: this version does not act on it yet",
			    in->name);
		else if (in->status == CONFIG_IGNORED)
			config_note(c, LOG_NOTICE, "%s has no effect",
			    in->name);
	}
	config_free(plain);
	return ERR_NONE;
}

/* Root keeps state where packages do, a user in his home. */
static const char *
default_data_file(struct arena *a)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		return SYSTEM_DATA_FILE;
	if (state != NULL && state[0] == '/')
		return arena_printf(a, "%s/orchestrator/orchestrator.db",
		    state);
	if (home != NULL && home[0] == '/')
		return arena_printf(a,
		    "%s/.local/state/orchestrator/orchestrator.db", home);
	return SYSTEM_DATA_FILE;
}

static enum err_code
adjust_backend(struct config *c, struct err *err)
{
	enum config_key key = CFG_backend_db;

	if (c->backend_db[0] == '\0' || strcmp(c->backend_db, "mysql") == 0) {
		config_fail(c, key, err,
		    "this version keeps its state in \"sqlite\" only; the "
		    "MySQL store comes later");
		return err->code = ERR_UNSUPPORTED;
	}
	if (strstr(c->backend_db, "sqlite") == NULL)
		return config_fail(c, key, err,
		    "must be \"sqlite\", is \"%.80s\"", c->backend_db);
	/* A file written for the reference, whose default store is MySQL. */
	if (!config_given(c, key) && c->mysql_orchestrator_host[0] != '\0')
		config_note(c, LOG_WARNING,
		    "MySQLOrchestratorHost is given, but BackendDB is not: "
		    "state is kept in SQLite");
	key = CFG_sqlite3_data_file;
	if (!config_given(c, key))
		c->sqlite3_data_file = default_data_file(&c->arena);
	else if (c->sqlite3_data_file[0] == '\0')
		return config_fail(c, key, err, "must not be empty");
	return ERR_NONE;
}

/* "/path" without a slash at the end, or nothing */
static enum err_code
adjust_url_prefix(struct config *c, struct err *err)
{
	const char *p = c->url_prefix + strspn(c->url_prefix, "/");
	size_t n = strlen(p);

	(void)err;
	while (n > 0 && p[n - 1] == '/')
		n--;
	c->url_prefix = n == 0 ?
	    "" :
	    arena_printf(&c->arena, "/%.*s", (int)n, p);
	return ERR_NONE;
}

/* One slash at the end */
static enum err_code
adjust_kv_prefix(struct config *c, struct err *err)
{
	const char *p = c->kv_cluster_primary_prefix;
	size_t n = strlen(p);

	(void)err;
	while (n > 0 && p[n - 1] == '/')
		n--;
	c->kv_cluster_primary_prefix =
	    arena_printf(&c->arena, "%.*s/", (int)n, p);
	return ERR_NONE;
}

/* go/config/config.go: the values that the injected entries need */
static enum err_code
adjust_pseudo_gtid(struct config *c, struct err *err)
{
	(void)err;
	if (!c->auto_pseudo_gtid)
		return ERR_NONE;
	c->pseudo_gtid_pattern = "drop view if exists `_pseudo_gtid_`";
	c->pseudo_gtid_pattern_is_fixed_substring = true;
	c->pseudo_gtid_monotonic_hint = "asc:";
	c->detect_pseudo_gtid_query = "select 1";
	return ERR_NONE;
}

/* Keys whose default is the value of another */
static enum err_code
adjust_fallbacks(struct config *c, struct err *err)
{
	int lag = c->reasonable_replication_lag_seconds;

	(void)err;
	if (c->raft_advertise[0] == '\0')
		c->raft_advertise = c->raft_bind;
	if (c->reasonable_locked_semi_sync_primary_seconds == 0 && lag > 0)
		c->reasonable_locked_semi_sync_primary_seconds = (unsigned)lag;
	if (c->instance_write_buffer_size <= 0)
		c->buffer_instance_writes = false;
	return ERR_NONE;
}

enum err_code
config_adjust(struct config *c, struct err *err)
{
	static enum err_code (*const step[])(struct config *, struct err *) = {
		adjust_period,
		adjust_synonyms,
		note_status,
		adjust_url_prefix,
		adjust_backend,
		adjust_kv_prefix,
		adjust_pseudo_gtid,
		adjust_fallbacks,
	};

	for (size_t i = 0; i < MEM_COUNT(step); i++)
		if (step[i](c, err) != ERR_NONE)
			return err->code;
	return ERR_NONE;
}
