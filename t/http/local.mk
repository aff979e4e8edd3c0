# SPDX-License-Identifier: Apache-2.0
# The HTTP layer alone, over operations that t/http/fake.c makes up.
check_PROGRAMS += %D%/http_test_server
t_http_http_test_server_SOURCES = %D%/http_test_server.c %D%/fake.c %D%/fake.h
t_http_http_test_server_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/t/http
t_http_http_test_server_LDADD = $(LIBS_HTTP) $(LIBS_CONFIG)
dist_check_SCRIPTS += $(HTTP_TESTS)
TESTS += $(HTTP_TESTS)
HTTP_TESTS = \
	%D%/auth.t \
	%D%/budget.t %D%/pieces.t \
	%D%/http1.t \
	%D%/http2.t \
	%D%/stop.t \
	%D%/tls.t \
	%D%/unix.t
EXTRA_DIST += %D%/H2.pm %D%/Served.pm %D%/lsan.supp

check_PROGRAMS += %D%/auth_check.t
TESTS += %D%/auth_check.t
t_http_auth_check_t_SOURCES = %D%/auth_check.c
t_http_auth_check_t_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_http_auth_check_t_LDADD = $(LIBS_HTTP) $(LIBS_CONFIG)
