/* SPDX-License-Identifier: Apache-2.0 */
/*
 * People's programs, one after the other.  What they are told are names of
 * servers, as arguments and in the environment: never as part of the shell's
 * text, so that a hostile name is no command.
 *
 * PostTakeMasterProcesses: $1 and ORC_SUCCESSOR_HOST are the server above now,
 * $2 and ORC_FAILED_HOST the one that was above, both as host:port.
 */
#include "config.h"

#include "actors/mover_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/conf.h"

extern char **environ;

static const struct str_list *
programs(const struct config *c, const char *key)
{
	static const struct str_list none = { NULL, 0 };

	return strcmp(key, "PostTakeMasterProcesses") == 0 ?
	    &c->post_take_primary_processes : &none;
}

static const char *const *
environment(struct mover *mv, const char *above, const char *below)
{
	size_t n = 0;
	const char **env;

	while (environ[n] != NULL)
		n++;
	env = arena_alloc(&mv->arena, (n + 3) * sizeof *env);
	memcpy(env, environ, n * sizeof *env);
	env[n] = arena_printf(&mv->arena, "ORC_SUCCESSOR_HOST=%s", above);
	env[n + 1] = arena_printf(&mv->arena, "ORC_FAILED_HOST=%s", below);
	return env;
}

static void
answer(struct mover *mv, struct ctx *ctx)
{
	run_feed(mv->run, mv->hook_ticket, &(struct run_reply){ 0 },
	    act_now(ctx));
}

/* false: there is none left. */
static bool
start_next(struct mover *mv, struct ctx *ctx)
{
	const struct config_shared *c = config_ref(ctx);
	const struct str_list *list = programs(c->config, mv->hook_key);
	char above[KEY_TEXT_MAX], below[KEY_TEXT_MAX];
	const struct plan *p = run_plan(mv->run);
	bool more = mv->hook_at < list->count;

	if (more) {
		const char *const argv[] = {
			c->config->processes_shell_command, "-c",
			list->item[mv->hook_at++], "orchestrator",
			key_text(p->server[mv->hook_server].key, above),
			mv->hook_to == PLAN_NOBODY ? "" :
			key_text(p->server[mv->hook_to].key, below), NULL };

		mv->hook_child = act_exec(ctx, &(struct exec_arg){
		    .argv = argv,
		    .envp = environment(mv, argv[4], argv[5]),
		    .limit = mv->hook_limit,
		    .output_max = MOVER_OUTPUT_MAX });
	}
	shared_unref(c);
	return more;
}

void
mover_hook(struct mover *mv, struct ctx *ctx, const struct run_order *o)
{
	mv->hook_ticket = o->ticket;
	mv->hook_server = o->server;
	mv->hook_to = o->to;
	mv->hook_limit = o->limit;
	mv->hook_key = arena_strdup(&mv->arena, o->text);
	mv->hook_at = 0;
	if (!start_next(mv, ctx))
		answer(mv, ctx);
}

void
mover_on_child(struct mover *mv, struct ctx *ctx, const struct msg *m)
{
	struct sys_child ch = sys_child(m);

	if (ch.id != mv->hook_child || mv->state != MOVER_RUNNING)
		return;
	if (ch.status != 0 || ch.timed_out)
		act_log(ctx, LOG_WARNING, "%s: program %zu ended with %d%s: %.*s",
		    mv->hook_key, mv->hook_at, ch.status,
		    ch.timed_out ? ", its time was over" : "",
		    (int)(ch.output.len > 300 ? 300 : ch.output.len),
		    (const char *)ch.output.data);
	else
		act_log(ctx, LOG_INFO, "%s: program %zu ran", mv->hook_key,
		    mv->hook_at);
	if (start_next(mv, ctx))
		return;
	answer(mv, ctx);
	mover_drive(mv, ctx);
}
