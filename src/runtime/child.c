/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs: an actor of the service thread for each, so that neither starting
 * one nor waiting for its end holds up a worker.
 *
 *	SYS_EXEC --started--> SYS_IO (output), SYS_LIMIT (kill the group),
 *	SYS_SIGNAL (some child ended: mine?) --> SYS_CHILD to who asked, end
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "runtime/rt.h"

enum {
	READ_BYTES = 16384,
	READS_MAX = 16,	    /* in one turn */
	WORDS_MAX = 65536,  /* argv or envp */
};

struct child {
	struct ask ask; /* who started it, under which number */
	pid_t pid;	/* its group too; 0: not started */
	int out;	/* stdout and stderr come here; -1: closed */
	bool timed_out;
	size_t output_max;
	struct buf output;
};

/* ---- starting ---- */

/* NULL-ended; the words stay where they are, in the message. */
static const char **
read_words(struct pcur *c)
{
	size_t n = pcur_array(c);
	const char **word;

	assert(n <= WORDS_MAX);
	word = mem_zalloc((n + 1) * sizeof word[0]);
	for (size_t i = 0; i < n; i++)
		word[i] = pcur_cstr(c);
	return word;
}

static void
set_attributes(posix_spawnattr_t *attr)
{
	sigset_t set;

	posix_spawnattr_init(attr);
	posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP |
		POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(attr, 0);
	sigfillset(&set);
	posix_spawnattr_setsigdefault(attr, &set);
	sigemptyset(&set);
	posix_spawnattr_setsigmask(attr, &set);
}

static void
set_actions(posix_spawn_file_actions_t *fa, int out)
{
	posix_spawn_file_actions_init(fa);
	posix_spawn_file_actions_addopen(fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(fa, out, 1);
	posix_spawn_file_actions_adddup2(fa, out, 2);
#ifdef HAVE_POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP
	posix_spawn_file_actions_addclosefrom_np(fa, 3);
#endif
}

/* 0, or an errno. */
static int
spawn(struct child *ch, const char **argv, const char **envp)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	int end[2], error;

	if (pipe2(end, O_CLOEXEC) != 0)
		return errno;
	set_attributes(&attr);
	set_actions(&fa, end[1]);
	error = posix_spawnp(&ch->pid, argv[0], &fa, &attr,
	    (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)envp);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	close(end[1]);
	if (error != 0) {
		close(end[0]);
		ch->pid = 0;
		return error;
	}
	fcntl(end[0], F_SETFL, O_NONBLOCK);
	ch->out = end[0];
	return 0;
}

/* ---- its end ---- */

static void
report(struct child *ch, struct ctx *ctx, int status)
{
	struct cell *c = cell_take(ctx);

	c->to = ch->ask.from;
	c->from = act_self(ctx);
	c->serial = ch->ask.serial;
	c->type = SYS_CHILD;
	c->kind = MSG_ANS;
	buf_reset(&c->body);
	pack_array(&c->body, 4);
	pack_uint(&c->body, ch->ask.serial);
	pack_int(&c->body, status);
	pack_bool(&c->body, ch->timed_out);
	pack_bin(&c->body, ch->output.data, ch->output.len);
	core_send(ctx, c);
	act_exit(ctx);
}

/* True when more may come. */
static bool
read_some(struct child *ch)
{
	char bytes[READ_BYTES];
	ssize_t n = 0;

	for (int i = 0; i < READS_MAX; i++) {
		size_t room = ch->output_max - ch->output.len;

		n = read(ch->out, bytes, sizeof bytes);
		if (n <= 0)
			break;
		/* What is beyond the bound is read all the same: the child
		 * must not hang on a full pipe. */
		buf_add(&ch->output, bytes,
		    (size_t)n < room ? (size_t)n : room);
	}
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void
close_output(struct child *ch, struct ctx *ctx)
{
	if (ch->out < 0)
		return;
	act_io(ctx, ch->out, 0);
	close(ch->out);
	ch->out = -1;
}

/* ---- messages ---- */

static void
on_exec(struct child *ch, struct ctx *ctx, const struct msg *m)
{
	const char **argv, **envp;
	struct pcur c;
	dur_t limit;
	int error;

	pcur_init(&c, m->body.data, m->body.len);
	pcur_array(&c);
	limit = DUR_US(pcur_int(&c));
	ch->output_max = pcur_uint(&c);
	argv = read_words(&c);
	envp = read_words(&c);
	assert(pcur_done(&c) && argv[0] != NULL);
	ch->ask = ask_of(m);
	act_signal(ctx, SIGCHLD);
	error = spawn(ch, argv, envp);
	mem_free(argv);
	mem_free(envp);
	if (error != 0) {
		buf_str(&ch->output, strerror(error));
		report(ch, ctx, -1);
		return;
	}
	act_io(ctx, ch->out, EPOLLIN);
	act_timer(ctx, limit, SYS_LIMIT);
}

static void
on_output(struct child *ch, struct ctx *ctx)
{
	if (read_some(ch))
		act_io(ctx, ch->out, EPOLLIN);
	else
		close_output(ch, ctx);
}

static void
on_limit(struct child *ch)
{
	assert(ch->pid > 0);
	ch->timed_out = true;
	kill(-ch->pid, SIGKILL);
}

/*
 * Some child ended.  What a grandchild in the background still writes is not
 * waited for.
 */
static void
on_ended(struct child *ch, struct ctx *ctx)
{
	int status;

	if (ch->pid == 0 || waitpid(ch->pid, &status, WNOHANG) != ch->pid)
		return;
	ch->pid = 0;
	if (ch->out >= 0)
		read_some(ch);
	close_output(ch, ctx);
	report(ch, ctx, status);
}

static void
child_handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct child *ch = self;

	switch (m->type) {
	case SYS_EXEC: on_exec(ch, ctx, m); break;
	case SYS_IO: on_output(ch, ctx); break;
	case SYS_LIMIT: on_limit(ch); break;
	case SYS_SIGNAL: on_ended(ch, ctx); break;
	default: act_unexpected(ctx, m);
	}
}

static void
child_init(void *self, struct ctx *ctx, const void *arg)
{
	struct child *ch = self;

	(void)ctx;
	(void)arg;
	ch->out = -1;
	buf_init(&ch->output);
}

/* Stopping: nobody would enforce its limit any more. */
static void
child_fini(void *self, struct ctx *ctx)
{
	struct child *ch = self;

	(void)ctx;
	if (ch->out >= 0)
		close(ch->out);
	if (ch->pid > 0) {
		kill(-ch->pid, SIGKILL);
		while (waitpid(ch->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	buf_fini(&ch->output);
}

static const struct actor_class child_class = {
	.name = "child",
	.size = sizeof(struct child),
	.init = child_init,
	.handle = child_handle,
	.fini = child_fini,
};

/* ---- asking for one ---- */

static void
pack_words(struct buf *b, const char *const *word)
{
	size_t n = 0;

	while (word != NULL && word[n] != NULL)
		n++;
	assert(n <= WORDS_MAX);
	pack_array(b, n);
	for (size_t i = 0; i < n; i++)
		pack_cstr(b, word[i]);
}

uint32_t
child_exec(struct ctx *ctx, const struct exec_arg *arg)
{
	const struct core *core = ctx->core;
	struct actor *self = ctx->self;
	struct buf *b = act_body(ctx);
	struct cell *c;

	assert(arg->limit.us > 0);
	pack_array(b, 4);
	pack_int(b, arg->limit.us);
	pack_uint(b, arg->output_max);
	pack_words(b, arg->argv);
	pack_words(b, arg->envp);
	c = ctx->draft;
	ctx->draft = NULL;
	if (++self->serial == 0)
		self->serial = 1;
	c->serial = self->serial;
	c->from = self->self;
	c->moves = self->moves;
	c->type = SYS_EXEC;
	c->kind = MSG_ANS;
	c->to = core_spawn(ctx, &child_class, NULL, core->places);
	core_send(ctx, c);
	return self->serial;
}
