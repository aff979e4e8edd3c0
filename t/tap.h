/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TAP for our C tests.  ok(), is_*() and skip() count themselves; the plan is
 * printed by tap_done(), whose value is main()'s.  One thread only.
 */
#ifndef ORC_T_TAP_H
#define ORC_T_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

static inline __attribute__((format(printf, 2, 0))) bool
tap_vline(bool good, const char *fmt, va_list ap)
{
	printf("%sok %d - ", good ? "" : "not ", ++tap_count);
	vprintf(fmt, ap);
	putchar('\n');
	fflush(stdout);
	if (!good)
		tap_failed++;
	return good;
}

static inline __attribute__((format(printf, 2, 3))) bool
ok(bool good, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_vline(good, fmt, ap);
	va_end(ap);
	return good;
}

static inline __attribute__((format(printf, 1, 2))) void
diag(const char *fmt, ...)
{
	va_list ap;

	fputs("# ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static inline __attribute__((format(printf, 3, 4))) bool
is_str(const char *got, const char *want, const char *fmt, ...)
{
	bool good = got == want ||
	    (got != NULL && want != NULL && strcmp(got, want) == 0);
	va_list ap;

	va_start(ap, fmt);
	tap_vline(good, fmt, ap);
	va_end(ap);
	if (!good) {
		diag("got:  %s", got != NULL ? got : "(NULL)");
		diag("want: %s", want != NULL ? want : "(NULL)");
	}
	return good;
}

static inline __attribute__((format(printf, 3, 4))) bool
is_int(int64_t got, int64_t want, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_vline(got == want, fmt, ap);
	va_end(ap);
	if (got != want)
		diag("got: %lld, want: %lld", (long long)got, (long long)want);
	return got == want;
}

static inline __attribute__((unused)) void
skip(const char *what, const char *why)
{
	printf("ok %d - %s # SKIP %s\n", ++tap_count, what, why);
}

static inline int
tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed > 0;
}

#endif
