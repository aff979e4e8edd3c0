/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of the last seconds, and their JSON; see sample.h. */
#include "config.h"

#include "actors/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A column of numbers, sorted, and what v1 says of it. */
struct column {
	double *v;
	size_t n;
};

enum stat { MEAN, MAX, MEDIAN, P95, MIN };

static void
column_init(struct column *c, size_t most)
{
	c->v = mem_alloc(most * sizeof *c->v);
	c->n = 0;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
column_sort(struct column *c)
{
	qsort(c->v, c->n, sizeof *c->v, by_value);
}

static double
mean(const struct column *c)
{
	double sum = 0;

	for (size_t i = 0; i < c->n; i++)
		sum += c->v[i];
	return sum / (double)c->n;
}

/* Nearest rank; the median of an even count is the middle's mean. */
static double
column_stat(const struct column *c, enum stat stat)
{
	if (c->n == 0)
		return 0;
	switch (stat) {
	case MEAN: return mean(c);
	case MAX: return c->v[c->n - 1];
	case MIN: return c->v[0];
	case P95: return c->v[(c->n * 95 + 99) / 100 - 1];
	case MEDIAN:
		if (c->n % 2 == 1)
			return c->v[c->n / 2];
		return (c->v[c->n / 2 - 1] + c->v[c->n / 2]) / 2;
	}
	return 0;
}

static double
seconds(dur_t d)
{
	return (double)d.us / 1e6;
}

static void
json_time(struct json *w, const char *key, wall_t t)
{
	char text[WALL_TEXT_MAX];

	json_kstr(w, key, wall_rfc3339(t, text));
}

/* null, or an object that says what went wrong. */
static void
json_error(struct json *w, const char *error)
{
	json_key(w, "Err");
	if (error == NULL) {
		json_nil(w);
		return;
	}
	json_obj(w);
	json_kstr(w, "Message", error);
	json_end(w);
}

void
sample_probes_raw(struct json *w, const struct probe_sample *s, size_t n)
{
	if (n == 0) {
		json_nil(w);
		return;
	}
	json_arr(w);
	for (size_t i = 0; i < n; i++) {
		json_obj(w);
		json_time(w, "Timestamp", s[i].at);
		json_kstr(w, "Hostname", s[i].key.host);
		json_kuint(w, "Port", s[i].key.port);
		json_kdouble(w, "BackendLatencySeconds", seconds(s[i].backend));
		json_kdouble(w, "InstanceLatencySeconds",
		    seconds(s[i].instance));
		json_kdouble(w, "TotalLatencySeconds", seconds(s[i].total));
		json_error(w, s[i].error);
		json_end(w);
	}
	json_end(w);
}

static int
by_key_then_error(const void *a, const void *b)
{
	const struct probe_sample *x = *(const struct probe_sample *const *)a;
	const struct probe_sample *y = *(const struct probe_sample *const *)b;

	return key_cmp(x->key, y->key);
}

struct distinct {
	size_t all, good, failed;
};

static struct distinct
count_distinct(const struct probe_sample *s, size_t n)
{
	const struct probe_sample **at = mem_alloc(n * sizeof *at);
	struct distinct d = { 0, 0, 0 };
	bool good, failed;
	size_t i, j;

	for (i = 0; i < n; i++)
		at[i] = &s[i];
	qsort(at, n, sizeof *at, by_key_then_error);
	for (i = 0; i < n; i = j) {
		good = failed = false;
		for (j = i; j < n && key_eq(at[i]->key, at[j]->key); j++) {
			good = good || at[j]->error == NULL;
			failed = failed || at[j]->error != NULL;
		}
		d.all++;
		d.good += good;
		d.failed += failed;
	}
	mem_free(at);
	return d;
}

/* total, backend, instance of those that went well, then of those that failed */
static void
fill_columns(struct column c[6], const struct probe_sample *s, size_t n)
{
	for (size_t k = 0; k < 6; k++)
		column_init(&c[k], n);
	for (size_t i = 0; i < n; i++) {
		size_t at = s[i].error != NULL ? 3 : 0;
		const double v[3] = { seconds(s[i].total),
			seconds(s[i].backend), seconds(s[i].instance) };

		for (size_t k = 0; k < 3; k++)
			c[at + k].v[c[at + k].n++] = v[k];
	}
	for (size_t k = 0; k < 6; k++)
		column_sort(&c[k]);
}

void
sample_probes_aggregated(struct json *w, const struct probe_sample *s,
    size_t n)
{
	static const char *const stat[] = { "Mean", "Max", "Median", "P95" };
	static const char *const what[] = { "Total", "Backend", "Instance" };
	struct distinct d = count_distinct(s, n);
	struct column c[6];
	char name[64];

	fill_columns(c, s, n);
	json_obj(w);
	json_time(w, "FirstSeen", n > 0 ? s[0].at : (wall_t){ 0 });
	json_time(w, "LastSeen", n > 0 ? s[n - 1].at : (wall_t){ 0 });
	json_kuint(w, "CountDistinctInstanceKeys", d.all);
	json_kuint(w, "CountDistinctOkInstanceKeys", d.good);
	json_kuint(w, "CountDistinctFailedInstanceKeys", d.failed);
	json_kuint(w, "FailedDiscoveries", c[3].n);
	json_kuint(w, "SuccessfulDiscoveries", c[0].n);
	for (size_t i = 0; i < MEM_COUNT(stat); i++) {
		for (size_t k = 0; k < 6; k++) {
			snprintf(name, sizeof name, "%s%s%sSeconds",
			    k >= 3 ? "Failed" : "", stat[i], what[k % 3]);
			json_kdouble(w, name, column_stat(&c[k],
			    (enum stat)i));
		}
	}
	json_end(w);
	for (size_t k = 0; k < 6; k++)
		mem_free(c[k].v);
}

void
sample_queue_raw(struct json *w, const struct queue_sample *s, size_t n)
{
	json_arr(w);
	for (size_t i = 0; i < n; i++) {
		json_obj(w);
		json_kuint(w, "Active", s[i].active);
		json_kuint(w, "Queued", s[i].queued);
		json_end(w);
	}
	json_end(w);
}

static void
json_queue_column(struct json *w, const char *what, struct column *c)
{
	static const struct {
		const char *name;
		enum stat stat;
	} row[] = { { "Min", MIN }, { "Mean", MEAN }, { "Median", MEDIAN },
		{ "P95", P95 }, { "Max", MAX } };
	char name[64];

	column_sort(c);
	for (size_t i = 0; i < MEM_COUNT(row); i++) {
		snprintf(name, sizeof name, "%s%sEntries", what, row[i].name);
		json_kdouble(w, name, column_stat(c, row[i].stat));
	}
	mem_free(c->v);
}

void
sample_queue_aggregated(struct json *w, const struct queue_sample *s, size_t n)
{
	struct column active, queued;

	column_init(&active, n);
	column_init(&queued, n);
	for (size_t i = 0; i < n; i++) {
		active.v[active.n++] = s[i].active;
		queued.v[queued.n++] = s[i].queued;
	}
	json_obj(w);
	json_queue_column(w, "Active", &active);
	json_queue_column(w, "Queued", &queued);
	json_end(w);
}

void
sample_backend_raw(struct json *w, const struct write_sample *s, size_t n)
{
	if (n == 0) {
		json_nil(w);
		return;
	}
	json_arr(w);
	for (size_t i = 0; i < n; i++) {
		json_obj(w);
		json_time(w, "Timestamp", s[i].at);
		json_kint(w, "WaitLatency", s[i].wait.us * 1000);
		json_kint(w, "ExecuteLatency", s[i].write.us * 1000);
		json_error(w, s[i].error);
		json_end(w);
	}
	json_end(w);
}

enum write_value { WRITE_WAIT, WRITE_TIME, WRITE_BOTH, WRITE_INSTANCES };

static struct column
write_column(const struct write_sample *s, size_t n, enum write_value what)
{
	struct column c;

	column_init(&c, n);
	for (size_t i = 0; i < n; i++) {
		const double v[] = {
			[WRITE_WAIT] = seconds(s[i].wait),
			[WRITE_TIME] = seconds(s[i].write),
			[WRITE_BOTH] = seconds(s[i].wait) +
			    seconds(s[i].write),
			[WRITE_INSTANCES] = s[i].instances,
		};
		c.v[c.n++] = v[what];
	}
	column_sort(&c);
	return c;
}

/* Max, mean, median and 95th percentile, as NAMEsuffix. */
static void
json_four(struct json *w, struct column c, const char *suffix)
{
	static const struct {
		const char *name;
		enum stat stat;
	} row[] = { { "Max", MAX }, { "Mean", MEAN }, { "Median", MEDIAN },
		{ "P95", P95 } };
	char name[64];

	for (size_t i = 0; i < MEM_COUNT(row); i++) {
		snprintf(name, sizeof name, "%s%s", row[i].name, suffix);
		json_kdouble(w, name, column_stat(&c, row[i].stat));
	}
	mem_free(c.v);
}

void
sample_backend_aggregated(struct json *w, const struct write_sample *s,
    size_t n)
{
	json_obj(w);
	json_kuint(w, "Count", n);
	json_four(w, write_column(s, n, WRITE_BOTH), "LatencySeconds");
	json_four(w, write_column(s, n, WRITE_WAIT), "WaitSeconds");
	json_end(w);
}

void
sample_buffer_raw(struct json *w, const struct write_sample *s, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		if (s[i].instances == 0)
			continue;
		if (!any)
			json_arr(w);
		any = true;
		json_obj(w);
		json_time(w, "Timestamp", s[i].at);
		json_kuint(w, "Instances", s[i].instances);
		json_kint(w, "WaitLatency", s[i].wait.us * 1000);
		json_kint(w, "WriteLatency", s[i].write.us * 1000);
		json_end(w);
	}
	if (any)
		json_end(w);
	else
		json_nil(w);
}

void
sample_buffer_aggregated(struct json *w, const struct write_sample *s,
    size_t n, int buffer_size, int flush_ms)
{
	uint64_t instances = 0;

	for (size_t i = 0; i < n; i++)
		instances += s[i].instances;
	json_obj(w);
	json_kint(w, "InstanceWriteBufferSize", buffer_size);
	json_kint(w, "InstanceFlushIntervalMilliseconds", flush_ms);
	json_kuint(w, "CountInstances", instances);
	json_four(w, write_column(s, n, WRITE_INSTANCES), "Instances");
	json_four(w, write_column(s, n, WRITE_WAIT), "WaitSeconds");
	json_four(w, write_column(s, n, WRITE_TIME), "WriteSeconds");
	json_end(w);
}
