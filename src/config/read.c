/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One JSON file over a configuration: types are checked, unknown names are
 * noted, later files win over earlier ones.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/build.h"

static const char *const removed[] = {
#define REMOVED(name) name,
#include "config/config.def"
};

/* Opens what can be read to an end: no device, no directory. */
static int
open_plain(const char *path, struct err *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0) {
		err_set(err,
		    errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO,
		    "%s: %s", path, strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) ||
	    S_ISFIFO(st.st_mode)))
		return fd;
	close(fd);
	err_set(err, ERR_IO, "%s: not a regular file", path);
	return -1;
}

char *
config_slurp(const char *path, size_t *len, struct err *err)
{
	int fd = open_plain(path, err);
	struct buf b;
	ssize_t n;

	if (fd < 0)
		return NULL;
	buf_init(&b);
	do {
		n = read(fd, buf_room(&b, 4096), 4096);
		if (n > 0)
			b.len += (size_t)n;
	} while ((n > 0 && b.len <= CONFIG_FILE_MAX) ||
	    (n < 0 && errno == EINTR));
	if (n < 0)
		err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	else if (n > 0)
		err_set(err, ERR_IO, "%s: longer than %d bytes", path,
		    CONFIG_FILE_MAX);
	close(fd);
	if (n != 0) {
		buf_fini(&b);
		return NULL;
	}
	*len = b.len;
	buf_add(&b, "", 1);
	return buf_steal(&b);
}

static bool
set_bool(struct config *c, void *field, const json_t *v)
{
	(void)c;
	*(bool *)field = json_is_true(v);
	return json_is_boolean(v);
}

static bool
set_int(struct config *c, void *field, const json_t *v)
{
	json_int_t n = json_integer_value(v);

	(void)c;
	*(int *)field = (int)n;
	return json_is_integer(v) && n >= INT_MIN && n <= INT_MAX;
}

static bool
set_uint(struct config *c, void *field, const json_t *v)
{
	json_int_t n = json_integer_value(v);

	(void)c;
	*(unsigned *)field = (unsigned)n;
	return json_is_integer(v) && n >= 0 && n <= UINT_MAX;
}

static bool
set_int64(struct config *c, void *field, const json_t *v)
{
	(void)c;
	*(int64_t *)field = json_integer_value(v);
	return json_is_integer(v);
}

static bool
set_float(struct config *c, void *field, const json_t *v)
{
	(void)c;
	*(double *)field = json_number_value(v);
	return json_is_number(v);
}

static bool
set_str(struct config *c, void *field, const json_t *v)
{
	if (!json_is_string(v))
		return false;
	*(const char **)field = arena_strdup(&c->arena, json_string_value(v));
	return true;
}

/* A list replaces the one before. */
static bool
set_list(struct config *c, void *field, const json_t *v)
{
	size_t n = json_array_size(v);
	const char **item = arena_alloc(&c->arena, n * sizeof *item);

	for (size_t i = 0; i < n; i++)
		if (!set_str(c, &item[i], json_array_get(v, i)))
			return false;
	*(struct str_list *)field = (struct str_list){ item, n };
	return json_is_array(v);
}

static size_t
map_find(const struct str_pair *pair, size_t n, const char *key)
{
	size_t i = 0;

	while (i < n && strcmp(pair[i].key, key) != 0)
		i++;
	return i;
}

/* A map is merged into the one before: old entries keep their place. */
static bool
set_map(struct config *c, void *field, const json_t *v)
{
	struct str_map *m = field;
	size_t old = m->count, n = old;
	struct str_pair *pair = arena_alloc(&c->arena,
	    (n + json_object_size(v)) * sizeof *pair);
	const char *key;
	json_t *value;

	if (n > 0)
		memcpy(pair, m->item, n * sizeof *pair);
	/* jansson iterates in the order of the file but is not const. */
	json_object_foreach((json_t *)(uintptr_t)v, key, value) {
		/* Keys of one file differ: look among the old ones only. */
		size_t i = map_find(pair, old, key);

		if (i == old)
			i = n++;
		pair[i].key = arena_strdup(&c->arena, key);
		if (!set_str(c, &pair[i].value, value))
			return false;
	}
	*m = (struct str_map){ pair, n };
	return json_is_object(v);
}

static const struct {
	const char *expected;
	bool (*set)(struct config *, void *field, const json_t *);
} kind[] = {
	[CONFIG_BOOL] = { "true or false", set_bool },
	[CONFIG_INT] = { "a whole number of 32 bits", set_int },
	[CONFIG_UINT] = { "a whole number of 32 bits, 0 or more", set_uint },
	[CONFIG_INT64] = { "a whole number", set_int64 },
	[CONFIG_FLOAT] = { "a number", set_float },
	[CONFIG_STR] = { "a string", set_str },
	[CONFIG_SECRET] = { "a string", set_str },
	[CONFIG_LIST] = { "a list of strings", set_list },
	[CONFIG_MAP] = { "a map of strings to strings", set_map },
};

/* What kind of value this is; strings are not quoted, they may be secret. */
static void
describe(struct buf *b, const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT: buf_str(b, "a map"); break;
	case JSON_ARRAY: buf_str(b, "a list"); break;
	case JSON_STRING: buf_str(b, "a string"); break;
	case JSON_INTEGER:
		buf_printf(b, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		break;
	case JSON_REAL: buf_printf(b, "%g", json_real_value(v)); break;
	case JSON_TRUE: buf_str(b, "true"); break;
	case JSON_FALSE: buf_str(b, "false"); break;
	case JSON_NULL: buf_str(b, "null"); break;
	}
}

/* The first value inside a list or map that is not a string. */
static void
describe_inside(struct buf *b, const json_t *v)
{
	json_t *inner;
	const char *key;
	size_t i;

	for (i = 0; (inner = json_array_get(v, i)) != NULL; i++)
		if (!json_is_string(inner)) {
			buf_printf(b, ", whose item %zu is ", i + 1);
			describe(b, inner);
			return;
		}
	json_object_foreach((json_t *)(uintptr_t)v, key, inner)
		if (!json_is_string(inner)) {
			buf_printf(b, ", in which %.80s is ", key);
			describe(b, inner);
			return;
		}
}

static enum err_code
wrong_type(struct config *c, enum config_key key, const json_t *v,
    struct err *err)
{
	const struct config_info *in = config_info(key);
	enum err_code code;
	struct buf b;

	buf_init(&b);
	describe(&b, v);
	if (in->type == CONFIG_LIST || in->type == CONFIG_MAP)
		describe_inside(&b, v);
	code = config_fail(c, key, err, "expected %s, found %s",
	    kind[in->type].expected, buf_text(&b));
	buf_fini(&b);
	return code;
}

static void
note_unknown(struct config *c, const char *name)
{
	const char *near = config_key_suggest(name), *file;

	file = c->file[c->files - 1];
	for (size_t i = 0; i < MEM_COUNT(removed); i++)
		if (strcasecmp(removed[i], name) == 0) {
			config_note(c, LOG_NOTICE,
			    "%s: %s is no longer a key and has no effect",
			    file, removed[i]);
			return;
		}
	if (c->unknown++ == CONFIG_UNKNOWN_MAX)
		config_note(c, LOG_WARNING, "more keys are unknown");
	if (c->unknown > CONFIG_UNKNOWN_MAX)
		return;
	config_note(c, LOG_WARNING, "%s: unknown key %.80s%s%s%s", file, name,
	    near != NULL ? " (did you mean " : "", near != NULL ? near : "",
	    near != NULL ? "?)" : "");
}

static enum err_code
set_key(struct config *c, const char *name, const json_t *v, struct err *err)
{
	enum config_key key = config_key_find(name);

	if (key == CONFIG_KEYS) {
		note_unknown(c, name);
		return ERR_NONE;
	}
	if (c->from[key] == c->files)
		return config_fail(c, key, err,
		    "given twice, in different letter case");
	if (json_is_null(v))
		return ERR_NONE;
	c->from[key] = (uint8_t)c->files;
	if (!kind[config_info(key)->type].set(c, config_field(c, key), v))
		return wrong_type(c, key, v, err);
	return ERR_NONE;
}

static enum err_code
set_all(struct config *c, const char *name, const json_t *root,
    struct err *err)
{
	enum err_code code = ERR_NONE;
	const char *key;
	json_t *value;

	if (!json_is_object(root))
		return err_set(err, ERR_MALFORMED,
		    "%s: a configuration is one JSON object", name);
	json_object_foreach((json_t *)(uintptr_t)root, key, value) {
		code = set_key(c, key, value, err);
		if (code != ERR_NONE)
			break;
	}
	return code;
}

enum err_code
config_read_text(struct config *c, const char *name, const char *text,
    size_t n, struct err *err)
{
	enum err_code code;
	json_error_t why;
	json_t *root;

	if (c->files == CONFIG_FILES_MAX)
		return err_set(err, ERR_INVALID,
		    "%s: more than %d configuration files", name,
		    CONFIG_FILES_MAX);
	c->file[c->files++] = arena_strdup(&c->arena, name);
	root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
	if (root == NULL)
		return err_set(err, ERR_MALFORMED,
		    "%s: line %d, column %d: %s", name, why.line, why.column,
		    why.text);
	code = set_all(c, name, root, err);
	json_decref(root);
	return code;
}

enum err_code
config_read(struct config *c, const char *path, struct err *err)
{
	enum err_code code;
	size_t n;
	char *text = config_slurp(path, &n, err);

	if (text == NULL)
		return err->code;
	code = config_read_text(c, path, text, n, err);
	mem_free(text);
	return code;
}
