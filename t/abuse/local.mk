# SPDX-License-Identifier: Apache-2.0
# Servers that keep to no protocol, and our connections to them.
check_PROGRAMS += %D%/session_one
t_abuse_session_one_SOURCES = %D%/session_one.c
t_abuse_session_one_CPPFLAGS = $(AM_CPPFLAGS) $(CK_CFLAGS)
t_abuse_session_one_LDADD = $(LIBS_OPS) $(MARIADB_LIBS) $(CURL_LIBS) \
	$(OPENSSL_LIBS) -ldl
ABUSE_TESTS = %D%/hostile.t
dist_check_SCRIPTS += $(ABUSE_TESTS)
TESTS += $(ABUSE_TESTS)
EXTRA_DIST += %D%/Fake.pm
