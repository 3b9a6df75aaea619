# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# In a root that came up anew because the unlock has failed: a hibernated system waits on the swap disk.
. /test/lib.sh

for nmem in nmem0 nmem1; do check "$nmem" locked "$(security $nmem)"; done
check "the hibernated system" S1SUSPEND "$(dd if=/dev/vdd bs=1 skip=4086 count=9 2>/dev/null)"
echo 254:48 >/sys/power/resume
finish
