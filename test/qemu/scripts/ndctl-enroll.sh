# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# nvunlock makes the kek; stock ndctl uses it at once to set passphrases.
. /test/lib.sh

load_nvdimm
nvunlock enroll --tpm2-pcrs=1 --weak-policy --no-recovery
check "enroll" 0 $?
ndctl disable-region all
ndctl setup-passphrase all -k user:nvdimm-master
check "ndctl setup-passphrase" 0 $?
for nmem in nmem0 nmem1; do check "$nmem" unlocked "$(security "$nmem")"; done
sync # ndctl does not
cut_power
