/* SPDX-License-Identifier: Apache-2.0 */
/* Events as text; see pgtid_text.h. */
#include "config.h"

#include "plan/pgtid_text.h"

#include <string.h>

/* A hint and less than this many bytes after it are not unique. */
enum { NAME_MIN = 8 };

static bool
starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool
is_one_of(const char *word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, list[i]) == 0)
			return true;
	return false;
}

/* ---- markers ---- */

bool
event_is_marker(const struct pgtid_rule *rule, const struct log_event *e)
{
	static const char *const heads[] = { "Format_desc", "Rotate",
		"Previous_gtids", "Gtid_list", "Binlog_checkpoint" };

	if (is_one_of(e->type, heads, sizeof heads / sizeof heads[0]))
		return false;
	if (rule->fixed[0] != '\0')
		return strstr(e->info, rule->fixed) != NULL;
	return rule->match != NULL && rule->match(rule->match_arg, e->info);
}

static bool
in_name(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
	    || (c >= 'A' && c <= 'Z') || (c != '\0' && strchr("_:.$-", c));
}

/* "use `db`; drop ..." without the first statement. */
static const char *
after_use(const char *text)
{
	const char *end;

	if (!starts(text, "use "))
		return text;
	end = strstr(text, "; ");
	return end == NULL ? text : end + 2;
}

void
marker_name(const struct pgtid_rule *rule, const char *info, struct buf *out)
{
	const char *hint = rule->hint[0] == '\0' ? NULL
	    : strstr(info, rule->hint);
	const char *from = hint, *to = hint;
	size_t begin = out->len;

	if (hint != NULL) {
		to += strlen(rule->hint);
		while (in_name(*to))
			to++;
		while (from > info && in_name(from[-1]))
			from--;
		if ((size_t)(to - hint) >= strlen(rule->hint) + NAME_MIN) {
			buf_add(out, from, (size_t)(to - from));
			return;
		}
	}
	event_normalise(after_use(info), out);
	while (out->len > begin && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
}

int
marker_cmp(const struct pgtid_rule *rule, const char *a, const char *b,
    bool *known)
{
	const char *x = NULL, *y = NULL;

	if (rule->hint[0] != '\0') {
		x = strstr(a, rule->hint);
		y = strstr(b, rule->hint);
	}
	*known = x != NULL && y != NULL;
	return *known ? strcmp(x, y) : strcmp(a, b);
}

/* ---- events that count ---- */

bool
event_counts(const struct pgtid_rule *rule, const struct log_event *e)
{
	static const char *const own[] = { "Format_desc", "Stop", "Rotate",
		"Previous_gtids", "Gtid_list", "Binlog_checkpoint",
		"Start_encryption", "Annotate_rows", "Rows_query",
		"Transaction_payload", "Heartbeat", "Heartbeat_v2", "Ignorable",
		"Anonymous_Gtid" };

	if (is_one_of(e->type, own, sizeof own / sizeof own[0])
	    || strstr(e->info, "SET @@SESSION.GTID_NEXT= 'ANONYMOUS'") != NULL)
		return false;
	for (size_t i = 0; i < rule->skip.n; i++)
		if (rule->skip.at[i][0] != '\0'
		    && strstr(e->info, rule->skip.at[i]) != NULL)
			return false;
	return true;
}

/* ---- normalisation: each rule rewrites b from begin on ---- */

static void
cut(struct buf *b, size_t from, size_t to)
{
	memmove(b->data + from, b->data + to, b->len - to + 1);
	b->len -= to - from;
}

/* Comments that follow a blank, with the blank: 8.0 adds the xid to DDL. */
static void
drop_comments(struct buf *b, size_t begin)
{
	char *from = b->data + begin, *to = from, *at, *end;

	while ((at = strstr(from, " /*")) != NULL
	    && (end = strstr(at + 3, "*/")) != NULL) {
		memmove(to, from, (size_t)(at - from));
		to += at - from;
		from = end + 2;
	}
	cut(b, (size_t)(to - b->data), (size_t)(from - b->data));
}

static void
plain_commit(struct buf *b, size_t begin)
{
	size_t end = begin + strlen("COMMIT");

	if (starts(b->data + begin, "COMMIT")
	    && (b->data[end] == ' ' || b->data[end] == '\0'))
		cut(b, end, b->len);
}

/* Numbers of tables are each server's own, flags but one each version's. */
static void
drop_table_id(struct buf *b, size_t begin)
{
	static const char word[] = "table_id: ";
	char *at = b->data + begin;
	size_t from, to;

	if (!starts(at, word))
		return;
	from = begin + sizeof word - 1;
	to = from + strspn(b->data + from, "0123456789");
	cut(b, from, to);
	at = strstr(b->data + from, "flags: ");
	if (at == NULL)
		return;
	from = (size_t)(at - b->data) + strlen("flags: ");
	to = from + (starts(b->data + from, "STMT_END_F")
	    ? strlen("STMT_END_F") : 0);
	cut(b, to, b->len);
}

/* X'hex' COLLATE, as one version writes it, to 0xhex COLLATE, as others do. */
static void
plain_hex(struct buf *b, size_t begin)
{
	char *from = b->data + begin, *to = from, *at, *end;

	while ((at = strstr(from, "X'")) != NULL) {
		end = at + 2 + strspn(at + 2, "0123456789abcdefABCDEF");
		memmove(to, from, (size_t)(end - from));
		to += end - from;
		from = end;
		if (starts(end, "' COLLATE")) {
			memcpy(to - (end - at), "0x", 2);
			from++;
		}
	}
	cut(b, (size_t)(to - b->data), (size_t)(from - b->data));
}

/* Which transactions MariaDB committed together is each server's own. */
static void
drop_commit_id(struct buf *b, size_t begin)
{
	char *at = b->data + begin, *cid;

	if (!starts(at, "BEGIN GTID ") && !starts(at, "GTID "))
		return;
	cid = strstr(at, " cid=");
	if (cid != NULL)
		cut(b, (size_t)(cid - b->data), b->len);
}

void
event_normalise(const char *info, struct buf *out)
{
	static void (*const rules[])(struct buf *b, size_t begin) = {
		drop_comments, plain_commit, drop_table_id, plain_hex,
		drop_commit_id,
	};
	size_t begin = out->len;

	buf_str(out, info);
	if (out->len == begin)
		return;
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		rules[i](out, begin);
}

enum log_trx
event_trx(enum log_trx before, const char *text)
{
	static const char *const opens[] = { "BEGIN", "XA START" };
	static const char *const closes[] = { "COMMIT", "ROLLBACK",
		"XA PREPARE", "XA COMMIT", "XA ROLLBACK" };

	for (size_t i = 0; i < sizeof opens / sizeof opens[0]; i++)
		if (starts(text, opens[i]))
			return TRX_OPEN;
	if (starts(text, "GTID ") || starts(text, "SET @@SESSION.GTID_NEXT= '"))
		return TRX_BEGINS;
	for (size_t i = 0; i < sizeof closes / sizeof closes[0]; i++)
		if (starts(text, closes[i]) && strncmp(text, "ROLLBACK TO", 11))
			return TRX_NONE;
	return before == TRX_BEGINS ? TRX_NONE : before;
}
