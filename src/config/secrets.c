/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials files and passwords from the environment. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "config/build.h"

/* Length of NAME when text begins with "${NAME}", else 0. */
static size_t
reference(const char *text)
{
	size_t n = 2;

	if (text[0] != '$' || text[1] != '{' || isdigit((unsigned char)text[2]))
		return 0;
	while (isalnum((unsigned char)text[n]) || text[n] == '_')
		n++;
	return text[n] == '}' ? n - 2 : 0;
}

const char *
env_expand(struct arena *a, const char *text, struct err *err)
{
	const char *value, *out;
	struct buf b;
	size_t n;
	char *name;

	buf_init(&b);
	while (*text != '\0') {
		n = reference(text);
		if (n == 0) {
			buf_chr(&b, *text++);
			continue;
		}
		name = arena_strndup(a, text + 2, n);
		value = getenv(name);
		if (value == NULL) {
			err_set(err, ERR_NOT_FOUND,
			    "environment variable %s is not set", name);
			buf_fini(&b);
			return NULL;
		}
		buf_str(&b, value);
		text += n + 3;
	}
	out = arena_strdup(a, buf_text(&b));
	buf_fini(&b);
	return out;
}

static const char *
skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r')
		p++;
	return p;
}

static char
unescape(char c)
{
	return c == 'n' ? '\n' : c == 't' ? '\t' : c;
}

/*
 * The value behind "=": blanks at the ends are dropped, # and ; start a
 * comment; not so between double quotes, where backslash escapes.  NULL when a
 * quote is not closed.
 */
static const char *
ini_value(struct arena *a, const char *p)
{
	const char *out;
	struct buf b;
	bool quoted = false;
	size_t keep = 0; /* not to be trimmed */

	buf_init(&b);
	for (p = skip_blanks(p); *p != '\0'; p++) {
		if (!quoted && (*p == '#' || *p == ';'))
			break;
		if (*p == '"')
			quoted = !quoted;
		else if (quoted && *p == '\\' && p[1] != '\0')
			buf_chr(&b, unescape(*++p));
		else
			buf_chr(&b, *p);
		if (quoted || strchr(" \t\r", *p) == NULL)
			keep = b.len;
	}
	out = quoted ? NULL : arena_strndup(a, buf_text(&b), keep);
	buf_fini(&b);
	return out;
}

/* "[client]" and perhaps a comment */
static enum err_code
ini_section(const char *p, struct err *err)
{
	const char *close = strchr(p, ']');
	const char *rest = close != NULL ? skip_blanks(close + 1) : "?";

	if (strncasecmp(p, "[client]", 8) == 0 &&
	    (*rest == '\0' || *rest == '#' || *rest == ';'))
		return ERR_NONE;
	return err_set(err, ERR_MALFORMED, "no section but [client] is known");
}

/* "user = value" or "password = value"; values are not quoted in errors. */
static enum err_code
ini_assign(struct credentials *cr, struct arena *a, const char *p,
    struct err *err)
{
	size_t n = strcspn(p, " \t\r=#;");
	const char *eq = skip_blanks(p + n), *value;
	bool user = n == 4 && strncasecmp(p, "user", n) == 0;

	if (!user && !(n == 8 && strncasecmp(p, "password", n) == 0))
		return err_set(err, ERR_MALFORMED,
		    "neither user nor password: %.*s", (int)(n < 80 ? n : 80),
		    p);
	if (*eq != '=')
		return err_set(err, ERR_MALFORMED, "%s without a value",
		    user ? "user" : "password");
	value = ini_value(a, eq + 1);
	if (value == NULL)
		return err_set(err, ERR_MALFORMED, "a quote is not closed");
	*(user ? &cr->user : &cr->password) = value;
	return ERR_NONE;
}

static enum err_code
ini_line(struct credentials *cr, struct arena *a, bool *inside,
    const char *line, struct err *err)
{
	const char *p = skip_blanks(line);
	enum err_code code;

	if (*p == '\0' || *p == '#' || *p == ';')
		return ERR_NONE;
	if (*p == '[') {
		code = ini_section(p, err);
		*inside = code == ERR_NONE;
		return code;
	}
	if (!*inside)
		return err_set(err, ERR_MALFORMED, "no [client] before this");
	return ini_assign(cr, a, p, err);
}

enum err_code
credentials_parse(struct credentials *cr, struct arena *a, const char *text,
    struct err *err)
{
	bool inside = false;
	unsigned number = 1;

	*cr = (struct credentials){ NULL, NULL };
	for (;; number++) {
		size_t n = strcspn(text, "\n");
		char *line = arena_strndup(a, text, n);

		if (ini_line(cr, a, &inside, line, err) != ERR_NONE)
			return err_wrap(err, "line %u", number);
		if (text[n] == '\0')
			return ERR_NONE;
		text += n + 1;
	}
}

/* The keys that belong together. */
static const struct login {
	enum config_key file, user, password;
} login[] = {
	{ CFG_mysql_topology_credentials_config_file, CFG_mysql_topology_user,
	    CFG_mysql_topology_password },
	{ CFG_mysql_orchestrator_credentials_config_file,
	    CFG_mysql_orchestrator_user, CFG_mysql_orchestrator_password },
};

static void
take(struct config *c, enum config_key key, enum config_key from,
    const char *value)
{
	if (value == NULL)
		return;
	*(const char **)config_field(c, key) = value;
	c->from[key] = c->from[from];
}

static enum err_code
login_read(struct config *c, const struct login *l, struct err *err)
{
	const char *path = config_text(c, l->file);
	struct credentials cr;
	enum err_code code;
	char *text;
	size_t n;

	if (path[0] == '\0')
		return ERR_NONE;
	text = config_slurp(path, &n, err);
	if (text == NULL)
		return config_blame(c, l->file, err);
	code = credentials_parse(&cr, &c->arena, text, err);
	mem_free(text);
	if (code != ERR_NONE) {
		err_wrap(err, "%s", path);
		return config_blame(c, l->file, err);
	}
	take(c, l->user, l->file, cr.user);
	take(c, l->password, l->file, cr.password);
	return ERR_NONE;
}

enum err_code
config_secrets(struct config *c, struct err *err)
{
	for (size_t i = 0; i < MEM_COUNT(login); i++) {
		const struct login *l = &login[i];
		const char **field = config_field(c, l->password);

		if (login_read(c, l, err) != ERR_NONE)
			return err->code;
		*field = env_expand(&c->arena, *field, err);
		if (*field == NULL)
			return config_blame(c, l->password, err);
	}
	return ERR_NONE;
}
