#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# doc/recovery.md, run as it stands there, on a key file that was enrolled for real.

load common

setup_file() {
  start_tpm
}

teardown_file() {
  stop_tpm
}

setup() {
  fresh_keys
  cd "$BATS_TEST_TMPDIR" || return
  DOC=$BATS_TEST_DIRNAME/../../doc/recovery.md
  openssl req -x509 -newkey rsa:2048 -nodes -keyout escrow.key -out escrow.pem \
    -subj /CN=escrow 2>/dev/null
  passphrase="correct horse battery staple"
  printf '%s\n%s\n' "$passphrase" "$passphrase" |
    in_world enroll --tpm2-pcrs=7+8 --weak-policy --recovery-key \
      --recovery-passphrase --escrow=escrow.pem >enrolled
  # shellcheck disable=SC2034  # the document's lines use it
  recovery_key=$(grep -E '^    [a-z-]{71}$' enrolled | tr -d ' ')
  keyctl pipe "$(keyctl search @u user nvdimm-master)" >want
  cp "$KEYS/nvdimm-master.pem" .
}

# The document's lines of code, from the one that matches FIRST to the one that matches LAST.
lines() {
  sed -n 's/^    //p' "$DOC" |
    awk -v first="$1" -v last="$2" '$0 ~ first { on = 1 } on { print } on && $0 ~ last { exit }'
}

# opens BLOCK FIRST LAST: these lines recover the kek from this block, and it checks out.
opens() {
  eval "$(lines '^block()' '^block()')"
  block "$1" nvdimm-master.pem >block.pem
  eval "$(lines "$2" "$3")"
  cmp kek want
  [[ $(eval "$(lines '^openssl kdf' 'HKDF')") == "$(sed -n 's/^kek-check: //p' nvdimm-master.pem)" ]]
}

@test "a recovery key" {
  opens 2 '^hex=' 'secretkeyid'
}

@test "a recovery passphrase" {
  opens 3 'pwri_password' 'pwri_password'
}

@test "the private key of an RSA escrow certificate" {
  opens 4 'inkey' 'inkey'
}

@test "what goes into an image opens by the recovery key only" {
  install -D -t keys nvdimm-master.pem
  mkdir tree
  nvunlock image-files --root="$BATS_TEST_TMPDIR" --keys-dir=keys tree
  image=tree/etc/ndctl/keys/nvdimm-master.pem
  [[ $(grep -c 'BEGIN CMS' nvdimm-master.pem) == 4 && $(grep -c 'BEGIN CMS' $image) == 2 ]]
  mv $image nvdimm-master.pem
  opens 2 '^hex=' 'secretkeyid'
}

@test "a backup, by tar, and each of its recovery slots by openssl" {
  nvunlock backup --keys-dir="$KEYS" nvunlock.backup
  rm nvdimm-master.pem
  eval "$(lines '^mkdir' '^tar')"
  diff -r restored "$KEYS"
  eval "$(lines '^cp restored' '^cp restored')"
  opens 2 '^hex=' 'secretkeyid'
  opens 3 'pwri_password' 'pwri_password'
  opens 4 'inkey' 'inkey'
}
