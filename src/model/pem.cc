// SPDX-License-Identifier: Apache-2.0
#include "src/model/pem.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "src/crypto/openssl.h"

namespace nvunlock {
namespace {

using Bio = OpensslPtr<BIO, BIO_free_all>;

/// Frees with OPENSSL_free, which is a macro.
struct OpensslFree {
  void operator()(void* memory) const { OPENSSL_free(memory); }
};
template <typename T>
using OpensslMemory = std::unique_ptr<T, OpensslFree>;

size_t CountBeginLines(std::string_view text) {
  static constexpr std::string_view kBegin = "-----BEGIN ";
  size_t count = 0;
  for (size_t at = text.find(kBegin); at != std::string_view::npos;
       at = text.find(kBegin, at + 1)) {
    count++;
  }
  return count;
}

}  // namespace

std::string FormatPem(std::string_view label, ByteView der) {
  Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio(bio.get(), std::string(label).c_str(), "", der.data(),
                static_cast<long>(der.size()));
  char* text = nullptr;
  long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
}

Result<std::vector<PemBlock>> ParsePem(std::string_view text) {
  InitOpenssl();
  Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  std::vector<PemBlock> blocks;
  for (;;) {
    char* name = nullptr;
    char* header = nullptr;
    uint8_t* data = nullptr;
    long size = 0;
    int read = PEM_read_bio(bio.get(), &name, &header, &data, &size);
    OpensslMemory<char> owned_name(name);
    OpensslMemory<char> owned_header(header);
    OpensslMemory<uint8_t> owned_data(data);
    if (read != 1) break;
    blocks.push_back({name, Bytes(data, data + size)});
  }
  ERR_clear_error();
  // PEM_read_bio stops at the first damaged block as it does at the end of the text.
  if (blocks.size() != CountBeginLines(text)) {
    return Fail(Errc::kBadKeyFile,
                "PEM block " + std::to_string(blocks.size() + 1) + " is damaged or truncated");
  }
  return blocks;
}

}  // namespace nvunlock
