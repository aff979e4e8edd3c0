/* SPDX-License-Identifier: Apache-2.0 */
/* TLS for the fleet's connections, by OpenSSL in memory; see tls.h. */
#include "config.h"

#include "fleet/tls.h"

#include <assert.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/mem.h"

enum { YEAR_S = 365 * 24 * 3600, CHUNK = 16 << 10 };

struct tls {
	SSL *ssl;
	BIO *in, *out; /* owned by ssl */
};

static SSL_CTX *context;

static EVP_PKEY *
make_key(void)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
	EVP_PKEY *key = NULL;
	bool good = c != NULL && EVP_PKEY_keygen_init(c) == 1 &&
	    EVP_PKEY_CTX_set_ec_paramgen_curve_nid(c,
		NID_X9_62_prime256v1) == 1 && EVP_PKEY_keygen(c, &key) == 1;

	assert(good);
	EVP_PKEY_CTX_free(c);
	return key;
}

static X509 *
make_certificate(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	int good;

	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), YEAR_S);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"fleet", -1, -1, 0);
	X509_set_issuer_name(x, name);
	good = X509_sign(x, key, EVP_sha256());
	assert(good > 0);
	return x;
}

void
tls_init(void)
{
	EVP_PKEY *key = make_key();
	X509 *x = make_certificate(key);
	bool good;

	context = SSL_CTX_new(TLS_server_method());
	good = context != NULL && SSL_CTX_use_certificate(context, x) == 1 &&
	    SSL_CTX_use_PrivateKey(context, key) == 1;
	assert(good);
	/* Thousands of connections: none keeps buffers that are empty. */
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	X509_free(x);
	EVP_PKEY_free(key);
}

struct tls *
tls_new(void)
{
	struct tls *t = mem_alloc(sizeof *t);

	t->ssl = SSL_new(context);
	t->in = BIO_new(BIO_s_mem());
	t->out = BIO_new(BIO_s_mem());
	assert(t->ssl != NULL && t->in != NULL && t->out != NULL);
	SSL_set_bio(t->ssl, t->in, t->out);
	SSL_set_accept_state(t->ssl);
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	mem_free(t);
}

static void
take_out(struct tls *t, struct buf *b)
{
	int n = (int)BIO_pending(t->out);

	if (n <= 0)
		return;
	n = BIO_read(t->out, buf_room(b, (size_t)n), n);
	assert(n > 0);
	b->len += (size_t)n;
	b->data[b->len] = '\0';
}

bool
tls_open(struct tls *t, const char *p, size_t n, struct buf *plain,
    struct buf *out)
{
	int got = BIO_write(t->in, p, (int)n);

	assert(n == 0 || got == (int)n);
	do {
		got = SSL_read(t->ssl, buf_room(plain, CHUNK), CHUNK);
		if (got > 0)
			plain->len += (size_t)got;
	} while (got > 0);
	take_out(t, out);
	return SSL_get_error(t->ssl, got) == SSL_ERROR_WANT_READ;
}

void
tls_seal(struct tls *t, struct buf *b, size_t at)
{
	int n = (int)(b->len - at), done;

	if (n == 0)
		return;
	done = SSL_write(t->ssl, b->data + at, n);
	assert(done == n); /* memory takes all of it */
	b->len = at;
	take_out(t, b);
}
