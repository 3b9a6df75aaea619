#!/usr/bin/env bats
# backup and restore: the keys directory in one file that its recovery slots open.

load common

setup_file() { start_tpm; }
teardown_file() { stop_tpm; }

PASSPHRASE="correct horse battery staple"

# An enrolled kek with a recovery key and a recovery passphrase, a blob, and what they are in $WANT.
setup() {
  fresh_keys
  FILE=$BATS_TEST_TMPDIR/backup
  WANT=$BATS_TEST_TMPDIR/want
  KEK=$BATS_TEST_TMPDIR/kek
  make_clear_kek
  make_blob 8680-00000001
  OUTPUT=$(printf '%s\n' "$PASSPHRASE" "$PASSPHRASE" |
    enroll_with --import --recovery-key --recovery-passphrase 2>&1)
  RECOVERY_KEY=$(recovery_key_in "$OUTPUT")
  mv "$KEYS/nvdimm-master.blob" "$KEK"
  cp -r "$KEYS" "$WANT"
}

backup() {
  nvunlock backup --keys-dir="$KEYS" "$@"
}

restore() {
  nvunlock restore --keys-dir="$KEYS" "$@"
}

# The disk and the keyring are lost.
lose_everything() {
  rm -r "$KEYS"
  keyctl clear @u
}

@test "a backup says what it is and what opens it; all comes back by recovery key or passphrase" {
  run backup "$FILE"
  expect 0 "3 files of $KEYS"
  expect 0 "opens with user:nvdimm-master by recovery-key, recovery-passphrase"
  expect 0 "proved: "
  [[ $(stat -c %a "$FILE") == 600 ]]
  for answer in "$RECOVERY_KEY" "$PASSPHRASE"; do
    lose_everything
    run restore "$FILE" <<<"$answer"
    expect 0 "restored nvdimm-master.pem"
    expect 0 "nvunlock refresh-images"
    diff -r "$KEYS" "$WANT"
    [[ $(stat -c %a "$KEYS"/* | sort -u) == 600 ]]
  done
  run load_keys --recovery <<<"$RECOVERY_KEY"
  expect 0 "1 nvdimm keys loaded"
  kek_is "$KEK"
}

@test "with the kek in the keyring nobody is asked" {
  backup "$FILE"
  rm -r "$KEYS"
  run restore "$FILE" </dev/null
  expect 0 "restored nvdimm-master.pem"
  diff -r "$KEYS" "$WANT"
}

@test "a second restore changes nothing" {
  backup "$FILE"
  run restore "$FILE"
  expect 0 "3 files were in $KEYS already"
  [[ $output != *"restored "* ]]
  diff -r "$KEYS" "$WANT"
}

@test "--list shows what is in it and writes nothing" {
  backup "$FILE"
  rm -r "$KEYS"
  run restore --list "$FILE"
  expect 0 "host: $(uname -n)"
  expect 0 " nvdimm_8680-00000001_$(uname -n).blob"
  [[ ! -e $KEYS ]]
}

# json_is WANT COMMAND...: what it prints on standard output, in python's words.
json_is() {
  [[ $("${@:2}" 2>/dev/null | python3 -c "import json, sys; print(json.load(sys.stdin))") == "$1" ]]
}

@test "--json: what is in a backup, what opens it, and what a restore did" {
  blob=nvdimm_8680-00000001_$(uname -n).blob
  files="'enrolled-dimms', 'nvdimm-master.pem', '$blob'"
  opens="'user:nvdimm-master by recovery-key, recovery-passphrase'"
  json_is "{'path': '$FILE', 'files': [$files], 'opens_with': [$opens]}" \
    backup --json "$FILE"
  run restore --list --json "$FILE"
  expect 0 '"about": "'
  expect 0 "\"name\": \"$blob\","
  rm "$KEYS/nvdimm-master.pem"
  echo older >"$KEYS/enrolled-dimms"
  json_is "{'restored': ['nvdimm-master.pem'], 'replaced': ['enrolled-dimms'], 'same': ['$blob']}" \
    restore --json --force "$FILE"
}

@test "a restore waits for its turn with the directory" {
  backup "$FILE"
  rm "$KEYS/nvdimm-master.pem"
  exec 9>"$KEYS/.nvunlock.lock"
  flock 9
  run timeout 2 "$NVUNLOCK" restore --keys-dir="$KEYS" "$FILE"
  expect 124
  [[ ! -e $KEYS/nvdimm-master.pem ]]
  exec 9<&-
  restore "$FILE"
  diff -r "$KEYS" "$WANT"
}

@test "a file that differs stops a restore; --force keeps it beside" {
  backup "$FILE"
  rm "$KEYS/nvdimm-master.pem"
  echo newer >"$KEYS/enrolled-dimms"
  cp -r "$KEYS" "$BATS_TEST_TMPDIR/present"
  run restore "$FILE"
  expect 1 "nothing was written"
  expect 1 "something else as enrolled-dimms;"
  diff -r "$KEYS" "$BATS_TEST_TMPDIR/present"
  run restore --force "$FILE"
  expect 0 "the old one is enrolled-dimms.before-restore"
  [[ $(cat "$KEYS/enrolled-dimms.before-restore") == newer ]]
  rm "$KEYS/enrolled-dimms.before-restore"
  diff -r "$KEYS" "$WANT"
}

@test "wrong answers open nothing, and nothing is written" {
  backup "$FILE"
  lose_everything
  run restore "$FILE" < <(printf '%s\n' wrong "${RECOVERY_KEY/[c-k]/v}x" "wrong again" "$RECOVERY_KEY")
  expect 1 "it opens no recovery slot of the backup"
  run restore "$FILE" </dev/null
  [[ $status -ne 0 ]]
  [[ ! -e $KEYS ]]
}

@test "a backup that somebody changed is refused, and nothing is written" {
  backup "$FILE"
  rm -r "$KEYS"
  # A character in the middle of the archive.
  awk '/BEGIN CMS/ { n = NR } NR == n + 20 && !done { done = 1
    $0 = (substr($0, 1, 1) == "A" ? "B" : "A") substr($0, 2) } { print }' "$FILE" >"$FILE.changed"
  refute cmp -s "$FILE" "$FILE.changed"
  run restore "$FILE.changed"
  expect 1 "$FILE.changed: CMS block: damaged"
  head -c 2000 "$FILE" >"$FILE.short"
  run restore "$FILE.short"
  expect 1 "$FILE.short: "
  run restore "$WANT/nvdimm-master.pem"
  expect 1 "not a backup"
  [[ ! -e $KEYS ]]
  restore "$FILE"
  diff -r "$KEYS" "$WANT"
}

@test "nothing is replaced by a backup, and none is written to standard output" {
  echo precious >"$FILE"
  run backup "$FILE"
  expect 1 "exists already"
  [[ $(cat "$FILE") == precious ]]
  for command in backup restore; do
    run nvunlock "$command" --keys-dir="$KEYS" -
    expect 2 "a backup is a file"
    run nvunlock "$command" --keys-dir="$KEYS"
    expect 2 "say which file"
    run nvunlock "$command" --keys-dir="$KEYS" one two
    expect 2 "say which file"
  done
}

@test "what does not read back as it was written is not called a backup" {
  run strace -o "$BATS_TEST_TMPDIR/trace" -P "$FILE" -e trace=read -e inject=read:poke_exit=@arg2=58 \
    "$NVUNLOCK" backup --keys-dir="$KEYS" "$FILE"
  expect 1 "does not hold: do not rely on it"
  [[ $output != *proved* ]]
  grep -q INJECTED "$BATS_TEST_TMPDIR/trace"
}

@test "without the kek in the keyring there is no backup; load-keys --recovery helps" {
  keyctl clear @u
  run backup "$FILE"
  expect 1 "run 'nvunlock load-keys' or 'nvunlock load-keys --recovery' first"
  [[ ! -e $FILE ]]
  load_keys --recovery <<<"$RECOVERY_KEY"
  backup "$FILE"
}

@test "a kek that nothing but the TPM opens: no backup" {
  nvunlock wipe-slot --keys-dir="$KEYS" recovery-key
  nvunlock wipe-slot --keys-dir="$KEYS" recovery-passphrase
  run backup "$FILE"
  expect 1 "user:nvdimm-master: its key file has no recovery slot"
  [[ ! -e $FILE ]]
}

@test "a kek in clear is left out, and said" {
  cp "$KEK" "$KEYS/nvdimm-master.blob"
  run backup "$FILE"
  expect 0 "nvdimm-master.blob is left out"
  run restore --list "$FILE"
  expect 0 "nvdimm-master.pem"
  [[ $output != *nvdimm-master.blob* ]]
}

@test "two keks: either recovery key brings back both" {
  keyctl padd user second @u < <(head -c 32 /dev/urandom) >/dev/null
  cp <(keyctl pipe "$(keyctl search @u user second)") "$KEYS/second.blob"
  second=$(recovery_key_in "$(enroll_with --kek=user:second --import --recovery-key 2>&1)")
  rm "$KEYS/second.blob"
  rm -r "$WANT"
  cp -r "$KEYS" "$WANT"
  backup "$FILE"
  for answer in "$RECOVERY_KEY" "$second"; do
    lose_everything
    restore "$FILE" <<<"$answer"
    diff -r "$KEYS" "$WANT"
  done
}

@test "a keys directory that nobody can write to is backed up, too" {
  # shellcheck disable=SC2016  # that shell's
  run unshare --mount sh -c 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift &&
    exec "$@"' - "$KEYS" "$NVUNLOCK" backup --keys-dir="$KEYS" "$FILE"
  expect 0 "3 files of $KEYS"
}
