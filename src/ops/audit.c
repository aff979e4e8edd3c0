/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was done, as the store remembers it.
 */
#include "config.h"

#include <stdlib.h>

#include "actors/reader.h"
#include "mysql/rows.h"
#include "ops/view.h"

/* The store's time in v1's form. */
static const char *
short_time(struct op_call *c, const char *text)
{
	char out[WALL_TEXT_MAX];
	wall_t t;

	if (text == NULL || wall_parse(&t, text, NULL) != ERR_NONE)
		return "";
	return arena_strdup(&c->arena, wall_text(t, out));
}

static int64_t
number(const char *text)
{
	return text != NULL ? strtoll(text, NULL, 10) : 0;
}

static void
row_json(struct op_call *c, struct json *w, const struct rows *r)
{
	const char *host = rows_get(r, "host");

	json_obj(w);
	json_kint(w, "AuditId", number(rows_get(r, "id")));
	json_kstr(w, "AuditTimestamp", short_time(c, rows_get(r, "at")));
	json_kstr(w, "AuditType", rows_get(r, "type"));
	json_key(w, "AuditInstanceKey");
	view_key_json(w, (struct key){ host != NULL ? host : "",
	    (uint32_t)number(rows_get(r, "port")) });
	json_kstr(w, "Message", rows_get(r, "message"));
	json_end(w);
}

static void
on_page(struct op_call *c, const struct msg *m)
{
	struct json *w;
	struct rows *r = view_rows(c, m);

	if (r == NULL)
		return;
	w = reply_raw(c);
	json_arr(w);
	while (rows_next(r))
		row_json(c, w, r);
	json_end(w);
	reply_sent(c, 200);
}

/* A page that is no number is the first one. */
static uint32_t
page_arg(const struct op_call *c)
{
	const char *text = op_arg(c, "page");
	unsigned long n;
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return 0;
	n = strtoul(text, &end, 10);
	return *end == '\0' && n <= INT32_MAX ? (uint32_t)n : 0;
}

void
op_run_audit(struct op_call *c)
{
	struct key key = KEY_NONE;
	struct buf args = { 0 };

	if (op_arg(c, "host") != NULL) {
		if (!view_key_arg(c, "host", "port", &key))
			return;
		key = view_key_known(c, key);
	}
	reader_pack_audit(&args, key, page_arg(c));
	op_ask(c, op_app(c)->reader, read_run, OP_LIMIT, on_page,
	    .what = "audit",
	    .args = { (const uint8_t *)args.data, args.len });
	buf_fini(&args);
}
