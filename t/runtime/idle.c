/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With nothing to do no thread uses the CPU: measured as CPU time of the
 * process and as wake-ups while the only thing pending is one timer.  A real
 * clock is needed here; what is compared is CPU time.
 */
#include "config.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/runtime.h"
#include "runtime/tsan.h"
#include "tap.h"
#include "types.h"

#ifdef ORC_TSAN
enum { CPU_MAX_US = 30000 }; /* its own thread looks around */
#else
enum { CPU_MAX_US = 7500 };
#endif

static int64_t
cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000) +
	    u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static int64_t
switches(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_nvcsw;
}

struct sleeper {
	addr_t port;
	int fd;
};

static void
sleeper_init(void *self, struct ctx *ctx, const void *arg)
{
	struct sleeper *s = self;

	*s = *(const struct sleeper *)arg;
	act_io(ctx, s->fd, EPOLLIN);
	act_timer(ctx, DUR_S(100000), T_TICK);
	act_post(ctx, s->port, T_NOTE);
	act_timer(ctx, DUR_MS(1500), T_TICK2);
}

static void
sleeper_handle(void *self, struct ctx *ctx, struct msg *m)
{
	struct sleeper *s = self;

	if (m->type == T_TICK2)
		act_post(ctx, s->port, T_NOTE);
}

static const struct actor_class sleeper_class = {
	.name = "sleeper",
	.size = sizeof(struct sleeper),
	.arg_size = sizeof(struct sleeper),
	.init = sleeper_init,
	.handle = sleeper_handle,
};

static void
drop(void *arg, struct msg *m)
{
	(void)arg;
	(void)m;
}

int
main(void)
{
	struct rt_arg arg = t_arg(4, 4, 1);
	struct rt *rt = rt_new(&arg);
	struct port *port = rt_port_new(rt, "test", NULL, NULL);
	struct sleeper s = { port_addr(port), 0 };
	int64_t cpu, woken;
	int end[2];

	assert(pipe(end) == 0);
	s.fd = end[0];
	rt_start(rt);
	rt_spawn(rt, &sleeper_class, &s, 0);
	port_wait(port, DUR_S(60));
	port_poll(port, drop, NULL);
	/* Now for a second and a half nobody has anything to do. */
	cpu = cpu_us();
	woken = switches();
	ok(port_wait(port, DUR_S(60)), "the timer comes");
	cpu = cpu_us() - cpu;
	woken = switches() - woken;
	diag("%lld us of CPU, %lld switches in 1.5 s of eight threads",
	    (long long)cpu, (long long)woken);
	ok(cpu < CPU_MAX_US, "an idle runtime uses less than 0.5%% of a core");
	ok(woken < 40, "nobody looks around meanwhile");
	rt_free(rt);
	close(end[0]);
	close(end[1]);
	return tap_done();
}
