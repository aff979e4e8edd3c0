# SPDX-License-Identifier: Apache-2.0
# One model of MySQL servers, for the simulator and for fleets.
check_LIBRARIES += t/model/libmodel.a
t_model_libmodel_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_model_libmodel_a_SOURCES = %D%/change.c %D%/events.c %D%/lex.c %D%/lex.h \
	%D%/log.c %D%/log.h %D%/model.c %D%/model.h %D%/replicate.c \
	%D%/select.c %D%/set.c %D%/set.h %D%/setting.c %D%/status.c \
	%D%/stmt.c %D%/stmt.h %D%/variables.c %D%/write.c

check_PROGRAMS += %D%/obey.t
TESTS += %D%/obey.t
t_model_obey_t_SOURCES = %D%/obey.c
t_model_obey_t_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t
t_model_obey_t_LDADD = t/model/libmodel.a src/mysql/libmysql_orc.a \
	$(LIBS_TOPOLOGY) $(MSGPACK_LIBS)
