/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timings and counters, as the metrics actor keeps them.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ops/view.h"

static void
on_text(struct op_call *c, const struct msg *m)
{
	const struct msg_metrics_text *t = as_metrics_text(m);

	if (t->code != ERR_NONE) {
		reply_error(c, "%s", t->error);
		return;
	}
	json_raw(reply_raw(c), (const char *)t->json.data, t->json.len);
	reply_sent(c, 200);
}

static void
ask(struct op_call *c, const char *what, int64_t seconds)
{
	const char *queue = op_arg(c, "queue");

	op_ask(c, op_app(c)->metrics, metrics_read, OP_LIMIT, on_text,
	    .what = what, .seconds = seconds,
	    .queue = queue != NULL ? queue : "DEFAULT");
}

/* Whole seconds; -1: not a number of these. */
static int64_t
seconds_arg(struct op_call *c)
{
	const char *text = op_arg(c, "seconds");
	char *end;
	long long n;

	if (text == NULL || *text < '0' || *text > '9')
		return -1;
	errno = 0;
	n = strtoll(text, &end, 10);
	return *end == '\0' && errno == 0 && n < 1000000000 ? n : -1;
}

/* The last so many seconds, one by one; least: fewer are an error. */
static void
raw(struct op_call *c, const char *what, int64_t least)
{
	int64_t seconds = seconds_arg(c);

	if (seconds < least)
		reply_error(c, "Unable to determine the time span: %s is not a "
		    "number of seconds, from %d on", op_arg(c, "seconds"),
		    (int)least);
	else
		ask(c, what, seconds);
}

/* v1 takes what it cannot read as 0: everything that is kept. */
static void
aggregated(struct op_call *c, const char *what)
{
	int64_t seconds = seconds_arg(c);

	ask(c, what, seconds > 0 ? seconds : 0);
}

void
op_run_discovery_metrics_raw(struct op_call *c)
{
	raw(c, "discovery-raw", 1);
}

void
op_run_discovery_metrics_aggregated(struct op_call *c)
{
	aggregated(c, "discovery-aggregated");
}

void
op_run_queue_metrics_raw(struct op_call *c)
{
	raw(c, "queue-raw", 0);
}

void
op_run_queue_metrics_aggregated(struct op_call *c)
{
	raw(c, "queue-aggregated", 0);
}

void
op_run_backend_metrics_raw(struct op_call *c)
{
	raw(c, "backend-raw", 1);
}

void
op_run_backend_metrics_aggregated(struct op_call *c)
{
	aggregated(c, "backend-aggregated");
}

void
op_run_write_buffer_metrics_raw(struct op_call *c)
{
	raw(c, "write-buffer-raw", 1);
}

void
op_run_write_buffer_metrics_aggregated(struct op_call *c)
{
	aggregated(c, "write-buffer-aggregated");
}

/* ---- counters ---- */

void
op_run_debug_metrics(struct op_call *c)
{
	ask(c, "counters", 0);
}
