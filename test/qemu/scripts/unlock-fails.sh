# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source-path=SCRIPTDIR source=../guest/lib.sh
# A boot that goes wrong: ROW damages something, nvunlock must end with CODE and say MESSAGE, and
# the DIMMs must be NMEM0 and NMEM1 afterwards. Works on a copy of the keys directory.
. /test/lib.sh

cp -a /etc/ndctl/keys /tmp/keys
first=$(echo /tmp/keys/nvdimm_8680-56341200_*.blob)

forge_kek() { # a second kek of the same name, enrolled in /tmp/forged
  mkdir /tmp/forged
  nvunlock enroll --keys-dir=/tmp/forged --tpm2-pcrs=1 --weak-policy --no-recovery >/dev/null
}

case $ROW in
  as-it-is) ;;
  missing-blob) rm "$first" ;;
  blob-under-another-kek)
    forge_kek
    key=$(keyctl add encrypted nvdimm:forged "new enc32 user:nvdimm-master 32" @u)
    keyctl pipe "$key" >"$first"
    keyctl clear @u
    ;;
  key-file-of-another-kek)
    forge_kek
    cp /tmp/forged/nvdimm-master.pem /tmp/keys/
    keyctl clear @u
    ;;
  truncated-key-file)
    head -c 700 /etc/ndctl/keys/nvdimm-master.pem >/tmp/keys/nvdimm-master.pem
    ;;
  missing-key-file) rm /tmp/keys/nvdimm-master.pem && touch /tmp/keys/unrelated.pem ;;
  missing-module) rm "$(find /usr/lib/modules -name 'nfit.ko*')" ;;
  outdated-blob) cp /persist/outdated.blob "$first" ;;
  *) check "a known row" known "$ROW" ;;
esac

nvunlock unlock --keys-dir=/tmp/keys >/tmp/said 2>&1
check "exit code" "$CODE" $?
cat /tmp/said
grep -qF -- "$MESSAGE" /tmp/said
check "it says '$MESSAGE'" 0 $?
check "nmem0" "$NMEM0" "$(security nmem0)"
check "nmem1" "$NMEM1" "$(security nmem1)"
for nmem in $(nmems); do
  [ "$(security "$nmem")" = locked ] && wanted=no || wanted=yes
  check "the region of $nmem is up" "$wanted" "$(has_region "$nmem")"
done
check "keys left in @u" none "$(keys_left)"
finish
