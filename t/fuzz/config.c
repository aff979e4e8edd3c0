/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a configuration file: an error with a text, or a configuration
 * whose dump is a configuration again, with the same dump.
 */
#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "config/conf.h"
#include "fuzz/fuzz.h"

/* The masks of secrets and forced values read back as themselves. */
static void
check_dump(const struct config *c)
{
	struct err err = ERR_INIT;
	struct buf once, again;
	struct config *d;

	buf_init(&once);
	buf_init(&again);
	config_dump(c, &once);
	d = config_load_text("dump", once.data, once.len, &err);
	if (d == NULL) {
		fprintf(stderr, "%s\n", err.text);
		assert(!"a dump can be loaded");
	}
	assert(d->unknown == 0);
	config_dump(d, &again);
	assert(strcmp(buf_text(&once), buf_text(&again)) == 0);
	config_free(d);
	buf_fini(&once);
	buf_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err err = ERR_INIT;
	struct config *c = config_load_text("fuzz", (const char *)data, n, &err);

	if (c == NULL) {
		assert(err.code != ERR_NONE && err.text[0] != '\0');
		return 0;
	}
	assert(c->notes <= CONFIG_NOTES_MAX);
	host_filter_match(c->rules.discovery_ignore, "db-1.ams", 3306);
	cluster_filter_match(c->rules.recover_primary, "db-1:3306", "main");
	config_cluster_alias(c, "db-1:3306");
	check_dump(c);
	config_free(c);
	return 0;
}
