/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations compared, dumped, and described for the manual. */
#include "config.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "config/build.h"

static bool
list_equal(const struct str_list *a, const struct str_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->item[i], b->item[i]) != 0)
			return false;
	return true;
}

static bool
map_equal(const struct str_map *a, const struct str_map *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->item[i].key, b->item[i].key) != 0 ||
		    strcmp(a->item[i].value, b->item[i].value) != 0)
			return false;
	return true;
}

bool
config_equal(enum config_type type, const void *a, const void *b)
{
	switch (type) {
	case CONFIG_BOOL: return *(const bool *)a == *(const bool *)b;
	case CONFIG_INT: return *(const int *)a == *(const int *)b;
	case CONFIG_UINT: return *(const unsigned *)a == *(const unsigned *)b;
	case CONFIG_INT64: return *(const int64_t *)a == *(const int64_t *)b;
	case CONFIG_FLOAT: return *(const double *)a == *(const double *)b;
	case CONFIG_STR:
	case CONFIG_SECRET:
		return strcmp(*(const char *const *)a,
			   *(const char *const *)b) == 0;
	case CONFIG_LIST: return list_equal(a, b);
	case CONFIG_MAP: return map_equal(a, b);
	}
	return false;
}

static void
dump_list(struct json *w, const struct str_list *l)
{
	json_arr(w);
	for (size_t i = 0; i < l->count; i++)
		json_str(w, l->item[i]);
	json_end(w);
}

static void
dump_map(struct json *w, const struct str_map *m)
{
	json_obj(w);
	for (size_t i = 0; i < m->count; i++)
		json_kstr(w, m->item[i].key, m->item[i].value);
	json_end(w);
}

static void
dump_value(struct json *w, enum config_type type, const void *v)
{
	const char *s;

	switch (type) {
	case CONFIG_BOOL: json_bool(w, *(const bool *)v); break;
	case CONFIG_INT: json_int(w, *(const int *)v); break;
	case CONFIG_UINT: json_uint(w, *(const unsigned *)v); break;
	case CONFIG_INT64: json_int(w, *(const int64_t *)v); break;
	case CONFIG_FLOAT: json_double(w, *(const double *)v); break;
	case CONFIG_STR: json_str(w, *(const char *const *)v); break;
	case CONFIG_SECRET:
		s = *(const char *const *)v;
		json_str(w, s[0] != '\0' ? CONFIG_MASK : "");
		break;
	case CONFIG_LIST: dump_list(w, v); break;
	case CONFIG_MAP: dump_map(w, v); break;
	}
}

void
config_dump(const struct config *c, struct buf *out)
{
	struct json w;

	json_init(&w, out);
	json_obj(&w);
	for (unsigned k = 0; k < CONFIG_KEYS; k++) {
		json_key(&w, config_info(k)->name);
		dump_value(&w, config_info(k)->type, config_value(c, k));
	}
	json_end(&w);
}

static const char *const type_name[] = {
	[CONFIG_BOOL] = "bool",
	[CONFIG_INT] = "int",
	[CONFIG_UINT] = "uint",
	[CONFIG_INT64] = "int64",
	[CONFIG_FLOAT] = "float",
	[CONFIG_STR] = "string",
	[CONFIG_SECRET] = "secret",
	[CONFIG_LIST] = "list",
	[CONFIG_MAP] = "map",
};

static const char *const status_name[] = {
	[CONFIG_USED] = "used",
	[CONFIG_LATER] = "later",
	[CONFIG_SYNONYM] = "old name",
	[CONFIG_IGNORED] = "ignored",
};

static const char *const reload_name[] = {
	[CONFIG_LIVE] = "live",
	[CONFIG_STARTUP] = "restart",
};

/* "TOPOLOGY_CONN" as "topology-conn" */
static void
manual_heading(struct buf *out, const char *group)
{
	buf_str(out, "\n## ");
	for (; *group != '\0'; group++)
		buf_chr(out,
		    *group == '_' ? '-' :
				    (char)tolower((unsigned char)*group));
	buf_str(out,
	    "\n\n| key | type | default | change | status | meaning |\n"
	    "|---|---|---|---|---|---|\n");
}

/* Text in a cell: a bar would end it. */
static void
manual_text(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '|')
			buf_chr(out, '\\');
		buf_chr(out, *text);
	}
}

static void
manual_row(struct buf *out, const struct config_info *in)
{
	bool code = in->default_text[0] != '\0';

	buf_printf(out, "| %s | %s | %s%s%s | %s | %s | ", in->name,
	    type_name[in->type], code ? "`" : "", in->default_text,
	    code ? "`" : "", reload_name[in->reload],
	    status_name[in->status]);
	manual_text(out, in->help);
	buf_str(out, " |\n");
}

/* Has a row before this one the same group? */
static bool
group_seen(unsigned key)
{
	for (unsigned k = 0; k < key; k++)
		if (strcmp(config_info(k)->group, config_info(key)->group) == 0)
			return true;
	return false;
}

void
config_manual(struct buf *out)
{
	for (unsigned g = 0; g < CONFIG_KEYS; g++) {
		const char *group = config_info(g)->group;

		if (group_seen(g))
			continue;
		manual_heading(out, group);
		for (unsigned k = g; k < CONFIG_KEYS; k++)
			if (strcmp(config_info(k)->group, group) == 0)
				manual_row(out, config_info(k));
	}
}
