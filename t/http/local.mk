# SPDX-License-Identifier: Apache-2.0
# The HTTP layer alone, over operations that t/http/fake.c makes up.
check_PROGRAMS += %D%/http_test_server
t_http_http_test_server_SOURCES = %D%/http_test_server.c %D%/fake.c %D%/fake.h
t_http_http_test_server_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/t/http
t_http_http_test_server_LDADD = $(LIBS_HTTP) $(LIBS_CONFIG)
