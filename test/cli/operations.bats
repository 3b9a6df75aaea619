#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Operations on DIMMs: usage, names, filters, dry runs and their JSON. The DIMMs are plain files;
# what they make of a command is tested in a virtual machine.

load common

operations="setup-passphrase update-passphrase remove-passphrase sanitize-dimm wait-overwrite
  freeze-security enable-dimm disable-dimm"

setup() {
  fresh_keys
  ROOT=$BATS_TEST_TMPDIR/root
  mkdir -p "$ROOT/sys/bus/nd/devices"
  make_dimm nmem0 8680-00000001 disabled
  make_dimm nmem1 8680-00000002 unlocked
}

# make_dimm NMEM ID SECURITY
make_dimm() {
  local device=$ROOT/sys/devices/ndbus0/$1
  mkdir -p "$device/nfit"
  echo "$2" >"$device/nfit/id"
  echo "$3" >"$device/security"
  echo 0 >"$device/frozen"
  ln -s "../../../devices/ndbus0/$1" "$ROOT/sys/bus/nd/devices/$1"
}

operate() { # COMMAND ARGUMENT...
  nvunlock "$1" --root="$ROOT" --keys-dir="$KEYS" "${@:2}"
}

# ndctl's kek, in clear and in the keyring.
load_kek() { # NAME
  head -c 32 /dev/urandom >"$KEYS/$1.blob"
  keyctl padd user "$1" @u <"$KEYS/$1.blob" >/dev/null
}

security() { # NMEM
  cat "$ROOT/sys/devices/ndbus0/$1/security"
}

# Nothing has been written, neither to a DIMM nor to the keys directory, which holds FILE alone.
untouched() { # [FILE]
  [[ $(security nmem0) == disabled && $(security nmem1) == unlocked ]]
  [[ $(ls -A "$KEYS") == "${1-}" ]]
}

# Without what is for people.
json_of() { # COMMAND ARGUMENT...
  operate "$1" --json "${@:2}" 2>/dev/null
}

@test "no DIMMs, or what is not a DIMM's name: exit code 2" {
  for command in $operations; do
    run operate "$command"
    expect 2 "name the DIMMs: nmemX..., or all"
    for name in nmem nmemx region0 /dev/pmem0; do
      run operate "$command" nmem0 "$name"
      expect 2 "'$name' is not a valid dimm name"
    done
  done
  untouched
}

@test "a DIMM that is not there, or on another bus or region: nothing is done to the others" {
  for command in $operations; do
    for arguments in "nmem0 nmem7" nmem7 "all --bus=ndbus7" "all -b 7" "all --region=region7" "all -r 7"; do
      # shellcheck disable=SC2086  # words
      run operate "$command" $arguments
      expect 1 "there is no "
      [[ $output == *7* ]]
    done
  done
  untouched
}

@test "a DIMM that is named twice counts once" {
  run operate freeze-security --dry-run nmem1 nmem1
  expect 0
  [[ $output == 'nmem1: would write "freeze" to its security' ]]
}

@test "setup-passphrase: without -k there must be one kek" {
  run operate setup-passphrase --no-image nmem0
  expect 2 "choose the kek with -k user:NAME"
  touch "$KEYS/a.pem" "$KEYS/b.pem"
  run operate setup-passphrase --no-image nmem0
  expect 2 "choose the kek with -k user:NAME"
  rm "$KEYS/b.pem"
  run operate setup-passphrase --no-image nmem0
  expect 20 "user:a is not in the keyring"
  untouched a.pem
}

@test "a kek must have a name, and be loaded" {
  for command in setup-passphrase update-passphrase; do
    run operate "$command" --no-image -k nvdimm-master nmem0
    expect 2 "is not a kek name"
    run operate "$command" --no-image --key-handle=user:../x nmem0
    expect 2 "cannot be a file name"
  done
  run operate setup-passphrase --no-image -k user:nvdimm-master nmem0
  expect 20 "user:nvdimm-master is neither in the keyring nor in $KEYS"
  run operate remove-passphrase -k user:nvdimm-master nmem0
  expect 2 "option"
  untouched
}

@test "with an image of ours that would not unlock nothing is changed: exit code 18" {
  load_kek nvdimm-master
  make_own_image
  run operate setup-passphrase -k user:nvdimm-master nmem0
  expect 18 "initrd.img: "
  expect 18 "passphrase enabled for 0 nmem."
  untouched nvdimm-master.blob
}

@test "setup-passphrase on plain files: steps, the blob for root only, and ndctl's words" {
  load_kek nvdimm-master
  run operate setup-passphrase --no-image -v -k user:nvdimm-master nmem0
  expect 0 "step: staged"
  expect 0 "step: nmem0 changed"
  expect 0 "step: settled"
  [[ ${lines[-1]} == "nvunlock: passphrase enabled for 1 nmem." ]]
  blob=$KEYS/nvdimm_8680-00000001_$(uname -n).blob
  [[ $(find "$KEYS" -name 'nvdimm*_*') == "$blob" && $(stat -c %a "$blob") == 600 ]]
  [[ $(cat "$blob") == "enc32 user:nvdimm-master 32 "* ]]
  [[ $(security nmem0) =~ ^update\ ([0-9]+)\ ([0-9]+)$ ]]
  [[ ${BASH_REMATCH[1]} == "${BASH_REMATCH[2]}" ]]
}

@test "one DIMM's failure: the others go on, and the exit code tells" {
  load_kek nvdimm-master
  run operate setup-passphrase --no-image -k user:nvdimm-master all
  expect 1 "nmem1: it has a passphrase, but no usable blob"
  expect 1 "passphrase enabled for 1 nmem."
  [[ -e $KEYS/nvdimm_8680-00000001_$(uname -n).blob ]]
  [[ $(security nmem1) == unlocked ]]
}

@test "--dry-run of every operation says what would be written, and writes nothing" {
  load_kek nvdimm-master
  run operate setup-passphrase --dry-run -k user:nvdimm-master nmem0
  refute grep images <<<"$output"
  make_own_image
  run operate setup-passphrase --dry-run -k user:nvdimm-master nmem0
  expect 0 "nmem0: would write $KEYS/nvdimm-new_8680-00000001_"
  expect 0 "nmem0: would put it into the images"
  expect 0 'nmem0: would write "update 0" and the key to its security'
  untouched nvdimm-master.blob
  run operate setup-passphrase --dry-run --no-image -k user:nvdimm-master nmem0
  refute grep images <<<"$output"
  run operate sanitize-dimm --dry-run -c -o -z nmem0
  expect 0 'nmem0: would write "erase" and the key'
  expect 0 'nmem0: would write "overwrite" and the key'
  run operate sanitize-dimm --dry-run -m nmem0
  expect 0 'nmem0: would write "master_erase" and the key'
  run operate enable-dimm --dry-run nmem0
  expect 0 "nmem0: would bind nmem0 to its driver"
  run operate disable-dimm --dry-run nmem0
  expect 0 "nmem0: would take nmem0 from its driver"
  run operate freeze-security --dry-run all
  expect 0 'nmem1: would write "freeze" to its security'
  untouched nvdimm-master.blob
}

@test "a dry run that finds a hindrance says so, with the exit code that there would be" {
  run operate setup-passphrase --dry-run -k user:nvdimm-master nmem0
  expect 20 "nmem0: user:nvdimm-master is neither in the keyring nor in $KEYS"
  echo 1 >"$ROOT/sys/devices/ndbus0/nmem0/frozen"
  run operate sanitize-dimm --dry-run nmem0
  expect 1 "frozen until the next power-on"
  untouched
}

@test "--json: a list with what became of each DIMM, on stdout alone" {
  load_kek nvdimm-master
  run json_of setup-passphrase --dry-run --no-image -k user:nvdimm-master all
  expect 1
  jq -e 'length == 2' <<<"$output"
  first=$(jq -c '.[0] | [.dev, .id, .security, .result]' <<<"$output")
  [[ $first == '["nmem0","8680-00000001","disabled","planned"]' ]]
  jq -e '.[0].plan | length == 3' <<<"$output"
  [[ $(jq -c '.[1] | [.dev, .result, has("plan")]' <<<"$output") == '["nmem1","failed",false]' ]]
  [[ $(jq -r '.[1].error' <<<"$output") == *"no usable blob"* ]]
  run json_of wait-overwrite nmem1
  expect 0
  expected='{"dev":"nmem1","id":"8680-00000002","security":"unlocked","result":"done"}'
  [[ $(jq -c '.[]' <<<"$output") == "$expected" ]]
}

@test "sanitize-dimm: options that contradict each other" {
  run operate sanitize-dimm -o -m nmem0
  expect 2 "overwrite does not support master passphrase"
  run operate sanitize-dimm -z -m nmem0
  expect 2 "--zero-key conflicts"
  untouched
}

@test "sanitize-dimm: a DIMM without a passphrase is erased with --zero-key alone, any other without it" {
  run operate sanitize-dimm --no-image nmem1
  expect 8 "no nvdimm:8680-00000002 in the keyring"
  expect 8 "sanitized 0 nmem."
  for how in -c -o "-c -o" ""; do
    # shellcheck disable=SC2086  # words
    run operate sanitize-dimm --no-image $how nmem0
    expect 1 "nmem0: it has no passphrase; use --zero-key (-z) to erase it anyway"
    # shellcheck disable=SC2086  # words
    run operate sanitize-dimm --no-image -z $how nmem1
    expect 1 "nmem1: it may have a passphrase"
  done
  untouched
  run operate sanitize-dimm --no-image --zero-key all
  expect 1 "sanitized 1 nmem."
  [[ $(security nmem0) == "erase 0"* && $(security nmem1) == unlocked ]]
}

@test "sanitize-dimm --overwrite says that it has only begun" {
  run operate sanitize-dimm --no-image -o -z nmem0
  expect 0 "overwrite issued for 1 nmem."
  [[ $(security nmem0) == "overwrite 0" ]]
}

@test "wait-overwrite gives up after --timeout, with exit code 21" {
  run operate wait-overwrite --timeout=soon nmem0
  expect 2 "--timeout takes a number of seconds"
  echo overwrite >"$ROOT/sys/devices/ndbus0/nmem0/security"
  run operate wait-overwrite --timeout=1 all
  expect 21 "nmem0: its overwrite is still running after 1 seconds"
  expect 21 "no overwrite is running on 1 nmem."
}

@test "enable-dimm does not bind a locked DIMM without its key: exit code 9" {
  mkdir -p "$ROOT/sys/bus/nd/drivers/nvdimm"
  touch "$ROOT/sys/bus/nd/drivers/nvdimm/bind"
  echo locked >"$ROOT/sys/devices/ndbus0/nmem0/security"
  run operate enable-dimm nmem0
  expect 9 "nmem0: "
  expect 9 "enabled 0 nmem."
  [[ ! -s $ROOT/sys/bus/nd/drivers/nvdimm/bind ]]
}

@test "disable-dimm leaves a DIMM in use alone" {
  echo active >"$ROOT/sys/devices/ndbus0/nmem0/state"
  run operate disable-dimm nmem0
  expect 1 "regions are active on nmem0"
  expect 1 "disabled 0 nmem."
}
