/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real src/http over the operations of fake.h, for the tests beside it.
 *
 *	http_test_server CONFIG.json [NAME=VALUE]...
 *
 * NAMEs are fields of struct http_tuning.  Prints "listening ADDRESS" once it
 * serves, "error: ..." and exit status 1 when it cannot; TERM stops it, which
 * it reports with "stopped".
 */
#include "config.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/conf.h"
#include "fake.h"
#include "http/http.h"

/* The pair 111:222 is a token that holds. */
static bool
token_holds(void *arg, const char *public_part, const char *secret)
{
	(void)arg;
	return strcmp(public_part, "111") == 0 && strcmp(secret, "222") == 0;
}

static bool
tune(struct http_tuning *t, char *word)
{
	static const struct {
		const char *name;
		enum { INT, SIZE, BOOL, TEXT } type;
		size_t offset;
	} field[] = {
#define FIELD(name, type) { #name, type, offsetof(struct http_tuning, name) }
		FIELD(threads, INT),
		FIELD(http2, BOOL),
		FIELD(connections_max, INT),
		FIELD(calls_max, INT),
		FIELD(conn_calls_max, INT),
		FIELD(body_max, SIZE),
		FIELD(held_max, SIZE),
		FIELD(conn_held_max, SIZE),
		FIELD(request_ms, INT),
		FIELD(reply_ms, INT),
		FIELD(stop_ms, INT),
		FIELD(socket_mode, INT),
		FIELD(access_log, TEXT),
	};
	char *value = strchr(word, '=');

	if (value == NULL)
		return false;
	*value++ = '\0';
	for (size_t i = 0; i < sizeof field / sizeof field[0]; i++) {
		void *at = (char *)t + field[i].offset;

		if (strcmp(field[i].name, word) != 0)
			continue;
		switch (field[i].type) {
		case INT: *(int *)at = (int)strtol(value, NULL, 0); break;
		case SIZE: *(size_t *)at = strtoul(value, NULL, 0); break;
		case BOOL: *(bool *)at = atoi(value) != 0; break;
		case TEXT: *(const char **)at = value; break;
		}
		return true;
	}
	return false;
}

static int
serve(const struct http_arg *arg)
{
	struct err err = ERR_INIT;
	struct http *http = http_start(arg, &err);
	sigset_t wanted;
	int signo;

	if (http == NULL) {
		printf("error: %s: %s\n", err_name(err.code), err.text);
		return 1;
	}
	printf("listening %s\n", http_address(http));
	fflush(stdout);
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigwait(&wanted, &signo);
	http_stop(http);
	printf("stopped\n");
	fflush(stdout);
	fake_rt_free(arg->rt);
	http_free(http);
	return 0;
}

int
main(int argc, char **argv)
{
	struct http_tuning tuning;
	struct http_arg arg = { .tuning = &tuning, .token = token_holds };
	struct err err = ERR_INIT;
	struct config *config;
	sigset_t term;
	int rc;

	config = config_load(&(struct config_source){ .file = argv[1] }, &err);
	if (config == NULL) {
		printf("error: %s\n", err.text);
		return 1;
	}
	http_tuning_from(&tuning, config);
	for (int i = 2; i < argc; i++)
		if (!tune(&tuning, argv[i])) {
			fprintf(stderr, "what is %s?\n", argv[i]);
			return 2;
		}
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	arg.config = config;
	arg.rt = fake_rt_new();
	rc = serve(&arg);
	if (rc != 0)
		fake_rt_free(arg.rt);
	config_free(config);
	return rc;
}
