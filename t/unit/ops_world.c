/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small world of the operation tests; see ops_world.h.
 */
#include "config.h"

#include "ops_world.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "actors/classes.h"
#include "actors/cluster.h"
#include "base/mem.h"
#include "mysql/rows.h"
#include "topology/health.h"

static const struct server {
	const char *cluster, *host, *source;
	uint32_t port;
	bool writable, stopped, failing;
	int64_t lag;
} servers[] = {
	{ "db1:3306", "db1", "", 3306, true, false, false, 0 },
	{ "db1:3306", "db2", "db1", 3306, false, false, false, 0 },
	{ "db1:3306", "db3", "db1", 3306, false, false, false, 3 },
	{ "db1:3306", "db4", "db3", 3306, false, false, true, 0 },
	{ "10.0.0.1:3307", "10.0.0.1", "", 3307, false, false, false, 0 },
	{ "10.0.0.1:3307", "10.0.0.2", "10.0.0.1", 3307, false, true, false,
	    0 },
};

static void
facts(const struct server *s, struct instance *in, struct key *replica)
{
	instance_init(in);
	in->key = (struct key){ s->host, s->port };
	in->version = s->port == 3306 ? "10.11.6-MariaDB-log" : "8.0.36";
	in->version_comment = "test build";
	in->flavor_name = s->port == 3306 ? "MariaDB" : "MySQL";
	in->server_id = (uint64_t)(s - servers) + 1;
	in->read_only = !s->writable;
	in->binlog_format = "ROW";
	in->log_bin = true;
	in->log_replica_updates = true;
	in->self_coord = (struct coord){ "bin.000007", 1234, false };
	if (s == &servers[0])
		in->cluster_alias_query = "alpha";
	for (size_t i = 0; i < MEM_COUNT(servers); i++) {
		if (strcmp(servers[i].source, s->host) != 0)
			continue;
		replica[in->replicas.n++] =
		    (struct key){ servers[i].host, servers[i].port };
	}
	in->replicas.at = replica;
	if (*s->source == '\0')
		return;
	in->source_key = (struct key){ s->source, s->port };
	in->io_running = true;
	in->io_state = THREAD_RUNNING;
	in->sql_running = !s->stopped;
	in->sql_state = s->stopped ? THREAD_STOPPED : THREAD_RUNNING;
	in->last_sql_error = s->stopped ? "duplicate" : "";
	in->read_coord = in->exec_coord =
	    (struct coord){ "bin.000007", 1000, false };
	in->seconds_behind = in->lag_seconds =
	    (struct nullint){ s->lag, !s->stopped };
}

static void
report(struct world *w, addr_t cluster, const struct instance *in, bool failing)
{
	wall_t now = sim_wall(w->sim);
	struct health h = { .last_attempted = now, .last_checked = now,
		.latency = DUR_MS(7), .error = "" };
	struct buf f = { 0 }, hb = { 0 };

	h.first_known = wall_add(now, DUR_S(-3600));
	h.last_seen = failing ? wall_add(now, DUR_S(-90)) : now;
	h.failures = failing;
	h.error = failing ? "connection refused" : "";
	h.error_code = failing ? ERR_UNREACHABLE : ERR_NONE;
	instance_pack(&f, in);
	health_pack(&hb, &h);
	act_send(port_ctx(w->port), cluster, inst_report, .host = in->key.host,
	    .port = in->key.port,
	    .facts = { (const uint8_t *)f.data, f.len },
	    .health = { (const uint8_t *)hb.data, hb.len });
	buf_fini(&f);
	buf_fini(&hb);
}

static addr_t
cluster_actor(struct world *w, const char *name)
{
	struct cluster_arg arg;

	for (size_t i = 0; i < w->clusters; i++)
		if (strcmp(w->cluster[i].name, name) == 0)
			return w->cluster[i].actor;
	assert(w->clusters < MEM_COUNT(w->cluster));
	strcpy(arg.name, name);
	strcpy(w->cluster[w->clusters].name, name);
	w->cluster[w->clusters].actor = sim_spawn(w->sim, &cluster_class, &arg,
	    0);
	return w->cluster[w->clusters++].actor;
}

void
world_report(struct world *w, const char *cluster, const struct instance *in)
{
	report(w, cluster_actor(w, cluster), in, false);
	world_wait(w, DUR_MS(100));
}

static void
publish_config(struct world *w, const char *json)
{
	struct err err = ERR_INIT;
	struct config *config;
	struct buf text = { 0 };

	buf_printf(&text, "{\"SQLite3DataFile\":\"/x/orc.db\"%s%s}",
	    *json != '\0' ? "," : "", json);
	config = config_load_text("test", text.data, text.len, &err);
	if (config == NULL)
		fprintf(stderr, "%s\n", err.text);
	assert(config != NULL);
	board_put(port_ctx(w->port), BOARD_CONFIG, "config",
	    config_share(config));
	buf_fini(&text);
}

/*
 * One actor for all that only a whole daemon has.  What it answers depends on
 * the name that is asked for: "dead" fails, "ignored" is filtered out, "silent"
 * never answers, any other is fine.
 */
static void
on_probe(struct ctx *ctx, const struct msg *m, const struct msg_server_probe *p)
{
	struct buf b = { 0 };
	struct instance in;

	if (strcmp(p->host, "silent") == 0)
		return;
	if (strcmp(p->host, "dead") == 0) {
		act_answer(ctx, ask_of(m), server_probed, .host = p->host,
		    .port = p->port, .code = ERR_UNREACHABLE,
		    .error = "connection refused");
		return;
	}
	instance_init(&in);
	in.key = (struct key){ p->host, p->port };
	in.version = "8.4.3";
	if (strcmp(p->host, "ignored") != 0)
		instance_pack(&b, &in);
	act_answer(ctx, ask_of(m), server_probed, .host = p->host,
	    .port = p->port,
	    .facts = { (const uint8_t *)b.data, b.len });
	buf_fini(&b);
}

static void
on_forget(struct ctx *ctx, const struct msg *m, const char *what)
{
	bool known = strcmp(what, "dead") != 0;

	act_answer(ctx, ask_of(m), server_forgotten,
	    .code = known ? ERR_NONE : ERR_NOT_FOUND,
	    .error = known ? NULL : "dead:3306 is not known",
	    .count = known);
}

static void
on_resolve(struct ctx *ctx, const struct msg *m, const char *host)
{
	bool good = strcmp(host, "dead") != 0;

	act_answer(ctx, ask_of(m), name_resolved, .host = host, .name = host,
	    .ipv4 = "", .ipv6 = "", .code = good ? ERR_NONE : ERR_NOT_FOUND,
	    .error = good ? NULL : "dead: no such host");
}

static void
on_metrics(struct ctx *ctx, const struct msg *m,
    const struct msg_metrics_read *r)
{
	struct buf b = { 0 };

	buf_printf(&b, "[\"%s\",%d,\"%s\"]", r->what, (int)r->seconds,
	    r->queue);
	act_answer(ctx, ask_of(m), metrics_text,
	    .json = { (const uint8_t *)b.data, b.len });
	buf_fini(&b);
}

static void
on_read_analysis(struct ctx *ctx, const struct msg *m)
{
	static const char *const column[] = { "host", "port", "at", "code" };
	static const char *const row[][4] = {
		{ "db1", "3306", "2026-11-23T11:00:00.000001Z", "DeadMaster" },
		{ "db1", "3306", "2026-11-23T11:00:09.900000Z", "NoProblem" },
		{ "db1", "3307", "2026-11-23T11:00:01.000000Z",
		    "UnreachableMaster" },
	};
	struct buf b = { 0 };

	rows_put_result(&b, column, 4, MEM_COUNT(row));
	for (size_t i = 0; i < MEM_COUNT(row) * 4; i++)
		rows_put_value(&b, row[i / 4][i % 4],
		    strlen(row[i / 4][i % 4]));
	act_answer(ctx, ask_of(m), read_ran,
	    .rows = { (const uint8_t *)b.data, b.len });
	buf_fini(&b);
}

static void
on_read_detection(struct ctx *ctx, const struct msg *m)
{
	static const char *const column[] = { "id", "host", "port", "at",
		"until", "code", "cluster", "alias", "count", "replicas",
		"node", "token" };
	static const char *const row[] = { "7", "db1", "3306",
		"2026-11-23T11:30:00.250000Z", "2026-11-23T12:30:00.250000Z",
		"DeadMaster", "db1:3306", "alpha", "2", "db2:3306,db3:3306",
		"node1", "00ff" };
	struct buf b = { 0 };

	rows_put_result(&b, column, MEM_COUNT(column), 1);
	for (size_t i = 0; i < MEM_COUNT(row); i++)
		rows_put_value(&b, row[i], strlen(row[i]));
	act_answer(ctx, ask_of(m), read_ran,
	    .rows = { (const uint8_t *)b.data, b.len });
	buf_fini(&b);
}

static void
on_read(struct ctx *ctx, const struct msg *m, const struct msg_read_run *r)
{
	static const char *const audit[] = { "id", "at", "type", "host", "port",
		"cluster", "message" };
	static const char *const row[] = { "17", "2026-11-23T11:59:58.250000Z",
		"forget", "db9", "3306", "db9:3306", "why <not>" };
	static const char *const past[] = { "at", "host", "port",
		"source_host", "source_port", "cluster", "version" };
	static const char *const was[2][7] = {
		{ "", "db1", "3306", "db2", "3306", "db2:3306", "5.7" },
		{ "", "db2", "3306", "", "0", "db2:3306", "5.7" },
	};
	bool is_audit = strcmp(r->what, "audit") == 0;
	struct buf b = { 0 };

	if (strcmp(r->what, "analysis") == 0) {
		on_read_analysis(ctx, m);
		return;
	}
	if (strcmp(r->what, "detection") == 0) {
		on_read_detection(ctx, m);
		return;
	}
	rows_put_result(&b, is_audit ? audit : past, 7, is_audit ? 1 : 2);
	for (size_t i = 0; i < 7; i++) {
		const char *v = is_audit ? row[i] : was[0][i];

		rows_put_value(&b, v, strlen(v));
	}
	for (size_t i = 0; !is_audit && i < 7; i++)
		rows_put_value(&b, was[1][i], strlen(was[1][i]));
	act_answer(ctx, ask_of(m), read_ran,
	    .rows = { (const uint8_t *)b.data, b.len });
	buf_fini(&b);
}

static void
fake_handle(void *self, struct ctx *ctx, struct msg *m)
{
	(void)self;
	switch (m->type) {
	case MSG_server_probe: on_probe(ctx, m, as_server_probe(m)); break;
	case MSG_server_forget:
		on_forget(ctx, m, as_server_forget(m)->host);
		break;
	case MSG_server_forget_cluster:
		on_forget(ctx, m, as_server_forget_cluster(m)->cluster);
		break;
	case MSG_server_found: break;
	case MSG_audit_add: break;
	case MSG_store_command: break;
	case MSG_name_resolve:
		on_resolve(ctx, m, as_name_resolve(m)->host);
		break;
	case MSG_name_reset: act_answer(ctx, ask_of(m), name_done, 0); break;
	case MSG_reach_run:
		act_answer(ctx, ask_of(m), reach_ran,
		    .code = as_reach_run(m)->port == 1 ? ERR_UNREACHABLE
						      : ERR_NONE,
		    .error = "connection refused");
		break;
	case MSG_metrics_read: on_metrics(ctx, m, as_metrics_read(m)); break;
	case MSG_read_run: on_read(ctx, m, as_read_run(m)); break;
	case MSG_store_history: act_answer(ctx, ask_of(m), store_done, 0); break;
	case MSG_root_reload:
		act_answer(ctx, ask_of(m), root_reloaded,
		    .code = as_root_reload(m)->extra_file != NULL
			? ERR_NOT_FOUND : ERR_NONE,
		    .error = "/x/extra.json: no such file");
		break;
	default: act_unexpected(ctx, m);
	}
}

static const struct actor_class fake_class = {
	.name = "fake",
	.handle = fake_handle,
	.inbox_max = 4,
};

static void
spawn_others(struct world *w)
{
	addr_t fake = sim_spawn(w->sim, &fake_class, NULL, 0);

	w->app.root = w->app.directory = w->app.store = w->app.reader =
	    w->app.names = w->app.resolver[0] = w->app.audit = w->app.metrics =
	    fake;
	w->app.control = sim_spawn(w->sim, &control_class, NULL, 0);
	sim_run(w->sim, DUR_ZERO);
}

void
world_start_empty(struct world *w, const char *json)
{
	struct rt_arg arg = { .workers = 1, .pinned = PINNED_FIXED, .ports = 1,
		.kinds = msg_kinds, .types = MSG_TYPES, .type_name = msg_name,
		.app = &w->app };
	wall_t start;

	memset(w, 0, sizeof(*w));
	w->authorized = true;
	wall_parse(&start, WORLD_START, NULL);
	w->sim = sim_new(&arg, 1, start);
	w->port = sim_port(w->sim, "test");
	w->app = (struct app){ .workers = 1, .hostname = "node1",
		.token = "00ff", .version = "4.0.0", .command = "http",
		.started = start };
	publish_config(w, json);
	spawn_others(w);
	w->ops = ops_new(port_ctx(w->port), &w->app);
}

void
world_start(struct world *w, const char *json)
{
	world_start_empty(w, json);
	for (size_t i = 0; i < MEM_COUNT(servers); i++) {
		struct key replica[MEM_COUNT(servers)];
		struct instance in;

		facts(&servers[i], &in, replica);
		report(w, cluster_actor(w, servers[i].cluster), &in,
		    servers[i].failing);
	}
	world_wait(w, DUR_S(2));
}

void
world_end(struct world *w)
{
	ops_free(w->ops);
	sim_free(w->sim);
	buf_fini(&w->body);
}

/* ---- calls ---- */

static void
on_message(void *arg, struct msg *m)
{
	struct world *w = arg;

	ops_deliver(w->ops, m);
}

static void
on_done(void *arg, struct op_call *call, const struct op_reply *reply)
{
	struct world *w = arg;

	assert(!w->answered);
	w->answered = true;
	w->status = reply->status;
	w->retry_after_s = reply->retry_after_s;
	buf_reset(&w->body);
	ops_whole(call, reply, &w->body);
}

static bool
is_answered(void *arg)
{
	struct world *w = arg;

	port_poll(w->port, on_message, w);
	ops_expire(w->ops);
	return w->answered;
}

void
world_wait(struct world *w, dur_t d)
{
	sim_run(w->sim, d);
	port_poll(w->port, on_message, w);
}

const char *
world_run(struct world *w, struct op_call *call)
{
	struct op_who who = { .authorized = w->authorized, .user = "ann",
		.client = "127.0.0.1" };

	w->answered = false;
	op_who_set(call, &who);
	ops_start(call, on_done, w);
	/* A few milliseconds, as messages take; then to the deadline. */
	for (int i = 0; i < 300 && !is_answered(w); i++)
		sim_run(w->sim, i < 100 ? DUR_MS(1) : DUR_MS(500));
	assert(w->answered);
	ops_close(call);
	return buf_text(&w->body);
}

const char *
world_get(struct world *w, const char *path)
{
	size_t len = strcspn(path, "?");
	struct op_call *call = ops_open_path(w->ops, path, len);

	if (call == NULL)
		return NULL;
	if (path[len] == '?')
		op_query_set(call, path + len + 1, strlen(path + len + 1));
	return world_run(w, call);
}

const char *
world_call(struct world *w, const char *name, const char *args)
{
	struct op_call *call = ops_open(w->ops, name);

	assert(call != NULL);
	op_query_set(call, args, strlen(args));
	return world_run(w, call);
}
