// SPDX-License-Identifier: Apache-2.0
#include "src/status/event_log.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

#include "src/base/endian_reader.h"
#include "src/crypto/hash.h"

namespace nvunlock {
namespace {

constexpr uint32_t kNoAction = 3;  // EV_NO_ACTION: tells something, measures nothing
constexpr size_t kMaxAlgorithms = TPM2_NUM_PCR_BANKS;
constexpr std::string_view kAgileSignature{"Spec ID Event03\0", 16};
constexpr std::string_view kLocalitySignature{"StartupLocality\0", 16};

/// An algorithm that the log has a digest of for each event.
struct LoggedAlgorithm {
  TPM2_ALG_ID id;
  size_t digest_size;
  const PcrBank* bank;  ///< nullptr when it is not known here
};

struct Event {
  uint32_t pcr = 0;
  uint32_t type = 0;
  std::vector<std::pair<const PcrBank*, ByteView>> digests;
  ByteView data;
};

const char* OpensslName(const PcrBank& bank) {
  switch (bank.algorithm) {
    case TPM2_ALG_SHA1:
      return "SHA1";
    case TPM2_ALG_SHA384:
      return "SHA384";
    case TPM2_ALG_SHA512:
      return "SHA512";
    default:
      return "SHA256";
  }
}

bool StartsWith(ByteView data, std::string_view signature) {
  return AsText(data).starts_with(signature);
}

/// After a reset; PCRs 17 to 22 are for a late launch, which starts by clearing them.
PcrValues ResetValues(const PcrBank& bank) {
  PcrValues values;
  for (unsigned pcr = 0; pcr < kPcrCount; pcr++) {
    values[pcr] = Bytes(bank.digest_size, pcr >= 17 && pcr <= 22 ? 0xff : 0);
  }
  return values;
}

/// What has been read so far says how the next event is read, and what may follow it.
class Replay {
 public:
  explicit Replay(ByteView log) : reader_(log) {}

  Result<EventLog> Run() {
    if (reader_.remaining() == 0) return Fail("it is empty");
    Event first = TRY_IN("event 1", ReadEvent());
    is_agile_ = first.type == kNoAction && StartsWith(first.data, kAgileSignature);
    if (is_agile_) TRY_IN("event 1", ReadAlgorithms(first.data));
    ResetBanks();
    TRY_IN("event 1", Apply(first));
    for (log_.events = 1; reader_.remaining() > 0; log_.events++) {
      TRY_IN("event " + std::to_string(log_.events + 1), ApplyNext());
    }
    return std::move(log_);
  }

 private:
  void ResetBanks() {
    for (const LoggedAlgorithm& algorithm : algorithms_) {
      if (algorithm.bank != nullptr) {
        log_.banks[algorithm.bank->name] = ResetValues(*algorithm.bank);
      }
    }
  }

  /// TCG_EfiSpecIdEvent: signature, platform class, three version bytes, size of an UINTN, and then
  /// which algorithms each event has a digest of.
  Result<void> ReadAlgorithms(ByteView data) {
    LittleEndianReader reader(data);
    reader.Take(kAgileSignature.size() + 4 + 4);
    size_t count = reader.Number(4);
    algorithms_.clear();
    if (count == 0 || count > kMaxAlgorithms) return Fail("an impossible number of algorithms");
    for (size_t i = 0; i < count; i++) TRY(AddAlgorithm(reader));
    reader.Take(reader.Number(1));  // what the vendor likes to add
    if (!reader.ok()) return Fail("the list of algorithms is truncated");
    return {};
  }

  Result<void> AddAlgorithm(LittleEndianReader& reader) {
    auto id = static_cast<TPM2_ALG_ID>(reader.Number(2));
    size_t digest_size = reader.Number(2);
    if (!reader.ok()) return Fail("the list of algorithms is truncated");
    const PcrBank* bank = FindPcrBank(id);
    if (digest_size == 0 || (bank != nullptr && bank->digest_size != digest_size)) {
      return Fail("an algorithm with the wrong digest length");
    }
    if (FindAlgorithm(id) != nullptr) return Fail("an algorithm is named twice");
    algorithms_.push_back({id, digest_size, bank});
    return {};
  }

  [[nodiscard]] const LoggedAlgorithm* FindAlgorithm(TPM2_ALG_ID id) const {
    auto found = std::find_if(algorithms_.begin(), algorithms_.end(),
                              [&](const LoggedAlgorithm& known) { return known.id == id; });
    return found == algorithms_.end() ? nullptr : &*found;
  }

  Result<void> ApplyNext() {
    if (log_.events == kEventLimit) return Fail("more events than any firmware has");
    Event event = is_agile_ ? TRY(ReadAgileEvent()) : TRY(ReadEvent());
    return Apply(event);
  }

  /// TCG_PCR_EVENT, with one digest. The first event has this form in either format.
  Result<Event> ReadEvent() {
    Event event = ReadHead();
    event.digests.emplace_back(algorithms_[0].bank, reader_.Take(algorithms_[0].digest_size));
    return ReadData(std::move(event));
  }

  /// TCG_PCR_EVENT2: digests that each say of which algorithm they are.
  Result<Event> ReadAgileEvent() {
    Event event = ReadHead();
    size_t count = reader_.Number(4);
    if (!reader_.ok()) return Fail("it is truncated");
    if (count != algorithms_.size()) return Fail("not one digest of each algorithm");
    std::set<TPM2_ALG_ID> seen;
    for (size_t i = 0; i < count; i++) {
      auto id = static_cast<TPM2_ALG_ID>(reader_.Number(2));
      if (!reader_.ok()) return Fail("it is truncated");
      const LoggedAlgorithm* algorithm = FindAlgorithm(id);
      if (algorithm == nullptr) return Fail("a digest of an algorithm that the log does not list");
      if (!seen.insert(id).second) return Fail("two digests of one algorithm");
      event.digests.emplace_back(algorithm->bank, reader_.Take(algorithm->digest_size));
    }
    return ReadData(std::move(event));
  }

  Event ReadHead() {
    Event event;
    event.pcr = reader_.Number(4);
    event.type = reader_.Number(4);
    return event;
  }

  Result<Event> ReadData(Event event) {
    size_t size = reader_.Number(4);
    event.data = reader_.Take(size);
    if (!reader_.ok()) return Fail("it is truncated");
    return event;
  }

  Result<void> Apply(const Event& event) {
    if (event.type == kNoAction) {
      return StartsWith(event.data, kLocalitySignature) ? StartAtLocality(event.data)
                                                        : Result<void>();
    }
    if (event.pcr >= kPcrCount) return Fail("there is no PCR " + std::to_string(event.pcr));
    for (const auto& [bank, digest] : event.digests) {
      if (bank == nullptr) continue;
      Bytes& value = log_.banks[bank->name][event.pcr];
      value = HashWith(OpensslName(*bank), {value, digest});
    }
    pcr_0_was_extended_ = pcr_0_was_extended_ || event.pcr == 0;
    return {};
  }

  /// The locality of TPM2_Startup is what PCR 0 starts with; 4 stands for a measurement by the CPU
  /// before that.
  Result<void> StartAtLocality(ByteView data) {
    ByteView locality = data.subspan(kLocalitySignature.size());
    if (locality.size() != 1 || (locality[0] != 0 && locality[0] != 3 && locality[0] != 4)) {
      return Fail("the TPM cannot have been started at that locality");
    }
    if (pcr_0_was_extended_) return Fail("the TPM was started after the first measurement");
    for (auto& [name, values] : log_.banks) values[0].back() = locality[0];
    return {};
  }

  LittleEndianReader reader_;
  std::vector<LoggedAlgorithm> algorithms_ = {{TPM2_ALG_SHA1, 20, FindPcrBank(TPM2_ALG_SHA1)}};
  bool is_agile_ = false;
  bool pcr_0_was_extended_ = false;
  EventLog log_;
};

}  // namespace

Result<EventLog> ReplayEventLog(ByteView log) {
  if (log.size() > kEventLogLimit) return Fail("it is larger than 4 MiB");
  return Replay(log).Run();
}

}  // namespace nvunlock
