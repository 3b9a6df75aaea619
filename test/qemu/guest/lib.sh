# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# For test scripts in the guest: . /test/lib.sh, then check and check again, then finish.

ND=/sys/bus/nd/devices
failures=0

check() { # WHAT WANTED GOT
  if [ "$2" = "$3" ]; then
    echo "ok   $1"
  else
    echo "FAIL $1: wanted '$2', got '$3'"
    failures=$((failures + 1))
  fi
}

finish() {
  [ "$failures" = 0 ] || echo "$failures checks failed"
  exit $((failures != 0))
}

wait_for() { # SECONDS COMMAND...
  _tenths=$(($1 * 10))
  shift
  while ! "$@" >/dev/null 2>&1; do
    _tenths=$((_tenths - 1))
    [ $_tenths -gt 0 ] || return 1
    sleep 0.1
  done
}

nmems() { # the DIMMs' kernel names
  for _nmem in "$ND"/nmem*; do [ ! -e "$_nmem" ] || echo "${_nmem##*/}"; done | sort -V
}

security() { # NMEM: its security state; "frozen" is appended to a frozen one
  _state=$(cat "$ND/$1/security" 2>/dev/null || echo none)
  [ "$(cat "$ND/$1/frozen" 2>/dev/null)" != 1 ] || _state="$_state frozen"
  echo "$_state"
}

bring_kek() { # where unlock finds it as well: the TPM opens once a boot
  keyctl padd user nvdimm-master @u </persist/safe/nvdimm-master.blob >/dev/null
}

keys_left() { # in root's keyring, but for what approves the next boot
  keyctl list @u | sed -n 's/.* user: \(.*\)\|.*encrypted: \(.*\)/\1\2/p' | grep -v '^nvunlock-update:' || echo none
}

dimm_id() { # NMEM
  cat "$ND/$1/nfit/id"
}

region_of() { # NMEM: its region; with more than two DIMMs they are in no useful order
  for _region in "$ND"/region*; do
    ! grep -q "^$1," "$_region/mapping0" || echo "${_region##*/}"
  done
}

show_dimms() { # one line for each
  for _name in $(nmems); do
    echo "$_name id=$(dimm_id "$_name") security='$(security "$_name")'" \
      "state=$(cat "$ND/$_name/state")" \
      "driver=$(basename "$(readlink "$ND/$_name/driver")")"
  done
}

has_region() { # NMEM: whether the region with this DIMM has come up
  [ -e "$ND/$(region_of "$1")/driver" ] && echo yes || echo no
}

pmem_of() { # NMEM: the block device on it
  echo "/dev/pmem$(region_of "$1" | tr -dc 0-9)"
}

load_nvdimm() { # the drivers, as udev would load them; returns when the DIMMs are probed
  modprobe nfit && modprobe nd_pmem
}

cut_power() {
  echo "cut $((failures != 0))" >/dev/ttyS1
  sleep 60
}
