/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only place that includes h2o, and the few names that differ between its
 * last release (2.2.5, which is libh2o-evloop 0.13) and its master branch.
 *
 * Compiled and run: 2.2.5 as Debian 12 packages it.  The branches for 0.14 and
 * later are written from what master declares, and were compiled against those
 * declarations only: no distribution packages it.
 */
#ifndef ORC_HTTP_H2O_COMPAT_H
#define ORC_HTTP_H2O_COMPAT_H

/* pkg-config does not say it; wrong means wrong structure layouts. */
#ifndef H2O_USE_LIBUV
#define H2O_USE_LIBUV 0
#endif

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <h2o.h>
#pragma GCC diagnostic pop

#if H2O_LIBRARY_VERSION_MAJOR > 0 || H2O_LIBRARY_VERSION_MINOR >= 14
#define H2O_IS_MASTER 1
#else
#define H2O_IS_MASTER 0
#endif

/*
 * Timers.  A clock is one duration; the release keeps a list per duration, so
 * clocks live as long as the loop does.
 */
#if H2O_IS_MASTER
typedef h2o_timer_t h2oc_timer;
typedef struct {
	h2o_loop_t *loop;
	uint64_t ms;
} h2oc_clock;
#else
typedef h2o_timeout_entry_t h2oc_timer;
typedef struct {
	h2o_loop_t *loop;
	h2o_timeout_t list;
} h2oc_clock;
#endif

static inline void
h2oc_clock_init(h2oc_clock *clock, h2o_loop_t *loop, uint64_t ms)
{
	clock->loop = loop;
#if H2O_IS_MASTER
	clock->ms = ms;
#else
	h2o_timeout_init(loop, &clock->list, ms);
#endif
}

static inline void
h2oc_clock_fini(h2oc_clock *clock)
{
#if H2O_IS_MASTER
	(void)clock;
#else
	h2o_timeout_dispose(clock->loop, &clock->list);
#endif
}

/* The timer is zeroed memory before its first use. */
static inline void
h2oc_timer_link(h2oc_clock *clock, h2oc_timer *timer, void (*cb)(h2oc_timer *))
{
	timer->cb = cb;
#if H2O_IS_MASTER
	h2o_timer_link(clock->loop, clock->ms, timer);
#else
	h2o_timeout_link(clock->loop, &clock->list, timer);
#endif
}

static inline void
h2oc_timer_unlink(h2oc_timer *timer)
{
#if H2O_IS_MASTER
	h2o_timer_unlink(timer);
#else
	h2o_timeout_unlink(timer);
#endif
}

static inline int
h2oc_timer_is_linked(h2oc_timer *timer)
{
	return h2o_linklist_is_linked(&timer->_link);
}

/* Memory that lives as long as the request. */
static inline void *
h2oc_pool_alloc(h2o_mem_pool_t *pool, size_t n)
{
#if H2O_IS_MASTER
	return h2o_mem_alloc_pool(pool, char, n);
#else
	return h2o_mem_alloc_pool(pool, n);
#endif
}

/*
 * What was put into socket->on_close.data at accept, found again from a
 * request.  Master keeps the socket to itself and gives the connection object
 * (h2o_conn_t) no room for us, but tells both addresses: there the caller looks
 * it up by them.  NULL means: look it up.
 */
static inline void *
h2oc_conn_data(h2o_conn_t *conn)
{
#if H2O_IS_MASTER
	(void)conn;
	return NULL;
#else
	h2o_socket_t *sock = conn->callbacks->get_socket(conn);

	return sock != NULL ? sock->on_close.data : NULL;
#endif
}

#endif
