/* SPDX-License-Identifier: Apache-2.0 */
/* The program's actors in one process; see daemon.h. */
#include "config.h"

#include "cli/daemon.h"

#include <assert.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <unistd.h>

#include "actors/classes.h"
#include "base/mem.h"
#include "mysql/connect.h"
#include "mysql/handles.h"

/* Threads that connect: each may be stuck for one connect timeout. */
enum { CONNECTORS_MAX = 32 };

/* DiscoveryMaxConcurrency; established connections need no thread. */
static int
connectors(const struct config *c)
{
	unsigned n = c->discovery_max_concurrency;

	return n == 0 ? 1 : n < CONNECTORS_MAX ? (int)n : CONNECTORS_MAX;
}

static void
fill_token(char token[65])
{
	unsigned char bytes[32];
	ssize_t got = getrandom(bytes, sizeof(bytes), 0);

	assert(got == (ssize_t)sizeof(bytes)); /* whole up to 256 bytes */
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(token + 2 * i, 3, "%02x", bytes[i]);
}

static void
fill_hostname(struct daemon *d)
{
	struct addrinfo hints = { .ai_flags = AI_CANONNAME }, *found = NULL;

	if (gethostname(d->hostname, sizeof(d->hostname)) != 0)
		strcpy(d->hostname, "localhost");
	d->hostname[sizeof(d->hostname) - 1] = '\0';
	d->app.hostname = d->hostname;
	if (d->config->rules.identity != ORC_IDENTITY_FQDN)
		return; /* only then somebody wants to know, and may wait */
	if (getaddrinfo(d->hostname, NULL, &hints, &found) != 0)
		return;
	if (found->ai_canonname != NULL)
		snprintf(d->fqdn, sizeof(d->fqdn), "%s", found->ai_canonname);
	d->app.fqdn = d->fqdn;
	freeaddrinfo(found);
}

static void
fill_app(struct daemon *d, const struct daemon_arg *arg)
{
	struct app *app = &d->app;
	struct timeval now;

	gettimeofday(&now, NULL);
	fill_token(d->token);
	fill_hostname(d);
	app->workers = arg->workers;
	app->connectors = connectors(arg->config);
	app->session_class = &session_class;
	app->token = d->token;
	app->version = PACKAGE_VERSION;
	app->command = arg->command;
	app->config_source = arg->source;
	app->started.us = (int64_t)now.tv_sec * 1000000 + now.tv_usec;
	app->probe = arg->probe;
	app->daemon = arg->daemon;
	app->noop = arg->noop;
	app->skip_binlog_search = arg->skip_binlog_search;
}

/*
 * Those that exist once.  Root comes last: it speaks to all others as soon as it
 * begins.
 */
static void
spawn_all(struct daemon *d)
{
	struct app *app = &d->app;
	struct {
		addr_t *to;
		const struct actor_class *class;
		int home;
	} actor[] = {
		{ &app->metrics, &metrics_class, HOME_ANY },
		{ &app->store, &store_class, home_pinned(app, PINNED_STORE) },
		{ &app->reader, &reader_class,
		    home_pinned(app, PINNED_READER) },
		{ &app->audit, &audit_class, home_pinned(app, PINNED_READER) },
		{ &app->control, &control_class, HOME_ANY },
		{ &app->resolver[0], &resolver_class,
		    home_pinned(app, PINNED_RESOLVER) },
		{ &app->resolver[1], &resolver_class,
		    home_pinned(app, PINNED_RESOLVER) + 1 },
		{ &app->names, &names_class, HOME_ANY },
		{ &app->dialer, &dialer_class, HOME_ANY },
		{ &app->directory, &directory_class, HOME_ANY },
		{ &app->moves, &moves_class, HOME_ANY },
		{ &app->searches, &searches_class, HOME_ANY },
		{ &app->injector, &injector_class, HOME_ANY },
		{ &app->root, &root_class, HOME_ANY },
	};

	for (size_t i = 0; i < MEM_COUNT(actor); i++)
		*actor[i].to = rt_spawn(d->rt, actor[i].class, NULL,
		    actor[i].home);
}

static void
on_wake(void *arg)
{
	(void)arg; /* main blocks in port_wait() */
}

void
daemon_start(struct daemon *d, struct daemon_arg *arg)
{
	struct rt_arg rt = {
		.workers = arg->workers,
		.pinned = PINNED_FIXED + connectors(arg->config),
		.ports = arg->ports + 1,
		.kinds = msg_kinds,
		.types = MSG_TYPES,
		.type_name = msg_name,
		.app = &d->app,
	};

	memset(d, 0, sizeof(*d));
	d->config = arg->config;
	fill_app(d, arg);
	d->rt = rt_new(&rt);
	d->port = rt_port_new(d->rt, "main", on_wake, d);
	board_put(port_ctx(d->port), BOARD_CONFIG, "config",
	    config_share(arg->config));
	spawn_all(d);
	rt_start(d->rt);
}

/* ---- asking, and waiting for the answer ---- */

struct waiting {
	bool answered;
	enum err_code code;
	struct err *err;
};

static void
take_answer(struct waiting *w, uint32_t code, const char *error)
{
	w->answered = true;
	w->code = (enum err_code)code;
	if (w->code != ERR_NONE)
		err_set(w->err, w->code, "%s", error);
}

static void
on_message(void *arg, struct msg *m)
{
	struct waiting *w = arg;

	if (m->type == MSG_root_up)
		take_answer(w, as_root_up(m)->code, as_root_up(m)->error);
	else if (m->type == MSG_store_done)
		take_answer(w, as_store_done(m)->code, as_store_done(m)->error);
	else if (m->type == SYS_REFUSED)
		take_answer(w, ERR_CLOSED, "the process is stopping");
}

static enum err_code
wait_for(struct daemon *d, bool (*stop)(void), struct err *err)
{
	struct waiting w = { .err = err };

	while (!w.answered) {
		if (stop != NULL && stop())
			return err_set(err, ERR_CLOSED, "asked to stop");
		port_wait(d->port, DUR_MS(200));
		port_poll(d->port, on_message, &w);
	}
	return w.code;
}

enum err_code
daemon_wait_up(struct daemon *d, bool (*stop)(void), struct err *err)
{
	act_request(port_ctx(d->port), d->app.root, root_wait, DUR_S(600));
	return wait_for(d, stop, err);
}

enum err_code
daemon_sync(struct daemon *d, struct err *err)
{
	act_request(port_ctx(d->port), d->app.store, store_sync, DUR_S(60));
	return wait_for(d, NULL, err);
}

void
daemon_audit(struct daemon *d, const char *type, const char *message)
{
	act_send(port_ctx(d->port), d->app.audit, audit_add, .type = type,
	    .host = "", .cluster = "", .message = message);
}

/* ---- the end ---- */

static void
on_written(void *arg, struct msg *m)
{
	bool *answered = arg;

	switch (m->type) {
	case MSG_audit_synced:
	case MSG_moves_stopped:
	case SYS_REFUSED: *answered = true; break;
	case MSG_store_done:
		*answered = true;
		/* One that was never open has been complained of. */
		if (as_store_done(m)->code != ERR_NONE &&
		    as_store_done(m)->code != ERR_CLOSED)
			log_line(LOG_ERROR, "not everything was written: %s",
			    as_store_done(m)->error);
		break;
	default: break;
	}
}

/* All keep the deadline that they were given. */
static void
wait_written(struct daemon *d)
{
	bool answered = false;

	while (!answered && port_wait(d->port, DUR_S(35)))
		port_poll(d->port, on_written, &answered);
}

void
daemon_stop(struct daemon *d)
{
	act_request(port_ctx(d->port), d->app.moves, moves_stop, DUR_S(30));
	wait_written(d);
	act_request(port_ctx(d->port), d->app.audit, audit_sync, DUR_S(5));
	wait_written(d);
	act_request(port_ctx(d->port), d->app.store, store_sync, DUR_S(10));
	wait_written(d);
	connect_stop(); /* or rt_stop() waits for a server's handshake */
	rt_stop(d->rt);
}

void
daemon_free(struct daemon *d)
{
	rt_free(d->rt);
	handles_close();
}
