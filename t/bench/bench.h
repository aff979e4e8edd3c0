/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures of a benchmark, one line each: name, figure, CPU time of the whole
 * process per unit of work, ratio to what it is compared with.
 */
#ifndef ORC_T_BENCH_BENCH_H
#define ORC_T_BENCH_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

struct lap {
	int64_t wall_ns, cpu_ns;
};

static inline int64_t
bench_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline struct lap
lap_begin(void)
{
	return (struct lap){ bench_ns(CLOCK_MONOTONIC),
		bench_ns(CLOCK_PROCESS_CPUTIME_ID) };
}

static inline struct lap
lap_end(struct lap l)
{
	return (struct lap){ bench_ns(CLOCK_MONOTONIC) - l.wall_ns,
		bench_ns(CLOCK_PROCESS_CPUTIME_ID) - l.cpu_ns };
}

/*
 * Of three runs the one in which this machine had least else to do.  RUN is an
 * expression with a struct lap.
 */
#define BEST_OF_3(RUN) best_lap(best_lap(RUN, RUN), RUN)

static inline struct lap
best_lap(struct lap a, struct lap b)
{
	return a.wall_ns < b.wall_ns ? a : b;
}

/* Things done in a second; base_rate 0: compared with nothing. */
static inline double
print_rate(const char *name, uint64_t count, struct lap l, double base_rate)
{
	double rate = (double)count * 1e9 / (double)l.wall_ns;

	printf("%-34s %8.3f M/s %9.1f ns CPU", name, rate / 1e6,
	    (double)l.cpu_ns / (double)count);
	if (base_rate > 0)
		printf("   x%.2f", rate / base_rate);
	putchar('\n');
	fflush(stdout);
	return rate;
}

static inline int
compare_ns(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Sorts ns[]; the ratio is of the medians. */
static inline double
print_latency(const char *name, int64_t *ns, size_t count, double per,
    struct lap l, double base_p50)
{
	double p50, p99;

	qsort(ns, count, sizeof ns[0], compare_ns);
	p50 = (double)ns[count / 2] / per;
	p99 = (double)ns[count * 99 / 100] / per;
	printf("%-34s p50 %.0f ns, p99 %.0f ns %9.1f ns CPU", name, p50, p99,
	    (double)l.cpu_ns / ((double)count * per));
	if (base_p50 > 0)
		printf("   x%.2f", p50 / base_p50);
	putchar('\n');
	fflush(stdout);
	return p50;
}

#endif
