/* SPDX-License-Identifier: Apache-2.0 */
/* Commands, run on the store by actors of their own; see command.h. */
#include "config.h"

#include "cli/command.h"

#include <assert.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actors/reload.h"
#include "base/mem.h"
#include "cli/bar.h"
#include "cli/daemon.h"
#include "cli/print.h"
#include "cli/remote.h"
#include "cli/snapshot.h"
#include "ops/op.h"
#include "topology/key.h"

enum whom { NOBODY, SERVER, NAMED, CLUSTER, ANY, LIST };
enum on_error { ERRORS, UNKNOWN_OK };

static const struct command {
	const char *name;
	const char *synonyms;
	const char *section;
	const char *op;	       /* of ops.def; NULL: own */
	enum whom whom;
	const char *arguments;
	const char *print;
	enum on_error on_error;
	const char *help;
	int (*own)(const struct flags *f, const struct config_source *source);
} table[] = {
#define CMD(name, synonyms, section, op, whom, arguments, print, exit, help) \
	{ name, synonyms, section, op, whom, arguments, print, exit, help, \
	    NULL },
#define OWN(name, section, function, help) \
	{ name, "", section, NULL, NOBODY, "", "", ERRORS, help, function },
#include "cli/cli.def"
#undef CMD
#undef OWN
};

static const char *const later[] = {
#define LATER(names) names,
#include "cli/cli.def"
#undef LATER
};

/* ---- finding ---- */

/* Is word one of the blank separated words of list? */
static bool
has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *s = list; *s != '\0';) {
		size_t n = strcspn(s, " ");

		if (n == len && memcmp(s, word, n) == 0)
			return true;
		s += n + strspn(s + n, " ");
	}
	return false;
}

static const struct command *
find(const char *name)
{
	for (size_t i = 0; i < MEM_COUNT(table); i++)
		if (strcmp(table[i].name, name) == 0 ||
		    has_word(table[i].synonyms, name))
			return &table[i];
	return NULL;
}

static bool
comes_later(const char *name)
{
	for (size_t i = 0; i < MEM_COUNT(later); i++)
		if (has_word(later[i], name))
			return true;
	return false;
}

/* ---- help ---- */

/* The first row of each section prints it whole, wherever its rows stand. */
static bool
section_is_new(size_t row)
{
	for (size_t i = 0; i < row; i++)
		if (strcmp(table[i].section, table[row].section) == 0)
			return false;
	return true;
}

void
command_list(struct buf *out)
{
	for (size_t i = 0; i < MEM_COUNT(table); i++) {
		if (!section_is_new(i))
			continue;
		buf_printf(out, "%s:\n", table[i].section);
		for (size_t j = i; j < MEM_COUNT(table); j++)
			if (strcmp(table[j].section, table[i].section) == 0)
				buf_printf(out, "    %-38s %s\n",
				    table[j].name, table[j].help);
	}
}

static void
help_arguments(struct buf *out, const struct command *cmd)
{
	static const char *const whom[] = {
		[NOBODY] = "",
		[SERVER] = " [-i HOST[:PORT]...]",
		[NAMED] = " -i HOST[:PORT]...",
		[CLUSTER] = " -alias CLUSTER | -i HOST[:PORT]",
		[ANY] = " [-alias CLUSTER | -i HOST[:PORT]]",
		[LIST] = " -i HOST[:PORT],...",
	};

	buf_printf(out, "    orchestrator -c %s%s", cmd->name, whom[cmd->whom]);
	for (const char *s = cmd->arguments; *s != '\0';) {
		size_t n = strcspn(s, " ");
		const char *flag = (const char *)memchr(s, '=', n) + 1;
		size_t len = (size_t)(s + n - flag);
		bool must = flag[len - 1] == '!';

		if (*flag != '=')
			buf_printf(out, must ? " -%.*s VALUE"
					     : " [-%.*s VALUE]",
			    (int)(len - must), flag);
		s += n + strspn(s + n, " ");
	}
	buf_chr(out, '\n');
}

bool
command_help(struct buf *out, const char *name)
{
	const struct command *cmd = find(name);

	if (cmd == NULL)
		return false;
	buf_printf(out, "%s:\n", cmd->name);
	help_arguments(out, cmd);
	buf_printf(out, "    %s.\n", cmd->help);
	if (*cmd->synonyms != '\0')
		buf_printf(out, "    Also: %s\n", cmd->synonyms);
	return true;
}

/* ---- one call ---- */

struct run {
	const struct flags *f;
	const struct command *cmd;
	struct daemon daemon;
	struct ops *ops;
	bool done;
	struct buf out;
	struct err err;
	size_t step, steps; /* of a list, when that is to be shown */
};

static bool
is_dry(const struct run *run)
{
	return run->f->dry_run || run->f->dry_run_too;
}

static void
print_whole(struct run *run, const struct buf *whole)
{
	print_answer(&run->out, is_dry(run) ? "{.}" : run->cmd->print,
	    whole->data, whole->len, &run->err);
}

static void
on_done(void *arg, struct op_call *call, const struct op_reply *reply)
{
	struct run *run = arg;
	struct buf whole;

	run->done = true;
	buf_init(&whole);
	ops_whole(call, reply, &whole);
	print_whole(run, &whole);
	buf_fini(&whole);
	if (reply->warning != NULL)
		log_line(LOG_WARNING, "%s", reply->warning);
}

static void
on_message(void *arg, struct msg *m)
{
	struct run *run = arg;

	ops_deliver(run->ops, m);
}

static const char *
user_name(void)
{
	const struct passwd *pw = getpwuid(geteuid());

	return pw != NULL ? pw->pw_name : "";
}

static void
set_key(struct op_call *call, const char *host, const char *port,
    struct key key)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", key.port);
	op_arg_set(call, host, key.host);
	op_arg_set(call, port, number);
}

/* The server of -d or -s. */
static enum err_code
set_below(struct run *run, struct op_call *call, const char *text)
{
	struct arena a;
	struct key key;

	arena_init(&a);
	if (key_parse(&key, text,
		(unsigned)run->daemon.config->default_instance_port, &a,
		&run->err) == ERR_NONE)
		set_key(call, "belowHost", "belowPort", key);
	arena_fini(&a);
	return run->err.code;
}

/* "argument=flag", "argument=flag!" or "argument==text", of n bytes. */
static enum err_code
set_argument(struct run *run, struct op_call *call, const char *pair, size_t n)
{
	char *name = mem_strndup(pair, n), *flag = strchr(name, '=');
	size_t len = strlen(flag) - 1;
	bool must = flag[len] == '!';
	const char *value;

	*flag++ = '\0';
	if (must)
		flag[len - 1] = '\0';
	value = *flag == '=' ? flag + 1 : flags_text(run->f, flag);
	if (*value == '\0' && strcmp(flag, "d") == 0)
		value = run->f->sibling;
	if (*value == '\0' && must)
		err_set(&run->err, ERR_INVALID, "%s: -%s must be given",
		    run->cmd->name, flag);
	else if (*value != '\0' && strcmp(name, "below") == 0)
		set_below(run, call, value);
	else if (*value != '\0')
		op_arg_set(call, name, value);
	mem_free(name);
	return run->err.code;
}

static enum err_code
set_arguments(struct run *run, struct op_call *call)
{
	enum err_code code = ERR_NONE;

	if (is_dry(run) && !(op_flags(op_of(call)) & OP_PLAN))
		return err_set(&run->err, ERR_INVALID, "%s has no dry run",
		    run->cmd->name);
	if (is_dry(run))
		op_arg_set(call, "dry-run", "words");
	for (const char *s = run->cmd->arguments;
	     *s != '\0' && code == ERR_NONE;) {
		size_t n = strcspn(s, " ");

		code = set_argument(run, call, s, n);
		s += n + strspn(s + n, " ");
	}
	return code;
}

static void
wait_for(struct run *run, struct op_call *call)
{
	ops_start(call, on_done, run);
	while (!run->done) {
		port_wait(run->daemon.port, DUR_S(1));
		port_poll(run->daemon.port, on_message, run);
		ops_expire(run->ops);
	}
}

/*
 * By the daemon that serves this store, when there is one: two processes that
 * change servers would know of each other's locks a moment too late.
 * false: it was not asked.
 */
static bool
left_to_daemon(struct run *run, struct op_call *call)
{
	struct buf path = { 0 }, answer = { 0 }, errors = { 0 };
	bool asked = false;

	if (!(op_flags(op_of(call)) & OP_PLAN) || run->daemon.app.noop ||
	    !remote_runs(run->daemon.config) || !op_path(call, &path))
		return false;
	if (remote_get(run->daemon.config, buf_text(&path), &answer,
		&run->err) == ERR_UNREACHABLE) {
		log_line(LOG_WARNING, "%s; done without it", run->err.text);
		err_clear(&run->err);
	} else {
		asked = true;
		if (run->err.code == ERR_NONE) {
			print_whole(run, &answer);
			print_errors(&errors, answer.data, answer.len);
		}
		if (errors.len > 0)
			log_line(LOG_WARNING, "%s", buf_text(&errors));
	}
	buf_fini(&path);
	buf_fini(&answer);
	buf_fini(&errors);
	return asked;
}

/* One call with the arguments so far; errors are in run->err. */
static enum err_code
call_op(struct run *run, struct op_call *call)
{
	struct op_who who = { .authorized = true, .user = user_name(),
		.client = "command line" };

	err_clear(&run->err);
	run->done = false;
	op_who_set(call, &who);
	if (set_arguments(run, call) == ERR_NONE &&
	    !left_to_daemon(run, call))
		wait_for(run, call);
	ops_close(call);
	if (run->steps > 1)
		bar_hide();
	fputs(buf_text(&run->out), stdout);
	fflush(stdout);
	buf_reset(&run->out);
	return run->err.code;
}

static struct op_call *
open_call(struct run *run)
{
	struct op_call *call = ops_open(run->ops, run->cmd->op);

	assert(call != NULL); /* cli.def names what ops.def has */
	return call;
}

/* ---- whom it is about ---- */

static enum err_code
call_server(struct run *run, const char *text)
{
	struct op_call *call;
	struct arena a;
	struct key key;

	arena_init(&a);
	if (key_parse(&key, text,
		(unsigned)run->daemon.config->default_instance_port, &a,
		&run->err) == ERR_NONE) {
		call = open_call(run);
		set_key(call, "host", "port", key);
		call_op(run, call);
	}
	arena_fini(&a);
	return run->err.code;
}

static size_t
count_words(const char *list, const char *apart)
{
	size_t n = 0;

	for (list += strspn(list, apart); *list != '\0'; n++) {
		list += strcspn(list, apart);
		list += strspn(list, apart);
	}
	return n;
}

/* Each of a list parted by blanks, commas or newlines; the first error ends. */
static enum err_code
call_servers(struct run *run, const char *list)
{
	static const char apart[] = " ,\t\r\n";
	enum err_code code = ERR_NONE;

	if (bar_possible())
		run->steps = count_words(list, apart);
	while (code == ERR_NONE && *(list += strspn(list, apart)) != '\0') {
		size_t n = strcspn(list, apart);
		char *one = mem_strndup(list, n);

		if (run->steps > 1)
			bar_show(run->step++, run->steps, "servers", "");
		code = call_server(run, one);
		mem_free(one);
		list += n;
	}
	if (run->steps > 1)
		bar_hide();
	return code;
}

static enum err_code
call_cluster(struct run *run)
{
	const char *hint = *run->f->alias != '\0' ? run->f->alias
						  : run->f->instance;
	struct op_call *call;

	if (*hint == '\0' && run->cmd->whom == CLUSTER)
		hint = run->daemon.app.hostname;
	call = open_call(run);
	if (*hint != '\0')
		op_arg_set(call, "clusterHint", hint);
	return call_op(run, call);
}

static enum err_code
call_list(struct run *run)
{
	struct op_call *call;

	if (*run->f->instance == '\0')
		return err_set(&run->err, ERR_INVALID, "%s: -i must be given",
		    run->cmd->name);
	call = open_call(run);
	op_arg_set(call, "instances", run->f->instance);
	return call_op(run, call);
}

static enum err_code
call_for_all(struct run *run)
{
	const char *who = run->f->instance;

	switch (run->cmd->whom) {
	case NOBODY: return call_op(run, open_call(run));
	case NAMED:
		if (*who == '\0')
			return err_set(&run->err, ERR_INVALID,
			    "%s: -i must be given", run->cmd->name);
		return call_servers(run, who);
	case SERVER:
		return call_servers(run, *who != '\0' ? who
						: run->daemon.app.hostname);
	case CLUSTER:
	case ANY: return call_cluster(run);
	case LIST: return call_list(run);
	}
	return ERR_NONE;
}

/* ---- the process around it ---- */

struct config *
command_config(const struct config_source *source)
{
	struct err err = ERR_INIT;
	struct config *config = config_load(source, &err);

	if (config == NULL)
		log_line(LOG_ERROR, "%s", err.text);
	return config;
}

/* The store's own text, when it cannot be read. */
static enum err_code
start(struct run *run, const struct config_source *source)
{
	struct config *config = command_config(source);
	struct daemon_arg arg = { .config = config, .source = *source,
		.command = run->f->command, .workers = 1,
		.noop = run->f->noop,
		.skip_binlog_search = run->f->skip_binlog_search };

	if (config == NULL)
		return ERR_INVALID;
	log_config_notes(config, LOG_WARNING); /* misspelt keys, above all */
	if (config->raft_enabled && !run->f->ignore_raft_setup) {
		log_line(LOG_ERROR, "RaftEnabled: ask the group's leader "
		    "(orchestrator-client), or add -ignore-raft-setup to work "
		    "on this node's own store");
		config_free(config);
		return ERR_DENIED;
	}
	daemon_start(&run->daemon, &arg);
	if (daemon_wait_up(&run->daemon, NULL, &run->err) == ERR_NONE)
		return ERR_NONE;
	log_line(LOG_ERROR, "%s", run->err.text);
	daemon_stop(&run->daemon);
	daemon_free(&run->daemon);
	return run->err.code;
}

static int
run_op(const struct flags *f, const struct command *cmd,
    const struct config_source *source)
{
	struct run run = { .f = f, .cmd = cmd };
	enum err_code code;

	if (start(&run, source) != ERR_NONE)
		return 1;
	run.ops = ops_new(port_ctx(run.daemon.port), &run.daemon.app);
	code = call_for_all(&run);
	if (code != ERR_NONE)
		log_line(LOG_ERROR, "%s", run.err.text);
	if (daemon_sync(&run.daemon, &run.err) != ERR_NONE) {
		log_line(LOG_ERROR, "not kept: %s", run.err.text);
		code = ERR_IO;
	}
	daemon_stop(&run.daemon);
	ops_free(run.ops);
	daemon_free(&run.daemon);
	buf_fini(&run.out);
	return code != ERR_NONE &&
	    !(code == ERR_SERVER && cmd->on_error == UNKNOWN_OK);
}

int
own_redeploy(const struct flags *f, const struct config_source *source)
{
	struct run run = { .f = f };

	if (start(&run, source) != ERR_NONE)
		return 1; /* opening the store brings it up to date */
	daemon_stop(&run.daemon);
	daemon_free(&run.daemon);
	puts("Redeployed internal db");
	return 0;
}

int
own_dump_config(const struct flags *f, const struct config_source *source)
{
	struct config *config = command_config(source);
	struct buf text = { 0 };

	(void)f;
	if (config == NULL)
		return 1;
	config_dump(config, &text);
	puts(buf_text(&text));
	buf_fini(&text);
	config_free(config);
	return 0;
}

int
command_run(const struct flags *f, const struct config_source *source)
{
	const struct command *cmd = find(f->command);
	struct buf list = { 0 };

	if (*f->snapshot != '\0')
		return snapshot_command(f, source);
	if (cmd != NULL)
		return cmd->own != NULL ? cmd->own(f, source)
					: run_op(f, cmd, source);
	if (comes_later(f->command)) {
		log_line(LOG_ERROR, "%s is not available in this version yet",
		    f->command);
		return 1;
	}
	log_line(LOG_ERROR, "Unknown command: \"%s\"", f->command);
	command_list(&list);
	fputs(buf_text(&list), stderr);
	buf_fini(&list);
	return 1;
}
