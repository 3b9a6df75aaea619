#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The peer's own test: ndctl's test/security.sh, byte for byte, on the DIMMs of the kernel's own nfit_test.

load machines

setup_file() {
  MODULES=$("$BATS_TEST_DIRNAME/nfit-test" 6.1)
  NDCTL_TEST=$("$BATS_TEST_DIRNAME/ndctl-test")
  export MODULES NDCTL_TEST KERNEL=6.1
}

setup() {
  MACHINE=$BATS_TEST_TMPDIR/machine
}

# original: security.sh as it is in Debian's source package.
original() {
  tar -xOf "$NDCTL_TEST"/*.orig.tar.* --wildcards '*/test/security.sh'
}

# upstream RUNS [vm's options]: runs the test in a machine without DIMMs of its own.
upstream() {
  local runs=$1
  shift
  boot "$MACHINE" upstream --dimms 0 --env RUNS="$runs" --env SHA256="$(original | sha256sum)" \
    --file /test/modules="$MODULES" --file /test/upstream="$NDCTL_TEST/test" \
    --file /test/ndctl="$BED/scripts/upstream-ndctl" --timeout 300 "$@"
}

@test "the source package is the one that Debian has signed for" {
  sha256sum --check <<<"$(cat "$NDCTL_TEST/digest")  $(ls "$NDCTL_TEST"/*.orig.tar.*)"
}

@test "never enrolled, without a TPM: nvunlock passes, and fails when its list or load-keys is broken" {
  upstream "nvunlock nvunlock:list nvunlock:load-keys" --env WARNS=yes
}

@test "enrolled, with an image of ours in /boot: nvunlock passes" {
  boot "$MACHINE" upstream-enroll --dimms 0 --tpm tis
  install_image "$MACHINE"
  upstream nvunlock --tpm tis --env WARNS=no
}

@test "control: stock ndctl passes" {
  upstream ndctl --env WARNS=no
}

@test "an admin who knows ndctl: setup, update, remove, freeze, list, sanitize, without a TPM" {
  boot "$MACHINE" upstream-admin-sets --file /test/operations.sh="$BED/scripts/operations-lib.sh"
  boot "$MACHINE" upstream-admin-unlocks --file /test/operations.sh="$BED/scripts/operations-lib.sh"
}
