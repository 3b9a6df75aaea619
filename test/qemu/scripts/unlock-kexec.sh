# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Unlocked; then the same kernel and initramfs are started by kexec, which resets neither the TPM nor
# the DIMMs.
. /test/lib.sh

both_are_up() {
  for nmem in nmem0 nmem1; do check "$nmem" "unlocked frozen" "$(security $nmem)"; done
}

# The place where the bed has put the first kernel's initramfs is no concern of the second.
start_again() {
  touch /persist/started-again
  umount /etc/ndctl/keys /etc/nvunlock /persist
  kexec_boot /boot/vmlinuz /boot/initrd.img \
    "$(sed -E 's/ (memmap|initrdmem)=[^ ]*//g' /proc/cmdline)"
  check "kexec" started failed
  finish
}

if [ ! -e /persist/started-again ]; then
  nvunlock unlock
  check "unlock" 0 $?
  both_are_up
  start_again
fi

# With this a failure that is acted upon ends with 0; here every DIMM is up, and nothing is to be done.
echo on-failure=proceed >/etc/nvunlock/nvunlock.conf
check "this is the second kernel" 0 "$(grep -c initrdmem= /proc/cmdline)"
nvunlock unlock >/tmp/said 2>&1
check "unlock" 11 $?
cat /tmp/said
check "it says that the latch is closed" 1 "$(grep -c 'the latch is closed' /tmp/said)"
both_are_up
modprobe nd_pmem
pmem=$(pmem_of nmem0)
wait_for 5 test -b "$pmem"
check "the data" "$(cat /persist/data.sha256)" \
  "$(dd if="$pmem" bs=1000000 count=1 2>/dev/null | sha256sum)"
check "no key" none "$(keys_left)"
finish
