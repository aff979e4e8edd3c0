# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/tap.h
EXTRA_DIST += %D%/lib/Topology.pm %D%/lib/Daemon.pm %D%/lib/Fleet.pm \
	%D%/lib/Moves.pm %D%/lib/topology %D%/lib/mysql-root
dist_check_SCRIPTS += %D%/tidy.t
TESTS += %D%/tidy.t

include t/unit/local.mk
include t/client/local.mk
include t/cli/local.mk
include t/abuse/local.mk

# Everything but what needs real servers; sanitizer builds run these.
.PHONY: check-serverless
check-serverless:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(filter-out t/real/%,$(TESTS))'
dist_check_SCRIPTS += %D%/config_used.t
TESTS += %D%/config_used.t
