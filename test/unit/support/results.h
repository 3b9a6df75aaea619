// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_RESULTS_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_RESULTS_H_

#include <gmock/gmock.h>

#include <ostream>
#include <stdexcept>
#include <string>

#include "src/base/result.h"

namespace nvunlock {

/// The value of a Result that a test takes for granted; an Error fails the test.
template <typename T>
T Must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return TakeValue(result);
}

inline void PrintTo(Errc code, std::ostream* stream) {
  *stream << "Errc " << static_cast<int>(code);
}

template <typename T>
void PrintTo(const Result<T>& result, std::ostream* stream) {
  if (result) {
    *stream << "a success";
  } else {
    *stream << "Errc " << static_cast<int>(result.error().code) << ": " << result.error().message;
  }
}

/// Matches a Result that holds no Error.
MATCHER(Succeeds, negation ? "fails" : "succeeds") {
  return arg.has_value();
}

/// Matches a Result whose Error has CODE.
MATCHER_P(FailsWith, code, "fails with " + testing::PrintToString(code)) {
  return !arg.has_value() && arg.error().code == code;
}

/// Matches a Result whose Error has CODE and says WORDS.
MATCHER_P2(FailsWith, code, words,
           "fails with " + testing::PrintToString(code) + " and says \"" + words + "\"") {
  return !arg.has_value() && arg.error().code == code &&
         arg.error().message.find(words) != std::string::npos;
}

/// Matches a Result that holds a value equal to VALUE.
MATCHER_P(Yields, value, "yields " + testing::PrintToString(value)) {
  if (arg.has_value()) *result_listener << "which holds " << testing::PrintToString(*arg);
  return arg.has_value() && *arg == value;
}

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_RESULTS_H_
