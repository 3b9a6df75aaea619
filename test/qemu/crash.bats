#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Passphrase commands that are killed, or lose power: at every system call that changes a file, a key
# or a DIMM, and at every step that they name. After each the next boot, of the image in /boot as it
# then is, must unlock with at most one refused attempt for each DIMM; no passphrase may be without a
# blob; a second run must complete.
#
# "After call N" and "before call N + 1" are one state, as in between nothing is changed that outlives
# the process (see kill_at). CHECK=full tries each state once, of many writes to the same file three, and cuts
# the power at every step; otherwise one state and two steps, evenly chosen, stand for all.

load machines

APPEND="root=/dev/vdc fsck.mode=skip quiet loglevel=5 nvunlock.freeze=no"

setup_file() {
  export GOLD=$BATS_FILE_TMPDIR/gold TABLE=$BATS_FILE_TMPDIR/table
  : >"$TABLE"
  new_machine "$GOLD"
}

teardown_file() {
  sort "$TABLE" | sed 's/^/# crash: /' >&3
}

setup() {
  MACHINE=$BATS_TEST_TMPDIR/machine
  READY=$BATS_TEST_TMPDIR/ready
}

# power_on SCRIPT [vm's options]: counters start at 0.
power_on() {
  "$BED/dimm" "$MACHINE" reset
  boot_from_disk "$MACHINE" "$@" --tpm tis --append "$APPEND" \
    --file /usr/bin/kill_at="$BED/../../build/kill_at" \
    --file /test/crash.sh="$BED/scripts/crash-lib.sh"
}

# ready CMD: a machine on which it can begin; POINTS gets the number of its changing calls, STEPS the
# steps it names.
ready() {
  copy_machine "$GOLD" "$MACHINE"
  install_image "$MACHINE"
  [[ $1 != setup && $1 != rotate ]] || boot "$MACHINE" crash-prepare --tpm tis --env "CMD=$1" \
    --file /test/crash.sh="$BED/scripts/crash-lib.sh"
  power_on crash-point --env "CMD=$1" --env POINT=count
  POINTS=$(grep -c 'crash: point' "$MACHINE/crash-point.log")
  mapfile -t STEPS < <(sed -n 's/.*crash: \(step: .*\)/\1/p' "$MACHINE/crash-point.log")
  cp "$MACHINE/crash-point.log" "$BATS_TEST_TMPDIR/points.log"
  rm -rf "$READY"
  cp -a --sparse=always "$MACHINE" "$READY"
}

# calls: the numbers of the calls that are worth it: of many writes to one file, one after the other,
# the first, the middle one and the last.
calls() {
  sed -n 's/.*crash: point //p' "$BATS_TEST_TMPDIR/points.log" | awk '
    function flush() { if (n) print a; if (n > 2) print int((a + z) / 2); if (n > 1) print z }
    { number = $1; $1 = ""; if ($0 != last) { flush(); n = 0; a = number } n++; z = number; last = $0 }
    END { flush() }'
}

# states: kill_at's options for those to be tried, one a line.
states() {
  local numbers
  if [[ ${CHECK-} == full ]]; then
    calls | sed 's/^/--before /'
    echo "--after $POINTS"
  else
    mapfile -t numbers < <(calls)
    echo "--before ${numbers[${#numbers[@]} / 2]}"
  fi
}

# cuts: the steps at which the power is cut, one a line.
cuts() {
  if [[ ${CHECK-} == full ]]; then
    printf '%s\n' "${STEPS[@]}"
  else
    printf '%s\n' "${STEPS[${#STEPS[@]} / 3]}" "${STEPS[-2]}"
  fi
}

# no_blob_lost: for each passphrase that a DIMM has, one of its blobs holds it.
no_blob_lost() {
  local work=$BATS_TEST_TMPDIR/blobs i passphrase
  rm -rf "$work"
  mkdir "$work"
  "$BED/persist" "$MACHINE" get keys "$work/keys"
  "$BED/persist" "$MACHINE" get safe "$work/safe"
  for i in 0 1; do
    passphrase=$("$BED/dimm" "$MACHINE" get $i passphrase)
    [[ -z $passphrase ]] || has_blob "$i" "$passphrase" || return 1
  done
}

# has_blob DIMM PASSPHRASE
has_blob() {
  local blob kek
  for blob in "$work"/keys/*_"$("$BED/dimm" "$MACHINE" get "$1" id)"_*.blob; do
    for kek in "$work"/safe/*.blob; do
      [[ $("$BED/passphrase-in" "$blob" "$kek" 2>/dev/null) != "$2" ]] || return 0
    done
  done
  echo "no blob for DIMM $1:"
  ls -l "$work/keys"
  return 1
}

few_attempts() {
  local i
  for i in 0 1; do
    [[ $("$BED/dimm" "$MACHINE" get $i refused) -le 1 ]] || expect_attempts "$MACHINE" 1 || return 1
  done
}

# interrupt CMD POINT [MORE]: on a machine that is ready.
interrupt() {
  rm -rf "$MACHINE"
  cp -a --sparse=always "$READY" "$MACHINE"
  power_on crash-point --env "CMD=$1" --env "POINT=$2" --env "MORE=${3-}" && no_blob_lost
}

# recover CMD POINT: the boot after an interruption, which is interrupted at POINT itself. RECOVERED
# tells how the former ended, the result how the latter.
recover() {
  local status=0
  # Every other time what the machine does after each boot comes before the second run.
  SETTLE=$([[ ${SETTLE-} = yes ]] && echo no || echo yes)
  power_on crash-point --env "CMD=$1" --env "POINT=$2" --env INTERRUPTED=yes \
    --env "SETTLE=$SETTLE" || status=1
  RECOVERED=no
  ! grep -q 'crash: recovered' "$MACHINE/crash-point.log" || ! few_attempts || RECOVERED=yes
  [[ $status -eq 0 ]] && no_blob_lost
}

failed() { # POINT
  echo "failed: $1" && sed -n "s/.*crash: point ${1#--* } /  which is /p" "$BATS_TEST_TMPDIR/points.log"
  echo "# failed: $1" >&3
  BAD+=("$1")
}

# interrupt_all CMD POINT...: BAD becomes those after which not all was well. A point that does not
# exist is one.
interrupt_all() {
  local cmd=$1 point last=''
  shift
  BAD=() RECOVERED=''
  for point in "$@" none; do
    echo "# $cmd $point" >&3
    if [[ $last ]] && recover "$cmd" "$point"; then
      [[ $RECOVERED = yes ]] || failed "$last"
      last=$point
      continue
    fi
    [[ -z $last || $RECOVERED = yes ]] || failed "$last"
    last=''
    [[ $point != none ]] || continue
    if interrupt "$cmd" "$point"; then last=$point; else failed "$point"; fi
  done
}

# matrix CMD
matrix() {
  local killed cut bad=0
  ready "$1"
  mapfile -t killed < <(states)
  mapfile -t cut < <(cuts)
  interrupt_all "$1" "${killed[@]}" "${cut[@]}"
  for point in "${BAD[@]}"; do [[ $point != "step: "* ]] || bad=$((bad + 1)); done
  printf '%s\n' \
    "$1: killed at $((2 * POINTS)) points, $((POINTS + 1)) states: ${#killed[@]} tried, $((${#killed[@]} - ${#BAD[@]} + bad)) passed" \
    "$1: power cut at ${#STEPS[@]} steps: ${#cut[@]} tried, $((${#cut[@]} - bad)) passed" | tee -a "$TABLE"
  [[ ${#BAD[@]} -eq 0 ]]
}

@test "setup-passphrase" { matrix setup; }
@test "update-passphrase" { matrix update; }
@test "remove-passphrase" { matrix remove; }
@test "rotate-kek" { matrix rotate; }

@test "control: with an image that was not refreshed, a DIMM stays locked after a power cut" {
  copy_machine "$GOLD" "$READY"
  MACHINE=$READY install_image "$READY"
  interrupt update "step: nmem0 changed" --no-image
  run power_on crash-point --env CMD=update --env POINT=none
  [[ $status -ne 0 ]]
  grep "nmem0 .*security='locked'" "$MACHINE/crash-point.log"
}
