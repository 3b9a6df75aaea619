// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_OS_MODULES_H_
#define NVUNLOCK_OS_MODULES_H_

#include <memory>
#include <string>
#include <string_view>

#include "src/base/result.h"

struct kmod_ctx;

namespace nvunlock {

/// The kernel modules below one directory, such as /lib/modules/6.1.0-50-amd64.
/// modprobe.d is not read: what the guard keeps out for everybody else is loaded here.
class Modules {
 public:
  /// Opens DIRECTORY, or the running kernel's own modules when DIRECTORY is empty.
  static Result<Modules> Open(const std::string& directory);

  /// Loads NAME and what it depends on; PARAMETERS go to NAME alone. Loaded or built in already
  /// is a success. Returns when the module's init has returned.
  Result<void> Load(const std::string& name, const std::string& parameters = "");

  /// Loads each module that has the name WANTED, or claims the modalias WANTED, as long as its name
  /// starts with PREFIX. There may be none. Fails after the last when one could not be loaded.
  Result<void> LoadMatching(const std::string& wanted, std::string_view prefix);

 private:
  struct CloseContext {
    void operator()(kmod_ctx* context) const;
  };
  using Context = std::unique_ptr<kmod_ctx, CloseContext>;

  explicit Modules(Context context) : context_(std::move(context)) {}

  Context context_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_OS_MODULES_H_
