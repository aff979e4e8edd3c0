# SPDX-License-Identifier: Apache-2.0
RAFT_SOURCES = \
	%D%/core.c %D%/core.h %D%/elect.c %D%/lead.c %D%/log.c %D%/look.c \
	%D%/members.c %D%/raft.h %D%/replicate.c %D%/rules.def \
	%D%/snapshot.c %D%/wire.c

noinst_LIBRARIES += src/raft/libraft.a
src_raft_libraft_a_SOURCES = $(RAFT_SOURCES)
LIBS_RAFT = src/raft/libraft.a src/base/libbase.a $(MSGPACK_LIBS)

# With rules that can be switched off, for t/raft/mutants.
check_LIBRARIES += src/raft/libraft_mutants.a
src_raft_libraft_mutants_a_CPPFLAGS = $(AM_CPPFLAGS) -DRAFT_MUTANTS
src_raft_libraft_mutants_a_SOURCES = $(RAFT_SOURCES)
