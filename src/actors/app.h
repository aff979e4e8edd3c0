/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all actors of a process share, fixed before the first one runs: the
 * addresses of the ones that exist once, who this process is, and the kinds of
 * entries on the board.  act_app(ctx) gives it.
 */
#ifndef ORC_ACTORS_APP_H
#define ORC_ACTORS_APP_H

#include "actors/messages.h"
#include "config/conf.h"
#include "runtime/board.h"

/* What is published, and under which key. */
enum board_kind {
	BOARD_CONFIG,	/* "config": struct config_shared */
	BOARD_CLUSTER,	/* cluster name: struct cluster_snap */
	BOARD_PLACE,	/* host:port: struct place */
	BOARD_CONTROL,	/* "control": struct control_shared */
	BOARD_NAMES,	/* "names": struct names_snap */
	BOARD_DIRECTORY, /* "directory": struct directory_snap */
	BOARD_STORE,	/* "store": struct store_shared */
	BOARD_DIALER,	/* "dialer": struct dialer_snap */
	BOARD_LOGPOS,	/* "logpos": struct logpos_snap */
	BOARD_MOVE,	/* id of an operation: struct move_shown */
	BOARD_KINDS,
};

/* Homes: the workers come first, then the pinned threads in this order. */
enum pinned {
	PINNED_STORE,
	PINNED_READER,
	PINNED_RESOLVER,
	PINNED_CONNECTOR = PINNED_RESOLVER + 2, /* two resolvers */
	PINNED_FIXED = PINNED_CONNECTOR,	/* connectors are config's choice */
};

struct app {
	int workers;
	int connectors;
	addr_t root;
	addr_t directory;
	addr_t control;
	addr_t store;
	addr_t reader;
	addr_t names;
	addr_t resolver[2];
	addr_t dialer;
	addr_t audit;
	addr_t metrics;
	addr_t moves;
	addr_t searches;
	addr_t injector;
	const struct actor_class *session_class; /* real, or the simulator's */
	const char *hostname;	/* of this node */
	const char *fqdn;	/* its full name; NULL when not known */
	const char *token;	/* 64 hex digits, new at each start */
	const char *version;	/* "4.0.0" */
	const char *command;	/* "http", or the CLI command */
	struct config_source config_source; /* read again at a reload */
	wall_t started;
	bool probe;		/* discovery runs (http --discovery=true) */
	bool daemon;		/* not the process of one command */
	bool noop;		/* -noop: no server is to be changed */
	bool skip_binlog_search; /* -skip-binlog-search */
};

static inline const struct app *
app_of(const struct ctx *ctx)
{
	return act_app(ctx);
}

static inline int
home_pinned(const struct app *app, enum pinned which)
{
	return app->workers + (int)which;
}

/* The configuration, published by main and again at each reload. */
struct config_shared {
	struct shared shared;
	struct config *config; /* owned */
};
struct config_shared *config_share(struct config *config); /* takes it over */
/* A counted reference: shared_unref() it before the handler returns. */
const struct config_shared *config_ref(struct ctx *ctx);

/* What an instance's session is spawned with. */
struct session_arg {
	char host[256]; /* as asked for, not yet resolved */
	uint32_t port;
	addr_t owner; /* the instance actor */
};

/* A server's place: which cluster has it. */
struct place {
	struct shared shared;
	char cluster[]; /* name */
};

#endif
