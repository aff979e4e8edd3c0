/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGTERM and SIGINT are waited for here and nowhere else: all threads block
 * them.  SIGHUP is root's; it is ignored until root wants it.
 */
#include "config.h"

#include "cli/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "actors/reload.h"
#include "base/mem.h"
#include "cli/bar.h"
#include "cli/command.h"
#include "cli/daemon.h"
#include "cli/remote.h"
#include "cli/syslog.h"
#include "http/http.h"
#include "ops/op.h"

/* Workers beyond these would only wait for each other's store. */
enum { WORKERS_MAX = 8 };

/* ---- systemd ---- */

/* One datagram to the socket that the environment names; systemd's protocol. */
static void
notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = path != NULL ? strlen(path) : 0;
	int fd;

	if (len == 0 || len >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, len);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0'; /* the abstract name space */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		(struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_line(LOG_WARNING, "cannot notify %s", path);
	close(fd);
}

/* ---- signals ---- */

static sigset_t ending;

static void
block_signals(void)
{
	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ending, NULL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

static bool
asked_to_stop(void)
{
	struct timespec at_once = { 0 };

	return sigtimedwait(&ending, NULL, &at_once) > 0;
}

/* Meanwhile people in front of a terminal see how far the discovery is. */
static const char *
wait_for_signal(struct ctx *ctx)
{
	const struct timespec look = { 0, 100000000 };
	int signo = 0;
	struct bar bar;

	bar_begin(&bar, ctx);
	while (signo <= 0 && bar_goes_on(&bar, ctx))
		signo = sigtimedwait(&ending, NULL, &look);
	bar_end(&bar);
	while (signo <= 0 && sigwait(&ending, &signo) != 0)
		;
	return signo == SIGTERM ? "SIGTERM" : "SIGINT";
}

/* ---- serving ---- */

static int
worker_count(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus < 1 ? 1 : cpus > WORKERS_MAX ? WORKERS_MAX : (int)cpus;
}

static void
log_start(const struct config *config)
{
	if (config->debug && !log_enabled(LOG_DEBUG))
		log_set_level(LOG_DEBUG);
	if (config->enable_syslog)
		syslog_start();
	log_line(LOG_NOTICE, "orchestrator %s starts", PACKAGE_VERSION);
	log_config_notes(config, LOG_DEBUG);
}

/* Each HTTP thread asks with its own operations. */
static bool
token_holds(void *ops, const char *public_part, const char *secret)
{
	return ops_token_valid(ops, public_part, secret);
}

/* Listeners up, or not wanted; then wait for the end. */
static int
serve_until_stopped(struct daemon *d, bool http)
{
	struct http_arg arg = { .rt = d->rt, .app = &d->app,
		.config = d->config, .token = token_holds };
	struct err err = ERR_INIT;
	struct http *listener = NULL;

	if (http && (listener = http_start(&arg, &err)) == NULL) {
		log_line(LOG_ERROR, "%s", err.text);
		daemon_stop(d);
		return 1;
	}
	notify("READY=1");
	log_line(LOG_NOTICE, "%s: stopping", wait_for_signal(port_ctx(d->port)));
	notify("STOPPING=1");
	if (http)
		http_stop(listener);
	daemon_audit(d, "shutdown", "Triggered via SIGTERM or SIGINT");
	if (daemon_sync(d, &err) != ERR_NONE)
		log_line(LOG_ERROR, "not kept: %s", err.text);
	daemon_stop(d);
	if (http)
		http_free(listener);
	return 0;
}

/*
 * Two daemons on one file would each believe that they alone decide.  The lock
 * is beside the file, and ends with the process however that ends; it is kept
 * until then, so the descriptor is not closed.  Commands do not take it.
 */
static enum err_code
claim_store(const struct config *config, struct err *err)
{
	const char *file = config->sqlite3_data_file;
	char *name = remote_lock_file(config);
	int fd;

	if (name == NULL)
		return ERR_NONE;
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		err_set(err, ERR_IO, "%s: %s", name, strerror(errno));
	else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		err_set(err, ERR_EXISTS, "another daemon serves %s: stop it, or"
		    " give this one an SQLite3DataFile of its own", file);
	mem_free(name);
	return err->code;
}

int
serve(const struct flags *f, const struct config_source *source, bool http)
{
	struct config *config = command_config(source);
	struct daemon d;
	struct daemon_arg arg = { .config = config, .source = *source,
		.daemon = true, .noop = f->noop,
		.skip_binlog_search = f->skip_binlog_search,
		.command = http ? "http" : "continuous", .probe = f->discovery,
		.workers = worker_count(), .ports = HTTP_THREADS_MAX };
	struct err err = ERR_INIT;
	int status = 1;

	if (config == NULL)
		return 1;
	log_start(config);
	block_signals();
	daemon_start(&d, &arg);
	if (daemon_wait_up(&d, asked_to_stop, &err) == ERR_NONE &&
	    claim_store(config, &err) == ERR_NONE) {
		status = serve_until_stopped(&d, http);
	} else {
		log_line(LOG_ERROR, "%s", err.text);
		daemon_stop(&d);
	}
	daemon_free(&d);
	return status;
}

int
own_continuous(const struct flags *f, const struct config_source *source)
{
	return serve(f, source, false);
}
