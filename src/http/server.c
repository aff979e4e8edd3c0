/* SPDX-License-Identifier: Apache-2.0 */
/* Threads and listeners; start and stop. */
#include "config.h"

#include "http/server.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "http/tls.h"

enum {
	PAUSE_MS = 100,	      /* without a free descriptor */
	EXPIRE_MS = 1000,     /* between two looks at who waits too long */
	LAST_MS = 500,	      /* after stop_ms: to send the 503s */
	NICENESS = 5,	      /* see behind_probes() */
	SLICE_NS = 200000,
	GOAWAY_MS = 1100,     /* h2o's shutdown timer, which must have fired */
	HANDSHAKE_MS = 10000,
	GZIP_QUALITY = 2, /* of our JSON no slower than 1, and smaller */
};

void
http_tuning_from(struct http_tuning *tuning, const struct config *config)
{
	*tuning = (struct http_tuning){
		.threads = (int)config->http_threads,
		.http2 = config->http_enable_http2,
		.connections_max = config->http_max_connections,
		.calls_max = config->http_max_requests,
		.access_log = config->http_access_log_file,
		.conn_calls_max = 128,
		.body_max = 64 << 10,
		.held_max = 256 << 20,
		.conn_held_max = 32 << 20,
		.request_ms = 10000,
		.reply_ms = 60000,
		.stop_ms = 5000,
		.socket_mode = 0660,
	};
}

/* ---- what other threads say ---- */

static void
wake(void *arg)
{
	struct thread *t = arg;

	h2o_multithread_send_message(&t->on_wake, &t->wake);
}

static void
deliver(void *arg, struct msg *m)
{
	ops_deliver(arg, m);
}

static void
unlink_all(h2o_linklist_t *messages)
{
	while (!h2o_linklist_is_empty(messages))
		h2o_linklist_unlink(messages->next);
}

static void
on_wake(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
	struct thread *t = H2O_STRUCT_FROM_MEMBER(struct thread, on_wake,
	    receiver);

	/*
	 * First: the port may wake us again as soon as it is polled.  And it is
	 * polled nowhere else: that would allow a wake while this message is on
	 * its way.
	 */
	unlink_all(messages);
	if (t->ops == NULL)
		return; /* too late, and the port may be gone */
	port_poll(t->port, deliver, t->ops);
	http_calls_reap(t);
}

static void
on_expire(h2oc_timer *timer)
{
	struct thread *t = H2O_STRUCT_FROM_MEMBER(struct thread, expire, timer);

	if (t->ops == NULL)
		return;
	ops_expire(t->ops);
	http_calls_reap(t);
	if (t->call_count > 0)
		http_calls_watch(t);
}

void
http_calls_watch(struct thread *t)
{
	if (!h2oc_timer_is_linked(&t->expire))
		h2oc_timer_link(&t->expire_clock, &t->expire, on_expire);
}

static void
on_stop(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
	unlink_all(messages);
	H2O_STRUCT_FROM_MEMBER(struct thread, on_stop, receiver)->state =
	    STOPPING;
}

static void
on_quit(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
	unlink_all(messages);
	H2O_STRUCT_FROM_MEMBER(struct thread, on_quit, receiver)->state =
	    QUITTING;
}

const struct config *
http_thread_config(struct thread *t)
{
	struct ctx *ctx = port_ctx(t->port);
	uint64_t version = board_version(ctx, BOARD_CONFIG);

	if (version != t->config_version) {
		if (t->config != NULL)
			shared_unref(t->config);
		t->config = config_ref(ctx);
		t->config_version = version;
		memset(&t->groups, 0, sizeof t->groups);
	}
	return t->config != NULL ? t->config->config : t->http->arg.config;
}

/* ---- a thread ---- */

/*
 * In the thread itself: h2o's sockets and buffers hang on allocators that
 * belong to the thread that made them.
 */
static void
thread_init(struct thread *t)
{
	struct http *h = t->http;

	t->loop = h2o_evloop_create();
	h2o_context_init(&t->ctx, t->loop, &h->conf);
	t->accept.ctx = &t->ctx;
	t->accept.hosts = h->conf.hosts;
	t->accept.ssl_ctx = h->tls;
	h2o_multithread_register_receiver(t->ctx.queue, &t->on_wake, on_wake);
	h2o_multithread_register_receiver(t->ctx.queue, &t->on_stop, on_stop);
	h2o_multithread_register_receiver(t->ctx.queue, &t->on_quit, on_quit);
	h2oc_clock_init(&t->reply_clock, t->loop, h->tuning.reply_ms);
	h2oc_clock_init(&t->pause_clock, t->loop, PAUSE_MS);
	h2oc_clock_init(&t->expire_clock, t->loop, EXPIRE_MS);
	t->listener = h2o_evloop_socket_create(t->loop, t->listen_fd,
	    H2O_SOCKET_FLAG_DONT_READ);
	t->listener->data = t;
	t->ops = ops_new(port_ctx(t->port), h->arg.app);
	h2o_socket_read_start(t->listener, http_on_accept);
}

static void
thread_fini(struct thread *t)
{
	if (t->conn_count > 0)
		return; /* h2o would abort; the process ends anyway */
	h2o_multithread_unregister_receiver(t->ctx.queue, &t->on_wake);
	h2o_multithread_unregister_receiver(t->ctx.queue, &t->on_stop);
	h2o_multithread_unregister_receiver(t->ctx.queue, &t->on_quit);
	h2oc_timer_unlink(&t->pause);
	h2oc_timer_unlink(&t->expire);
	h2oc_clock_fini(&t->reply_clock);
	h2oc_clock_fini(&t->pause_clock);
	h2oc_clock_fini(&t->expire_clock);
	h2o_context_dispose(&t->ctx);
	h2o_evloop_destroy(t->loop);
}

/* Until all connections are gone, for ms at most. */
static void
drain(struct thread *t, uint64_t ms)
{
	uint64_t now = h2o_now(t->loop), until = now + ms;

	while (t->conn_count > 0 && now < until) {
		h2o_evloop_run(t->loop, (int32_t)(until - now));
		now = h2o_now(t->loop);
	}
}

static void
run_for(struct thread *t, uint64_t ms)
{
	uint64_t now = h2o_now(t->loop), until = now + ms;

	while (now < until) {
		h2o_evloop_run(t->loop, (int32_t)(until - now));
		now = h2o_now(t->loop);
	}
}

/*
 * how	SHUT_RD: what was received is still answered, then h2o reads the end
 */
static void
shut_connections(struct thread *t, int how, bool http2_too)
{
	for (struct conn *c = t->conns; c != NULL; c = c->next)
		if (http2_too || !c->http2)
			shutdown(h2o_socket_get_fd(c->sock), how);
}

static void
thread_stop(struct thread *t)
{
	bool goaway = false;

	h2o_socket_close(t->listener);
	t->listener = NULL;
	if (t->conn_count > 0) {
		h2o_context_request_shutdown(&t->ctx);
		goaway = true;
		shut_connections(t, SHUT_RD, false);
		drain(t, t->http->tuning.stop_ms);
	}
	if (t->conn_count > 0) {
		http_calls_refuse(t);
		drain(t, LAST_MS);
		shut_connections(t, SHUT_RDWR, true);
		drain(t, LAST_MS);
	}
	http_calls_abandon(t);
	ops_free(t->ops);
	t->ops = NULL;
	if (t->config != NULL)
		shared_unref(t->config);
	t->config = NULL;
	/* h2o_context_dispose() aborts while that timer is pending. */
	if (goaway && t->conn_count == 0)
		run_for(t, GOAWAY_MS);
}

#if defined(__linux__) && defined(SYS_sched_setattr)
/* As sched_setattr(2) has it; the C library has no name for it yet. */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};
#endif

/*
 * Who asks as fast as it is answered takes all the CPU there is.  When there is
 * not enough, servers are to be looked at before pages are.  But what an answer
 * needs is short: short slices let it run soon (Linux 6.12; older ones ignore
 * it).  On Linux both are the thread's own.
 */
static void
behind_probes(void)
{
#if defined(__linux__) && defined(SYS_sched_setattr)
	int now = getpriority(PRIO_PROCESS, 0);
	const struct attributes a = { .size = sizeof a, .policy = SCHED_OTHER,
		.nice = now > NICENESS ? now : NICENESS,
		.runtime = SLICE_NS };

	if (syscall(SYS_sched_setattr, 0, &a, 0) != 0)
		log_line(LOG_DEBUG, "http: sched_setattr: %s", strerror(errno));
#endif
}

static void *
thread_main(void *arg)
{
	struct thread *t = arg;
	char name[24];

	snprintf(name, sizeof name, "http-%d", t->index);
#ifdef HAVE_PTHREAD_SETNAME_NP
	pthread_setname_np(pthread_self(), name);
#endif
	behind_probes();
	thread_init(t);
	sem_post(&t->http->ready);
	while (t->state == SERVING)
		h2o_evloop_run(t->loop, INT32_MAX);
	thread_stop(t);
	sem_post(&t->http->ready);
	/* The port may still wake us until the runtime has stopped. */
	while (t->state != QUITTING && t->conn_count == 0)
		h2o_evloop_run(t->loop, INT32_MAX);
	thread_fini(t);
	return NULL;
}

/* ---- start ---- */

/* What is for the whole process, as shares of each thread. */
static void
tuning_share(struct http_tuning *share, const struct http_tuning *all)
{
	const unsigned n = (unsigned)all->threads;

	assert(all->threads >= 1 && all->threads <= HTTP_THREADS_MAX);
	*share = *all;
	share->connections_max = (all->connections_max + n - 1) / n;
	share->calls_max = (all->calls_max + n - 1) / n;
	share->held_max = all->held_max / n;
}

static void
conf_init(struct http *h)
{
	h2o_compress_args_t gzip = { .min_size = 0,
		.gzip = { .quality = GZIP_QUALITY },
		.brotli = { .quality = -1 } };
	h2o_handler_t *handler;

	h2o_config_init(&h->conf);
	h->conf.server_name = h2o_iovec_init(H2O_STRLIT("orchestrator"));
	h->conf.max_request_entity_size = h->tuning.body_max;
	h->conf.handshake_timeout = HANDSHAKE_MS;
	h->conf.http1.req_timeout = h->tuning.request_ms;
	h->conf.http1.upgrade_to_http2 = h->tuning.http2;
	h->conf.http2.idle_timeout = h->tuning.request_ms;
	h->host = h2o_config_register_host(&h->conf,
	    h2o_iovec_init(H2O_STRLIT("default")), 65535);
	h->path = h2o_config_register_path(h->host, "/", 0);
	h2o_compress_register(h->path, &gzip);
	handler = h2o_create_handler(h->path, sizeof *handler);
	handler->on_req = http_request;
}

/* No query in it: that is where a token could stand. */
static enum err_code
log_open(struct http *h, struct err *err)
{
	const char *path = h->tuning.access_log;
	h2o_access_log_filehandle_t *file;

	if (path == NULL || path[0] == '\0')
		return ERR_NONE;
	if (path[0] == '|')
		return err_set(err, ERR_INVALID,
		    "access log %s: not a file", path);
	file = h2o_access_log_open_handle(path,
	    "%h - - %t \"%m %U %H\" %>s %b", H2O_LOGCONF_ESCAPE_APACHE);
	if (file == NULL)
		return err_set(err, ERR_IO, "access log %s cannot be opened",
		    path);
	h2o_access_log_register(h->path, file);
	h2o_mem_release_shared(file); /* the logger has its own reference */
	return ERR_NONE;
}

static enum err_code
listen_open(struct http *h, int *fd, struct err *err)
{
	const struct config *c = h->arg.config;
	char shown[LISTEN_SHOWN_MAX];
	enum err_code code;

	if (c->listen_socket[0] != '\0') {
		code = listen_unix(c->listen_socket, h->tuning.socket_mode,
		    h->threads, fd, err);
		h->address = mem_printf("unix:%s", c->listen_socket);
		return code;
	}
	if (c->use_ssl) {
		h->tls = tls_new(c, h->tuning.http2, err);
		if (h->tls == NULL)
			return err->code;
		SSL_CTX_set_info_callback(h->tls, http_on_ssl_info);
	}
	code = listen_tcp(c->listen_address, h->threads, fd, shown, err);
	if (code == ERR_NONE)
		h->address = mem_printf("%s://%s",
		    h->tls != NULL ? "https" : "http", shown);
	return code;
}

static void
threads_start(struct http *h, const int *fd)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (int i = 0; i < h->threads; i++) {
		struct thread *t = &h->thread[i];
		char name[24];

		t->http = h;
		t->index = i;
		t->listen_fd = fd[i];
		snprintf(name, sizeof name, "http-%d", i);
		t->port = rt_port_new(h->arg.rt, name, wake, t);
		if (pthread_create(&t->id, NULL, thread_main, t) != 0)
			abort(); /* as without memory */
		sem_wait(&h->ready);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void
http_delete(struct http *h)
{
	h2o_config_dispose(&h->conf);
	SSL_CTX_free(h->tls);
	sem_destroy(&h->ready);
	mem_free(h->address);
	mem_free(h->web_location);
	mem_free(h);
}

/* From: go/app/http.go, 3.2.6: "multi" without a user is refused. */
static enum err_code
config_check_auth(const struct config *c, struct err *err)
{
	if (c->http_auth_user[0] != '\0')
		return ERR_NONE;
	if (c->rules.auth == AUTH_MULTI)
		return err_set(err, ERR_INVALID,
		    "AuthenticationMethod \"multi\" needs HTTPAuthUser");
	return ERR_NONE;
}

struct http *
http_start(const struct http_arg *arg, struct err *err)
{
	struct http_tuning tuning;
	struct http *h;
	int fd[HTTP_THREADS_MAX];

	http_tuning_from(&tuning, arg->config);
	if (arg->tuning != NULL)
		tuning = *arg->tuning;
	h = mem_zalloc(sizeof *h +
	    (size_t)tuning.threads * sizeof h->thread[0]);
	h->arg = *arg;
	h->threads = tuning.threads;
	tuning_share(&h->tuning, &tuning);
	sem_init(&h->ready, 0, 0);
	h->web_location = mem_printf("%s/web/", arg->config->url_prefix);
	conf_init(h);
	if (config_check_auth(arg->config, err) != ERR_NONE ||
	    log_open(h, err) != ERR_NONE ||
	    listen_open(h, fd, err) != ERR_NONE) {
		http_delete(h);
		return NULL;
	}
	threads_start(h, fd);
	log_line(LOG_NOTICE, "http: listening on %s", h->address);
	return h;
}

const char *
http_address(const struct http *http)
{
	return http->address;
}

/* ---- stop ---- */

void
http_stop(struct http *h)
{
	for (int i = 0; i < h->threads; i++)
		h2o_multithread_send_message(&h->thread[i].on_stop,
		    &h->thread[i].stop);
	for (int i = 0; i < h->threads; i++)
		sem_wait(&h->ready);
	if (h->arg.config->listen_socket[0] != '\0')
		unlink(h->arg.config->listen_socket);
}

void
http_free(struct http *h)
{
	bool clean = true;

	for (int i = 0; i < h->threads; i++)
		h2o_multithread_send_message(&h->thread[i].on_quit,
		    &h->thread[i].quit);
	for (int i = 0; i < h->threads; i++) {
		pthread_join(h->thread[i].id, NULL);
		clean &= h->thread[i].conn_count == 0;
	}
	if (clean)
		http_delete(h);
}
