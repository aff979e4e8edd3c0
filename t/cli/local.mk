# SPDX-License-Identifier: Apache-2.0
CLI_TESTS = %D%/bar.t %D%/cli.t %D%/snapshot.t
dist_check_SCRIPTS += $(CLI_TESTS)
TESTS += $(CLI_TESTS)
EXTRA_DIST += t/cli/snapshots
