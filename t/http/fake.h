/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations and a runtime for the tests of src/http: the functions of
 * ops/op.h and those of the runtime that src/http calls, without actors.  One
 * thread answers what is not answered at once.
 *
 *	/api/echo/:a[/:b]   at once: arguments, query, who, as JSON
 *	/api/later/:ms      after that many milliseconds, from another thread
 *	/api/hold           when somebody calls /api/release
 *	/api/stuck          when its time is over
 *	/api/big/:bytes     that many bytes of JSON
 *	/api/pieces/:n      [0,1,...n-1], PIECE numbers at a time
 *	/api/text           text/plain
 *	/api/fail           500
 *	/api/code/:status   that status
 *	/api/write          needs authorisation; not safe
 *	/api/status, /api/headers, /api/count
 */
#ifndef ORC_T_HTTP_FAKE_H
#define ORC_T_HTTP_FAKE_H

struct rt;

struct rt *fake_rt_new(void);
void fake_rt_free(struct rt *rt); /* ends the thread; ports are woken no more */

#endif
