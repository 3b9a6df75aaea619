#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# list, and stock ndctl's list, on a tree that looks like sysfs to both. What security means is tested in a
# virtual machine.

bats_require_minimum_version 1.5.0 # which knows --separate-stderr, and sets stderr
load common

# make_bus N PROVIDER [SCRUB]
make_bus() {
  local device=$SYS/devices/ndbus$1
  mkdir -p "$device/nfit" "$SYS/class/nd/ndctl$1" "$SYS"/{dev/char,bus/nd/devices,bus/nd/drivers/nvdimm}
  echo "250:$1" >"$SYS/class/nd/ndctl$1/dev"
  ln -s "../../../devices/ndbus$1" "$SYS/class/nd/ndctl$1/device"
  ln -s "../../class/nd/ndctl$1" "$SYS/dev/char/250:$1"
  ln -s "../../../devices/ndbus$1" "$SYS/bus/nd/devices/ndbus$1"
  echo "$2" >"$device/provider"
  touch "$device"/{commands,wait_probe}
  echo 1 >"$device/nfit/revision"
  [[ -z ${3-} ]] || echo "$3" >"$device/nfit/scrub"
}

# make_dimm NMEM ID SECURITY FROZEN [bound [BUS]]; its handle is 0x10 and its number.
make_dimm() {
  local number=${1#nmem} bus=${6:-0} device
  device=$SYS/devices/ndbus$bus/$1
  mkdir -p "$device/nfit"
  echo "249:$number" >"$device/dev"
  echo nd:t1 >"$device/modalias"
  touch "$device"/{commands,flags}
  echo "$2" >"$device/nfit/id"
  printf '0x%x\n' $((16 + number)) >"$device/nfit/handle"
  echo "$number" >"$device/nfit/phys_id"
  echo >"$device/nfit/flags"
  [[ -z $3 ]] || echo "$3" >"$device/security"
  [[ -z $3 ]] || echo "$4" >"$device/frozen"
  [[ -z ${5-} ]] || ln -s ../../../bus/nd/drivers/nvdimm "$device/driver"
  ln -s "../../../devices/ndbus$bus/$1" "$SYS/bus/nd/devices/$1"
}

# make_region REGION NMEM...
make_region() {
  local device=$SYS/devices/ndbus0/$1 i=0 nmem
  mkdir -p "$device"
  for nmem in "${@:2}"; do
    echo "$nmem,0,34359738368,$i" >"$device/mapping$i"
    i=$((i + 1))
  done
  ln -s "../../../devices/ndbus0/$1" "$SYS/bus/nd/devices/$1"
}

setup() {
  SYS=$BATS_TEST_TMPDIR/sys
  make_bus 0 ACPI.NFIT
  make_dimm nmem0 8089-a2-1740-00000133 unlocked 1 bound
  make_dimm nmem1 8089-a2-1740-00000134 locked 0
  make_dimm nmem2 8089-a2-1740-00000135 "" 0 bound
  make_dimm nmem10 8089-a2-1740-00000136 disabled 0 bound
}

list() {
  nvunlock list --root="$BATS_TEST_TMPDIR" "$@"
}

@test "list shows a line for each DIMM, in the order of their numbers" {
  run list
  expect 0
  diff - <(echo "$output") <<END
DIMM     ID                       SECURITY    FROZEN STATE
nmem0    8089-a2-1740-00000133    unlocked    frozen enabled
nmem1    8089-a2-1740-00000134    locked      -      disabled
nmem2    8089-a2-1740-00000135    unsupported -      enabled
nmem10   8089-a2-1740-00000136    disabled    -      enabled
END
}

@test "list --json has ndctl's keys and words, and the DIMMs that are disabled" {
  run list --json
  expect 0
  diff <(jq -c 'sort_by(.handle)[]' <<<"$output") - <<END
{"dev":"nmem0","id":"8089-a2-1740-00000133","handle":16,"phys_id":0,"security":"unlocked","security_frozen":true}
{"dev":"nmem1","id":"8089-a2-1740-00000134","handle":17,"phys_id":1,"state":"disabled","security":"locked"}
{"dev":"nmem2","id":"8089-a2-1740-00000135","handle":18,"phys_id":2}
{"dev":"nmem10","id":"8089-a2-1740-00000136","handle":26,"phys_id":10,"security":"disabled"}
END
}

# More of what there can be on the two buses.
make_odd_dimms() {
  local odd=$SYS/devices/ndbus1
  echo 'save_fail smart_event not_armed ' >"$SYS/devices/ndbus0/nmem0/nfit/flags"
  echo 'map_fail restore_fail flush_fail smart_notify ' >"$SYS/devices/ndbus0/nmem1/nfit/flags"
  make_bus 1 nfit_test.0 3+
  make_dimm nmem3 cdab-0a-07e0-ffffffff overwrite 0 bound 1
  make_dimm nmem4 cdab-0a-07e0-fffffffe locked 1 bound 1
  make_dimm nmem5 cdab-0a-07e0-feffffff new-word 0 "" 1
  echo 0xffff >"$odd/nmem4/nfit/phys_id"
  echo 0xffffffff >"$odd/nmem5/nfit/handle"
  rm "$odd/nmem5/nfit/id" "$odd/nmem5/security"
  make_bus 2 e820 7
}

# Options that are tried, a line each.
combinations() {
  local some=('' -iu -vvv) all=('' -i -u -iu -c -v -vvv -iH) modifiers bus what
  [[ ${CHECK-} != full ]] || some=("${all[@]}")
  for modifiers in "${some[@]}"; do
    for bus in '' '-b 0' '-b all' '--bus=ndbus1' '-b ACPI.NFIT' '-b 2'; do
      for what in -D -B '--buses --dimms' -vv; do echo "$modifiers $bus $what"; done
    done
    for what in '-d nmem0' '-d 1' --dimm=nmem3 '-d all' '-Dd 5' '-d nmem4 -b nfit_test.0' '-B -d 10' \
      "-d 'nmem0 nmem3'"; do
      echo "$modifiers $what"
    done
  done
}

# each_line PROGRAM ARGUMENT...: it is run with the options of each line, and prints to the file of that
# line's number in the present directory.
each_line() {
  local options number=0
  while read -r options; do
    number=$((number + 1))
    eval "\"\$@\" $options" >"$number" 2>>"$BATS_TEST_TMPDIR/said"
  done
}

@test "list prints byte for byte what stock ndctl does, for each combination of options" {
  make_odd_dimms
  mkdir "$BATS_TEST_TMPDIR"/{ours,theirs}
  cd "$BATS_TEST_TMPDIR/theirs"
  export -f each_line
  # ndctl knows no other place than /sys.
  # shellcheck disable=SC2016  # the inner shell expands it
  combinations | unshare --mount bash -c 'mount --bind "$0" /sys && each_line ndctl list' "$SYS"
  cd "$BATS_TEST_TMPDIR/ours"
  combinations | each_line list
  [[ $(find ../theirs -size +0 | wc -l) -gt 80 ]]
  diff -r ../theirs . || {
    combinations | sed -n "$(diff -rq ../theirs . | sed -n '1s/.*[^0-9]\([0-9]*\) differ$/\1/p')p"
    false
  }
}

@test "what ndctl's own scripts ask for is there" {
  [[ $(list -b ACPI.NFIT -D | jq -r '.[] | select(.handle == 26).dev') == nmem10 ]]
  [[ $(list -i -b 0 -d nmem1 | jq -r '.[].dimms[0].security') == locked ]]
  [[ $(list -i -b ACPI.NFIT -d nmem0 | jq -r '.[].dimms[0].security_frozen') == true ]]
  list -D | grep -q '"security_frozen":true'
}

@test "list without any DIMM prints nothing and says why; --json an empty list" {
  for options in '' -D '-u -i'; do
    # shellcheck disable=SC2086
    run --separate-stderr nvunlock list --root="$BATS_TEST_TMPDIR/empty" $options
    # shellcheck disable=SC2154
    [[ $status -eq 0 && -z $output && $stderr == "nvunlock: no DIMM found"* ]]
  done
  run --separate-stderr nvunlock list --json --root="$BATS_TEST_TMPDIR/empty"
  [[ $status -eq 0 && $output == "[]" ]]
}

@test "where only disabled DIMMs are left, list says how to see them" {
  run --separate-stderr list -d nmem1
  [[ $status -eq 0 && -z $output && $stderr == *"--idle also shows"* ]]
  run list -d nmem1 -i
  expect 0 '"locked"'
}

@test "a DIMM whose id cannot be read is an error, and the others are shown" {
  rm "$SYS/devices/ndbus0/nmem1/nfit/id"
  run list
  expect 1 "nmem1 has security but no id"
  expect 1 "nmem10 "
}

# The names of the DIMMs that are listed.
names() {
  list "$@" | grep -oE '^nmem[0-9]+|"nmem[0-9]+"' | tr -d '"' | sort -V | xargs
}

@test "list --region shows the DIMMs of a region" {
  make_region region0 nmem0 nmem1
  make_region region1 nmem10
  [[ $(names --region=region0) == "nmem0 nmem1" ]]
  [[ $(names -r 1) == nmem10 ]]
  [[ $(names -r all) == "nmem0 nmem1 nmem10" ]]
  [[ $(names -D -r region0) == nmem0 ]]
}

@test "what is not there is named, with exit code 1 and nothing on stdout" {
  while IFS='|' read -r options words; do
    # shellcheck disable=SC2086
    run --separate-stderr list $options
    [[ $status -eq 1 && -z $output && $stderr == "nvunlock: $words"* ]] || {
      echo "list $options: $status '$output' '$stderr'"
      false
    }
  done <<END
-b ndbus1|there is no bus 'ndbus1' here; there is ndbus0 (ACPI.NFIT)
--json -b 1|there is no bus '1' here
-r 7|there is no region '7' here
-D -r region2|there is no region 'region2' here
-d nmem7|there is no nmem7 here; 'nvunlock list' shows
-D -d 3|there is no nmem3 here
END
  run list -d foo
  expect 2 "'foo' is not a valid dimm name"
}

@test "an empty name is no name for all of them" {
  for option in -b -r -d; do
    run list "$option" ""
    expect 2 "has an empty name"
  done
  run nvunlock sanitize-dimm --root="$BATS_TEST_TMPDIR" -z all -b ""
  expect 2 "has an empty name"
}
