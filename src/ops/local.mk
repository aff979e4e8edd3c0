# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += src/ops/libops.a
src_ops_libops_a_CPPFLAGS = $(AM_CPPFLAGS) $(CK_CFLAGS) $(PCRE2_CFLAGS) \
	$(JANSSON_CFLAGS)
src_ops_libops_a_SOURCES = \
	%D%/op.h %D%/op.c %D%/ops.def \
	%D%/call.h %D%/call.c \
	%D%/dispatch.c \
	%D%/route.h %D%/route.c \
	%D%/status.c
