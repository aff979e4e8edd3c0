/* SPDX-License-Identifier: Apache-2.0 */
/* Log files and positions; see coord.h. */
#include "config.h"

#include "topology/coord.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_POS = 4, DIGITS_MAX = 18, DIGITS_USUAL = 6 };

/* A log file's name taken apart. */
struct name {
	const char *file;
	size_t prefix; /* bytes up to and with the last dot; all without one */
	size_t digits; /* 0: the name does not end in a number */
	uint64_t number;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct name
take_apart(const char *file)
{
	const char *dot = strrchr(file, '.');
	struct name n = { file, strlen(file), 0, 0 };
	size_t digits;

	if (dot == NULL)
		return n;
	digits = strspn(dot + 1, "0123456789");
	if (digits == 0 || digits > DIGITS_MAX || dot[1 + digits] != '\0')
		return n;
	n.prefix = (size_t)(dot + 1 - file);
	n.digits = digits;
	for (size_t i = 1; i <= digits; i++)
		n.number = n.number * 10 + (uint64_t)(dot[i] - '0');
	return n;
}

static bool
same_prefix(const struct name *a, const struct name *b)
{
	return a->prefix == b->prefix &&
	    (a->digits > 0) == (b->digits > 0) &&
	    memcmp(a->file, b->file, a->prefix) == 0;
}

static int
file_cmp(const char *a, const char *b)
{
	struct name x = take_apart(a), y = take_apart(b);

	if (x.digits == 0 || !same_prefix(&x, &y))
		return strcmp(a, b);
	return (x.number > y.number) - (x.number < y.number);
}

bool
coord_is_none(const struct coord *c)
{
	return c->file[0] == '\0';
}

int
coord_cmp(const struct coord *a, const struct coord *b)
{
	int c;

	if (a->relay != b->relay)
		return a->relay ? 1 : -1;
	c = file_cmp(a->file, b->file);
	return c != 0 ? c : (a->pos > b->pos) - (a->pos < b->pos);
}

bool
coord_eq(const struct coord *a, const struct coord *b)
{
	return coord_cmp(a, b) == 0;
}

bool
coord_comparable(const struct coord *a, const struct coord *b)
{
	struct name x = take_apart(a->file), y = take_apart(b->file);

	return a->relay == b->relay && !coord_is_none(a) &&
	    same_prefix(&x, &y) &&
	    (x.digits > 0 || strcmp(a->file, b->file) == 0);
}

const char *
coord_text(const struct coord *c, char out[COORD_TEXT_MAX])
{
	snprintf(out, COORD_TEXT_MAX, "%.*s:%" PRId64, COORD_FILE_MAX, c->file,
	    c->pos);
	return out;
}

enum err_code
coord_parse(struct coord *c, const char *text, struct arena *a,
    struct err *err)
{
	const char *colon = strrchr(text, ':'), *p;
	int64_t pos = 0;

	if (colon == NULL || colon == text || !is_digit(colon[1]) ||
	    colon - text > COORD_FILE_MAX)
		goto malformed;
	for (p = colon + 1; is_digit(*p); p++)
		if (__builtin_mul_overflow(pos, 10, &pos) ||
		    __builtin_add_overflow(pos, *p - '0', &pos))
			goto malformed;
	if (*p != '\0')
		goto malformed;
	c->file = arena_strndup(a, text, (size_t)(colon - text));
	c->pos = pos;
	c->relay = false;
	return ERR_NONE;
malformed:
	return err_set(err, ERR_MALFORMED,
	    "not a log position (file:pos): \"%.300s\"", text);
}

/* Servers pad to six digits; more than that without a zero is no padding. */
static int
padding(const struct name *n)
{
	return n->digits <= DIGITS_USUAL || n->file[n->prefix] == '0' ?
	    (int)n->digits : DIGITS_USUAL;
}

static struct coord
file_numbered(const struct coord *c, const struct name *n, uint64_t number,
    struct arena *a)
{
	return (struct coord){
		.file = arena_printf(a, "%.*s%0*" PRIu64, (int)n->prefix,
		    n->file, padding(n), number),
		.pos = FIRST_POS,
		.relay = c->relay,
	};
}

enum err_code
coord_next_file(struct coord *out, const struct coord *c, struct arena *a,
    struct err *err)
{
	struct name n = take_apart(c->file);

	if (n.digits == 0)
		return err_set(err, ERR_INVALID,
		    "log file without a number: \"%.300s\"", c->file);
	*out = file_numbered(c, &n, n.number + 1, a);
	return ERR_NONE;
}

enum err_code
coord_previous_file(struct coord *out, const struct coord *c, struct arena *a,
    struct err *err)
{
	return coord_earlier_file(out, c, 1, a, err);
}

enum err_code
coord_earlier_file(struct coord *out, const struct coord *c, uint64_t back,
    struct arena *a, struct err *err)
{
	struct name n = take_apart(c->file);

	if (n.digits == 0)
		return err_set(err, ERR_INVALID,
		    "log file without a number: \"%.300s\"", c->file);
	if (n.number <= 1)
		return err_set(err, ERR_INVALID, "no log file before %.300s",
		    c->file);
	*out = file_numbered(c, &n, back < n.number ? n.number - back : 1, a);
	return ERR_NONE;
}

uint64_t
coord_files_apart(const struct coord *a, const struct coord *b)
{
	struct name x = take_apart(a->file), y = take_apart(b->file);

	if (x.digits == 0 || !same_prefix(&x, &y) || y.number < x.number)
		return 0;
	return y.number - x.number;
}

bool
coord_is_detached(const struct coord *c)
{
	const char *colon = strrchr(c->file, ':');

	return strncmp(c->file, "//", 2) == 0 && colon != NULL &&
	    colon > c->file + 2 && is_digit(colon[1]) &&
	    colon[1 + strspn(colon + 1, "0123456789")] == '\0';
}

struct coord
coord_detached(const struct coord *c, struct arena *a)
{
	struct coord out = *c;

	if (!coord_is_detached(c))
		out.file = arena_printf(a, "//%s:%" PRId64, c->file, c->pos);
	return out;
}

enum err_code
coord_attached(struct coord *out, const struct coord *c, struct arena *a,
    struct err *err)
{
	enum err_code code;

	if (!coord_is_detached(c))
		return err_set(err, ERR_MALFORMED,
		    "not a detached position: \"%.300s\"", c->file);
	code = coord_parse(out, c->file + 2, a, err);
	if (code == ERR_NONE)
		out->relay = c->relay;
	return code;
}
