/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orchestrator: the daemon, its commands and its manuals in one program.
 *
 *	orchestrator http		serve
 *	orchestrator -c COMMAND ...	run one command, no daemon needed
 *	orchestrator help [COMMAND]
 *	orchestrator -x WHAT		print a manual
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "actors/messages.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/serve.h"
#include "ops/op.h"
#include "topology/analysis.h"
#include "topology/promotion.h"

static int
put(FILE *to, struct buf *text, int status)
{
	fputs(buf_text(text), to);
	buf_fini(text);
	return status;
}

static int
usage(FILE *to, int status)
{
	struct buf b = { 0 };

	buf_str(&b, "Usage:\n"
	    "  orchestrator [-config FILE] http\n"
	    "  orchestrator [-config FILE] -c COMMAND [-i HOST:PORT] ...\n"
	    "  orchestrator help [COMMAND]\n"
	    "  orchestrator -x messages|ops|config|commands|analysis\n"
	    "Flags:\n");
	flags_help(&b);
	return put(to, &b, status);
}

/* ---- help and manuals ---- */

static int
help(const struct flags *f)
{
	const char *about = f->words > 1 ? f->word[1] : "cli";
	struct buf b = { 0 };

	if (strcmp(about, "cli") == 0) {
		command_list(&b);
		return put(stderr, &b, 0);
	}
	if (!command_help(&b, about))
		buf_printf(&b, "%s: no such command\n", about);
	return put(stdout, &b, 0);
}

static int
manual(const char *what)
{
	static const struct {
		const char *name;
		void (*print)(struct buf *b);
	} page[] = {
		{ "messages", msg_graph },
		{ "ops", ops_manual },
		{ "config", config_manual },
		{ "commands", command_list },
		{ "analysis", analysis_manual },
	};
	struct buf b = { 0 };

	for (size_t i = 0; i < MEM_COUNT(page); i++) {
		if (strcmp(page[i].name, what) != 0)
			continue;
		page[i].print(&b);
		return put(stdout, &b, 0);
	}
	fprintf(stderr, "-x: messages, ops, config, commands or analysis, not \"%s\"\n",
	    what);
	return 2;
}

/* ---- what the flags say ---- */

static void
set_log_level(const struct flags *f)
{
	log_set_level(f->quiet	 ? LOG_ERROR
		: f->debug	 ? LOG_DEBUG
		: f->verbose	 ? LOG_INFO
				 : LOG_NOTICE);
}

/* false: they contradict each other, or make no sense. */
static bool
check(const struct flags *f)
{
	enum promotion_rule rule;
	struct err err = ERR_INIT;
	struct buf odd = { 0 };

	if (*f->sibling != '\0' && *f->destination != '\0') {
		log_line(LOG_ERROR, "-s and -d are the same: give one of them");
		return false;
	}
	if (promotion_rule_parse(&rule, f->promotion_rule, &err) != ERR_NONE) {
		log_line(LOG_ERROR, "-promotion-rule: %s", err.text);
		return false;
	}
	flags_without_effect(f, &odd);
	for (char *s = odd.data; s != NULL && *s != '\0';) {
		size_t n = strcspn(s, "\n");

		log_line(LOG_WARNING, "%.*s", (int)n, s);
		s += n + 1;
	}
	buf_fini(&odd);
	return true;
}

static int
run_word(const struct flags *f, const struct config_source *source)
{
	const char *word = f->words > 0 ? f->word[0] : "";

	if (*f->command != '\0' &&
	    (*word == '\0' || strcmp(word, "cli") == 0))
		return command_run(f, source);
	if (strcmp(word, "http") == 0 && f->words == 1 && *f->command == '\0')
		return serve(f, source, true);
	if (*word == '\0') {
		puts("orchestrator watches MySQL replication topologies.\n"
		    "\"orchestrator -h\" shows how to use it.");
		return 0;
	}
	if (strcmp(word, "http") == 0)
		word = f->words > 1 ? f->word[1] : "-c";
	fprintf(stderr, "orchestrator: what is \"%s\"?\n", word);
	return usage(stderr, 1);
}

int
main(int argc, char **argv)
{
	struct config_source source = { 0 };
	struct err err = ERR_INIT;
	struct flags f;

	if (flags_parse(&f, argc, argv, &err) != ERR_NONE) {
		fprintf(stderr, "orchestrator: %s\n", err.text);
		usage(stderr, 2);
		return 2;
	}
	if (f.help)
		return usage(stderr, 0);
	if (f.version)
		return puts(PACKAGE_VERSION "\n" ORC_COMMIT) < 0;
	if (*f.manual != '\0')
		return manual(f.manual);
	if ((f.words > 0 && strcmp(f.word[0], "help") == 0) ||
	    strcmp(f.command, "help") == 0)
		return help(&f);
	set_log_level(&f);
	if (!check(&f))
		return 1;
	source.file = *f.config != '\0' ? f.config : NULL;
	source.enable_database_update = f.enable_database_update;
	return run_word(&f, &source);
}
