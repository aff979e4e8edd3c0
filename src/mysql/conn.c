/* SPDX-License-Identifier: Apache-2.0 */
/* One query at a time, without blocking; see conn.h. */
#include "config.h"

#include "mysql/conn.h"

#include <assert.h>
#include <errmsg.h>
#include <fcntl.h>
#include <mysql.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "mysql/intern.h"

enum { REPLY_USUAL = 4000 }; /* bytes; it grows when there are more */

void
conn_init(struct conn *c, struct st_mysql *m)
{
	memset(c, 0, sizeof *c);
	c->m = m;
	buf_init(&c->rows);
}

int
conn_fd(const struct conn *c)
{
	assert(c->m != NULL);
	return (int)mysql_get_socket(c->m);
}

/* ---- events: ours are epoll's, the library has its own ---- */

static uint32_t
to_epoll(int wait)
{
	uint32_t events = 0;

	if ((wait & MYSQL_WAIT_READ) != 0)
		events |= EPOLLIN;
	if ((wait & MYSQL_WAIT_WRITE) != 0)
		events |= EPOLLOUT;
	if ((wait & MYSQL_WAIT_EXCEPT) != 0)
		events |= EPOLLPRI;
	/* A wait for its time limit only: ours is elsewhere, so for reading. */
	return events != 0 ? events : EPOLLIN;
}

static int
from_epoll(uint32_t ready)
{
	int wait = 0;

	if ((ready & EPOLLIN) != 0)
		wait |= MYSQL_WAIT_READ;
	if ((ready & EPOLLOUT) != 0)
		wait |= MYSQL_WAIT_WRITE;
	if ((ready & EPOLLPRI) != 0)
		wait |= MYSQL_WAIT_EXCEPT;
	if ((ready & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0)
		wait |= MYSQL_WAIT_READ | MYSQL_WAIT_WRITE;
	return wait != 0 ? wait : MYSQL_WAIT_READ;
}

/* ---- the end of a query ---- */

/* A result of a lost connection is left to conn_close(). */
static int
finish(struct conn *c)
{
	if (c->result != NULL && !c->outcome.lost) {
		mysql_free_result(c->result);
		c->result = NULL;
	}
	c->state = CONN_IDLE;
	mem_free(c->text);
	c->text = NULL;
	return 0;
}

/* Forget the result that is being written: it is not complete. */
static void
drop_partial(struct conn *c)
{
	if (c->state == CONN_FETCH)
		c->rows.len = c->begin;
}

/* No more from this connection. */
static int
give_up(struct conn *c, enum err_code code, const char *why)
{
	struct conn_outcome *o = &c->outcome;

	drop_partial(c);
	*o = (struct conn_outcome){ .code = code, .lost = true };
	snprintf(o->text, sizeof o->text, "%s", why);
	return finish(c);
}

/* Numbers that tell of a server that is going, or of bytes that are not it. */
static bool
is_fatal(unsigned errnum)
{
	return errnum == 1053 || /* shutdown in progress */
	    errnum == 1153 ||	 /* packet too large */
	    errnum == 1927;	 /* connection was killed */
}

/* What the library says; its own errors (2000-2999) end the connection. */
static int
fail(struct conn *c)
{
	unsigned errnum = mysql_errno(c->m);
	bool own = errnum == 0 || (errnum >= CR_MIN_ERROR && errnum < 3000);
	struct conn_outcome *o = &c->outcome;

	drop_partial(c);
	o->errnum = errnum;
	o->lost = own || is_fatal(errnum);
	o->code = o->lost ? ERR_UNREACHABLE : ERR_SERVER;
	if (errnum == CR_MALFORMED_PACKET || errnum == CR_OUT_OF_MEMORY ||
	    errnum == CR_NET_PACKET_TOO_LARGE || errnum == 1153)
		o->code = ERR_MALFORMED;
	snprintf(o->text, sizeof o->text, "%.400s",
	    errnum != 0 ? mysql_error(c->m) : "the connection broke");
	return finish(c);
}

/* ---- results to bytes ---- */

/* The array of their names, as rows_begin() writes it. */
static void
pack_names(struct buf *b, const MYSQL_FIELD *f, unsigned n)
{
	pack_array(b, n);
	for (unsigned i = 0; i < n; i++)
		pack_cstr(b, f[i].name != NULL ? f[i].name : "");
}

/* Is one, as pack_cstr() writes it, next at *p? */
static bool
is_name(const uint8_t **p, const uint8_t *end, const MYSQL_FIELD *f)
{
	size_t n = f->name != NULL ? f->name_length + 1 : 1;
	size_t head = n < 32 ? 1 : 2;

	if (n > 0xff || (size_t)(end - *p) < head + n ||
	    (*p)[0] != (head == 1 ? 0xa0 | n : 0xd9) ||
	    (head == 2 && (*p)[1] != n) ||
	    memcmp(*p + head, f->name != NULL ? f->name : "", n) != 0)
		return false;
	*p += head + n;
	return true;
}

/* Are they those that go by this number? */
static bool
are_names(uint32_t number, const MYSQL_FIELD *f, unsigned n)
{
	struct bin names = interned(number);
	struct pcur c;

	if (names.data == NULL)
		return false;
	pcur_init(&c, names.data, names.len);
	if (pcur_array(&c) != n)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (!is_name(&c.p, c.end, &f[i]))
			return false;
	return pcur_done(&c);
}

/* Of the result that begins; 0: they have no number. */
static uint32_t
number_of_names(struct conn *c, const MYSQL_FIELD *f, unsigned n)
{
	static_assert(INTERN_MAX <= UINT16_MAX, "numbers are kept in 16 bits");
	uint16_t *last;
	struct buf b;

	if (!c->known || c->results > CONN_KNOWN_MAX)
		return 0;
	last = &c->names[c->results - 1];
	if (*last != 0 && are_names(*last, f, n))
		return *last;
	buf_init(&b);
	pack_names(&b, f, n);
	*last = (uint16_t)intern(b.data, b.len);
	buf_fini(&b);
	return *last;
}

static bool
begin_result(struct conn *c)
{
	unsigned n = mysql_num_fields(c->result);
	const MYSQL_FIELD *f = mysql_fetch_fields(c->result);
	uint32_t number;

	if (n > ROWS_COLUMNS_MAX)
		return false;
	if (c->rows.cap == 0)
		buf_room(&c->rows, REPLY_USUAL);
	c->begin = c->rows.len;
	number = number_of_names(c, f, n);
	if (number == 0)
		pack_names(&c->rows, f, n);
	c->mark = number == 0 ? rows_begin_count(&c->rows) :
				rows_begin_known(&c->rows, number);
	c->row_count = 0;
	return true;
}

static bool
add_row(struct conn *c)
{
	const unsigned long *len = mysql_fetch_lengths(c->result);
	unsigned n = mysql_num_fields(c->result);

	if (len == NULL || c->row_count >= ROWS_MAX)
		return false;
	for (unsigned i = 0; i < n; i++) {
		size_t bytes = c->row[i] != NULL ? len[i] : 0;

		if (bytes > CONN_BYTES_MAX - c->rows.len)
			return false;
		rows_put_value(&c->rows, c->row[i], bytes);
		if (c->rows.len > CONN_BYTES_MAX)
			return false;
	}
	c->row_count++;
	return true;
}

/*
 * ---- steps ----
 * Each looks at what a call gave and starts the next one.  Value: what the
 * library waits for; 0 when that call is done already, or the query is over.
 */

static int
next_result(struct conn *c)
{
	if (!mysql_more_results(c->m))
		return finish(c);
	c->state = CONN_NEXT;
	return mysql_next_result_start(&c->ret, c->m);
}

static int
fetch(struct conn *c)
{
	c->state = CONN_FETCH;
	return mysql_fetch_row_start(&c->row, c->result);
}

/* A statement has answered: with rows, with an OK, or with an error. */
static int
take_answer(struct conn *c)
{
	/* Of the next result -1 says that there is none, of a query it fails. */
	if (c->ret < 0 && c->state == CONN_NEXT)
		return finish(c);
	if (c->ret != 0)
		return fail(c);
	if (++c->results > CONN_RESULTS_MAX)
		return give_up(c, ERR_MALFORMED,
		    "the server sends more results than there are statements");
	if (mysql_field_count(c->m) == 0) {
		rows_put_ok(&c->rows);
		return next_result(c);
	}
	c->result = mysql_use_result(c->m);
	if (c->result == NULL)
		return fail(c);
	if (!begin_result(c))
		return give_up(c, ERR_MALFORMED,
		    "the server sends too many columns");
	return fetch(c);
}

static int
take_row(struct conn *c)
{
	if (c->row != NULL && add_row(c))
		return fetch(c);
	if (c->row != NULL)
		return give_up(c, ERR_MALFORMED,
		    "the server sends more than a reply may hold");
	if (mysql_errno(c->m) != 0)
		return fail(c);
	rows_end(&c->rows, c->mark, c->row_count);
	mysql_free_result(c->result);
	c->result = NULL;
	return next_result(c);
}

/* Goes on until the library has to wait. */
static uint32_t
run(struct conn *c, int wait)
{
	while (wait == 0 && c->state != CONN_IDLE)
		wait = c->state == CONN_FETCH ? take_row(c) : take_answer(c);
	return c->state == CONN_IDLE ? 0 : to_epoll(wait);
}

static uint32_t
start(struct conn *c, const char *text, size_t len)
{
	assert(c->m != NULL && c->state == CONN_IDLE && !c->outcome.lost);
	buf_reset(&c->rows);
	c->outcome.code = ERR_NONE;
	c->outcome.errnum = 0;
	c->outcome.text[0] = '\0';
	c->results = 0;
	c->state = CONN_QUERY;
	return run(c, mysql_real_query_start(&c->ret, c->m, text, len));
}

uint32_t
conn_start(struct conn *c, const char *text)
{
	assert(c->text == NULL);
	c->known = false;
	c->text = mem_strdup(text);
	return start(c, c->text, strlen(c->text));
}

uint32_t
conn_start_known(struct conn *c, uint32_t text)
{
	struct bin t = interned(text);

	assert(t.data != NULL && c->text == NULL);
	c->known = true;
	return start(c, (const char *)t.data, t.len);
}

/* The call that waits goes on; what it waits for then. */
static int
resume(struct conn *c, int ready)
{
	switch (c->state) {
	case CONN_QUERY:
		return mysql_real_query_cont(&c->ret, c->m, ready);
	case CONN_NEXT:
		return mysql_next_result_cont(&c->ret, c->m, ready);
	case CONN_FETCH:
		return mysql_fetch_row_cont(&c->row, c->result, ready);
	case CONN_IDLE: break;
	}
	assert(!"nothing waits");
	return 0;
}

uint32_t
conn_continue(struct conn *c, uint32_t ready)
{
	return run(c, resume(c, from_epoll(ready)));
}

/*
 * Put a socket that is at its end under the library: whatever it does from now
 * on ends at once, even if the server goes on sending.
 */
static void
cut_off(struct conn *c)
{
	int fd = conn_fd(c), pair[2];

	if (fd < 0)
		return; /* the library has closed it */
	shutdown(fd, SHUT_RDWR);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		pair) != 0)
		return;
	close(pair[1]);
	dup3(pair[0], fd, O_CLOEXEC);
	close(pair[0]);
}

void
conn_abort(struct conn *c, enum err_code code, const char *why)
{
	int wait = MYSQL_WAIT_READ;

	assert(c->m != NULL);
	cut_off(c);
	/* A suspended call must end before the connection can be closed. */
	for (int i = 0; i < 100 && wait != 0 && c->state != CONN_IDLE; i++)
		wait = resume(c, MYSQL_WAIT_READ | MYSQL_WAIT_WRITE);
	assert(wait == 0 || c->state == CONN_IDLE);
	give_up(c, code, why);
}

void
conn_close(struct conn *c)
{
	if (c->m == NULL)
		return;
	if (c->state != CONN_IDLE)
		conn_abort(c, ERR_CLOSED, "the connection was closed");
	else if (c->outcome.lost)
		cut_off(c);
	if (c->result != NULL)
		mysql_free_result(c->result);
	c->result = NULL;
	mysql_close(c->m);
	c->m = NULL;
}

void
conn_fini(struct conn *c)
{
	conn_close(c);
	buf_fini(&c->rows);
}
