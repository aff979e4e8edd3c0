# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += src/topology/libtopology.a
src_topology_libtopology_a_CPPFLAGS = $(AM_CPPFLAGS) $(PCRE2_CFLAGS)
src_topology_libtopology_a_SOURCES = \
	%D%/analysis.c %D%/analysis.def %D%/analysis.h \
	%D%/analysis_count.c %D%/analysis_list.c %D%/analysis_list.h \
	%D%/cluster.c %D%/cluster.h \
	%D%/errant.c \
	%D%/note.c %D%/note.h \
	%D%/place.c %D%/place.h \
	%D%/search.c %D%/search.h \
	%D%/tree.c %D%/tree.h \
	%D%/coord.c %D%/coord.h \
	%D%/gtid.c %D%/gtid.h %D%/gtid_build.h %D%/gtid_parse.c \
	%D%/gtid_mariadb.c %D%/gtid_mariadb.h \
	%D%/health.c %D%/health.h \
	%D%/instance.c %D%/instance.h %D%/instance.def \
	%D%/instance_json.c %D%/instance_pack.c \
	%D%/key.c %D%/key.h \
	%D%/moving.c %D%/moving.def %D%/moving.h \
	%D%/promotion.c %D%/promotion.h \
	%D%/version.c %D%/version.h

# what operators say
src_topology_libtopology_a_SOURCES += \
	%D%/control.c %D%/control.def %D%/control.h \
	%D%/control_apply.c %D%/control_change.h %D%/control_expire.c \
	%D%/control_labels.c %D%/control_names.c %D%/control_row.c \
	%D%/control_schema.c %D%/control_server.c %D%/control_snapshot.c \
	%D%/control_table.c %D%/control_table.h

# when a server is probed
src_topology_libtopology_a_SOURCES += %D%/schedule.c %D%/schedule.h
