/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions, dialer and connectors on the real runtime, without the rest: send
 * a text to servers and print each answer as a line.
 *
 *	session_one [OPTION=VALUE...] PORT...
 *
 * user, password, text, limit_ms (of a request), connect_s, connectors, runs
 * (requests to each server, one after the other), tls (0 never, 1 when needed,
 * 2 always), ca, lifetime_s.  A stale answer is followed by the same text for
 * the new connection, within the same run; after three "stale" is the answer.
 * At the end the largest memory of
 * the process is printed.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "actors/classes.h"
#include "base/json.h"
#include "base/mem.h"
#include "config/conf.h"
#include "mysql/connect.h"
#include "mysql/handles.h"
#include "mysql/rows.h"
#include "runtime/runtime.h"

enum { SERVERS_MAX = 64, STALES_MAX = 3, CONNECTORS_MAX = 16 };

static struct {
	const char *user, *password, *text, *ca;
	int limit_ms, connect_s, connectors, runs, tls, lifetime_s;
} option = { "u", "secret-password", "SELECT 1", "", 2000, 1, 2, 1, 1, 0 };

static struct server {
	uint32_t port;
	addr_t session;
	uint32_t serial, generation;
	int runs, stales;
	int64_t took_us; /* of the present run, stale answers included */
} server[SERVERS_MAX];
static size_t servers, running;
static struct port *port;

static bool
set_option(const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **text;
		int *number;
	} known[] = {
		{ "user", &option.user, NULL },
		{ "password", &option.password, NULL },
		{ "text", &option.text, NULL },
		{ "ca", &option.ca, NULL },
		{ "limit_ms", NULL, &option.limit_ms },
		{ "connect_s", NULL, &option.connect_s },
		{ "connectors", NULL, &option.connectors },
		{ "runs", NULL, &option.runs },
		{ "tls", NULL, &option.tls },
		{ "lifetime_s", NULL, &option.lifetime_s },
	};

	for (size_t i = 0; i < MEM_COUNT(known); i++) {
		if (strcmp(known[i].name, name) != 0)
			continue;
		if (known[i].text != NULL)
			*known[i].text = value;
		else
			*known[i].number = atoi(value);
		return true;
	}
	return false;
}

static void
read_arguments(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (value == NULL && servers < SERVERS_MAX) {
			server[servers++].port = (uint32_t)atoi(argv[i]);
			continue;
		}
		if (value != NULL)
			*value++ = '\0';
		if (value == NULL || !set_option(argv[i], value)) {
			fprintf(stderr, "session_one: what is %s?\n", argv[i]);
			exit(2);
		}
	}
}

static struct config *
make_config(void)
{
	struct err err = ERR_INIT;
	struct config *c;
	struct json w;
	struct buf b;

	buf_init(&b);
	json_init(&w, &b);
	json_obj(&w);
	json_kstr(&w, "MySQLTopologyUser", option.user);
	json_kstr(&w, "MySQLTopologyPassword", option.password);
	json_kstr(&w, "MySQLTopologySSLCAFile", option.ca);
	json_kint(&w, "MySQLConnectTimeoutSeconds", option.connect_s);
	json_kint(&w, "MySQLConnectionLifetimeSeconds", option.lifetime_s);
	json_kbool(&w, "MySQLTopologyUseMixedTLS", option.tls > 0);
	json_kbool(&w, "MySQLTopologyUseMutualTLS", option.tls > 1);
	json_kbool(&w, "MySQLTopologySSLSkipVerify", option.ca[0] == '\0');
	json_end(&w);
	c = config_load_text("test", b.data, b.len, &err);
	if (c == NULL) {
		fprintf(stderr, "session_one: %s\n", err.text);
		exit(2);
	}
	buf_fini(&b);
	return c;
}

/* ---- requests and answers ---- */

static void
ask(struct server *s)
{
	dur_t limit = DUR_MS(option.limit_ms);

	s->serial = act_request(port_ctx(port), s->session, session_run, limit,
	    .generation = s->generation, .text = option.text,
	    .limit_us = limit.us);
}

static void
print(const struct server *s, const struct msg_session_reply *r)
{
	printf("%u %s %u rows=%zu bytes=%zu ms=%" PRId64 " %s\n", s->port,
	    r->stale ? "stale" : err_name((enum err_code)r->code), r->errnum, rows_results(r->rows),
	    r->rows.len, s->took_us / 1000, r->error != NULL ? r->error : "");
	fflush(stdout);
}

static void
on_reply(struct server *s, const struct msg_session_reply *r)
{
	s->generation = r->generation;
	s->took_us += r->latency_us;
	if (r->stale && ++s->stales < STALES_MAX) {
		ask(s);
		return;
	}
	print(s, r);
	s->stales = 0;
	s->took_us = 0;
	if (++s->runs < option.runs)
		ask(s);
	else
		running--;
}

static void
on_message(void *arg, struct msg *m)
{
	(void)arg;
	for (size_t i = 0; i < servers; i++) {
		if (server[i].serial != m->serial)
			continue;
		if (m->type == MSG_session_reply)
			on_reply(&server[i], as_session_reply(m));
		else if (m->type == SYS_REFUSED)
			abort();
	}
}

static void
on_wake(void *arg)
{
	(void)arg;
}

static void
start(struct rt *rt, struct app *app)
{
	board_put(port_ctx(port), BOARD_CONFIG, "config",
	    config_share(make_config()));
	app->dialer = rt_spawn(rt, &dialer_class, NULL, 0);
	for (size_t i = 0; i < servers; i++) {
		struct session_arg arg = { .host = "127.0.0.1",
			.port = server[i].port };

		server[i].session = rt_spawn(rt, &session_class, &arg,
		    HOME_ANY);
	}
	rt_start(rt);
	running = servers;
	for (size_t i = 0; i < servers; i++)
		ask(&server[i]);
}

int
main(int argc, char **argv)
{
	struct app app = { .workers = 2 };
	struct rt_arg arg = { .workers = 2, .ports = 1, .kinds = msg_kinds,
		.types = MSG_TYPES, .type_name = msg_name, .app = &app };
	struct rusage usage;
	struct rt *rt;
	bool in_time = true;

	read_arguments(argc, argv);
	app.connectors = option.connectors;
	arg.pinned = PINNED_FIXED + option.connectors;
	rt = rt_new(&arg);
	port = rt_port_new(rt, "test", on_wake, NULL);
	start(rt, &app);
	while (running > 0 && in_time) {
		in_time = port_wait(port, DUR_S(60));
		port_poll(port, on_message, NULL);
	}
	for (size_t i = 0; i < servers; i++)
		act_send(port_ctx(port), server[i].session, session_close,
		    .none_ = 0);
	connect_stop();
	rt_stop(rt);
	rt_free(rt);
	handles_close();
	getrusage(RUSAGE_SELF, &usage);
	printf("end %s kB=%ld\n", in_time ? "good" : "no answer",
	    usage.ru_maxrss);
	return in_time ? 0 : 3;
}
