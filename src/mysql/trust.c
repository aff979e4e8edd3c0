/* SPDX-License-Identifier: Apache-2.0 */
/* The system's authorities, read once; see trust.h. */
#include "config.h"

#include "mysql/trust.h"

#include <assert.h>
#include <dlfcn.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <string.h>

static _Thread_local enum trust now;

/* Never freed: the last connection may end after everything else. */
static X509_STORE *store;

void
trust_set(enum trust trust)
{
	now = trust;
}

/* Those that cannot be read are missing then, as without us. */
static void
read_store(void)
{
	store = X509_STORE_new();
	assert(store != NULL);
	X509_STORE_set_default_paths(store);
}

static int
openssl_own(SSL_CTX *context)
{
	int (*own)(SSL_CTX *) = NULL;
	void *p = dlsym(RTLD_NEXT, "SSL_CTX_set_default_verify_paths");

	assert(p != NULL);
	memcpy(&own, &p, sizeof own);
	return own(context);
}

int
SSL_CTX_set_default_verify_paths(SSL_CTX *context)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	switch (now) {
	case TRUST_AS_EVER: return openssl_own(context);
	case TRUST_NOBODY: return 1;
	case TRUST_SYSTEM: break;
	}
	pthread_once(&once, read_store);
	SSL_CTX_set1_cert_store(context, store);
	return 1;
}
