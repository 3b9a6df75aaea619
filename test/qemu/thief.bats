#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A machine with GRUB, enrolled as the quick start says, in the hands of a thief who changes what is on its disk.

load machines

setup_file() {
  export GOLD=$BATS_FILE_TMPDIR/gold GENUINE=$BATS_FILE_TMPDIR/genuine.img
  mkdir "$BATS_FILE_TMPDIR/no-keys"
  "$BED/image" --kernel "$KERNEL" --flavour dracut-plain --keys "$BATS_FILE_TMPDIR/no-keys" \
    --out "$BATS_FILE_TMPDIR/first.img"
  boot_grub "$GOLD" thief-enroll --initrd "$BATS_FILE_TMPDIR/first.img"
  "$BED/persist" "$GOLD" get keys "$GOLD/keys"
  "$BED/persist" "$GOLD" get old "$GOLD/old"
  "$BED/image" --kernel "$KERNEL" --flavour dracut-plain --keys "$GOLD/keys" --out "$GENUINE"
  boot_grub "$GOLD" thief-learn --initrd "$GENUINE"
}

setup() {
  MACHINE=$BATS_TEST_TMPDIR/machine
  THIEF=$BATS_TEST_TMPDIR/thief.img
}

# boot_grub DIR SCRIPT [vm's options]
boot_grub() {
  boot "$@" --boot grub --tpm tis --tpm-banks sha256 --timeout 300
}

# with_hook IMAGE: as THIEF, with a hook that unseals first.
with_hook() {
  "$BED/image-edit" "$1" "$THIEF" --put "$BED/scripts/thief-hook.sh" lib/dracut/hooks/pre-mount/00-thief.sh
}

# stays_closed INITRD [vm's options]: somebody presses Enter when asked for the recovery key.
stays_closed() {
  local image=$1
  shift
  copy_machine "$GOLD" "$MACHINE"
  boot_grub "$MACHINE" locked-at-boot --initrd "$image" --env CODE=5 --type '^Recovery key' '' "$@"
  expect_attempts "$MACHINE" 0
}

thief_gets() { # CODE: of load-keys
  grep -q "thief: load-keys has ended with $1" "$MACHINE/locked-at-boot.log"
}

@test "what was learnt boots unattended, again and again" {
  copy_machine "$GOLD" "$MACHINE"
  boot_grub "$MACHINE" thief-genuine --initrd "$GENUINE"
  boot_grub "$MACHINE" thief-genuine --initrd "$GENUINE"
  expect_attempts "$MACHINE" 0
}

@test "another initramfs: closed" {
  with_hook "$GENUINE"
  stays_closed "$THIEF"
  thief_gets 5
}

@test "control: the same initramfs on PCRs 7 and 8 gets the kek" {
  with_hook "$GENUINE"
  "$BED/image-edit" "$THIEF" "$THIEF" \
    --put "$GOLD/old/nvdimm-master.pem" etc/ndctl/keys/nvdimm-master.pem
  copy_machine "$GOLD" "$MACHINE"
  run boot_grub "$MACHINE" locked-at-boot --initrd "$THIEF" --env CODE=5
  grep -q 'nvdimm master key loaded' "$MACHINE/locked-at-boot.log"
  thief_gets 0
}

@test "another command line: closed" {
  stays_closed "$GENUINE" --append thief=yes
}

# bats test_tags=full
@test "another kernel, with its initramfs: closed" {
  "$BED/image" --kernel 6.12 --flavour dracut-plain --keys "$GOLD/keys" --out "$BATS_TEST_TMPDIR/other.img"
  with_hook "$BATS_TEST_TMPDIR/other.img"
  KERNEL=6.12 stays_closed "$THIEF"
  thief_gets 5
}

# bats test_tags=full
@test "another GRUB, and another grub.cfg: closed" {
  stays_closed "$GENUINE" --grub-module echo
  rm -r "$MACHINE"
  stays_closed "$GENUINE" --grub-line 'set thief=yes'
}

# bats test_tags=full
@test "a disk with another system: closed" {
  copy_machine "$GOLD" "$MACHINE"
  boot_grub "$MACHINE" thief-system
  expect_attempts "$MACHINE" 0
}
