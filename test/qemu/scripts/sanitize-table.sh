# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Every combination of sanitize-dimm's options in every state of a DIMM, ndctl on one DIMM and nvunlock on
# its twin. A line of the table for each: what became of the data, the passphrase and the attempts.
# KEYS_IN: keyring, where the DIMMs' keys are in @u, or disk, where their blobs are all there is. Of disk
# ndctl takes the key in its second run only (it sends zeros in the first), so there it has two.
. /test/lib.sh
# shellcheck source=operations-lib.sh
. /test/operations.sh

saved=/tmp/saved
cells=0 same=0 less=0

save() { # STATE NMEM...: what DIMMs in it remember, and their blobs
  mkdir -p "$saved/$1"
  _state=$1
  shift
  for _nmem; do
    dimm_memory save "${_nmem#nmem}" "$saved/$_state/$_nmem"
    cp $keys/*"_$(dimm_id "$_nmem")_"* "$saved/$_state" 2>/dev/null
  done
}

look_again() { # NMEM: the kernel at its state
  echo "disable 0" 2>/dev/null >"$ND/$1/security"
}

# A frozen DIMM stays what it is, as nobody can change it.
prepare() { # STATE NMEM...
  keyctl clear @u
  rm -f $keys/nvdimm*_*
  load_kek
  _state=$1
  shift
  for _nmem; do
    dimm_memory mark "${_nmem#nmem}"
    [ "$_state" = frozen ] || dimm_memory restore "${_nmem#nmem}" "$saved/$_state/$_nmem"
    [ "$_state" = frozen ] || look_again "$_nmem"
  done
  cp "$saved/$_state"/*.blob $keys 2>/dev/null
  [ "$KEYS_IN" = disk ] || load_all
}

load_all() { # also those of master passphrases, which load-keys leaves
  ndctl load-keys >/dev/null 2>&1
  for _blob in "$keys"/nvdimm-master_*; do
    [ -e "$_blob" ] || break
    _id=${_blob#*_}
    keyctl add encrypted "nvdimm-master:${_id%%_*}" "load $(cat "$_blob")" @u >/dev/null
  done
}

# What became of NMEM: erased, passphrase, attempts.
fate() { # NMEM
  wait_for 60 not_overwriting "$1"
  eval "$(dimm_memory show "${1#nmem}")"
  # shellcheck disable=SC2154  # set by that
  case $marked in yes) erased=no ;; no) erased=yes ;; *) erased=partly ;; esac
  has_passphrase=$([ "$state" = 0 ] && echo no || echo yes)
  # shellcheck disable=SC2154
  attempts=$((refused + master_refused))
}

# shellcheck disable=SC2317  # called by wait_for
not_overwriting() {
  [ "$(cat "$ND/$1/security")" != overwrite ]
}

try() { # TOOL NMEM OPTION...: to $status, $erased, $has_passphrase, $attempts
  _tool=$1 _nmem=$2
  shift 2
  fate "$_nmem"
  _before=$attempts
  # shellcheck disable=SC2046
  "$_tool" sanitize-dimm "$@" $(no_image "$_tool" sanitize-dimm) "$_nmem" >/tmp/said 2>&1
  status=$?
  fate "$_nmem"
  attempts=$((attempts - _before))
}

# Where we erase less than ndctl, on purpose.
reason() { # STATE OPTIONS
  case "$1 $2" in
    none\ *-z\ -m | master\ *-z\ -m) echo "ndctl ignores -m; which of the two is meant is not known" ;;
    none\ -o | master\ -o) echo "without -z nothing is erased that has no passphrase, by an overwrite neither" ;;
    *-o\ -z) echo "ndctl ignores -z; zeros are not the passphrase that it has" ;;
  esac
}

compare() { # STATE ONE OTHER OPTION...
  _row=$1 _one=$2 _other=$3
  shift 3
  prepare "$_row" "$_one" "$_other"
  try ndctl "$_one" "$@"
  if [ "$KEYS_IN" = disk ] && [ "$status" != 0 ]; then
    _first=$attempts
    try ndctl "$_one" "$@"
    attempts=$((attempts + _first))
  fi
  _theirs="$status $erased $has_passphrase $attempts"
  _their_erased=$erased _their_passphrase=$has_passphrase _their_attempts=$attempts
  try nvunlock "$_other" "$@"
  cells=$((cells + 1))
  verdict "$_row" "$*"
  printf 'table: %-8s %-11s ndctl: %s; nvunlock: %s; %s\n' "$_row" "$*" "$_theirs" \
    "$status $erased $has_passphrase $attempts" "$_verdict"
  case $_verdict in *MORE* | *UNEXPLAINED*) sed 's/^/  said: /' /tmp/said ;; esac
}

verdict() { # STATE OPTIONS: to $_verdict
  _verdict=same
  if [ "$erased" != no ] && [ "$_their_erased" = no ]; then _verdict="MORE erased"; fi
  if [ "$has_passphrase" = no ] && [ "$_their_passphrase" = yes ]; then _verdict="MORE removed"; fi
  if [ "$attempts" -gt "$_their_attempts" ]; then _verdict="MORE attempts"; fi
  if [ "$_verdict" = same ] && [ "$erased" = no ] && [ "$_their_erased" != no ]; then
    _verdict="less: $(reason "$1" "$2")"
    [ "$_verdict" != "less: " ] || _verdict="UNEXPLAINED less"
  fi
  case $_verdict in
    same) same=$((same + 1)) ;;
    less*) less=$((less + 1)) ;;
    *) failures=$((failures + 1)) ;;
  esac
}

row() { # STATE ONE OTHER
  for _c in "" -c; do for _o in "" -o; do for _z in "" -z; do for _m in "" -m; do
    # shellcheck disable=SC2086  # none, or one word
    compare "$1" "$2" "$3" $_c $_o $_z $_m
  done; done; done; done
}

all_of_which_one_has_a_passphrase() { # TOOL
  for dimm in 0 1 2 3; do dimm_memory mark $dimm; done
  does "passphrase enabled for 1 nmem" ndctl setup-passphrase nmem0 -k user:nvdimm-master
  run "$1" sanitize-dimm all
  _erased=''
  for dimm in 0 1 2 3; do
    fate nmem$dimm
    [ $erased = no ] || _erased="$_erased nmem$dimm"
  done
  check "$1 sanitize-dimm all erases" " nmem0" "$_erased"
}

new_kek
load_nvdimm
ndctl disable-region all >/dev/null 2>&1
all_of_which_one_has_a_passphrase ndctl
all_of_which_one_has_a_passphrase nvunlock
check "nvunlock says what it has left" "1 3" "$status $(grep -c 'nmem[1-3]: it has no passphrase' /tmp/said)"
save none nmem0 nmem1
ndctl setup-passphrase all -m -k user:nvdimm-master
save master nmem0 nmem1
ndctl setup-passphrase all -k user:nvdimm-master
save unlocked nmem0 nmem1
save frozen nmem2 nmem3
echo freeze >$ND/nmem2/security
echo freeze >$ND/nmem3/security
for dimm in 0 1; do dimm_memory state $dimm 6; done
save locked nmem0 nmem1

for state in none master unlocked locked; do row $state nmem0 nmem1; done
row frozen nmem2 nmem3
check "frozen DIMMs" "unlocked frozen unlocked frozen" "$(security nmem2) $(security nmem3)"
echo "table: $cells cells, $((same + less)) held: $same as ndctl, $less erase less"
finish
