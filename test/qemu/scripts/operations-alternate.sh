# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Each operation of ndctl on what nvunlock has left, and the other way round, with user and master
# passphrases.
. /test/lib.sh
# shellcheck source=operations-lib.sh
. /test/operations.sh

take_turns() { # ONE OTHER: user passphrases
  does "passphrase enabled for 1 nmem" "$1" setup-passphrase nmem0 -k user:nvdimm-master
  is unlocked nmem0
  does "passphrase updated for 1 nmem" "$2" update-passphrase nmem0
  takes_key_of_blob nmem0
  does "passphrase updated for 1 nmem" "$1" update-passphrase nmem0 -k user:nvdimm-master
  does "passphrase removed for 1 nmem" "$2" remove-passphrase nmem0
  is disabled nmem0
  check "blobs" "" "$(blobs_of nmem0)"

  does "passphrase enabled for 1 nmem" "$1" setup-passphrase nmem0 -k user:nvdimm-master
  does "sanitized 1 nmem" "$2" sanitize-dimm nmem0
  is disabled nmem0
  check "blobs after erase" "" "$(blobs_of nmem0)"

  does "passphrase enabled for 1 nmem" "$1" setup-passphrase nmem0 -k user:nvdimm-master
  does "overwrite issued for 1 nmem" "$2" sanitize-dimm --overwrite nmem0
  run "$1" wait-overwrite nmem0
  check "$1 wait-overwrite" 0 "$status"
  is disabled nmem0
  forget_keys
  rm -f $keys/nvdimm_*
}

take_turns_as_masters() { # NMEM ONE OTHER
  does "passphrase enabled for 1 nmem" "$2" setup-passphrase "$1" -m -k user:nvdimm-master
  does "passphrase updated for 1 nmem" "$3" update-passphrase "$1" -m
  does "passphrase updated for 1 nmem" "$2" update-passphrase "$1" -m -k user:nvdimm-master
  does "passphrase enabled for 1 nmem" "$2" setup-passphrase "$1" -k user:nvdimm-master
  # ndctl would send zeros (N1).
  [ "$3" = ndctl ] || forget_keys
  does "sanitized 1 nmem" "$3" sanitize-dimm --crypto-erase -m "$1"
  is disabled "$1"
  check "the master's blob of $1" "nvdimm-master_$(dimm_id "$1")_bed.blob" \
    "$(blobs_of "$1" | tr ' ' '\n' | grep master)"
  forget_keys
  rm -f $keys/nvdimm_*
}

new_kek
load_nvdimm
ndctl disable-region all
take_turns ndctl nvunlock
take_turns nvunlock ndctl
take_turns_as_masters nmem0 ndctl nvunlock
take_turns_as_masters nmem1 nvunlock ndctl

does "passphrase enabled for 1 nmem" nvunlock setup-passphrase nmem0 -k user:nvdimm-master
for pair in "ndctl nvunlock" "nvunlock ndctl"; do
  does "disabled 1 nmem" "${pair% *}" disable-dimm nmem0
  does "enabled 1 nmem" "${pair#* }" enable-dimm nmem0
  is unlocked nmem0
done
does "security froze 1 nmem" ndctl freeze-security nmem0
does "security froze 1 nmem" nvunlock freeze-security nmem0
fails ndctl remove-passphrase nmem0
fails nvunlock remove-passphrase nmem0
is "unlocked frozen" nmem0
check "both list the same" "$(ndctl list -D)" "$(nvunlock list -D)"
finish
