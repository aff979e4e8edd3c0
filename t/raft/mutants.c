/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a test notice when a rule is missing?  Each rule of rules.def is switched
 * off in a child process that runs the stories and random groups until one of
 * them fails, an assertion aborts, or all went well: then the rule's mutant
 * survived, and so did a hole in the tests.
 *
 *	mutants.t [--seeds N] [NAME...]
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raft/core.h"
#include "raft/nemesis.h"
#include "raft/story.h"
#include "tap.h"

static const struct {
	const char *name, *section, *text;
} rules[] = {
	{ "ALL", "", "" },
#define RULE(name, section, text) { #name, section, text },
#include "raft/rules.def"
#undef RULE
};

enum { KILLED_BY_STORY = 10, KILLED_BY_SEED = 11 };

/* A mutant's assertion is as good as a failing test: no core, no text. */
static void
be_quiet(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	if (freopen("/dev/null", "w", stderr) == NULL)
		abort();
}

static _Noreturn void
live(enum raft_rule rule, uint64_t seeds)
{
	char why[VIOLATION_MAX];
	struct totals t = { 0 };
	uint64_t seed;

	be_quiet();
	raft_mutant = rule;
	alarm(600); /* one that runs for ever is noticed, too */
	if (!stories_hold(why))
		_exit(KILLED_BY_STORY);
	for (seed = 1; seed <= seeds; seed++)
		if (!nemesis_run(seed, &t, why))
			_exit(KILLED_BY_SEED);
	_exit(0);
}

static const char *
verdict(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGABRT ? "by an assertion"
		    : WTERMSIG(status) == SIGALRM ? "by never ending"
		    : "by a crash";
	switch (WEXITSTATUS(status)) {
	case KILLED_BY_STORY: return "by a story";
	case KILLED_BY_SEED: return "by a seed";
	}
	return NULL;
}

static void
try(enum raft_rule rule, uint64_t seeds)
{
	const char *how;
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		live(rule, seeds);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	how = verdict(status);
	if (rule == RULE_ALL)
		ok(how == NULL, "without a mutation nothing fails");
	else
		ok(how != NULL, "%s is noticed %s (section %s: %s)",
		    rules[rule].name, how == NULL ? "by nobody" : how,
		    rules[rule].section, rules[rule].text);
}

static bool
is_named(int argc, char **argv, int first, const char *name)
{
	int i;

	for (i = first; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return first >= argc;
}

int
main(int argc, char **argv)
{
	uint64_t seeds = 1500;
	int first = 1;
	unsigned rule;

	if (argc > 2 && strcmp(argv[1], "--seeds") == 0) {
		seeds = strtoull(argv[2], NULL, 10);
		first = 3;
	}
	for (rule = 0; rule < RULES; rule++)
		if (is_named(argc, argv, first, rules[rule].name))
			try(rule, rule == RULE_ALL ? seeds / 10 : seeds);
	return tap_done();
}
