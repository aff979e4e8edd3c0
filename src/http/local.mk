# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += src/http/libhttp.a
src_http_libhttp_a_CPPFLAGS = $(AM_CPPFLAGS) $(H2O_CFLAGS) -DH2O_USE_LIBUV=0 \
	$(OPENSSL_CFLAGS) $(PCRE2_CFLAGS) $(CK_CFLAGS)
src_http_libhttp_a_SOURCES = \
	%D%/http.h \
	%D%/auth.c %D%/auth.h \
	%D%/call.c \
	%D%/conn.c \
	%D%/h2o_compat.h \
	%D%/listen.c %D%/listen.h \
	%D%/reply.c %D%/reply.h \
	%D%/request.c \
	%D%/server.c %D%/server.h \
	%D%/target.c %D%/target.h \
	%D%/tls.c %D%/tls.h
nodist_src_http_libhttp_a_SOURCES = %D%/web_files.c

# The pages, compiled in.
WEB_FILES = \
	share/web/index.html \
	share/web/app.js share/web/icon.svg \
	share/web/style.css
EXTRA_DIST += share/web/embed $(WEB_FILES)
CLEANFILES += %D%/web_files.c
BUILT_SOURCES += %D%/web_files.c
%D%/web_files.c: $(WEB_FILES) share/web/embed
	$(AM_V_GEN)$(MKDIR_P) %D% && cd $(srcdir) && \
	$(SHELL) share/web/embed $(WEB_FILES) >$(abs_builddir)/$@.new && \
	mv $(abs_builddir)/$@.new $(abs_builddir)/$@

LIBS_HTTP = src/http/libhttp.a $(H2O_LIBS) $(OPENSSL_LIBS)
