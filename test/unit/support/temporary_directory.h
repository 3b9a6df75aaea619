// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_TEMPORARY_DIRECTORY_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_TEMPORARY_DIRECTORY_H_

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace nvunlock {

/// A directory of the test's own, gone with everything in it at the end. Its path is short enough
/// for the name of a Unix socket inside.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = "/tmp/nvu.XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string PathOf(const std::string& name) const { return path_ + "/" + name; }

  /// Makes the file NAME, and the directories that it needs. Returns its path.
  std::string Write(const std::string& name, std::string_view content) const {
    std::filesystem::create_directories(std::filesystem::path(PathOf(name)).parent_path());
    std::ofstream(PathOf(name), std::ios::binary) << content;
    return PathOf(name);
  }

  /// Makes NAME a symbolic link to TARGET, and the directories that it needs.
  void Link(const std::string& name, const std::string& target) const {
    std::filesystem::create_directories(std::filesystem::path(PathOf(name)).parent_path());
    std::filesystem::create_symlink(target, PathOf(name));
  }

  [[nodiscard]] std::string Read(const std::string& name) const {
    std::ifstream file(PathOf(name), std::ios::binary);
    if (!file) throw std::runtime_error("no file " + PathOf(name));
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
  }

  [[nodiscard]] bool Holds(const std::string& name) const {
    return std::filesystem::exists(std::filesystem::symlink_status(PathOf(name)));
  }

  /// How many entries the directory NAME has.
  [[nodiscard]] size_t CountIn(const std::string& name) const {
    auto entries = std::filesystem::directory_iterator(PathOf(name));
    return static_cast<size_t>(std::distance(begin(entries), end(entries)));
  }

 private:
  std::string path_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_TEMPORARY_DIRECTORY_H_
