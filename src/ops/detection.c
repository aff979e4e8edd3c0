/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failures that were detected, as the store remembers them, in v1's shape: that
 * of a recovery, of which most is empty.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "actors/reader.h"
#include "ops/view.h"
#include "topology/analysis_list.h"

static const char *
text_of(const struct rows *r, const char *column)
{
	const char *text = rows_get(r, column);

	return text != NULL ? text : "";
}

static int64_t
number_of(const struct rows *r, const char *column)
{
	return strtoll(text_of(r, column), NULL, 10);
}

static wall_t
time_of(const struct rows *r, const char *column)
{
	wall_t t = { 0 };

	(void)wall_parse(&t, text_of(r, column), NULL);
	return t;
}

/* host:port by commas. */
static struct keys
keys_of(struct op_call *c, const char *list)
{
	struct key *at = arena_alloc(&c->arena,
	    (strlen(list) / 2 + 1) * sizeof *at);
	size_t n = 0;

	while (*list != '\0') {
		size_t len = strcspn(list, ",");

		at[n++] = key_of_text(arena_strndup(&c->arena, list, len),
		    &c->arena);
		list += len + (list[len] == ',');
	}
	return keys_sorted(at, n, &c->arena);
}

/* Its analysis as it is kept: v1 shows zeros for the rest, and so do we. */
static void
analysis_of(struct op_call *c, struct json *w, const struct rows *r)
{
	const struct config_rules *rules = &view_config(c)->rules;
	struct cluster_info info = { .name = text_of(r, "cluster"),
		.alias = text_of(r, "alias"), .domain = "" };
	char time[WALL_TEXT_MAX];
	struct analysis an = { .code = analysis_code(text_of(r, "code")) };
	struct instance in;
	struct member m = { .in = &in };
	struct analysis_entry e = { .cluster = info.name, .m = &m, .an = &an };

	info.recovers_primary = cluster_filter_match(rules->recover_primary,
	    info.name, info.alias);
	info.recovers_intermediate = cluster_filter_match(
	    rules->recover_intermediate, info.name, info.alias);
	instance_init(&in);
	in.key = (struct key){ text_of(r, "host"),
		(uint32_t)number_of(r, "port") };
	an.facts.sight = SIGHT_UNSEEN;
	an.facts.replicas = (uint32_t)number_of(r, "count");
	e.note.gtid_errant = "";
	e.replicas = keys_of(c, text_of(r, "replicas"));
	analysis_json(w, &e, &(struct analysis_context){ .info = &info,
		.node = "", .token = "", .past = true,
		.started = wall_text(time_of(r, "at"), time) });
}

static void
empty_recovery(struct json *w)
{
	json_knull(w, "SuccessorKey");
	json_kstr(w, "SuccessorAlias", "");
	json_knull(w, "SuccessorBinlogCoordinates");
}

static void
lists_json(struct json *w)
{
	json_key(w, "LostReplicas");
	json_arr(w);
	json_end(w);
	json_key(w, "ParticipatingInstanceKeys");
	json_arr(w);
	json_end(w);
	json_knull(w, "AllErrors");
}

static void
row_json(struct op_call *c, struct json *w, const struct rows *r)
{
	char time[WALL_TEXT_MAX];

	json_obj(w);
	json_kint(w, "Id", number_of(r, "id"));
	json_kstr(w, "UID", "");
	json_key(w, "AnalysisEntry");
	analysis_of(c, w, r);
	empty_recovery(w);
	json_kbool(w, "IsActive",
	    time_of(r, "until").us > view_now(c).us);
	json_kbool(w, "IsSuccessful", false);
	lists_json(w);
	json_kstr(w, "RecoveryStartTimestamp",
	    wall_text(time_of(r, "at"), time));
	json_kstr(w, "RecoveryEndTimestamp", "");
	json_kstr(w, "ProcessingNodeHostname", text_of(r, "node"));
	json_kstr(w, "ProcessingNodeToken", text_of(r, "token"));
	json_kbool(w, "Acknowledged", false);
	json_kstr(w, "AcknowledgedAt", "");
	json_kstr(w, "AcknowledgedBy", "");
	json_kstr(w, "AcknowledgedComment", "");
	json_kint(w, "LastDetectionId", 0);
	json_kint(w, "RelatedRecoveryId", 0);
	json_kstr(w, "Type", "");
	json_kstr(w, "RecoveryType", "");
	json_end(w);
}

static void
on_page(struct op_call *c, const struct msg *m)
{
	struct rows *r = view_rows(c, m);
	struct json *w;

	if (r == NULL)
		return;
	w = reply_raw(c);
	json_arr(w);
	while (rows_next(r))
		row_json(c, w, r);
	json_end(w);
	reply_sent(c, 200);
}

/* What is no number is 0, as in v1. */
static int64_t
number_arg(const struct op_call *c, const char *name)
{
	const char *text = op_arg(c, name);
	char *end;
	long n;

	if (text == NULL || *text < '0' || *text > '9')
		return 0;
	n = strtol(text, &end, 10);
	return *end == '\0' && n <= INT32_MAX ? n : 0;
}

void
op_run_failure_detections(struct op_call *c)
{
	const char *alias = op_arg(c, "clusterAlias");
	struct buf args = { 0 };

	if (op_arg(c, "id") != NULL && number_arg(c, "id") == 0) {
		json_arr(reply_raw(c));
		json_end(&c->json);
		reply_sent(c, 200);
		return;
	}
	reader_pack_detection(&args, number_arg(c, "id"),
	    alias != NULL ? alias : "", (uint32_t)number_arg(c, "page"));
	op_ask(c, op_app(c)->reader, read_run, OP_LIMIT, on_page,
	    .what = "detection",
	    .args = { (const uint8_t *)args.data, args.len });
	buf_fini(&args);
}
