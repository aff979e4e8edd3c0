/* SPDX-License-Identifier: Apache-2.0 */
/* Replicas that a regular expression on host:port selects. */
#include "config.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "plan/make.h"

/* As config/pattern.h bounds them. */
enum { MATCH_LIMIT = 100000, HEAP_LIMIT_KIB = 8192, PATTERN_MAX = 8192 };

struct regex {
	pcre2_code *code;
	pcre2_match_context *limits;
	pcre2_match_data *data;
};

static enum err_code
compile(struct regex *re, const char *pattern, struct err *err)
{
	PCRE2_UCHAR why[128];
	PCRE2_SIZE where;
	int num;

	*re = (struct regex){ NULL, NULL, NULL };
	if (pattern[0] == '\0')
		return ERR_NONE;
	if (strlen(pattern) > PATTERN_MAX)
		return err_set(err, ERR_INVALID, "the pattern is too long");
	re->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
	    PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, &num,
	    &where, NULL);
	if (re->code == NULL) {
		pcre2_get_error_message(num, why, sizeof why);
		return err_set(err, ERR_INVALID,
		    "the pattern %.100s: %s at character %zu", pattern,
		    (const char *)why, (size_t)where);
	}
	re->limits = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(re->limits, MATCH_LIMIT);
	pcre2_set_heap_limit(re->limits, HEAP_LIMIT_KIB);
	re->data = pcre2_match_data_create_from_pattern(re->code, NULL);
	return ERR_NONE;
}

static void
release(struct regex *re)
{
	pcre2_match_data_free(re->data);
	pcre2_match_context_free(re->limits);
	pcre2_code_free(re->code);
}

static bool
matches(const struct regex *re, const struct member *m)
{
	char text[KEY_TEXT_MAX];

	if (re->code == NULL)
		return true;
	key_text(m->in->key, text);
	return pcre2_match(re->code, (PCRE2_SPTR)text, strlen(text), 0, 0,
	    re->data, re->limits) >= 0;
}

enum err_code
make_replicas(struct making *m, const struct member *source,
    const struct member *but, bool deep, struct making_list *out)
{
	struct regex re;
	enum err_code code = compile(&re, m->r->pattern, m->err);
	size_t n, kept = 0;

	if (code != ERR_NONE)
		return code;
	out->at = arena_alloc(&m->p->arena, (m->w->n + 1) * sizeof *out->at);
	n = world_replicas(m->w, source->in->key, deep, out->at);
	for (size_t i = 0; i < n; i++)
		if ((but == NULL || !key_eq(out->at[i]->in->key,
			but->in->key)) && matches(&re, out->at[i]))
			out->at[kept++] = out->at[i];
	out->n = kept;
	release(&re);
	return ERR_NONE;
}
