/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions of the configuration; see pattern.h. */
#include "config.h"

#include "config/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <assert.h>
#include <pcre2.h>
#include <string.h>

#include "base/mem.h"

struct pattern {
	pcre2_code *code;
	pcre2_match_context *limits;
};

struct pattern_list {
	size_t count;
	struct pattern *item[]; /* NULL for an empty entry */
};

/*
 * "$" means the very end, as in Go; \C could split a character.  Patterns are
 * limited in length, which bounds the time and memory of compiling.
 */
static pcre2_code *
compile(const char *regex, int *code, size_t *at)
{
	pcre2_compile_context *cc = pcre2_compile_context_create(NULL);
	pcre2_code *re;

	assert(cc != NULL);
	pcre2_set_max_pattern_length(cc, PATTERN_TEXT_MAX);
	re = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED,
	    PCRE2_DOLLAR_ENDONLY | PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, code,
	    at, cc);
	pcre2_compile_context_free(cc);
	return re;
}

struct pattern *
pattern_new(const char *regex, struct err *err)
{
	char why[128];
	struct pattern *p;
	pcre2_code *re;
	size_t at = 0;
	int code = 0;

	re = compile(regex, &code, &at);
	if (re == NULL) {
		pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
		err_set(err, ERR_MALFORMED,
		    "bad regular expression at character %zu: %s", at + 1,
		    why);
		return NULL;
	}
	p = mem_zalloc(sizeof *p);
	p->code = re;
	p->limits = pcre2_match_context_create(NULL);
	assert(p->limits != NULL);
	pcre2_set_match_limit(p->limits, PATTERN_MATCH_LIMIT);
	pcre2_set_heap_limit(p->limits, PATTERN_HEAP_LIMIT_KIB);
	return p;
}

void
pattern_free(struct pattern *p)
{
	if (p == NULL)
		return;
	pcre2_code_free(p->code);
	pcre2_match_context_free(p->limits);
	mem_free(p);
}

/* pcre2_match() with room for the first group: > 0 when it matched. */
static int
match(const struct pattern *p, const char *text, pcre2_match_data *md)
{
	return pcre2_match(p->code, (PCRE2_SPTR)text, strlen(text), 0, 0, md,
	    p->limits);
}

static pcre2_match_data *
match_data_new(void)
{
	pcre2_match_data *md = pcre2_match_data_create(2, NULL);

	assert(md != NULL);
	return md;
}

bool
pattern_match(const struct pattern *p, const char *text)
{
	pcre2_match_data *md = match_data_new();
	bool found = match(p, text, md) >= 0;

	pcre2_match_data_free(md);
	return found;
}

unsigned
pattern_groups(const struct pattern *p)
{
	uint32_t n = 0;

	pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &n);
	return n;
}

bool
pattern_group1(const struct pattern *p, const char *text, struct buf *out)
{
	pcre2_match_data *md = match_data_new();
	const PCRE2_SIZE *ov;
	bool found = false;

	/* 0: matched, and there are more groups than room for them. */
	if (pattern_groups(p) > 0 && match(p, text, md) >= 0) {
		ov = pcre2_get_ovector_pointer(md);
		/* A group in a look-behind may end before it starts. */
		found = ov[2] != PCRE2_UNSET && ov[2] <= ov[3];
		if (found)
			buf_add(out, text + ov[2], ov[3] - ov[2]);
	}
	pcre2_match_data_free(md);
	return found;
}

struct pattern_list *
pattern_list_new(const struct str_list *list, struct err *err)
{
	struct pattern_list *l =
	    mem_zalloc(sizeof *l + list->count * sizeof l->item[0]);

	for (; l->count < list->count; l->count++) {
		if (list->item[l->count][0] == '\0')
			continue;
		l->item[l->count] = pattern_new(list->item[l->count], err);
		if (l->item[l->count] == NULL) {
			if (err != NULL)
				err_wrap(err, "entry %zu", l->count + 1);
			pattern_list_free(l);
			return NULL;
		}
	}
	return l;
}

void
pattern_list_free(struct pattern_list *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->count; i++)
		pattern_free(l->item[i]);
	mem_free(l);
}

size_t
pattern_list_find(const struct pattern_list *l, const char *text)
{
	size_t i = 0;

	while (i < l->count &&
	    (l->item[i] == NULL || !pattern_match(l->item[i], text)))
		i++;
	return i;
}

bool
pattern_list_match(const struct pattern_list *l, const char *text)
{
	return pattern_list_find(l, text) < l->count;
}
