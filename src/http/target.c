/* SPDX-License-Identifier: Apache-2.0 */
/* See target.h. */
#include "config.h"

#include "http/target.h"

#include <string.h>

#define STATUS_PATH "/api/status" /* the default, and the operation's own */

static bool
is(const char *path, size_t len, const char *text)
{
	return strlen(text) == len && memcmp(path, text, len) == 0;
}

static const struct web_file *
file_find(const char *path, size_t len)
{
	for (const struct web_file *f = web_files; f->path != NULL; f++)
		if (is(path, len, f->path))
			return f;
	return NULL;
}

/* One slash at the end of an operation's path does not matter. */
static size_t
trimmed(const char *path, size_t len)
{
	return len > 1 && path[len - 1] == '/' ? len - 1 : len;
}

void
target_find(struct target *out, const char *prefix, const char *status,
    const char *path, size_t len)
{
	const size_t skip = strlen(prefix);
	const bool literal = status[0] != '\0' && strcmp(status, STATUS_PATH);

	*out = (struct target){ .kind = TARGET_NONE };
	if (literal && is(path, trimmed(path, len), status)) {
		*out = (struct target){ .kind = TARGET_OP, .path = STATUS_PATH,
			.len = sizeof STATUS_PATH - 1, .status = true };
		return;
	}
	if (len < skip || memcmp(path, prefix, skip) != 0 ||
	    (len > skip && path[skip] != '/'))
		return;
	path += skip;
	len -= skip;
	if (len <= 1 || is(path, len, "/web")) {
		out->kind = TARGET_REDIRECT;
		return;
	}
	if (is(path, trimmed(path, len), "/web/access-token")) {
		out->kind = TARGET_TOKEN;
		return;
	}
	out->file = file_find(path, len);
	out->kind = out->file != NULL ? TARGET_FILE : TARGET_OP;
	out->path = path;
	out->len = len;
	out->status = !literal && is(path, trimmed(path, len), STATUS_PATH);
}
