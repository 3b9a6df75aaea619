// SPDX-License-Identifier: Apache-2.0
#include "src/os/modules.h"

#include <fcntl.h>
#include <libkmod.h>
#include <linux/module.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "src/base/unique_fd.h"

namespace nvunlock {
namespace {

struct FreeList {
  void operator()(kmod_list* list) const { kmod_module_unref_list(list); }
};
using ModuleList = std::unique_ptr<kmod_list, FreeList>;

struct FreeModule {
  void operator()(kmod_module* module) const { kmod_module_unref(module); }
};
using Module = std::unique_ptr<kmod_module, FreeModule>;

bool IsLoaded(const kmod_module* module) {
  int state = kmod_module_get_initstate(module);
  return state == KMOD_MODULE_BUILTIN || state == KMOD_MODULE_LIVE;
}

Failure FailToInsert(const std::string& path, int error_number) {
  if (error_number == EOPNOTSUPP || error_number == ENOEXEC) {
    return Fail(path +
                ": this kernel cannot load it (built for another kernel, or compressed in an "
                "unknown format: put uncompressed modules into the image)");
  }
  return FailErrno("insert " + path, error_number);
}

Result<void> Insert(const kmod_module* module, const std::string& parameters) {
  if (IsLoaded(module)) return {};
  const char* path = kmod_module_get_path(module);
  if (path == nullptr) {
    return Fail(std::string("module ") + kmod_module_get_name(module) + " is not installed");
  }
  UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return FailErrno(path, errno);
  // The kernel unpacks what it has been built for (CONFIG_MODULE_DECOMPRESS).
  int flags = std::string_view(path).ends_with(".ko") ? 0 : MODULE_INIT_COMPRESSED_FILE;
  if (syscall(SYS_finit_module, fd.get(), parameters.c_str(), flags) != 0 && errno != EEXIST) {
    return FailToInsert(path, errno);
  }
  return {};
}

Result<void> InsertWithDependencies(const kmod_module* module, const std::string& parameters) {
  if (IsLoaded(module)) return {};
  // The list is in the order in which modules.dep wants them loaded.
  ModuleList dependencies(kmod_module_get_dependencies(module));
  kmod_list* entry;
  kmod_list_foreach(entry, dependencies.get()) {
    Module dependency(kmod_module_get_module(entry));
    TRY(Insert(dependency.get(), ""));
  }
  return Insert(module, parameters);
}

}  // namespace

void Modules::CloseContext::operator()(kmod_ctx* context) const {
  kmod_unref(context);
}

Result<Modules> Modules::Open(const std::string& directory) {
  const char* const no_config = nullptr;
  Context context(kmod_new(directory.empty() ? nullptr : directory.c_str(), &no_config));
  if (context == nullptr) return FailErrno("open the kernel modules", errno);
  return Modules(std::move(context));
}

Result<void> Modules::Load(const std::string& name, const std::string& parameters) {
  kmod_module* found = nullptr;
  int error = kmod_module_new_from_name(context_.get(), name.c_str(), &found);
  if (error < 0) return FailErrno("look up module " + name, -error);
  Module module(found);
  return InsertWithDependencies(module.get(), parameters);
}

Result<void> Modules::LoadMatching(const std::string& wanted, std::string_view prefix) {
  kmod_list* found = nullptr;
  int error = kmod_module_new_from_lookup(context_.get(), wanted.c_str(), &found);
  if (error < 0) return FailErrno("look up drivers for " + wanted, -error);
  ModuleList modules(found);
  Result<void> result;
  kmod_list* entry;
  kmod_list_foreach(entry, modules.get()) {
    Module module(kmod_module_get_module(entry));
    if (!std::string_view(kmod_module_get_name(module.get())).starts_with(prefix)) continue;
    Result<void> inserted = InsertWithDependencies(module.get(), "");
    if (!inserted) result = std::move(inserted);
  }
  return result;
}

}  // namespace nvunlock
