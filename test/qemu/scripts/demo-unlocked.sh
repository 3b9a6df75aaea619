# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
. /test/lib.sh
. /test/demo-lib.sh

show "dmesg" "$(dmesg | grep -E 'nvunlock:|EXT4-fs \(vdc\): mounted')"
check "locked at first" 2 "$(grep -c '"security_before": "locked"' /run/nvunlock/status.json)"
show "grep before /run/nvunlock/status.json" "$(grep before /run/nvunlock/status.json)"
shown nvunlock list
for nmem in nmem0 nmem1; do check $nmem "unlocked frozen" "$(security $nmem)"; done
wait_for 5 test -b /dev/pmem0
mount /dev/pmem0 /pmem
show "sha256sum /pmem/file" "$(sha256sum </pmem/file | cut -c1-64)"
check "the file" "$(cat /persist/file.sha256)" "$(sha256sum </pmem/file)"
umount /pmem
show "keyctl list @u" "$(keyctl list @u)"
check "keys left in @u" none "$(keys_left)"
[ ! -e /run/nvunlock/learn ] || shown nvunlock approve --learn
output=$(nvunlock load-keys 2>&1)
check "a second unseal" 11 $?
show "nvunlock load-keys" "$(echo "$output" | fold -s -w 100)"
finish
