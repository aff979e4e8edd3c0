/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters and samples: what probes and store writes cost lately.  Everyone
 * tells; whoever wants to know gets v1's JSON.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "actors/classes.h"
#include "actors/cluster_watch.h"
#include "actors/progress.h"
#include "actors/sample.h"
#include "base/mem.h"
#include "config/conf.h"

/* Hosts of samples: one copy each, kept for the life of the process. */
struct host {
	UT_hash_handle hh;
	char name[];
};

/* A probe: there are many of these. */
struct kept_probe {
	int64_t at_us;
	const char *host;
	char *error;	/* NULL: went well; owned */
	uint32_t total_us; /* UINT32_MAX: so long, or longer */
	uint32_t port;
};

/* Probes are a ring; writes a window that is moved when it is full. */
struct metrics {
	struct host *hosts;
	struct kept_probe *probe;
	size_t probe_first, probe_n, probe_cap; /* cap: a power of two */
	struct write_sample *write;
	size_t write_first, write_n;
	uint32_t active[SECONDS_MAX]; /* by second % SECONDS_MAX */
	int64_t second;		      /* newest one in active[] */
	uint64_t attempts, failures, exceeded;
	uint64_t writes, write_attempts;
	uint64_t analyses, analysis_changes, analysis_probes;
	wall_t started;
};

static void
init(void *self, struct ctx *ctx, const void *arg)
{
	struct metrics *mt = self;

	(void)arg;
	mt->started = act_wall(ctx);
	mt->second = wall_seconds(mt->started);
}

static const char *
intern(struct metrics *mt, const char *host)
{
	struct host *h;

	HASH_FIND_STR(mt->hosts, host, h);
	if (h == NULL) {
		h = mem_zalloc(sizeof *h + strlen(host) + 1);
		strcpy(h->name, host);
		HASH_ADD_STR(mt->hosts, name, h);
	}
	return h->name;
}

/* Seconds of a kind that are kept at the most. */
static int64_t
kept_s(struct ctx *ctx, const char *what)
{
	const struct config_shared *c = config_ref(ctx);
	int64_t s = SECONDS_MAX;

	if (strncmp(what, "queue-", strlen("queue-")) == 0 &&
	    c->config->discovery_queue_max_statistics_size < s)
		s = c->config->discovery_queue_max_statistics_size;
	shared_unref(c);
	return s;
}

static dur_t
retention(const struct config *c)
{
	int64_t s = c->discovery_collection_retention_seconds;

	return DUR_S(s > 0 ? s : 1);
}

static void
drop_probes(struct metrics *mt, wall_t before)
{
	while (mt->probe_n > 0 && (mt->probe_n >= SAMPLES_MAX ||
	    mt->probe[mt->probe_first].at_us < before.us)) {
		mem_free(mt->probe[mt->probe_first].error);
		mt->probe_first = (mt->probe_first + 1) % mt->probe_cap;
		mt->probe_n--;
	}
}

/* Room for one more; what is behind the gap moves up to the new end. */
static struct kept_probe *
add_probe(struct metrics *mt)
{
	size_t was = mt->probe_cap, tail;

	if (mt->probe_n == was) {
		mt->probe_cap = was > 0 ? was * 2 : 64;
		mt->probe = mem_resize(mt->probe, mt->probe_cap,
		    sizeof *mt->probe);
		tail = was - mt->probe_first;
		if (mt->probe_first > 0)
			memmove(mt->probe + mt->probe_cap - tail,
			    mt->probe + mt->probe_first,
			    tail * sizeof *mt->probe);
		if (mt->probe_first > 0)
			mt->probe_first = mt->probe_cap - tail;
	}
	return &mt->probe[(mt->probe_first + mt->probe_n++) % mt->probe_cap];
}

static void
drop_writes(struct metrics *mt, wall_t before)
{
	while (mt->write_n > 0 && (mt->write_n >= SAMPLES_MAX ||
	    mt->write[mt->write_first].at.us < before.us)) {
		mem_free(mt->write[mt->write_first].error);
		mt->write_first++;
		mt->write_n--;
	}
	if (mt->write_first > mt->write_n + 1024) {
		memmove(mt->write, mt->write + mt->write_first,
		    mt->write_n * sizeof *mt->write);
		mt->write_first = 0;
	}
}

/* Grow by doubling: room for one more behind the last. */
static void *
room(void *at, size_t used, size_t size)
{
	if (used < 64 ? used % 64 == 0 : (used & (used - 1)) == 0)
		return mem_resize(at, used < 64 ? 64 : used * 2, size);
	return at;
}

/* A probe was under way at the end of each second within it. */
static void
count_active(struct metrics *mt, wall_t from, wall_t to)
{
	int64_t first = wall_seconds(from) + 1, last = wall_seconds(to);

	/* The wall clock may jump. */
	if (mt->second < last - SECONDS_MAX)
		mt->second = last - SECONDS_MAX;
	while (mt->second < last)
		mt->active[++mt->second % SECONDS_MAX] = 0;
	if (first <= mt->second - SECONDS_MAX)
		first = mt->second - SECONDS_MAX + 1;
	for (int64_t s = first; s <= last; s++)
		mt->active[s % SECONDS_MAX]++;
}

static char *
copy_error(const char *error)
{
	return error != NULL && error[0] != '\0' ? mem_strdup(error) : NULL;
}

static void
on_metric_probes(struct metrics *mt, struct ctx *ctx,
    const struct msg_metric_probes *p)
{
	const struct config_shared *c = config_ref(ctx);
	dur_t poll = DUR_S(c->config->instance_poll_seconds);
	dur_t kept = retention(c->config);
	struct pcur cur;
	size_t n;

	shared_unref(c);
	drop_probes(mt, wall_add(act_wall(ctx), DUR_US(-kept.us)));
	pcur_init(&cur, p->samples.data, p->samples.len);
	for (n = pcur_array(&cur) / 2; n > 0; n--) {
		wall_t at = { pcur_int(&cur) };
		int64_t us = pcur_int(&cur);

		*add_probe(mt) = (struct kept_probe){
			.at_us = at.us,
			.host = intern(mt, p->host),
			.port = p->port,
			.total_us = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX,
			.error = n == 1 ? copy_error(p->error) : NULL,
		};
		mt->attempts++;
		mt->exceeded += us > poll.us;
		count_active(mt, wall_add(at, DUR_US(-us)), at);
	}
	assert(pcur_done(&cur));
	mt->failures += p->error != NULL && p->error[0] != '\0';
	drop_probes(mt, (wall_t){ 0 });
}

static void
on_metric_analysis(struct metrics *mt, const struct msg_metric_analysis *a)
{
	mt->analyses++;
	mt->analysis_changes += a->changes;
	mt->analysis_probes += a->probes;
}

static void
on_metric_write(struct metrics *mt, struct ctx *ctx,
    const struct msg_metric_write *w)
{
	const struct config_shared *c = config_ref(ctx);
	dur_t kept = retention(c->config);
	wall_t at = { w->at_us };

	shared_unref(c);
	drop_writes(mt, wall_add(at, DUR_US(-kept.us)));
	mt->write = room(mt->write, mt->write_first + mt->write_n,
	    sizeof *mt->write);
	mt->write[mt->write_first + mt->write_n++] = (struct write_sample){
		.at = at,
		.instances = w->instances,
		.wait = DUR_US(w->wait_us),
		.write = DUR_US(w->write_us),
		.error = copy_error(w->error),
	};
	mt->write_attempts++;
	mt->writes += w->error == NULL || w->error[0] == '\0';
}

/* ---- answers ---- */

struct window {
	struct probe_sample *probe;
	size_t probes;
	const struct write_sample *write;
	size_t writes;
	struct queue_sample *queue;
	size_t queued;
};

static void
fill_queue(const struct metrics *mt, struct window *win, int64_t now_s,
    int64_t seconds)
{
	int64_t oldest = wall_seconds(mt->started) + 1;

	win->queue = mem_alloc((size_t)seconds * sizeof *win->queue);
	for (int64_t s = now_s - seconds + 1; s <= now_s; s++) {
		if (s < oldest)
			continue;
		win->queue[win->queued++] = (struct queue_sample){
			s <= mt->second ? mt->active[s % SECONDS_MAX] : 0, 0 };
	}
}

static int
by_time(const void *a, const void *b)
{
	int64_t x = ((const struct probe_sample *)a)->at.us;
	int64_t y = ((const struct probe_sample *)b)->at.us;

	return (x > y) - (x < y);
}

/* They come some at a time of each server, so not quite in order. */
static void
fill_probes(const struct metrics *mt, struct window *win, int64_t from_us)
{
	win->probe = mem_alloc(mt->probe_n * sizeof *win->probe);
	for (size_t i = 0; i < mt->probe_n; i++) {
		const struct kept_probe *k =
		    &mt->probe[(mt->probe_first + i) % mt->probe_cap];
		dur_t took = DUR_US(k->total_us);

		if (k->at_us >= from_us)
			win->probe[win->probes++] = (struct probe_sample){
				{ k->at_us }, { k->host, k->port }, took,
				DUR_ZERO, took, k->error };
	}
	qsort(win->probe, win->probes, sizeof *win->probe, by_time);
}

static struct window
last_seconds(const struct metrics *mt, wall_t now, int64_t seconds)
{
	struct window win = {
		.write = mt->write + mt->write_first, .writes = mt->write_n,
	};
	int64_t from = now.us - seconds * 1000000;

	fill_probes(mt, &win, from);
	while (win.writes > 0 && win.write->at.us < from) {
		win.write++;
		win.writes--;
	}
	fill_queue(mt, &win, wall_seconds(now), seconds);
	return win;
}

static size_t
count_failing(const struct window *win)
{
	size_t n = 0;

	for (size_t i = 0; i < win->probes; i++)
		n += win->probe[i].error != NULL;
	return n;
}

/* Two codes may have one name: the first of them. */
static enum analysis_code
as_named(enum analysis_code code)
{
	return analysis_code(analysis_name(code));
}

/* Which analyses servers have now, but for NoProblem. */
static void
count_codes(void *arg, const char *key, void *s)
{
	const struct cluster_snap *snap = s;
	uint64_t *count = arg;

	(void)key;
	for (size_t i = 0; i < snap->analysis->all.n; i++)
		count[as_named(snap->analysis->all.at[i].code)]++;
}

static void
json_analyses(const struct metrics *mt, struct ctx *ctx, struct json *w)
{
	uint64_t count[ANALYSIS_CODES] = { 0 };
	char name[128];

	json_kuint(w, "analysis.changes", mt->analysis_changes);
	board_each(ctx, BOARD_CLUSTER, count_codes, count);
	for (size_t i = ANALYSIS_NO_PROBLEM + 1; i < ANALYSIS_CODES; i++) {
		if (count[i] == 0)
			continue;
		snprintf(name, sizeof name, "analysis.now.%s",
		    analysis_name((enum analysis_code)i));
		json_kuint(w, name, count[i]);
	}
	json_kuint(w, "analysis.probes", mt->analysis_probes);
	json_kuint(w, "analysis.runs", mt->analyses);
}

static void
json_counters(const struct metrics *mt, const struct window *win,
    struct ctx *ctx, struct json *w)
{
	const struct progress p = progress_now(ctx);
	const struct {
		const char *name;
		uint64_t v;
	} row[] = {
		{ "discoveries.attempt", mt->attempts },
		{ "discoveries.fail", mt->failures },
		{ "discoveries.instance_poll_seconds_exceeded", mt->exceeded },
		{ "discoveries.queue_length", p.waiting },
		{ "discoveries.recent_count", win->probes },
		{ "discoveries.recent_failures", count_failing(win) },
		{ "instance.connecting", p.connecting },
		{ "instance.failing", p.failing },
		{ "instance.known", p.known },
		{ "instance.probed", p.probed },
		{ "instance.reached", p.reached },
		{ "instance.write", mt->writes },
		{ "instance.write.attempt", mt->write_attempts },
	};

	json_obj(w);
	json_analyses(mt, ctx, w);
	for (size_t i = 0; i < MEM_COUNT(row); i++)
		json_kuint(w, row[i].name, row[i].v);
	json_end(w);
}

static bool
write_what(const struct metrics *mt, const char *what, const struct window *win,
    struct ctx *ctx, struct json *w)
{
	const struct config_shared *c;

	if (strcmp(what, "discovery-raw") == 0)
		sample_probes_raw(w, win->probe, win->probes);
	else if (strcmp(what, "discovery-aggregated") == 0)
		sample_probes_aggregated(w, win->probe, win->probes);
	else if (strcmp(what, "queue-raw") == 0)
		sample_queue_raw(w, win->queue, win->queued);
	else if (strcmp(what, "queue-aggregated") == 0)
		sample_queue_aggregated(w, win->queue, win->queued);
	else if (strcmp(what, "backend-raw") == 0)
		sample_backend_raw(w, win->write, win->writes);
	else if (strcmp(what, "backend-aggregated") == 0)
		sample_backend_aggregated(w, win->write, win->writes);
	else if (strcmp(what, "write-buffer-raw") == 0)
		sample_buffer_raw(w, win->write, win->writes);
	else if (strcmp(what, "counters") == 0)
		json_counters(mt, win, ctx, w);
	else if (strcmp(what, "write-buffer-aggregated") == 0) {
		c = config_ref(ctx);
		sample_buffer_aggregated(w, win->write, win->writes,
		    c->config->instance_write_buffer_size,
		    c->config->instance_flush_interval_milliseconds);
		shared_unref(c);
	} else
		return false;
	return true;
}

/* NULL: a queue of that name exists. */
static const char *
unknown_queue(const char *queue)
{
	if (queue == NULL || queue[0] == '\0' || strcmp(queue, "DEFAULT") == 0)
		return NULL;
	return "unknown queue: there is one, DEFAULT";
}

static void
on_metrics_read(struct metrics *mt, struct ctx *ctx, const struct msg *m)
{
	const struct msg_metrics_read *r = as_metrics_read(m);
	const char *error = unknown_queue(r->queue);
	int64_t seconds = r->seconds;
	struct window win;
	struct json w;
	struct buf b;

	if (seconds > kept_s(ctx, r->what))
		seconds = kept_s(ctx, r->what);
	if (seconds < 0)
		seconds = 0;
	win = last_seconds(mt, act_wall(ctx), seconds);
	buf_init(&b);
	json_init(&w, &b);
	if (error == NULL && !write_what(mt, r->what, &win, ctx, &w))
		error = "unknown metric";
	act_answer(ctx, ask_of(m), metrics_text,
	    .code = error != NULL ? ERR_NOT_FOUND : ERR_NONE, .error = error,
	    .json = { (const uint8_t *)b.data, b.len });
	buf_fini(&b);
	mem_free(win.queue);
	mem_free(win.probe);
}

static void
handle(void *self, struct ctx *ctx, struct msg *m)
{
	switch (m->type) {
	case MSG_metric_probes:
		on_metric_probes(self, ctx, as_metric_probes(m));
		break;
	case MSG_metric_analysis:
		on_metric_analysis(self, as_metric_analysis(m));
		break;
	case MSG_metric_write:
		on_metric_write(self, ctx, as_metric_write(m));
		break;
	case MSG_metrics_read: on_metrics_read(self, ctx, m); break;
	default: act_unexpected(ctx, m);
	}
}

static void
fini(void *self, struct ctx *ctx)
{
	struct metrics *mt = self;
	struct host *h, *tmp;

	(void)ctx;
	drop_probes(mt, (wall_t){ INT64_MAX });
	drop_writes(mt, (wall_t){ INT64_MAX });
	HASH_ITER(hh, mt->hosts, h, tmp) {
		HASH_DEL(mt->hosts, h);
		mem_free(h);
	}
	mem_free(mt->probe);
	mem_free(mt->write);
}

const struct actor_class metrics_class = {
	.name = "metrics",
	.size = sizeof(struct metrics),
	.init = init,
	.handle = handle,
	.fini = fini,
};
