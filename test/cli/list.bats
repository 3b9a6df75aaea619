#!/usr/bin/env bats
# list, on a tree that looks like sysfs. What security means is tested in a virtual machine.

load common

# make_dimm NMEM ID SECURITY FROZEN [bound]
make_dimm() {
  local device=$BATS_TEST_TMPDIR/sys/devices/ndbus0/$1
  mkdir -p "$device/nfit" "$BATS_TEST_TMPDIR/sys/bus/nd/devices"
  echo "$2" >"$device/nfit/id"
  [[ -z $3 ]] || echo "$3" >"$device/security"
  echo "$4" >"$device/frozen"
  [[ -z ${5-} ]] || mkdir "$device/driver"
  ln -s "../../../devices/ndbus0/$1" "$BATS_TEST_TMPDIR/sys/bus/nd/devices/$1"
}

setup() {
  make_dimm nmem0 8089-a2-1740-00000133 unlocked 1 bound
  make_dimm nmem1 8089-a2-1740-00000134 locked 0
  make_dimm nmem2 8089-a2-1740-00000135 "" 0 bound
  make_dimm nmem10 8089-a2-1740-00000136 disabled 0 bound
}

@test "list shows a line for each DIMM, in the order of their numbers" {
  run nvunlock list --root="$BATS_TEST_TMPDIR"
  expect 0
  diff - <(echo "$output") <<END
DIMM     ID                       SECURITY    FROZEN STATE
nmem0    8089-a2-1740-00000133    unlocked    frozen enabled
nmem1    8089-a2-1740-00000134    locked      -      disabled
nmem2    8089-a2-1740-00000135    unsupported -      enabled
nmem10   8089-a2-1740-00000136    disabled    -      enabled
END
}

@test "list --json has ndctl's keys and words" {
  run nvunlock list --json --root="$BATS_TEST_TMPDIR"
  expect 0
  diff <(jq -c '.[]' <<<"$output") - <<END
{"dev":"nmem0","id":"8089-a2-1740-00000133","security":"unlocked","security_frozen":true}
{"dev":"nmem1","id":"8089-a2-1740-00000134","state":"disabled","security":"locked"}
{"dev":"nmem2","id":"8089-a2-1740-00000135"}
{"dev":"nmem10","id":"8089-a2-1740-00000136","security":"disabled"}
END
}

@test "list without any DIMM prints nothing, and --json an empty list" {
  run nvunlock list --root="$BATS_TEST_TMPDIR/empty"
  expect 0
  [[ -z $output ]]
  run nvunlock list --json --root="$BATS_TEST_TMPDIR/empty"
  [[ $output == "[]" ]]
}

@test "a DIMM whose id cannot be read is an error, and the others are shown" {
  rm "$BATS_TEST_TMPDIR/sys/devices/ndbus0/nmem1/nfit/id"
  run nvunlock list --root="$BATS_TEST_TMPDIR"
  expect 1 "nmem1 has security but no id"
  expect 1 "nmem10 "
}

# make_region REGION NMEM...
make_region() {
  local device=$BATS_TEST_TMPDIR/sys/devices/ndbus0/$1 i=0 nmem
  mkdir -p "$device"
  for nmem in "${@:2}"; do
    echo "$nmem,0,34359738368,$i" >"$device/mapping$i"
    i=$((i + 1))
  done
  ln -s "../../../devices/ndbus0/$1" "$BATS_TEST_TMPDIR/sys/bus/nd/devices/$1"
}

# The names of the DIMMs that are listed.
names() {
  nvunlock list --root="$BATS_TEST_TMPDIR" "$@" | awk 'NR > 1 { print $1 }' | xargs
}

@test "list --region shows the DIMMs of a region" {
  make_region region0 nmem0 nmem1
  make_region region1 nmem10
  [[ $(names --region=region0) == "nmem0 nmem1" ]]
  [[ $(names -r region1) == nmem10 ]]
  [[ -z $(names -r region2) ]]
}

@test "list --bus knows buses by name and by provider" {
  echo ACPI.NFIT >"$BATS_TEST_TMPDIR/sys/devices/ndbus0/provider"
  ln -s ../../../devices/ndbus0 "$BATS_TEST_TMPDIR/sys/bus/nd/devices/ndbus0"
  for bus in ndbus0 ACPI.NFIT; do
    [[ $(names --bus="$bus") == "nmem0 nmem1 nmem2 nmem10" ]]
    [[ $(names -b "$bus") == "nmem0 nmem1 nmem2 nmem10" ]]
  done
  [[ -z $(names -b ndbus1) ]]
  run nvunlock list --json -b ndbus1 --root="$BATS_TEST_TMPDIR"
  expect 0
  [[ $output == "[]" ]]
}
