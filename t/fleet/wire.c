/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets of the MySQL protocol, as a server writes them.
 */
#include "config.h"

#include "fleet/wire.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
	LONG_PASSWORD = 1,
	FOUND_ROWS = 2,
	LONG_FLAG = 4,
	CONNECT_WITH_DB = 8,
	SSL = 0x800,
	PROTOCOL_41 = 0x200,
	TRANSACTIONS = 0x2000,
	SECURE_CONNECTION = 0x8000,
	MULTI_STATEMENTS = 1 << 16,
	MULTI_RESULTS = 1 << 17,
	PLUGIN_AUTH = 1 << 19,
	CAPABILITIES = LONG_PASSWORD | FOUND_ROWS | LONG_FLAG |
	    CONNECT_WITH_DB | PROTOCOL_41 | TRANSACTIONS | SECURE_CONNECTION |
	    MULTI_STATEMENTS | MULTI_RESULTS | PLUGIN_AUTH,
	AUTOCOMMIT = 2,
	UTF8 = 33, /* utf8mb3_general_ci: every client knows it */
	VAR_STRING = 0xfd,
	PAYLOAD_MAX = 0xffffff,
};

size_t
wire_length(const char *p)
{
	const uint8_t *u = (const uint8_t *)p;

	return u[0] | (size_t)u[1] << 8 | (size_t)u[2] << 16;
}

/* A packet is begun, filled, and gets its length at the end. */
static size_t
begin(struct buf *b, uint8_t *seq)
{
	buf_add(b, "\0\0\0", 3);
	buf_chr(b, (char)(*seq)++);
	return b->len;
}

static void
end(struct buf *b, size_t mark)
{
	size_t n = b->len - mark;

	assert(n < PAYLOAD_MAX);
	b->data[mark - 4] = (char)n;
	b->data[mark - 3] = (char)(n >> 8);
	b->data[mark - 2] = (char)(n >> 16);
}

static void
put_int(struct buf *b, uint64_t v, unsigned bytes)
{
	char c[8];

	for (unsigned i = 0; i < bytes; i++)
		c[i] = (char)(v >> (8 * i));
	buf_add(b, c, bytes);
}

static void
put_length(struct buf *b, uint64_t n)
{
	if (n < 251) {
		put_int(b, n, 1);
	} else if (n <= 0xffff) {
		put_int(b, 0xfc, 1);
		put_int(b, n, 2);
	} else {
		put_int(b, 0xfd, 1);
		put_int(b, n, 3);
	}
}

static void
put_text(struct buf *b, const char *s, size_t n)
{
	put_length(b, n);
	buf_add(b, s, n);
}

void
wire_greeting(struct buf *b, uint8_t *seq, const char *version,
    uint32_t thread, bool tls)
{
	/* Nobody's password is checked, so the salt need not be random. */
	static const char salt[] = "orchestrator-fleet20";
	size_t mark = begin(b, seq);

	static_assert(sizeof salt == 21, "twenty bytes and a NUL");
	put_int(b, 10, 1);
	buf_add(b, version, strlen(version) + 1);
	put_int(b, thread, 4);
	buf_add(b, salt, 8);
	put_int(b, 0, 1);
	put_int(b, (CAPABILITIES & 0xffff) | (tls ? SSL : 0), 2);
	put_int(b, UTF8, 1);
	put_int(b, AUTOCOMMIT, 2);
	put_int(b, CAPABILITIES >> 16, 2);
	put_int(b, sizeof salt, 1);
	buf_pad(b, '\0', 10);
	buf_add(b, salt + 8, sizeof salt - 8);
	buf_add(b, "mysql_native_password", sizeof "mysql_native_password");
	end(b, mark);
}

/* Capabilities, the largest packet, a character set, 23 bytes: no more. */
bool
wire_wants_tls(const char *p, size_t n)
{
	enum { SHORT_LOGIN = 32 };

	return n == SHORT_LOGIN && ((uint8_t)p[1] << 8 & SSL) != 0;
}

static void
put_status(struct buf *b, bool more)
{
	put_int(b, AUTOCOMMIT | (more ? WIRE_MORE_RESULTS : 0), 2);
}

void
wire_ok(struct buf *b, uint8_t *seq, bool more)
{
	size_t mark = begin(b, seq);

	buf_add(b, "\0\0\0", 3);
	put_status(b, more);
	put_int(b, 0, 2);
	end(b, mark);
}

void
wire_eof(struct buf *b, uint8_t *seq, bool more)
{
	size_t mark = begin(b, seq);

	put_int(b, 0xfe, 1);
	put_int(b, 0, 2);
	put_status(b, more);
	end(b, mark);
}

void
wire_error(struct buf *b, uint8_t *seq, unsigned errnum, const char *text)
{
	size_t mark = begin(b, seq);

	put_int(b, 0xff, 1);
	put_int(b, errnum, 2);
	buf_add(b, "#HY000", 6);
	buf_str(b, text);
	end(b, mark);
}

static void
put_column(struct buf *b, uint8_t *seq, const char *name)
{
	size_t n = strlen(name), mark = begin(b, seq);

	put_text(b, "def", 3);
	buf_add(b, "\0\0\0", 3); /* schema, table, original table */
	put_text(b, name, n);
	put_text(b, name, n);
	put_int(b, 0x0c, 1);
	put_int(b, UTF8, 2);
	put_int(b, 1024, 4);
	put_int(b, VAR_STRING, 1);
	buf_pad(b, '\0', 5); /* flags, decimals, filler */
	end(b, mark);
}

static void
put_columns(struct buf *b, uint8_t *seq, const char *const *name, size_t n)
{
	size_t mark = begin(b, seq);

	put_length(b, n);
	end(b, mark);
	for (size_t i = 0; i < n; i++)
		put_column(b, seq, name[i]);
	wire_eof(b, seq, false);
}

static void
put_value(struct buf *b, const char *v, size_t n)
{
	if (v != NULL)
		put_text(b, v, n);
	else
		put_int(b, 0xfb, 1);
}

void
wire_result(struct buf *b, uint8_t *seq, struct rows *r, bool error_follows)
{
	size_t mark;

	if (r->columns == 0) {
		wire_ok(b, seq, error_follows || !pcur_done(&r->cur));
		return;
	}
	put_columns(b, seq, r->name, r->columns);
	while (rows_next(r)) {
		mark = begin(b, seq);
		for (size_t i = 0; i < r->columns; i++)
			put_value(b, r->value[i], r->length[i]);
		end(b, mark);
	}
	wire_eof(b, seq, error_follows || !pcur_done(&r->cur));
}
