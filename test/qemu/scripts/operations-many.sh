# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Everything with "all", on 48 DIMMs. One of them fails: the others are done, and the exit code says so.
. /test/lib.sh
# shellcheck source=operations-lib.sh
. /test/operations.sh

states() { # how many DIMMs are in which
  cat $ND/nmem*/security | sort | uniq -c | xargs
}

all() { # COMMAND OPTION...: with progress
  _command=$1
  shift
  run nvunlock "$_command" all -v "$@"
  # Progress is written over itself on a terminal.
  # shellcheck disable=SC2020
  _progress=$(tr "\r\033" "\n\n" </tmp/said | grep -cE "^[^ ]*(nvunlock: |step: )*nmem[0-9]+( |:)")
}

all_of() { # WORDS COMMAND OPTION...: it does it to all
  _words=$1
  shift
  all "$@"
  check "$1" "0 $_words" "$status $words"
  check "$1: progress" yes "$([ "$_progress" -ge 48 ] && echo yes || echo "only $_progress")"
}

all_but_one() { # WORDS COMMAND OPTION...
  _words=$1
  shift
  all "$@"
  check "$1, but for one" "$_words" "$words"
  check "$1: its exit code" yes "$([ "$status" != 0 ] && echo yes || echo no)"
}

new_kek
load_nvdimm
ndctl disable-region all
all_of "passphrase enabled for 48 nmems" setup-passphrase -k user:nvdimm-master
check "set up" "48 unlocked" "$(states)"
all_of "passphrase updated for 48 nmems" update-passphrase
all_of "disabled 48 nmems" disable-dimm
all_of "enabled 48 nmems" enable-dimm
ndctl disable-region all

blob=$keys/nvdimm_$(dimm_id nmem7)_bed.blob
cp "$blob" /tmp/blob
keyctl unlink "$(user_key nmem7)" @u
sed -i 's/.$/x/' "$blob"
all_but_one "passphrase updated for 47 nmems" update-passphrase
all_but_one "sanitized 47 nmems" sanitize-dimm
check "erased" "47 disabled 1 unlocked" "$(states)"
cp /tmp/blob "$blob"
does "passphrase removed for 1 nmem" nvunlock remove-passphrase nmem7

all_of "passphrase enabled for 48 nmems" setup-passphrase -k user:nvdimm-master
all_of "passphrase removed for 48 nmems" remove-passphrase
all_of "passphrase enabled for 48 nmems" setup-passphrase -k user:nvdimm-master
echo freeze >$ND/nmem9/security
all_but_one "passphrase updated for 47 nmems" update-passphrase
all_of "security froze 48 nmems" freeze-security
finish
