#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every answer of the kernel: each write of each command to a DIMM fails with an error, before the DIMM has seen
# it or after it has done what it was told. No passphrase may be lost, the fault may cost one attempt, and a
# second run must complete. Each write gets EINVAL both ways, of which one is the firmware's own, and one
# other error; with CHECK=full all that the kernel's path can give, and an update every number that an error
# can have.

load machines

# EINVAL EIO EPERM EINTR ENXIO EAGAIN ENOMEM EACCES EFAULT EBUSY ENODEV ENOSPC ENOTTY EOPNOTSUPP ETIMEDOUT
# ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED ENOTSUPP
all="22 5 1 4 6 11 12 13 14 16 19 28 25 95 110 126 127 128 129 524"

# hold COMMAND...
hold() {
  if [[ ${CHECK-} = full ]]; then
    inject "$all" "$all" "" "$@"
  else
    inject 22 "" "${all#22 }" "$@"
  fi
}

# inject LOST ACTED ONE-OF COMMAND...: see faults.sh
inject() {
  local machine=$BATS_TEST_TMPDIR/machine work=$BATS_TEST_TMPDIR/work status=0
  rm -rf "$machine" "$work"
  mkdir "$work"
  "$BED/dimm" "$machine" create 1 --size 16
  boot "$machine" faults --tpm tis --busy-answers 0 --timeout 3600 \
    --env "LOST=$1" --env "ACTED=$2" --env "ONE_OF=$3" --env "COMMANDS=${*:4}" \
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

@test "passphrases are set, changed and removed, and keks revoked" {
  hold setup-image update-image remove-image rotate-image setup-master update-master import import-locked
  if [[ ${CHECK-} = full ]]; then
    inject "$(seq -s " " 133)" "$(seq -s " " 133)" "" update
  fi
}

@test "changes that were cut short are ended; DIMMs are erased, frozen, enabled and asked" {
  hold update-spare-old update-spare-new remove-spare-old remove-spare-new erase erase-master erase-zero \
    overwrite erase-overwrite freeze enable revalidate disable unlock refresh-image
}
