/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a statement.
 */
#ifndef ORC_T_MODEL_LEX_H
#define ORC_T_MODEL_LEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

enum { LEX_MAX = 512 }; /* words of a statement */

enum lex_kind {
	LEX_END,
	LEX_WORD,     /* STOP, gtid_subtract, @@global.read_only */
	LEX_NAME,     /* `quoted` */
	LEX_NUMBER,
	LEX_TEXT,     /* 'it''s', "it", 0x6974, X'6974': without quotes */
	LEX_SIGN,     /* = ( ) , * and := as = */
	LEX_NONSENSE,
};

struct lex_word {
	enum lex_kind kind;
	const char *text;
};

struct lex {
	struct lex_word at[LEX_MAX + 1]; /* an END is the last */
	size_t n, next;
};

/* Texts are in the arena.  Comments are passed over, but for the inside of
 * those that begin with an exclamation mark. */
void lex_read(struct lex *l, const char *text, struct arena *a);

/* The next word; taken when it is so. */
bool lex_take(struct lex *l, const char *word);	 /* one, case is free */
bool lex_takes(struct lex *l, const char *words); /* all, or none */
bool lex_text(struct lex *l, const char **text); /* a string */
bool lex_number(struct lex *l, uint64_t *v);
bool lex_name(struct lex *l, const char **name); /* word or quoted name */
/* String, number or word: the value of an option or a variable. */
bool lex_value(struct lex *l, const char **value);
bool lex_over(const struct lex *l);

#endif
