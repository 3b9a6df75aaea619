#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every kind of initramfs on the oldest and the newest kernel: the DIMMs come up before the root file
# system is touched, and after a failing unlock they stay locked and untried.
#
# A flavour unlocks with one type of TPM and fails with the other, on one of the kernels; CHECK=full does
# all with all. The table of boots, with their times and burned attempts, is shown at the end.

load machines

setup_file() {
  export TABLE=$BATS_FILE_TMPDIR/table
  latched_machine
}

teardown_file() {
  {
    echo "kernel flavour tpm unlock seconds attempts"
    sort "$TABLE"
  } | column -t | sed 's/^/# /' >&3
}

setup() {
  MACHINE=$BATS_TEST_TMPDIR/machine
  IMAGE=$BATS_TEST_TMPDIR/initrd.img
}

# cell KERNEL FLAVOUR TPM good|fails: one boot.
cell() {
  local began=$SECONDS
  rm -rf "$MACHINE"
  copy_machine "$GOLD" "$MACHINE"
  if [[ $4 = good ]]; then
    KERNEL=$1 boot "$MACHINE" unlocked-at-boot --initrd "$IMAGE" --tpm "$3" --env OURS=2
  else
    # Another serial number of the machine: PCR 1 changes.
    KERNEL=$1 boot "$MACHINE" locked-at-boot --initrd "$IMAGE" --tpm "$3" --env CODE=5 \
      --qemu-arg=-smbios --qemu-arg=type=1,serial=changed
  fi
  echo "$1 $(name_of "$2") $3 $4 $((SECONDS - began)) $(attempts "$MACHINE")" >>"$TABLE"
  expect_attempts "$MACHINE" 0
}

# A stand-in is no cell of the real matrix, and says so.
name_of() {
  [[ $1 != mkinitcpio-* || ${MKINITCPIO-} ]] && echo "$1" || echo "$1(stand-in)"
}

# row KERNEL FLAVOUR TPM OTHER-TPM
row() {
  KERNEL=$1 gold_image "$2" "$IMAGE" recovery-prompt=no
  cell "$1" "$2" "$3" good
  cell "$1" "$2" "$4" fails
  [[ ${CHECK-} != full ]] || {
    cell "$1" "$2" "$4" good
    cell "$1" "$2" "$3" fails
  }
}

@test "6.1, dracut with systemd" { row 6.1 dracut-systemd tis crb; }
@test "6.1, dracut without systemd" { row 6.1 dracut-plain crb tis; }
@test "6.1, mkinitcpio with systemd" { row 6.1 mkinitcpio-systemd crb tis; }
@test "newest, mkinitcpio with busybox" { row newest mkinitcpio-busybox crb tis; }
@test "newest, initramfs-tools" { row newest initramfs-tools tis crb; }

# bats file_tags=full
@test "newest, dracut with systemd" { row newest dracut-systemd crb tis; }
@test "newest, dracut without systemd" { row newest dracut-plain tis crb; }
@test "newest, mkinitcpio with systemd" { row newest mkinitcpio-systemd tis crb; }
@test "6.1, mkinitcpio with busybox" { row 6.1 mkinitcpio-busybox tis crb; }
@test "6.1, initramfs-tools" { row 6.1 initramfs-tools crb tis; }
