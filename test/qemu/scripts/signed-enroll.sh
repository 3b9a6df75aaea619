# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# In a Unified Kernel Image: two DIMMs get a passphrase, the kek is enrolled under the key that signed
# the image. Three times: as one does, in the keys directory; with an index of its own, in /persist/open, which no unlock of the keys directory latches; with
# PCR 7 as well, in /persist/combined. The image's signature is kept. Then the power is cut.
. /test/lib.sh

keys=/etc/ndctl/keys
head -c 32 /dev/urandom >$keys/nvdimm-master.blob
keyctl padd user nvdimm-master @u <$keys/nvdimm-master.blob
load_nvdimm
ndctl disable-region all
ndctl setup-passphrase nmem0 nmem1 -k user:nvdimm-master
cp -a $keys /persist/open
cp -a $keys /persist/combined
cp /.extra/tpm2-pcr-signature.json /persist/

enroll() { # DIRECTORY OPTION...
  _directory=$1
  shift
  nvunlock enroll "--keys-dir=$_directory" --import \
    --tpm2-public-key=/.extra/tpm2-pcr-public-key.pem "$@"
  check "enroll in $_directory" 0 $?
  rm "$_directory/nvdimm-master.blob"
}
enroll $keys --recovery-key
enroll /persist/open --no-recovery
enroll /persist/combined --tpm2-pcrs=7 --no-recovery
sync
cut_power
