#!/usr/bin/env bats
# What the bed's two ways to boot measure, so that tests can change a PCR as real machines do.

load machines

setup() {
  MACHINE=$BATS_TEST_TMPDIR/machine
}

measure() { # NAME [vm's options]
  local name=$1
  shift
  boot "$MACHINE" bed-pcrs --tpm tis --tpm-banks sha256 --env NAME="$name" "$@"
  "$BED/persist" "$MACHINE" get "$name" "$BATS_TEST_TMPDIR/$name"
}

changed() { # NAME NAME: the PCRs that differ
  local pcr
  for pcr in {0..15}; do
    cmp -s "$BATS_TEST_TMPDIR/$1/$pcr" "$BATS_TEST_TMPDIR/$2/$pcr" || printf '%s ' "$pcr"
  done
}

# PCR 10 is the kernel's digest of PCRs 0 to 9.

@test "direct: SeaBIOS measures the SMBIOS tables into PCR 1, and nobody the kernel" {
  measure one
  measure two --append changed=yes
  [[ -z $(changed one two) ]]
  measure three --qemu-arg=-smbios --qemu-arg=type=1,serial=changed
  [[ $(changed one three) == "1 10 " ]]
}

@test "grub: the kernel command line goes into PCR 8, files into PCR 9" {
  measure one --boot grub
  measure two --boot grub --append changed=yes
  [[ $(changed one two) == "8 9 10 " ]]
}
