/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers that are nothing but logs: they answer SHOW BINLOG EVENTS and SHOW
 * RELAYLOG EVENTS from scripted files as real ones do, errors included, and a
 * search is run against them.
 */
#ifndef ORC_T_UNIT_LOG_SERVER_H
#define ORC_T_UNIT_LOG_SERVER_H

#include "plan/pgtid.h"

struct log_row {
	int64_t pos, end;
	uint64_t server_id;
	const char *type;
	char *info;
	bool embedded; /* in the Transaction_payload before it */
};

struct log_file {
	char name[64];
	bool relay;
	int64_t size;
	struct log_row *row;
	size_t rows, cap;
};

struct log_server {
	struct instance in;
	struct log_file *file[4096];
	size_t files;
	int64_t lag;	  /* Seconds_Behind_Master */
	unsigned statuses; /* how often that was asked */
	unsigned answers_max; /* rows; more is "too large". 0: any */
	uint64_t spoil; /* state of chance: bytes of answers change. 0: none */
};

void log_server_init(struct log_server *s, const char *host, unsigned id);
void log_server_fini(struct log_server *s);
/* Begins with Format_desc; the current coordinates follow. */
struct log_file *log_server_file(struct log_server *s, const char *name,
    bool relay);
void log_server_purge(struct log_server *s, size_t files); /* the oldest */
/* length bytes; end: in relay logs, the source's position. */
struct log_row *log_add(struct log_file *f, const char *type, uint64_t id,
    int64_t length, int64_t end, const char *info);
/* A row of the compressed transaction that was added last. */
struct log_row *log_embed(struct log_file *f, const char *type, uint64_t id,
    const char *info);

/* Run a search to its end on virtual time; the result is in arena. */
enum err_code log_search(const struct pgtid_request *r, struct log_server *a,
    struct log_server *b, struct arena *arena, struct pgtid_result *out,
    struct pgtid_cost *cost, struct err *err);

#endif
