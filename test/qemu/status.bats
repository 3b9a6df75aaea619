#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# status and verify with the event log of a real firmware (SeaBIOS; under GRUB this bed's kernel gets
# none, since it is not started through its EFI stub).

load machines

setup() {
  MACHINE=$BATS_TEST_TMPDIR/machine
}

@test "the event log predicts what was recorded, and verify says that the next boot unlocks" {
  boot "$MACHINE" status-enroll --tpm tis
  boot "$MACHINE" status-predicted --tpm tis
}
