/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of the fleet: doc/fleet.md describes it.
 */
#include "config.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "fleet/fleet.h"
#include "fleet/tls.h"

static const char usage[] =
    "usage: fleet [OPTION VALUE]...\n"
    "       fleet --control PATH send WORD...\n"
    "  --clusters N      (10)\n"
    "  --size N          servers in each (10)\n"
    "  --depth N         levels below the primary (2)\n"
    "  --version V,...   of a cluster's servers, in turn (8.0.36)\n"
    "  --writes N        transactions a second, of each primary (0)\n"
    "  --datacenters N   a cluster's servers in turn (1)\n"
    "  --base ADDRESS    of the first server (127.10.0.1)\n"
    "  --port N          of all of them (3306)\n"
    "  --listen HOW      auto, own, shared\n"
    "  --control PATH    a unix socket that takes commands\n"
    "  --seed N          of what \"30%\" picks (1)\n"
    "  --tls HOW         off, offered, required (off)\n";

static void
fail(const char *what, const char *value)
{
	fprintf(stderr, "fleet: %s: %s\n%s", what, value, usage);
	exit(2);
}

static double
number(const char *name, const char *value, double min, double max)
{
	char *end;
	double v = strtod(value, &end);

	if (end == value || *end != '\0' || v < min || v > max)
		fail(name, value);
	return v;
}

static void
set_versions(struct fleet_options *o, char *list)
{
	char *save = NULL;

	o->versions = 0;
	for (char *v = strtok_r(list, ",", &save); v != NULL;
	     v = strtok_r(NULL, ",", &save)) {
		if (o->versions == FLEET_VERSIONS_MAX || strlen(v) > 40 ||
		    version_parse(v).major < 5)
			fail("--version", v);
		o->version[o->versions++] = v;
	}
}

static void
set_listen(struct fleet_options *o, const char *value)
{
	static const char *const how[] = { [LISTEN_AUTO] = "auto",
		[LISTEN_OWN] = "own", [LISTEN_SHARED] = "shared" };

	for (unsigned i = 0; i < MEM_COUNT(how); i++)
		if (strcmp(value, how[i]) == 0) {
			o->listen = (enum listen_mode)i;
			return;
		}
	fail("--listen", value);
}

static void
set_tls(struct fleet_options *o, const char *value)
{
	static const char *const how[] = { [TLS_OFF] = "off",
		[TLS_OFFERED] = "offered", [TLS_REQUIRED] = "required" };

	for (unsigned i = 0; i < MEM_COUNT(how); i++)
		if (strcmp(value, how[i]) == 0) {
			o->tls = (enum tls_mode)i;
			return;
		}
	fail("--tls", value);
}

/* Loopback only: nobody else's address may be answered for. */
static void
set_base(struct fleet_options *o, const char *value)
{
	struct in_addr a;

	if (inet_pton(AF_INET, value, &a) != 1 || ntohl(a.s_addr) >> 24 != 127)
		fail("--base is not in 127.0.0.0/8", value);
	o->base = ntohl(a.s_addr);
}

static void
set_option(struct fleet_options *o, const char *name, char *value)
{
	const struct {
		const char *name;
		uint32_t *to;
		uint32_t min, max;
	} counts[] = {
		{ "--clusters", &o->clusters, 1, FLEET_SERVERS_MAX },
		{ "--size", &o->size, 1, 1000 },
		{ "--depth", &o->depth, 1, 100 },
		{ "--datacenters", &o->data_centers, 1,
		    FLEET_DATA_CENTERS_MAX },
	};

	for (size_t i = 0; i < MEM_COUNT(counts); i++)
		if (strcmp(name, counts[i].name) == 0) {
			*counts[i].to = (uint32_t)number(name, value,
			    counts[i].min, counts[i].max);
			return;
		}
	if (strcmp(name, "--version") == 0)
		set_versions(o, value);
	else if (strcmp(name, "--writes") == 0)
		o->writes = number(name, value, 0, 1e6);
	else if (strcmp(name, "--base") == 0)
		set_base(o, value);
	else if (strcmp(name, "--port") == 0)
		o->port = (uint16_t)number(name, value, 1, 65535);
	else if (strcmp(name, "--listen") == 0)
		set_listen(o, value);
	else if (strcmp(name, "--tls") == 0)
		set_tls(o, value);
	else if (strcmp(name, "--control") == 0)
		o->control = value;
	else if (strcmp(name, "--seed") == 0)
		o->seed = (uint64_t)number(name, value, 0, 1e15);
	else
		fail("no such option", name);
}

static int
send_words(const char *path, char **word)
{
	struct buf b;
	int status;

	if (path == NULL)
		fail("send", "--control comes first");
	buf_init(&b);
	for (; *word != NULL; word++) {
		buf_str(&b, *word);
		buf_chr(&b, ' ');
	}
	status = control_send(path, buf_text(&b));
	buf_fini(&b);
	return status;
}

static int
run(const struct fleet_options *o)
{
	static struct fleet f; /* large */

	if (o->tls != TLS_OFF)
		tls_init();
	fleet_init(&f, o);
	if (!fleet_listen(&f) || !control_listen(&f))
		return 1;
	printf("fleet: %u servers from %s:%u, %s\n", f.servers,
	    f.server[0].address, o->port, f.o.listen == LISTEN_OWN ?
	    "each on a socket of its own" : "one socket for all");
	fflush(stdout);
	fleet_run(&f);
	if (o->control != NULL)
		unlink(o->control);
	fleet_fini(&f);
	return 0;
}

int
main(int argc, char **argv)
{
	struct fleet_options o = { .clusters = 10, .size = 10, .depth = 2,
		.version = { "8.0.36" }, .versions = 1, .data_centers = 1,
		.base = 0x7f0a0001, .port = 3306, .seed = 1 };

	signal(SIGPIPE, SIG_IGN);
	for (int i = 1; i < argc; i += 2) {
		if (strcmp(argv[i], "send") == 0)
			return send_words(o.control, argv + i + 1);
		if (strcmp(argv[i], "--help") == 0) {
			fputs(usage, stdout);
			return 0;
		}
		if (i + 1 == argc)
			fail("no value", argv[i]);
		set_option(&o, argv[i], argv[i + 1]);
	}
	if ((uint64_t)o.clusters * o.size > FLEET_SERVERS_MAX)
		fail("more servers than", "100000");
	return run(&o);
}
