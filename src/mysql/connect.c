/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a connection, which blocks; see connect.h. */
#include "config.h"

#include "mysql/connect.h"

#include <assert.h>
#include <errmsg.h>
#include <errno.h>
#include <fcntl.h>
#include <mysql.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "mysql/handles.h"
#include "mysql/trust.h"

/* Errors of servers, by the numbers that MySQL and MariaDB share. */
enum {
	SRV_TOO_MANY_CONNECTIONS = 1040,
	SRV_SHUTDOWN = 1053,
	SRV_DB_DENIED = 1044,
	SRV_ACCESS_DENIED = 1045,
	SRV_HOST_BLOCKED = 1129,
	SRV_HOST_NOT_ALLOWED = 1130,
	SRV_DENIED_NO_PASSWORD = 1698,
	SRV_SECURE_TRANSPORT = 3159,
	SRV_ACCOUNT_LOCKED = 3118,
	SRV_ACCOUNT_LOCKED_MARIADB = 4151,
};

/*
 * A connection's buffer grows to its largest packet; it begins with what a probe
 * and the rows of its answer need, not with twice that.
 */
enum { NET_BUFFER_BYTES = 4096 };

/*
 * Of the coroutine that a query runs on: twice what the library took for long,
 * and below what malloc() maps by itself, whose pages are not shared.
 */
enum { STACK_BYTES = 120 << 10 };

/* ---- limits ---- */

/*
 * The attempt of this thread.  The library waits through our function, which
 * knows the limit; what it does without waiting (TLS) is left to the watch.
 */
static _Thread_local struct attempt {
	int64_t connect_until_us; /* monotonic */
	int64_t until_us;
	unsigned place;
	uint32_t watch; /* 0: nobody watches */
	int refused;	/* errno of the TCP connection; 0: none */
	int watched;	/* our own copy of the descriptor; 0: none yet */
	bool expired;
} attempt;

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/*
 * A copy, because the library closes its descriptor by itself, and a number
 * used again would let connect_interrupt() hit another connection.
 */
static void
begin_watch(struct attempt *at, int fd)
{
	if (at->watch == 0 || at->watched > 0)
		return;
	at->watched = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (at->watched > 0 &&
	    !watch_begin(at->place, at->watch, at->watched))
		shutdown(fd, SHUT_RDWR);
}

static void
end_watch(struct attempt *at)
{
	if (at->watched <= 0)
		return;
	watch_end(at->place);
	close(at->watched);
	at->watched = 0;
}

/* The library would forget why; -1 as its wait. */
static int
refuse(struct attempt *at, int fd)
{
	socklen_t n = sizeof at->refused;

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &at->refused, &n);
	errno = at->refused != 0 ? at->refused : ECONNRESET;
	return -1;
}

/* The library's wait: 1 ready, 0 time over, -1 error. */
static int
wait_io(my_socket fd, my_bool is_read, int timeout_ms)
{
	struct attempt *at = &attempt;
	int64_t until = is_read ? at->until_us : at->connect_until_us, left;
	struct pollfd p = { .fd = fd, .events = is_read ? POLLIN : POLLOUT };
	int n;

	(void)timeout_ms; /* of each wait; ours is of all */
	begin_watch(at, fd);
	do {
		left = until - now_us();
		n = left > 0 ? poll(&p, 1, (int)((left + 999) / 1000)) : 0;
	} while (n < 0 && errno == EINTR);
	if (n > 0 && !is_read && (p.revents & (POLLERR | POLLHUP)) != 0)
		return refuse(at, fd);
	if (n == 0) {
		at->expired = true;
		errno = ETIMEDOUT;
	}
	return n;
}

void
connect_interrupt(unsigned place, uint32_t watch)
{
	watch_shutdown(place, watch);
}

void
connect_stop(void)
{
	watch_stop();
}

/* ---- errors ---- */

bool
connect_proves_life(unsigned errnum)
{
	if (errnum == CR_SSL_CONNECTION_ERROR ||
	    errnum == CR_AUTH_PLUGIN_CANNOT_LOAD ||
	    errnum == CR_AUTH_PLUGIN_ERR)
		return true; /* the handshake had begun */
	if (errnum == SRV_SHUTDOWN)
		return false;
	return (errnum >= 1000 && errnum < CR_MIN_ERROR) || errnum >= 3000;
}

static enum err_code
classify(unsigned errnum)
{
	switch (errnum) {
	case SRV_DB_DENIED:
	case SRV_ACCESS_DENIED:
	case SRV_DENIED_NO_PASSWORD:
	case SRV_SECURE_TRANSPORT:
	case SRV_ACCOUNT_LOCKED:
	case SRV_ACCOUNT_LOCKED_MARIADB:
	case SRV_HOST_NOT_ALLOWED:
		return ERR_DENIED;
	case SRV_TOO_MANY_CONNECTIONS:
	case SRV_HOST_BLOCKED:
		return ERR_SERVER;
	default:
		return connect_proves_life(errnum) ? ERR_SERVER :
						     ERR_UNREACHABLE;
	}
}

static void
set_outcome(struct connect_outcome *out, MYSQL *m,
    const struct connect_options *o)
{
	out->errnum = mysql_errno(m);
	out->code = classify(out->errnum);
	/* Where our wait was not asked, the clock tells. */
	if (now_us() >= attempt.until_us &&
	    (out->errnum >= CR_MIN_ERROR && out->errnum < 3000))
		attempt.expired = true;
	if (attempt.expired)
		out->code = ERR_TIMEOUT;
	if (attempt.refused != 0)
		snprintf(out->text, sizeof out->text, "cannot connect: %s",
		    strerror(attempt.refused));
	else
		snprintf(out->text, sizeof out->text, "%s%.300s",
		    out->code == ERR_TIMEOUT ? "time over: " : "",
		    mysql_error(m));
	if (out->errnum == CR_SSL_CONNECTION_ERROR && o->verify &&
	    strstr(out->text, "certificate") != NULL)
		snprintf(out->text + strlen(out->text),
		    sizeof out->text - strlen(out->text),
		    " (MySQLTopologySSLCAFile names the authorities, "
		    "MySQLTopologySSLSkipVerify does without)");
}

/* ---- options ---- */

static void
set_bool(MYSQL *m, enum mysql_option option, bool v)
{
	my_bool b = v;

	mysql_options(m, option, &b);
}

static void
set_seconds(MYSQL *m, enum mysql_option option, dur_t d)
{
	unsigned s = (unsigned)((d.us + 999999) / 1000000);

	s = s > 0 ? s : 1;
	mysql_options(m, option, &s);
}

static bool
given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

/*
 * With authorities set, library 3.3 verifies the chain even when told not to:
 * without "verify" they are left out.  It then reads the system's ones, which
 * trust.h keeps it from.
 */
static void
set_tls(MYSQL *m, const struct connect_options *o)
{
	set_bool(m, MYSQL_OPT_SSL_ENFORCE, true);
	set_bool(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, o->verify);
	if (o->verify && given(o->ca_file))
		mysql_options(m, MYSQL_OPT_SSL_CA, o->ca_file);
	if (given(o->cert_file))
		mysql_options(m, MYSQL_OPT_SSL_CERT, o->cert_file);
	if (given(o->key_file))
		mysql_options(m, MYSQL_OPT_SSL_KEY, o->key_file);
}

static void
set_options(MYSQL *m, const struct connect_options *o, bool tls)
{
	size_t packet_max = o->packet_max > 0 ? o->packet_max : PACKET_MAX;
	unsigned protocol = MYSQL_PROTOCOL_TCP;
	size_t buffer = NET_BUFFER_BYTES, stack = STACK_BYTES;

	mysql_options(m, MYSQL_OPT_NET_BUFFER_LENGTH, &buffer);
	mysql_options(m, MYSQL_OPT_NONBLOCK, &stack);
	mysql_options(m, MYSQL_OPT_PROTOCOL, &protocol);
	mysql_options(m, MARIADB_OPT_IO_WAIT, wait_io);
	set_seconds(m, MYSQL_OPT_CONNECT_TIMEOUT, o->connect_limit);
	set_seconds(m, MYSQL_OPT_READ_TIMEOUT, o->limit);
	set_seconds(m, MYSQL_OPT_WRITE_TIMEOUT, o->limit);
	mysql_options(m, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet_max);
	mysql_options(m, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_options(m, MYSQL_OPT_LOCAL_INFILE, &(unsigned){ 0 });
	set_bool(m, MYSQL_OPT_RECONNECT, false);
	/* Else a hostile server could ask for the password in clear. */
	mysql_options(m, MARIADB_OPT_RESTRICTED_AUTH,
	    "mysql_native_password,caching_sha2_password,client_ed25519");
	mysql_options4(m, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name",
	    "orchestrator");
	if (tls) {
		set_tls(m, o);
	} else {
		set_bool(m, MYSQL_OPT_SSL_ENFORCE, false);
		set_bool(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, false);
	}
}

/* ---- connecting ---- */

/* OpenSSL writes with write(2): a lost connection is an error, not our end. */
static void
init_library(void)
{
	int failed = mysql_library_init(0, NULL, NULL);

	signal(SIGPIPE, SIG_IGN);

	assert(!failed);
}

/* One attempt.  *offers_tls says whether the server could. */
static MYSQL *
try_once(const struct connect_options *o, bool tls,
    struct connect_outcome *out, bool *offers_tls)
{
	MYSQL *m = mysql_init(NULL);
	bool good;
	int fd;

	if (m == NULL)
		abort();
	set_options(m, o, tls);
	out->tls = tls;
	trust_set(o->verify ? TRUST_SYSTEM : TRUST_NOBODY);
	good = mysql_real_connect(m, o->host, o->user, o->password, NULL,
	    o->port, NULL, CLIENT_MULTI_STATEMENTS) != NULL;
	trust_set(TRUST_AS_EVER);
	*offers_tls = (m->server_capabilities & CLIENT_SSL) != 0;
	end_watch(&attempt);
	if (good && tls && mysql_get_ssl_cipher(m) == NULL) {
		out->code = ERR_DENIED;
		snprintf(out->text, sizeof out->text,
		    "the server does not offer TLS, which it needed before "
		    "or the configuration asks for");
		mysql_close(m);
		return NULL;
	}
	if (!good) {
		set_outcome(out, m, o);
		mysql_close(m);
		return NULL;
	}
	out->code = ERR_NONE;
	/* They were sent; kept, they are a fifth of its memory. */
	mysql_options(m, MYSQL_OPT_CONNECT_ATTR_RESET, NULL);
	/* Trap 1: else a query over TLS blocks. */
	fd = mysql_get_socket(m);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return m;
}

/* Errors that a connection without TLS may owe to that. */
static bool
may_need_tls(unsigned errnum)
{
	return errnum == SRV_SECURE_TRANSPORT || errnum == SRV_ACCESS_DENIED ||
	    errnum == SRV_DENIED_NO_PASSWORD || errnum == CR_AUTH_PLUGIN_ERR;
}

struct st_mysql *
connect_server(const struct connect_options *o, unsigned place,
    uint32_t watch, struct connect_outcome *out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int64_t start = now_us();
	struct connect_outcome second;
	bool offers_tls;
	MYSQL *m;

	pthread_once(&once, init_library);
	memset(out, 0, sizeof *out);
	attempt = (struct attempt){
		.connect_until_us = start +
		    (o->connect_limit.us < o->limit.us ? o->connect_limit.us :
							 o->limit.us),
		.until_us = start + o->limit.us,
		.place = place,
		.watch = watch,
	};
	m = try_once(o, o->tls == TLS_ALWAYS, out, &offers_tls);
	if (m == NULL && o->tls == TLS_WHEN_NEEDED && offers_tls &&
	    may_need_tls(out->errnum)) {
		memset(&second, 0, sizeof second);
		attempt.connect_until_us = attempt.until_us;
		m = try_once(o, true, &second, &offers_tls);
		/* Denied both times: the first answer is the plainer one. */
		if (m != NULL || second.errnum != out->errnum)
			*out = second;
	}
	out->took = DUR_US(now_us() - start);
	return m;
}

void
connect_drop(struct st_mysql *m)
{
	if (m != NULL)
		mysql_close(m);
}
