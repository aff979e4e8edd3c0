# SPDX-License-Identifier: Apache-2.0
# Pure layers: a unit test links its own layer and what lies below, no more.
UNIT_BASE = %D%/base.t
check_PROGRAMS += $(UNIT_BASE)
TESTS += $(UNIT_BASE)
t_unit_base_t_SOURCES = %D%/base.c
t_unit_base_t_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_unit_base_t_LDADD = src/base/libbase.a
