#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# unlock against locked DIMMs under a stock kernel: what goes wrong, what it says, what is left.
# After every failure the next good boot must unlock all, and no attempt may have been burned: one machine
# goes through all failures that should leave nothing, and then boots.

load machines

setup_file() {
  export GOLD=$BATS_FILE_TMPDIR/gold
  new_machine "$GOLD"
}

setup() {
  MACHINE=$BATS_TEST_TMPDIR/machine
  copy_machine "$GOLD" "$MACHINE"
}

# fails ROW CODE MESSAGE NMEM0 NMEM1 [vm's options]
fails() {
  local row=$1 code=$2 message=$3 nmem0=$4 nmem1=$5
  shift 5
  boot "$MACHINE" unlock-fails --tpm tis --env "ROW=$row" --env "CODE=$code" \
    --env "MESSAGE=$message" --env "NMEM0=$nmem0" --env "NMEM1=$nmem1" "$@"
}

# after_others: the machine that went through the failures before.
after_others() {
  MACHINE=$BATS_FILE_TMPDIR/failing
  [[ -e $MACHINE ]] || copy_machine "$GOLD" "$MACHINE"
}

next_boot_is_good() {
  boot "$MACHINE" unlock-all --tpm tis
  expect_attempts "$MACHINE" "${1:-0}"
}

@test "two locked DIMMs are unlocked and frozen, the data is there, ndctl agrees" {
  next_boot_is_good
}

@test "control: with autoprobing left on and no key, each DIMM counts a try with zeros" {
  boot "$MACHINE" unlock-zero-key --tpm tis
  expect_attempts "$MACHINE" 2
  [[ $("$BED/dimm" "$MACHINE" get 0 refused_zero) == 1 ]]
}

@test "a missing blob" {
  after_others
  fails missing-blob 8 "its blob is missing" locked "unlocked frozen"
  expect_attempts "$MACHINE" 0
}

@test "each field of a blob corrupted" {
  after_others
  boot "$MACHINE" unlock-corrupt-blobs --tpm tis
  expect_attempts "$MACHINE" 0
}

@test "two blobs swapped: neither is sent; the record decides, but not one that was edited" {
  boot "$MACHINE" unlock-swapped-blobs --tpm tis --env RECORD=kept
  expect_attempts "$MACHINE" 0
}

@test "control: two blobs swapped, and no record: each DIMM counts a wrong passphrase" {
  boot "$MACHINE" unlock-swapped-blobs --tpm tis --env RECORD=gone
  expect_attempts "$MACHINE" 2
}

@test "a blob wrapped by another kek" {
  after_others
  fails blob-under-another-kek 8 "wrapped by another kek" locked "unlocked frozen"
  expect_attempts "$MACHINE" 0
}

@test "the key file of another kek" {
  after_others
  fails key-file-of-another-kek 8 "wrapped by another kek" locked locked
  expect_attempts "$MACHINE" 0
}

@test "a truncated key file, and a missing one" {
  after_others
  fails truncated-key-file 7 "truncated" locked locked
  fails missing-key-file 7 "nvdimm-master.pem: No such file" locked locked
  expect_attempts "$MACHINE" 0
}

@test "no TPM" {
  after_others
  fails as-it-is 3 "there is no TPM device" locked locked --tpm none
  expect_attempts "$MACHINE" 0
}

@test "another machine's TPM" {
  after_others
  mv "$MACHINE/tpm" "$MACHINE/tpm.ours"
  fails as-it-is 4 "another TPM, or it was cleared" locked locked
  rm -r "$MACHINE/tpm"
  mv "$MACHINE/tpm.ours" "$MACHINE/tpm"
  expect_attempts "$MACHINE" 0
}

@test "changed PCRs: the policy does not match" {
  after_others
  fails as-it-is 5 "PCR 1 (sha256) differs" locked locked --qemu-arg=-smbios \
    --qemu-arg=type=1,serial=changed
  expect_attempts "$MACHINE" 0
}

@test "a missing module" {
  after_others
  fails missing-module 1 "nfit" none none
  expect_attempts "$MACHINE" 0
}

@test "after all these failures the next boot is good" {
  after_others
  next_boot_is_good
}

@test "a DIMM that another machine has locked, beside ours" {
  "$BED/dimm" "$MACHINE" set 1 passphrase="$(printf '%064x' 4711)"
  rm -rf "$BATS_TEST_TMPDIR/keys"
  "$BED/persist" "$MACHINE" get keys "$BATS_TEST_TMPDIR/keys"
  rm "$BATS_TEST_TMPDIR"/keys/nvdimm_8680-57341200_*.blob
  sed -i /8680-57341200/d "$BATS_TEST_TMPDIR/keys/enrolled-dimms"
  "$BED/persist" "$MACHINE" put "$BATS_TEST_TMPDIR/keys" keys
  fails as-it-is 9 "it is locked and there is no key for it" "unlocked frozen" locked
  expect_attempts "$MACHINE" 0
}

@test "an outdated blob: the DIMM refuses it once, and only once" {
  fails outdated-blob 9 "it refused the passphrase of its blob" locked "unlocked frozen"
  next_boot_is_good 1
}

@test "a warm reboot: revalidated, then frozen" {
  boot "$MACHINE" unlock-warm --tpm tis --warm-keeps --allow-reboot --env SECOND=revalidated
  expect_attempts "$MACHINE" 0
}

# bats test_tags=full
@test "a warm reboot without any key: brought up, frozen, and no key tried" {
  boot "$MACHINE" unlock-warm --tpm tis --warm-keeps --allow-reboot --env SECOND=no-keys
  expect_attempts "$MACHINE" 0
}

@test "a warm reboot with an outdated key: reported, and frozen all the same" {
  boot "$MACHINE" unlock-warm --tpm tis --warm-keeps --allow-reboot --env SECOND=outdated
  expect_attempts "$MACHINE" 1
}

@test "on-failure=poweroff switches the machine off" {
  run boot "$MACHINE" unlock-poweroff
  [[ $status -eq 125 ]]
  grep -q "powering off in 10 seconds" "$MACHINE/unlock-poweroff.log"
}
