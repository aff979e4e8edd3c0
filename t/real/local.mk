# SPDX-License-Identifier: Apache-2.0
# Tests on real servers. They stand here and nowhere else: what is in this
# folder is what "make check-serverless" leaves out.
REAL_TESTS = %D%/topology.t
EXTRA_DIST += %D%/discovery.t
EXTRA_DIST += %D%/quickstart.t
dist_check_SCRIPTS += $(REAL_TESTS)
TESTS += $(REAL_TESTS)
