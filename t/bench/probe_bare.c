/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a probe costs at least: the texts that our probe sends, over kept
 * connections of the same client library, without blocking, and every answer
 * thrown away.  The daemon's CPU time per probe is measured against this.
 *
 *	probe_bare BASE PORT SERVERS SECONDS [PERIOD_MS [tls]]
 *
 * Servers have consecutive addresses from BASE (doc/fleet.md).  Each is probed
 * once in PERIOD_MS, spread over it; 0 or none: again as soon as it answered.
 * Prints a line of JSON.
 */
#include "config.h"

#include <arpa/inet.h>
#include <mysql.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

#include "base/mem.h"
#include "mysql/conn.h"
#include "mysql/connect.h"
#include "mysql/probe.h"

enum { TEXTS_MAX = 16, EVENTS = 256 };

struct target {
	MYSQL *m;
	MYSQL_RES *res;
	const char *text;
	size_t len;
	enum { IDLE, QUERY, STORE, NEXT } state;
	int ret;
};

static struct target *target;
static unsigned servers, seconds, period_ms;
static bool tls;
static uint32_t base;
static unsigned port;
static char *texts[TEXTS_MAX]; /* few: servers of a kind are asked alike */
static int epoll;
static uint64_t probes, failures;

static int64_t
now_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- before: connect, and find out what a probe would send ---- */

static void
ask(struct conn *c, const char *text)
{
	uint32_t events = conn_start(c, text);

	while (events != 0) {
		struct pollfd p = { conn_fd(c), (short)events, 0 };

		if (poll(&p, 1, 5000) <= 0) {
			fputs("probe_bare: a server does not answer\n", stderr);
			exit(1);
		}
		events = conn_continue(c, (uint32_t)(unsigned short)p.revents);
	}
}

static const char *
intern(const char *text)
{
	int i = 0;

	while (i < TEXTS_MAX && texts[i] != NULL &&
	    strcmp(texts[i], text) != 0)
		i++;
	if (i == TEXTS_MAX) {
		fputs("probe_bare: too many kinds of servers\n", stderr);
		exit(1);
	}
	if (texts[i] == NULL)
		texts[i] = mem_strdup(text);
	return texts[i];
}

static void
probe(struct conn *c, struct probe *p, struct probe_memory *m,
    struct arena *a, const char *host, bool only_begin)
{
	static const struct probe_options options = {
		.skip_maxscale_check = true, .list_replicas = true };
	const char *text;

	probe_start(p, &options, m, (struct key){ host, port }, a);
	while (!only_begin && (text = probe_text(p)) != NULL) {
		struct probe_reply r = { .generation = 1,
			.stale = probe_generation(p) != 1 };

		if (!r.stale) {
			ask(c, text);
			r.code = c->outcome.code;
			r.errnum = c->outcome.errnum;
			r.error = c->outcome.text;
			r.rows = (struct bin){ (const uint8_t *)c->rows.data,
				c->rows.len };
		}
		probe_take(p, &r);
	}
}

static const char *
usual_text(struct st_mysql *m, const char *host)
{
	struct probe_memory memory;
	const char *text = NULL;
	struct arena a;
	struct probe p;
	struct conn c;

	arena_init(&a);
	probe_memory_init(&memory);
	conn_init(&c, m);
	for (int i = 0; i < 3; i++) {
		/* The third is as all later ones. */
		probe(&c, &p, &memory, &a, host, i == 2);
		if (i == 2)
			text = intern(probe_text(&p));
		probe_fini(&p);
		arena_reset(&a);
	}
	buf_fini(&c.rows);
	probe_memory_fini(&memory);
	arena_fini(&a);
	return text;
}

static void
set_up(struct target *t, uint32_t address)
{
	struct in_addr in = { htonl(address) };
	struct connect_outcome out;
	struct connect_options o = { .port = port, .user = "orchestrator",
		.password = "", .connect_limit = DUR_S(5), .limit = DUR_S(5),
		.tls = tls ? TLS_ALWAYS : TLS_NEVER };
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = t };
	char host[INET_ADDRSTRLEN];

	o.host = inet_ntop(AF_INET, &in, host, sizeof host);
	t->m = connect_server(&o, 0, 1, &out);
	if (t->m == NULL) {
		fprintf(stderr, "probe_bare: %s: %s\n", host, out.text);
		exit(1);
	}
	t->text = usual_text(t->m, host);
	t->len = strlen(t->text);
	epoll_ctl(epoll, EPOLL_CTL_ADD, mysql_get_socket(t->m), &e);
}

/* ---- the loop ---- */

static void begin(struct target *t);

/* Goes on until the library has to wait. */
static void
run(struct target *t, int wait)
{
	while (wait == 0) {
		switch (t->state) {
		case STORE:
			mysql_free_result(t->res);
			break;
		case QUERY:
		case NEXT:
			if (t->ret == 0) {
				t->state = STORE;
				wait = mysql_store_result_start(&t->res, t->m);
				continue;
			}
			failures++;
			break;
		case IDLE: return;
		}
		if (t->state == STORE && mysql_more_results(t->m)) {
			t->state = NEXT;
			wait = mysql_next_result_start(&t->ret, t->m);
			continue;
		}
		t->state = IDLE;
		probes++;
		if (period_ms == 0)
			begin(t);
		return;
	}
}

static void
begin(struct target *t)
{
	t->state = QUERY;
	run(t, mysql_real_query_start(&t->ret, t->m, t->text, t->len));
}

static void
go_on(struct target *t)
{
	int wait = 0;

	switch (t->state) {
	case QUERY:
		wait = mysql_real_query_cont(&t->ret, t->m, MYSQL_WAIT_READ);
		break;
	case STORE:
		wait = mysql_store_result_cont(&t->res, t->m, MYSQL_WAIT_READ);
		break;
	case NEXT:
		wait = mysql_next_result_cont(&t->ret, t->m, MYSQL_WAIT_READ);
		break;
	case IDLE: return;
	}
	run(t, wait);
}

/* Those whose turn has come; microseconds until the next one's. */
static int64_t
begin_due(int64_t start, uint64_t *begun)
{
	int64_t step = (int64_t)period_ms * 1000;
	int64_t now = now_us(CLOCK_MONOTONIC) - start, due;

	for (;;) {
		due = (int64_t)(*begun / servers) * step +
		    (int64_t)(*begun % servers) * step / servers;
		if (due > now)
			return due - now;
		if (target[*begun % servers].state == IDLE)
			begin(&target[*begun % servers]);
		++*begun;
	}
}

static void
loop(int64_t start)
{
	struct epoll_event e[EVENTS];
	int64_t end = start + (int64_t)seconds * 1000000, wait = 1000000;
	uint64_t begun = 0;
	int n;

	for (unsigned i = 0; period_ms == 0 && i < servers; i++)
		begin(&target[i]);
	while (now_us(CLOCK_MONOTONIC) < end) {
		if (period_ms > 0)
			wait = begin_due(start, &begun);
		n = epoll_wait(epoll, e, EVENTS, (int)(wait / 1000) + 1);
		for (int i = 0; i < n; i++)
			go_on(e[i].data.ptr);
	}
}

static long
rss_kb(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long size, pages = 0;

	if (f == NULL || fscanf(f, "%ld %ld", &size, &pages) != 2)
		pages = 0;
	if (f != NULL)
		fclose(f);
	return pages * 4;
}

static void
raise_limit(void)
{
	struct rlimit r;

	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

int
main(int argc, char **argv)
{
	int64_t cpu, start;
	struct in_addr a;
	size_t longest = 0;

	if (argc < 5 || inet_pton(AF_INET, argv[1], &a) != 1) {
		fputs("usage: probe_bare BASE PORT SERVERS SECONDS "
		    "[PERIOD_MS [tls]]\n", stderr);
		return 2;
	}
	base = ntohl(a.s_addr);
	port = (unsigned)atoi(argv[2]);
	servers = (unsigned)atoi(argv[3]);
	seconds = (unsigned)atoi(argv[4]);
	period_ms = argc > 5 ? (unsigned)atoi(argv[5]) : 0;
	tls = argc > 6 && strcmp(argv[6], "tls") == 0;
	raise_limit();
	epoll = epoll_create1(EPOLL_CLOEXEC);
	target = mem_zalloc(servers * sizeof *target);
	for (unsigned i = 0; i < servers; i++)
		set_up(&target[i], base + i);
	start = now_us(CLOCK_MONOTONIC);
	cpu = now_us(CLOCK_PROCESS_CPUTIME_ID);
	loop(start);
	cpu = now_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	for (int i = 0; i < TEXTS_MAX && texts[i] != NULL; i++)
		if (strlen(texts[i]) > longest)
			longest = strlen(texts[i]);
	printf("{\"servers\":%u,\"period_ms\":%u,\"seconds\":%u,\"probes\":%llu,"
	    "\"failures\":%llu,\"text_bytes\":%zu,\"cpu_us_per_probe\":%.1f,"
	    "\"cores\":%.3f,\"rss_kb\":%ld}\n", servers, period_ms, seconds,
	    (unsigned long long)probes, (unsigned long long)failures, longest,
	    probes > 0 ? (double)cpu / (double)probes : 0,
	    (double)cpu / 1e6 / seconds, rss_kb());
	return 0;
}
