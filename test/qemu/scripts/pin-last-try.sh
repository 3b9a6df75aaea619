# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# All tries but one are used up. unlock does not take that one, and somebody else does. Nobody answers.
. /test/lib.sh

wrong_password() { # as another user of the TPM might give it
  cd /tmp || exit 1
  tpm2_createprimary -Q -C o -c primary
  echo secret | tpm2_create -Q -C primary -i - -p right -u public -r private
  tpm2_load -Q -C primary -u public -r private -c context
  tpm2_unseal -c context -p wrong
}

echo recovery-timeout=2 >/etc/nvunlock/nvunlock.conf
nvunlock unlock 2>/tmp/said
check "unlock" 6 $?
cat /tmp/said
for words in "one wrong PIN more and the TPM is in dictionary attack lockout" \
  "allows a try more after [0-9]* seconds" "nobody answered in time"; do
  grep -q "$words" /tmp/said
  check "it says '$words'" 0 $?
done
for nmem in nmem0 nmem1; do check "$nmem" locked "$(security $nmem)"; done
wrong_password
check "another user's wrong password" 3 $? # tpm2-tools: authorization failed
rm /etc/nvunlock/nvunlock.conf
sync
tpm2_shutdown -c
cut_power
