/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a path asks for: an operation, a file of the pages, another place.
 * Raw paths (still percent-encoded, without the query) come in.
 */
#ifndef ORC_HTTP_TARGET_H
#define ORC_HTTP_TARGET_H

#include <stdbool.h>
#include <stddef.h>

enum target_kind {
	TARGET_NONE,	/* outside of the prefix */
	TARGET_OP,	/* for ops_open_path() */
	TARGET_FILE,
	TARGET_TOKEN,	/* an access token becomes a cookie */
	TARGET_REDIRECT, /* to the pages' start: prefix + "/web/" */
};

/* A file of the pages, compiled in from share/web. */
struct web_file {
	const char *path; /* "/web/app.js" */
	const char *content_type;
	const unsigned char *data;
	size_t len;
	const char *etag; /* with its quotes */
};

/* Ends with a row whose path is NULL; made by share/web/embed. */
extern const struct web_file web_files[];

struct target {
	enum target_kind kind;
	const char *path; /* TARGET_OP: below the prefix, in the input */
	size_t len;
	const struct web_file *file; /* TARGET_FILE */
	bool status; /* exactly the StatusEndpoint: certificates may be optional */
};

/*
 * prefix	URLPrefix: "" or "/x", no slash at its end
 * status	StatusEndpoint: "/api/status" lies under the prefix; any other one
 *	is taken literally
 */
void target_find(struct target *out, const char *prefix, const char *status,
    const char *path, size_t len);

#endif
