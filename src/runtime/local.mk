# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += src/runtime/libruntime.a
src_runtime_libruntime_a_CPPFLAGS = $(AM_CPPFLAGS) $(CK_CFLAGS) \
	$(MSGPACK_CFLAGS)
src_runtime_libruntime_a_SOURCES = \
	%D%/actor.c %D%/actor.h \
	%D%/board.c %D%/board.h \
	%D%/cell.c \
	%D%/core.c %D%/core.h \
	%D%/life.c \
	%D%/move.c \
	%D%/port.c \
	%D%/rng.h \
	%D%/runtime.h \
	%D%/sim.c %D%/sim.h \
	%D%/slots.c \
	%D%/timer.c \
	%D%/tsan.h \
	%D%/wheel.c %D%/wheel.h
