#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# sanitize-dimm beside stock ndctl: every combination of options in every state of a DIMM, on twins. Nothing
# is erased, no passphrase removed and no attempt used up that the same command line of ndctl does not.
# CHECK=full: also where the DIMMs' keys are on disk only.

load machines

# compare KEYS: prints the table
compare() {
  local machine=$BATS_TEST_TMPDIR/$1 status=0
  "$BED/dimm" "$machine" create 4 --size 16
  boot "$machine" sanitize-table --env "KEYS_IN=$1" --busy-answers 0 --timeout 300 \
    --file /test/operations.sh="$BED/scripts/operations-lib.sh" \
    --file /usr/bin/dimm_memory="$BED/../../build/dimm_memory" || status=$?
  sed -n "s/^\[ *[0-9.]*\] table: /# sanitize: $1: /p" "$machine/sanitize-table.log" >&3
  return $status
}

@test "nothing is erased, removed or used up that the same command line of ndctl leaves alone" {
  compare keyring
  [[ ${CHECK-} != full ]] || compare disk
}
