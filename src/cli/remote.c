/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the daemon that serves the same store; see remote.h. */
#include "config.h"

#include "cli/remote.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"

enum { CONNECT_MS = 5000, ANSWER_MAX = 256 << 20 };

char *
remote_lock_file(const struct config *c)
{
	if (strcmp(c->sqlite3_data_file, ":memory:") == 0)
		return NULL;
	return mem_printf("%s-daemon", c->sqlite3_data_file);
}

static bool
is_locked(const char *file)
{
	int fd = open(file, O_RDWR | O_CLOEXEC);
	bool locked;

	if (fd < 0)
		return false;
	locked = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	close(fd); /* and with it the lock, if we had it for a moment */
	return locked;
}

bool
remote_runs(const struct config *c)
{
	char *file = remote_lock_file(c);
	bool runs = file != NULL && is_locked(file);

	mem_free(file);
	return runs && !c->use_ssl && !c->read_only &&
	    c->rules.auth != AUTH_PROXY && c->rules.auth != AUTH_TOKEN;
}

static size_t
take(char *data, size_t size, size_t n, void *arg)
{
	struct buf *out = arg;

	if (out->len + size * n > ANSWER_MAX)
		return 0;
	buf_add(out, data, size * n);
	return size * n;
}

/* ":3000" and "0.0.0.0:3000" are reached here. */
static void
add_url(struct buf *url, const struct config *c, const char *path)
{
	const char *at = c->listen_address;
	const char *colon = strrchr(at, ':');

	if (*c->listen_socket != '\0')
		buf_str(url, "http://localhost");
	else if (colon == at || strncmp(at, "0.0.0.0:", 8) == 0 ||
	    strncmp(at, "[::]:", 5) == 0)
		buf_printf(url, "http://127.0.0.1%s", colon);
	else
		buf_printf(url, "http://%s", at);
	buf_printf(url, "%s/api/%s", c->url_prefix, path);
}

/* Was it certainly not done? */
static bool
was_not_sent(CURLcode code)
{
	return code == CURLE_COULDNT_CONNECT ||
	    code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_URL_MALFORMAT;
}

static CURLcode
perform(CURL *curl, const struct config *c, const char *url, struct buf *out)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
	if (*c->listen_socket != '\0')
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH,
		    c->listen_socket);
	if (c->rules.auth != AUTH_NONE) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(curl, CURLOPT_USERNAME, c->http_auth_user);
		curl_easy_setopt(curl, CURLOPT_PASSWORD,
		    c->http_auth_password);
	}
	return curl_easy_perform(curl);
}

enum err_code
remote_get(const struct config *c, const char *path, struct buf *out,
    struct err *err)
{
	CURL *curl = curl_easy_init();
	struct buf url = { 0 };
	CURLcode code;

	if (curl == NULL)
		return err_set(err, ERR_UNREACHABLE, "no HTTP client");
	add_url(&url, c, path);
	code = perform(curl, c, buf_text(&url), out);
	if (code != CURLE_OK)
		err_set(err, was_not_sent(code) ? ERR_UNREACHABLE : ERR_IO,
		    "the daemon at %s: %s", *c->listen_socket != '\0'
		    ? c->listen_socket : c->listen_address,
		    curl_easy_strerror(code));
	curl_easy_cleanup(curl);
	buf_fini(&url);
	return code == CURLE_OK ? ERR_NONE : err->code;
}
