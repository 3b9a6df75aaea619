#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# load-keys, against swtpm and the kernel's keyrings, with ndctl's files.

load common
load load_keys

@test "all keys: ndctl's words, exit code 0, and the kernel has them" {
  run load_keys
  expect 0 "nvdimm master key loaded."
  expect 0 "2 nvdimm keys loaded"
  key_exists user nvdimm-master
  key_exists encrypted nvdimm:8680-00000001
  key_exists encrypted nvdimm:8680-00000002
}

@test "it may be repeated" {
  load_keys
  run load_keys
  expect 0 "2 nvdimm keys loaded"
}

@test "ndctl's own load-keys finds everything done, or does it as well" {
  load_keys
  cmp <(keyctl pipe "$(keyctl search @u encrypted nvdimm:8680-00000001)") "$(blob_of 8680-00000001)"
  keyctl clear @u
  run ndctl load-keys -p "$KEYS"
  expect 0 "2 nvdimm keys loaded"
}

@test "-p is --keys-dir, as ndctl has it" {
  run nvunlock load-keys -p "$KEYS" --tpm2-device="$TPM"
  expect 0 "2 nvdimm keys loaded"
}

@test "a kek in the keyring is used without the TPM, but only if it is the right one" {
  keyctl padd user nvdimm-master @u <"$KEYS/nvdimm-master.blob"
  run load_keys --tpm2-device=/none
  expect 0 "2 nvdimm keys loaded"
  keyctl clear @u
  head -c 32 /dev/urandom | keyctl padd user nvdimm-master @u
  run load_keys
  expect 8 "is not the kek of"
}

@test "in a session keyring without @u, as systemd gives its services" {
  run keyctl session - "$NVUNLOCK" load-keys --keys-dir="$KEYS" --tpm2-device="$TPM"
  expect 0 "2 nvdimm keys loaded"
}

@test "a truncated key file: exit code 7 at every length, never a crash" {
  size=$(stat -c %s "$KEYS/nvdimm-master.pem")
  cp "$KEYS/nvdimm-master.pem" "$BATS_TEST_TMPDIR/good"
  update_key=$(grep -ob 'The key that approves' "$BATS_TEST_TMPDIR/good" | cut -d : -f 1)
  for ((length = 0; length < size; length += 97)); do
    head -c "$length" "$BATS_TEST_TMPDIR/good" >"$KEYS/nvdimm-master.pem"
    # From there on a file without update key is what is left, until that key begins.
    if ((length >= update_key && length <= update_key + 78)); then
      run load_keys
      expect 0 "2 nvdimm keys loaded"
      run approve --next-boot
      expect 7 "it holds no update key"
      keyctl clear @u
      continue
    fi
    run load_keys
    expect 7
    expect 7 "0 nvdimm keys loaded"
  done
}

@test "a key file with another name, none at all, one of 100 KiB, one that is a directory" {
  rm "$KEYS/nvdimm-master.blob"
  mv "$KEYS/nvdimm-master.pem" "$KEYS/other.pem"
  run load_keys
  expect 7 "it holds user:nvdimm-master instead of user:other"
  rm "$KEYS/other.pem"
  run load_keys
  expect 7 "nvdimm-master.pem: No such file"
  head -c 102400 /dev/zero >"$KEYS/nvdimm-master.pem"
  run load_keys
  expect 7 "larger than"
  rm "$KEYS/nvdimm-master.pem"
  mkdir "$KEYS/nvdimm-master.pem"
  run load_keys
  expect 7 "not a regular file"
}

@test "changed PCRs: exit code 5, and which one it was" {
  extend 16
  run load_keys
  expect 0
  keyctl clear @u
  rm "$KEYS"/nvdimm-master.pem
  enroll --import --tpm2-pcrs=8+16
  keyctl clear @u
  extend 16
  run load_keys
  expect 5 "PCR 16 (sha256) differs"
  tpm2_pcrreset 16
}

@test "another TPM: exit code 4" {
  start_tpm "$BATS_TEST_TMPDIR/other"
  run load_keys
  expect 4
  tpm2_createprimary -Q -C o -G ecc -c "$BATS_TEST_TMPDIR/p"
  tpm2_evictcontrol -Q -C o -c "$BATS_TEST_TMPDIR/p" 0x81000001
  tpm2_flushcontext -t
  run load_keys
  stop_tpm "$BATS_TEST_TMPDIR/other"
  expect 4 "not made by this TPM"
}

@test "a TPM that was cleared: exit code 4" {
  start_tpm "$BATS_TEST_TMPDIR/cleared"
  rm "$KEYS"/nvdimm-master.pem
  enroll --import
  keyctl clear @u
  tpm2_clear
  run load_keys
  stop_tpm "$BATS_TEST_TMPDIR/cleared"
  expect 4 "cleared"
}

@test "no TPM: exit code 3" {
  run load_keys --tpm2-device=/dev/tpm9
  expect 3
}

@test "an empty keys directory: nothing to load, exit code 0; none is an error, as for ndctl" {
  rm -r "$KEYS"
  run load_keys
  expect 1 "there is no keys directory $KEYS"
  run nvunlock load-keys -p "$KEYS"
  expect 1 "there is no keys directory $KEYS"
  run ndctl load-keys -p "$KEYS"
  [[ $status -ne 0 ]]
  mkdir "$KEYS"
  run load_keys
  expect 0 "0 nvdimm keys loaded"
}

@test "without a key file ndctl's kek in clear is loaded, as ndctl does, and one line says so" {
  rm "$KEYS/nvdimm-master.pem"
  run load_keys --tpm2-device=/none
  expect 0 "nvdimm-master.blob holds user:nvdimm-master in clear; if there is a TPM, seal it with 'nvunlock enroll --import'"
  expect 0 "nvdimm master key loaded."
  expect 0 "2 nvdimm keys loaded"
  kek_is "$KEYS/nvdimm-master.blob"
  key_exists encrypted nvdimm:8680-00000001
  run load_keys --tpm2-device=/none
  expect 0 "2 nvdimm keys loaded"
  run enroll --import
  expect 0
}

@test "a kek in clear that no blob needs is loaded, too, for setup-passphrase" {
  rm "$KEYS"/*
  make_clear_kek
  keyctl clear @u
  run load_keys --tpm2-device=/none
  expect 0 "nvdimm master key loaded."
  kek_is "$KEYS/nvdimm-master.blob"
}

@test "trusted keks are not supported yet: -t, tpm.handle, a blob under one; nothing is loaded" {
  for option in -t --tpm-handle; do
    run load_keys "$option" 0x81000001
    expect 1 "--tpm-handle is for trusted keks, which are not supported yet"
  done
  rm "$KEYS/nvdimm-master.pem"
  echo 0x81000001 >"$KEYS/tpm.handle"
  run load_keys
  expect 1 "$KEYS/tpm.handle says that nvdimm-master is a trusted kek: trusted keks are not supported yet"
  expect 1 "0 nvdimm keys loaded"
  rm "$KEYS/tpm.handle"
  sed -i s/user:/trusted:/ "$(blob_of 8680-00000001)"
  run load_keys
  expect 1 "$(blob_of 8680-00000001) is wrapped by trusted:nvdimm-master: trusted keks are not supported yet"
  [[ $(keyctl rlist @u) == "" ]]
}
