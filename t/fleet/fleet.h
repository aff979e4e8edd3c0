/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fleet of simulated MySQL servers: one process, one thread, real sockets on
 * 127.0.0.0/8, each server with an address of its own.  What the servers say is
 * t/model's; this folder puts the protocol and the faults around it.
 *
 * Each cluster is a world of its own, so that the cost of a statement does not
 * grow with the fleet.  doc/fleet.md is for people.
 */
#ifndef ORC_T_FLEET_FLEET_H
#define ORC_T_FLEET_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "model/model.h"

enum {
	FLEET_SERVERS_MAX = 100000,
	FLEET_DATA_CENTERS_MAX = 64,
	FLEET_VERSIONS_MAX = 32,
	FLEET_PACKET_MAX = 1 << 20, /* a longer one ends the connection */
	FLEET_TICK_MS = 5,	    /* of slow and dripping answers */
	GAPS = 60000,		    /* milliseconds; longer ones count as that */
};

enum listen_mode {
	LISTEN_AUTO,   /* OWN where the limit of descriptors allows it */
	LISTEN_OWN,    /* a socket for each server: a dead one refuses */
	LISTEN_SHARED, /* one for all: a dead one accepts and resets */
};

enum tls_mode {
	TLS_OFF,
	TLS_OFFERED,
	TLS_REQUIRED, /* who comes without is told so (error 3159) */
};

struct fleet_options {
	enum tls_mode tls;
	uint32_t clusters, size;
	uint32_t depth;		/* levels below the primary */
	const char *version[FLEET_VERSIONS_MAX]; /* cluster by cluster in turn */
	unsigned versions;
	uint32_t data_centers;	/* servers of a cluster in turn */
	double writes;		/* transactions a second, of each primary */
	uint32_t base;		/* IPv4 address of the first, host order */
	uint16_t port;
	enum listen_mode listen;
	const char *control;	/* path of the unix socket; NULL: none */
	uint64_t seed;		/* of what "30%" picks */
};

/* First member of whatever epoll watches. */
struct watch {
	enum { WATCH_LISTENER, WATCH_CLIENT, WATCH_CONTROL, WATCH_OPERATOR }
	    kind;
	int fd; /* -1: closed */
};

struct client;
struct tls;

struct server {
	struct watch listener; /* LISTEN_OWN */
	struct model *world;
	struct model_server *m;
	uint32_t index, cluster;
	char address[16];
	struct client *clients;
	dur_t slow;	     /* each answer waits that long */
	bool drip;	     /* a byte each tick */
	int64_t back_at_us;  /* restarting until then; 0: not */
	int64_t probed_us;   /* last probe; 0: none since reset or healing */
	uint64_t probes;
};

/* A connection. */
struct client {
	struct watch watch;
	struct server *server;
	struct client *prev, *next;   /* of the server */
	struct client *later_prev, *later_next;
	enum { CLIENT_LOGIN, CLIENT_READY } state;
	uint8_t seq;	/* of the next packet */
	bool swallowed; /* it asked while the server was mute */
	bool later;	/* is in fleet.later */
	bool doomed;	/* ends once everything is sent */
	bool watches_out;
	int64_t due_us; /* nothing is sent before */
	struct model_session session;
	char *rest;	  /* of a batch that waits at the server; NULL: none */
	struct buf rows;  /* of its statements that are done */
	struct buf in, out;
	size_t sent;
	struct tls *tls; /* NULL: not, or not yet */
	size_t sealed;	 /* of out: what is encrypted */
};

struct fleet {
	struct fleet_options o;
	struct model **world; /* one for each cluster */
	struct server *server;
	uint32_t servers;
	int epoll;
	struct watch shared, control;
	struct client *later;
	uint64_t rng;
	bool over; /* somebody said quit */
	double owed; /* transactions, a fraction of one */
	int64_t written_us; /* when the clusters last wrote */
	/* counters since the start */
	uint64_t connects, connections, resets, queries, statements, unknown;
	uint64_t handshakes; /* of TLS, begun */
	/* since the last reset of statistics */
	int64_t since_us;
	uint64_t probes, gaps;
	uint32_t gap[GAPS]; /* by milliseconds */
	int64_t gap_max_us;
};

/* ---- world.c ---- */
void fleet_init(struct fleet *f, const struct fleet_options *o);
void fleet_fini(struct fleet *f);
/* Whom an address (host order) belongs to; NULL: nobody. */
struct server *fleet_at(struct fleet *f, uint32_t address);
/* What the primaries wrote since the last call. */
void fleet_write(struct fleet *f, int64_t now_us);
bool server_is_mute(const struct server *s);
bool server_refuses(const struct server *s);
/* Nothing keeps it from answering at once. */
bool server_is_well(const struct server *s);

/* ---- loop.c ---- */
int64_t fleet_now_us(void);
/* false: a message is on stderr. */
bool fleet_listen(struct fleet *f);
bool server_listen(struct fleet *f, struct server *s);
void server_unlisten(struct server *s);
void fleet_watch(struct fleet *f, struct watch *w, bool out, bool added);
void fleet_run(struct fleet *f);

/* ---- client.c ---- */
void client_accept(struct fleet *f, struct server *s, int fd);
void client_ready(struct fleet *f, struct client *c, uint32_t events);
/* Slow and dripping answers that are due. */
void clients_later(struct fleet *f, int64_t now_us);
/* Ends with RST. */
void client_reset(struct fleet *f, struct client *c);

/* ---- query.c ---- */
/* The answer to COM_QUERY, as packets; or c->rest is what is to be asked of
 * the server again. */
void query_answer(struct fleet *f, struct client *c, const char *text,
    int64_t now_us);
void query_go_on(struct fleet *f, struct client *c, int64_t now_us);
/* Does the text ask how replication is? */
bool query_is_probe(const char *text);

/* ---- command.c ---- */
/* Runs one line of an operator; the answer is JSON without newline. */
void fleet_command(struct fleet *f, const char *line, struct buf *out);
/* Servers whose restart is over. */
void fleet_return(struct fleet *f, int64_t now_us);

/* ---- control.c ---- */
bool control_listen(struct fleet *f);
void control_accept(struct fleet *f);
void control_ready(struct fleet *f, struct watch *w);
/* From another process: send a line, print the answer; an exit status. */
int control_send(const char *path, const char *line);

/* ---- stats.c ---- */
void stats_reset(struct fleet *f, int64_t now_us);
void stats_probe(struct fleet *f, struct server *s, int64_t now_us);
void stats_json(const struct fleet *f, int64_t now_us, struct json *w);

#endif
