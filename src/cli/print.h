/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command prints of an operation's answer, as cli.def says:
 *
 *	"{Key}<tab>{Pool}"	members of the answer; keys as host:port
 *	"{.}"			the answer itself
 *	"[Member=1]..."		only if that member has that value
 *	"?..."			nothing rather than an empty line
 *
 * Of an envelope the Details are meant.  A list gives one line for each element;
 * null gives none.  A template without braces is printed once as it stands.
 */
#ifndef ORC_CLI_PRINT_H
#define ORC_CLI_PRINT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Append what is to be printed.  The answer is an ERROR: SERVER with its message
 * as the text.  It is no JSON: MALFORMED.
 */
enum err_code print_answer(struct buf *out, const char *template,
    const char *body, size_t len, struct err *err);

/*
 * The message of an answer OK in which some of several servers are counted as
 * errors is appended to out; of any other answer nothing.
 */
void print_errors(struct buf *out, const char *body, size_t len);

#endif
