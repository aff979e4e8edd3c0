/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the store actor share; see store.c. */
#ifndef ORC_ACTORS_STORE_STATE_H
#define ORC_ACTORS_STORE_STATE_H

#include <uthash.h>

#include "actors/app.h"
#include "store/store.h"

enum {
	OPS_MAX = 20000,      /* small writes that wait; then the oldest go */
	BATCH_ROWS_MAX = 1000, /* whatever InstanceWriteBufferSize says */
	SYNCS_MAX = 16,	       /* store_sync at one time; more: BUSY */
};

/* A server that is in the file, or waits to be. */
struct row {
	UT_hash_handle hh;
	struct row *next; /* in the list of those that wait */
	enum { ROW_CLEAN, ROW_HEALTH, ROW_FACTS } dirty;
	bool listed;	  /* in that list */
	bool in_file;
	bool stored;	  /* in the transaction under way */
	bool forgetting;  /* an op to delete it waits */
	mono_t gone;	  /* when it was forgotten; 0: it was not */
	addr_t writer;	  /* the instance that wrote it last */
	mono_t since;	  /* waits since */
	struct buf facts;
	struct buf health;
	struct key key;	  /* host is in text */
	char text[];	  /* "host:port", then the host */
};

/* A message to be carried out in the next transaction. */
struct op {
	struct op *next;
	uint16_t type;
	size_t len;
	uint8_t body[];
};

struct store_actor {
	struct store *store; /* NULL until store_load */
	struct row *rows;    /* by text */
	struct row *first;   /* those that wait, in order */
	struct row **last;
	size_t waiting;
	struct op *first_op;
	struct op **last_op;
	size_t ops;
	size_t lost_ops; /* since the last good transaction */
	struct control *control; /* with every command that arrived */
	struct control *written; /* as it is in the file */
	uint64_t serial;	 /* of the last command */
	uint64_t kept;		 /* of the last one in the file */
	struct ask sync[SYNCS_MAX];
	uint32_t syncs;
	uint64_t heard;	  /* messages of others */
	uint64_t heard_then; /* at the last store_sync_turn */
	uint32_t quiet;	  /* turns without a new one */
	bool armed;	  /* store_flush is due */
	bool outside;	  /* somebody else wrote; not read yet */
	dur_t retry;	  /* wait after a failure; 0: all is well */
	char trouble[ERR_TEXT_MAX]; /* what was logged last */
	mono_t wrote;	  /* last; 0: nothing since the last checkpoint */
};

/* store.c */
struct row *store_row(struct store_actor *s, struct key key, bool add);
void store_row_drop(struct store_actor *s, struct row *row);
void store_arm(struct store_actor *s, struct ctx *ctx, dur_t wait);

/* store_flush.c */
bool store_has_work(const struct store_actor *s);
/* All that waits; after a failure it stays and is tried again later. */
void store_write_all(struct store_actor *s, struct ctx *ctx);
void store_trouble(struct store_actor *s, struct ctx *ctx,
    const struct err *err);
void store_well(struct store_actor *s, struct ctx *ctx);
/* The rows of control that differ, in a transaction of their own. */
enum err_code store_write_control(struct store_actor *s, struct err *err);
enum err_code store_write_history(struct store_actor *s, struct ctx *ctx,
    uint32_t *count, struct err *err);

/* store_load.c */
enum err_code store_load_all(struct store_actor *s, struct ctx *ctx,
    uint32_t *servers, struct err *err);
/* What another process wrote: its servers, and what operators said. */
void store_take_outside(struct store_actor *s, struct ctx *ctx);

#endif
