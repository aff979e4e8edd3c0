# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += src/store/libstore.a
src_store_libstore_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
src_store_libstore_a_SOURCES = \
	%D%/analysis.c \
	%D%/columns.c \
	%D%/control_rows.c \
	%D%/db.c %D%/db.h \
	%D%/detection.c \
	%D%/history.c \
	%D%/instance.c \
	%D%/migrate.c \
	%D%/statements.def \
	%D%/store.h \
	%D%/migrations/0001_first.def %D%/migrations/0002_analysis.def \
	%D%/migrations/0003_pulse.def \
	%D%/migrations/0004_move.def \
	%D%/migrations/0005_detection.def
LIBS_STORE = src/store/libstore.a $(LIBS_TOPOLOGY) $(SQLITE_LIBS) \
	$(MSGPACK_LIBS)
