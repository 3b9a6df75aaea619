# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# The TPM's driver is taken away and comes back after five seconds, as a late one would.
. /test/lib.sh

driver=$(readlink -f /sys/class/tpm/tpm0/device/driver)
device=$(basename "$(readlink -f /sys/class/tpm/tpm0/device)")
echo "$device" >"$driver/unbind"
check "no TPM" 0 "$(find /dev -name "tpm*" | wc -l)"
(
  sleep 5
  echo "$device" >"$driver/bind"
) &
nvunlock unlock
check "unlock" 0 $?
for nmem in nmem0 nmem1; do check "$nmem" "unlocked frozen" "$(security $nmem)"; done
finish
