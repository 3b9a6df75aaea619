// SPDX-License-Identifier: Apache-2.0
#include "test/unit/support/clear_bus.h"

#include <tss2/tss2_esys.h>

namespace nvunlock {
namespace {

bool is_clear = false;

}  // namespace

ClearBus::ClearBus() {
  is_clear = true;
}

ClearBus::~ClearBus() {
  is_clear = false;
}

extern "C" {

// NOLINTBEGIN(bugprone-reserved-identifier): these names are the linker's (ld --wrap)
TSS2_RC __real_Esys_StartAuthSession(ESYS_CONTEXT* esys, ESYS_TR key, ESYS_TR bind,
                                     ESYS_TR session1, ESYS_TR session2, ESYS_TR session3,
                                     const TPM2B_NONCE* nonce, TPM2_SE type,
                                     const TPMT_SYM_DEF* symmetric, TPMI_ALG_HASH hash,
                                     ESYS_TR* session);
TSS2_RC __real_Esys_TRSess_SetAttributes(ESYS_CONTEXT* esys, ESYS_TR session,
                                         TPMA_SESSION attributes, TPMA_SESSION mask);

TSS2_RC __wrap_Esys_StartAuthSession(ESYS_CONTEXT* esys, ESYS_TR key, ESYS_TR bind,
                                     ESYS_TR session1, ESYS_TR session2, ESYS_TR session3,
                                     const TPM2B_NONCE* nonce, TPM2_SE type,
                                     const TPMT_SYM_DEF* symmetric, TPMI_ALG_HASH hash,
                                     ESYS_TR* session) {
  const TPMT_SYM_DEF none = {.algorithm = TPM2_ALG_NULL, .keyBits = {}, .mode = {}};
  return __real_Esys_StartAuthSession(esys, is_clear ? ESYS_TR{ESYS_TR_NONE} : key, bind, session1,
                                      session2, session3, nonce, type, is_clear ? &none : symmetric,
                                      hash, session);
}

TSS2_RC __wrap_Esys_TRSess_SetAttributes(ESYS_CONTEXT* esys, ESYS_TR session,
                                         TPMA_SESSION attributes, TPMA_SESSION mask) {
  constexpr TPMA_SESSION kEncryption = TPMA_SESSION_ENCRYPT | TPMA_SESSION_DECRYPT;
  // A session that authorizes nothing must have some purpose.
  bool needs_purpose = (attributes & TPMA_SESSION_DECRYPT) != 0;
  if (is_clear) attributes &= ~kEncryption;
  if (is_clear && needs_purpose) attributes |= TPMA_SESSION_AUDIT;
  return __real_Esys_TRSess_SetAttributes(esys, session, attributes, mask);
}
// NOLINTEND(bugprone-reserved-identifier)

}  // extern "C"

}  // namespace nvunlock
