# SPDX-License-Identifier: Apache-2.0
RUNTIME_TESTS = %D%/sim.t
check_PROGRAMS += $(RUNTIME_TESTS)
TESTS += $(RUNTIME_TESTS)
EXTRA_DIST += %D%/types.h

RUNTIME_TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t $(CK_CFLAGS) \
	$(MSGPACK_CFLAGS)
t_runtime_sim_t_SOURCES = %D%/sim.c
t_runtime_sim_t_CPPFLAGS = $(RUNTIME_TEST_CPPFLAGS)
t_runtime_sim_t_LDADD = $(LIBS_RUNTIME)
