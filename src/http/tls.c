/* SPDX-License-Identifier: Apache-2.0 */
/* See tls.h. */
#include "config.h"

#include "http/tls.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/mem.h"

static enum err_code
fail(struct err *err, const char *what, const char *file)
{
	char text[200];
	unsigned long e = ERR_peek_last_error();

	ERR_error_string_n(e, text, sizeof text);
	ERR_clear_error();
	return err_set(err, ERR_IO, "%s %s: %s", what, file,
	    e != 0 ? text : "unknown error");
}

struct asked {
	const char *file;
	bool no_terminal;
};

/* OpenSSL wants the key's password. */
static int
ask_password(char *out, int size, int writing, void *arg)
{
	struct asked *asked = arg;
	char prompt[300];
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (tty < 0) {
		asked->no_terminal = true;
		return -1;
	}
	close(tty);
	snprintf(prompt, sizeof prompt, "Password of %s:", asked->file);
	return PEM_def_callback(out, size, writing, prompt);
}

static enum err_code
use_key(SSL_CTX *ctx, const char *file, struct err *err)
{
	struct asked asked = { .file = file };
	int rc;

	SSL_CTX_set_default_passwd_cb(ctx, ask_password);
	SSL_CTX_set_default_passwd_cb_userdata(ctx, &asked);
	rc = SSL_CTX_use_PrivateKey_file(ctx, file, SSL_FILETYPE_PEM);
	SSL_CTX_set_default_passwd_cb(ctx, NULL);
	SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
	if (rc == 1)
		return ERR_NONE;
	if (asked.no_terminal) {
		ERR_clear_error();
		return err_set(err, ERR_DENIED, "SSLPrivateKeyFile %s is "
		    "encrypted and there is no terminal to ask for its password",
		    file);
	}
	return fail(err, "SSLPrivateKeyFile", file);
}

static enum err_code
use_files(SSL_CTX *ctx, const struct config *c, struct err *err)
{
	enum err_code code;

	if (c->ssl_cert_file[0] == '\0' || c->ssl_private_key_file[0] == '\0')
		return err_set(err, ERR_INVALID,
		    "UseSSL needs SSLCertFile and SSLPrivateKeyFile");
	if (SSL_CTX_use_certificate_chain_file(ctx, c->ssl_cert_file) != 1)
		return fail(err, "SSLCertFile", c->ssl_cert_file);
	code = use_key(ctx, c->ssl_private_key_file, err);
	if (code != ERR_NONE)
		return code;
	if (SSL_CTX_check_private_key(ctx) != 1)
		return fail(err, "SSLPrivateKeyFile does not fit",
		    c->ssl_cert_file);
	return ERR_NONE;
}

static enum err_code
use_clients(SSL_CTX *ctx, const struct config *c, struct err *err)
{
	static const unsigned char id[] = "orchestrator";

	/* Without it sessions of clients with certificates do not resume. */
	SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1);
	if (!c->use_mutual_tls)
		return ERR_NONE;
	if (c->ssl_ca_file[0] == '\0')
		return err_set(err, ERR_INVALID,
		    "UseMutualTLS needs SSLCAFile");
	if (SSL_CTX_load_verify_locations(ctx, c->ssl_ca_file, NULL) != 1)
		return fail(err, "SSLCAFile", c->ssl_ca_file);
	SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(c->ssl_ca_file));
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return ERR_NONE;
}

/* arg: NULL when only http/1.1 is spoken */
static int
select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *arg)
{
	static const unsigned char both[] = "\x02h2\x08http/1.1";
	const size_t skip = arg != NULL ? 0 : 3;

	(void)ssl;
	if (SSL_select_next_proto((unsigned char **)out, out_len, both + skip,
		(unsigned)(sizeof both - 1 - skip), in,
		in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	return SSL_TLSEXT_ERR_OK;
}

SSL_CTX *
tls_new(const struct config *config, bool http2, struct err *err)
{
	static char yes;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	enum err_code code;

	if (ctx == NULL) {
		fail(err, "TLS", "context");
		return NULL;
	}
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION |
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_alpn_select_cb(ctx, select_protocol, http2 ? &yes : NULL);
	code = use_files(ctx, config, err);
	if (code == ERR_NONE)
		code = use_clients(ctx, config, err);
	if (code == ERR_NONE)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

static bool
entry_is(X509_NAME_ENTRY *entry, const char *text)
{
	ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
	unsigned char *utf8 = NULL;
	int len = ASN1_STRING_to_UTF8(&utf8, value);
	bool same = len >= 0 && (size_t)len == strlen(text) &&
	    memcmp(utf8, text, (size_t)len) == 0;

	OPENSSL_free(utf8);
	return same;
}

static bool
name_has_ou(X509_NAME *name, const struct str_list *valid)
{
	int at = -1;

	while ((at = X509_NAME_get_index_by_NID(name,
		    NID_organizationalUnitName, at)) >= 0)
		for (size_t i = 0; i < valid->count; i++)
			if (entry_is(X509_NAME_get_entry(name, at),
				valid->item[i]))
				return true;
	return false;
}

bool
tls_ou_valid(SSL *ssl, const struct str_list *valid)
{
	X509 *cert = SSL_get_peer_certificate(ssl);
	bool good;

	if (cert == NULL)
		return false;
	good = SSL_get_verify_result(ssl) == X509_V_OK &&
	    name_has_ou(X509_get_subject_name(cert), valid);
	X509_free(cert);
	return good;
}
