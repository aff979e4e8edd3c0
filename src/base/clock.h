/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time as values that cannot be mixed: a span, an instant for deadlines, an
 * instant for people.  All in microseconds.  Only the runtime reads a clock.
 */
#ifndef ORC_BASE_CLOCK_H
#define ORC_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

typedef struct {
	int64_t us;
} dur_t; /* a span; may be negative */

typedef struct {
	int64_t us;
} mono_t; /* since some start; never goes back; 0 is "unset" */

typedef struct {
	int64_t us;
} wall_t; /* since 1970-01-01T00:00:00Z; 0 is "unset" */

#define DUR_ZERO ((dur_t){ 0 })
#define DUR_US(n) ((dur_t){ (int64_t)(n) })
#define DUR_MS(n) ((dur_t){ (int64_t)(n) * 1000 })
#define DUR_S(n) ((dur_t){ (int64_t)(n) * 1000000 })

static inline mono_t
mono_add(mono_t t, dur_t d)
{
	return (mono_t){ t.us + d.us };
}

static inline dur_t
mono_sub(mono_t a, mono_t b)
{
	return (dur_t){ a.us - b.us };
}

static inline wall_t
wall_add(wall_t t, dur_t d)
{
	return (wall_t){ t.us + d.us };
}

static inline dur_t
wall_sub(wall_t a, wall_t b)
{
	return (dur_t){ a.us - b.us };
}

/* Whole seconds since 1970, rounded down. */
static inline int64_t
wall_seconds(wall_t t)
{
	return t.us >= 0 ? t.us / 1000000 : -((-t.us + 999999) / 1000000);
}

enum { WALL_TEXT_MAX = 40 };

/* "2026-11-23T01:02:03Z" (whole seconds); "" when unset.  The store's form. */
const char *wall_text(wall_t t, char out[WALL_TEXT_MAX]);

/* RFC 3339 with microseconds; "0001-01-01T00:00:00Z" when unset. */
const char *wall_rfc3339(wall_t t, char out[WALL_TEXT_MAX]);

/*
 * Reads "YYYY-MM-DD[T ]HH:MM:SS[.ffffff][Z]" as UTC; "" gives unset.
 * MALFORMED otherwise.
 */
enum err_code wall_parse(wall_t *t, const char *text, struct err *err);

/*
 * Reads one number and one of s m h d w ("10m"), as downtime durations are
 * written in orchestrator 3.2.6.  INVALID names the text.
 */
enum err_code dur_parse(dur_t *d, const char *text, struct err *err);

#endif
