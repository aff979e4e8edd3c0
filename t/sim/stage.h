/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage for stories: one process of real actors in the simulator, a world of
 * model servers around it, and what a story may do and look at.
 *
 *	struct stage *st = stage_new(1, "{\"InstancePollSeconds\": 5}");
 *	struct model_server *a = model_add(st->world, "a", 3306, "8.0.36");
 *
 *	stage_start(st);
 *	stage_discover(st, "a", 3306);
 *	stage_run(st, DUR_S(20));
 *	... stage_tree(st), stage_member(st, "a:3306") ...
 *	stage_free(st);
 *
 * Simulated are the session (over t/model), the resolver, the store, control
 * and audit; all else is what the daemon runs.  With stage_new_on_file() the
 * latter three are the real ones, too, on an SQLite file.
 */
#ifndef ORC_T_SIM_STAGE_H
#define ORC_T_SIM_STAGE_H

#include "actors/cluster.h"
#include "actors/directory.h"
#include "actors/names.h"
#include "model/model.h"
#include "plan/plan.h"
#include "runtime/sim.h"

enum {
	STAGE_NAMES_MAX = 64,
	STAGE_LINES_MAX = 400,
	STAGE_HELD_MAX = 256,
};

/* A name that the resolver knows. */
struct stage_name {
	char host[MODEL_HOST_MAX];
	char cname[MODEL_HOST_MAX]; /* "" : itself */
	char ipv4[16];
	bool fails;
	dur_t delay;
};

struct stage_answer {
	uint32_t serial;
	uint16_t type; /* MSG_..., or SYS_REFUSED */
	uint32_t code;
	uint32_t count;
	char error[1200];
	char host[MODEL_HOST_MAX];
	uint32_t port;
	mono_t at;
	char tracks[1024]; /* move_ran: "host:port end why; left", a line each */
};

struct stage_row; /* of the store */

/* What happened to the store, and what is to happen. */
struct stage_store {
	struct stage_row *rows;
	unsigned writes;  /* store_instance */
	unsigned healths; /* store_health */
	unsigned forgets;
	unsigned detections; /* store_detection, of what calls for action */
	wall_t pulse;	   /* as store_put_pulse() writes it */
	bool refuses_load; /* it cannot be read */
	dur_t load_delay;
};

struct stage {
	struct app app; /* first: act_app() */
	struct model *world;
	struct sim *sim;
	struct port *port;
	struct stage_store store;
	struct stage_name name[STAGE_NAMES_MAX];
	unsigned names;
	uint64_t seed;
	unsigned life; /* grows with each start */
	char token[32]; /* of this life */
	wall_t wall;   /* of the start of this life */
	char *config_text;
	char store_dir[32]; /* of the SQLite file; "" when simulated */
	char config_file[64]; /* for reloads; "" while there was none */
	dur_t connect_limit;  /* MySQLConnectTimeoutSeconds */

	struct stage_answer *answer;
	size_t answers;
	unsigned asked; /* requests sent from the port in this life */

	char *line[STAGE_LINES_MAX]; /* a ring of log lines */
	size_t lines;

	unsigned commands;    /* control_run */
	unsigned audits;
	char audit[4096];     /* "type host:port message\n" of this life */
	unsigned lookups;     /* resolve_run */
	unsigned sessions;    /* alive */
	unsigned under_way;   /* of them with a run */
	unsigned most_under_way;
	unsigned overlaps;    /* runs that came while one was under way */

	char cut[MODEL_HOST_MAX]; /* this host does not hear us; "": all do */

	/* Statements of operations: how many, and what a story does at one. */
	unsigned orders;
	void (*before_order)(struct stage *st, unsigned n,
	    struct model_server *s);
	void (*after_order)(struct stage *st, unsigned n,
	    struct model_server *s);
	bool killed; /* by one of these: nothing more is sent or answered */
	void *arg;   /* the story's */

	const void *held[STAGE_HELD_MAX];
	size_t holds;
	struct buf text;
};

/* config: JSON; the stage adds what every configuration needs. */
struct stage *stage_new(uint64_t seed, const char *config);
struct stage *stage_new_on_file(uint64_t seed, const char *config);
void stage_free(struct stage *st);

/* Spawn everything, and wait until what the store knew is published. */
bool stage_start(struct stage *st);
/* kill -9: the store keeps what reached it. */
void stage_crash(struct stage *st);
/* After a crash: start again, so much later. */
bool stage_restart(struct stage *st, dur_t later);

/* Time of the world: goes on over restarts. */
mono_t stage_now(const struct stage *st);
void stage_run(struct stage *st, dur_t d);
bool stage_until(struct stage *st, dur_t d, bool (*cond)(void *arg),
    void *arg);
/* Until so many servers are shown, all checked well. */
bool stage_until_valid(struct stage *st, size_t servers, dur_t limit);

/* ---- what people do ---- */

/* The serial; the answer comes into st->answer[]. */
uint32_t stage_ask_probe(struct stage *st, const char *host, uint32_t port);
/* An operation; target "": none.  Ports are 3306. */
uint32_t stage_ask_move(struct stage *st, const char *op, const char *server,
    const char *target, const char *user);
uint32_t stage_ask_forget(struct stage *st, const char *host, uint32_t port);
uint32_t stage_ask_forget_cluster(struct stage *st, const char *cluster);
/* NULL: none came within the limit. */
const struct stage_answer *stage_wait(struct stage *st, uint32_t serial,
    dur_t limit);
unsigned stage_answers_to(const struct stage *st, uint32_t serial);
/* Ask and wait a minute at most: the answer's code. */
enum err_code stage_discover(struct stage *st, const char *host,
    uint32_t port);
enum err_code stage_forget(struct stage *st, const char *host, uint32_t port);
/* Nothing of ours reaches that host, and others go on as before. */
void stage_cut(struct stage *st, const char *host, bool on);
/* Read another configuration, through the root actor: the answer's code. */
enum err_code stage_reload(struct stage *st, const char *config);

/* ---- what can be seen; pointers hold until time goes on ---- */

const struct cluster_snap *stage_cluster(struct stage *st, const char *name);
/* By host:port; NULL: not shown. */
const struct member *stage_member(struct stage *st, const char *key);
const char *stage_place(struct stage *st, const char *key); /* cluster, "" */
/* last-check-valid */
bool stage_valid(struct stage *st, const char *key);
/* v1's name of its analysis; "(nothing)": it is not shown */
const char *stage_analysis(struct stage *st, const char *key);
size_t stage_count(struct stage *st, bool valid_only);
size_t stage_clusters(struct stage *st);
/*
 * All clusters in order of their names, as text: "NAME\n", then for each member
 * one line of depth + 1 blanks, the key, "!" when its last check failed, "@"
 * for a co-primary.
 */
const char *stage_tree(struct stage *st);
const struct directory_snap *stage_directory(struct stage *st);
const struct names_snap *stage_names(struct stage *st);
/* Broken rules as text; "" when all is well. */
const char *stage_rules_broken(struct stage *st);
/* Log lines with this text in them. */
unsigned stage_logged(const struct stage *st, const char *text);
void stage_print_log(const struct stage *st, size_t last);
bool stage_stored(const struct stage *st, const char *key);

/* ---- for the stage's own files ---- */

static inline struct stage *
stage_of(const struct ctx *ctx)
{
	return act_app(ctx);
}

const struct stage_name *stage_find_name(const struct stage *st,
    const char *host);
struct stage_name *stage_add_name(struct stage *st, const char *host,
    const char *cname, const char *ipv4);
void stage_store_clear(struct stage_store *s);
const void *stage_hold(struct stage *st, const void *shared);
void stage_release(struct stage *st);

extern const struct actor_class stage_session_class;
extern const struct actor_class stage_resolver_class;
extern const struct actor_class stage_store_class;
extern const struct actor_class stage_control_class;
extern const struct actor_class stage_audit_class;

#endif
