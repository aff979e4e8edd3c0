# SPDX-License-Identifier: Apache-2.0
# Tests on real servers. They stand here and nowhere else: what is in this
# folder is what "make check-serverless" leaves out.
REAL_TOPOLOGY = %D%/topology.t
dist_check_SCRIPTS += $(REAL_TOPOLOGY)
TESTS += $(REAL_TOPOLOGY)
