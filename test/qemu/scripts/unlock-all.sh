# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# The boot as it should be: the first OURS DIMMs come up locked, nvunlock unlocks and freezes them,
# the data is there, no key is left. Stock ndctl sees the same.
. /test/lib.sh

nvunlock unlock
check "unlock" 0 $?
modprobe nd_pmem
pmem=$(pmem_of nmem0)
wait_for 5 test -b "$pmem"
ours=$(nmems | head -n "${OURS:-2}")
for nmem in $ours; do check "$nmem" "unlocked frozen" "$(security "$nmem")"; done
check "the data" "$(cat /persist/data.sha256)" \
  "$(dd if="$pmem" bs=1000000 count=1 2>/dev/null | sha256sum)"
check "keys left in @u" none "$(keys_left)"
check "autoprobing is on again" 1 "$(cat /sys/bus/nd/drivers_autoprobe)"

check "ndctl lists the same" "$(ndctl list -D)" "$(nvunlock list -D)"
ndctl freeze-security all
check "ndctl freezes what is frozen" 0 $?
nvunlock freeze-security all -b ACPI.NFIT
check "so does nvunlock" 0 $?
finish
