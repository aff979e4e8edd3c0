/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replication: receivers copy logs, appliers carry out what was received, and
 * sources wait for acknowledgements.
 */
#include "config.h"

#include "model/model.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { NET_TIMEOUT_S = 60 };

static bool
is_there(const struct model_server *s)
{
	return s->fault != MODEL_REFUSES && s->fault != MODEL_SILENT;
}

static const struct model_cut *
cut_between(const struct model *m, const struct model_server *s,
    const struct model_server *source)
{
	for (unsigned i = 0; i < m->cuts; i++)
		if (m->cut[i].replica == s->origin &&
		    m->cut[i].source == source->origin)
			return &m->cut[i];
	return NULL;
}

void
model_forget_relay(struct model_server *s)
{
	model_log_rotate(&s->relay);
	model_log_purge(&s->relay, s->relay.file[s->relay.files - 1].number);
	s->relay_next = s->relay.next;
	model_set_clear(&s->retrieved);
	s->connected = false;
	s->feed = NULL;
	s->until = (struct model_place){ 0 };
	s->io_errno = s->sql_errno = 0;
	s->io_error[0] = s->sql_error[0] = '\0';
}

void
model_io_fail(struct model_server *s, unsigned errnum, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->io_error, sizeof s->io_error, fmt, ap);
	va_end(ap);
	s->io_errno = errnum;
	s->connected = false;
}

/* ---- where to begin ---- */

struct model_coord
model_behind_own(const struct model_server *s,
    const struct model_server *source)
{
	struct model_coord c = { .pos = 0 };
	uint64_t at = model_log_oldest(&source->binlog);
	struct model_place p;
	struct model_run r;

	while (model_log_get(&source->binlog, at, UINT64_MAX, &r)) {
		uint64_t n = r.n;

		if (r.first.row > 0)
			n = model_set_first(&s->rows, r.first.origin,
			    r.first.row, r.first.row + r.n - 1, false) -
			    r.first.row;
		at += n;
		if (n < r.n)
			break;
	}
	p = model_log_place(&source->binlog, at);
	snprintf(c.base, sizeof c.base, "%s", source->log_base);
	c.file = p.file;
	c.pos = p.pos;
	return c;
}

static bool
begin_by_file(struct model_server *s, const struct model_server *source)
{
	struct model_place at = { s->read_at.file, s->read_at.pos };
	const char *why = "Could not find first log file name in binary log "
	    "index file";

	if (s->read_at.base[0] == '\0') {
		s->feed_next = model_log_oldest(&source->binlog);
		return true;
	}
	if (strcmp(s->read_at.base, source->log_base) == 0) {
		if (model_log_find(&source->binlog, at, &s->feed_next))
			return true;
		for (uint32_t i = 0; i < source->binlog.files; i++)
			if (source->binlog.file[i].number == at.file)
				why = at.pos > source->binlog.file[i].end ?
				    "Client requested master to start "
				    "replication from position > file size" :
				    "bogus data in log event";
	}
	model_io_fail(s, 1236, "Got fatal error 1236 from master when reading "
	    "data from binary log: '%s'", why);
	return false;
}

static bool
begin_by_gtid_set(struct model_server *s, const struct model_server *source)
{
	struct model_set have = { 0 };
	const char *why = NULL;

	model_set_copy(&have, &s->executed);
	model_set_join(&have, &s->retrieved);
	if (!model_set_holds(&have, &source->purged))
		why = "Cannot replicate because the source purged required "
		    "binary logs.";
	for (uint32_t i = 0; i < have.n && why == NULL; i++)
		if (have.at[i].maker == source->origin &&
		    model_set_first(&source->executed, source->origin,
			have.at[i].lo, have.at[i].hi, false) <= have.at[i].hi)
			why = "Replica has more GTIDs than the source has, "
			    "using the source's SERVER_UUID.";
	model_set_free(&have);
	s->feed_next = model_log_oldest(&source->binlog);
	if (why != NULL)
		model_io_fail(s, 1236, "Got fatal error 1236 from source when "
		    "reading data from binary log: '%s'", why);
	return why == NULL;
}

/* The ordinal behind a GTID; false: no log has it. */
static bool
find_gtid(const struct model_log *l, const struct model_gtid *g,
    uint64_t *ordinal)
{
	for (uint32_t i = 0; i < l->n; i++) {
		const struct model_trx *t = &l->run[i].first;

		if (t->seq == 0 || t->domain != g->domain ||
		    t->server_id != g->server || g->seq < t->seq ||
		    g->seq - t->seq >= l->run[i].n)
			continue;
		*ordinal = l->run[i].ordinal + (g->seq - t->seq) + 1;
		return true;
	}
	return false;
}

static void
wanted_pos(const struct model_server *s, struct model_gtid *pos)
{
	memcpy(pos, s->replica_pos, sizeof s->replica_pos);
	for (size_t i = 0; i < MODEL_DOMAINS_MAX; i++)
		if (s->use_gtid == MODEL_CURRENT_POS &&
		    s->log_pos[i].server == s->server_id)
			model_gtid_reach(pos, s->log_pos[i]);
}

/* Where the source goes on with a domain; false: it cannot. */
static bool
begin_domain(struct model_server *s, const struct model_server *source,
    const struct model_gtid *want, uint32_t domain, uint64_t *ordinal)
{
	const struct model_gtid *gone = model_gtid_of(source->before_log,
	    domain);

	*ordinal = model_log_oldest(&source->binlog);
	if (want == NULL && gone == NULL)
		return true;
	if (want != NULL && gone != NULL && want->server == gone->server &&
	    want->seq == gone->seq)
		return true;
	if (want != NULL && find_gtid(&source->binlog, want, ordinal))
		return true;
	if (want == NULL || (gone != NULL && want->seq < gone->seq))
		model_io_fail(s, 1236, "Got fatal error 1236 from master when "
		    "reading data from binary log: 'Could not find GTID state "
		    "requested by slave in any binlog files. Probably the slave "
		    "state is too old and required binlog files have been "
		    "purged.'");
	else
		model_io_fail(s, 1236, "Got fatal error 1236 from master when "
		    "reading data from binary log: 'Error: connecting slave "
		    "requested to start from GTID %u-%llu-%llu, which is not in "
		    "the master's binlog'", domain,
		    (unsigned long long)want->server,
		    (unsigned long long)want->seq);
	return false;
}

static bool
begin_by_pos(struct model_server *s, const struct model_server *source)
{
	struct model_gtid want[MODEL_DOMAINS_MAX];
	uint64_t ordinal, first = UINT64_MAX;

	wanted_pos(s, want);
	for (size_t i = 0; i < MODEL_DOMAINS_MAX; i++) {
		uint32_t d = source->log_pos[i].domain;

		if (source->log_pos[i].seq == 0)
			continue;
		if (!begin_domain(s, source, model_gtid_of(want, d), d,
			&ordinal))
			return false;
		if (ordinal < first)
			first = ordinal;
	}
	s->feed_next = first != UINT64_MAX ? first :
	    model_log_oldest(&source->binlog);
	/* It begins there, and what waited in the relay log is read again. */
	model_log_rotate(&s->relay);
	model_log_purge(&s->relay, s->relay.file[s->relay.files - 1].number);
	s->relay_next = s->relay.next;
	return true;
}

/* Why these two cannot; 0: they can. */
static unsigned
mismatch(const struct model_server *s, const struct model_server *source,
    const char **text)
{
	if (s->server_id == source->server_id) {
		*text = "Fatal error: The replica I/O thread stops because "
		    "source and replica have equal MySQL server ids";
		return 1593;
	}
	if (!s->mariadb && strcmp(s->uuid, source->uuid) == 0) {
		*text = "Fatal error: The replica I/O thread stops because "
		    "source and replica have equal MySQL server UUIDs";
		return 1593;
	}
	*text = "Got fatal error 1236 from source when reading data from "
	    "binary log: 'Binary log is not open'";
	if (!source->log_bin)
		return 1236;
	*text = "Got fatal error 1236 from source when reading data from "
	    "binary log: 'unknown event'";
	if (s->mariadb != source->mariadb)
		return 1236;
	*text = "The replication receiver thread cannot start because of the "
	    "GTID_MODE of the source";
	if (!s->mariadb && s->gtid != source->gtid &&
	    (s->auto_position || source->gtid))
		return 13117;
	return 0;
}

static bool
begin(struct model_server *s, const struct model_server *source)
{
	const char *text = "";
	unsigned errnum = mismatch(s, source, &text);

	if (errnum != 0)
		model_io_fail(s, errnum, "%s", text);
	else if (s->auto_position)
		return begin_by_gtid_set(s, source);
	else if (s->mariadb && s->use_gtid != MODEL_GTID_NO)
		return begin_by_pos(s, source);
	else
		return begin_by_file(s, source);
	return false;
}

static void
connect_receiver(struct model *m, struct model_server *s)
{
	const struct model_server *source = model_source(m, s);

	s->connected = false;
	if (source == NULL) {
		model_io_fail(s, 2005, "error connecting to source: Unknown "
		    "MySQL server host '%s'", s->source.host);
	} else if (!is_there(source) || source->fault == MODEL_HANGS ||
	    cut_between(m, s, source) != NULL) {
		model_io_fail(s, 2003, "error connecting to source '%s@%s:%u'",
		    s->channel.user, s->source.host, s->source.port);
	} else if (source->replication_password[0] != '\0' &&
	    strcmp(source->replication_password, s->channel.password) != 0) {
		model_io_fail(s, 1045, "error connecting to source '%s@%s:%u'"
		    ": Access denied", s->channel.user, s->source.host,
		    s->source.port);
	} else if (begin(s, source)) {
		s->connected = true;
		s->feed = source;
		s->feed_incarnation = source->incarnation;
		s->feed_log_life = source->log_life;
		s->io_errno = 0;
		s->io_error[0] = '\0';
	} else {
		s->io_wanted = false; /* no use in trying again */
	}
}

/* Is the connection that it had still one? */
static bool
still_connected(const struct model *m, const struct model_server *s)
{
	const struct model_server *source = model_source(m, s);
	const struct model_cut *cut;

	if (!s->connected || source == NULL || source != s->feed ||
	    !is_there(source) || s->feed_incarnation != source->incarnation ||
	    s->feed_log_life != source->log_life)
		return false;
	cut = cut_between(m, s, source);
	return cut == NULL || (cut->silent &&
	    mono_sub(m->now, cut->since).us < DUR_S(NET_TIMEOUT_S).us);
}

bool
model_io_running(const struct model *m, const struct model_server *s)
{
	return s->io_wanted && s->source.host[0] != '\0' &&
	    still_connected(m, s);
}

/* ---- receiving ---- */

/* How many from the start of r it does not want; then *n it does. */
static uint64_t
unwanted(const struct model_server *s, const struct model_run *r, uint64_t *n)
{
	const struct model_trx *t = &r->first;
	uint64_t last = t->gno + r->n - 1, a, b;

	*n = r->n;
	if (t->server_id == s->server_id)
		return r->n;
	if (!s->auto_position || t->uuid == MODEL_ANONYMOUS)
		return 0;
	a = model_set_first(&s->executed, t->uuid, t->gno, last, true);
	b = model_set_first(&s->retrieved, t->uuid, t->gno, last, true);
	if (a > t->gno && b > t->gno) {
		*n = (a < b ? a : b) - t->gno;
		return 0;
	}
	a = a > t->gno ? t->gno :
	    model_set_first(&s->executed, t->uuid, t->gno, last, false);
	b = b > t->gno ? t->gno :
	    model_set_first(&s->retrieved, t->uuid, t->gno, last, false);
	return (a > b ? a : b) - t->gno;
}

static bool
receive(struct model *m, struct model_server *s)
{
	const struct model_server *source = s->feed;
	struct model_run r;
	struct model_place p;
	uint64_t n, skip;
	bool more = false;

	if (cut_between(m, s, source) != NULL)
		return false; /* it does not know yet */
	while (model_log_get(&source->binlog, s->feed_next, UINT64_MAX, &r)) {
		skip = unwanted(s, &r, &n);
		if (skip > 0) {
			s->feed_next += skip;
			continue;
		}
		model_log_add(&s->relay, &r.first, n, r.size + 20, &r);
		if (r.first.uuid != MODEL_ANONYMOUS)
			model_set_add(&s->retrieved, r.first.uuid, r.first.gno,
			    r.first.gno + n - 1);
		s->feed_next += n;
		more = true;
	}
	p = model_log_place(&source->binlog, s->feed_next);
	if (strcmp(s->read_at.base, source->log_base) != 0)
		snprintf(s->read_at.base, sizeof s->read_at.base, "%s",
		    source->log_base);
	s->read_at.file = p.file;
	s->read_at.pos = p.pos;
	return more;
}

/* ---- applying ---- */

static void
stop_applier(struct model_server *s, unsigned errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
stop_applier(struct model_server *s, unsigned errnum, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->sql_error, sizeof s->sql_error, fmt, ap);
	va_end(ap);
	s->sql_errno = errnum;
	s->sql_wanted = false;
}

static void
note_wrong(struct model_server *s, const struct model_trx *t,
    const char *what)
{
	struct model *m = s->world;

	if (m->wrongs++ == 0)
		snprintf(m->wrong, sizeof m->wrong, "%.60s:%u: row %llu of "
		    "server %u %s (%.40s.%06u:%llu of %.60s)", s->address[0].host,
		    s->address[0].port, (unsigned long long)t->row, t->origin,
		    what, s->exec_at.base, (unsigned)s->exec_at.file,
		    (unsigned long long)s->exec_at.pos, s->source.host);
}

/* The row that must be there before: of the link at or before row. */
static bool
has_before(const struct model_server *s, const struct model_trx *t)
{
	const struct model_server *o = s->world->server[t->origin];
	uint32_t origin = t->origin;
	uint64_t row = t->row - 1;

	for (uint32_t i = o->links; i-- > 0 && o->link[i].row >= t->row;)
		if (o->link[i].row == t->row) {
			origin = o->link[i].origin;
			row = o->link[i].after;
		}
	return row == 0 || model_set_has(&s->rows, origin, row) ||
	    model_set_has(&s->world->voided, origin, row);
}

/* Rows up to the next link only follow each other. */
static uint64_t
before_link(const struct model *m, const struct model_trx *t, uint64_t n)
{
	const struct model_server *o = m->server[t->origin];

	for (uint32_t i = o->links; i-- > 0 && o->link[i].row > t->row;)
		if (o->link[i].row - t->row < n)
			n = o->link[i].row - t->row;
	return n;
}

static bool
out_of_order(const struct model_server *s, const struct model_trx *t)
{
	const struct model_gtid *g = model_gtid_of(s->log_pos, t->domain);

	return s->mariadb && s->gtid_strict && s->log_bin &&
	    s->log_replica_updates && t->seq > 0 && g != NULL &&
	    g->seq >= t->seq;
}

/* How many of n it can carry out; 0: it stopped. */
static uint64_t
check(struct model_server *s, const struct model_trx *t, uint64_t n)
{
	uint64_t there;

	if (out_of_order(s, t)) {
		note_wrong(s, t, "comes out of order");
		stop_applier(s, 1950, "An attempt was made to binlog GTID "
		    "%u-%llu-%llu which would create an out-of-order sequence "
		    "number with existing GTID", t->domain,
		    (unsigned long long)t->server_id,
		    (unsigned long long)t->seq);
		return 0;
	}
	if (t->row == 0)
		return n;
	there = model_set_first(&s->rows, t->origin, t->row, t->row + n - 1,
	    true);
	if (there == t->row) {
		note_wrong(s, t, "is applied twice");
		stop_applier(s, 1062, "Could not execute Write_rows event on "
		    "table t.r; Duplicate entry '%u-%llu' for key 'PRIMARY', "
		    "Error_code: 1062", t->origin, (unsigned long long)t->row);
		return 0;
	}
	if (!has_before(s, t)) {
		note_wrong(s, t, "comes without the one before");
		stop_applier(s, 1032, "Could not execute Update_rows event on "
		    "table t.last; Can't find record in 'last', Error_code: "
		    "1032");
		return 0;
	}
	return before_link(s->world, t, there - t->row);
}

/* When was it written?  Rows up to *last are no younger than at. */
static uint64_t
written_until(const struct model_server *writer, mono_t at)
{
	for (uint32_t i = 0; i < writer->marks; i++)
		if (writer->mark[i].at.us > at.us)
			return writer->mark[i].row - 1;
	return UINT64_MAX;
}

/* How many may be applied already, judged by delay and UNTIL. */
static uint64_t
ripe(const struct model *m, const struct model_server *s,
    const struct model_run *r)
{
	int64_t wait = (int64_t)s->channel.delay_s > s->lag_s ?
	    (int64_t)s->channel.delay_s : s->lag_s;
	uint64_t n = r->n, last, begins = r->source_end - r->source_size;

	if (wait > 0 && r->first.row > 0) {
		last = written_until(m->server[r->first.origin],
		    (mono_t){ m->now.us - DUR_S(wait).us });
		if (last < r->first.row)
			return 0;
		if (last - r->first.row + 1 < n)
			n = last - r->first.row + 1;
	}
	if (s->until.file == 0 || r->source_file < s->until.file)
		return n;
	if (r->source_file > s->until.file || begins >= s->until.pos)
		return 0;
	last = (s->until.pos - begins + r->source_size - 1) / r->source_size;
	return last < n ? last : n;
}

static bool
reached(const struct model_server *s)
{
	return s->until.file != 0 && (s->exec_at.file > s->until.file ||
	    (s->exec_at.file == s->until.file &&
		s->exec_at.pos >= s->until.pos));
}

/* Carry n out, or pass them by; 0: it stopped. */
static uint64_t
execute(struct model_server *s, struct model_run *r, uint64_t n)
{
	const struct model_trx *t = &r->first;
	uint64_t there = t->gno;

	if (t->uuid != MODEL_ANONYMOUS) {
		there = model_set_first(&s->executed, t->uuid, t->gno,
		    t->gno + n - 1, true);
		if (there == t->gno)
			return model_set_first(&s->executed, t->uuid, t->gno,
			    t->gno + n - 1, false) - t->gno;
		n = there - t->gno;
	}
	if (s->skip_counter > 0) {
		s->skip_counter--;
		if (t->row > 0)
			model_set_add(&s->world->voided, t->origin, t->row,
			    t->row);
		if (t->seq > 0)
			model_gtid_reach(s->replica_pos, (struct model_gtid){
				t->domain, t->server_id, t->seq });
		return 1;
	}
	n = check(s, t, n);
	if (n > 0)
		model_commit(s, t, n, true);
	return n;
}

bool
model_applied_all(const struct model_server *s)
{
	return s->relay_next == s->relay.next;
}

static bool
apply(struct model *m, struct model_server *s)
{
	struct model_run r;
	bool more = false;
	uint64_t n;

	while (s->sql_wanted && !reached(s) &&
	    model_log_get(&s->relay, s->relay_next, UINT64_MAX, &r)) {
		n = ripe(m, s, &r);
		if (n == 0)
			break;
		n = execute(s, &r, n);
		if (n == 0)
			break;
		s->relay_next += n;
		memcpy(s->exec_at.base, s->read_at.base,
		    sizeof s->exec_at.base);
		s->exec_at.file = r.source_file;
		s->exec_at.pos = r.source_end + (n - 1) * r.source_size;
		more = true;
	}
	if (s->sql_wanted && model_applied_all(s) && s->sql_errno == 0)
		s->exec_at = s->read_at;
	if (s->sql_wanted && reached(s)) {
		s->sql_wanted = false;
		s->until = (struct model_place){ 0 };
	}
	/* Of files that are done with, nothing is kept. */
	while (s->relay.files > 1 && s->relay.file[1].first <= s->relay_next)
		model_log_purge(&s->relay, s->relay.file[1].number);
	return more;
}

dur_t
model_behind(const struct model_server *s)
{
	const struct model_server *writer;
	struct model_run r;
	mono_t at = { 0 };

	if (!model_log_get(&s->relay, s->relay_next, 1, &r) ||
	    r.first.row == 0)
		return DUR_ZERO;
	writer = s->world->server[r.first.origin];
	for (uint32_t i = 0; i < writer->marks; i++)
		if (writer->mark[i].row <= r.first.row)
			at = writer->mark[i].at;
	return mono_sub(s->world->now, at);
}

/* ---- acknowledgements ---- */

/* The ordinal up to which enough replicas received it. */
static uint64_t
received_by_enough(const struct model *m, const struct model_server *s)
{
	uint64_t at[64], t;
	unsigned n = 0;

	for (uint32_t i = 0; i < m->n && n < MEM_COUNT(at); i++) {
		const struct model_server *r = m->server[i];

		if (r->feed == s && r->semi_sync_replica && is_there(r) &&
		    model_io_running(m, r))
			at[n++] = r->feed_next;
	}
	if (n < s->semi_sync_wait)
		return 0;
	for (unsigned i = 0; i < n; i++) /* the furthest first */
		for (unsigned k = i + 1; k < n; k++)
			if (at[k] > at[i])
				t = at[i], at[i] = at[k], at[k] = t;
	return s->semi_sync_wait > 0 ? at[s->semi_sync_wait - 1] :
				       s->binlog.next;
}

/* Its own last row before an ordinal of its log. */
static uint64_t
own_row_before(const struct model_server *s, uint64_t ordinal)
{
	for (uint32_t i = s->binlog.n; i-- > 0;) {
		const struct model_run *r = &s->binlog.run[i];

		if (r->ordinal >= ordinal || r->first.origin != s->origin ||
		    r->first.row == 0)
			continue;
		return r->first.row + (ordinal - r->ordinal < r->n ?
		    ordinal - r->ordinal : r->n) - 1;
	}
	return 0;
}

static void
acknowledge(struct model *m, struct model_server *s)
{
	uint64_t ordinal, row;

	if (!s->semi_sync_source || !s->log_bin) {
		s->acked = s->written;
		s->waits_since.us = 0;
		return;
	}
	ordinal = received_by_enough(m, s);
	if (ordinal == s->binlog.next)
		s->degraded = false;
	row = s->degraded ? s->written : own_row_before(s, ordinal);
	if (row > s->acked)
		s->acked = row;
	if (s->acked >= s->written)
		s->waits_since.us = 0;
	else if (s->waits_since.us == 0)
		s->waits_since = m->now;
	else if (mono_sub(m->now, s->waits_since).us >=
	    DUR_MS((int64_t)s->semi_sync_timeout_ms).us)
		s->degraded = true;
	if (s->degraded && s->acked < s->written) {
		s->acked = s->written;
		s->waits_since.us = 0;
	}
}

/* ---- all of it ---- */

static bool
replicate(struct model *m, struct model_server *s)
{
	bool more = false;

	if (s->source.host[0] == '\0' || !is_there(s))
		return false;
	if (s->io_wanted && !still_connected(m, s))
		connect_receiver(m, s);
	if (s->io_wanted && s->connected)
		more = receive(m, s);
	if (s->sql_wanted)
		more = apply(m, s) || more;
	return more;
}

void
model_settle(struct model *m, mono_t now)
{
	bool more = true;

	if (now.us > m->now.us)
		m->now = now;
	/* A chain of n servers settles in n rounds at the most. */
	for (uint32_t round = 0; more && round <= m->n; round++) {
		more = false;
		for (uint32_t i = 0; i < m->n; i++)
			more = replicate(m, m->server[i]) || more;
	}
	for (uint32_t i = 0; i < m->n; i++)
		if (is_there(m->server[i]))
			acknowledge(m, m->server[i]);
}
