// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_BASE_WIPED_H_
#define NVUNLOCK_BASE_WIPED_H_

#include <cstring>
#include <type_traits>

namespace nvunlock {

/// A C structure that holds secret bytes for a moment: zero at first, wiped at the end.
template <typename T>
class Wiped {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Wiped() { memset(&value_, 0, sizeof(value_)); }
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { explicit_bzero(&value_, sizeof(value_)); }

  T& operator*() { return value_; }
  T* operator->() { return &value_; }
  T* get() { return &value_; }

 private:
  T value_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_BASE_WIPED_H_
