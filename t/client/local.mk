# SPDX-License-Identifier: Apache-2.0
CLIENT_TESTS = %D%/client.t
dist_check_SCRIPTS += $(CLIENT_TESTS)
TESTS += $(CLIENT_TESTS)
