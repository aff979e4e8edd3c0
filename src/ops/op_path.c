/* SPDX-License-Identifier: Apache-2.0 */
/* From a call's arguments to the path that says the same. */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "ops/call.h"

static const struct op_arg *
arg_of(const struct op_call *c, const char *name, size_t len)
{
	for (size_t i = 0; i < c->args; i++)
		if (strlen(c->arg[i].name) == len &&
		    memcmp(c->arg[i].name, name, len) == 0)
			return &c->arg[i];
	return NULL;
}

static void
add_encoded(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char ch = (unsigned char)*text;

		if (isalnum(ch) || strchr("-._~:", ch) != NULL)
			buf_chr(out, (char)ch);
		else
			buf_printf(out, "%%%02X", ch);
	}
}

/* Parameters of the form at path, of n bytes; 0: one of them is not given. */
static size_t
params_given(const struct op_call *c, const char *path, size_t n)
{
	size_t found = 1;

	for (const char *s = path; (s = memchr(s, ':', n - (size_t)(s - path)))
	     != NULL; found++) {
		size_t len = strcspn(++s, "/ ");
		const struct op_arg *arg = arg_of(c, s, len);

		if (arg == NULL || *arg->value == '\0')
			return 0;
	}
	return found;
}

/* The form that takes the most of the arguments. */
static const char *
best_form(const struct op_call *c)
{
	const char *best = NULL;
	size_t most = 0;

	for (const char *s = c->op->paths; *s != '\0';) {
		size_t n = strcspn(s, " "), given = params_given(c, s, n);

		if (given > most) {
			most = given;
			best = s;
		}
		s += n + strspn(s + n, " ");
	}
	return best;
}

static bool
is_in_form(const char *form, size_t n, const char *name)
{
	size_t len = strlen(name);

	for (const char *s = form; (s = memchr(s, ':', n - (size_t)(s - form)))
	     != NULL;)
		if (strcspn(++s, "/ ") == len && memcmp(s, name, len) == 0)
			return true;
	return false;
}

static void
add_query(const struct op_call *c, const char *form, size_t n, struct buf *out)
{
	char mark = '?';

	for (size_t i = 0; i < c->args; i++) {
		if (is_in_form(form, n, c->arg[i].name))
			continue;
		buf_chr(out, mark);
		add_encoded(out, c->arg[i].name);
		buf_chr(out, '=');
		add_encoded(out, c->arg[i].value);
		mark = '&';
	}
}

bool
op_path(const struct op_call *c, struct buf *out)
{
	const char *form = best_form(c);
	size_t n;

	if (form == NULL)
		return false;
	n = strcspn(form, " ");
	for (const char *s = form; s < form + n;) {
		if (*s != ':') {
			buf_chr(out, *s++);
			continue;
		}
		size_t len = strcspn(++s, "/ ");

		add_encoded(out, arg_of(c, s, len)->value);
		s += len;
	}
	add_query(c, form, n, out);
	return true;
}
