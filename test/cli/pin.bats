#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A TPM slot that wants a PIN.

load common

setup() {
  start_tpm "$BATS_TEST_TMPDIR/tpm"
  tpm2_dictionarylockout -s -n 8 -t 1000 -l 1000
  fresh_keys
  KEK=$BATS_TEST_TMPDIR/kek
  printf '%s\n' 1234 1234 | enroll --tpm2-with-pin
  save_kek "$KEK"
  keyctl clear @u
}
teardown() { stop_tpm "$BATS_TEST_TMPDIR/tpm"; }

failed_tries() {
  echo $((16#$(tpm2_getcap properties-variable | sed -n 's/.*LOCKOUT_COUNTER: *0x//p')))
}

@test "the PIN loads the kek" {
  run load_keys <<<1234
  expect 0 "nvdimm master key loaded."
  kek_is "$KEK"
}

@test "a wrong PIN is asked for again, with the tries that are left" {
  run load_keys < <(printf '%s\n' 1111 1234)
  expect 0 "the PIN is wrong; tries left: 4"
  kek_is "$KEK"
  [[ $(failed_tries) -eq 1 ]]
}

@test "five wrong PINs: exit code 12, and no sixth is asked for" {
  run load_keys < <(printf '%s\n' 1 2 3 4 5 1234)
  expect 12 "too often"
  refute key_exists user nvdimm-master
  [[ $(failed_tries) -eq 5 ]]
}

@test "one try of the TPM is left for others: exit code 6, and when there is another" {
  run load_keys < <(printf '%s\n' 1 2 3 4 5)
  expect 12
  run load_keys < <(printf '%s\n' 6 7 8 9)
  expect 12
  [[ $(failed_tries) -eq 7 ]]
  run load_keys <<<1234
  expect 6 "1000 seconds"
  [[ $(failed_tries) -eq 7 ]]
}

@test "in lockout: exit code 6" {
  tpm2_dictionarylockout -s -n 1 -t 1000 -l 1000
  run load_keys <<<1234
  expect 6 "lockout"
  refute key_exists user nvdimm-master
}

@test "without an answer no try is used up" {
  run load_keys </dev/null
  expect 1 "empty"
  [[ $(failed_tries) -eq 0 ]]
}

@test "when the PCRs differ nobody is asked: exit code 5" {
  extend 8
  run load_keys <<<1111
  expect 5 "PCR 8"
  [[ $(failed_tries) -eq 0 ]]
}

@test "when the latch is closed nobody is asked: exit code 11" {
  close_latch
  run load_keys <<<1111
  expect 11
  [[ $(failed_tries) -eq 0 ]]
}

@test "two PINs that differ: exit code 2, and nothing is written" {
  rm "$KEYS/nvdimm-master.pem"
  run enroll --tpm2-with-pin < <(printf '%s\n' 1234 1235)
  expect 2 "differ"
  [[ ! -e $KEYS/nvdimm-master.pem ]]
}

@test "reseal changes the PIN, or takes it away" {
  run reseal --tpm2-with-pin < <(printf '%s\n' 5678 5678 1234)
  expect 0 "proved: it unseals when its policy holds, and not without"
  run load_keys <<<1234
  [[ $status -ne 0 ]]
  run load_keys <<<5678
  expect 0
  kek_is "$KEK"
  run reseal
  expect 0
  keyctl clear @u
  run load_keys </dev/null
  expect 0
}

@test "approve asks for the PIN where the kek is not at hand; a wrong one changes nothing" {
  run approve --next-boot < <(printf '%s\n' 1 2 3 4 5)
  expect 12 "too often"
  run approve
  [[ $output != *"approved: boot"* ]]
  run approve --next-boot <<<1234
  expect 0 "approved: boot "
  power_cycle "$BATS_TEST_TMPDIR/tpm"
  extend 8
  load_keys <<<1234
  kek_is "$KEK"
}

@test "the key file says neither the PIN nor a hash of it that is quick to guess" {
  refute grep -q 1234 <(grep -v '^kek-check:\|^[A-Za-z0-9+/=]*$' "$KEYS/nvdimm-master.pem")
  cms_block 1 | openssl cms -cmsout -print -noout -inform PEM | grep -q scrypt
}
