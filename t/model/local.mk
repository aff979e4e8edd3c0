# SPDX-License-Identifier: Apache-2.0
# One model of MySQL servers, for the simulator and for fleets.
check_LIBRARIES += t/model/libmodel.a
t_model_libmodel_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_model_libmodel_a_SOURCES = %D%/model.c %D%/model.h %D%/model_sql.c
