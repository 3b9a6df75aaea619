#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# ndctl and nvunlock on the same DIMMs: every operation of one is understood by the other; where ndctl
# fails, nvunlock does not; and all of it with 48 DIMMs. For ndctl's own test see upstream.bats.

load machines

setup() {
  MACHINE=$BATS_TEST_TMPDIR/machine
}

# operations SCRIPT [vm's options]: on a new machine, or the one that there is.
operations() {
  local script=$1
  shift
  boot "$MACHINE" "operations-$script" --file /test/operations.sh="$BED/scripts/operations-lib.sh" \
    --file /usr/bin/kill_at="$BED/../../build/kill_at" "$@"
}

# refused DIMM...: how many passphrases each has refused
refused() {
  local i
  for i; do "$BED/dimm" "$MACHINE" get "$i" refused; done | xargs
}

@test "user and master passphrases: they take turns" {
  operations alternate --busy-answers 0
  expect_attempts "$MACHINE" 0
}

@test "N1: with its key on disk only, ndctl sends zeros, which the DIMM refuses" {
  operations bugs --env BUG=N1
  [[ $(refused 0 1) = "1 0" ]]
}

@test "N2: killed before the DIMM has the new passphrase, ndctl leaves a blob that does not open it" {
  operations bugs --env BUG=N2-killed
  operations ndctl-boot
  [[ $(refused 0 1) = "1 0" ]]
}

@test "N2: of a frozen DIMM ndctl has replaced the blob" {
  operations bugs --env BUG=N2-frozen
  operations ndctl-boot
  [[ $(refused 0 1) = "1 0" ]]
}

@test "N3: when the new key cannot be read, ndctl takes a size for a key and leaves no blob" {
  operations bugs --env BUG=N3
  operations ndctl-boot
}

# bats test_tags=full
@test "N4: ndctl takes options of other commands" {
  operations bugs --env BUG=N4
}

@test "N5: load-keys tells by its exit code whether it did, can be run again, and in any session" {
  new_machine "$MACHINE"
  boot "$MACHINE" operations-load-keys --tpm tis
}

# bats test_tags=full
@test "N6: ndctl does not find the blob after the host was renamed" {
  operations bugs --env BUG=N6
}

@test "N7: what ndctl leaves after an overwrite is in its own way" {
  operations bugs --env BUG=N7 --busy-answers 0
}

# bats test_tags=full
@test "N9: everybody can read what ndctl writes" {
  operations bugs --env BUG=N9
}

@test "a passphrase that the BIOS has set is taken over, and a wrong one costs one attempt" {
  "$BED/dimm" "$MACHINE" create 2
  "$BED/dimm" "$MACHINE" set 0 passphrase="$(printf '%064d' 7)"
  "$BED/dimm" "$MACHINE" set 1 passphrase="$(printf %-64s 42494f5320736563726574 | tr ' ' 0)"
  operations import --tpm tis
  expect_attempts "$MACHINE" 1
  operations import --tpm tis
  expect_attempts "$MACHINE" 1
}

@test "48 DIMMs, one of which fails" {
  # Small ones are erased sooner.
  "$BED/dimm" "$MACHINE" create 48 --size 16
  operations many
}
