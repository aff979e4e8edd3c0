/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 requests at a fixed rate, over kept connections, and how long each
 * answer took from the moment its request was due: a server that falls behind is
 * charged with the wait, which a client that asks again only when it was answered
 * would not see.
 *
 *	paced ADDRESS PORT PATH RATE SECONDS CONNECTIONS [HEADER...]
 *
 * RATE is of all connections together; 0: each asks as soon as it was answered.
 * HEADER is "Name: value".  Prints a line of JSON; bytes are those of a body as it
 * came, compressed or not.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum { HEAD_MAX = 4096, READ_SIZE = 256 << 10, EVENTS = 64, NAP_US = 200,
	SAMPLES_MAX = 20 << 20 };

struct client {
	int fd;
	int64_t due; /* of the request under way */
	enum { IDLE, HEAD, BODY, SIZE, CHUNK, CRLF, TRAILER } state;
	char head[HEAD_MAX]; /* header, or the line of a chunk's size */
	size_t head_len;
	uint64_t left; /* of the body, or of the chunk */
	bool bad;
};

static struct client *client;
static struct client **idle;
static size_t clients, idle_n;
static struct sockaddr_in server;
static char request[2048];
static size_t request_len;
static uint32_t *took; /* us */
static size_t samples, bad;
static uint64_t bytes;
static int epoll;

static int64_t
now_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
fail(const char *what)
{
	fprintf(stderr, "paced: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- requests ---- */

static void
ask(struct client *c, int64_t due)
{
	if (write(c->fd, request, request_len) != (ssize_t)request_len)
		fail("write");
	c->due = due;
	c->state = HEAD;
	c->head_len = 0;
	c->bad = false;
}

static void
answered(struct client *c)
{
	int64_t us = now_us(CLOCK_MONOTONIC) - c->due;

	if (samples < SAMPLES_MAX)
		took[samples++] = (uint32_t)us;
	bad += c->bad;
	c->state = IDLE;
	idle[idle_n++] = c;
}

/* ---- answers ---- */

/* Behind the header's name, lower case or not; NULL: there is none. */
static const char *
header(const char *head, const char *name)
{
	for (const char *p = head; (p = strstr(p, "\r\n")) != NULL;) {
		p += 2;
		if (strncasecmp(p, name, strlen(name)) == 0)
			return p + strlen(name);
	}
	return NULL;
}

static void
begin_body(struct client *c)
{
	const char *length = header(c->head, "content-length:");

	c->bad = strncmp(c->head, "HTTP/1.1 200", 12) != 0;
	c->head_len = 0;
	if (length != NULL) {
		c->left = strtoull(length, NULL, 10);
		c->state = BODY;
		if (c->left == 0)
			answered(c);
	} else if (header(c->head, "transfer-encoding:") != NULL) {
		c->state = SIZE;
	} else {
		fail("an answer without a length");
	}
}

/* Up to and with end; bytes taken, or 0 when p has no end. */
static size_t
take_line(struct client *c, const char *p, size_t n, const char *end)
{
	size_t taken = 0, len = strlen(end);

	while (taken < n) {
		if (c->head_len + 1 >= sizeof c->head)
			fail("a header or chunk that is too long");
		c->head[c->head_len++] = p[taken++];
		c->head[c->head_len] = '\0';
		if (c->head_len >= len && memcmp(c->head + c->head_len - len,
		    end, len) == 0)
			return taken;
	}
	return 0;
}

static size_t
take_bytes(struct client *c, size_t n)
{
	size_t taken = n < c->left ? n : c->left;

	c->left -= taken;
	bytes += taken;
	return taken;
}

static void
begin_chunk(struct client *c)
{
	c->left = strtoull(c->head, NULL, 16);
	c->head_len = 0;
	c->state = c->left > 0 ? CHUNK : TRAILER;
}

/* Bytes taken; 0: all were, and more are needed. */
static size_t
take(struct client *c, const char *p, size_t n)
{
	size_t taken = 0;

	switch (c->state) {
	case HEAD:
		taken = take_line(c, p, n, "\r\n\r\n");
		if (taken > 0)
			begin_body(c);
		break;
	case BODY:
		taken = take_bytes(c, n);
		if (c->left == 0)
			answered(c);
		break;
	case SIZE:
		taken = take_line(c, p, n, "\r\n");
		if (taken > 0)
			begin_chunk(c);
		break;
	case CHUNK:
		taken = take_bytes(c, n);
		if (c->left == 0)
			c->state = CRLF;
		break;
	case CRLF:
		taken = take_line(c, p, n, "\r\n");
		c->head_len = taken > 0 ? 0 : c->head_len;
		c->state = taken > 0 ? SIZE : CRLF;
		break;
	case TRAILER:
		taken = take_line(c, p, n, "\r\n");
		if (taken > 0)
			answered(c);
		break;
	case IDLE: fail("an answer that nobody asked for");
	}
	return taken;
}

static void
on_readable(struct client *c)
{
	static char text[READ_SIZE];
	ssize_t n = recv(c->fd, text, sizeof text, MSG_DONTWAIT);
	size_t at = 0, taken = 1;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		fail("read");
	for (; at < (size_t)n && taken > 0; at += taken)
		taken = take(c, text + at, (size_t)n - at);
}

/* ---- the loop ---- */

static void
open_client(struct client *c)
{
	struct epoll_event event = { EPOLLIN, { .ptr = c } };
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&server,
	    sizeof server) != 0)
		fail("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
	idle[idle_n++] = c;
}

static void
wait_for_answers(int64_t us)
{
	struct epoll_event event[EVENTS];
	struct timespec limit = { us / 1000000, us % 1000000 * 1000 };
	int n = epoll_pwait2(epoll, event, EVENTS, &limit, NULL);

	for (int i = 0; i < n; i++)
		on_readable(event[i].data.ptr);
}

/* Requests are due at even distances; those that find no connection wait. */
static void
run_paced(double rate, double seconds)
{
	int64_t begin = now_us(CLOCK_MONOTONIC);
	uint64_t sent = 0, all = (uint64_t)(rate * seconds);

	while (sent < all || idle_n < clients) {
		int64_t now = now_us(CLOCK_MONOTONIC);
		int64_t due = begin + (int64_t)((double)sent * 1e6 / rate);

		if (sent < all && idle_n > 0 && due <= now) {
			ask(idle[--idle_n], due);
			sent++;
		} else if (sent < all && idle_n > 0) {
			wait_for_answers(due - now > NAP_US ? due - now :
							      NAP_US);
		} else {
			wait_for_answers(1000000);
		}
	}
}

static void
run_flat_out(double seconds)
{
	int64_t end = now_us(CLOCK_MONOTONIC) + (int64_t)(seconds * 1e6);

	while (now_us(CLOCK_MONOTONIC) < end) {
		while (idle_n > 0)
			ask(idle[--idle_n], now_us(CLOCK_MONOTONIC));
		wait_for_answers(1000000);
	}
	while (idle_n < clients)
		wait_for_answers(1000000);
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t
rank(double part)
{
	return took[(size_t)((double)(samples - 1) * part)];
}

static void
report(double wall_s)
{
	int64_t cpu = now_us(CLOCK_PROCESS_CPUTIME_ID);

	if (samples == 0)
		fail("nothing was answered");
	qsort(took, samples, sizeof *took, by_value);
	printf("{\"requests\":%zu,\"per_s\":%.1f,\"bad\":%zu,\"p50_us\":%u,"
	    "\"p99_us\":%u,\"p999_us\":%u,\"max_us\":%u,\"bytes\":%.0f,"
	    "\"cpu_us\":%.1f}\n", samples, (double)samples / wall_s, bad,
	    rank(0.5), rank(0.99), rank(0.999), rank(1),
	    (double)bytes / (double)samples, (double)cpu / (double)samples);
}

static void
write_request(const char *path, int headers, char **text)
{
	int n = snprintf(request, sizeof request,
	    "GET %s HTTP/1.1\r\nHost: localhost\r\n", path);

	for (int i = 0; i < headers && n < (int)sizeof request; i++)
		n += snprintf(request + n, sizeof request - (size_t)n,
		    "%s\r\n", text[i]);
	if (n + 2 >= (int)sizeof request)
		fail("a request that is too long");
	strcpy(request + n, "\r\n");
	request_len = (size_t)n + 2;
}

int
main(int argc, char **argv)
{
	double rate, seconds;
	int64_t begin;

	if (argc < 7) {
		fputs("usage: paced ADDRESS PORT PATH RATE SECONDS CONNECTIONS "
		      "[HEADER...]\n", stderr);
		return 2;
	}
	server.sin_family = AF_INET;
	server.sin_port = htons((uint16_t)atoi(argv[2]));
	if (inet_pton(AF_INET, argv[1], &server.sin_addr) != 1)
		fail("address");
	rate = strtod(argv[4], NULL);
	seconds = strtod(argv[5], NULL);
	clients = strtoul(argv[6], NULL, 10);
	write_request(argv[3], argc - 7, argv + 7);
	client = mem_zalloc(clients * sizeof *client);
	idle = mem_zalloc(clients * sizeof *idle);
	took = mem_alloc(SAMPLES_MAX * sizeof *took);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < clients; i++)
		open_client(&client[i]);
	begin = now_us(CLOCK_MONOTONIC);
	if (rate > 0)
		run_paced(rate, seconds);
	else
		run_flat_out(seconds);
	report((double)(now_us(CLOCK_MONOTONIC) - begin) / 1e6);
	mem_free(took);
	mem_free(idle);
	mem_free(client);
	return 0;
}
