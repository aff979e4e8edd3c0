# SPDX-License-Identifier: Apache-2.0
# Tests on real servers. They stand here and nowhere else: what is in this
# folder is what "make check-serverless" leaves out.
REAL_TESTS = %D%/ops.t %D%/topology.t %D%/discovery.t
REAL_TESTS += %D%/client.t %D%/fields.t %D%/grants.t
REAL_TESTS += %D%/quickstart.t
REAL_TESTS += %D%/pgtid.t
REAL_TESTS += %D%/probe.t %D%/move.t %D%/operations.t %D%/match.t %D%/analysis.t \
	%D%/random.t
dist_check_SCRIPTS += $(REAL_TESTS)
TESTS += $(REAL_TESTS)

# One server probed without actors.
check_PROGRAMS += %D%/probe_one
t_real_probe_one_SOURCES = %D%/probe_one.c
t_real_probe_one_CPPFLAGS = $(AM_CPPFLAGS) $(MARIADB_CFLAGS)
t_real_probe_one_LDADD = $(LIBS_MYSQL)
