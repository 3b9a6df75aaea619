#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2030,SC2031  # each test has variables of its own
# Every remedy that a message names works in the state that prints it. Those of messages about the TPM are followed
# in tpm_remedies.bats; those for DIMMs in a virtual machine, by test/qemu/remedies.bats.

load common
load remedies

# An image in $ROOT/boot that unlocks; as distributions' tools would build it anew.
build_image() {
  make_tree "$BATS_TEST_TMPDIR/tree"
  nvunlock image-files --root="$ROOT" --keys-dir="$KEYS" "$BATS_TEST_TMPDIR/tree"
  pack_tree "$BATS_TEST_TMPDIR/tree" "$ROOT/boot/initrd.img" cat
}

# A copy of the keys directory is in $SAFE/backup, and no key in the keyring.
back_up() {
  load_keys
  nvunlock backup --keys-dir="$KEYS" "$SAFE/backup"
  keyctl clear @u
}

restore() { # [OPTION]
  nvunlock restore "$@" --keys-dir="$KEYS" "$SAFE/backup"
}

@test "the key file is damaged: restore it from a backup; --force; move the old one away" {
  enroll_machine
  back_up
  echo nonsense >"$KEYS/nvdimm-master.pem"
  fails_with load_keys
  advised "restore the key file from a backup"
  fails_with restore
  advised "--force replaces them"
  restore --force
  unlocks
  echo "nonsense again" >"$KEYS/nvdimm-master.pem"
  keyctl clear @u
  fails_with restore --force
  advised "nvdimm-master.pem.before-restore already exists; move it away"
  mv "$KEYS/nvdimm-master.pem.before-restore" "$SAFE"
  restore --force
  unlocks
}

@test "a blob is damaged: restore the keys directory from a backup, 'nvunlock refresh-images'" {
  enroll_machine
  back_up
  build_image
  sed -i 's/.$/x/' "$KEYS"/nvdimm_*.blob
  fails_with load_keys
  advised "restore the keys directory from a backup"
  rm -r "$KEYS"
  run restore
  expect 0
  follow "nvunlock refresh-images"
  unlocks
}

@test "restored onto another board: 'nvunlock load-keys --recovery', 'nvunlock reseal'" {
  enroll_machine
  load_keys
  nvunlock backup --keys-dir="$KEYS" "$SAFE/backup"
  rm -r "$KEYS"
  keyctl clear @u
  other_tpm
  run restore
  restored=$output
  follow "nvunlock load-keys --recovery" <<<"$RECOVERY_KEY"
  output=$restored
  advised "'nvunlock reseal'"
  run reseal --tpm2-pcrs=7+8 </dev/null
  expect 0
  unlocks
}

@test "a backup wants the kek: 'nvunlock load-keys', and with the latch closed --recovery" {
  enroll_machine
  fails_with nvunlock backup --keys-dir="$KEYS" "$SAFE/backup"
  follow "nvunlock load-keys"
  run nvunlock backup --keys-dir="$KEYS" "$SAFE/backup"
  expect 0
  keyctl clear @u
  close_latch
  fails_with nvunlock backup --keys-dir="$KEYS" "$SAFE/other"
  follow "nvunlock load-keys --recovery" <<<"$RECOVERY_KEY"
  run nvunlock backup --keys-dir="$KEYS" "$SAFE/other"
  expect 0
}

@test "a kek without a recovery slot cannot be backed up: 'nvunlock reseal' adds one" {
  enroll_without_recovery
  load_keys
  fails_with nvunlock backup --keys-dir="$KEYS" "$SAFE/backup"
  follow "nvunlock reseal --recovery-key"
  run nvunlock backup --keys-dir="$KEYS" "$SAFE/backup"
  expect 0
}

@test "enroll: what is enrolled is used by 'nvunlock load-keys'" {
  enroll_machine
  fails_with enroll
  follow "nvunlock load-keys"
  unlocks
}

@test "enroll: a kek in clear, on disk or in the keyring alone: 'nvunlock enroll --import'" {
  make_clear_kek
  make_blob 8680-00000001
  cp "$KEYS/nvdimm-master.blob" "$SAFE"
  fails_with enroll
  follow "nvunlock enroll --import" --tpm2-pcrs=7+8 --weak-policy --no-recovery
  unlocks
  rm "$KEYS"/nvdimm-master.*
  fails_with enroll
  advised "keyctl pipe"
  keyctl pipe "$(keyctl search @u user nvdimm-master)" >"$KEYS/nvdimm-master.blob"
  follow "nvunlock enroll --import" --tpm2-pcrs=7+8 --weak-policy --no-recovery
  unlocks
}

@test "enroll: another kek is in the keyring: save it, take it out" {
  make_clear_kek
  cp "$KEYS/nvdimm-master.blob" "$SAFE"
  make_blob 8680-00000001
  keyctl clear @u
  head -c 32 /dev/urandom | keyctl padd user nvdimm-master @u
  fails_with enroll --import
  advised "keyctl pipe"
  advised "keyctl unlink"
  keyctl unlink "$(keyctl search @u user nvdimm-master)" @u
  enroll --import
  unlocks
}

@test "slots: 'nvunlock list-slots' names them; the last way in: 'nvunlock reseal' adds another" {
  enroll_without_recovery
  fails_with wipe_slot 7
  follow "nvunlock list-slots"
  fails_with wipe_slot 0
  load_keys
  follow "nvunlock reseal --recovery-key"
  run wipe_slot 0
  expect 0
}

@test "rotate-kek to what is not enrolled: 'nvunlock enroll --kek='" {
  enroll_machine
  load_keys
  fails_with nvunlock rotate-kek --root="$ROOT" --keys-dir="$KEYS" --no-image --to=user:new
  follow "nvunlock enroll --kek=user:new" --tpm2-pcrs=7+8 --weak-policy --no-recovery
  run nvunlock rotate-kek --root="$ROOT" --keys-dir="$KEYS" --no-image --to=user:new
  expect 0
}

@test "the recovery key could not be shown: 'nvunlock wipe-slot', 'nvunlock reseal' make another" {
  enroll_without_recovery
  load_keys
  run bash -c '"$@" >/dev/full' - \
    "$NVUNLOCK" reseal --recovery-key --root="$ROOT" --keys-dir="$KEYS" --tpm2-device="$TPM"
  lost=$output
  follow "nvunlock wipe-slot recovery-key"
  output=$lost
  follow "nvunlock reseal --recovery-key"
  RECOVERY_KEY=$(recovery_key_in "$output")
  keyctl clear @u
  run load_keys --recovery <<<"$RECOVERY_KEY"
  expect 0 "1 nvdimm keys loaded"
}

@test "no command, or none of that name: 'nvunlock --help'" {
  for words in "" nothing; do
    # shellcheck disable=SC2086  # none, or one
    fails_with nvunlock $words
    advised "'nvunlock --help'"
    run nvunlock --help
    expect 0 "usage: nvunlock"
  done
}

@test "a key of the DIMM that is not the blob's: 'keyctl unlink' takes it out" {
  enroll_machine
  load_keys
  old=$(cat "$KEYS"/nvdimm_8680-00000001_*.blob)
  keyctl unlink %encrypted:nvdimm:8680-00000001 @u
  make_blob 8680-00000001
  keyctl add encrypted nvdimm:8680-00000001 "load $old" @u
  fails_with load_keys
  advised "remove it with 'keyctl unlink %encrypted:nvdimm:8680-00000001 @u'"
  keyctl unlink %encrypted:nvdimm:8680-00000001 @u
  run load_keys
  expect 0 "1 nvdimm keys loaded"
}

@test "no image unlocks this machine: 'nvunlock check-image' says what one lacks" {
  enroll_machine
  fails_with nvunlock refresh-images --root="$ROOT" --keys-dir="$KEYS"
  advised "rebuild the image"
  advised "see 'nvunlock check-image'"
  build_image
  run nvunlock refresh-images --root="$ROOT" --keys-dir="$KEYS"
  expect 0
  run nvunlock check-image --root="$ROOT" --keys-dir="$KEYS" "$ROOT/boot/initrd.img"
  expect 0
}

# Commands that the program names in quotes. After "=" or a blank comes what it fills in.
remedies_of_program() {
  strings "$NVUNLOCK" | grep -oE "'(nvunlock|ndctl|keyctl|tpm2_[a-z]+) [^']*" | tr -d "'" | sort -u
}

# Those that are followed by other tests, or name what no admin is to run.
followed_elsewhere() {
  cat <<'END'
nvunlock unlock               images.bats: what an image that runs it records
nvunlock help                 usage.bats
nvunlock help COMMAND         usage.bats
nvunlock                      usage.bats: a command's --help
nvunlock enroll               operation_keks.bats, without a TPM
keyctl                        above
nvunlock status               status.bats
ndctl disable-region          remedies-changes.sh: it names the regions
nvunlock check-image          above: it wants an image
ndctl list -B                 help texts: a format
ndctl list -D                 help texts: a format
ndctl list -DH                help texts: health is not security
ndctl load-keys               for trusted keks, which stock kernels lack
keyctl padd user              operation_keks.bats
keyctl pipe %                 operation_keks.bats
keyctl unlink %               operation_keks.bats
keyctl unlink %encrypted:     above
keyctl pipe                   above
END
}

is_followed() { # REMEDY
  local end='"' tests
  tests=$(cat "$BATS_TEST_DIRNAME"/{*remedies.ba*,../qemu/scripts/remedies-*.sh})
  [[ $1 != *[=\ ] ]] || end=
  [[ $tests == *"follow \"$1$end"* || $tests == *"advised \"'$1'"* ]] && return
  followed_elsewhere | grep -qF "${1% }  "
}

@test "each command that a message names is followed by a test" {
  [[ $(remedies_of_program | wc -l) -gt 25 ]]
  while IFS= read -r remedy; do
    is_followed "$remedy" || echo "$remedy"
  done < <(remedies_of_program) >"$BATS_TEST_TMPDIR/never-followed"
  cat "$BATS_TEST_TMPDIR/never-followed"
  [[ ! -s $BATS_TEST_TMPDIR/never-followed ]]
}
