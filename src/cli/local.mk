# SPDX-License-Identifier: Apache-2.0
bin_PROGRAMS += orchestrator
orchestrator_CPPFLAGS = $(AM_CPPFLAGS) $(CK_CFLAGS) $(JANSSON_CFLAGS) \
	$(PCRE2_CFLAGS) $(CURL_CFLAGS) -DORC_COMMIT='"$(ORC_COMMIT)"'
orchestrator_SOURCES = \
	%D%/cli.def \
	%D%/bar.c %D%/bar.h \
	%D%/command.c %D%/command.h \
	%D%/daemon.c %D%/daemon.h \
	%D%/flags.c %D%/flags.def %D%/flags.h \
	%D%/main.c \
	%D%/print.c %D%/print.h \
	%D%/remote.c %D%/remote.h \
	%D%/serve.c %D%/serve.h \
	%D%/snapshot.c %D%/snapshot.h %D%/snapshot_read.c \
	%D%/syslog.c %D%/syslog.h
orchestrator_LDADD = $(LIBS_HTTP) $(LIBS_OPS) $(MARIADB_LIBS) $(CURL_LIBS) \
	$(OPENSSL_LIBS) -ldl
