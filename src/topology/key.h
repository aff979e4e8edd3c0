/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host:port, the name under which people know a server.
 */
#ifndef ORC_TOPOLOGY_KEY_H
#define ORC_TOPOLOGY_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { KEY_HOST_MAX = 255, KEY_TEXT_MAX = KEY_HOST_MAX + 16 };

struct key {
	const char *host; /* never NULL; "" when unset; borrowed */
	uint32_t port;	  /* 0 when unset */
};

struct keys {
	const struct key *at;
	size_t n;
};

#define KEY_NONE ((struct key){ "", 0 })

/*
 * Reads "host", "host:port", "1.2.3.4:port", "[ipv6]:port" or a bare IPv6
 * address (default port).  INVALID names the text; the host is copied to a.
 */
enum err_code key_parse(struct key *key, const char *text,
    unsigned default_port, struct arena *a, struct err *err);

/*
 * host not empty, not "_", not detached ("//..."), not longer than
 * KEY_HOST_MAX; port in 1..65535.  (What a server claims may be none of that.)
 */
bool key_valid(struct key k);
bool key_is_none(struct key k);	    /* unset: "" or "_" or port 0 */
bool key_is_detached(struct key k); /* the host begins with "//" */
bool key_eq(struct key a, struct key b);
int key_cmp(struct key a, struct key b); /* host bytes, then port */
/* "host:port"; IPv6 hosts are not bracketed; a longer host is cut. */
const char *key_text(struct key k, char out[KEY_TEXT_MAX]);
/* The reverse: what is before and after the last colon; KEY_NONE if none. */
struct key key_of_text(const char *text, struct arena *a);
struct key key_dup(struct key k, struct arena *a);
/* Sorted, each once; the array is in a, the hosts stay borrowed. */
struct keys keys_sorted(const struct key *at, size_t n, struct arena *a);
bool keys_have(struct keys ks, struct key k);

#endif
