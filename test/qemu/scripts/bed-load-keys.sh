# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Stock ndctl unlocks nmem0.
. /test/lib.sh

ndctl load-keys
load_nvdimm
check "with its key" unlocked "$(security nmem0)"
mount -o dax /dev/pmem0 /pmem
check "the data" "from the first session" "$(cat /pmem/hello)"
umount /pmem
ndctl disable-region region0
ndctl freeze-security nmem0
check "frozen" "unlocked frozen" "$(security nmem0)"
ndctl remove-passphrase nmem0
check "no change when frozen" "unlocked frozen" "$(security nmem0)"

check "no taint" 0 "$(cat /proc/sys/kernel/tainted)"
check "TPM" 24 "$(find /sys/class/tpm/tpm0/pcr-sha256 -type f | wc -l)"
check "other PCR banks than sha256" "pcr-sha1 " \
  "$(cd /sys/class/tpm/tpm0 && echo pcr-* | sed 's/pcr-sha256//')"
finish
