/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: JSON files to one struct that never changes after it was
 * loaded.  A reload makes a new one.  Whoever holds the pointer owns it; any
 * number of threads may read it, match its rules included.
 *
 * The keys are the rows of config.def; c->instance_poll_seconds is the value
 * of "InstancePollSeconds".  Values are effective ones: old names, credentials
 * files, environment variables and normal forms are worked in.
 *
 * (This file is not called config.h, because that is the build's.)
 *
 * From: go/config/config.go, 3.2.6 and Percona's fork; doc/differences.md.
 */
#ifndef ORC_CONFIG_CONF_H
#define ORC_CONFIG_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "config/filter.h"
#include "config/pattern.h"
#include "config/values.h"

enum {
	CONFIG_FILE_MAX = 1 << 20,	/* bytes of one file */
	CONFIG_FILES_MAX = 8,		/* files of one load */
	CONFIG_UNKNOWN_MAX = 50,	/* unknown keys reported one by one */
	CONFIG_NOTES_MAX = 512,		/* notes kept; the others are dropped */
};

enum config_key {
#define KEY(name, field, ...) CFG_##field,
#include "config/config.def"
	CONFIG_KEYS /* how many */
};

enum config_type {
	CONFIG_BOOL,   /* bool */
	CONFIG_INT,    /* int */
	CONFIG_UINT,   /* unsigned */
	CONFIG_INT64,  /* int64_t */
	CONFIG_FLOAT,  /* double */
	CONFIG_STR,    /* const char *, never NULL */
	CONFIG_SECRET, /* the same, never shown */
	CONFIG_LIST,   /* struct str_list */
	CONFIG_MAP,    /* struct str_map */
};

enum config_status {
	CONFIG_USED,
	CONFIG_LATER,	/* accepted; this version does not act on it */
	CONFIG_SYNONYM, /* old name */
	CONFIG_IGNORED, /* never had an effect */
};

enum config_reload { CONFIG_LIVE, CONFIG_STARTUP };

#define CONFIG_C_BOOL bool
#define CONFIG_C_INT int
#define CONFIG_C_UINT unsigned
#define CONFIG_C_INT64 int64_t
#define CONFIG_C_FLOAT double
#define CONFIG_C_STR const char *
#define CONFIG_C_SECRET const char *
#define CONFIG_C_LIST struct str_list
#define CONFIG_C_MAP struct str_map

/* HostnameResolveMethod */
enum hostname_resolve {
	HOSTNAME_RESOLVE_NONE, /* as written; no tables of resolved names */
	HOSTNAME_RESOLVE_DEFAULT, /* as written */
	HOSTNAME_RESOLVE_CNAME,
	HOSTNAME_RESOLVE_IP, /* the address, IPv4 preferred */
};

/* MySQLHostnameResolveMethod */
enum server_name {
	SERVER_NAME_NONE, /* the name it was found by */
	SERVER_NAME_HOSTNAME,
	SERVER_NAME_REPORT_HOST,
};

/* AuthenticationMethod */
enum auth_method { AUTH_NONE, AUTH_BASIC, AUTH_MULTI, AUTH_PROXY, AUTH_TOKEN };

/* PrependMessagesWithOrcIdentity */
enum orc_identity {
	ORC_IDENTITY_NONE,
	ORC_IDENTITY_FQDN, /* else hostname, else custom */
	ORC_IDENTITY_HOSTNAME,
	ORC_IDENTITY_CUSTOM,
};

/*
 * What the values mean, worked out at load: never look at the texts again.
 * Lists and filters are never NULL; a single pattern is NULL when its key is
 * empty.
 */
struct config_rules {
	enum hostname_resolve hostname_resolve;
	enum server_name server_name;
	enum auth_method auth;
	enum orc_identity identity;

	struct host_filter *problem_ignore;
	struct host_filter *promotion_ignore;
	struct host_filter *osc_ignore;
	struct host_filter *discovery_ignore;
	struct host_filter *discovery_ignore_source;
	struct host_filter *discovery_ignore_replica;
	struct pattern_list *discovery_ignore_user; /* replication user names */
	struct pattern_list *recovery_ignore;	    /* host names */
	struct cluster_filter *recover_primary;
	struct cluster_filter *recover_intermediate;
	struct pattern_list *cluster_alias; /* see config_cluster_alias() */
	struct pattern *reject_resolve;
	/* These three have a group 1, which is the value. */
	struct pattern *data_center;
	struct pattern *region;
	struct pattern *environment;
	struct pattern *pseudo_gtid; /* NULL also for a fixed substring */
};

/* To be logged at start and after a reload. */
struct config_note {
	enum log_level level; /* WARNING, NOTICE or INFO */
	const char *text;
};

struct config {
#define KEY(name, field, type, ...) CONFIG_C_##type field;
#include "config/config.def"
	struct config_rules rules;

	const char *file[CONFIG_FILES_MAX]; /* those that were read, in order */
	size_t files;
	uint8_t from[CONFIG_KEYS]; /* 1 + index of the file; 0: not given */
	struct config_note note[CONFIG_NOTES_MAX];
	size_t notes;
	size_t unknown; /* keys that nobody knows */
	struct arena arena; /* holds the texts */
};

/* A row of config.def. */
struct config_info {
	const char *name;
	size_t offset; /* in struct config */
	enum config_type type;
	const char *default_text;
	const char *group; /* "TOPOLOGY_CONN" */
	enum config_reload reload;
	enum config_status status;
	const char *help;
};

const struct config_info *config_info(enum config_key key);

/* By name, letter case aside; CONFIG_KEYS when there is none. */
enum config_key config_key_find(const char *name);

/* The known name most like this one; NULL when none is like it. */
const char *config_key_suggest(const char *name);

/* Where the configuration comes from, and what the command line says. */
struct config_source {
	/* --config FILE: it alone, and it must be there.  NULL: the defaults. */
	const char *file;
	/* One file more, over the others, which must be there.  NULL: none. */
	const char *extra;
	/*
	 * Default files, NULL at the end, each of them optional; a later one
	 * overrides the keys that it names.  NULL: /etc/orchestrator.conf.json,
	 * conf/orchestrator.conf.json, orchestrator.conf.json.
	 */
	const char *const *defaults;
	/* --enable-database-update: SkipOrchestratorDatabaseUpdate is false. */
	bool enable_database_update;
};

/*
 * NULL on error.  The text names the file, the key, what was expected and what
 * was found: MALFORMED (not JSON, bad regex), INVALID (type or value),
 * UNSUPPORTED (a kind of store), NOT_FOUND or IO (files, variables).
 */
struct config *config_load(const struct config_source *src, struct err *err);

/* As if text were the only file, called name. */
struct config *config_load_text(const char *name, const char *text, size_t n,
    struct err *err);

/* As if an empty file had been loaded; never fails. */
struct config *config_defaults(void);

void config_free(struct config *c); /* NULL is fine */

/* Was the key in a file? */
bool config_given(const struct config *c, enum config_key key);

/* Alias that ClusterNameToAlias gives to a cluster; NULL for none. */
const char *config_cluster_alias(const struct config *c, const char *cluster);

/* One line of JSON, all keys in the table's order, secrets masked. */
void config_dump(const struct config *c, struct buf *out);

/* The keys as tables in Markdown, by group, for the manual. */
void config_manual(struct buf *out);

struct config_keys {
	enum config_key key[CONFIG_KEYS];
	size_t count;
};

/*
 * All or nothing: the new configuration, or NULL and err, and old stays good.
 * restart	filled with the changed keys that need a restart to take effect
 */
struct config *config_reload(const struct config *old,
    const struct config_source *src, struct config_keys *restart,
    struct err *err);

#endif
