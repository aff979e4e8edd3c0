/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COM_QUERY: statements to the model, its results to packets.
 */
#include "config.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "fleet/fleet.h"
#include "fleet/wire.h"

bool
query_is_probe(const char *text)
{
	static const char *const asks[] = { "SHOW REPLICA STATUS",
		"SHOW SLAVE STATUS", "SHOW ALL SLAVES STATUS",
		"show slave status" };

	for (size_t i = 0; i < MEM_COUNT(asks); i++)
		if (strstr(text, asks[i]) != NULL)
			return true;
	return false;
}

/* Of a session only, and nothing comes back. */
static bool
is_of_session(const char *text)
{
	static const char *const words[] = { "SET NAMES", "SET SESSION",
		"SET AUTOCOMMIT", "SET @@SESSION", "SET CHARACTER", "USE ",
		"SET SQL_MODE", "COMMIT", "ROLLBACK" };

	for (size_t i = 0; i < MEM_COUNT(words); i++)
		if (strncasecmp(text, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

/* The end of the statement at s: the semicolon outside quotes, or the NUL. */
static const char *
statement_end(const char *s)
{
	char quote = '\0';

	for (; *s != '\0'; s++) {
		if (quote != '\0') {
			if (*s == '\\' && s[1] != '\0')
				s++;
			else if (*s == quote)
				quote = '\0';
		} else if (*s == '\'' || *s == '"' || *s == '`') {
			quote = *s;
		} else if (*s == ';') {
			return s;
		}
	}
	return s;
}

/* "a\n;\nb" is what the model splits by itself, all of it at once. */
static bool
is_plain_batch(const char *text)
{
	if (is_of_session(text))
		return false;
	for (const char *p = strchr(text, ';'); p != NULL;
	     p = strchr(p + 1, ';'))
		if (p == text || p[-1] != '\n' || p[1] != '\n')
			return false;
	return true;
}

/* One by one, blanks around them left out. */
static void
run_each(struct client *c, mono_t now, const char *text, struct buf *rows,
    struct model_result *res)
{
	struct server *s = c->server;
	const char *end;
	char *one;
	size_t n;

	for (; res->errnum == 0 && *text != '\0';
	     text = *end == ';' ? end + 1 : end) {
		end = statement_end(text);
		while (text < end && isspace((unsigned char)*text))
			text++;
		n = (size_t)(end - text);
		while (n > 0 && isspace((unsigned char)text[n - 1]))
			n--;
		if (n == 0)
			continue;
		one = mem_strndup(text, n);
		if (is_of_session(one))
			rows_put_ok(rows);
		else
			model_query(s->world, s->m, &c->session, now, one,
			    rows, res);
		mem_free(one);
		if (res->rest != NULL) {
			res->rest = text;
			return;
		}
	}
}

static void
write_results(const struct buf *rows, const struct model_result *res,
    uint8_t *seq, struct buf *out)
{
	static struct rows r; /* large; one thread */

	rows_init(&r, (struct bin){ (const uint8_t *)rows->data, rows->len });
	while (rows_next_result(&r))
		wire_result(out, seq, &r, res->errnum != 0);
	if (res->errnum != 0)
		wire_error(out, seq, res->errnum, res->error);
}

void
query_go_on(struct fleet *f, struct client *c, int64_t now_us)
{
	static struct buf rows; /* kept: one thread */
	struct server *s = c->server;
	struct model_result res = { 0 };
	uint64_t before = s->m->statements;
	char *text = c->rest;

	c->rest = NULL;
	buf_reset(&rows);
	buf_add(&rows, buf_text(&c->rows), c->rows.len);
	if (is_plain_batch(text))
		model_query(s->world, s->m, &c->session, (mono_t){ now_us },
		    text, &rows, &res);
	else
		run_each(c, (mono_t){ now_us }, text, &rows, &res);
	f->statements += s->m->statements - before;
	f->unknown += res.errnum == 1064;
	buf_fini(&c->rows);
	buf_init(&c->rows);
	if (res.rest != NULL) {
		c->rest = mem_strdup(res.rest);
		buf_add(&c->rows, rows.data, rows.len);
	} else if (rows.len == 0 && res.errnum == 0) {
		wire_error(&c->out, &c->seq, 1065, "Query was empty");
	} else {
		write_results(&rows, &res, &c->seq, &c->out);
	}
	mem_free(text);
}

void
query_answer(struct fleet *f, struct client *c, const char *text,
    int64_t now_us)
{
	f->queries++;
	if (query_is_probe(text))
		stats_probe(f, c->server, now_us);
	assert(c->rest == NULL);
	c->rest = mem_strdup(text);
	query_go_on(f, c, now_us);
}
