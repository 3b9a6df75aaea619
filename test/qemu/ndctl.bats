#!/usr/bin/env bats
# nvunlock and stock ndctl on the same DIMMs, each with what the other has made.

load machines

@test "nvunlock makes the kek, ndctl uses it, and they take turns" {
  MACHINE=$BATS_TEST_TMPDIR/machine
  boot "$MACHINE" ndctl-enroll --tpm tis
  boot "$MACHINE" ndctl-takes-over --tpm tis
  expect_attempts "$MACHINE" 0
}
