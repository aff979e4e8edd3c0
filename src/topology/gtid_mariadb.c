/* SPDX-License-Identifier: Apache-2.0 */
/* GTID positions of MariaDB; see gtid_mariadb.h. */
#include "config.h"

#include "topology/gtid_mariadb.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits at *p, which moves on; false when none or more than max. */
static bool
take_number(const char **p, uint64_t max, uint64_t *v)
{
	const char *s = *p;

	for (*v = 0; is_digit(*s); s++)
		if (__builtin_mul_overflow(*v, 10, v) ||
		    __builtin_add_overflow(*v, (uint64_t)(*s - '0'), v) ||
		    *v > max)
			return false;
	if (s == *p)
		return false;
	*p = s;
	return true;
}

static bool
take_dash(const char **p)
{
	if (**p != '-')
		return false;
	(*p)++;
	return true;
}

static bool
take_gtid(const char **p, struct mariadb_gtid *g)
{
	uint64_t domain, server;

	if (!take_number(p, UINT32_MAX, &domain) || !take_dash(p) ||
	    !take_number(p, UINT32_MAX, &server) || !take_dash(p) ||
	    !take_number(p, UINT64_MAX, &g->seq))
		return false;
	g->domain = (uint32_t)domain;
	g->server = (uint32_t)server;
	return true;
}

static int
cmp_gtids(const void *a, const void *b)
{
	const struct mariadb_gtid *x = a, *y = b;

	if (x->domain != y->domain)
		return x->domain < y->domain ? -1 : 1;
	if (x->server != y->server)
		return x->server < y->server ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

/* Sort, and keep the last of several for one domain and server. */
static size_t
normalise(struct mariadb_gtid *at, size_t n)
{
	size_t kept = 0;

	qsort(at, n, sizeof *at, cmp_gtids);
	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && at[kept - 1].domain == at[i].domain &&
		    at[kept - 1].server == at[i].server)
			kept--;
		at[kept++] = at[i];
	}
	return kept;
}

static size_t
count_entries(const char *text)
{
	size_t n = 1;

	for (; *text != '\0'; text++)
		n += *text == ',';
	return n;
}

enum err_code
mariadb_pos_parse(struct mariadb_pos *pos, const char *text, struct arena *a,
    struct err *err)
{
	size_t max = count_entries(text), n = 0;
	struct mariadb_gtid *at;
	const char *p = text;

	*pos = (struct mariadb_pos){ NULL, 0 };
	if (max > MARIADB_GTIDS_MAX)
		return err_set(err, ERR_INVALID,
		    "GTID position: more than %d entries", MARIADB_GTIDS_MAX);
	at = arena_alloc(a, max * sizeof *at);
	for (;;) {
		while (is_blank(*p) || *p == ',')
			p++;
		if (*p == '\0')
			break;
		if (n == max || !take_gtid(&p, &at[n++]) ||
		    (*p != '\0' && *p != ',' && !is_blank(*p)))
			return err_set(err, ERR_MALFORMED,
			    "not a MariaDB GTID position: \"%.60s\"", text);
	}
	*pos = (struct mariadb_pos){ at, normalise(at, n) };
	return ERR_NONE;
}

void
mariadb_pos_text(struct mariadb_pos pos, struct buf *out)
{
	for (size_t i = 0; i < pos.n; i++)
		buf_printf(out, "%s%" PRIu32 "-%" PRIu32 "-%" PRIu64,
		    i > 0 ? "," : "", pos.at[i].domain, pos.at[i].server,
		    pos.at[i].seq);
}

/* The first entry of this domain or of a later one. */
static size_t
lower_bound(struct mariadb_pos pos, uint32_t domain)
{
	size_t lo = 0, hi = pos.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (pos.at[mid].domain < domain)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct mariadb_gtid *
mariadb_pos_find(struct mariadb_pos pos, uint32_t domain)
{
	const struct mariadb_gtid *best = NULL;

	for (size_t i = lower_bound(pos, domain);
	    i < pos.n && pos.at[i].domain == domain; i++)
		if (best == NULL || pos.at[i].seq > best->seq)
			best = &pos.at[i];
	return best;
}

bool
mariadb_pos_reached(struct mariadb_pos pos, struct mariadb_gtid g)
{
	const struct mariadb_gtid *at = mariadb_pos_find(pos, g.domain);

	return at != NULL && at->seq >= g.seq;
}

enum mariadb_order
mariadb_domain_cmp(struct mariadb_pos a, struct mariadb_pos b, uint32_t domain)
{
	const struct mariadb_gtid *x = mariadb_pos_find(a, domain);
	const struct mariadb_gtid *y = mariadb_pos_find(b, domain);

	if (x == NULL || y == NULL)
		return x != NULL ? MARIADB_AHEAD :
		    y != NULL	 ? MARIADB_BEHIND :
				   MARIADB_EQUAL;
	if (x->seq != y->seq)
		return x->seq > y->seq ? MARIADB_AHEAD : MARIADB_BEHIND;
	return x->server == y->server ? MARIADB_EQUAL : MARIADB_DIVERGED;
}

/* Each domain of a, once. */
static unsigned
cmp_domains_of(struct mariadb_pos a, struct mariadb_pos b, bool swapped)
{
	unsigned seen = MARIADB_EQUAL;

	for (size_t i = 0; i < a.n; i++)
		if (i == 0 || a.at[i].domain != a.at[i - 1].domain)
			seen |= swapped ?
			    mariadb_domain_cmp(b, a, a.at[i].domain) :
			    mariadb_domain_cmp(a, b, a.at[i].domain);
	return seen;
}

enum mariadb_order
mariadb_pos_cmp(struct mariadb_pos a, struct mariadb_pos b)
{
	/* BEHIND and AHEAD together are DIVERGED. */
	return (enum mariadb_order)(cmp_domains_of(a, b, false) |
	    cmp_domains_of(b, a, true));
}
