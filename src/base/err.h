/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world failed: a code to decide by and a text to show.  A plain value, so
 * that it can be copied into a message.  Programming errors are assert()s.
 */
#ifndef ORC_BASE_ERR_H
#define ORC_BASE_ERR_H

enum err_code {
	ERR_NONE = 0,
	ERR_INVALID,	 /* input does not make sense; the text names the culprit */
	ERR_MALFORMED,	 /* bytes or text that cannot be parsed */
	ERR_NOT_FOUND,
	ERR_EXISTS,	 /* already there, already locked */
	ERR_DENIED,	 /* not authorised, access denied by the server */
	ERR_BUSY,	 /* queue or budget full; may be tried again */
	ERR_TIMEOUT,	 /* a deadline passed */
	ERR_UNREACHABLE, /* name, connect or connection failure */
	ERR_SERVER,	 /* the database server answered with an error */
	ERR_UNSUPPORTED, /* this flavour, version or build cannot do that */
	ERR_IO,		 /* file or store failure */
	ERR_CLOSED,	 /* shutting down, actor gone */
};

enum { ERR_TEXT_MAX = 512 };

struct err {
	enum err_code code;
	char text[ERR_TEXT_MAX]; /* one sentence, no newline; "" when none */
};

#define ERR_INIT { ERR_NONE, "" }

/*
 * Fill err (which may be NULL) and return code, so that a caller can write
 * "return err_set(err, ERR_INVALID, ...)".
 */
enum err_code err_set(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "context: " before the text; keeps and returns the code. */
enum err_code err_wrap(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void err_clear(struct err *err);

/* Lower-case name of a code: "not found". */
const char *err_name(enum err_code code);

#endif
