/* SPDX-License-Identifier: Apache-2.0 */
/* The stage: its process, its time, and what people do. */
#include "config.h"

#include "sim/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/classes.h"
#include "actors/moves.h"
#include "base/mem.h"
#include "topology/schedule.h"

#define START (INT64_C(1790000000) * 1000000)

/* ---- configuration ---- */

/* The story's object, with what every configuration needs put before. */
static char *
whole_config(const struct stage *st, const char *text)
{
	const char *open = strchr(text, '{');
	const char *rest = open != NULL ? open + 1 : "}";

	const char *name = strstr(text, "MySQLHostnameResolveMethod") != NULL ?
	    "" : ", \"MySQLHostnameResolveMethod\": \"none\"";

	return mem_printf("{\"MySQLTopologyUser\": \"o\", "
	    "\"BackendDB\": \"sqlite\", \"SQLite3DataFile\": \"%s%s\"%s%s%s",
	    st->store_dir, st->store_dir[0] != '\0' ? "/store" : ":memory:",
	    name, strspn(rest, " \t\n}") == strlen(rest) ? "" : ", ", rest);
}

static struct config *
load_config(const char *text)
{
	struct err err = ERR_INIT;
	struct config *c = config_load_text("story", text, strlen(text), &err);

	if (c == NULL) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	return c;
}

/* ---- log ---- */

static void
keep_line(void *arg, enum log_level level, const char *text)
{
	struct stage *st = arg;
	size_t i = st->lines++ % STAGE_LINES_MAX;
	double s = st->sim != NULL ? (double)stage_now(st).us / 1e6 : 0;

	mem_free(st->line[i]);
	st->line[i] = mem_printf("%.6f %s %s", s, log_level_name(level), text);
	if (getenv("STAGE_LOG") != NULL)
		fprintf(stderr, "%s\n", st->line[i]);
}

unsigned
stage_logged(const struct stage *st, const char *text)
{
	unsigned n = 0;

	for (size_t i = 0; i < STAGE_LINES_MAX && i < st->lines; i++)
		n += strstr(st->line[i], text) != NULL;
	return n;
}

void
stage_print_log(const struct stage *st, size_t last)
{
	size_t have = st->lines < STAGE_LINES_MAX ? st->lines :
						    STAGE_LINES_MAX;

	if (last > have)
		last = have;
	for (size_t i = st->lines - last; i < st->lines; i++)
		printf("# %s\n", st->line[i % STAGE_LINES_MAX]);
}

/* ---- begin and end ---- */

static struct stage *
new_stage(uint64_t seed, const char *config, bool on_file)
{
	struct stage *st = mem_zalloc(sizeof *st);
	struct config *c;

	if (on_file) {
		strcpy(st->store_dir, "/tmp/orc-stage-XXXXXX");
		if (mkdtemp(st->store_dir) == NULL)
			abort();
	}
	st->world = model_new();
	st->seed = seed;
	st->wall = (wall_t){ START };
	st->config_text = whole_config(st, config);
	c = load_config(st->config_text);
	st->connect_limit = DUR_S(c->mysql_connect_timeout_seconds);
	config_free(c);
	buf_init(&st->text);
	log_set_level(LOG_INFO);
	log_set_sink(keep_line, st);
	return st;
}

struct stage *
stage_new(uint64_t seed, const char *config)
{
	return new_stage(seed, config, false);
}

struct stage *
stage_new_on_file(uint64_t seed, const char *config)
{
	return new_stage(seed, config, true);
}

static void
end_life(struct stage *st)
{
	if (st->sim == NULL)
		return;
	stage_release(st);
	st->wall = sim_wall(st->sim);
	sim_free(st->sim);
	st->sim = NULL;
	st->port = NULL;
	st->answers = 0;
	st->asked = 0;
	st->sessions = st->under_way = 0;
}

static void
remove_files(const struct stage *st)
{
	static const char *const name[] = { "store", "store-wal", "store-shm" };
	char path[64];

	if (st->store_dir[0] == '\0')
		return;
	for (size_t i = 0; i < MEM_COUNT(name); i++) {
		snprintf(path, sizeof path, "%s/%s", st->store_dir, name[i]);
		unlink(path);
	}
	rmdir(st->store_dir);
}

void
stage_free(struct stage *st)
{
	end_life(st);
	remove_files(st);
	log_set_sink(NULL, NULL);
	for (size_t i = 0; i < STAGE_LINES_MAX; i++)
		mem_free(st->line[i]);
	if (st->config_file[0] != '\0')
		unlink(st->config_file);
	stage_store_clear(&st->store);
	model_free(st->world);
	buf_fini(&st->text);
	mem_free(st->answer);
	mem_free(st->config_text);
	mem_free(st);
}

static void
spawn_all(struct stage *st)
{
	struct app *app = &st->app;
	struct sim *sim = st->sim;
	bool real = st->store_dir[0] != '\0';

	app->store = sim_spawn(sim, real ? &store_class : &stage_store_class,
	    NULL, home_pinned(app, PINNED_STORE));
	app->names = sim_spawn(sim, &names_class, NULL, HOME_ANY);
	app->control = sim_spawn(sim, real ? &control_class :
					     &stage_control_class,
	    NULL, HOME_ANY);
	app->audit = sim_spawn(sim, real ? &audit_class : &stage_audit_class,
	    NULL, HOME_ANY);
	app->metrics = sim_spawn(sim, &metrics_class, NULL, HOME_ANY);
	for (int i = 0; i < 2; i++)
		app->resolver[i] = sim_spawn(sim, &stage_resolver_class, NULL,
		    home_pinned(app, PINNED_RESOLVER) + i);
	app->directory = sim_spawn(sim, &directory_class, NULL, HOME_ANY);
	app->moves = sim_spawn(sim, &moves_class, NULL, HOME_ANY);
	app->root = sim_spawn(sim, &root_class, NULL, HOME_ANY);
	app->session_class = &stage_session_class;
	app->hostname = "node";
	app->token = "0123";
	app->version = "4.0.0";
	app->command = "http";
	app->probe = true;
	app->daemon = true;
	app->started = st->wall;
	snprintf(st->token, sizeof st->token, "life-%u-of-the-stage",
	    st->life);
	app->token = st->token;
}

static void
keep_tracks(struct stage_answer *a, const struct msg_move_ran *r)
{
	static const char *const end[] = { "pending", "done", "failed",
		"not tried" };
	struct pcur cur = move_tracks(r->tracks);
	char key[KEY_TEXT_MAX];
	struct move_track t;
	size_t n = 0;

	while (n < sizeof a->tracks && move_track_next(&cur, &t))
		n += (size_t)snprintf(a->tracks + n, sizeof a->tracks - n,
		    "%s %s %s; %s\n", key_text(t.key, key), end[t.end], t.why,
		    t.left);
}

static void
keep_answer(void *arg, struct msg *m)
{
	struct stage *st = arg;
	struct stage_answer *a;

	st->answer = mem_resize(st->answer, st->answers + 1, sizeof *a);
	a = &st->answer[st->answers++];
	*a = (struct stage_answer){ .serial = m->serial, .type = m->type,
		.at = stage_now(st) };
	if (m->type == MSG_server_probed) {
		const struct msg_server_probed *p = as_server_probed(m);

		a->code = p->code;
		a->port = p->port;
		snprintf(a->host, sizeof a->host, "%s", p->host);
		snprintf(a->error, sizeof a->error, "%s",
		    p->error != NULL ? p->error : "");
	} else if (m->type == MSG_server_forgotten) {
		a->code = as_server_forgotten(m)->code;
		a->count = as_server_forgotten(m)->count;
	} else if (m->type == MSG_root_up) {
		a->code = as_root_up(m)->code;
		a->count = as_root_up(m)->servers;
	} else if (m->type == MSG_move_ran) {
		const struct msg_move_ran *r = as_move_ran(m);

		a->code = r->code;
		snprintf(a->error, sizeof a->error, "%s",
		    r->error != NULL ? r->error : "");
		keep_tracks(a, r);
	} else if (m->type == MSG_control_ran) {
		a->code = as_control_ran(m)->code;
	} else if (m->type == MSG_moves_stopped) {
		a->count = as_moves_stopped(m)->left;
	} else if (m->type == MSG_root_reloaded) {
		a->code = as_root_reloaded(m)->code;
	} else {
		assert(m->type == SYS_REFUSED);
		a->code = ERR_BUSY;
	}
}

static void
poll_port(struct stage *st)
{
	port_poll(st->port, keep_answer, st);
}

bool
stage_start(struct stage *st)
{
	struct app *app = &st->app;
	struct rt_arg arg = {
		.kinds = msg_kinds,
		.types = MSG_TYPES,
		.type_name = msg_name,
		.app = st,
	};
	const struct stage_answer *a;

	*app = (struct app){ .workers = 3 };
	arg.workers = app->workers;
	arg.pinned = PINNED_FIXED;
	st->life++;
	st->killed = false;
	st->audits = 0;
	st->audit[0] = '\0';
	st->sim = sim_new(&arg, st->seed + st->life * 1000003, st->wall);
	st->port = sim_port(st->sim, "story");
	board_put(port_ctx(st->port), BOARD_CONFIG, "config",
	    config_share(load_config(st->config_text)));
	spawn_all(st);
	a = stage_wait(st, (st->asked++, act_request(port_ctx(st->port),
	    app->root, root_wait, DUR_S(600))), DUR_S(600));
	return a != NULL && a->code == ERR_NONE;
}

void
stage_crash(struct stage *st)
{
	end_life(st);
}

bool
stage_restart(struct stage *st, dur_t later)
{
	assert(st->sim == NULL);
	st->wall = wall_add(st->wall, later);
	return stage_start(st);
}

/* ---- time ---- */

mono_t
stage_now(const struct stage *st)
{
	wall_t w = st->sim != NULL ? sim_wall(st->sim) : st->wall;

	return (mono_t){ w.us - START + 1000000 };
}

void
stage_run(struct stage *st, dur_t d)
{
	stage_release(st);
	sim_run(st->sim, d);
	poll_port(st);
}

bool
stage_until(struct stage *st, dur_t d, bool (*cond)(void *arg), void *arg)
{
	bool met;

	stage_release(st);
	met = sim_until(st->sim, d, cond, arg);
	poll_port(st);
	return met;
}

struct wanted {
	struct stage *st;
	size_t servers;
};

static bool
all_valid(void *arg)
{
	const struct wanted *w = arg;
	bool yes = stage_count(w->st, true) == w->servers &&
	    stage_count(w->st, false) == w->servers;

	stage_release(w->st);
	return yes;
}

bool
stage_until_valid(struct stage *st, size_t servers, dur_t limit)
{
	struct wanted w = { st, servers };
	int64_t end = stage_now(st).us + limit.us;

	/* Looking costs: every 10 ms of the world's time will do. */
	for (;;) {
		if (all_valid(&w))
			return true;
		if (stage_now(st).us >= end)
			return false;
		stage_run(st, DUR_MS(10));
	}
}

/* ---- requests ---- */

uint32_t
stage_ask_probe(struct stage *st, const char *host, uint32_t port)
{
	st->asked++;
	return act_request(port_ctx(st->port), st->app.directory, server_probe,
	    DUR_S(60), .host = host, .port = port, .follow = true);
}

uint32_t
stage_ask_move(struct stage *st, const char *op, const char *server,
    const char *target, const char *user)
{
	struct plan_request r = { .op = op, .server = { server, 3306 },
		.target = { target, target[0] != '\0' ? 3306 : 0 },
		.at = { .file = "" }, .pattern = "", .text = "", .user = "",
		.password = "" };
	uint32_t serial;
	struct buf b;

	buf_init(&b);
	plan_request_pack(&b, &r);
	st->asked++;
	serial = act_request(port_ctx(st->port), st->app.moves, move_run,
	    DUR_S(86400), .request = { (uint8_t *)b.data, b.len },
	    .user = user, .client = "");
	buf_fini(&b);
	return serial;
}

uint32_t
stage_ask_forget(struct stage *st, const char *host, uint32_t port)
{
	st->asked++;
	return act_request(port_ctx(st->port), st->app.directory,
	    server_forget, DUR_S(60), .host = host, .port = port);
}

uint32_t
stage_ask_forget_cluster(struct stage *st, const char *cluster)
{
	st->asked++;
	return act_request(port_ctx(st->port), st->app.directory,
	    server_forget_cluster, DUR_S(60), .cluster = cluster);
}

static const struct stage_answer *
find_answer(const struct stage *st, uint32_t serial)
{
	for (size_t i = 0; i < st->answers; i++)
		if (st->answer[i].serial == serial)
			return &st->answer[i];
	return NULL;
}

unsigned
stage_answers_to(const struct stage *st, uint32_t serial)
{
	unsigned n = 0;

	for (size_t i = 0; i < st->answers; i++)
		n += st->answer[i].serial == serial;
	return n;
}

const struct stage_answer *
stage_wait(struct stage *st, uint32_t serial, dur_t limit)
{
	int64_t end = sim_now(st->sim).us + limit.us;
	const struct stage_answer *a;

	stage_release(st);
	while ((a = find_answer(st, serial)) == NULL) {
		int64_t left = end - sim_now(st->sim).us;

		if (left <= 0 || !port_wait(st->port, DUR_US(left)))
			return NULL;
		poll_port(st);
	}
	return a;
}

enum err_code
stage_discover(struct stage *st, const char *host, uint32_t port)
{
	const struct stage_answer *a = stage_wait(st,
	    stage_ask_probe(st, host, port), DUR_S(60));

	return a != NULL ? (enum err_code)a->code : ERR_TIMEOUT;
}

enum err_code
stage_forget(struct stage *st, const char *host, uint32_t port)
{
	const struct stage_answer *a = stage_wait(st,
	    stage_ask_forget(st, host, port), DUR_S(60));

	return a != NULL ? (enum err_code)a->code : ERR_TIMEOUT;
}

static void
write_config(struct stage *st, const char *text)
{
	FILE *f;
	int fd;

	if (st->config_file[0] == '\0') {
		strcpy(st->config_file, "/tmp/orc-stage-XXXXXX");
		fd = mkstemp(st->config_file);
		assert(fd >= 0);
		close(fd);
	}
	f = fopen(st->config_file, "w");
	assert(f != NULL);
	fputs(text, f);
	fclose(f);
}

enum err_code
stage_reload(struct stage *st, const char *config)
{
	const struct stage_answer *a;

	mem_free(st->config_text);
	st->config_text = whole_config(st, config);
	write_config(st, st->config_text);
	st->app.config_source.file = st->config_file;
	st->asked++;
	a = stage_wait(st, act_request(port_ctx(st->port), st->app.root,
	    root_reload, DUR_S(60), .extra_file = ""), DUR_S(60));
	return a != NULL ? (enum err_code)a->code : ERR_TIMEOUT;
}

void
stage_cut(struct stage *st, const char *host, bool on)
{
	snprintf(st->cut, sizeof st->cut, "%s", on ? host : "");
}
