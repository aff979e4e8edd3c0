/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probe one server and print what was found as JSON: connect.h, conn.h and
 * probe.h without actors.  For tests, and for a look at a server.
 *
 *	probe_one [OPTION=VALUE...] HOST PORT
 *
 * user, password, tls (never, needed, always), ca, verify, limit_ms, times
 * (that many probes over one connection; the last one is printed, and on
 * standard error what they took), hosts=1 (SHOW REPLICAS), maxscale=1 (ask),
 * filed (asked, hostname, report_host), and the name of a query (lag, alias...).
 * Exit status: 0; 1 with {"code", "errno", "error"}; 2 for a wrong argument.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/mem.h"
#include "mysql/conn.h"
#include "mysql/connect.h"
#include "mysql/probe.h"

static struct connect_options to = {
	.user = "orchestrator",
	.password = "",
	.connect_limit = { 2000000 },
	.limit = { 10000000 },
	.tls = TLS_WHEN_NEEDED,
};
static struct probe_options options = { .skip_maxscale_check = true };
static int times = 1;

static const char *const queries[QUERIES] = {
	[QUERY_LAG] = "lag", [QUERY_DATA_CENTER] = "data_center",
	[QUERY_REGION] = "region", [QUERY_ENVIRONMENT] = "environment",
	[QUERY_ALIAS] = "alias", [QUERY_PROMOTION_RULE] = "promotion_rule",
	[QUERY_CLUSTER_ALIAS] = "cluster_alias",
	[QUERY_CLUSTER_DOMAIN] = "cluster_domain",
	[QUERY_SEMI_SYNC_PRIORITY] = "semi_sync_priority",
	[QUERY_PSEUDO_GTID] = "pseudo_gtid",
};

static int64_t
now_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- arguments ---- */

static int
one_of(const char *value, const char *a, const char *b, const char *c)
{
	const char *const names[] = { a, b, c };

	for (int i = 0; i < 3; i++)
		if (strcmp(value, names[i]) == 0)
			return i;
	fprintf(stderr, "probe_one: %s is none of %s, %s, %s\n", value, a, b,
	    c);
	exit(2);
}

static bool
set_query(const char *name, const char *value)
{
	for (int q = 0; q < QUERIES; q++)
		if (strcmp(name, queries[q]) == 0) {
			options.query[q] = value;
			return true;
		}
	return false;
}

static void
set_option(const char *name, const char *value)
{
	if (strcmp(name, "user") == 0)
		to.user = value;
	else if (strcmp(name, "password") == 0)
		to.password = value;
	else if (strcmp(name, "ca") == 0)
		to.ca_file = value;
	else if (strcmp(name, "verify") == 0)
		to.verify = atoi(value) != 0;
	else if (strcmp(name, "tls") == 0)
		to.tls = (enum tls_mode)one_of(value, "never", "needed",
		    "always");
	else if (strcmp(name, "limit_ms") == 0)
		to.limit = DUR_MS(atoi(value));
	else if (strcmp(name, "times") == 0)
		times = atoi(value);
	else if (strcmp(name, "hosts") == 0)
		options.list_replicas = atoi(value) != 0;
	else if (strcmp(name, "maxscale") == 0)
		options.skip_maxscale_check = atoi(value) == 0;
	else if (strcmp(name, "filed") == 0)
		options.filed = (enum probe_filed)one_of(value, "asked",
		    "hostname", "report_host");
	else if (!set_query(name, value)) {
		fprintf(stderr, "probe_one: no option %s\n", name);
		exit(2);
	}
}

static void
read_arguments(int argc, char **argv)
{
	int i = 1;

	for (; i < argc && strchr(argv[i], '=') != NULL; i++) {
		char *value = strchr(argv[i], '=');

		*value++ = '\0';
		set_option(argv[i], value);
	}
	if (argc - i != 2) {
		fprintf(stderr, "usage: probe_one [OPTION=VALUE...] HOST PORT\n");
		exit(2);
	}
	to.host = argv[i];
	to.port = (unsigned)atoi(argv[i + 1]);
}

/* ---- one query, with a limit of ours ---- */

static void
query(struct conn *c, const char *text, int64_t until)
{
	uint32_t events = conn_start(c, text);

	while (events != 0) {
		struct pollfd p = { conn_fd(c), (short)events, 0 };
		int64_t left = until - now_us(CLOCK_MONOTONIC);
		int n = left > 0 ? poll(&p, 1, (int)(left / 1000 + 1)) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			conn_abort(c, ERR_TIMEOUT, "time over");
			return;
		}
		events = conn_continue(c, (uint32_t)(unsigned short)p.revents);
	}
}

static void
run_probe(struct probe *p, struct probe_memory *m, struct conn *c,
    struct arena *a)
{
	int64_t until = now_us(CLOCK_MONOTONIC) + to.limit.us;
	const char *text;

	arena_reset(a);
	probe_start(p, &options, m, (struct key){ to.host, to.port }, a);
	while ((text = probe_text(p)) != NULL) {
		struct probe_reply r = { .generation = 1,
			.stale = probe_generation(p) != 1 };

		if (!r.stale) {
			query(c, text, until);
			r.code = c->outcome.code;
			r.errnum = c->outcome.errnum;
			r.error = c->outcome.text;
			r.rows = (struct bin){ (const uint8_t *)c->rows.data,
				c->rows.len };
		}
		probe_take(p, &r);
	}
}

/* ---- what is printed ---- */

static int
print_error(enum err_code code, unsigned errnum, const char *text)
{
	struct json w;
	struct buf b;

	buf_init(&b);
	json_init(&w, &b);
	json_obj(&w);
	json_kstr(&w, "code", err_name(code));
	json_kuint(&w, "errno", errnum);
	json_kstr(&w, "error", text);
	json_kbool(&w, "alive", connect_proves_life(errnum));
	json_end(&w);
	puts(buf_text(&b));
	buf_fini(&b);
	return 1;
}

static void
json_found(struct json *w, const struct probe *p)
{
	static const char *const kind[] = { "source", "replica", "member" };
	char text[KEY_TEXT_MAX];

	json_key(w, "found");
	json_arr(w);
	for (const struct found *f = p->found; f != NULL; f = f->next) {
		json_obj(w);
		json_kstr(w, "kind", kind[f->kind]);
		json_kstr(w, "key", key_text(f->key, text));
		json_kstr(w, "user", f->user);
		json_end(w);
	}
	json_end(w);
}

static void
print_facts(struct probe *p, bool tls)
{
	struct instance *in = &p->seen.in;
	struct json w;
	struct buf b;

	buf_init(&b);
	json_init(&w, &b);
	json_obj(&w);
	json_kuint(&w, "round_trips", p->round_trips);
	json_kbool(&w, "unchanged", p->unchanged);
	json_kbool(&w, "tls", tls);
	json_kuint(&w, "uptime", p->uptime);
	json_key(&w, "notes");
	json_arr(&w);
	for (unsigned i = 0; i < p->notes_count; i++)
		json_str(&w, p->notes[i]);
	json_end(&w);
	json_found(&w, p);
	json_kstr(&w, "mariadb_binlog_pos", in->mariadb_binlog_pos);
	json_kstr(&w, "mariadb_replica_pos", in->mariadb_slave_pos);
	json_kuint(&w, "channels", in->channels);
	json_kbool(&w, "super_read_only", in->super_read_only);
	json_kstr(&w, "cluster_alias_query", in->cluster_alias_query);
	if (!p->unchanged) {
		json_key(&w, "instance");
		instance_json(&w, in);
	}
	json_end(&w);
	puts(buf_text(&b));
	buf_fini(&b);
}

static void
print_cost(int64_t wall, int64_t cpu)
{
	fprintf(stderr, "%d probes, %lld us each, %lld us CPU each\n", times,
	    (long long)wall / times, (long long)cpu / times);
}

static int
probe_it(struct conn *c, bool tls)
{
	struct probe_memory memory;
	struct arena arena;
	struct probe p = { .text = { 0 } };
	int64_t wall, cpu;
	int status = 0;

	arena_init(&arena);
	probe_memory_init(&memory);
	wall = now_us(CLOCK_MONOTONIC);
	cpu = now_us(CLOCK_PROCESS_CPUTIME_ID);
	for (int i = 0; i < times; i++) {
		probe_fini(&p);
		run_probe(&p, &memory, c, &arena);
		if (p.err.code != ERR_NONE)
			break;
	}
	wall = now_us(CLOCK_MONOTONIC) - wall;
	cpu = now_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	if (p.err.code != ERR_NONE)
		status = print_error(p.err.code, c->outcome.errnum, p.err.text);
	else
		print_facts(&p, tls);
	if (times > 1)
		print_cost(wall, cpu);
	probe_fini(&p);
	probe_memory_fini(&memory);
	arena_fini(&arena);
	return status;
}

int
main(int argc, char **argv)
{
	struct connect_outcome out;
	struct st_mysql *m;
	struct conn c;
	int status;

	read_arguments(argc, argv);
	m = connect_server(&to, 0, 1, &out);
	if (m == NULL)
		return print_error(out.code, out.errnum, out.text);
	conn_init(&c, m);
	status = probe_it(&c, out.tls);
	conn_fini(&c);
	return status;
}
