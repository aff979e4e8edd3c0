/* SPDX-License-Identifier: Apache-2.0 */
/* Logs, chunk by chunk; see binlog.h. */
#include "config.h"

#include "plan/binlog.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "topology/version.h"

enum { FIRST_POS = 4, SHRINK = 8, WRONG_PLACE = 1220 };

static const char *const columns[] = { "Pos", "Event_type", "Server_id",
	"End_log_pos", "Info" };
enum { POS, TYPE, SERVER_ID, END, INFO };

void
log_init(struct log_reader *r, const struct instance *in, unsigned chunk,
    struct arena *arena, struct pgtid_cost *cost)
{
	assert(chunk > 0);
	*r = (struct log_reader){
		.name = arena_printf(arena, "%s:%u", in->key.host,
		    (unsigned)in->key.port),
		.channel = arena_strdup(arena, in->channel_name),
		.mariadb = version_flavour(in->version, in->version_comment)
		    == FLAVOUR_MARIADB,
		.chunk_max = chunk < ROWS_MAX ? chunk : ROWS_MAX,
		.cost = cost,
		.arena = arena,
		.err = ERR_INIT,
	};
	buf_init(&r->sql);
	buf_init(&r->reply);
}

void
log_fini(struct log_reader *r)
{
	buf_fini(&r->sql);
	buf_fini(&r->reply);
}

void
log_open_place(struct log_reader *r, const struct log_place *place)
{
	struct log_place p = *place;

	p.at.file = arena_strdup(r->arena, p.at.file);
	if (p.at.pos < FIRST_POS)
		p.at.pos = FIRST_POS;
	r->next = r->before = p;
	r->state = LOG_UNREAD;
	r->any = false;
	r->chunk = r->chunk_max < PGTID_CHUNK_FIRST ? r->chunk_max
	    : PGTID_CHUNK_FIRST;
	r->cost->files++;
}

void
log_open(struct log_reader *r, const struct coord *at, uint64_t skip)
{
	log_open_place(r, &(struct log_place){ .at = *at, .skip = skip });
}

/* ---- asking ---- */

/* A file's name comes from the server, and goes back as it was or not at all. */
static bool
is_plain(const char *text)
{
	return text[strcspn(text, "'\\\n\r")] == '\0';
}

static void
stop(struct log_reader *r, enum log_got why)
{
	r->state = LOG_STOPPED;
	r->why = why;
}

const char *
log_sql(struct log_reader *r)
{
	const struct log_place *p = &r->next;
	bool named = p->at.relay && r->channel[0] != '\0';

	buf_reset(&r->sql);
	buf_printf(&r->sql, "show %s", p->at.relay ? "relaylog" : "binlog");
	if (named && r->mariadb)
		buf_printf(&r->sql, " '%s'", r->channel);
	buf_printf(&r->sql, " events in '%s' from %" PRId64 " limit ",
	    p->at.file, p->at.pos);
	if (p->skip > 0)
		buf_printf(&r->sql, "%" PRIu64 ",", p->skip);
	buf_printf(&r->sql, "%u", r->chunk);
	if (named && !r->mariadb)
		buf_printf(&r->sql, " for channel '%s'", r->channel);
	r->asked = r->chunk;
	return buf_text(&r->sql);
}

/* ---- answers ---- */

static bool
find_columns(struct log_reader *r)
{
	for (unsigned c = 0; c < sizeof columns / sizeof columns[0]; c++) {
		unsigned i = 0;

		while (i < r->rows.columns
		    && strcasecmp(r->rows.name[i], columns[c]) != 0)
			i++;
		if (i == r->rows.columns)
			return false;
		r->column[c] = i;
	}
	return true;
}

/* The first result with rows: a session may have put a SET before it. */
static bool
next_list(struct log_reader *r)
{
	while (rows_next_result(&r->rows))
		if (r->rows.columns > 0)
			return true;
	return false;
}

static void
fail(struct log_reader *r, enum err_code code, const char *why)
{
	err_set(&r->err, code, "%s: reading %.200s: %.200s", r->name,
	    r->next.at.file, why);
	stop(r, LOG_FAILED);
}

/*
 * Both flavours say 1220 for whatever is wrong with a log, in English: no such
 * file, or no event at that place.  An answer that is too large for us is asked
 * for again in smaller pieces.
 */
static void
refused(struct log_reader *r, const struct pgtid_reply *reply)
{
	const char *text = reply->error == NULL ? "" : reply->error;

	if (reply->code == ERR_MALFORMED && r->chunk > 1)
		r->chunk = r->chunk / SHRINK + 1;
	else if (reply->code == ERR_SERVER && reply->errnum == WRONG_PLACE)
		stop(r, strstr(text, "find target log") != NULL ? LOG_GONE
		    : LOG_BAD);
	else
		fail(r, reply->code, text);
}

/* More at once as long as answers are small: the next one's size. */
static void
grow_chunk(struct log_reader *r)
{
	size_t row = r->got == 0 ? 1 : r->reply.len / r->got + 1;
	unsigned fit = (unsigned)(PGTID_ANSWER_BYTES / row);
	unsigned next = r->chunk < r->chunk_max / 2 ? r->chunk * 2
	    : r->chunk_max;

	r->chunk = next < fit ? next : fit > 0 ? fit : 1;
}

void
log_feed(struct log_reader *r, const struct pgtid_reply *reply)
{
	r->cost->queries++;
	if (reply->code != ERR_NONE) {
		refused(r, reply);
		return;
	}
	buf_reset(&r->reply);
	buf_add(&r->reply, reply->rows.data, reply->rows.len);
	r->cost->bytes += reply->rows.len;
	rows_init(&r->rows, (struct bin){ (const uint8_t *)r->reply.data,
	    r->reply.len });
	if (!next_list(r) || !find_columns(r)
	    || r->rows.rows_left > r->asked) {
		fail(r, ERR_MALFORMED, "the answer is not a list of events");
		return;
	}
	r->got = (unsigned)r->rows.rows_left;
	r->cost->events += r->got;
	r->any = r->any || r->got > 0;
	r->state = r->got < r->asked ? LOG_LAST_ROWS : LOG_ROWS;
	grow_chunk(r);
}

/* ---- events ---- */

static bool
read_number(const char *text, int64_t *out)
{
	char *end;

	*out = text == NULL ? -1 : strtoll(text, &end, 10);
	return *out >= 0 && *end == '\0';
}

static bool
read_event(struct log_reader *r, struct log_event *e)
{
	const char *const *v = (const char *const *)r->rows.value;
	int64_t server_id;

	if (!read_number(v[r->column[POS]], &e->pos)
	    || !read_number(v[r->column[END]], &e->end)
	    || !read_number(v[r->column[SERVER_ID]], &server_id)
	    || v[r->column[TYPE]] == NULL)
		return false;
	e->server_id = (uint64_t)server_id;
	e->type = v[r->column[TYPE]];
	e->info = v[r->column[INFO]] == NULL ? "" : v[r->column[INFO]];
	return true;
}

/* The place after e, and e's own position when it is inside of another. */
static void
advance(struct log_place *p, struct log_event *e)
{
	bool payload = strcmp(e->type, "Transaction_payload") == 0;

	if (p->payload_end != 0 && e->end == p->payload_end && !payload) {
		e->pos = p->payload_pos;
		p->skip++;
		return;
	}
	p->payload_end = payload ? e->end : 0;
	p->payload_pos = payload ? e->pos : 0;
	if (!p->at.relay && !payload && e->end > e->pos) {
		p->at.pos = e->end;
		p->skip = 0;
	} else if (e->pos == p->at.pos) {
		p->skip++;
	} else {
		p->at.pos = e->pos;
		p->skip = 1;
	}
}

enum log_got
log_next(struct log_reader *r, struct log_event *e)
{
	if (r->state == LOG_STOPPED)
		return r->why;
	if (r->state == LOG_UNREAD) {
		if (is_plain(r->next.at.file) && is_plain(r->channel))
			return LOG_ASK;
		fail(r, ERR_INVALID, "the name has a quote in it");
		return LOG_FAILED;
	}
	if (r->rows.rows_left > 0) {
		if (!rows_next(&r->rows) || !read_event(r, e)) {
			fail(r, ERR_MALFORMED, "a row that is no event");
			return LOG_FAILED;
		}
		r->before = r->next;
		advance(&r->next, e);
		return LOG_EVENT;
	}
	if (r->state == LOG_ROWS) {
		r->state = LOG_UNREAD;
		return LOG_ASK;
	}
	stop(r, LOG_END);
	return LOG_END;
}

struct coord
log_after(const struct log_reader *r, const struct log_event *e)
{
	assert(!r->before.at.relay);
	return (struct coord){ .file = r->before.at.file, .pos = e->end };
}
