#!/usr/bin/env bats
# status and verify with the event log of a real firmware and boot loader (OVMF, GRUB).

load machines

setup() {
  MACHINE=$BATS_TEST_TMPDIR/machine
}

@test "grub: the event log predicts what was recorded, and verify says that the next boot unlocks" {
  boot "$MACHINE" status-enroll --boot grub --tpm tis --tpm-banks sha256 --timeout 300
  boot "$MACHINE" status-predicted --boot grub --tpm tis --tpm-banks sha256 --timeout 300
}
