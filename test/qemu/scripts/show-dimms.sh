# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# For a look at what an image has done to the DIMMs.
. /test/lib.sh

show_dimms
finish
