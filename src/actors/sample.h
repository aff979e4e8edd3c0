/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples of the last seconds, and v1's JSON of them: how long probes and store
 * writes took, how many probes were under way.  Plain data, no messages.
 */
#ifndef ORC_ACTORS_SAMPLE_H
#define ORC_ACTORS_SAMPLE_H

#include "base/clock.h"
#include "base/json.h"
#include "topology/key.h"

enum {
	SAMPLES_MAX = 200000, /* of a kind; the oldest give way */
	SECONDS_MAX = 3600,   /* of per-second counts */
};

/* One probe. */
struct probe_sample {
	wall_t at; /* its end */
	struct key key; /* host is interned by whoever made the ring */
	dur_t total;
	dur_t backend;	/* waiting for the store: none here, kept for v1 */
	dur_t instance; /* talking to the server */
	char *error;	/* NULL: went well; owned */
};

/* One transaction of the store. */
struct write_sample {
	wall_t at; /* its end */
	uint32_t instances;
	dur_t wait; /* of the oldest row, for its turn */
	dur_t write;
	char *error; /* NULL: went well; owned */
};

/* Probes under way and overdue at the end of a second. */
struct queue_sample {
	uint32_t active;
	uint32_t queued;
};

/*
 * n samples, oldest first, as v1 answers them: one by one (null when there are
 * none), or their counts, means, medians and 95th percentiles.  Durations of
 * probes are seconds, of writes one by one nanoseconds, as v1 has each.
 */
void sample_probes_raw(struct json *w, const struct probe_sample *s, size_t n);
void sample_probes_aggregated(struct json *w, const struct probe_sample *s,
    size_t n);
void sample_queue_raw(struct json *w, const struct queue_sample *s, size_t n);
void sample_queue_aggregated(struct json *w, const struct queue_sample *s,
    size_t n);
void sample_backend_raw(struct json *w, const struct write_sample *s,
    size_t n);
void sample_backend_aggregated(struct json *w, const struct write_sample *s,
    size_t n);
void sample_buffer_raw(struct json *w, const struct write_sample *s, size_t n);
void sample_buffer_aggregated(struct json *w, const struct write_sample *s,
    size_t n, int buffer_size, int flush_ms);

#endif
