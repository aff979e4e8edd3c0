# SPDX-License-Identifier: Apache-2.0
# Thousands of simulated MySQL servers over real sockets: doc/fleet.md.
check_PROGRAMS += %D%/fleet
t_fleet_fleet_SOURCES = %D%/client.c %D%/command.c %D%/control.c \
	%D%/fleet.h %D%/loop.c %D%/main.c %D%/query.c %D%/stats.c \
	%D%/tls.c %D%/tls.h \
	%D%/wire.c %D%/wire.h %D%/world.c
t_fleet_fleet_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/t $(OPENSSL_CFLAGS)
t_fleet_fleet_LDADD = t/model/libmodel.a src/mysql/libmysql_orc.a \
	$(LIBS_TOPOLOGY) $(MSGPACK_LIBS) $(OPENSSL_LIBS)
dist_check_SCRIPTS += %D%/fleet.t
TESTS += %D%/fleet.t
