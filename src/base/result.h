// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_BASE_RESULT_H_
#define NVUNLOCK_BASE_RESULT_H_

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace nvunlock {

/// What went wrong, as far as anyone acts on it. The values are the exit codes of the program
/// and are documented in nvunlock(8).
enum class Errc {
  kFailed = 1,
  kUsage = 2,
  kNoTpm = 3,
  kWrongTpm = 4,
  kPolicyMismatch = 5,
  kLockout = 6,
  kBadKeyFile = 7,
  kKeysIncomplete = 8,
  kDimmLocked = 9,
  kNotFrozen = 10,
  kLatchClosed = 11,
  kWrongPin = 12,
  kNoSignature = 13,
  kTpmNotReady = 14,
  kPcrsChanging = 15,
  kLatchGone = 16,
  kOwnerPassword = 17,
  kImageOutdated = 18,
  kPassphraseRefused = 19,
  kKekMissing = 20,
  kOverwriting = 21,
  kUnsupported = 22,
};

/// A failure with its cause in words, outermost context first.
struct Error {
  Errc code = Errc::kFailed;
  std::string message;

  /// The same failure as seen from one level further out: "CONTEXT: message".
  Error Within(std::string_view context) && {
    message.insert(0, ": ").insert(0, context);
    return std::move(*this);
  }
};

/// A value or an Error; the compiler refuses to let a caller drop it.
template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

using Failure = tl::unexpected<Error>;

/// A failure to return: `return Fail(Errc::kNoTpm, "no TPM device")`.
inline Failure Fail(Errc code, std::string message) {
  return Failure(Error{code, std::move(message)});
}

inline Failure Fail(std::string message) {
  return Fail(Errc::kFailed, std::move(message));
}

/// "ACTION: strerror(error_number)". Catch errno at once and hand it in.
Failure FailErrno(std::string_view action, int error_number);

template <typename T>
T TakeValue(Result<T>& result) {
  return std::move(*result);
}

inline void TakeValue(Result<void>&) {}

/// Evaluates to the value of a Result, or returns its Error from the calling function. Not for
/// the members of an aggregate initializer: gcc 12 would leak the ones that are made already.
#define TRY(expression)                                                         \
  __extension__({                                                               \
    auto try_result = (expression);                                             \
    if (!try_result) return ::nvunlock::Failure(std::move(try_result.error())); \
    ::nvunlock::TakeValue(try_result);                                          \
  })

/// TRY that adds CONTEXT to the Error; CONTEXT is evaluated only on failure.
#define TRY_IN(context, expression)                                                             \
  __extension__({                                                                               \
    auto try_result = (expression);                                                             \
    if (!try_result) return ::nvunlock::Failure(std::move(try_result.error()).Within(context)); \
    ::nvunlock::TakeValue(try_result);                                                          \
  })

}  // namespace nvunlock

#endif  // NVUNLOCK_BASE_RESULT_H_
