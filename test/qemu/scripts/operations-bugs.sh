# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Where ndctl fails, and nvunlock does not. Both do the same, ndctl to nmem0, nvunlock to nmem1. BUG: which.
. /test/lib.sh
# shellcheck source=operations-lib.sh
. /test/operations.sh

of() { # TOOL: its DIMM
  case $1 in ndctl) echo nmem0 ;; nvunlock) echo nmem1 ;; esac
}

setup() { # TOOL
  does "passphrase enabled for 1 nmem" "$1" setup-passphrase "$(of "$1")" -k user:nvdimm-master
}

# The host looks at the DIMMs' counters.
removes_with_key_on_disk() {
  setup "$1"
  forget_keys
  run "$1" remove-passphrase "$(of "$1")"
}

write_to_security() { # COMMAND...: the number, as kill_at counts, of its write to security
  kill_at --count --log /tmp/calls -- "$@" >/dev/null 2>&1
  sed -n "s, write .*/security '.*,,p" /tmp/calls
}

# Killed when the new passphrase is there, and the DIMM has the old one. Nothing else in ndctl's
# update is counted by kill_at differently from one time to the next.
killed_update() {
  setup "$1"
  set -- "$1" update-passphrase "$(of "$1")"
  point=$(write_to_security "$@")
  kill_at --before "$point" -- "$@"
  check "$1 killed" 0 $?
}

frozen_update() {
  setup "$1"
  echo freeze >"$ND/$(of "$1")/security"
  fails "$1" update-passphrase "$(of "$1")"
}

# The read of the new passphrase fails, by which its blob is to be had.
unreadable_update() { # TOOL BOGUS-KEYS WHICH-READ
  setup "$1"
  _bogus_wanted=$2 _which=$3
  set -- "$1" update-passphrase "$(of "$1")"
  strace -f -o /tmp/trace -e trace=keyctl "$@"
  call=$(grep keyctl /tmp/trace | grep -n 'KEYCTL_READ.*"enc32' | $_which -n 1 | cut -d: -f1)
  strace -f -o /tmp/trace -e trace=keyctl,write -e "inject=keyctl:error=EKEYREVOKED:when=$call" "$@"
  check "$1 fails" 1 $?
  check "$1: the read of the new key failed" 1 "$(grep -c 'KEYCTL_READ.*INJECTED' /tmp/trace)"
  # A new passphrase that is no key at all.
  grep -o '"update [0-9 ]*' /tmp/trace
  _bogus=$(grep -cE '"update [0-9]+ [0-9]{1,3}[^0-9]' /tmp/trace)
  check "$1 takes a size for a key" "$_bogus_wanted" "$_bogus"
}

other_name() { # TOOL
  setup "$1"
  hostname other
  run "$1" update-passphrase "$(of "$1")"
  hostname bed
}

overwrite() { # TOOL
  setup "$1"
  does "overwrite issued for 1 nmem" "$1" sanitize-dimm --overwrite "$(of "$1")"
  "$1" wait-overwrite "$(of "$1")"
  is disabled "$(of "$1")"
  run "$1" setup-passphrase "$(of "$1")" -k user:nvdimm-master
}

succeeds() { # YES-OR-NO WHAT
  check "$2" "$1" "$([ "$status" = 0 ] && echo yes || echo no)"
}

compare() { # FUNCTION WHAT: ndctl fails, nvunlock succeeds
  "$1" ndctl
  succeeds no "ndctl $2"
  "$1" nvunlock
  succeeds yes "nvunlock $2"
}

umask 022
new_kek
load_nvdimm
ndctl disable-region all
case $BUG in
  N1) compare removes_with_key_on_disk "removes a passphrase whose key is on disk" ;;
  N2-killed)
    killed_update ndctl
    killed_update nvunlock
    ;;
  N2-frozen)
    frozen_update ndctl
    frozen_update nvunlock
    ;;
  N3)
    unreadable_update ndctl 1 tail
    unreadable_update nvunlock 0 head
    ;;
  N4)
    setup nvunlock
    setup ndctl
    run ndctl update-passphrase nmem0 -f
    succeeds yes "ndctl takes an option of other commands"
    run nvunlock update-passphrase nmem1 -f
    check "nvunlock does not" 2 "$status"
    ;;
  N6) compare other_name "updates a passphrase after the host was renamed" ;;
  N7) compare overwrite "sets a passphrase after an overwrite" ;;
  N9)
    setup ndctl
    setup nvunlock
    check "everybody can read ndctl's blob" 644 \
      "$(stat -c %a $keys/nvdimm_8680-56341200_bed.blob)"
    check "nobody can read nvunlock's" 600 "$(stat -c %a $keys/nvdimm_8680-57341200_bed.blob)"
    ;;
esac
sync
[ "$failures" = 0 ] || finish
cut_power
