/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of hosts and clusters; see filter.h. */
#include "config.h"

#include "config/filter.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "config/pattern.h"

struct host_item {
	char *address;		/* NULL when it is a regex */
	struct pattern *regex;	/* both NULL: selects nothing */
};

struct host_filter {
	size_t count;
	struct host_item item[];
};

enum cluster_how { BY_NAME, BY_ALIAS, BY_ALIAS_REGEX, ALL, NONE };

struct cluster_item {
	enum cluster_how how;
	char *text;
	struct pattern *regex;
};

struct cluster_filter {
	size_t count;
	struct cluster_item item[];
};

static bool
is_address(const char *text)
{
	unsigned char a[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, a) == 1 ||
	    inet_pton(AF_INET6, text, a) == 1;
}

static enum err_code
host_item_init(struct host_item *item, const char *text, struct err *err)
{
	if (text[0] == '\0')
		return ERR_NONE;
	if (is_address(text)) {
		item->address = mem_strdup(text);
		return ERR_NONE;
	}
	item->regex = pattern_new(text, err);
	return item->regex != NULL ? ERR_NONE : ERR_MALFORMED;
}

struct host_filter *
host_filter_new(const struct str_list *list, struct err *err)
{
	struct host_filter *f =
	    mem_zalloc(sizeof *f + list->count * sizeof f->item[0]);

	for (; f->count < list->count; f->count++)
		if (host_item_init(&f->item[f->count], list->item[f->count],
			err) != ERR_NONE) {
			if (err != NULL)
				err_wrap(err, "entry %zu", f->count + 1);
			host_filter_free(f);
			return NULL;
		}
	return f;
}

void
host_filter_free(struct host_filter *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->count; i++) {
		mem_free(f->item[i].address);
		pattern_free(f->item[i].regex);
	}
	mem_free(f);
}

bool
host_filter_match(const struct host_filter *f, const char *host,
    unsigned port)
{
	char key[HOST_PORT_MAX];
	int n = snprintf(key, sizeof key, "%s:%u", host, port);
	bool fits = n > 0 && (size_t)n < sizeof key;

	for (size_t i = 0; i < f->count; i++) {
		const struct host_item *item = &f->item[i];

		if (item->address != NULL && strcmp(item->address, host) == 0)
			return true;
		if (item->regex != NULL && fits &&
		    pattern_match(item->regex, key))
			return true;
	}
	return false;
}

/* What the entry asks for; *rest is the text behind the prefix. */
static enum cluster_how
cluster_how(const char *text, const char **rest)
{
	static const struct {
		const char *prefix;
		enum cluster_how how;
	} form[] = { { "alias=", BY_ALIAS }, { "alias~=", BY_ALIAS_REGEX } };

	*rest = text;
	if (text[0] == '\0')
		return NONE;
	if (strcmp(text, "*") == 0)
		return ALL;
	for (size_t i = 0; i < MEM_COUNT(form); i++) {
		size_t n = strlen(form[i].prefix);

		if (strncmp(text, form[i].prefix, n) == 0) {
			*rest = text + n;
			return form[i].how;
		}
	}
	return BY_NAME;
}

static enum err_code
cluster_item_init(struct cluster_item *item, const char *text,
    struct err *err)
{
	const char *rest;

	item->how = cluster_how(text, &rest);
	item->text = mem_strdup(rest);
	if (item->how != BY_NAME && item->how != BY_ALIAS_REGEX)
		return ERR_NONE;
	item->regex = pattern_new(rest, err);
	return item->regex != NULL ? ERR_NONE : ERR_MALFORMED;
}

struct cluster_filter *
cluster_filter_new(const struct str_list *list, struct err *err)
{
	struct cluster_filter *f =
	    mem_zalloc(sizeof *f + list->count * sizeof f->item[0]);

	/* The entry counts before it is complete, so that it is freed. */
	while (f->count < list->count) {
		struct cluster_item *item = &f->item[f->count++];

		if (cluster_item_init(item, list->item[f->count - 1], err) !=
		    ERR_NONE) {
			if (err != NULL)
				err_wrap(err, "entry %zu", f->count);
			cluster_filter_free(f);
			return NULL;
		}
	}
	return f;
}

void
cluster_filter_free(struct cluster_filter *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->count; i++) {
		mem_free(f->item[i].text);
		pattern_free(f->item[i].regex);
	}
	mem_free(f);
}

static bool
cluster_item_match(const struct cluster_item *item, const char *name,
    const char *alias)
{
	switch (item->how) {
	case ALL: return true;
	case BY_ALIAS: return strcmp(item->text, alias) == 0;
	case BY_ALIAS_REGEX: return pattern_match(item->regex, alias);
	case BY_NAME:
		return strcmp(item->text, name) == 0 ||
		    strcmp(item->text, alias) == 0 ||
		    pattern_match(item->regex, name);
	case NONE: break;
	}
	return false;
}

bool
cluster_filter_match(const struct cluster_filter *f, const char *name,
    const char *alias)
{
	for (size_t i = 0; i < f->count; i++)
		if (cluster_item_match(&f->item[i], name, alias))
			return true;
	return false;
}
