# SPDX-License-Identifier: Apache-2.0
# make bench: every benchmark that is a program, one line for each figure.
BENCHES = %D%/runtime %D%/ops %D%/store
EXTRA_PROGRAMS += %D%/runtime
CLEANFILES += %D%/runtime

t_bench_runtime_SOURCES = %D%/runtime.c %D%/bench.h %D%/mailbox.c \
	%D%/mailbox.h
t_bench_runtime_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t $(CK_CFLAGS) \
	$(MSGPACK_CFLAGS)
t_bench_runtime_LDADD = $(LIBS_RUNTIME)

bench: $(BENCHES)
	@for b in $(BENCHES); do echo "== $$b"; ./$$b || exit 1; done
.PHONY: bench

# Of the HTTP layer alone; skipped without wrk and h2load.
bench: bench-http
bench-http: t/http/http_test_server
	@echo "== http.pl"; \
	if command -v wrk >/dev/null && command -v h2load >/dev/null; then \
		top_srcdir=$(srcdir) top_builddir=. perl $(srcdir)/%D%/http.pl; \
	else echo "needs wrk and h2load (Debian: wrk, nghttp2-client)"; fi
.PHONY: bench-http
EXTRA_DIST += %D%/http.pl

# make t/bench/ops && t/bench/ops
EXTRA_PROGRAMS += %D%/ops
t_bench_ops_SOURCES = %D%/ops.c t/unit/ops_world.c
t_bench_ops_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t/unit $(CK_CFLAGS) \
	$(PCRE2_CFLAGS)
t_bench_ops_LDADD = $(LIBS_OPS)

# make t/bench/analysis && t/bench/analysis
EXTRA_PROGRAMS += %D%/analysis
t_bench_analysis_SOURCES = %D%/analysis.c
t_bench_analysis_CPPFLAGS = $(AM_CPPFLAGS)
t_bench_analysis_LDADD = $(LIBS_TOPOLOGY) $(MSGPACK_LIBS)

# make t/bench/store && t/bench/store
EXTRA_PROGRAMS += %D%/store
t_bench_store_SOURCES = %D%/store.c
t_bench_store_CPPFLAGS = $(AM_CPPFLAGS)
t_bench_store_LDADD = $(LIBS_STORE)

# The least a probe can cost; needs t/fleet/fleet.
EXTRA_PROGRAMS += %D%/probe_bare
t_bench_probe_bare_SOURCES = %D%/probe_bare.c
t_bench_probe_bare_CPPFLAGS = $(AM_CPPFLAGS) $(MARIADB_CFLAGS)
t_bench_probe_bare_LDADD = $(LIBS_MYSQL)
EXTRA_DIST += %D%/README %D%/fleet

# HTTP requests at a fixed rate.
EXTRA_PROGRAMS += %D%/paced
t_bench_paced_SOURCES = %D%/paced.c
t_bench_paced_CPPFLAGS = $(AM_CPPFLAGS)
t_bench_paced_LDADD = src/base/libbase.a

# The daemon on fleets: README here.
bench: bench-fleet
bench-fleet: orchestrator t/fleet/fleet %D%/probe_bare %D%/paced
	top_srcdir=$(srcdir) top_builddir=. $(srcdir)/%D%/fleet --servers 1000
	top_srcdir=$(srcdir) top_builddir=. $(srcdir)/%D%/fleet --servers 10000
.PHONY: bench-fleet

# Places in the logs of a real MariaDB.
EXTRA_DIST += %D%/pgtid
bench: bench-pgtid
bench-pgtid: orchestrator
	top_srcdir=$(srcdir) top_builddir=. $(srcdir)/%D%/pgtid
.PHONY: bench-pgtid
