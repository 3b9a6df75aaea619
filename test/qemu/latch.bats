#!/usr/bin/env bats
# What is left to somebody who has the booted machine: the latch is closed, the keyring empty. And
# what an admin does then: recovery key, reseal.

load machines

setup_file() {
  export LATCHED=$BATS_FILE_TMPDIR/latched OPEN=$BATS_FILE_TMPDIR/open PCR=$BATS_FILE_TMPDIR/pcr
  new_machine "$LATCHED" --env LATCH=nv --env RECOVERY=--recovery-key
  new_machine "$PCR" --env LATCH=pcr:14
  new_machine "$OPEN" --env LATCH=none
  for machine in "$LATCHED" "$OPEN"; do "$BED/persist" "$machine" get keys "$machine/keys"; done
}

setup() {
  MACHINE=$BATS_TEST_TMPDIR/machine
  IMAGE=$BATS_TEST_TMPDIR/initrd.img
}

# attack GOLD CODE: nvunlock unlocks; then the system that was booted tries to unseal and ends
# with CODE.
attack() {
  copy_machine "$1" "$MACHINE"
  boot "$MACHINE" latch-attack --tpm tis --env "CODE=$2"
  expect_attempts "$MACHINE" 0
}

@test "the booted system cannot unseal again: NV latch" { attack "$LATCHED" 11; }
@test "the booted system cannot unseal again: PCR latch" { attack "$PCR" 5; }
@test "control: without a latch it gets the kek" { attack "$OPEN" 0; }

@test "the TPM's owner removes the latch and makes it anew: it does not open" {
  copy_machine "$LATCHED" "$MACHINE"
  boot "$MACHINE" latch-redefine --tpm tis
}

@test "an unlock that fails closes the latch, too" {
  copy_machine "$LATCHED" "$MACHINE"
  boot "$MACHINE" latch-after-failure --tpm tis --env RESULT=closed
  copy_machine "$OPEN" "$MACHINE.open"
  boot "$MACHINE.open" latch-after-failure --tpm tis --env RESULT=open
}

# emergency_shell GOLD FLAVOUR BREAK CODE: what dracut's emergency shell, in place of which our
# hook runs, gets out of the TPM and the keyring.
emergency_shell() {
  copy_machine "$1" "$MACHINE"
  "$BED/image" --kernel 6.1 --flavour "$2" --keys "$1/keys" --out "$IMAGE" \
    -- --include "$BED/scripts/latch-emergency.sh" /lib/dracut/hooks/emergency/99-test.sh \
    --install "keyctl poweroff grep"
  run boot "$MACHINE" show-dimms --initrd "$IMAGE" --tpm tis --append "rd.break=$3 rd.shell"
  grep -q "test: load-keys ends with $4" "$MACHINE/show-dimms.log"
  grep -q "test: keyring is empty" "$MACHINE/show-dimms.log"
}

@test "plain dracut: an emergency shell before the unlock finds the latch closed" {
  emergency_shell "$LATCHED" plain cmdline 11
}

@test "plain dracut: an emergency shell after the unlock finds the latch closed" {
  emergency_shell "$LATCHED" plain pre-mount 11
}

@test "systemd dracut: an emergency shell finds the latch closed" {
  emergency_shell "$LATCHED" systemd pre-mount 11
}

@test "control: without a latch an emergency shell gets the kek" {
  emergency_shell "$OPEN" plain pre-mount 0
}

# changed SCRIPT [vm's options]: a boot with another PCR 1 than at enrollment.
changed() {
  boot "$MACHINE" "$@" --tpm tis --qemu-arg=-smbios --qemu-arg=type=1,serial=changed
}

@test "PCRs changed: recovery key at the prompt, reseal, and the next boot is automatic" {
  copy_machine "$LATCHED" "$MACHINE"
  "$BED/persist" "$MACHINE" get safe "$BATS_TEST_TMPDIR/safe"
  changed recovery-prompt --type '^Recovery key or passphrase' wrong \
    --type '^Recovery key or passphrase' "$(cat "$BATS_TEST_TMPDIR/safe/recovery-key")" \
    --type "^If the change is yours" no
  changed recovery-reseal
  changed unlock-all
  expect_attempts "$MACHINE" 0
}

@test "PCRs changed: recovery key and 'yes' at the prompt, and the next boot is automatic" {
  copy_machine "$LATCHED" "$MACHINE"
  "$BED/persist" "$MACHINE" get safe "$BATS_TEST_TMPDIR/safe"
  changed recovery-adopt \
    --type '^Recovery key or passphrase' "$(cat "$BATS_TEST_TMPDIR/safe/recovery-key")" \
    --type "^If the change is yours" yes
  changed unlock-all
  expect_attempts "$MACHINE" 0
}

@test "nobody at the prompt: the boot goes on after the timeout, the DIMMs stay locked" {
  copy_machine "$LATCHED" "$MACHINE"
  changed recovery-nobody
  expect_attempts "$MACHINE" 0
}

@test "a TPM whose driver comes five seconds late" {
  copy_machine "$LATCHED" "$MACHINE"
  boot "$MACHINE" unlock-late-tpm --tpm tis
  expect_attempts "$MACHINE" 0
}
