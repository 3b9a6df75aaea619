# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# In the root that a dracut image has switched to: nvunlock has failed there with CODE; udev's
# coldplug, rd.driver.pre and a plain modprobe have not made the kernel probe a locked DIMM.
. /test/lib.sh

check "nvunlock's exit code" "\"exit_code\":$CODE," \
  "$(tr -d ' ' </run/nvunlock/status.json | grep exit_code)"
for nmem in nmem0 nmem1; do check "$nmem" locked "$(security $nmem)"; done
check "no driver on a locked DIMM" "" "$(ls -d "$ND"/nmem*/driver 2>/dev/null)"
check "no block device" "" "$(ls /dev/pmem* 2>/dev/null)"
check "no key" none "$(keys_left)"
finish
