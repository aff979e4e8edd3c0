/* SPDX-License-Identifier: Apache-2.0 */
/* The command line; see flags.h. */
#include "config.h"

#include "cli/flags.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

enum kind { TEXT, SWITCH };
enum when { NOW, LATER };

static const struct flag {
	const char *name;
	enum kind kind;
	size_t offset;
	const char *value;
	enum when when;
	const char *help;
} table[] = {
#define FLAG(name, kind, field, value, when, help) \
	{ name, kind, offsetof(struct flags, field), value, when, help },
#include "cli/flags.def"
#undef FLAG
};

static const char *
text_of(const struct flags *f, const struct flag *flag)
{
	assert(flag->kind == TEXT);
	return *(const char *const *)((const char *)f + flag->offset);
}

static bool
switch_of(const struct flags *f, const struct flag *flag)
{
	assert(flag->kind == SWITCH);
	return *(const bool *)((const char *)f + flag->offset);
}

static void
set_text(struct flags *f, const struct flag *flag, const char *value)
{
	assert(flag->kind == TEXT);
	*(const char **)((char *)f + flag->offset) = value;
}

static void
set_bool(struct flags *f, const struct flag *flag, bool value)
{
	assert(flag->kind == SWITCH);
	*(bool *)((char *)f + flag->offset) = value;
}

static void
set_defaults(struct flags *f)
{
	memset(f, 0, sizeof(*f));
	for (size_t i = 0; i < MEM_COUNT(table); i++) {
		if (table[i].kind == TEXT)
			set_text(f, &table[i], table[i].value);
		else
			set_bool(f, &table[i], *table[i].value != '\0');
	}
}

static const struct flag *
flag_find(const char *name, size_t len)
{
	for (size_t i = 0; i < MEM_COUNT(table); i++)
		if (strlen(table[i].name) == len &&
		    memcmp(table[i].name, name, len) == 0)
			return &table[i];
	return NULL;
}

static enum err_code
set_switch(struct flags *f, const struct flag *flag, const char *value,
    struct err *err)
{
	static const char *const yes[] = { "true", "1", "t", "T", "TRUE",
		"True" };
	static const char *const no[] = { "false", "0", "f", "F", "FALSE",
		"False" };

	for (size_t i = 0; i < MEM_COUNT(yes); i++) {
		if (value == NULL || strcmp(value, yes[i]) == 0) {
			set_bool(f, flag, true);
			return ERR_NONE;
		}
		if (strcmp(value, no[i]) == 0) {
			set_bool(f, flag, false);
			return ERR_NONE;
		}
	}
	return err_set(err, ERR_INVALID, "-%s is true or false, not \"%s\"",
	    flag->name, value);
}

/* One flag; *i moves on when the next word is its value. */
static enum err_code
take(struct flags *f, int argc, char **argv, int *i, struct err *err)
{
	const char *name = argv[*i] + (argv[*i][1] == '-' ? 2 : 1);
	const char *eq = strchr(name, '=');
	size_t len = eq != NULL ? (size_t)(eq - name) : strlen(name);
	const struct flag *flag = flag_find(name, len);

	if (flag == NULL && (strcmp(name, "h") == 0 ||
				strcmp(name, "help") == 0)) {
		f->help = true;
		return ERR_NONE;
	}
	if (flag == NULL)
		return err_set(err, ERR_INVALID, "no such flag: -%.*s",
		    (int)len, name);
	if (flag->kind == SWITCH)
		return set_switch(f, flag, eq != NULL ? eq + 1 : NULL, err);
	if (eq == NULL && *i + 1 == argc)
		return err_set(err, ERR_INVALID, "-%s needs a value",
		    flag->name);
	set_text(f, flag, eq != NULL ? eq + 1 : argv[++*i]);
	return ERR_NONE;
}

enum err_code
flags_parse(struct flags *f, int argc, char **argv, struct err *err)
{
	bool only_words = false;
	enum err_code code;

	set_defaults(f);
	for (int i = 1; i < argc; i++) {
		if (!only_words && strcmp(argv[i], "--") == 0) {
			only_words = true;
		} else if (!only_words && argv[i][0] == '-' &&
		    argv[i][1] != '\0') {
			code = take(f, argc, argv, &i, err);
			if (code != ERR_NONE)
				return code;
		} else if (f->words < FLAGS_WORDS_MAX) {
			f->word[f->words++] = argv[i];
		} else {
			return err_set(err, ERR_INVALID, "too many words: %s",
			    argv[i]);
		}
	}
	return ERR_NONE;
}

const char *
flags_text(const struct flags *f, const char *name)
{
	const struct flag *flag = flag_find(name, strlen(name));

	assert(flag != NULL);
	if (flag->kind == SWITCH)
		return switch_of(f, flag) ? "true" : "";
	return text_of(f, flag);
}

static bool
was_given(const struct flags *f, const struct flag *flag)
{
	if (flag->kind == TEXT)
		return strcmp(text_of(f, flag), flag->value) != 0;
	return switch_of(f, flag) != (*flag->value != '\0');
}

void
flags_without_effect(const struct flags *f, struct buf *out)
{
	for (size_t i = 0; i < MEM_COUNT(table); i++)
		if (table[i].when == LATER && was_given(f, &table[i]))
			buf_printf(out, "-%s has no effect in this version\n",
			    table[i].name);
}

void
flags_help(struct buf *out)
{
	for (size_t i = 0; i < MEM_COUNT(table); i++) {
		const struct flag *flag = &table[i];

		buf_printf(out, "  -%s%s\n        %s%s\n", flag->name,
		    flag->kind == TEXT ? " VALUE" : "", flag->help,
		    flag->when == LATER ? " (no effect in this version)" : "");
	}
}
