/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fleet saw of those who probe it: how many probes, and how far apart
 * those of one server are.  Gaps count for servers that were well at both ends.
 */
#include "config.h"

#include <string.h>
#include <sys/resource.h>

#include "fleet/fleet.h"

void
stats_reset(struct fleet *f, int64_t now_us)
{
	f->since_us = now_us;
	f->probes = f->gaps = 0;
	f->gap_max_us = 0;
	memset(f->gap, 0, sizeof f->gap);
	for (uint32_t i = 0; i < f->servers; i++) {
		f->server[i].probed_us = 0;
		f->server[i].probes = 0;
	}
}

void
stats_probe(struct fleet *f, struct server *s, int64_t now_us)
{
	int64_t gap = now_us - s->probed_us, ms = gap / 1000;

	if (s->probed_us != 0 && server_is_well(s)) {
		f->gap[ms < GAPS ? ms : GAPS - 1]++;
		f->gaps++;
		if (gap > f->gap_max_us)
			f->gap_max_us = gap;
	}
	s->probed_us = server_is_well(s) ? now_us : 0;
	s->probes++;
	f->probes++;
}

/* In milliseconds. */
static uint32_t
percentile(const struct fleet *f, double p)
{
	uint64_t rank = (uint64_t)(p * (double)f->gaps), sum = 0;
	uint32_t ms = 0;

	while (ms < GAPS - 1 && (sum += f->gap[ms]) <= rank)
		ms++;
	return ms;
}

struct seen {
	uint32_t well, up, unprobed;
	int64_t open_us; /* longest wait that goes on, of those that are well */
};

static struct seen
look(const struct fleet *f, int64_t now_us)
{
	struct seen seen = { 0 };

	for (uint32_t i = 0; i < f->servers; i++) {
		const struct server *s = &f->server[i];

		seen.up += !server_refuses(s);
		if (!server_is_well(s))
			continue;
		seen.well++;
		seen.unprobed += s->probed_us == 0;
		if (s->probed_us != 0 && now_us - s->probed_us > seen.open_us)
			seen.open_us = now_us - s->probed_us;
	}
	return seen;
}

static int64_t
micros(struct timeval t)
{
	return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

static void
json_gaps(const struct fleet *f, const struct seen *seen, struct json *w)
{
	json_key(w, "gap_ms");
	json_obj(w);
	json_kuint(w, "count", f->gaps);
	json_kuint(w, "p50", f->gaps > 0 ? percentile(f, 0.5) : 0);
	json_kuint(w, "p99", f->gaps > 0 ? percentile(f, 0.99) : 0);
	json_kint(w, "max", f->gap_max_us / 1000);
	json_kint(w, "longest_open", seen->open_us / 1000);
	json_end(w);
}

void
stats_json(const struct fleet *f, int64_t now_us, struct json *w)
{
	struct seen seen = look(f, now_us);
	double s = (double)(now_us - f->since_us) / 1e6;
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	json_obj(w);
	json_kuint(w, "servers", f->servers);
	json_kuint(w, "up", seen.up);
	json_kuint(w, "well", seen.well);
	json_kuint(w, "connections", f->connections);
	json_kuint(w, "connects", f->connects);
	json_kuint(w, "resets", f->resets);
	json_kuint(w, "handshakes", f->handshakes);
	json_kuint(w, "queries", f->queries);
	json_kuint(w, "statements", f->statements);
	json_kuint(w, "syntax_errors", f->unknown);
	json_kdouble(w, "seconds", s);
	json_kuint(w, "probes", f->probes);
	json_kdouble(w, "probes_per_s", s > 0 ? (double)f->probes / s : 0);
	json_kuint(w, "unprobed", seen.unprobed);
	json_gaps(f, &seen, w);
	json_kint(w, "own_cpu_us", micros(use.ru_utime) + micros(use.ru_stime));
	json_kint(w, "own_rss_max_kb", use.ru_maxrss);
	json_end(w);
}
