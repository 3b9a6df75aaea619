#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# When the TPM does not open by itself: PIN, recovery key, approval.

load machines

setup_file() {
  export PIN=$BATS_FILE_TMPDIR/pin
  latched_machine
  new_machine "$PIN" --env PIN=2718 --env RECOVERY=--recovery-key
}

setup() {
  MACHINE=$BATS_TEST_TMPDIR/machine
}

# machine_like GOLD: and what its recovery key is.
machine_like() {
  copy_machine "$1" "$MACHINE"
  "$BED/persist" "$MACHINE" get safe "$BATS_TEST_TMPDIR/safe"
  recovery_key=$(cat "$BATS_TEST_TMPDIR/safe/recovery-key")
}

# changed SCRIPT [vm's options]: a boot with another PCR 1 than at enrollment.
changed() {
  boot "$MACHINE" "$@" --tpm tis --qemu-arg=-smbios --qemu-arg=type=1,serial=changed
}

@test "PCRs changed: recovery key at the prompt, approve and reseal, and the next boot is automatic" {
  machine_like "$GOLD"
  changed unlock-asked --type '^Recovery key or passphrase' wrong \
    --type '^Recovery key or passphrase' "$recovery_key"
  changed recovery-reseal
  changed unlock-all
  expect_attempts "$MACHINE" 0
}

@test "PCRs changed: recovery key at the prompt, learnt, and the next boot is automatic" {
  machine_like "$GOLD"
  changed recovery-learn --type '^Recovery key or passphrase' "$recovery_key"
  changed unlock-all
  expect_attempts "$MACHINE" 0
}

@test "nobody at the prompt: the boot goes on after the timeout, the DIMMs stay locked" {
  machine_like "$GOLD"
  changed recovery-nobody
  expect_attempts "$MACHINE" 0
}

@test "the right PIN unlocks" {
  machine_like "$PIN"
  boot "$MACHINE" unlock-asked --tpm tis --type '^PIN for' 2718
  expect_attempts "$MACHINE" 0
}

# A new swtpm takes three wrong ones; the last is for others.
@test "wrong PINs, then the recovery key; then lockout, and the recovery key again" {
  machine_like "$PIN"
  boot "$MACHINE" unlock-asked --tpm tis --type '^PIN for' 1111 --type '; tries left: 1. PIN for' 2222 \
    --type '^Recovery key or passphrase' "$recovery_key"
  grep -q 'the PIN was wrong too often' "$MACHINE/unlock-asked.log"
  boot "$MACHINE" pin-last-try --tpm tis
  boot "$MACHINE" pin-lockout --tpm tis --type '^Recovery key or passphrase' "$recovery_key"
  expect_attempts "$MACHINE" 0
}

@test "a TPM whose driver is unbound, and bound again five seconds later" {
  machine_like "$GOLD"
  boot "$MACHINE" unlock-late-tpm --tpm tis
  expect_attempts "$MACHINE" 0
}
