/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a configuration comes from: default files over each other, --config,
 * credentials files, the environment; and what a reload does.
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/conf.h"
#include "tap.h"

static char dir[] = "/tmp/orc-config-XXXXXX";

/* dir/name, until the second call after this */
static const char *
path(const char *name)
{
	static char text[2][PATH_MAX];
	static int turn;

	turn = !turn;
	snprintf(text[turn], sizeof text[turn], "%s/%s", dir, name);
	return text[turn];
}

static void
put(const char *name, const char *text)
{
	FILE *f = fopen(path(name), "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0) {
		perror(name);
		exit(1);
	}
}

static void
drop(const char *name)
{
	unlink(path(name));
}

/* Loads one file as --config does. */
static struct config *
load(const char *name, struct err *err)
{
	struct config_source src = { .file = path(name) };

	err_clear(err);
	return config_load(&src, err);
}

/* err's text without the directory's name */
static const char *
plain(const struct err *err)
{
	static char text[ERR_TEXT_MAX];
	const char *p = err->text, *hit;
	size_t n = 0;

	while ((hit = strstr(p, dir)) != NULL) {
		n += (size_t)snprintf(text + n, sizeof text - n, "%.*s",
		    (int)(hit - p), p);
		p = hit + strlen(dir) + 1;
	}
	snprintf(text + n, sizeof text - n, "%s", p);
	return text;
}

static void
test_defaults(void)
{
	const char *three[4] = { mem_strdup(path("1")), mem_strdup(path("2")),
		mem_strdup(path("3")), NULL };
	struct config_source src = { .defaults = three };
	struct err err = ERR_INIT;
	struct config *c;

	put("1", "{\"InstancePollSeconds\":7,\"WebMessage\":\"one\","
		 "\"PowerAuthUsers\":[\"a\",\"b\"],"
		 "\"ClusterNameToAlias\":{\"x\":\"1\",\"y\":\"1\"}}");
	put("3", "{\"webmessage\":\"three\",\"AuthUserHeader\":null,"
		 "\"PowerAuthUsers\":[\"c\"],"
		 "\"ClusterNameToAlias\":{\"y\":\"3\",\"z\":\"3\"}}");
	c = config_load(&src, &err);
	ok(c != NULL, "a missing default file does not matter");
	is_int(c->instance_poll_seconds, 7, "a key of the first file stays");
	is_str(c->web_message, "three", "a later file overrides");
	ok(c->power_auth_users.count == 1 &&
	    strcmp(c->power_auth_users.item[0], "c") == 0,
	    "lists are replaced");
	is_str(config_cluster_alias(c, "x"), "1", "maps are merged: old");
	is_str(config_cluster_alias(c, "y"), "3", "maps are merged: changed");
	is_str(config_cluster_alias(c, "z"), "3", "maps are merged: new");
	is_int((int64_t)c->files, 2, "two files were read");
	is_str(c->file[1], three[2], "the last one is the third");
	config_free(c);

	put("2", "{\"Debug\":");
	ok(config_load(&src, &err) == NULL && err.code == ERR_MALFORMED,
	    "a default file that is not JSON is an error: %s", plain(&err));
	put("2", "{\"DeadInstancePollSecondsMax\":6}");
	ok(config_load(&src, &err) == NULL, "files are checked together");
	is_str(plain(&err), "2: DeadInstancePollSecondsMax: is 6, less than "
	    "InstancePollSeconds, which is 7", "the key's file is named");
	drop("1");
	drop("2");
	drop("3");
	c = config_load(&src, &err);
	ok(c != NULL && c->files == 0, "no file: the defaults");
	is_str(c->note[0].text,
	    "no configuration file found: defaults are in force",
	    "... and a note");
	config_free(c);
	for (int i = 0; i < 3; i++)
		mem_free((char *)(uintptr_t)three[i]);
}

static void
test_alone(void)
{
	const char *others[] = { "/dev/null", NULL };
	struct config_source src = { .file = path("a"), .defaults = others };
	struct err err = ERR_INIT;
	struct config *c;

	put("a", "{\"Debug\":true,\"SkipOrchestratorDatabaseUpdate\":true}");
	c = config_load(&src, &err);
	ok(c != NULL && c->files == 1 && c->debug,
	    "--config: that file alone");
	ok(c->skip_orchestrator_database_update, "the database is let be");
	config_free(c);
	src.enable_database_update = true;
	c = config_load(&src, &err);
	ok(!c->skip_orchestrator_database_update,
	    "--enable-database-update wins");
	config_free(c);

	drop("a");
	ok(load("a", &err) == NULL && err.code == ERR_NOT_FOUND,
	    "a missing file is an error: %s", plain(&err));
	src = (struct config_source){ .file = "/dev/null" };
	ok(config_load(&src, &err) == NULL && err.code == ERR_IO,
	    "a device is refused: %s", err.text);
	src = (struct config_source){ .file = dir };
	ok(config_load(&src, &err) == NULL && err.code == ERR_IO,
	    "a directory is refused: %s", plain(&err));
	put("a", "{}");
	src = (struct config_source){ .file = path("a"), .extra = path("b") };
	ok(config_load(&src, &err) == NULL && err.code == ERR_NOT_FOUND,
	    "an extra file must be there");
	put("b", "{\"WebMessage\":\"b\"}");
	c = config_load(&src, &err);
	is_str(c->web_message, "b", "an extra file overrides");
	config_free(c);
}

/* Spaces behind the object, up to size bytes in all */
static void
put_size(const char *name, size_t size)
{
	char *text = mem_alloc(size + 1);

	memset(text, ' ', size);
	memcpy(text, "{}", 2);
	text[size] = '\0';
	put(name, text);
	mem_free(text);
}

static void
test_size(void)
{
	struct err err = ERR_INIT;
	struct config *c;

	put_size("big", CONFIG_FILE_MAX);
	c = load("big", &err);
	ok(c != NULL, "the largest file");
	config_free(c);
	put_size("big", CONFIG_FILE_MAX + 1);
	ok(load("big", &err) == NULL && err.code == ERR_IO, "one larger: %s",
	    plain(&err));
}

static const struct {
	const char *ini;
	const char *user, *password; /* user NULL: an error */
	const char *error;	     /* its end */
} login[] = {
	{ "[client]\nuser=u\npassword=p\n", "u", "p", NULL },
	{ "# c\n\n [client] ; c\r\n USER = u \r\n\tPassword\t=\tp q\t\r\n",
	    "u", "p q", NULL },
	{ "[client]\nuser=u # c\npassword=\"a#b;c\" ; c", "u", "a#b;c", NULL },
	{ "[client]\nuser=u\npassword=\" a\\\"\\\\\\n \"b", "u",
	    " a\"\\\n b", NULL },
	{ "[client]\nuser=u\npassword=a\\b", "u", "a\\b", NULL },
	{ "[client]\nuser=u\npassword=", "u", "", NULL },
	{ "[client]\nuser=u\n", "u", "json", NULL },
	{ "[client]\nuser=u\npassword=${ORC_T_SECRET}", "u", "s3", NULL },
	{ "[client]\nuser=${ORC_T_SECRET}\n", "${ORC_T_SECRET}", "json",
	    NULL },
	{ "[client]\nuser=u\npassword=\"a", NULL, NULL,
	    "line 3: a quote is not closed" },
	{ "[client]\nport=3\n", NULL, NULL,
	    "line 2: neither user nor password: port" },
	{ "[client]\nuser\n", NULL, NULL, "line 2: user without a value" },
	{ "user=u\n", NULL, NULL, "line 1: no [client] before this" },
	{ "[client]\n[mysqld]\n", NULL, NULL,
	    "line 2: no section but [client] is known" },
	{ "[clientele]\n", NULL, NULL,
	    "line 1: no section but [client] is known" },
	{ "[client", NULL, NULL, "line 1: no section but [client] is known" },
};

static void
test_credentials(void)
{
	char *text = mem_printf("{\"MySQLTopologyUser\":\"json\","
				"\"MySQLTopologyPassword\":\"json\","
				"\"MySQLTopologyCredentialsConfigFile\":\"%s\"}",
	    path("my.cnf"));
	struct err err = ERR_INIT;

	put("a", text);
	for (size_t i = 0; i < MEM_COUNT(login); i++) {
		struct config *c;

		put("my.cnf", login[i].ini);
		c = load("a", &err);
		if (login[i].user == NULL) {
			ok(c == NULL, "credentials %zu are refused", i);
			is_str(strstr(plain(&err), "line"), login[i].error,
			    "... and say why");
		} else if (ok(c != NULL, "credentials %zu are taken", i)) {
			is_str(c->mysql_topology_user, login[i].user,
			    "... user");
			is_str(c->mysql_topology_password, login[i].password,
			    "... password");
		}
		config_free(c);
	}
	is_str(plain(&err), "a: MySQLTopologyCredentialsConfigFile: my.cnf: "
	    "line 1: no section but [client] is known",
	    "file, key and credentials file are named");
	drop("my.cnf");
	ok(load("a", &err) == NULL && err.code == ERR_NOT_FOUND,
	    "a missing one is an error: %s", plain(&err));
	mem_free(text);
}

static const struct {
	const char *text;
	const char *want; /* NULL: an error */
} env[] = {
	{ "${ORC_T_SECRET}", "s3" },
	{ "a${ORC_T_SECRET}b", "as3b" },
	{ "${ORC_T_SECRET}${ORC_T_SECRET}}", "s3s3}" },
	{ "${ORC_T_EMPTY}", "" },
	{ "${ORC_T_AGAIN}", "${ORC_T_SECRET}" }, /* not a second time */
	{ "$ORC_T_SECRET ${} ${1} ${a-b} ${x", "$ORC_T_SECRET ${} ${1} "
	    "${a-b} ${x" },
	{ "x${ORC_T_UNSET}", NULL },
};

static void
test_env(void)
{
	static const char *const key[] = { "MySQLTopologyPassword",
		"MySQLOrchestratorPassword" };
	struct err err = ERR_INIT;

	for (size_t i = 0; i < 2 * MEM_COUNT(env); i++) {
		const char *name = key[i % 2], *got;
		char *text = mem_printf("{\"%s\":\"%s\"}", name,
		    env[i / 2].text);
		struct config *c;

		put("a", text);
		c = load("a", &err);
		mem_free(text);
		got = c == NULL ? NULL :
		    i % 2 == 0	? c->mysql_topology_password :
				  c->mysql_orchestrator_password;
		is_str(got, env[i / 2].want, "%s %s", name, env[i / 2].text);
		config_free(c);
	}
	is_str(plain(&err), "a: MySQLOrchestratorPassword: environment "
	    "variable ORC_T_UNSET is not set", "the variable is named");
}

static void
is_data_file(const char *want, const char *what)
{
	struct config *c = config_defaults();

	is_str(c->sqlite3_data_file, want, "%s", what);
	config_free(c);
}

static void
test_data_file(void)
{
	if (geteuid() == 0) {
		is_data_file("/var/lib/orchestrator/orchestrator.db",
		    "root's data file");
		if (seteuid(65534) != 0) {
			skip("a user's data file", "cannot leave root");
			return;
		}
	}
	setenv("HOME", "/home/u", 1);
	setenv("XDG_STATE_HOME", "/state", 1);
	is_data_file("/state/orchestrator/orchestrator.db",
	    "XDG_STATE_HOME's data file");
	setenv("XDG_STATE_HOME", "relative", 1);
	is_data_file("/home/u/.local/state/orchestrator/orchestrator.db",
	    "a user's data file");
	unsetenv("HOME");
	is_data_file("/var/lib/orchestrator/orchestrator.db",
	    "without a home, the system's");
	if (getuid() == 0 && seteuid(0) != 0)
		abort();
}

static void
test_reload(void)
{
	struct config_source src = { .file = path("a") };
	struct err err = ERR_INIT;
	struct config_keys restart;
	struct config *old, *new;

	put("a", "{\"ListenAddress\":\":1\",\"WebMessage\":\"a\","
		 "\"RaftNodes\":[\"x\",\"y\"],\"HTTPAuthUser\":\"u\"}");
	old = config_load(&src, &err);
	new = config_reload(old, &src, &restart, &err);
	is_int((int64_t)restart.count, 0, "the same file: nothing changed");
	config_free(new);

	put("a", "{\"ListenAddress\":\":2\",\"WebMessage\":\"b\","
		 "\"RaftNodes\":[\"x\",\"z\"]}");
	new = config_reload(old, &src, &restart, &err);
	is_str(new->web_message, "b", "a reload takes the new value");
	is_str(old->web_message, "a", "and leaves the old configuration");
	is_str(new->http_auth_user, "", "a key left out is its default again");
	is_int((int64_t)restart.count, 2, "two keys need a restart");
	is_int(restart.key[0], CFG_listen_address, "the address");
	is_int(restart.key[1], CFG_raft_nodes, "the list of nodes");
	config_free(new);

	put("a", "{\"ListenAddress\":5}");
	new = config_reload(old, &src, &restart, &err);
	ok(new == NULL && restart.count == 0, "a bad file is no reload: %s",
	    plain(&err));
	is_str(old->web_message, "a", "the old configuration holds");
	config_free(old);
}

static void
test_sample(void)
{
	const char *top = getenv("top_srcdir");
	struct config_source src;
	struct err err = ERR_INIT;
	struct config *c;
	char *file = mem_printf("%s/contrib/orchestrator.conf.json",
	    top != NULL ? top : ".");

	src = (struct config_source){ .file = file };
	c = config_load(&src, &err);
	ok(c != NULL, "the sample configuration is good: %s", err.text);
	for (size_t i = 0; c != NULL && i < c->notes; i++)
		diag("%s", c->note[i].text);
	ok(c != NULL && c->notes == 0, "and nothing is to be said on it");
	config_free(c);
	mem_free(file);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		return 1;
	}
	setenv("ORC_T_SECRET", "s3", 1);
	setenv("ORCHESTRATOR_TOPOLOGY_PASSWORD", "x", 1); /* sample */
	setenv("ORC_T_EMPTY", "", 1);
	setenv("ORC_T_AGAIN", "${ORC_T_SECRET}", 1);
	unsetenv("ORC_T_UNSET");
	test_defaults();
	test_alone();
	test_size();
	test_credentials();
	test_env();
	test_data_file();
	test_reload();
	test_sample();
	drop("a");
	drop("b");
	drop("big");
	rmdir(dir);
	return tap_done();
}
