// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_CHANGED_DIMMS_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_CHANGED_DIMMS_H_

#include <functional>
#include <sstream>

#include "src/passphrase/change_passphrase.h"
#include "test/unit/support/operations_test.h"

namespace nvunlock {

/// Changes passphrases and keeps what they said; the images are up to the test.
class ChangedDimmsTest : public OperationsTest {
 protected:
  void AddDimm(const std::string& nmem, const std::string& id, const std::string& security) const {
    tree_.AddDimm({.nmem = nmem, .id = id, .security = security, .bound = true});
  }

  [[nodiscard]] ChangeOptions Setup() const {
    return {.change = PassphraseChange::kSetup, .kek = kek_name_};
  }
  [[nodiscard]] static ChangeOptions Update() { return {.change = PassphraseChange::kUpdate}; }
  [[nodiscard]] static ChangeOptions Remove() { return {.change = PassphraseChange::kRemove}; }

  /// OPTIONS with images, unless the caller wants none.
  DimmReport Change(ChangeOptions options, const std::vector<std::string>& nmems = {"nmem0"}) {
    options.on_step = [this](const std::string& step) { steps_.push_back(step); };
    if (with_images_) options.refresh_images = [this] { return Refresh(); };
    return ChangePassphrases(environment_, nmems, options);
  }

  /// The images are brought up to date, or are not.
  Result<std::vector<std::string>> Refresh() {
    refreshes_++;
    if (on_refresh_) on_refresh_();
    if (images_fail_) return Fail(Errc::kImageOutdated, "no image");
    return std::vector<std::string>{"/boot/initrd.img"};
  }

  static void ExpectAllDone(const DimmReport& report, size_t count) {
    for (const Error& problem : report.problems) ADD_FAILURE() << problem.message;
    for (const DimmResult& result : report.dimms) {
      if (result.problem) ADD_FAILURE() << result.dimm.nmem << ": " << result.problem->message;
    }
    EXPECT_EQ(report.CountDone(), count);
  }

  static std::vector<std::string> WordsOf(const std::string& text) {
    std::istringstream stream(text);
    return {std::istream_iterator<std::string>(stream), {}};
  }

  bool with_images_ = true;
  bool images_fail_ = false;
  int refreshes_ = 0;
  std::function<void()> on_refresh_;
  std::vector<std::string> steps_;
  std::string staged_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_CHANGED_DIMMS_H_
