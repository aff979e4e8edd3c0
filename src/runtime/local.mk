# SPDX-License-Identifier: Apache-2.0
# ck's inline assembly is built without -fsanitize=thread, see ring.h.
noinst_LIBRARIES += src/runtime/libring.a src/runtime/libruntime.a
src_runtime_libring_a_CPPFLAGS = $(AM_CPPFLAGS) $(CK_CFLAGS)
src_runtime_libring_a_CFLAGS = -std=gnu11 -pthread $(ORC_WARN_CFLAGS)
if !TSAN
src_runtime_libring_a_CFLAGS += $(ORC_SAN_CFLAGS)
endif
src_runtime_libring_a_SOURCES = %D%/ring.c %D%/ring.h

src_runtime_libruntime_a_LIBADD = src/runtime/libring_a-ring.$(OBJEXT)
src_runtime_libruntime_a_CPPFLAGS = $(AM_CPPFLAGS) $(CK_CFLAGS) \
	$(MSGPACK_CFLAGS)
src_runtime_libruntime_a_SOURCES = \
	%D%/actor.c %D%/actor.h \
	%D%/board.c %D%/board.h \
	%D%/board_put.c %D%/board_tab.h \
	%D%/cell.c \
	%D%/child.c \
	%D%/core.c %D%/core.h \
	%D%/io.c \
	%D%/life.c \
	%D%/move.c \
	%D%/port.c \
	%D%/rng.h \
	%D%/rt.c %D%/rt.h %D%/runtime.h \
	%D%/signal.c \
	%D%/sim.c %D%/sim.h \
	%D%/slots.c \
	%D%/timer.c \
	%D%/tsan.h \
	%D%/wheel.c %D%/wheel.h \
	%D%/worker.c
