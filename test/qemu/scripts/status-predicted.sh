# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# The boot after the enrollment, and what it says of the one after that.
. /test/lib.sh

verify() { # WANTED-EXIT-CODE WHAT WANTED-LAST-LINE
  nvunlock verify >/tmp/verify
  check "verify: $2" "$1" $?
  cat /tmp/verify
  check "verify's answer: $2" "$3" "$(tail -n 1 /tmp/verify)"
}
yes="yes: the next boot will unlock"

touch /etc/initrd-release
nvunlock unlock
check "unlock" 0 $?
rm /etc/initrd-release
nvunlock status
# Columns: PCR, enrolled, recorded, predicted, current.
check "PCRs that are the same in all columns" "1:sha256 4:sha256 7:sha256" \
  "$(nvunlock status | awk '/:sha256 / && $2 == $3 && $3 == $4 && $4 == $5 { print $1 }' | xargs)"
verify 0 "with a record" "$yes"

rm /run/nvunlock/pcrs.json
verify 0 "with the event log alone" "$yes"
check "nothing else is said" 1 "$(wc -l </tmp/verify)"
tpm2_pcrextend "7:sha256=$(printf '%064x' 1)"
verify 0 "a PCR that was extended since" "$yes"
umount /sys/kernel/security
verify 5 "without the event log" "no: the next boot will not unlock all DIMMs (5)"
finish
