/* SPDX-License-Identifier: Apache-2.0 */
/* The command line, and what is printed of an answer. */
#include "config.h"

#include "cli/flags.h"

#include <string.h>

#include "cli/print.h"
#include "tap.h"

enum { ARGS_MAX = 8 };

static enum err_code
parse(struct flags *f, const char *const *args, struct err *err)
{
	char program[] = "orchestrator";
	char *argv[ARGS_MAX + 2] = { program };
	int argc = 1;

	while (argc <= ARGS_MAX && args[argc - 1] != NULL) {
		argv[argc] = (char *)(uintptr_t)args[argc - 1];
		argc++;
	}
	return flags_parse(f, argc, argv, err);
}

static void
forms(void)
{
	static const struct {
		const char *args[ARGS_MAX];
		const char *instance;
		bool debug, discovery;
		int words;
	} row[] = {
		{ { NULL }, "", false, true, 0 },
		{ { "-i", "h:1" }, "h:1", false, true, 0 },
		{ { "--i=h:1", "-debug" }, "h:1", true, true, 0 },
		{ { "-i=a=b" }, "a=b", false, true, 0 },
		{ { "-i", "-debug" }, "-debug", false, true, 0 },
		{ { "http", "-discovery=false" }, "", false, false, 1 },
		{ { "-debug", "false" }, "", true, true, 1 },
		{ { "--", "-debug" }, "", false, true, 1 },
		{ { "-i", "a", "-i", "b" }, "b", false, true, 0 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct err err = ERR_INIT;
		struct flags f;

		ok(parse(&f, row[i].args, &err) == ERR_NONE, "row %zu: %s", i,
		    err.text);
		is_str(f.instance, row[i].instance, "row %zu: -i", i);
		ok(f.debug == row[i].debug, "row %zu: -debug", i);
		ok(f.discovery == row[i].discovery, "row %zu: -discovery", i);
		is_int(f.words, row[i].words, "row %zu: words", i);
	}
}

static void
mistakes(void)
{
	static const struct {
		const char *args[ARGS_MAX];
		const char *text;
	} row[] = {
		{ { "-nosuch" }, "no such flag: -nosuch" },
		{ { "--nosuch=1" }, "no such flag: -nosuch" },
		{ { "-i" }, "-i needs a value" },
		{ { "-debug=maybe" }, "-debug is true or false, not \"maybe\"" },
		{ { "---debug" }, "no such flag: --debug" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct err err = ERR_INIT;
		struct flags f;

		is_int(parse(&f, row[i].args, &err), ERR_INVALID, "refused: %s",
		    row[i].args[0]);
		is_str(err.text, row[i].text, "why: %s", row[i].args[0]);
	}
}

static void
effects(void)
{
	static const char *const args[ARGS_MAX] = { "-noop", "-stack", "-grab-election",
		"-tag", "x", "-promotion-rule", "prefer" };
	struct err err = ERR_INIT;
	struct buf b = { 0 };
	struct flags f;

	parse(&f, args, &err);
	is_str(f.promotion_rule, "prefer", "a default, said aloud");
	is_str(flags_text(&f, "tag"), "x", "a flag by its name");
	is_str(flags_text(&f, "noop"), "true", "a switch that is on");
	is_str(flags_text(&f, "debug"), "", "one that is off");
	flags_without_effect(&f, &b);
	is_str(buf_text(&b), "-stack has no effect in this version\n"
	    "-grab-election has no effect in this version\n",
	    "what this version does not act on is named");
	buf_fini(&b);
}

static void
printing(void)
{
	static const char instances[] =
	    "[{\"Key\":{\"Hostname\":\"a\",\"Port\":1},\"N\":5,\"S\":1},"
	    "{\"Key\":{\"Hostname\":\"b\",\"Port\":2},\"N\":6,\"S\":0}]";
	static const struct {
		const char *template, *body, *want;
	} row[] = {
		{ "{Key}", instances, "a:1\nb:2\n" },
		{ "{N}\t{Key}!", instances, "5\ta:1!\n6\tb:2!\n" },
		{ "[S=1]{Key}", instances, "a:1\n" },
		{ "[S=1][N=6]{Key}", instances, "" },
		{ "{Missing}", instances, "\n\n" },
		{ "?{Missing}", instances, "" },
		{ "{.}", "[\"x\",\"y\"]", "x\ny\n" },
		{ "{.}", "null", "" },
		{ "{.}", "[]", "" },
		{ "{.}", "\"l1\\nl2\"", "l1\nl2\n" },
		{ "{.}", "12", "12\n" },
		{ "{.}", "false", "false\n" },
		{ "?{.}", "{\"Hostname\":\"\",\"Port\":0}", "" },
		{ "{.}", "{\"Code\":\"OK\",\"Message\":\"m\",\"Details\":"
			 "{\"Hostname\":\"::1\",\"Port\":3306}}", "::1:3306\n" },
		{ "{.}", "{\"Code\":\"OK\",\"Message\":\"m\",\"Details\":null}",
		    "" },
		{ "", "{\"Code\":\"OK\",\"Message\":\"m\",\"Details\":1}", "" },
		{ "done", "{\"Code\":\"OK\",\"Message\":\"m\",\"Details\":null}",
		    "done\n" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct err err = ERR_INIT;
		struct buf b = { 0 };

		ok(print_answer(&b, row[i].template, row[i].body,
		       strlen(row[i].body), &err) == ERR_NONE, "%s of %.20s",
		    row[i].template, row[i].body);
		is_str(buf_text(&b), row[i].want, "prints it");
		buf_fini(&b);
	}
}

static void
bad_answers(void)
{
	static const char error[] =
	    "{\"Code\":\"ERROR\",\"Message\":\"why\",\"Details\":null}";
	struct err err = ERR_INIT;
	struct buf b = { 0 };

	is_int(print_answer(&b, "{.}", error, strlen(error), &err), ERR_SERVER,
	    "an answer ERROR");
	is_str(err.text, "why", "its message");
	is_int(print_answer(&b, "{.}", "404", 2, &err), ERR_NONE, "a number");
	buf_reset(&b);
	is_int(print_answer(&b, "{.}", "<html>", 6, &err), ERR_MALFORMED,
	    "no JSON");
	is_str(buf_text(&b), "", "prints nothing");
	buf_fini(&b);
}

int
main(void)
{
	forms();
	mistakes();
	effects();
	printing();
	bad_answers();
	return tap_done();
}
