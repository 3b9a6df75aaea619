#!/usr/bin/env bats
# Every answer of the kernel: each write of each command to a DIMM fails with an error, before the DIMM has seen
# it or after it has done what it was told. No passphrase may be lost, the fault may cost one attempt, and a
# second run must complete. Each write gets EINVAL and one other error; with CHECK=full all that the kernel's
# path can give, and an update every number that an error can have.

load machines

# EIO EPERM EINTR ENXIO EAGAIN ENOMEM EACCES EFAULT EBUSY ENODEV ENOSPC ENOTTY EOPNOTSUPP ETIMEDOUT ENOKEY
# EKEYEXPIRED EKEYREVOKED EKEYREJECTED ENOTSUPP
others="5 1 4 6 11 12 13 14 16 19 28 25 95 110 126 127 128 129 524"

# hold COMMAND...
hold() {
  local errnos=22 one_of=$others
  if [[ ${CHECK-} = full ]]; then errnos="22 $others" one_of=''; fi
  inject "$errnos" "$one_of" "$@"
}

# inject ERRNOS ONE-OF COMMAND...
inject() {
  local machine=$BATS_TEST_TMPDIR/machine work=$BATS_TEST_TMPDIR/work status=0
  rm -rf "$machine" "$work"
  mkdir "$work"
  "$BED/dimm" "$machine" create 1 --size 16
  boot "$machine" faults --tpm tis --busy-answers 0 --timeout 3600 \
    --env "ERRNOS=$1" --env "ONE_OF=$2" --env "COMMANDS=${*:3}" \
    --file /test/operations.sh="$BED/scripts/operations-lib.sh" \
    --file /usr/bin/dimm_memory="$BED/../../build/dimm_memory" \
    --file /usr/bin/fail_write="$BED/../../build/fail_write"
  "$BED/persist" "$machine" get cells "$work/cells"
  "$BED/persist" "$machine" get safe "$work/safe"
  mkdir "$work/each"
  tar -xf "$work/cells/cells.tar" -C "$work/each"
  "$BED/held" "$work/each" "$work"/safe/*.blob >"$work/verdict" || status=$?
  sed 's/^/# faults: /' "$work/verdict" >&3
  return $status
}

@test "setup-passphrase and remove-passphrase" {
  hold setup-image setup-master remove-image remove-spare-old remove-spare-new
}

@test "update-passphrase and rotate-kek --revoke" {
  hold update-image update-master update-spare-old update-spare-new rotate-image
}

@test "sanitize-dimm and freeze-security" {
  hold erase erase-master erase-zero overwrite erase-overwrite freeze
}

@test "enable-dimm, disable-dimm, unlock, refresh-images and --import-passphrase" {
  hold enable revalidate disable unlock refresh-image import import-locked
}

@test "update-passphrase and every number that an error can have" {
  if [[ ${CHECK-} = full ]]; then inject "$(seq -s " " 133)" "" update; else inject 133 "" update; fi
}
