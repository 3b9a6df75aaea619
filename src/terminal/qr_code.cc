// SPDX-License-Identifier: Apache-2.0
#include "src/terminal/qr_code.h"

#include <qrcodegen/qrcodegen.h>

#include <algorithm>
#include <string_view>

#include "src/base/wipe_stack.h"

namespace nvunlock {
namespace {

constexpr int kLargestVersion = 5;  // 106 bytes at the lowest error correction
constexpr size_t kTextLimit = 100;
constexpr size_t kCodeSize = qrcodegen_BUFFER_LEN_FOR_VERSION(kLargestVersion);
constexpr int kMargin = 4;

constexpr std::string_view kWhiteOnBlack = "    \033[40;37;1m";
constexpr std::string_view kNormal = "\033[0m\n";

/// By whether the upper and the lower of two modules are dark. What is drawn is the light ones.
constexpr std::string_view kBlocks[2][2] = {{"█", "▀"}, {"▄", " "}};

/// Appends to text in protected memory, which has room for it.
class Pen {
 public:
  explicit Pen(Secret& paper) : paper_(paper) {}

  void Write(std::string_view text) {
    std::copy(text.begin(), text.end(), paper_.bytes().begin() + static_cast<ptrdiff_t>(used_));
    used_ += text.size();
  }
  [[nodiscard]] size_t Used() const { return used_; }

 private:
  Secret& paper_;
  size_t used_ = 0;
};

Result<Secret> Encode(const Secret& text) {
  Secret scratch = TRY(Secret::Create(kCodeSize));
  Secret code = TRY(Secret::Create(kCodeSize));
  std::copy(text.bytes().begin(), text.bytes().end(), scratch.bytes().begin());
  bool fits =
      qrcodegen_encodeBinary(scratch.bytes().data(), text.size(), code.bytes().data(),
                             qrcodegen_Ecc_LOW, 1, kLargestVersion, qrcodegen_Mask_AUTO, true);
  WipeStack();
  if (!fits) return Fail("the text is too long for a QR code");
  return code;
}

}  // namespace

Result<Secret> DrawQrCode(const Secret& text) {
  if (text.size() > kTextLimit) return Fail("the text is too long for a QR code");
  Secret code = TRY(Encode(text));
  const uint8_t* modules = code.bytes().data();
  int end = qrcodegen_getSize(modules) + kMargin;
  size_t side = static_cast<size_t>(end) + kMargin;
  size_t line = kWhiteOnBlack.size() + side * kBlocks[0][0].size() + kNormal.size();
  Secret drawing = TRY(Secret::Create((side + 1) / 2 * line));
  Pen pen(drawing);
  for (int y = -kMargin; y < end; y += 2) {
    pen.Write(kWhiteOnBlack);
    for (int x = -kMargin; x < end; x++) {
      pen.Write(
          kBlocks[qrcodegen_getModule(modules, x, y)][qrcodegen_getModule(modules, x, y + 1)]);
    }
    pen.Write(kNormal);
  }
  drawing.Shrink(pen.Used());
  return drawing;
}

}  // namespace nvunlock
