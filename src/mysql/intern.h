/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that thousands of servers have in common, kept once and known by a
 * number: the text of a probe, the column names of its results.  A number is
 * good for the life of the process, in every thread, and travels in messages.
 *
 * Nothing is ever dropped, so there is a bound; who gets no number goes on with
 * the bytes themselves.  The table is the third place outside src/runtime that
 * has an atomic (see handles.h): an entry is complete before its number is
 * given out, and numbers are looked up without a lock.
 */
#ifndef ORC_MYSQL_INTERN_H
#define ORC_MYSQL_INTERN_H

#include "base/pack.h"

enum {
	INTERN_MAX = 1024,
	INTERN_BYTES_MAX = 4 << 20, /* of all of them */
	INTERN_EACH_MAX = 64 << 10, /* of one */
};

/*
 * The number of these bytes, the same whenever they are the same; 0: there is no
 * room for more, or these are too many.  Copied, and followed by a NUL.
 */
uint32_t intern(const void *p, size_t n);

/* Of a number that intern() gave; data NULL for any other. */
struct bin interned(uint32_t number);

#endif
