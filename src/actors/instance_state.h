/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the instance actor share; nobody else includes it.
 *
 *	instance.c	  the schedule, the probe, the frame
 *	instance_report.c what is told to cluster, directory and store
 *	instance_place.c  its place in a cluster, and who waits to see it there
 *	instance_address.c where it is reached
 */
#ifndef ORC_ACTORS_INSTANCE_STATE_H
#define ORC_ACTORS_INSTANCE_STATE_H

#include <stdio.h>

#include "actors/announce.h"
#include "actors/classes.h"
#include "actors/cluster.h"
#include "topology/health.h"

enum {
	ASKS_MAX = 64,	      /* people waiting for the probe under way */
	SAMPLES_EACH = 8,     /* probes told to the metrics together */
	ANNOUNCE_EVERY = 10,  /* probes: neighbours are named again */
	ADDRESSES_MAX = 4,    /* other ones */
	LEAVING_MAX = 4,
};

struct address {
	char host[KEY_HOST_MAX + 1];
	uint32_t port;
};

/* A cluster that still shows it, until the new one does. */
struct left {
	addr_t cluster;
	struct address as;
};

struct inst {
	struct instance_arg arg; /* host and port: the address in use */
	struct address *other; /* ADDRESSES_MAX; NULL: none yet */
	unsigned others;
	bool strayed; /* at the address in use another server answers */
	char host[KEY_HOST_MAX + 1]; /* filed under */
	uint32_t port;
	char shown_host[KEY_HOST_MAX + 1]; /* its cluster knows it so */
	uint32_t shown_port;
	enum { IDLE, PROBING } state;

	addr_t session;
	uint32_t serial; /* of the session_run that waits; 0: none */
	struct probe_memory memory;
	struct probe *probe; /* only while PROBING, and not quickly (quick.h) */
	struct probe_options options;
	const struct config_shared *config; /* of the latest probe; or NULL */
	uint64_t config_version;
	struct arena arena;		    /* of the probe */
	mono_t began, deadline;
	wall_t attempted; /* when it began, for health once it is asked */

	mono_t base; /* of the schedule */
	timer_ref tick, slow;
	struct health health;
	uint32_t health_told; /* what of it makes news, at the last report */
	uint32_t told_base; /* number of the facts that its cluster was told last */
	char *error; /* of the last failure; NULL: it went well */
	uint64_t notes_digest; /* of the probe's notes logged last */
	struct told told;
	uint64_t names_version; /* of BOARD_DIRECTORY, at the last report */
	uint32_t since_announced; /* probes */
	uint64_t near_announced;  /* digest of the neighbours named */
	mono_t store_due;    /* times are written again */
	bool stored_failing; /* what was written last */
	bool moved;	     /* since: positions are to be written, too */
	struct address stored_as; /* its row in the store; "": none */
	mono_t rule_until; /* the promotion rule is registered until then */
	char rule[32];
	struct {
		wall_t at;
		dur_t took;
	} sample[SAMPLES_EACH]; /* of probes, not told yet */
	unsigned samples;
	mono_t samples_told;
	bool told_state; /* the directory knows: reached */
	bool has_told;

	addr_t cluster; /* ADDR_NONE: no place yet */
	struct left *leaving; /* LEAVING_MAX; NULL: none yet */
	size_t leavings;
	uint32_t leave_sync; /* serial of the cluster_sync they wait for */
	bool sync_wanted; /* asks wait until it has a place */
	uint32_t sync;	  /* serial of the cluster_sync they wait for; 0: none */
	size_t asks;
	struct ask *ask; /* of them */
};

static inline struct key
instance_asked_key(const struct inst *in)
{
	return (struct key){ in->arg.host, in->arg.port };
}

static inline struct key
instance_filed_key(const struct inst *in)
{
	return (struct key){ in->host, in->port };
}

static inline struct key
address_key(const struct address *a)
{
	return (struct key){ a->host, a->port };
}

static inline void
address_set(struct address *a, struct key k)
{
	snprintf(a->host, sizeof a->host, "%s", k.host);
	a->port = k.port;
}

static inline struct bin
bytes(const struct buf *b)
{
	return (struct bin){ (const uint8_t *)b->data, b->len };
}

/* instance_report.c */

/* Facts as others are filed now; what has no place yet keeps quiet. */
void instance_report(struct inst *in, struct ctx *ctx, bool whole);
/* A server that was never reached, but that others stand on. */
void instance_report_unreached(struct inst *in, struct ctx *ctx);
/* Times, and facts unless NULL, to its cluster.  calm: these are no news. */
void instance_send_report(struct inst *in, struct ctx *ctx,
    const struct buf *facts, bool calm);
/*
 * It was reached, and of what its cluster knows only these rows of moving.def
 * have changed.
 */
void instance_report_moved(struct inst *in, struct ctx *ctx, uint32_t rows);
void instance_store_times(struct inst *in, struct ctx *ctx);
/* Its row in the store, if any, goes. */
void instance_forget_stored(struct inst *in, struct ctx *ctx);
void instance_report_state(struct inst *in, struct ctx *ctx);
/* Name the neighbours. */
void instance_announce(struct inst *in, struct ctx *ctx);
/* Tell the directory under which name, and below whom. */
void instance_report_edge(struct inst *in, struct ctx *ctx);
/* A rule that the server's own query gives is registered like a person's. */
void instance_register_rule(struct inst *in, struct ctx *ctx,
    const struct config *c);

/* instance_place.c */
void instance_on_place(struct inst *in, struct ctx *ctx,
    const struct msg_place_set *p);
void instance_on_end(struct inst *in, struct ctx *ctx,
    const struct msg_inst_end *e);
/* Whoever asked is answered once the server can be seen on the board. */
void instance_sync_asks(struct inst *in, struct ctx *ctx);
void instance_on_synced(struct inst *in, struct ctx *ctx, uint32_t serial);
void instance_answer_asks(struct inst *in, struct ctx *ctx,
    enum err_code code, const char *error);

/* instance_address.c */
void instance_open_session(struct inst *in, struct ctx *ctx);
void instance_close_session(struct inst *in, struct ctx *ctx);
/* Of several ones: the next probe tries another. */
void instance_next_address(struct inst *in, struct ctx *ctx);
/* false: it is known. */
bool instance_add_address(struct inst *in, struct key k);
void instance_on_address(struct inst *in, struct ctx *ctx,
    const struct msg_inst_address *a);

#endif
