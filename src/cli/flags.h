/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: v1's 31 flags, one of our own, and the words beside them.
 *
 * One or two dashes; "-x v" or "-x=v"; a switch takes a value only with "=".
 * Flags count wherever they stand.  (v1 stops at the first word and ignores the
 * flags after "http".)
 */
#ifndef ORC_CLI_FLAGS_H
#define ORC_CLI_FLAGS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum { FLAGS_WORDS_MAX = 8 };

struct flags {
#define FLAG_TEXT(field) const char *field; /* never NULL */
#define FLAG_SWITCH(field) bool field;
#define FLAG(name, kind, field, value, when, help) FLAG_##kind(field)
#include "cli/flags.def"
#undef FLAG
#undef FLAG_TEXT
#undef FLAG_SWITCH
	bool help; /* -h, --help */
	const char *word[FLAGS_WORDS_MAX];
	int words;
};

/* INVALID names the flag that is unknown or lacks its value. */
enum err_code flags_parse(struct flags *f, int argc, char **argv,
    struct err *err);

/* The value of a text flag by its name, "" when it was not given. */
const char *flags_text(const struct flags *f, const char *name);

/* A line for each flag that was given and has no effect in this version. */
void flags_without_effect(const struct flags *f, struct buf *out);

/* All flags, one line each. */
void flags_help(struct buf *out);

#endif
