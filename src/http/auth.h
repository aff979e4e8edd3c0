/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may call, and who may change things: AuthenticationMethod "", basic,
 * multi, proxy and token.  No sockets here, so that a table can test it.
 *
 * From: go/http/httpbase.go and go/app/http.go, 3.2.6; differences are in
 * doc/differences.md.
 */
#ifndef ORC_HTTP_AUTH_H
#define ORC_HTTP_AUTH_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/pack.h"
#include "config/conf.h"
#include "http/http.h"

#define AUTH_TOKEN_COOKIE "access-token"

enum {
	AUTH_USER_MAX = 128,	   /* bytes of a user's name, NUL included */
	AUTH_HEADER_MAX = 1024,	   /* longer credentials are refused unread */
	AUTH_GROUPS_KEPT = 64,	   /* users whose groups are remembered */
	AUTH_GROUPS_KEPT_S = 60,   /* for that long */
	AUTH_USER_GROUPS_MAX = 256 /* groups of one user that are looked at */
};

/* What a request says about its sender; empty when it has no such header. */
struct auth_in {
	struct strv authorization; /* Authorization */
	struct strv cookie;	   /* Cookie */
	struct strv proxy_user;	   /* the header that AuthUserHeader names */
	bool writes;		   /* the operation needs authorisation */
};

struct auth_out {
	bool challenge;	 /* answer 401 and ask for credentials */
	bool authorized; /* may change things; only looked into when in->writes */
	char user[AUTH_USER_MAX]; /* "" when unknown */
};

/* One per thread: asking the system for groups is slow, so it is remembered. */
struct auth_groups {
	struct {
		char user[AUTH_USER_MAX];
		bool member;
		mono_t until;
	} kept[AUTH_GROUPS_KEPT];
	unsigned next;
};

struct auth {
	const struct config *config;
	struct auth_groups *groups; /* the caller's; zeroed at first */
	mono_t now;
	http_token_fn *token; /* may be NULL */
	void *token_arg;
};

void auth_check(const struct auth *a, const struct auth_in *in,
    struct auth_out *out);

/* The time it takes does not tell where, or how long, they differ. */
bool auth_same(const char *a, size_t a_len, const char *b, size_t b_len);

/* "Basic dXNlcjpwYXNz"; false when it is not that. Both are NUL-terminated. */
bool auth_basic_parse(struct strv header, char user[AUTH_USER_MAX],
    char password[AUTH_HEADER_MAX]);

/* The value of one cookie: "" when absent; the first one counts. */
struct strv auth_cookie(struct strv header, const char *name);

#endif
