// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_CRYPTO_HASH_H_
#define NVUNLOCK_CRYPTO_HASH_H_

#include <array>
#include <initializer_list>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/base/secret.h"

namespace nvunlock {

using Sha256Digest = std::array<uint8_t, 32>;

/// SHA-256 (FIPS 180-4) of the parts one after the other.
Sha256Digest Sha256(std::initializer_list<ByteView> parts);

/// The hash NAME ("SHA1", "SHA384": an algorithm of the TCG's) of the parts one after the other.
Bytes HashWith(const char* name, std::initializer_list<ByteView> parts);

/// HMAC-SHA-256 (RFC 2104) of the parts one after the other.
Sha256Digest HmacSha256(ByteView key, std::initializer_list<ByteView> parts);

/// SIZE bytes of HKDF-SHA-256 (RFC 5869) with an empty salt; INFO keeps the uses of a key apart.
Result<Secret> HkdfSha256(ByteView key, std::string_view info, size_t size);

/// True when both are equal; takes the same time wherever they differ.
bool EqualInConstantTime(ByteView a, ByteView b);

}  // namespace nvunlock

#endif  // NVUNLOCK_CRYPTO_HASH_H_
