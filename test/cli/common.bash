# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the black-box tests. They run in a user namespace of their own, whose root has its own user
# keyring: the host's stays untouched.

: "${NVUNLOCK:=$BATS_TEST_DIRNAME/../../build/nvunlock}"
NVUNLOCK=$(realpath "$NVUNLOCK")

# All of the machine but its keys directory: what the host has recorded of its own boot is not for a test.
ROOT_OF_TEST=${BATS_TEST_TMPDIR-}/root-of-test

# A TPM in $BATS_FILE_TMPDIR/tpm, with something measured into PCRs 7, 8 and 12.
start_tpm() {
  local dir=${1:-$BATS_FILE_TMPDIR/tpm}
  mkdir -p "$dir"
  swtpm_setup --tpm2 --tpmstate "$dir" --pcr-banks sha256,sha1 >/dev/null
  power_on "$dir"
}

# The machine boots, as far as its TPM sees it.
power_on() { # DIRECTORY
  local dir=$1
  swtpm socket --tpm2 --tpmstate "dir=$dir" --server "type=unixio,path=$dir/s" \
    --ctrl "type=unixio,path=$dir/s.ctrl" --flags not-need-init,startup-clear \
    --pid "file=$dir/pid" >"$dir/log" 2>&1 3>&- &
  wait_for_socket "$dir/s"
  TPM=swtpm:path=$dir/s
  TPM2TOOLS_TCTI=$TPM
  export TPM TPM2TOOLS_TCTI
  for pcr in 7 8 12; do extend "$pcr"; done
}

wait_for_socket() {
  local tries
  for tries in {1..100}; do
    [[ ! -S $1 ]] || return 0
    sleep 0.05
  done
  echo "no socket $1 after $tries tries"
  return 1
}

# The machine loses its power and boots again.
power_cycle() {
  local dir=${1:-$BATS_FILE_TMPDIR/tpm}
  kill -KILL "$(cat "$dir/pid")"
  rm -rf "$dir/s" "$dir/s.ctrl" "$dir/pid" "$ROOT_OF_TEST/run"
  power_on "$dir"
}

stop_tpm() {
  kill "$(cat "${1:-$BATS_FILE_TMPDIR/tpm}/pid")"
}

# All TPMs of this test, also when it failed.
stop_tpms() {
  local pid
  for pid in "$BATS_TEST_TMPDIR"/*/pid; do kill "$(cat "$pid")"; done
}

extend() {
  tpm2_pcrextend "$1:sha256=$(printf '%064x' "$1")"
}

# pcr_digest PCRS [BANK]: what a policy on their current values asserts, as nvunlock prints it.
pcr_digest() {
  tpm2_pcrread -Q -o "$BATS_TEST_TMPDIR/pcrs" "${2-sha256}:$1"
  sha256sum <"$BATS_TEST_TMPDIR/pcrs" | cut -c 1-12
}

# The policy indexes, and the latches, of all keks that are enrolled on this TPM, a line each.
policy_indexes() { indexes_of_size 512; }
latch_indexes() { indexes_of_size 8; }
indexes_of_size() {
  local index
  for index in $(tpm2_getcap handles-nv-index | grep -io '0x1804e[0-9a-f]*'); do
    ! tpm2_nvreadpublic "$index" | grep -q "size: $1$" || echo "$index"
  done
}

# killed_after SECONDS COMMAND...: it is killed then, or has ended well before. Any other end is a
# failure. What it left in the TPM is flushed, as the kernel's resource manager would.
killed_after() {
  local status=0 kind
  timeout -s KILL "$@" >/dev/null 2>&1 || status=$?
  for kind in -t -l -s; do tpm2_flushcontext "$kind"; done
  [[ $status -eq 0 || $status -eq 137 ]]
}

# An empty keyring and an empty keys directory for each test.
fresh_keys() {
  keyctl clear @u
  KEYS=$BATS_TEST_TMPDIR/keys
  mkdir -m 700 "$KEYS"
}

nvunlock() {
  "$NVUNLOCK" "$@"
}

# in_world COMMAND OPTION...: on this test's machine. A --root= among the options moves all but the keys.
in_world() {
  nvunlock "$1" --root="$ROOT_OF_TEST" --keys-dir="$KEYS" --tpm2-device="$TPM" "${@:2}"
}

# for_test_pcrs COMMAND OPTION...: PCRs that somebody names are good enough here.
for_test_pcrs() {
  local weak=()
  [[ "$*" != *--tpm2-pcrs=* ]] || weak=(--weak-policy)
  in_world "$@" "${weak[@]}"
}

# A power cycle is a next boot, which would open what a test wants closed: so none is approved.
enroll() {
  enroll_with --no-recovery "$@"
}

# enroll_with WAY...: enroll with recovery ways, or other options than --no-recovery.
enroll_with() {
  in_world enroll --tpm2-pcrs=7+8 --weak-policy --next-boot=0 "$@"
}

load_keys() { in_world load-keys "$@"; }
reseal() { for_test_pcrs reseal "$@"; }
approve() { for_test_pcrs approve "$@"; }
close_latch() { in_world latch; }
wipe_slot() { in_world wipe-slot "$@"; }

list_slots() {
  nvunlock list-slots --keys-dir="$KEYS"
}

# The kek in the keyring goes into FILE.
save_kek() { # FILE
  keyctl pipe "$(keyctl search @u user nvdimm-master)" >"$1"
}

# The recovery key in what enroll or reseal printed.
recovery_key_in() { # TEXT
  grep -oE '([cbdefghijklnrtuv]{8}-){7}[cbdefghijklnrtuv]{8}' <<<"$1"
}

# The NUMBERth CMS block of the key file, as PEM.
cms_block() { # NUMBER
  awk -v wanted="$1" '/^-----BEGIN CMS-----/ { n++ } n == wanted' "$KEYS/nvdimm-master.pem" |
    sed '/^-----END CMS-----/q'
}

# What openssl alone makes of the NUMBERth CMS block.
decrypt_block() { # NUMBER OPTION...
  local number=$1
  shift
  cms_block "$number" | openssl cms -decrypt -inform PEM "$@"
}

# A certificate for escrow at PATH, and its key at PATH.key.
make_certificate() { # PATH OPENSSL-REQ-OPTION...
  local path=$1
  shift
  openssl req -x509 -nodes -days 2 -subj /CN=Escrow -keyout "$path.key" -out "$path" "$@" 2>/dev/null
}

make_signing_key() { # PATH OPENSSL-GENPKEY-OPTION...
  local path=$1
  shift
  openssl genpkey -quiet "$@" -out "$path" && openssl pkey -in "$path" -pubout -out "$path.pem"
}

# sign KEY [POLICYREF [PCRS]]: an entry of $JSON, a tpm2-pcr-signature.json, for what the PCRs hold now.
sign() {
  local pcrs=${3:-11} session=$BATS_TEST_TMPDIR/session policy=$BATS_TEST_TMPDIR/policy
  tpm2_startauthsession -S "$session"
  tpm2_policypcr -S "$session" -l "sha256:$pcrs" -L "$policy" >/dev/null
  tpm2_flushcontext "$session"
  printf %s "${2-}" | cat "$policy" - | openssl dgst -sha256 -sign "$1" >"$policy.sig"
  [[ -e $JSON ]] || echo '{"sha256": []}' >"$JSON"
  jq --argjson pcrs "[$pcrs]" --arg pol "$(od -An -v -tx1 "$policy" | tr -d ' \n')" \
    --arg sig "$(base64 -w 0 "$policy.sig")" \
    '.sha256 += [{pcrs: $pcrs, pkfp: "", pol: $pol, sig: $sig}]' "$JSON" >"$JSON.new"
  mv "$JSON.new" "$JSON"
}

# ndctl's setup: a kek in the keyring and in clear in the keys directory.
make_clear_kek() {
  head -c 32 /dev/urandom >"$KEYS/nvdimm-master.blob"
  keyctl padd user nvdimm-master @u <"$KEYS/nvdimm-master.blob" >/dev/null
}

# make_blob ID [HOST]: as ndctl setup-passphrase leaves it.
make_blob() {
  local key
  key=$(keyctl add encrypted "nvdimm:$1" "new enc32 user:nvdimm-master 32" @u)
  keyctl pipe "$key" >"$KEYS/nvdimm_$1_${2:-$(uname -n)}.blob"
  keyctl unlink "$key" @u
}

# enrolled_root WAY: a world in $ROOT, a blob, and its kek enrolled; in clear it is in $BATS_TEST_TMPDIR/kek.
enrolled_root() { # WAY
  ROOT=$BATS_TEST_TMPDIR/root
  mkdir -p "$ROOT/sys"
  make_clear_kek
  make_blob 8680-00000001 here
  enroll_with --import "$1"
  mv "$KEYS/nvdimm-master.blob" "$BATS_TEST_TMPDIR/kek"
  keyctl clear @u
}

# A machine in $ROOT that could have DIMMs: an NFIT, an nd bus without a DIMM on it, and a kernel with
# the drivers built in.
make_dimm_hardware() {
  local modules
  modules=$ROOT/lib/modules/$(uname -r)
  mkdir -p "$ROOT"/sys/bus/{acpi/devices/ACPI0012:00,nd/devices} "$modules"
  touch "$ROOT"/sys/bus/nd/{drivers_autoprobe,drivers_probe}
  printf 'kernel/drivers/%s.ko\n' nvdimm/libnvdimm acpi/nfit/nfit >"$modules/modules.builtin"
  touch "$modules"/modules.{order,builtin.modinfo}
  depmod -b "$ROOT" "$(uname -r)"
}

# make_tree TREE: what would be in an initramfs of $ROOT besides nvunlock's files.
make_tree() {
  install -D "$NVUNLOCK" "$1/usr/bin/nvunlock"
  install -D /dev/null "$1/scripts/init-top/nvunlock"
  install -d "$1/lib/modules/6.1"
  printf 'kernel/drivers/%s.ko\n' nvdimm/libnvdimm acpi/nfit/nfit >"$1/lib/modules/6.1/modules.builtin"
}

# pack_tree TREE FILE PACKER...: an image, in the kernel's format
pack_tree() {
  mkdir -p "${2%/*}"
  (cd "$1" && find . -mindepth 1 | sort | cpio --quiet -o -H newc) | "${@:3}" >"$2"
}

# An image in $ROOT/boot that is meant to unlock.
make_own_image() {
  make_tree "$BATS_TEST_TMPDIR/tree"
  mkdir -p "$BATS_TEST_TMPDIR/tree/etc/nvunlock"
  echo enrolled=yes >"$BATS_TEST_TMPDIR/tree/etc/nvunlock/image"
  pack_tree "$BATS_TEST_TMPDIR/tree" "$ROOT/boot/initrd.img" cat
}

# What the initramfs of $ROOT does.
unlock_in_initramfs() {
  mkdir -p "$ROOT/etc/nvunlock"
  echo enrolled=yes >"$ROOT/etc/nvunlock/image"
  nvunlock unlock --root="$ROOT" --keys-dir="$KEYS" --tpm2-device="$TPM"
  rm "$ROOT/etc/nvunlock/image"
}

key_exists() {
  keyctl search @u "$1" "$2" >/dev/null 2>&1
}

# The kek in the keyring is this file's content.
kek_is() {
  cmp <(keyctl pipe "$(keyctl search @u user nvdimm-master)") "$1"
}

# expect CODE [TEXT]: how the last `run` ended, and what it said.
expect() {
  # shellcheck disable=SC2154  # "run" sets status and output
  if [[ $status -ne $1 || ${output,,} != *"${2,,}"* ]]; then
    echo "wanted exit code $1 and '${2-}'; got $status and:"
    echo "$output"
    return 1
  fi
}

# Fails when the command succeeds. ("! command" would not fail a test.)
refute() {
  if "$@"; then
    echo "succeeded, but should not have: $*"
    return 1
  fi
}
