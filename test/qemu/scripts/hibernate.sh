# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# The machine hibernates while a file system on a DIMM is in use. What follows runs when it is resumed.
. /test/lib.sh

pmem=$(pmem_of nmem1)
wait_for 5 test -b "$pmem"
mkfs.ext4 -q "$pmem" && mount "$pmem" /pmem
head -c 3000000 /dev/urandom >/pmem/before
sum=$(sha256sum </pmem/before)
exec 3>/pmem/after
swapon /dev/vdd
sync
echo shutdown >/sys/power/disk
echo disk >/sys/power/state || exit 1

echo 3 >/proc/sys/vm/drop_caches
check "the file of before" "$sum" "$(sha256sum </pmem/before)"
cat /pmem/before >&3
exec 3>&-
sync
echo 3 >/proc/sys/vm/drop_caches
check "a file that was open" "$sum" "$(sha256sum </pmem/after)"
check "the data on the other DIMM" "$(cat /persist/data.sha256)" \
  "$(dd if="$(pmem_of nmem0)" bs=1000000 count=1 2>/dev/null | sha256sum)"
for nmem in nmem0 nmem1; do check "$nmem" "unlocked frozen" "$(security $nmem)"; done
nvunlock load-keys
check "the latch, which the initramfs has closed" 11 $?
umount /pmem
e2fsck -fn "$pmem"
check "the file system" 0 $?
finish
