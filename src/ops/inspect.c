/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions about replication that change nothing: who may replicate from whom,
 * how a statement is run between a stop and a start.
 */
#include "config.h"

#include <string.h>

#include "actors/world_board.h"
#include "base/mem.h"
#include "ops/view.h"
#include "plan/candidate.h"
#include "plan/sql.h"

/* The known server that two arguments mean. false: the error was answered. */
static bool
known_arg(struct op_call *c, const char *host, const char *port,
    struct key *key)
{
	struct found f;

	if (!view_key_arg(c, host, port, key))
		return false;
	*key = key_dup(view_key_known(c, *key), &c->arena);
	if (view_find(c, *key, &f))
		return true;
	reply_error(c, "Cannot read instance: %s:%u", key->host, key->port);
	return false;
}

/* ---- may it? ---- */

typedef enum err_code may_fn(const struct world *w, const struct member *a,
    const struct member *b, struct err *warn, struct err *err);

/*
 * v1 refuses with the reason; its command line says nothing instead, which is
 * what ?refused=ok asks for.
 */
static void
answer_refusal(struct op_call *c, const char *why)
{
	const char *how = op_arg(c, "refused");

	if (how == NULL || strcmp(how, "ok") != 0) {
		reply_error(c, "%s", why);
		return;
	}
	c->reply.warning = arena_strdup(&c->arena, why);
	reply_done(c, "false");
}

static void
ask_whether(struct op_call *c, may_fn *may)
{
	struct err err = ERR_INIT, warn = ERR_INIT;
	const struct member *a, *b;
	struct world_board world;
	struct key key[2];

	if (!known_arg(c, "host", "port", &key[0]) ||
	    !known_arg(c, "belowHost", "belowPort", &key[1]))
		return;
	world_board_open(&world, op_ctx(c), key, 2);
	a = world_find(&world.world, key[0]);
	b = world_find(&world.world, key[1]);
	if (a == NULL || b == NULL) { /* gone since */
		reply_error(c, "Cannot read instance: %s:%u",
		    key[a != NULL].host, key[a != NULL].port);
	} else if (may(&world.world, a, b, &warn, &err) != ERR_NONE) {
		answer_refusal(c, err.text);
	} else {
		view_key_json(reply_ok(c, "true"), key[1]);
		reply_end(c);
	}
	world_board_close(&world);
}

void
op_run_can_replicate(struct op_call *c)
{
	ask_whether(c, may_replicate);
}

void
op_run_can_replicate_gtid(struct op_call *c)
{
	ask_whether(c, may_replicate_gtid);
}

/* ---- who is the fittest? ---- */

/* Each replica has its reason; Details have them also when nobody is fit. */
void
op_run_candidate_replica(struct op_call *c)
{
	struct err err = ERR_INIT;
	const struct member **replica;
	struct candidates found = { 0 };
	struct world_board b;
	struct key key;
	enum err_code code;
	size_t n;

	if (!known_arg(c, "host", "port", &key))
		return;
	world_board_open(&b, op_ctx(c), &key, 1);
	replica = arena_alloc(&c->arena, b.world.n * sizeof(*replica));
	n = world_replicas(&b.world, key, false, replica);
	code = candidate_choose(&found, &b.world, world_find(&b.world, key),
	    replica, n, &c->arena, &err);
	candidates_json(&found, code == ERR_NONE
	    ? reply_ok(c, "Candidate replica of %s:%u", key.host, key.port)
	    : reply_bad(c, "%s", err.text));
	reply_end(c);
	world_board_close(&b);
}

/* ---- statements around a statement ---- */

static void
add_statement(struct json *w, const char *text)
{
	size_t len = strlen(text);
	struct buf b = { 0 };

	while (len > 0 && strchr("; \t\r\n", text[len - 1]) != NULL)
		len--;
	if (len > 0) {
		buf_add(&b, text, len);
		buf_chr(&b, ';');
		json_str(w, buf_text(&b));
	}
	buf_fini(&b);
}

static void
thread_statement(struct json *w, const struct instance *in, bool runs,
    enum sql_word word)
{
	struct buf b = { 0 };

	if (runs) {
		sql_threads(&b, in, word);
		add_statement(w, buf_text(&b));
	}
	buf_fini(&b);
}

static void
statements_json(struct json *w, const struct instance *in, const char *query)
{
	bool io = in->io_state == THREAD_RUNNING;
	bool sql = in->sql_state == THREAD_RUNNING;

	json_arr(w);
	thread_statement(w, in, io, SQL_STOP_RECEIVER);
	thread_statement(w, in, sql, SQL_STOP_APPLIER);
	add_statement(w, query);
	thread_statement(w, in, sql, SQL_START_APPLIER);
	thread_statement(w, in, io, SQL_START_RECEIVER);
	json_end(w);
}

static void
on_probed(struct op_call *c, const struct msg *m)
{
	const struct msg_server_probed *p = as_server_probed(m);
	const char *query = op_arg(c, "q");
	struct instance in;
	struct pcur cur;

	if (p->code != ERR_NONE) {
		reply_error(c, "%s:%u: %s", p->host, p->port, p->error);
		return;
	}
	instance_init(&in);
	pcur_init(&cur, p->facts.data, p->facts.len);
	if (p->facts.len == 0 || !instance_unpack(&cur, &in, &c->arena)) {
		reply_error(c, "%s:%u is ignored", p->host, p->port);
		return;
	}
	statements_json(reply_ok(c, "Statements for %s:%u", p->host, p->port),
	    &in, query != NULL ? query : "");
	reply_end(c);
}

void
op_run_restart_statements(struct op_call *c)
{
	struct key key;

	if (!known_arg(c, "host", "port", &key))
		return;
	op_ask(c, op_app(c)->directory, server_probe, OP_PROBE_LIMIT,
	    on_probed, .host = key.host, .port = key.port, .follow = false);
}
