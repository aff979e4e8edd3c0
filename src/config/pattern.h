/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A regular expression, compiled once and immutable: any number of threads may
 * match it at the same time.  PCRE2 with the meaning of "$" and of UTF-8 that
 * Go's regexp has, and with a limit on the work of one match, so that no
 * pattern and no host name can hang us.
 */
#ifndef ORC_CONFIG_PATTERN_H
#define ORC_CONFIG_PATTERN_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "config/values.h"

enum {
	PATTERN_TEXT_MAX = 8192,	/* bytes of a pattern */
	PATTERN_MATCH_LIMIT = 100000,	/* steps of one match; PCRE2's unit */
	PATTERN_HEAP_LIMIT_KIB = 8192,	/* memory of one match */
};

struct pattern;

/* NULL on error: MALFORMED says what is wrong and at which character. */
struct pattern *pattern_new(const char *regex, struct err *err);
void pattern_free(struct pattern *p); /* NULL is fine */

/*
 * Is there a match anywhere in text?  false also when the limit was reached or
 * text is not UTF-8.
 */
bool pattern_match(const struct pattern *p, const char *text);

/* Number of capturing groups. */
unsigned pattern_groups(const struct pattern *p);

/*
 * Appends what the first group matched (possibly nothing) to out.  false, and
 * out untouched, when there is no match or no such group in it.
 */
bool pattern_group1(const struct pattern *p, const char *text,
    struct buf *out);

/* Several patterns: does any match?  Empty ones never do. */
struct pattern_list;

/* NULL on error: as pattern_new(), the text names the entry. */
struct pattern_list *pattern_list_new(const struct str_list *list,
    struct err *err);
void pattern_list_free(struct pattern_list *l); /* NULL is fine */
bool pattern_list_match(const struct pattern_list *l, const char *text);
/* Index of the first that matches; the list's count when none does. */
size_t pattern_list_find(const struct pattern_list *l, const char *text);

#endif
