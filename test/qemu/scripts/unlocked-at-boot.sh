# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# In the root that a dracut image has switched to: nvunlock has run there, before the root file
# system was mounted, and the first OURS DIMMs are up.
. /test/lib.sh

log_line() { # PATTERN: the number of the first kernel message that matches
  dmesg | grep -n -m 1 "$1" | cut -d: -f1
}

check "nvunlock's exit code" '"exit_code":0,' "$(tr -d ' ' </run/nvunlock/status.json | grep exit_code)"
check "nvunlock came before the root" yes \
  "$([ "$(log_line 'nvunlock: nmem0')" -lt "$(log_line 'EXT4-fs (vdc): mounted')" ] && echo yes)"
ours=$(nmems | head -n "${OURS:-2}")
for nmem in $ours; do check "$nmem" "unlocked frozen" "$(security "$nmem")"; done
check "keys left in @u" none "$(keys_left)"
check "keys left anywhere" 0 "$(grep -c nvdimm: /proc/keys)"
check "the record is of the initramfs" 1 "$(grep -c '"in_initramfs": true' /run/nvunlock/pcrs.json)"
pmem=$(pmem_of nmem0)
wait_for 5 test -b "$pmem"
check "the data" "$(cat /persist/data.sha256)" \
  "$(dd if="$pmem" bs=1000000 count=1 2>/dev/null | sha256sum)"

nvunlock unlock >/tmp/again 2>&1
check "a second run" 0 $?
check "it has nothing to do" "$(echo "$ours" | wc -l)" "$(grep -c 'unlocked, frozen' /tmp/again)"
finish
