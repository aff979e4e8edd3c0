/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys, and loading from beginning to end. */
#include "config.h"

#include "config/conf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "config/build.h"

static const struct config_info info[CONFIG_KEYS] = {
#define KEY(name, field, type, dflt, group, reload, status, help)             \
	{ name, offsetof(struct config, field), CONFIG_##type, dflt, #group,  \
	    CONFIG_##reload, CONFIG_##status, help },
#include "config/config.def"
};

static const char *const default_file[] = {
	"/etc/orchestrator.conf.json",
	"conf/orchestrator.conf.json",
	"orchestrator.conf.json",
	NULL,
};

const struct config_info *
config_info(enum config_key key)
{
	assert(key < CONFIG_KEYS);
	return &info[key];
}

enum config_key
config_key_find(const char *name)
{
	unsigned k = 0;

	while (k < CONFIG_KEYS && strcasecmp(info[k].name, name) != 0)
		k++;
	return k;
}

void *
config_field(struct config *c, enum config_key key)
{
	return (char *)c + config_info(key)->offset;
}

const void *
config_value(const struct config *c, enum config_key key)
{
	return (const char *)c + config_info(key)->offset;
}

static struct str_list
default_list(struct arena *a, const char *only)
{
	const char **item;

	if (only[0] == '\0')
		return (struct str_list){ NULL, 0 };
	item = arena_alloc(a, sizeof *item);
	item[0] = only;
	return (struct str_list){ item, 1 };
}

static void
set_default(struct config *c, enum config_key key)
{
	const char *text = info[key].default_text;
	void *field = config_field(c, key);

	switch (info[key].type) {
	case CONFIG_BOOL: *(bool *)field = strcmp(text, "true") == 0; break;
	case CONFIG_INT: *(int *)field = atoi(text); break;
	case CONFIG_UINT: *(unsigned *)field = (unsigned)atoi(text); break;
	case CONFIG_INT64: *(int64_t *)field = atoll(text); break;
	case CONFIG_FLOAT: *(double *)field = atof(text); break;
	case CONFIG_STR:
	case CONFIG_SECRET: *(const char **)field = text; break;
	case CONFIG_LIST:
		*(struct str_list *)field = default_list(&c->arena, text);
		break;
	case CONFIG_MAP: assert(text[0] == '\0'); break;
	}
}

struct config *
config_new(void)
{
	struct config *c = mem_zalloc(sizeof *c);

	arena_init(&c->arena);
	for (unsigned k = 0; k < CONFIG_KEYS; k++)
		set_default(c, k);
	return c;
}

void
config_free(struct config *c)
{
	if (c == NULL)
		return;
	config_rules_fini(&c->rules);
	arena_fini(&c->arena);
	mem_free(c);
}

bool
config_given(const struct config *c, enum config_key key)
{
	assert(key < CONFIG_KEYS);
	return c->from[key] != 0;
}

void
config_note(struct config *c, enum log_level level, const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	if (c->notes == CONFIG_NOTES_MAX)
		return;
	buf_init(&b);
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	c->note[c->notes++] = (struct config_note){ level,
		arena_strdup(&c->arena, buf_text(&b)) };
	buf_fini(&b);
}

enum err_code
config_blame(const struct config *c, enum config_key key, struct err *err)
{
	if (c->from[key] == 0)
		return err_wrap(err, "%s", info[key].name);
	return err_wrap(err, "%s: %s", c->file[c->from[key] - 1],
	    info[key].name);
}

enum err_code
config_fail(const struct config *c, enum config_key key, struct err *err,
    const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	buf_init(&b);
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	err_set(err, ERR_INVALID, "%s", buf_text(&b));
	buf_fini(&b);
	return config_blame(c, key, err);
}

/* What follows the reading of files; c is gone after an error. */
static struct config *
finish(struct config *c, const struct config_source *src, struct err *err)
{
	static enum err_code (*const step[])(struct config *, struct err *) = {
		config_secrets,
		config_adjust,
		config_check,
		config_compile,
	};

	if (src != NULL && src->enable_database_update)
		c->skip_orchestrator_database_update = false;
	for (size_t i = 0; i < MEM_COUNT(step); i++)
		if (step[i](c, err) != ERR_NONE) {
			config_free(c);
			return NULL;
		}
	return c;
}

/* The default files: those that are there. */
static enum err_code
read_defaults(struct config *c, const char *const *path, struct err *err)
{
	enum err_code code;

	for (; *path != NULL; path++) {
		code = config_read(c, *path, err);
		if (code == ERR_NOT_FOUND)
			err_clear(err);
		else if (code != ERR_NONE)
			return code;
	}
	if (c->files == 0)
		config_note(c, LOG_NOTICE,
		    "no configuration file found: defaults are in force");
	return ERR_NONE;
}

static enum err_code
read_all(struct config *c, const struct config_source *src, struct err *err)
{
	enum err_code code;

	if (src->file != NULL)
		code = config_read(c, src->file, err);
	else
		code = read_defaults(c,
		    src->defaults != NULL ? src->defaults : default_file, err);
	if (code == ERR_NONE && src->extra != NULL)
		code = config_read(c, src->extra, err);
	return code;
}

struct config *
config_load(const struct config_source *src, struct err *err)
{
	struct config *c = config_new();
	struct err mine = ERR_INIT;

	if (err == NULL)
		err = &mine;
	if (read_all(c, src, err) != ERR_NONE) {
		config_free(c);
		return NULL;
	}
	return finish(c, src, err);
}

struct config *
config_load_text(const char *name, const char *text, size_t n,
    struct err *err)
{
	struct config *c = config_new();
	struct err mine = ERR_INIT;

	if (err == NULL)
		err = &mine;
	if (config_read_text(c, name, text, n, err) != ERR_NONE) {
		config_free(c);
		return NULL;
	}
	return finish(c, NULL, err);
}

struct config *
config_defaults(void)
{
	struct err err = ERR_INIT;
	struct config *c = finish(config_new(), NULL, &err);

	assert(c != NULL); /* the table's defaults keep the table's rules */
	return c;
}

struct config *
config_reload(const struct config *old, const struct config_source *src,
    struct config_keys *restart, struct err *err)
{
	struct config *c = config_load(src, err);

	restart->count = 0;
	for (unsigned k = 0; c != NULL && k < CONFIG_KEYS; k++)
		if (info[k].reload == CONFIG_STARTUP &&
		    !config_equal(info[k].type, config_value(old, k),
			config_value(c, k)))
			restart->key[restart->count++] = k;
	return c;
}

const char *
config_cluster_alias(const struct config *c, const char *cluster)
{
	const struct str_map *m = &c->cluster_name_to_alias;
	size_t i = pattern_list_find(c->rules.cluster_alias, cluster);

	return i < m->count ? m->item[i].value : NULL;
}
