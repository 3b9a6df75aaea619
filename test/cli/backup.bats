#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# backup and restore: the keys directory in one file, whole and with nothing else in it.

load common

setup_file() { start_tpm; }
teardown_file() { stop_tpm; }

# An enrolled kek with a recovery key, and a blob.
setup() {
  fresh_keys
  FILE=$BATS_TEST_TMPDIR/backup
  make_clear_kek
  make_blob 8680-00000001
  BLOB=nvdimm_8680-00000001_$(uname -n).blob
  RECOVERY_KEY=$(recovery_key_in "$(enroll_with --import --recovery-key 2>&1)")
  rm "$KEYS/nvdimm-master.blob"
  cp -r "$KEYS" "$BATS_TEST_TMPDIR/want"
}

backup() { nvunlock backup --keys-dir="$KEYS" "$@"; }
restore() { nvunlock restore --keys-dir="$KEYS" "$@"; }

# changed NAME SED-COMMAND: the file NAME in $FILE, by whoever gets hold of it; all else is lost.
changed() {
  rm -rf "$KEYS" "$BATS_TEST_TMPDIR/x"
  keyctl clear @u
  cp -r "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/x"
  sed -i "$2" "$BATS_TEST_TMPDIR/x/$1"
  refute cmp -s "$BATS_TEST_TMPDIR/want/$1" "$BATS_TEST_TMPDIR/x/$1"
  (cd "$BATS_TEST_TMPDIR/x" && tar -cf "$FILE" -- *)
}

@test "all is lost but a backup and a recovery key" {
  run backup "$FILE"
  expect 0 "3 files of $KEYS"
  expect 0 "opens with user:nvdimm-master by recovery-key"
  rm -r "$KEYS"
  keyctl clear @u
  run restore --list "$FILE"
  expect 0 " $BLOB"
  [[ ! -e $KEYS ]]
  run restore "$FILE"
  expect 0 "restored nvdimm-master.pem"
  diff -r "$KEYS" "$BATS_TEST_TMPDIR/want"
  run load_keys --recovery <<<"$RECOVERY_KEY"
  expect 0 "1 nvdimm keys loaded"
}

@test "a backup that somebody has changed: load-keys does not use what they made" {
  changed "$BLOB" 's/0$/1/; t; s/.$/0/'
  restore "$FILE"
  run load_keys --recovery <<<"$RECOVERY_KEY"
  expect 8 "its HMAC does not hold"
  changed enrolled-dimms 's/8680-00000001/8680-00000002/'
  restore "$FILE"
  run load_keys --recovery <<<"$RECOVERY_KEY"
  expect 0 "enrolled-dimms: 1 line is damaged, or not made by nvunlock, and not used"
}

@test "--json: what is in a backup, what opens it, and what a restore did" {
  run jq -rj '.files[], .opens_with[]' <(backup --json "$FILE")
  expect 0 "nvdimm-master.pem${BLOB}enrolled-dimmsuser:nvdimm-master by recovery-key"
  run jq -rj '.files[].name' <(restore --list --json "$FILE")
  expect 0 "nvdimm-master.pem${BLOB}enrolled-dimms"
  rm "$KEYS/nvdimm-master.pem"
  echo older >"$KEYS/enrolled-dimms"
  run jq -rj '.restored[], .replaced[], .same[]' <(restore --force --json "$FILE")
  expect 0 "nvdimm-master.pemenrolled-dimms$BLOB"
}

@test "a restore waits for its turn with the directory" {
  backup "$FILE"
  rm "$KEYS/nvdimm-master.pem"
  exec 9>"$KEYS/.nvunlock.lock"
  flock 9
  run timeout 2 "$NVUNLOCK" restore --keys-dir="$KEYS" "$FILE"
  expect 124
  [[ ! -e $KEYS/nvdimm-master.pem ]]
}

@test "what does not read back as it was written is not called a backup" {
  run strace -o "$BATS_TEST_TMPDIR/trace" -P "$FILE" -e trace=read -e inject=read:poke_exit=@arg2=58 \
    "$NVUNLOCK" backup --keys-dir="$KEYS" "$FILE"
  expect 1 "do not rely on it"
  grep -q INJECTED "$BATS_TEST_TMPDIR/trace"
}

@test "a keys directory that nobody can write to is backed up, too" {
  # shellcheck disable=SC2016  # that shell's
  run unshare --mount sh -c 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift &&
    exec "$@"' - "$KEYS" "$NVUNLOCK" backup --keys-dir="$KEYS" "$FILE"
  expect 0 "3 files of $KEYS"
}

@test "a backup is one file, and not standard output" {
  for words in - "" "one two"; do
    # shellcheck disable=SC2086  # none, one or two
    run backup $words
    expect 2 "name one backup file"
  done
}
