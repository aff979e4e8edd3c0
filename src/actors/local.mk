# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += src/actors/libactors.a
src_actors_libactors_a_CPPFLAGS = $(AM_CPPFLAGS) $(CK_CFLAGS) $(SQLITE_CFLAGS) \
	$(MARIADB_CFLAGS) $(PCRE2_CFLAGS)
src_actors_libactors_a_SOURCES = \
	%D%/announce.c %D%/announce.h \
	%D%/app.c %D%/app.h \
	%D%/classes.h \
	%D%/cluster.c %D%/cluster.h %D%/cluster_rec.c %D%/cluster_rec.h \
	%D%/cluster_watch.c %D%/cluster_watch.h \
	%D%/directory.c %D%/directory.h \
	%D%/directory_ask.c %D%/directory_forget.c %D%/directory_same.c \
	%D%/directory_start.c %D%/directory_state.h \
	%D%/instance.c %D%/instance_state.h %D%/instance_address.c \
	%D%/instance_place.c %D%/instance_report.c \
	%D%/messages.c %D%/messages.h %D%/messages.def \
	%D%/names.c %D%/names.h \
	%D%/reload.c %D%/reload.h \
	%D%/resolver.c \
	%D%/root.c \
	%D%/metrics.c \
	%D%/roster.c %D%/roster.h \
	%D%/sample.c %D%/sample.h \
	%D%/world_board.c %D%/world_board.h

# what is remembered
src_actors_libactors_a_SOURCES += \
	%D%/audit.c %D%/audit.h %D%/audit_text.c \
	%D%/control.c %D%/control.h \
	%D%/reader.c %D%/reader.h \
	%D%/store.c %D%/store_shared.h %D%/store_state.h \
	%D%/store_flush.c %D%/store_load.c

# operations
src_actors_libactors_a_SOURCES += \
	%D%/mover.c %D%/mover_state.h %D%/mover_ask.c %D%/mover_end.c \
	%D%/mover_hook.c %D%/mover_lock.c %D%/mover_show.c \
	%D%/moves.c %D%/moves.h

# connections
src_actors_libactors_a_SOURCES += \
	%D%/connector.c %D%/connector.h \
	%D%/dialer.c %D%/dialer.h \
	%D%/progress.c %D%/progress.h \
	%D%/session.c

# places in logs
src_actors_libactors_a_SOURCES += \
	%D%/injector.c \
	%D%/logpos.c %D%/logpos.h \
	%D%/markers.c %D%/markers.h \
	%D%/searcher.c %D%/searches.c
