# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += src/config/libconfig.a
src_config_libconfig_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) \
	$(PCRE2_CFLAGS)
src_config_libconfig_a_SOURCES = \
	%D%/adjust.c \
	%D%/build.h \
	%D%/check.c \
	%D%/compile.c \
	%D%/conf.c %D%/conf.h \
	%D%/config.def \
	%D%/filter.c %D%/filter.h \
	%D%/pattern.c %D%/pattern.h \
	%D%/read.c \
	%D%/secrets.c \
	%D%/show.c \
	%D%/suggest.c \
	%D%/values.h

LIBS_CONFIG = src/config/libconfig.a src/base/libbase.a $(JANSSON_LIBS) \
	$(PCRE2_LIBS) $(MSGPACK_LIBS)
