/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of the world as values; see err.h. */
#include "config.h"

#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Texts quote what servers and people sent: keep them on one line. */
static void
one_line(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

enum err_code
err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	assert(code != ERR_NONE);
	if (err == NULL)
		return code;
	err->code = code;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	one_line(err->text);
	return code;
}

enum err_code
err_wrap(struct err *err, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX];
	va_list ap;
	int n;

	assert(err->code != ERR_NONE);
	memcpy(old, err->text, sizeof old);
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof err->text)
		snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s",
		    old);
	one_line(err->text);
	return err->code;
}

void
err_clear(struct err *err)
{
	err->code = ERR_NONE;
	err->text[0] = '\0';
}

const char *
err_name(enum err_code code)
{
	switch (code) {
	case ERR_NONE: return "none";
	case ERR_INVALID: return "invalid";
	case ERR_MALFORMED: return "malformed";
	case ERR_NOT_FOUND: return "not found";
	case ERR_EXISTS: return "exists";
	case ERR_DENIED: return "denied";
	case ERR_BUSY: return "busy";
	case ERR_TIMEOUT: return "timeout";
	case ERR_UNREACHABLE: return "unreachable";
	case ERR_SERVER: return "server error";
	case ERR_UNSUPPORTED: return "unsupported";
	case ERR_IO: return "i/o error";
	case ERR_CLOSED: return "closed";
	}
	return "unknown";
}
