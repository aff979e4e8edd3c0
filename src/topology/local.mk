# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += src/topology/libtopology.a
src_topology_libtopology_a_CPPFLAGS = $(AM_CPPFLAGS) $(PCRE2_CFLAGS)
src_topology_libtopology_a_SOURCES = \
	%D%/health.c %D%/health.h \
	%D%/cluster.h %D%/instance.def %D%/instance.h %D%/key.h \
	%D%/control.def %D%/control.h \
	%D%/promotion.c %D%/promotion.h
