# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/actor.h %D%/runtime.h %D%/sim.h %D%/board.h
