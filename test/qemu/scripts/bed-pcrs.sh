# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# Keeps the PCRs that the firmware and the boot loader extend in /persist/NAME, and what a Unified
# Kernel Image hands over.
. /test/lib.sh

mkdir "/persist/$NAME"
for pcr in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
  cp "/sys/class/tpm/tpm0/pcr-sha256/$pcr" "/persist/$NAME/"
done
[ ! -d /.extra ] || cp /.extra/* "/persist/$NAME/"
load_nvdimm
check "the DIMM firmware is in" disabled "$(security nmem0)"
finish
