# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# load-keys, of both, on an enrolled machine with two locked DIMMs: what it says by its exit code, and whether it can
# be run again, or in a session of its own.
. /test/lib.sh

keys=/etc/ndctl/keys

in_keyring() {
  keyctl list @u | grep -c 'encrypted: nvdimm:'
}

with_kek() {
  keyctl clear @u
  cp /persist/safe/nvdimm-master.blob $keys/
}

with_kek
ndctl load-keys >/tmp/first
check "ndctl" "0 2 nvdimm keys loaded" "$? $(tail -n 1 /tmp/first)"
ndctl load-keys >/tmp/second
check "ndctl, again" "0 0 nvdimm keys loaded" "$? $(tail -n 1 /tmp/second)"
rm $keys/nvdimm-master.blob
keyctl clear @u
for _ in first second; do
  nvunlock load-keys
  check "nvunlock" "0 2" "$? $(in_keyring)"
done

with_kek
keyctl session - ndctl load-keys
check "ndctl in a session of its own" "0 0" "$? $(in_keyring)"
rm $keys/nvdimm-master.blob
keyctl clear @u
keyctl session - nvunlock load-keys
check "nvunlock in a session of its own" "0 2" "$? $(in_keyring)"

keyctl clear @u
for blob in "$keys"/nvdimm_*; do sed -i 's/.$//' "$blob"; done
with_kek
ndctl load-keys
check "ndctl, of damaged blobs" 0 $?
rm $keys/nvdimm-master.blob
keyctl clear @u
check "nvunlock, of damaged blobs" failure \
  "$(nvunlock load-keys >/dev/null 2>&1 && echo success || echo failure)"
finish
