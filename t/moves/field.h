/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model servers, and an operator who carries plans out on them in virtual time:
 * src/plan without actors, locks or store.  What is asked of a server takes its
 * latency; a story may look and meddle at each statement.
 *
 *	struct field *f = field_new(seed);
 *	... model_add(f->m, ...), model_replicate() ...
 *	field_look_all(f);
 *	code = field_do(f, "relocate", "s2", "s1");
 *	... f->error, f->tracks, model servers ...
 *	field_free(f);
 */
#ifndef ORC_T_MOVES_FIELD_H
#define ORC_T_MOVES_FIELD_H

#include "model/model.h"
#include "mysql/probe.h"
#include "plan/run.h"

enum { FIELD_SERVERS_MAX = 16, FIELD_TRACKS_MAX = 32, FIELD_ORDERS_MAX = 64 };

/* What is known of a server. */
struct field_server {
	struct model_server *s;
	struct probe_memory memory;
	struct arena arena; /* of facts */
	struct instance *facts; /* NULL: never seen */
	struct health health;
	uint32_t incarnation; /* of the connection that probes use */
	uint32_t generation;
};

/* A connection of the operation under way. */
struct field_session {
	bool open;
	uint32_t incarnation;
	struct model_session session;
};

struct field_order {
	struct run_order order;
	char *text; /* what is left of it to be asked */
	struct buf rows;
	mono_t due, limit;
	bool asked; /* the trap had its say */
};

enum field_meddling { FIELD_GO_ON, FIELD_LOSE_ANSWER };

struct field {
	struct model *m;
	mono_t now;
	wall_t wall;
	uint64_t rng;
	struct plan_policy policy;
	struct pgtid_rule markers;
	struct field_server server[FIELD_SERVERS_MAX];

	/* the operation under way, or the last one */
	struct run *run;
	struct plan plan;
	struct arena arena; /* of its worlds */
	struct field_session session[FIELD_SERVERS_MAX];
	struct field_order order[FIELD_ORDERS_MAX];
	size_t orders;
	unsigned statements; /* that were sent in it */
	bool heeds_warnings; /* nothing is done then */
	bool killed; /* the process that carried it out */
	struct buf kept; /* its journal */
	enum err_code code;
	struct err err;
	struct track_result track[FIELD_TRACKS_MAX]; /* texts in the arena */
	unsigned tracks;
	struct buf words; /* what it did */

	/* Before a statement is carried out (n counts from 1), and after. */
	void (*before)(struct field *f, unsigned n, struct model_server *s);
	enum field_meddling (*after)(struct field *f, unsigned n,
	    struct model_server *s);
	/* Whenever time has gone on. */
	void (*tick)(struct field *f);
	void *arg;
};

struct field *field_new(uint64_t seed);
void field_free(struct field *f);
uint64_t field_chance(struct field *f, uint64_t n);
void field_pass(struct field *f, dur_t d);
/* Probe all servers there are. */
void field_look_all(struct field *f);
bool field_look(struct field *f, struct model_server *s);
/* As known now, in the arena. */
const struct world *field_world(struct field *f, struct arena *a);

/* Plan and carry out; hosts, NULL for none.  The outcome is in f, too. */
enum err_code field_do(struct field *f, const char *op, const char *server,
    const char *target);
enum err_code field_do_request(struct field *f, const struct plan_request *r);
/* What another process does after the one that carried it out was killed. */
enum err_code field_recover(struct field *f);

#endif
