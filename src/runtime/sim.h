/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same actors on one thread in virtual time.  Which ready actor runs next
 * and how long a message between homes takes (1 to 50 us, one in 32 up to 5 ms)
 * are drawn from the seed; order between one pair is kept.  So a run is a
 * function of its seed.  Handlers take no time; 20 million of them without the
 * clock moving are taken for an endless loop: abort.
 */
#ifndef ORC_RUNTIME_SIM_H
#define ORC_RUNTIME_SIM_H

#include "runtime/runtime.h"

struct sim;

/* arg as for rt_new(); pinned homes are homes like any other; ports >= 8. */
struct sim *sim_new(const struct rt_arg *arg, uint64_t seed, wall_t start);
void sim_free(struct sim *sim);

addr_t sim_spawn(struct sim *sim, const struct actor_class *class,
    const void *arg, int home);

/* A port without a thread: the story's own address. */
struct port *sim_port(struct sim *sim, const char *name);

/*
 * Run one handler, moving the clock to it when nothing is due; false: nothing
 * is left to do, ever.
 */
bool sim_step(struct sim *sim);
/* Run everything due within d, then set the clock to now + d. */
void sim_run(struct sim *sim, dur_t d);
/* Run until cond is true; false when d passed before. */
bool sim_until(struct sim *sim, dur_t d, bool (*cond)(void *arg), void *arg);

mono_t sim_now(const struct sim *sim);
wall_t sim_wall(const struct sim *sim);
void sim_clock_jump(struct sim *sim, dur_t d); /* the wall clock only */
uint64_t sim_steps(const struct sim *sim); /* handlers run */
/* A digest over (time, receiver, type, body) of all handlers run so far. */
uint64_t sim_digest(const struct sim *sim);
void sim_stats(const struct sim *sim, struct rt_stats *out);

#endif
