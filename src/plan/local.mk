# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += src/plan/libplan.a
src_plan_libplan_a_CPPFLAGS = $(AM_CPPFLAGS) $(PCRE2_CFLAGS)
src_plan_libplan_a_SOURCES = \
	%D%/binlog.c %D%/binlog.h %D%/inject.c %D%/inject.h %D%/needs.def %D%/pgtid.c %D%/pgtid.h \
	%D%/pgtid_errant.c %D%/pgtid_impl.h %D%/pgtid_last.c %D%/pgtid_match.c \
	%D%/pgtid_polite.c %D%/pgtid_relay.c %D%/pgtid_search.c \
	%D%/pgtid_text.c %D%/pgtid_text.h %D%/plan.c %D%/plan.h %D%/plans.def %D%/run.h \
	%D%/sql.h %D%/steps.def %D%/world.c

# making
src_plan_libplan_a_SOURCES += \
	%D%/candidate.c %D%/candidate.h %D%/foresee.c %D%/make.c %D%/make.h \
	%D%/make_bulk.c %D%/make_classic.c %D%/make_gtid.c %D%/make_list.c \
	%D%/make_lot.c %D%/make_match.c %D%/make_regroup.c \
	%D%/make_replication.c %D%/make_request.c %D%/make_server.c \
	%D%/make_smart.c %D%/make_swap.c %D%/make_way.c %D%/may.c %D%/need.c

# carrying out
src_plan_libplan_a_SOURCES += \
	%D%/journal.c %D%/run.c %D%/run_channel.c %D%/run_impl.h %D%/run_lane.c %D%/run_logs.c \
	%D%/run_semi.c %D%/run_server.c %D%/run_show.c %D%/run_step.c \
	%D%/run_threads.c %D%/run_wait.c %D%/sql.c %D%/sql_step.c \
	%D%/undo.c %D%/words.c %D%/words.h

# Before libmysql_orc.a, whose dialect and rows it uses.
LIBS_PLAN = src/plan/libplan.a $(LIBS_PROBE) $(PCRE2_LIBS)
