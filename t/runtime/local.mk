# SPDX-License-Identifier: Apache-2.0
RUNTIME_TESTS = %D%/rt.t %D%/sim.t
check_PROGRAMS += $(RUNTIME_TESTS)
TESTS += $(RUNTIME_TESTS)

RUNTIME_TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t $(CK_CFLAGS) \
	$(MSGPACK_CFLAGS)
t_runtime_rt_t_SOURCES = %D%/rt.c %D%/crowd.h %D%/types.h
t_runtime_rt_t_CPPFLAGS = $(RUNTIME_TEST_CPPFLAGS)
t_runtime_rt_t_LDADD = $(LIBS_RUNTIME)
t_runtime_sim_t_SOURCES = %D%/sim.c %D%/crowd.h %D%/types.h
t_runtime_sim_t_CPPFLAGS = $(RUNTIME_TEST_CPPFLAGS)
t_runtime_sim_t_LDADD = $(LIBS_RUNTIME)
