#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Policies that are signed, not recorded: a new kernel needs no new enrollment, if whoever signs the
# Unified Kernel Images has signed it.

load machines

setup_file() {
  export GOLD=$BATS_FILE_TMPDIR/gold VENDOR=$BATS_FILE_TMPDIR/vendor.pem
  boot_uki "$GOLD" signed-enroll --sign-key "$VENDOR"
  "$BED/persist" "$GOLD" get keys "$GOLD/keys"
}

setup() {
  MACHINE=$BATS_TEST_TMPDIR/machine
}

# boot_uki DIR SCRIPT [vm's options]
boot_uki() {
  boot "$@" --boot uki --tpm tis --tpm-banks sha256 --timeout 400
}

@test "systemd dracut, signed for the phase enter-initrd alone: unlocks, and only there" {
  local image=$BATS_TEST_TMPDIR/initrd.img
  copy_machine "$GOLD" "$MACHINE"
  "$BED/image" --kernel 6.12 --flavour dracut-systemd --keys "$GOLD/keys" --out "$image" \
    -- --add systemd-pcrphase
  KERNEL=6.12 boot_uki "$MACHINE" signed-at-boot --initrd "$image" --sign-key "$VENDOR" \
    --phase enter-initrd
  expect_attempts "$MACHINE" 0
}

@test "another kernel, signed with the same key: unlocks; afterwards the latch is closed" {
  copy_machine "$GOLD" "$MACHINE"
  KERNEL=6.12 boot_uki "$MACHINE" signed-unlock --sign-key "$VENDOR" --env RELEASE=6.12
  expect_attempts "$MACHINE" 0
}

@test "the same kernel, another command line, signed with another key: refused" {
  copy_machine "$GOLD" "$MACHINE"
  boot_uki "$MACHINE" signed-by-another --append other=yes
  expect_attempts "$MACHINE" 0
}
