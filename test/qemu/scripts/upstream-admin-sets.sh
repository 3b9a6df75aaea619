# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# What an admin does who knows ndctl and no more, on a machine without a TPM: the first boot.
. /test/lib.sh
# shellcheck source=operations-lib.sh
. /test/operations.sh

load_nvdimm
fails nvunlock setup-passphrase nmem0 -k user:nvdimm-master
says "'ndctl disable-region region0' first"
ndctl disable-region all
fails nvunlock setup-passphrase nmem0 -k user:nvdimm-master
says "user:nvdimm-master is neither in the keyring nor in $keys"
head -c 32 /dev/urandom | keyctl padd user nvdimm-master @u
fails nvunlock setup-passphrase nmem0 -k user:nvdimm-master
says "save it with 'umask 77; keyctl pipe %user:nvdimm-master >$keys/nvdimm-master.blob'"
keyctl pipe %user:nvdimm-master >$keys/nvdimm-master.blob

does "passphrase enabled for 1 nmem" nvunlock setup-passphrase -m nmem0 -k user:nvdimm-master
says "a lost master passphrase can never be replaced"
does "passphrase enabled for 2 nmems" nvunlock setup-passphrase all -k user:nvdimm-master
says "no boot will unlock by itself until you seal the kek to a TPM"
does "passphrase updated for 1 nmem" nvunlock update-passphrase nmem0
does "passphrase removed for 1 nmem" nvunlock remove-passphrase nmem1
is disabled nmem1
does "passphrase enabled for 1 nmem" nvunlock setup-passphrase nmem1 -k user:nvdimm-master
does "security froze 1 nmem" nvunlock freeze-security nmem1
fails nvunlock remove-passphrase nmem1
says "its security is frozen until the next power-on; boot with nvunlock.freeze=no then, if nvunlock unlocks at boot"
nvunlock list
sync
cut_power
