/* SPDX-License-Identifier: Apache-2.0 */
/* From raw paths to operations; see route.h. */
#include "config.h"

#include "ops/route.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ops/call.h"

/* A path, or a pattern, in pieces. */
struct pieces {
	size_t n;
	struct piece {
		const char *s;
		size_t len;
	} at[ROUTE_SEGMENTS_MAX];
};

struct route {
	const struct op *op;
	struct pieces pattern; /* a parameter's piece begins with ':' */
};

/*
 * All routes, sorted by their first two pieces (which are never parameters) and
 * their length.  Made once and never changed.
 */
static struct route *routes;
static size_t route_count;

static bool
split(struct pieces *p, const char *path, size_t len)
{
	const char *end = path + len;

	p->n = 0;
	if (len == 0 || *path != '/')
		return false;
	while (path < end) {
		const char *start = path + 1;
		const char *stop = memchr(start, '/', (size_t)(end - start));

		if (stop == NULL)
			stop = end;
		if (start == end)
			break; /* one trailing slash */
		if (start == stop || p->n == ROUTE_SEGMENTS_MAX)
			return false;
		p->at[p->n].s = start;
		p->at[p->n++].len = (size_t)(stop - start);
		path = stop;
	}
	return p->n >= 2;
}

static int
piece_cmp(const struct piece *a, const struct piece *b)
{
	size_t least = a->len < b->len ? a->len : b->len;
	int d = memcmp(a->s, b->s, least);

	if (d != 0)
		return d;
	return a->len < b->len ? -1 : a->len > b->len;
}

static int
pieces_cmp(const struct pieces *a, const struct pieces *b)
{
	int d = piece_cmp(&a->at[1], &b->at[1]);

	if (d == 0)
		d = piece_cmp(&a->at[0], &b->at[0]);
	if (d == 0)
		d = a->n < b->n ? -1 : a->n > b->n;
	return d;
}

/* Literal pieces before parameters, so that the first match is the best. */
static int
route_cmp(const void *x, const void *y)
{
	const struct route *a = x, *b = y;
	int d = pieces_cmp(&a->pattern, &b->pattern);

	for (size_t i = 2; d == 0 && i < a->pattern.n; i++)
		d = (a->pattern.at[i].s[0] == ':') -
		    (b->pattern.at[i].s[0] == ':');
	return d;
}

static void
add_pattern(const struct op *op, const char *s, size_t len)
{
	char *path = *s == '/' ? mem_strndup(s, len)
			       : mem_printf("/api/%.*s", (int)len, s);
	struct route *r;

	routes = mem_resize(routes, route_count + 1, sizeof(*routes));
	r = &routes[route_count++];
	r->op = op;
	if (!split(&r->pattern, path, strlen(path)))
		assert(!"a pattern of ops.def that cannot match");
	for (char *slash = path; (slash = strchr(slash, '/')) != NULL;)
		*slash++ = '\0'; /* each piece is a string of its own now */
}

static void
make_routes(void)
{
	for (size_t i = 0; i < op_table_count; i++) {
		const char *s = op_table[i].paths;

		while (*s != '\0') {
			size_t len = strcspn(s, " ");

			add_pattern(&op_table[i], s, len);
			s += len + strspn(s + len, " ");
		}
	}
	qsort(routes, route_count, sizeof(*routes), route_cmp);
}

/* The first route whose beginning and length are those of p. */
static size_t
lower_bound(const struct pieces *p)
{
	size_t low = 0, high = route_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (pieces_cmp(&routes[mid].pattern, p) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

char *
route_decode(const char *s, size_t len, bool plus, struct arena *a)
{
	char *out = arena_alloc(a, len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (s[i] != '%') {
			out[n++] = (char)(plus && s[i] == '+' ? ' ' : s[i]);
			continue;
		}
		if (len - i < 3)
			return NULL;
		high = hex(s[i + 1]);
		low = hex(s[i + 2]);
		if (high < 0 || low < 0 || (high == 0 && low == 0))
			return NULL;
		out[n++] = (char)(high << 4 | low);
		i += 2;
	}
	return memchr(out, '\0', n) == NULL ? out : NULL;
}

static bool
match(const struct route *r, const struct pieces *p, struct arena *a,
    struct op_arg *arg, size_t *args)
{
	*args = 0;
	for (size_t i = 2; i < p->n; i++) {
		const struct piece *want = &r->pattern.at[i];

		if (want->s[0] != ':') {
			if (piece_cmp(want, &p->at[i]) != 0)
				return false;
			continue;
		}
		assert(*args < ROUTE_PARAMS_MAX);
		arg[*args].name = want->s + 1;
		arg[*args].value = route_decode(p->at[i].s, p->at[i].len,
		    false, a);
		if (arg[*args].value == NULL)
			return false;
		++*args;
	}
	return true;
}

const struct op *
route_find(const char *path, size_t len, struct arena *a, struct op_arg *arg,
    size_t *args)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct pieces p;

	pthread_once(&once, make_routes);
	if (!split(&p, path, len))
		return NULL;
	for (size_t i = lower_bound(&p); i < route_count; i++) {
		if (pieces_cmp(&routes[i].pattern, &p) != 0)
			break;
		if (match(&routes[i], &p, a, arg, args))
			return routes[i].op;
	}
	return NULL;
}
