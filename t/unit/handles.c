/* SPDX-License-Identifier: Apache-2.0 */
/* handles: each is claimed once; an attempt is broken off by its number only. */
#include "config.h"

#include "mysql/handles.h"

#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tap.h"

/* Never opened as connections: any address will do. */
static char some[HANDLES_MAX + 1];

static struct st_mysql *
pointer(size_t i)
{
	return (struct st_mysql *)(void *)&some[i];
}

static void
test_handles(void)
{
	static uint32_t h[HANDLES_MAX];
	uint32_t first, again, next;
	bool good = true;

	first = handle_put(pointer(0));
	ok(first != 0, "a handle is never 0");
	ok(handle_claim(first) == pointer(0), "it is claimed");
	ok(handle_claim(first) == NULL, "once");
	again = handle_put(pointer(1));
	ok(again != first, "its slot has another number then");
	ok(handle_claim(first) == NULL, "the old number stays dead");
	ok(handle_claim(0) == NULL && handle_claim(UINT32_MAX) == NULL,
	    "numbers that were never given");
	ok(handle_claim(again) == pointer(1), "the new one is good");

	for (size_t i = 0; i < HANDLES_MAX; i++)
		good = (h[i] = handle_put(pointer(i))) != 0 && good;
	ok(good, "there are %d slots", (int)HANDLES_MAX);
	ok(handle_put(pointer(HANDLES_MAX)) == 0, "and no more");
	ok(handle_claim(h[7]) == pointer(7), "one is claimed");
	next = handle_put(pointer(HANDLES_MAX));
	ok(next != 0 && next != h[7], "which makes room");
	h[7] = next;
	for (size_t i = 0; i < HANDLES_MAX; i++)
		good = handle_claim(h[i]) ==
			pointer(i == 7 ? HANDLES_MAX : i) && good;
	ok(good, "all are what was put there");
	handles_close();
	ok(true, "nothing is left to close");
}

/* Has the other end been shut down? */
static bool
is_shut(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_DONTWAIT) == 0;
}

static void
test_watch(void)
{
	int a[2], b[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, a) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, b) != 0) {
		ok(false, "socketpair");
		return;
	}
	ok(watch_begin(3, 17, a[0]), "an attempt is watched");
	watch_shutdown(3, 16);
	watch_shutdown(4, 17);
	ok(!is_shut(a[1]), "another number or place does not concern it");
	watch_shutdown(3, 17);
	ok(is_shut(a[1]), "its own breaks it off");
	watch_end(3);
	ok(watch_begin(3, 18, b[0]), "the next attempt of that place");
	watch_end(3);
	watch_shutdown(3, 18);
	ok(!is_shut(b[1]), "is left alone once it is over");
	watch_begin(3, 19, b[0]);
	watch_stop();
	ok(is_shut(b[1]), "the end of the process breaks off all");
	ok(!watch_begin(3, 20, b[0]), "and those that begin later");
	watch_end(3);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
}

int
main(void)
{
	test_handles();
	test_watch();
	return tap_done();
}
