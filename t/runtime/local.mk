# SPDX-License-Identifier: Apache-2.0
RUNTIME_TESTS = %D%/board.t %D%/idle.t %D%/io.t %D%/rt.t %D%/sim.t \
	%D%/wheel.t
check_PROGRAMS += $(RUNTIME_TESTS)
TESTS += $(RUNTIME_TESTS)

RUNTIME_TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t $(CK_CFLAGS) \
	$(MSGPACK_CFLAGS)
t_runtime_board_t_SOURCES = %D%/board.c %D%/types.h
t_runtime_board_t_CPPFLAGS = $(RUNTIME_TEST_CPPFLAGS)
t_runtime_board_t_LDADD = $(LIBS_RUNTIME)
t_runtime_idle_t_SOURCES = %D%/idle.c %D%/types.h
t_runtime_idle_t_CPPFLAGS = $(RUNTIME_TEST_CPPFLAGS)
t_runtime_idle_t_LDADD = $(LIBS_RUNTIME)
t_runtime_io_t_SOURCES = %D%/io.c %D%/types.h
t_runtime_io_t_CPPFLAGS = $(RUNTIME_TEST_CPPFLAGS)
t_runtime_io_t_LDADD = $(LIBS_RUNTIME)
t_runtime_rt_t_SOURCES = %D%/rt.c %D%/crowd.h %D%/types.h
t_runtime_rt_t_CPPFLAGS = $(RUNTIME_TEST_CPPFLAGS)
t_runtime_rt_t_LDADD = $(LIBS_RUNTIME)
t_runtime_sim_t_SOURCES = %D%/sim.c %D%/crowd.h %D%/types.h
t_runtime_sim_t_CPPFLAGS = $(RUNTIME_TEST_CPPFLAGS)
t_runtime_sim_t_LDADD = $(LIBS_RUNTIME)
t_runtime_wheel_t_SOURCES = %D%/wheel.c
t_runtime_wheel_t_CPPFLAGS = $(RUNTIME_TEST_CPPFLAGS)
t_runtime_wheel_t_LDADD = $(LIBS_RUNTIME)

check_PROGRAMS += %D%/park.t
TESTS += %D%/park.t
t_runtime_park_t_SOURCES = %D%/park.c
t_runtime_park_t_CPPFLAGS = $(RUNTIME_TEST_CPPFLAGS)
t_runtime_park_t_LDADD = $(LIBS_RUNTIME)
