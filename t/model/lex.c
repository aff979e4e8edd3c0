/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements to words.
 */
#include "config.h"

#include "model/lex.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

static void
put(struct lex *l, struct arena *a, enum lex_kind kind, const char *s,
    size_t n)
{
	char *text = arena_alloc(a, n + 1);

	memcpy(text, s, n);
	text[n] = '\0';
	if (l->n < LEX_MAX)
		l->at[l->n++] = (struct lex_word){ kind, text };
	else
		l->at[0].kind = LEX_NONSENSE;
}

/* Behind a comment; s itself when none begins there. */
static const char *
skip_comment(const char *s)
{
	const char *end;

	if (s[0] == '#' || (s[0] == '-' && s[1] == '-' &&
	    (s[2] == '\0' || isspace((unsigned char)s[2]))))
		return s + strcspn(s, "\n");
	if (strncmp(s, "/*!", 3) == 0)
		return s + 3 + strspn(s + 3, "0123456789");
	if (strncmp(s, "*/", 2) == 0)
		return s + 2;
	if (strncmp(s, "/*", 2) != 0)
		return s;
	end = strstr(s + 2, "*/");
	return end != NULL ? end + 2 : s + strlen(s);
}

/* A quoted text from its quote on; NULL: it does not end. */
static const char *
read_quoted(struct lex *l, const char *s, struct arena *a)
{
	char quote = *s++;
	struct buf b;

	buf_init(&b);
	for (; *s != '\0'; s++) {
		if (*s == quote && s[1] == quote)
			s++;
		else if (*s == quote)
			break;
		else if (*s == '\\' && quote != '`' && s[1] != '\0')
			s++;
		buf_chr(&b, *s);
	}
	put(l, a, quote == '`' ? LEX_NAME : LEX_TEXT, buf_text(&b), b.len);
	buf_fini(&b);
	return *s == quote ? s + 1 : NULL;
}

static void
put_hex(struct lex *l, struct arena *a, const char *s, size_t n)
{
	struct buf b;

	buf_init(&b);
	for (size_t i = 0; i + 1 < n; i += 2) {
		char two[3] = { s[i], s[i + 1], '\0' };

		buf_chr(&b, (char)strtoul(two, NULL, 16));
	}
	put(l, a, LEX_TEXT, buf_text(&b), b.len);
	buf_fini(&b);
}

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || strchr("_@$.", c) != NULL;
}

static const char *
read_word(struct lex *l, const char *s, struct arena *a)
{
	const char *end = s;
	enum lex_kind kind = LEX_WORD;

	if (strncasecmp(s, "0x", 2) == 0 || strncasecmp(s, "x'", 2) == 0) {
		end = s + 2 + strspn(s + 2, "0123456789abcdefABCDEF");
		put_hex(l, a, s + 2, (size_t)(end - s - 2));
		return *end == '\'' ? end + 1 : end;
	}
	while (*end != '\0' && is_word(*end))
		end++;
	if (*s == '_' && (*end == '\'' || *end == '"'))
		return end; /* a character set */
	if (strspn(s, "0123456789.") == (size_t)(end - s))
		kind = LEX_NUMBER;
	put(l, a, kind, s, (size_t)(end - s));
	return end;
}

void
lex_read(struct lex *l, const char *s, struct arena *a)
{
	const char *next;

	l->n = l->next = 0;
	while (s != NULL && *s != '\0') {
		next = skip_comment(s);
		if (next != s || isspace((unsigned char)*s)) {
			s = next != s ? next : s + 1;
		} else if (*s == '\'' || *s == '"' || *s == '`') {
			s = read_quoted(l, s, a);
			if (s == NULL)
				put(l, a, LEX_NONSENSE, "", 0);
		} else if (is_word(*s)) {
			s = read_word(l, s, a);
		} else {
			if (s[0] == ':' && s[1] == '=')
				s++;
			put(l, a, LEX_SIGN, s, 1);
			s++;
		}
	}
	l->at[l->n] = (struct lex_word){ LEX_END, "" };
}

static bool
is(const struct lex_word *w, const char *text, size_t n)
{
	return (w->kind == LEX_WORD || w->kind == LEX_SIGN) &&
	    strlen(w->text) == n && strncasecmp(w->text, text, n) == 0;
}

bool
lex_take(struct lex *l, const char *word)
{
	if (!is(&l->at[l->next], word, strlen(word)))
		return false;
	l->next++;
	return true;
}

bool
lex_takes(struct lex *l, const char *words)
{
	size_t at = l->next, n;

	while (*words != '\0') {
		n = strcspn(words, " ");
		if (!is(&l->at[at], words, n))
			return false;
		at++;
		words += n + strspn(words + n, " ");
	}
	l->next = at;
	return true;
}

static bool
take_kind(struct lex *l, enum lex_kind kind, const char **text)
{
	if (l->at[l->next].kind != kind)
		return false;
	*text = l->at[l->next++].text;
	return true;
}

bool
lex_text(struct lex *l, const char **text)
{
	return take_kind(l, LEX_TEXT, text);
}

bool
lex_number(struct lex *l, uint64_t *v)
{
	const char *text;

	if (!take_kind(l, LEX_NUMBER, &text))
		return false;
	*v = strtoull(text, NULL, 10);
	return true;
}

bool
lex_name(struct lex *l, const char **name)
{
	return take_kind(l, LEX_WORD, name) || take_kind(l, LEX_NAME, name);
}

bool
lex_value(struct lex *l, const char **value)
{
	return take_kind(l, LEX_TEXT, value) ||
	    take_kind(l, LEX_NUMBER, value) || take_kind(l, LEX_WORD, value);
}

bool
lex_over(const struct lex *l)
{
	return l->at[l->next].kind == LEX_END;
}
