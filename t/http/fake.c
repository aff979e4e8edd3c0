/* SPDX-License-Identifier: Apache-2.0 */
/* See fake.h. */
#include "config.h"

#include "fake.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actors/app.h"
#include "base/mem.h"
#include "ops/op.h"
#include "runtime/runtime.h"

/* ---- the runtime ---- */

/* A call on its way through the other thread. */
struct job {
	struct job *next;
	struct port *port;
	uint32_t serial;
	int64_t due_us; /* INT64_MAX: when released */
};

struct port {
	struct rt *rt;
	struct port *next;
	void (*wake)(void *);
	void *arg;
	struct job *done; /* answers that wait for port_poll() */
	bool woken;
};

struct rt {
	pthread_t id;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct job *jobs;
	struct port *ports;
	bool ending;
	unsigned runs; /* of /api/write */
	unsigned pieces; /* made so far */
};

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
job_finish(struct job *job)
{
	struct port *p = job->port;

	job->next = p->done;
	p->done = job;
	if (!p->woken)
		p->wake(p->arg);
	p->woken = true;
}

static int64_t
finish_due(struct rt *rt)
{
	int64_t first = INT64_MAX, now = now_us();
	struct job **at = &rt->jobs;

	while (*at != NULL) {
		struct job *job = *at;

		if (job->due_us <= now) {
			*at = job->next;
			job_finish(job);
			continue;
		}
		if (job->due_us < first)
			first = job->due_us;
		at = &job->next;
	}
	return first;
}

static void *
rt_main(void *arg)
{
	struct rt *rt = arg;

	pthread_mutex_lock(&rt->lock);
	while (!rt->ending) {
		int64_t first = finish_due(rt);
		struct timespec until = { first / 1000000,
			first % 1000000 * 1000 };

		if (first == INT64_MAX)
			pthread_cond_wait(&rt->changed, &rt->lock);
		else
			pthread_cond_timedwait(&rt->changed, &rt->lock, &until);
	}
	pthread_mutex_unlock(&rt->lock);
	return NULL;
}

struct rt *
fake_rt_new(void)
{
	struct rt *rt = mem_zalloc(sizeof *rt);
	pthread_condattr_t attr;

	pthread_mutex_init(&rt->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&rt->changed, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&rt->id, NULL, rt_main, rt) != 0)
		abort();
	return rt;
}

static void
jobs_free(struct job *job)
{
	while (job != NULL) {
		struct job *next = job->next;

		mem_free(job);
		job = next;
	}
}

void
fake_rt_free(struct rt *rt)
{
	struct port *p;

	pthread_mutex_lock(&rt->lock);
	rt->ending = true;
	pthread_cond_signal(&rt->changed);
	pthread_mutex_unlock(&rt->lock);
	pthread_join(rt->id, NULL);
	jobs_free(rt->jobs);
	while ((p = rt->ports) != NULL) {
		rt->ports = p->next;
		jobs_free(p->done);
		mem_free(p);
	}
	pthread_mutex_destroy(&rt->lock);
	pthread_cond_destroy(&rt->changed);
	mem_free(rt);
}

struct port *
rt_port_new(struct rt *rt, const char *name, void (*wake)(void *), void *arg)
{
	struct port *p = mem_zalloc(sizeof *p);

	(void)name;
	p->rt = rt;
	p->wake = wake;
	p->arg = arg;
	p->next = rt->ports;
	rt->ports = p;
	return p;
}

struct ctx *
port_ctx(struct port *port)
{
	return (struct ctx *)port;
}

size_t
port_poll(struct port *port, void (*fn)(void *arg, struct msg *m), void *arg)
{
	struct job *done, *next;
	size_t n = 0;

	pthread_mutex_lock(&port->rt->lock);
	done = port->done;
	port->done = NULL;
	port->woken = false;
	pthread_mutex_unlock(&port->rt->lock);
	for (; done != NULL; done = next, n++) {
		struct msg m = { .serial = done->serial };

		next = done->next;
		fn(arg, &m);
		mem_free(done);
	}
	return n;
}

/* Nothing is on the board. */
uint64_t
board_version(struct ctx *ctx, unsigned kind)
{
	(void)ctx;
	(void)kind;
	return 0;
}

const struct config_shared *
config_ref(struct ctx *ctx)
{
	(void)ctx;
	return NULL;
}

void
shared_unref(const void *s)
{
	(void)s;
}

/* ---- operations ---- */

enum { ARGS = 2, CALLS = 8192 };

struct op {
	const char *name;
	int args_min, args_max;
	unsigned flags;
	void (*run)(struct op_call *call);
};

struct op_call {
	struct ops *ops;
	const struct op *op;
	char arg[ARGS][256];
	int args;
	struct buf query, headers, body;
	bool authorized;
	char user[128], client[128];
	uint32_t serial; /* 0: not under way */
	void (*done)(void *, struct op_call *, const struct op_reply *);
	void *done_arg;
	struct op_reply reply;
	size_t next, end; /* of /api/pieces */
};

struct ops {
	struct port *port;
	struct op_call *call[CALLS]; /* under way, by serial */
	uint32_t serial;
	size_t pending;
};

static void
answer(struct op_call *c, int status, const char *type)
{
	c->reply = (struct op_reply){ .status = status,
		.content_type = type,
		.body = buf_text(&c->body),
		.len = c->body.len,
		.held = c->body.len };
	c->done(c->done_arg, c, &c->reply);
}

static void
answer_json(struct op_call *c)
{
	answer(c, 200, "application/json; charset=UTF-8");
}

static void
later(struct op_call *c, int64_t due_us)
{
	struct ops *ops = c->ops;
	struct job *job = mem_zalloc(sizeof *job);

	do
		c->serial = ++ops->serial;
	while (c->serial == 0 || ops->call[c->serial % CALLS] != NULL);
	ops->call[c->serial % CALLS] = c;
	ops->pending++;
	job->port = ops->port;
	job->serial = c->serial;
	job->due_us = due_us;
	pthread_mutex_lock(&ops->port->rt->lock);
	job->next = ops->port->rt->jobs;
	ops->port->rt->jobs = job;
	pthread_cond_signal(&ops->port->rt->changed);
	pthread_mutex_unlock(&ops->port->rt->lock);
}

static void
write_echo(struct op_call *c)
{
	struct json w;

	json_init(&w, &c->body);
	json_obj(&w);
	json_kstr(&w, "op", c->op->name);
	json_kstr(&w, "a", c->arg[0]);
	json_kstr(&w, "b", c->arg[1]);
	json_kstr(&w, "query", buf_text(&c->query));
	json_kbool(&w, "authorized", c->authorized);
	json_kstr(&w, "user", c->user);
	json_kstr(&w, "client", c->client);
	json_end(&w);
}

static void
run_echo(struct op_call *c)
{
	write_echo(c);
	answer_json(c);
}

static void
run_later(struct op_call *c)
{
	write_echo(c);
	later(c, now_us() + strtoll(c->arg[0], NULL, 10) * 1000);
}

static void
run_hold(struct op_call *c)
{
	write_echo(c);
	later(c, INT64_MAX);
}

/* Until ops_expire(). */
static void
run_stuck(struct op_call *c)
{
	later(c, INT64_MAX);
}

static void
run_release(struct op_call *c)
{
	struct rt *rt = c->ops->port->rt;

	pthread_mutex_lock(&rt->lock);
	for (struct job *job = rt->jobs; job != NULL; job = job->next)
		job->due_us = 0;
	pthread_cond_signal(&rt->changed);
	pthread_mutex_unlock(&rt->lock);
	run_echo(c);
}

static void
run_big(struct op_call *c)
{
	size_t n = strtoull(c->arg[0], NULL, 10);
	static const char item[] = "1234567,\n";

	buf_chr(&c->body, '[');
	while (c->body.len + sizeof item < n)
		buf_add(&c->body, item, sizeof item - 1);
	buf_pad(&c->body, ' ', n > c->body.len ? n - c->body.len - 1 : 0);
	buf_chr(&c->body, ']');
	answer_json(c);
}

enum { PIECE = 10000 };

static void
write_piece(struct op_call *c)
{
	size_t stop = c->end - c->next < PIECE ? c->end : c->next + PIECE;

	buf_reset(&c->body);
	for (; c->next < stop; c->next++)
		buf_printf(&c->body, "%c%zu", c->next == 0 ? '[' : ',',
		    c->next);
	c->reply.more = c->next < c->end;
	if (!c->reply.more)
		buf_chr(&c->body, ']');
	c->reply.body = buf_text(&c->body);
	c->reply.len = c->body.len;
	pthread_mutex_lock(&c->ops->port->rt->lock);
	c->ops->port->rt->pieces++;
	pthread_mutex_unlock(&c->ops->port->rt->lock);
}

static void
run_pieces(struct op_call *c)
{
	c->end = strtoull(c->arg[0], NULL, 10);
	c->reply = (struct op_reply){ .status = 200,
		.content_type = "application/json; charset=UTF-8",
		.held = c->end / 1000 };
	write_piece(c);
	c->done(c->done_arg, c, &c->reply);
}

const struct op_reply *
ops_more(struct op_call *c)
{
	assert(c->reply.more);
	write_piece(c);
	return &c->reply;
}

static void
run_text(struct op_call *c)
{
	buf_str(&c->body, "plain\n");
	answer(c, 200, "text/plain; charset=utf-8");
}

static void
run_code(struct op_call *c)
{
	answer(c, atoi(c->arg[0]), "text/plain; charset=utf-8");
}

static void
run_fail(struct op_call *c)
{
	buf_str(&c->body, "{\"Code\":\"ERROR\"}");
	answer(c, 500, "application/json; charset=UTF-8");
}

static void
run_write(struct op_call *c)
{
	pthread_mutex_lock(&c->ops->port->rt->lock);
	c->ops->port->rt->runs += c->authorized;
	pthread_mutex_unlock(&c->ops->port->rt->lock);
	write_echo(c);
	answer(c, c->authorized ? 200 : 500, "application/json; charset=UTF-8");
}

/* How often /api/write ran; calls this thread has under way. */
static void
run_count(struct op_call *c)
{
	pthread_mutex_lock(&c->ops->port->rt->lock);
	buf_printf(&c->body, "{\"runs\":%u,\"pending\":%zu,\"pieces\":%u}",
	    c->ops->port->rt->runs, c->ops->pending,
	    c->ops->port->rt->pieces);
	pthread_mutex_unlock(&c->ops->port->rt->lock);
	answer_json(c);
}

static void
run_headers(struct op_call *c)
{
	buf_str(&c->body, buf_text(&c->headers));
	answer(c, 200, "text/plain; charset=utf-8");
}

static void
run_token(struct op_call *c)
{
	if (strcmp(buf_text(&c->query), "publicToken=111") == 0) {
		buf_str(&c->body, "\"111:222\"");
		answer_json(c);
	} else if (strcmp(buf_text(&c->query), "publicToken=odd") == 0) {
		buf_str(&c->body, "\"odd:2\\r\\nSet-Cookie: x\"");
		answer_json(c);
	} else
		run_fail(c);
}

static void
run_clusters(struct op_call *c)
{
	buf_str(&c->body, "[{\"ClusterName\":\"db1:3306\",\"ClusterAlias\":"
	    "\"<img src=x onerror=alert(1)>\",\"ClusterDomain\":"
	    "\"db.example\",\"CountInstances\":4,\"HeuristicLag\":0,"
	    "\"HasAutomatedMasterRecovery\":true,"
	    "\"HasAutomatedIntermediateMasterRecovery\":false},"
	    "{\"ClusterName\":\"db9:3306\",\"ClusterAlias\":\"reports\","
	    "\"ClusterDomain\":\"\",\"CountInstances\":1}]");
	answer_json(c);
}

static void
run_topology(struct op_call *c)
{
	struct json w;

	json_init(&w, &c->body);
	json_obj(&w);
	json_kstr(&w, "Code", "OK");
	json_kstr(&w, "Message", "");
	json_kstr(&w, "Details",
	    strcmp(c->arg[0], "db1:3306") == 0 ?
	    "db1:3306   [0s,ok,8.4.3,rw,ROW,>>,GTID]\n"
	    "+ db2:3306 [0s,ok,8.4.3,ro,ROW,>>,GTID]\n"
	    "  + db4:3306 [null,nonreplicating,8.4.3,ro,ROW,>>,GTID,downtimed]\n"
	    "+ db3<b>:3306 [7s,lag,8.4.3,ro,ROW,>>,GTID]" :
	    "db9:3306 [unknown,invalid,10.11.6-MariaDB,rw,MIXED]");
	json_end(&w);
	answer_json(c);
}

static const struct op table[] = {
	{ "echo", 1, 2, OP_SAFE, run_echo },
	{ "later", 1, 1, OP_SAFE, run_later },
	{ "hold", 0, 0, OP_SAFE, run_hold },
	{ "stuck", 0, 0, OP_SAFE, run_stuck },
	{ "release", 0, 0, OP_SAFE, run_release },
	{ "big", 1, 1, OP_SAFE, run_big },
	{ "pieces", 1, 1, OP_SAFE, run_pieces },
	{ "text", 0, 0, OP_SAFE, run_text },
	{ "fail", 0, 0, OP_SAFE, run_fail },
	{ "code", 1, 1, OP_SAFE, run_code },
	{ "write", 0, 0, OP_WRITE, run_write },
	{ "status", 0, 0, OP_SAFE, run_echo },
	{ "headers", 0, 0, OP_SAFE, run_headers },
	{ "count", 0, 0, OP_SAFE, run_count },
	{ "acquire-token", 0, 0, 0, run_token },
	{ "clusters-info", 0, 0, OP_SAFE, run_clusters },
	{ "topology", 1, 1, OP_SAFE, run_topology },
};

struct ops *
ops_new(struct ctx *port_ctx_, const struct app *app)
{
	struct ops *ops = mem_zalloc(sizeof *ops);

	(void)app;
	ops->port = (struct port *)port_ctx_;
	return ops;
}

void
ops_free(struct ops *ops)
{
	/* What was abandoned is still counted; its calls are closed. */
	mem_free(ops);
}

size_t
ops_pending(const struct ops *ops)
{
	return ops->pending;
}

void
ops_expire(struct ops *ops)
{
	for (size_t i = 0; i < CALLS; i++) {
		struct op_call *c = ops->call[i];

		if (c == NULL || strcmp(c->op->name, "stuck") != 0)
			continue;
		ops->call[i] = NULL;
		c->serial = 0;
		buf_str(&c->body, "timed out");
		answer(c, 500, "text/plain; charset=utf-8");
	}
}

void
ops_deliver(struct ops *ops, struct msg *m)
{
	struct op_call *c = ops->call[m->serial % CALLS];

	ops->pending--;
	if (c == NULL)
		return; /* abandoned */
	ops->call[m->serial % CALLS] = NULL;
	c->serial = 0;
	answer_json(c);
}

static void
call_delete(struct op_call *c)
{
	buf_fini(&c->query);
	buf_fini(&c->headers);
	buf_fini(&c->body);
	mem_free(c);
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f'    ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F'    ? c - 'A' + 10 :
				      -1;
}

static bool
segment(char out[256], const char *p, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (len == 255)
			return false;
		if (p[i] == '%' && i + 2 < n && hex(p[i + 1]) >= 0 &&
		    hex(p[i + 2]) >= 0) {
			out[len++] = (char)(hex(p[i + 1]) * 16 + hex(p[i + 2]));
			i += 2;
		} else
			out[len++] = p[i];
	}
	out[len] = '\0';
	return true;
}

static bool
split(struct op_call *c, char name[256], const char *path, size_t len)
{
	const char *p = path + 5, *end = path + len;

	if (len < 6 || memcmp(path, "/api/", 5) != 0)
		return false;
	if (end[-1] == '/')
		end--;
	for (int i = 0; p < end; i++) {
		const char *slash = memchr(p, '/', (size_t)(end - p));
		const char *stop = slash != NULL ? slash : end;

		if (i > ARGS || !segment(i == 0 ? name : c->arg[i - 1], p,
				    (size_t)(stop - p)))
			return false;
		c->args = i;
		p = stop + 1;
	}
	return true;
}

struct op_call *
ops_open_path(struct ops *ops, const char *path, size_t len)
{
	struct op_call *c = mem_zalloc(sizeof *c);
	char name[256] = "";

	c->ops = ops;
	if (split(c, name, path, len))
		for (size_t i = 0; i < MEM_COUNT(table); i++)
			if (strcmp(table[i].name, name) == 0 &&
			    c->args >= table[i].args_min &&
			    c->args <= table[i].args_max) {
				c->op = &table[i];
				return c;
			}
	mem_free(c);
	return NULL;
}

struct op_call *
ops_open(struct ops *ops, const char *name)
{
	struct op_call *c = mem_zalloc(sizeof *c);

	c->ops = ops;
	for (size_t i = 0; i < MEM_COUNT(table); i++)
		if (strcmp(table[i].name, name) == 0)
			c->op = &table[i];
	assert(c->op != NULL);
	return c;
}

const struct op *
op_of(const struct op_call *call)
{
	return call->op;
}

unsigned
op_flags(const struct op *op)
{
	return op->flags;
}

const char *
op_name(const struct op *op)
{
	return op->name;
}

void
op_query_set(struct op_call *call, const char *query, size_t len)
{
	buf_add(&call->query, query, len);
}

void
op_who_set(struct op_call *call, const struct op_who *who)
{
	call->authorized = who->authorized;
	snprintf(call->user, sizeof call->user, "%s", who->user);
	snprintf(call->client, sizeof call->client, "%s", who->client);
}

void
op_header_add(struct op_call *call, const char *name, size_t name_len,
    const char *value, size_t value_len)
{
	buf_printf(&call->headers, "%.*s=%.*s\n", (int)name_len, name,
	    (int)value_len, value);
}

void
ops_start(struct op_call *call,
    void (*done)(void *arg, struct op_call *call, const struct op_reply *reply),
    void *arg)
{
	call->done = done;
	call->done_arg = arg;
	call->op->run(call);
}

void
ops_close(struct op_call *call)
{
	if (call->serial != 0)
		call->ops->call[call->serial % CALLS] = NULL;
	call_delete(call);
}
