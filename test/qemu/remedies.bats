#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What messages about DIMMs tell an admin to run works in the state that they are printed in. For those about
# keys, and for the list of all, see test/cli/remedies.bats.

load machines

# remedies SCRIPT [vm's options]
remedies() {
  local script=$1
  shift
  boot "$BATS_TEST_TMPDIR/machine" "remedies-$script" "$@" \
    --file /test/operations.sh="$BED/scripts/operations-lib.sh" \
    --file /usr/bin/fail_write="$BED/../../build/fail_write"
}

@test "DIMMs that are to be changed, locked ones, refusals, nvunlock=off, one that is not frozen" {
  remedies changes --busy-answers 3
  remedies locked --tpm tis
  remedies off --tpm tis --append nvunlock=off
  remedies not-frozen --tpm tis
}
