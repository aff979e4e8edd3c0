/* SPDX-License-Identifier: Apache-2.0 */
/* The usual probe: an answer compared with the last one; see quick.h. */
#include "config.h"

#include "mysql/quick.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "mysql/intern.h"
#include "mysql/probe_impl.h"

void
quick_fini(struct quick *q)
{
	mem_free(q->answer);
	mem_free(q->spot);
	*q = (struct quick){ 0 };
}

bool
quick_ready(struct quick *q, uint64_t version)
{
	if (!q->ready || q->version != version)
		return false;
	return !q->retry || ++q->taken < QUICK_RETRY_EVERY;
}

/* ---- comparing ---- */

/* Bytes that the value at p takes, head and all; 0: it is none of rows.h's. */
static size_t
value_bytes(const uint8_t *p, size_t left)
{
	size_t head, n = 0;

	if (left == 0)
		return 0;
	if (p[0] == 0xc0)
		return 1;
	head = p[0] == 0xd9 ? 2 : p[0] == 0xda ? 3 : p[0] == 0xdb ? 5 : 0;
	if (head == 0 || left < head)
		return 0;
	for (size_t i = 1; i < head; i++)
		n = n << 8 | p[i];
	if (n == 0 || n > left - head || p[head + n - 1] != '\0')
		return 0;
	return head + n;
}

/* NULL for SQL NULL. */
static const char *
value_text(const uint8_t *p)
{
	if (p[0] == 0xc0)
		return NULL;
	return (const char *)p + (p[0] == 0xd9 ? 2 : p[0] == 0xda ? 3 : 5);
}

/* false: it has to be read with care. */
static bool
note_value(struct quick_news *news, uint32_t what, const char *was,
    const char *value)
{
	unsigned lag = moving_find(offsetof(struct instance, lag_seconds));

	switch (what) {
	case SPOT_UPTIME:
		news->uptime = value != NULL ? strtoull(value, NULL, 10) : 0;
		news->has_uptime = true;
		return true;
	case SPOT_LAG:
		news->rows |= UINT32_C(1) << lag;
		return lag_of(value, &news->lag);
	case SPOT_IGNORE: return true;
	}
	/* What there was none of, or is none of any more, is another answer. */
	if ((was == NULL || value == NULL) &&
	    moving_rows[what].kind == MOVING_POS)
		return false;
	news->rows |= UINT32_C(1) << what;
	news->value[what] = value;
	return true;
}

/* Without a query for it the lag is what the status says. */
static void
note_lag(const struct quick *q, struct quick_news *news)
{
	unsigned behind = moving_find(
	    offsetof(struct instance, seconds_behind));
	unsigned lag = moving_find(offsetof(struct instance, lag_seconds));

	if (q->has_lag || (news->rows & UINT32_C(1) << behind) == 0)
		return;
	news->rows |= UINT32_C(1) << lag;
	news->lag = seconds_of(news->value[behind]);
}

/* Two answers side by side: what lies before the next spot is the same. */
struct pair {
	const uint8_t *old, *old_end;
	const uint8_t *new, *new_end;
};

static bool
same_bytes(struct pair *p, size_t n)
{
	if (n > (size_t)(p->new_end - p->new) || memcmp(p->old, p->new, n) != 0)
		return false;
	p->old += n;
	p->new += n;
	return true;
}

static bool
compare(const struct quick *q, struct pair *p, struct quick_news *news,
    uint32_t at[QUICK_SPOTS_MAX])
{
	const uint8_t *old = p->old, *new = p->new;

	for (unsigned i = 0; i < q->spots; i++) {
		const struct quick_spot *s = &q->spot[i];
		size_t was, is;

		if (!same_bytes(p, (size_t)(old + s->at - p->old)))
			return false;
		was = value_bytes(p->old, (size_t)(p->old_end - p->old));
		is = value_bytes(p->new, (size_t)(p->new_end - p->new));
		assert(was > 0);
		if (is == 0)
			return false;
		at[i] = (uint32_t)(p->new - new);
		if ((was != is || memcmp(p->old, p->new, is) != 0 ||
			s->what == SPOT_UPTIME) &&
		    !note_value(news, s->what, value_text(p->old),
			value_text(p->new)))
			return false;
		p->old += was;
		p->new += is;
	}
	return p->old_end - p->old == p->new_end - p->new &&
	    same_bytes(p, (size_t)(p->old_end - p->old));
}

static void
keep_answer(struct quick *q, struct bin answer)
{
	enum { ROOM = 64 };

	if (answer.len > q->cap || answer.len + 4 * ROOM < q->cap) {
		q->cap = (uint32_t)(answer.len + ROOM);
		q->answer = mem_resize(q->answer, q->cap, 1);
	}
	memcpy(q->answer, answer.data, answer.len);
	q->len = (uint32_t)answer.len;
}

enum quick_found
quick_take(struct quick *q, struct bin answer, struct quick_news *news)
{
	uint32_t at[QUICK_SPOTS_MAX];
	struct pair p = { q->answer, q->answer + q->len, answer.data,
		answer.data + answer.len };

	assert(q->ready);
	news->rows = 0;
	news->uptime = 0;
	news->has_uptime = false;
	if (answer.len > QUICK_BYTES_MAX || !compare(q, &p, news, at))
		return QUICK_OTHER;
	note_lag(q, news);
	keep_answer(q, answer);
	for (unsigned i = 0; i < q->spots; i++)
		q->spot[i].at = at[i];
	return news->rows != 0 ? QUICK_MOVED : QUICK_SAME;
}

void
quick_apply(const struct quick_news *news, struct instance *in)
{
	unsigned lag = moving_find(offsetof(struct instance, lag_seconds));

	if (news->has_uptime)
		in->uptime = news->uptime;
	for (uint32_t rows = news->rows; rows != 0; rows &= rows - 1) {
		unsigned i = (unsigned)__builtin_ctz(rows);
		const char *v = news->value[i];
		void *to = moving_member(in, i);

		if (i == lag)
			in->lag_seconds = news->lag;
		else if (moving_rows[i].kind == MOVING_POS)
			*(int64_t *)to = strtoll(v, NULL, 10);
		else if (moving_rows[i].kind == MOVING_STR)
			*(const char **)to = v != NULL ? v : "";
		else
			*(struct nullint *)to = seconds_of(v);
	}
}

/* ---- keeping what was read ---- */

/* Where the values that move are, in the answer that is being looked at. */
struct finder {
	const struct probe *p;
	const uint8_t *begin;
	struct quick_spot spot[QUICK_SPOTS_MAX];
	unsigned spots;
	uint64_t seen; /* as bits: what there is a spot for */
	bool bad;
};

static uint32_t
row_of(const struct field *f)
{
	size_t in = offsetof(struct probe_seen, in);
	unsigned row;

	if (f == NULL || f->offset < in)
		return SPOTS;
	if (f->offset == in + offsetof(struct instance, uptime))
		return SPOT_UPTIME;
	row = moving_find(f->offset - in);
	return row < moving_count ? row : SPOTS;
}

/* What else the server says beside its position (its set, again) is not read. */
static uint32_t
spot_in_position(const struct rows *r, size_t row, size_t column)
{
	const char *name = r->name[column];

	if (row > 0 || strcasecmp(name, "File") == 0)
		return SPOTS;
	if (strcasecmp(name, "Position") != 0)
		return SPOT_IGNORE;
	/* Without a file it is not read, either. */
	return r->value[column] != NULL && rows_get(r, "File") != NULL ?
	    moving_find(offsetof(struct instance, self_coord.pos)) : SPOTS;
}

/* Sizes, states in words and the like are not read, nor are other channels. */
static uint32_t
spot_in_status(const struct finder *f, const struct rows *r, size_t row,
    size_t column)
{
	const struct field *field = replication_field(r->name[column]);
	uint32_t what = row_of(field);

	if (strcasecmp(r->name[column], "Channel_Name") == 0 ||
	    strcasecmp(r->name[column], "Connection_name") == 0)
		return SPOTS; /* which decides what is shown */
	if (field == NULL)
		return SPOT_IGNORE;
	return what < SPOTS && row != f->p->memory->channel ? SPOT_IGNORE :
							      what;
}

/* SPOTS: the value is none that moves. */
static uint32_t
spot_in_row(const struct finder *f, unsigned statement, const struct rows *r,
    size_t row, size_t column)
{
	uint32_t what;

	switch (statement) {
	case ASK_SETTINGS:
		return row == 0 ? row_of(variable_field(r->name[column])) :
				  SPOTS;
	case ASK_REPLICA_STATUS:
		return spot_in_status(f, r, row, column);
	case ASK_STATUS:
		if (column != 1 || r->value[0] == NULL)
			return SPOTS;
		what = row_of(status_field(r->value[0]));
		return what == SPOT_UPTIME ? what : SPOTS;
	case ASK_OWN_POSITION:
		return spot_in_position(r, row, column);
	case ASK_QUERY + QUERY_LAG:
		return row == 0 && column == 0 &&
			lag_of(r->value[0], &(struct nullint){ 0 }) ?
		    SPOT_LAG :
		    SPOTS;
	}
	return SPOTS;
}

/* One value for each: of two the reader would take the last, or the first. */
static void
add_spot(struct finder *f, uint32_t what, const uint8_t *at)
{
	uint64_t bit = UINT64_C(1) << what;

	if (f->spots == QUICK_SPOTS_MAX ||
	    (what != SPOT_IGNORE && (f->seen & bit) != 0)) {
		f->bad = true;
		return;
	}
	f->seen |= bit;
	f->spot[f->spots++] = (struct quick_spot){
		(uint32_t)(at - f->begin), what };
}

/* Row by row, with the place of each value in hand. */
static void
find_in_result(struct finder *f, unsigned statement, struct rows *r)
{
	for (size_t row = 0; r->rows_left > 0 && !f->bad; row++) {
		struct pcur at = r->cur;

		if (!rows_next(r))
			return;
		for (size_t i = 0; i < r->columns && !f->bad; i++) {
			const uint8_t *p = at.p;
			uint32_t what = spot_in_row(f, statement, r, row, i);

			pcur_skip(&at);
			if (what < SPOTS)
				add_spot(f, what, p);
		}
	}
}

static bool
find_spots(struct finder *f, struct bin answer)
{
	struct rows *r = mem_alloc(sizeof *r);
	unsigned i = 0;

	rows_init(r, answer);
	for (; i < f->p->regular && !f->bad && rows_next_result(r); i++)
		find_in_result(f, f->p->todo[i], r);
	f->bad |= i != f->p->regular || rows_next_result(r) || !rows_ok(r);
	mem_free(r);
	return !f->bad;
}

/* Of a query that answers more than once nobody knows which answer is whose. */
static bool
all_plain(const struct probe *p)
{
	for (unsigned i = 0; i < p->regular; i++)
		if (p->todo[i] >= ASK_QUERY && !probe_query_is_plain(
		    p->options->query[p->todo[i] - ASK_QUERY]))
			return false;
	return true;
}

/*
 * The text without what was tried again, when the next probe's is the same: an
 * answer may tell that less, or more, is to be asked.
 */
static bool
keep_text(struct quick *q, const struct probe *p)
{
	unsigned turn = p->memory->turn;
	struct probe next;
	struct buf b;

	probe_start(&next, p->options, p->memory, p->asked, p->arena);
	p->memory->turn = turn;
	q->text = 0;
	if (next.text_digest == p->text_digest) {
		buf_init(&b);
		next.batch = next.regular;
		probe_write_batch(&next, &b);
		q->text = intern(buf_text(&b), b.len);
		buf_fini(&b);
	}
	probe_fini(&next);
	return q->text != 0;
}

void
quick_keep(struct probe *p, struct bin answer)
{
	struct quick *q = &p->memory->quick;
	struct finder f = { .p = p, .begin = answer.data };

	q->ready = false;
	if (answer.len > QUICK_BYTES_MAX || p->memory->one_by_one ||
	    !all_plain(p) || !find_spots(&f, answer) || !keep_text(q, p))
		return;
	keep_answer(q, answer);
	q->spot = mem_resize(q->spot, f.spots, sizeof q->spot[0]);
	memcpy(q->spot, f.spot, f.spots * sizeof q->spot[0]);
	q->spots = f.spots;
	q->has_lag = (f.seen & UINT64_C(1) << SPOT_LAG) != 0;
	q->version = p->options->version;
	q->retry = p->memory->refused != 0;
	q->taken = 0;
	q->ready = true;
}
