// SPDX-License-Identifier: Apache-2.0
#include "tpm/nv_index.h"

#include <tss2/tss2_mu.h>

#include "src/crypto/hash.h"
#include "tpm/rc.h"

namespace nvunlock {

Bytes MarshalArea(const TPMS_NV_PUBLIC& area) {
  Bytes bytes(sizeof(area));
  size_t size = 0;
  if (Tss2_MU_TPMS_NV_PUBLIC_Marshal(&area, bytes.data(), bytes.size(), &size) != 0) size = 0;
  bytes.resize(size);
  return bytes;
}

Bytes NameOfIndex(const TPM2B_NV_PUBLIC& index) {
  Sha256Digest digest = Sha256({MarshalArea(index.nvPublic)});
  Bytes name = BigEndian(TPM2_ALG_SHA256, 2);
  name.insert(name.end(), digest.begin(), digest.end());
  return name;
}

/// What Esys_TR_Serialize writes for an index: handle, name, resource type 2, public area.
Result<ESYS_TR> PinIndex(Tpm& tpm, const TPM2B_NV_PUBLIC& index) {
  constexpr UINT32 kNvResource = 2;
  Bytes name = NameOfIndex(index);
  Bytes area = MarshalArea(index.nvPublic);
  Bytes serialized = BigEndian(index.nvPublic.nvIndex, 4);
  for (const Bytes& part : {BigEndian(name.size(), 2), name, BigEndian(kNvResource, 4),
                            BigEndian(area.size(), 2), area}) {
    serialized.insert(serialized.end(), part.begin(), part.end());
  }
  ESYS_TR tr = ESYS_TR_NONE;
  TRY_TPM("pin the latch",
          Esys_TR_Deserialize(tpm.esys(), serialized.data(), serialized.size(), &tr));
  return tr;
}

}  // namespace nvunlock
