/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system's authorities, read once.  The client library (3.3) reads them into
 * each TLS connection that names no authorities of its own, also into those that
 * verify nothing: 20 ms and 0.7 MB each.  It has no option for this, so the
 * function that it calls for it is ours: SSL_CTX_set_default_verify_paths(),
 * which the program exports, since a library it is linked with asks for it.
 * Whoever else calls it gets OpenSSL's own.
 */
#ifndef ORC_MYSQL_TRUST_H
#define ORC_MYSQL_TRUST_H

enum trust {
	TRUST_AS_EVER, /* this thread is not connecting */
	TRUST_SYSTEM,  /* verify with the system's authorities: shared ones */
	TRUST_NOBODY,  /* nothing is verified: none are needed */
};

/* What the library gets on this thread from now on. */
void trust_set(enum trust trust);

#endif
