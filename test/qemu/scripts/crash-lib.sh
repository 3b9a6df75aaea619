# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# For the crash tests: the commands that are interrupted, and what holds when they are done.

direction=/persist/direction

bring_keys() { # all keks and DIMM keys to @u, and no region in use
  for _name in nvdimm-master second; do
    [ ! -e /persist/safe/$_name.blob ] ||
      keyctl padd user $_name @u </persist/safe/$_name.blob >/dev/null
  done
  nvunlock load-keys
  check "load-keys" 0 $?
  ndctl disable-region all
}

command_of() { # CMD: the command line
  case $1 in
    setup) echo nvunlock setup-passphrase all -k user:nvdimm-master -v ;;
    update) echo nvunlock update-passphrase all -v ;;
    remove) echo nvunlock remove-passphrase all -v ;;
    rotate) echo nvunlock rotate-kek "--kek=user:$(cut -d' ' -f1 $direction)" \
      "--to=user:$(cut -d' ' -f2 $direction)" -v ;;
  esac
}

blobs() { # FILES: how many are there, empty ones not counted
  find /etc/ndctl/keys -name "$1" -size +0 | wc -l
}

# one_is_done CMD: with a DIMM nothing is left to do; as with ndctl the second run fails with 1 for it.
one_is_done() {
  for _name in nmem0 nmem1; do
    _id=$(dimm_id $_name)
    case "$1 $(security $_name) $(blobs "nvdimm_${_id}_*") $(blobs "nvdimm-*_${_id}_*")" in
      "setup unlocked 1 0" | "remove disabled 0 0") return 0 ;;
    esac
  done
  return 1
}

check_done() { # CMD: what it leaves, however often it was interrupted
  _state=unlocked _blobs=2
  [ "$1" != remove ] || _state=disabled _blobs=0
  for _name in nmem0 nmem1; do check "after $1: $_name" "$_state" "$(security "$_name")"; done
  check "after $1: blobs" $_blobs "$(blobs 'nvdimm_*.blob')"
  check "after $1: staged and replaced blobs" 0 "$(blobs 'nvdimm-*_*.blob')"
  [ "$1" != rotate ] || check "after rotate: blobs under the new kek" 2 \
    "$(grep -l "^enc32 user:$(cut -d' ' -f2 $direction) " /etc/ndctl/keys/nvdimm_*.blob | wc -l)"
}

undo() { # CMD: back to where it can begin
  case $1 in
    setup) nvunlock remove-passphrase all ;;
    remove) nvunlock setup-passphrase all -k user:nvdimm-master ;;
    rotate)
      read -r _old _new <$direction
      echo "$_new $_old" >$direction
      ;;
    update) true ;;
  esac
  check "undo $1" 0 $?
}
