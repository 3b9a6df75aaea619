#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Keks and passphrases that operations are given: --import-passphrase, rotate-kek, settle.
# shellcheck disable=SC2030,SC2031  # "run" sets output for the functions that a test calls

load common

setup_file() { start_tpm; }
teardown_file() { stop_tpm; }

setup() {
  fresh_keys
  ROOT=$BATS_TEST_TMPDIR/root
  mkdir -p "$ROOT/sys/bus/nd/devices" "$ROOT/sys/devices/ndbus0/nmem0/nfit"
  ln -s ../../../devices/ndbus0/nmem0 "$ROOT/sys/bus/nd/devices/nmem0"
  echo 8680-00000001 >"$ROOT/sys/devices/ndbus0/nmem0/nfit/id"
  echo unlocked >"$ROOT/sys/devices/ndbus0/nmem0/security"
  BLOB=$KEYS/nvdimm_8680-00000001_$(uname -n).blob
}

import_passphrase() { # OPTION...
  nvunlock setup-passphrase --root="$ROOT" --keys-dir="$KEYS" --no-image --import-passphrase "$@" \
    nmem0
}

rotate() { # OPTION...
  nvunlock rotate-kek --root="$ROOT" --keys-dir="$KEYS" --no-image "$@"
}

# The blobs as they are, to compare.
blobs() {
  awk 1 "$KEYS"/*.blob
}

@test "--import-passphrase takes up to 32 bytes, and never shows them" {
  head -c 32 /dev/urandom | keyctl padd user nvdimm-master @u
  run import_passphrase -k user:nvdimm-master <<<"correct horse battery staple"
  expect 1 "user:nvdimm-master is only in the keyring"
  [[ ! -e $BLOB ]]
  keyctl pipe "$(keyctl search @u user nvdimm-master)" >"$KEYS/nvdimm-master.blob"
  run import_passphrase -k user:nvdimm-master <<<"$(printf 'x%.0s' {1..33})"
  expect 2 "32 bytes"
  [[ ! -e $BLOB && $(cat "$ROOT/sys/devices/ndbus0/nmem0/security") == unlocked ]]
  run import_passphrase -k user:nvdimm-master </dev/null
  [[ $status -ne 0 && ! -e $BLOB ]]
  run import_passphrase -k user:nvdimm-master <<<"correct horse battery staple"
  expect 0 "passphrase enabled for 1 nmem."
  [[ $output != *horse* && -s $BLOB ]]
  refute grep -rqa horse "$KEYS"
}

# The command that the output names, by its first words.
remedy() { # WORDS
  grep -o "'[^']*$1[^']*'" <<<"$output" | head -n 1 | tr -d "'"
}

@test "a kek that is nowhere, in the keyring only, in clear only, or another: each remedy works" {
  run import_passphrase -k user:nvdimm-master <<<secret
  expect 20 "user:nvdimm-master is neither in the keyring nor in $KEYS"
  refute grep -q "nvunlock load-keys" <<<"$output"
  sh -c "$(remedy "umask 77")"
  run import_passphrase -k user:nvdimm-master <<<secret
  expect 20 "user:nvdimm-master is not in the keyring; load it with"
  sh -c "$(remedy "keyctl padd")"
  kek_is "$KEYS/nvdimm-master.blob"
  rm "$KEYS/nvdimm-master.blob"
  run import_passphrase -k user:nvdimm-master <<<secret
  expect 1 "user:nvdimm-master is only in the keyring"
  sh -c "$(remedy "keyctl pipe")"
  kek_is "$KEYS/nvdimm-master.blob"
  head -c 32 /dev/urandom | keyctl padd user nvdimm-master @u
  run import_passphrase -k user:nvdimm-master <<<secret
  expect 8 "user:nvdimm-master in the keyring is not the kek of $KEYS"
  sh -c "$(remedy "keyctl unlink")"
  load_keys
  kek_is "$KEYS/nvdimm-master.blob"
  run import_passphrase -k user:nvdimm-master <<<secret
  expect 0 "passphrase enabled for 1 nmem."
}

# setup-passphrase as ndctl has it, without any option of ours.
setup_passphrase() {
  nvunlock setup-passphrase --root="$ROOT" --keys-dir="$KEYS" --import-passphrase \
    -k user:nvdimm-master nmem0 <<<secret
}

@test "never enrolled: no image is wanted, and one line says that no boot will unlock" {
  make_clear_kek
  mkdir -p "$ROOT/boot"
  echo "no image" >"$ROOT/boot/initrd.img-foreign"
  run setup_passphrase
  expect 0 "no boot will unlock by itself until you seal the kek to a TPM with 'nvunlock enroll --import'"
  expect 0 "passphrase enabled for 1 nmem."
}

@test "enrolled, or with an image of ours: the images count, as ever" {
  make_clear_kek
  make_own_image
  run setup_passphrase
  expect 18 "not changed: the images could not be prepared"
  rm "$ROOT/boot/initrd.img"
  enroll --import
  run setup_passphrase
  expect 18 "no initramfs image unlocks this machine"
  [[ ! -e $BLOB ]]
}

@test "--import-passphrase: the master's cannot be imported, and -k must be clear" {
  run import_passphrase -k user:nvdimm-master -m <<<"secret"
  expect 2 "a master passphrase cannot be imported"
  run import_passphrase <<<"secret"
  expect 2 "choose the kek"
  run nvunlock update-passphrase --import-passphrase nmem0
  expect 2 "unrecognized option"
}

@test "rotate-kek wants another kek, which is enrolled and loaded" {
  run rotate
  expect 2 "name the new kek with --to=user:NAME"
  run rotate --to=nvdimm
  expect 2 "is not a kek name"
  run rotate --to=user:nvdimm-master
  expect 2 "the old and the new kek are the same"
  run rotate --kek=trusted:old --to=user:new
  expect 2 "only user keks"
  run rotate --to=user:new
  expect 7 "run 'nvunlock enroll --kek=user:new' first"
}

@test "rotate-kek wraps all blobs under the new kek; without --revoke it says what that is worth" {
  enroll
  make_blob 8680-00000001
  cp "$BLOB" "$KEYS/nvdimm-master_8680-00000001_$(uname -n).blob"
  enroll --kek=user:new
  before=$(blobs)
  run rotate --dry-run --to=user:new
  expect 0 "would wrap ${BLOB##*/} under user:new"
  [[ $(blobs) == "$before" ]]
  run rotate -v --to=user:new
  expect 0 "wrapped ${BLOB##*/} under user:new"
  expect 0 "step: settled"
  expect 0 "This revokes nothing"
  [[ $(blobs | grep -c "^enc32 user:new 32") == 2 ]]
  run rotate --to=user:new
  expect 0
  refute grep "^wrapped" <<<"$output"
  # What load-keys makes of it after a boot.
  keyctl clear @u
  run load_keys
  expect 0
  key_exists encrypted nvdimm:8680-00000001
}

@test "rotate-kek killed while it replaces the blob that unlocked a DIMM does not block images" {
  enroll
  make_blob 8680-00000001
  enroll --kek=user:new
  mkdir -p "$ROOT/run/nvunlock"
  echo "8680-00000001 $(sha256sum <"$BLOB" | cut -d " " -f 1) frozen" >"$ROOT/run/nvunlock/unlocked-with"
  refresh_images() {
    run nvunlock refresh-images --root="$ROOT" --keys-dir="$KEYS"
    expect 18 "no initramfs image unlocks this machine"
  }
  run strace -o "$BATS_TEST_TMPDIR/trace" -P "$BLOB" -e inject=renameat:signal=KILL \
    "$NVUNLOCK" rotate-kek --root="$ROOT" --keys-dir="$KEYS" --no-image --to=user:new
  [[ $status -eq 137 && $(<"$BLOB") == "enc32 user:nvdimm-master "* ]]
  refresh_images
  rotate --to=user:new
  [[ $(<"$BLOB") == "enc32 user:new "* ]]
  refresh_images
}

@test "rotate-kek --json: a blob whose host's name is not UTF-8" {
  enroll
  make_blob 8680-00000001 $'host\xff'
  enroll --kek=user:new
  run rotate --json --to=user:new
  expect 0 $'nvdimm_8680-00000001_host\xef\xbf\xbd.blob'
}

@test "rotate-kek: a kek that is not loaded, or not the enrolled one, wraps nothing" {
  enroll
  make_blob 8680-00000001
  enroll --kek=user:new
  before=$(blobs)
  keyctl unlink "$(keyctl search @u user new)" @u
  run rotate --to=user:new
  expect 20 "user:new is not in the keyring"
  head -c 32 /dev/urandom | keyctl padd user new @u
  run rotate --to=user:new
  expect 8 "user:new in the keyring is not the kek of"
  [[ $(blobs) == "$before" ]]
}

@test "rotate-kek --revoke also changes the passphrases, and puts the old kek aside" {
  enroll
  make_blob 8680-00000001
  enroll --kek=user:new
  run rotate --revoke --to=user:new
  expect 0 "passphrase updated for 1 nmem."
  [[ $(cat "$BLOB") == "enc32 user:new 32 "* ]]
  [[ ! -e $KEYS/nvdimm-master.pem && -e $KEYS/nvdimm-master.pem.retired ]]
}

@test "settle finds nothing to do after a boot without an unlock" {
  run nvunlock settle --root="$ROOT" --keys-dir="$KEYS"
  expect 0
  [[ -z $output ]]
  run nvunlock settle --json --root="$ROOT" --keys-dir="$KEYS"
  expect 0 "[]"
}
