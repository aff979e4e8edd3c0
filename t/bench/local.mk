# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/http.pl

# make t/bench/ops && t/bench/ops
EXTRA_PROGRAMS += %D%/ops
t_bench_ops_SOURCES = %D%/ops.c t/unit/ops_world.c
t_bench_ops_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t/unit $(CK_CFLAGS) \
	$(PCRE2_CFLAGS)
t_bench_ops_LDADD = $(LIBS_OPS)

# make t/bench/store && t/bench/store
EXTRA_PROGRAMS += %D%/store
t_bench_store_SOURCES = %D%/store.c
t_bench_store_CPPFLAGS = $(AM_CPPFLAGS)
t_bench_store_LDADD = $(LIBS_STORE)
