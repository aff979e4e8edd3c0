# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/http.pl

# make t/bench/ops && t/bench/ops
EXTRA_PROGRAMS += %D%/ops
t_bench_ops_SOURCES = %D%/ops.c t/unit/ops_world.c
t_bench_ops_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t/unit $(CK_CFLAGS) \
	$(PCRE2_CFLAGS)
t_bench_ops_LDADD = $(LIBS_OPS)
