/* SPDX-License-Identifier: Apache-2.0 */
/* What each verb sends; see sql_step() in sql.h. */
#include "config.h"

#include "plan/sql.h"

#include <assert.h>
#include <inttypes.h>

#include "topology/coord.h"

typedef void write_fn(struct buf *b, const struct sql_ask *a);

/* A statement is over. */
static void
end(struct buf *b)
{
	buf_chr(b, '\0');
}

static void
threads(struct buf *b, const struct sql_ask *a, enum sql_word w)
{
	sql_threads(b, a->in, w);
	end(b);
}

#define THREADS(name, word) \
	static void \
	name(struct buf *b, const struct sql_ask *a) \
	{ \
		threads(b, a, word); \
	}
THREADS(stop, SQL_STOP)
THREADS(stop_receiver, SQL_STOP_RECEIVER)
THREADS(stop_applier, SQL_STOP_APPLIER)
THREADS(start, SQL_START)
THREADS(start_receiver, SQL_START_RECEIVER)
THREADS(start_applier, SQL_START_APPLIER)
THREADS(reset_all, SQL_RESET_ALL)
#undef THREADS

static void
stop_nicely(struct buf *b, const struct sql_ask *a)
{
	threads(b, a, SQL_STOP_RECEIVER);
	if (a->in->sql_delay == 0) {
		sql_wait_coord(b, a->in, &a->in->read_coord, 1);
		end(b);
	}
	threads(b, a, SQL_STOP_APPLIER);
}

static void
start_until(struct buf *b, const struct sql_ask *a)
{
	sql_start_until(b, a->in, &a->at);
	end(b);
	sql_wait_coord(b, a->in, &a->at, 1);
	end(b);
	threads(b, a, SQL_STOP);
}

static void
wait_for(struct buf *b, const struct sql_ask *a)
{
	sql_wait_coord(b, a->in, &a->at, 1);
	end(b);
}

static void
change_source(struct buf *b, const struct sql_ask *a)
{
	if (a->to == NULL)
		return;
	sql_change_source(b, a->in, a->to);
	end(b);
}

static void
delay(struct buf *b, const struct sql_ask *a)
{
	sql_delay(b, a->in, a->step->number);
	end(b);
}

static void
credentials(struct buf *b, const struct sql_ask *a)
{
	if (a->account == NULL)
		return;
	sql_credentials(b, a->in, a->account);
	end(b);
}

static void
skip_query(struct buf *b, const struct sql_ask *a)
{
	if (a->in->using_oracle_gtid) {
		buf_str(b, "SET SESSION GTID_NEXT = '?'");
		end(b);
		buf_str(b, "BEGIN");
		end(b);
		buf_str(b, "COMMIT");
		end(b);
		buf_str(b, "SET SESSION GTID_NEXT = 'AUTOMATIC'");
	} else {
		buf_printf(b, "SET GLOBAL %s = 1", sql_skip_counter(a->in));
	}
	end(b);
}

static void
set_read_only(struct buf *b, const struct sql_ask *a)
{
	buf_str(b, "SET GLOBAL read_only = 1");
	end(b);
	if (!a->super || !sql_has_super(a->in))
		return;
	buf_str(b, "SET GLOBAL super_read_only = 1");
	end(b);
}

/* What takes read_only away takes super_read_only along. */
static void
set_writable(struct buf *b, const struct sql_ask *a)
{
	(void)a;
	buf_str(b, "SET GLOBAL read_only = 0");
	end(b);
}

static void
semi_sync(struct buf *b, const struct sql_ask *a)
{
	bool source = a->step->verb == DO_SEMI_SYNC_SOURCE;

	buf_printf(b, "SET GLOBAL %s = %d", sql_semi_sync(a->in, source),
	    a->step->number != 0);
	end(b);
	/* The receiver says at its connect whether it acknowledges. */
	if (source || a->in->io_state == THREAD_STOPPED ||
	    a->in->io_state == THREAD_NONE)
		return;
	threads(b, a, SQL_STOP_RECEIVER);
	threads(b, a, SQL_START_RECEIVER);
}

static void
flush_logs(struct buf *b, const struct sql_ask *a)
{
	buf_str(b, sql_word(a->in, SQL_FLUSH));
	end(b);
}

static void
purge_logs(struct buf *b, const struct sql_ask *a)
{
	buf_str(b, "PURGE BINARY LOGS TO ");
	sql_quote(b, a->step->text);
	end(b);
}

static void
kill_query(struct buf *b, const struct sql_ask *a)
{
	buf_printf(b, "KILL QUERY %" PRId64, a->step->number);
	end(b);
}

static void
reset_logs(struct buf *b, const struct sql_ask *a)
{
	buf_str(b, sql_word(a->in, SQL_RESET_LOGS));
	end(b);
	if (sql_is_mariadb(a->in))
		return;
	buf_str(b, "SET GLOBAL gtid_purged = ");
	sql_quote(b, a->step->text);
	end(b);
}

static void
inject_empty(struct buf *b, const struct sql_ask *a)
{
	buf_str(b, "SET SESSION GTID_NEXT = ");
	sql_quote(b, a->step->text);
	end(b);
	buf_str(b, "BEGIN");
	end(b);
	buf_str(b, "COMMIT");
	end(b);
	buf_str(b, "SET SESSION GTID_NEXT = 'AUTOMATIC'");
	end(b);
}

static write_fn *const write_of[VERBS] = {
	[DO_STOP] = stop,
	[DO_STOP_RECEIVER] = stop_receiver,
	[DO_STOP_APPLIER] = stop_applier,
	[DO_STOP_NICELY] = stop_nicely,
	[DO_START] = start,
	[DO_START_RECEIVER] = start_receiver,
	[DO_START_APPLIER] = start_applier,
	[DO_RESTORE] = start,
	[DO_START_UNTIL] = start_until,
	[DO_WAIT_FOR] = wait_for,
	[DO_CHANGE_SOURCE] = change_source,
	[DO_RESET_REPLICA] = reset_all,
	[DO_DETACH] = change_source,
	[DO_ATTACH] = change_source,
	[DO_DELAY] = delay,
	[DO_SET_CREDENTIALS] = credentials,
	[DO_SKIP_QUERY] = skip_query,
	[DO_READ_ONLY] = set_read_only,
	[DO_WRITABLE] = set_writable,
	[DO_SEMI_SYNC_SOURCE] = semi_sync,
	[DO_SEMI_SYNC_REPLICA] = semi_sync,
	[DO_FLUSH_LOGS] = flush_logs,
	[DO_PURGE_LOGS] = purge_logs,
	[DO_KILL_QUERY] = kill_query,
	[DO_RESET_LOGS] = reset_logs,
	[DO_INJECT_EMPTY] = inject_empty,
};

size_t
sql_step(struct buf *out, const struct sql_ask *ask)
{
	size_t from = out->len, n = 0;

	if (write_of[ask->step->verb] == NULL)
		return 0;
	write_of[ask->step->verb](out, ask);
	for (size_t i = from; i < out->len; i++)
		n += out->data[i] == '\0';
	return n;
}
