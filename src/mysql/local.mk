# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += src/mysql/libmysql_orc.a
src_mysql_libmysql_orc_a_CPPFLAGS = $(AM_CPPFLAGS) $(MARIADB_CFLAGS) \
	$(OPENSSL_CFLAGS)
src_mysql_libmysql_orc_a_SOURCES = \
	%D%/conn.c %D%/conn.h \
	%D%/connect.c %D%/connect.h \
	%D%/dialect.c %D%/dialect.h %D%/dialect.def \
	%D%/handles.c %D%/handles.h \
	%D%/intern.c %D%/intern.h \
	%D%/quick.c %D%/quick.h \
	%D%/probe.c %D%/probe.h %D%/probe_impl.h \
	%D%/probe_fields.c \
	%D%/probe_memory.c \
	%D%/probe_names.c \
	%D%/probe_plan.c \
	%D%/probe_read.c \
	%D%/probe_text.c \
	%D%/rows.c %D%/rows.h \
	%D%/trust.c %D%/trust.h

# The pure part (rows, dialect, probe) needs no client library.
LIBS_PROBE = src/mysql/libmysql_orc.a $(LIBS_TOPOLOGY) $(MSGPACK_LIBS)
LIBS_MYSQL = src/mysql/libmysql_orc.a $(MARIADB_LIBS) $(OPENSSL_LIBS) \
	$(LIBS_TOPOLOGY) $(MSGPACK_LIBS) -ldl
