// SPDX-License-Identifier: Apache-2.0
#include "src/model/pcr_terms.h"

#include <algorithm>
#include <string>
#include <utility>

#include "src/base/hex.h"
#include "src/base/text.h"

namespace nvunlock {
namespace {

/// systemd's names (systemd-cryptenroll(1), table "Well-known PCR Definitions").
constexpr std::pair<const char*, unsigned> kPcrNames[] = {
    {"platform-code", 0},
    {"platform-config", 1},
    {"external-code", 2},
    {"external-config", 3},
    {"boot-loader-code", 4},
    {"boot-loader-config", 5},
    {"host-platform", 6},
    {"secure-boot-policy", 7},
    {"kernel-initrd", 9},
    {"ima", 10},
    {"kernel-boot", 11},
    {"kernel-config", 12},
    {"sysexts", 13},
    {"shim-policy", 14},
    {"system-identity", 15},
    {"debug", 16},
    {"application-support", 23},
};

Failure Bad(std::string_view term, const std::string& reason) {
  return Fail(Errc::kUsage, "PCR '" + std::string(term) + "': " + reason);
}

std::optional<unsigned> PcrIndex(std::string_view text) {
  for (const auto& [name, index] : kPcrNames) {
    if (text == name) return index;
  }
  std::optional<unsigned> index = ParseUnsigned(text);
  return index && *index < kPcrCount ? index : std::nullopt;
}

struct Term {
  unsigned pcr;
  const PcrBank* bank = nullptr;
  std::optional<Bytes> value;
};

Result<Term> ParseTerm(std::string_view text) {
  std::string_view rest = text;
  std::optional<std::string_view> digest;
  if (size_t equals = rest.find('='); equals != std::string_view::npos) {
    digest = rest.substr(equals + 1);
    rest = rest.substr(0, equals);
  }
  std::vector<std::string_view> parts = Split(rest, ':');
  std::optional<unsigned> pcr = PcrIndex(parts[0]);
  if (!pcr || parts.size() > 2) return Bad(text, "write a name or 0-23, then :BANK, then =DIGEST");
  Term term = {.pcr = *pcr, .value = std::nullopt};
  if (parts.size() == 2) {
    term.bank = FindPcrBank(parts[1]);
    if (term.bank == nullptr) return Bad(text, "unknown bank (sha256, sha384, sha512, sha1)");
  }
  if (!digest) return term;
  if (term.bank == nullptr) return Bad(text, "a digest needs its bank, as in 7:sha256=...");
  term.value = FromHex(*digest);
  if (!term.value || term.value->size() != term.bank->digest_size) {
    return Bad(text, "the digest is not " + std::to_string(2 * term.bank->digest_size) +
                         " hexadecimal digits");
  }
  return term;
}

Result<void> AddTerm(PcrTerms& terms, std::string_view text) {
  Term term = TRY(ParseTerm(text));
  if (term.bank != nullptr) {
    if (terms.bank != nullptr && terms.bank != term.bank) {
      return Bad(text, "all PCRs must be of one bank");
    }
    terms.bank = term.bank;
  }
  if (!terms.pcrs.emplace(term.pcr, std::move(term.value)).second) return Bad(text, "given twice");
  return {};
}

}  // namespace

uint32_t MaskOf(const PcrTerms& terms) {
  uint32_t mask = 0;
  for (const auto& [pcr, value] : terms.pcrs) mask |= 1U << pcr;
  return mask;
}

Result<PcrTerms> ParsePcrTerms(std::string_view text) {
  PcrTerms terms;
  std::string joined(text);
  std::replace(joined.begin(), joined.end(), ',', '+');
  for (std::string_view term : Split(joined, '+')) TRY(AddTerm(terms, term));
  return terms;
}

std::string FormatPcrs(const TPMS_PCR_SELECTION& pcrs) {
  std::string text;
  for (unsigned pcr = 0; pcr < kPcrCount; pcr++) {
    if ((MaskOf(pcrs) & 1U << pcr) == 0) continue;
    text += (text.empty() ? "" : "+") + std::to_string(pcr);
  }
  const PcrBank* bank = FindPcrBank(pcrs.hash);
  return text + ":" + (bank == nullptr ? "unknown" : bank->name);
}

bool ChangesAfterInitramfs(unsigned pcr) {
  return pcr == 9 || (pcr >= 11 && pcr <= 15);
}

bool IsResetValue(ByteView value) {
  auto all = [&](uint8_t wanted) {
    return std::all_of(value.begin(), value.end(), [&](uint8_t byte) { return byte == wanted; });
  };
  return all(0x00) || all(0xff);
}

}  // namespace nvunlock
