#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# nvunlock and stock ndctl on the same DIMMs, each with what the other has made.

load machines

@test "nvunlock makes the kek, ndctl uses it, and they take turns" {
  MACHINE=$BATS_TEST_TMPDIR/machine
  boot "$MACHINE" ndctl-enroll --tpm tis
  boot "$MACHINE" ndctl-takes-over --tpm tis
  expect_attempts "$MACHINE" 0
}

# Two that are locked at power-on; the script makes the rest.
@test "'list' prints what stock ndctl prints, for DIMMs in every state" {
  MACHINE=$BATS_TEST_TMPDIR/machine every=31
  [[ ${CHECK-} != full ]] || every=1
  "$BED/dimm" "$MACHINE" create 6
  for dimm in 0 1; do "$BED/dimm" "$MACHINE" set $dimm "passphrase=$(printf '%064d' 7)"; done
  boot "$MACHINE" ndctl-list --env EVERY=$every
}
