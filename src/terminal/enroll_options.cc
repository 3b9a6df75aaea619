// SPDX-License-Identifier: Apache-2.0
#include "src/terminal/enroll_options.h"

#include "src/base/text.h"
#include "src/os/file.h"
#include "src/terminal/output.h"
#include "src/terminal/qr_code.h"
#include "src/terminal/questions.h"

namespace nvunlock {
namespace {

constexpr size_t kPublicKeyLimit = 64 << 10;

Result<PcrTerms> ParseSignedPcrs(std::string_view text) {
  PcrTerms terms = TRY(ParsePcrTerms(text));
  for (const auto& [pcr, value] : terms.pcrs) {
    if (value) return Fail(Errc::kUsage, "signed PCRs take no digest: it is in the signature");
  }
  return terms;
}

Result<void> DrawAndPrint(const Secret& text) {
  Secret drawing = TRY(DrawQrCode(text));
  TRY(PrintSecret(drawing));
  Print("\n");
  return {};
}

/// More than a firmware updater needs.
constexpr unsigned kMostResets = 16;

Result<unsigned> ParseResets(std::string_view text) {
  std::optional<unsigned> resets = text.empty() ? 1 : ParseUnsigned(text);
  if (resets && *resets <= kMostResets) return *resets;
  return Fail(Errc::kUsage, "--next-boot takes 0 to " + std::to_string(kMostResets) + " resets");
}

Result<std::string> ParseReference(std::string_view text) {
  if (text.size() <= kPolicyReferenceLimit) return std::string(text);
  return Fail(Errc::kUsage, "a policyRef has at most 64 bytes");
}

std::vector<Option> SignatureOptions(PolicyRequest& request) {
  SignedTerms& terms = request.signed_terms;
  return {
      {"tpm2-public-key", "KEY.pem", "bind to PCR values that this RSA key has signed",
       [&request](std::string_view value) -> Result<void> {
         request.public_key = value;
         return {};
       }},
      {"tpm2-public-key-pcrs", "LIST", "the PCRs that the key signs [11]",
       [&request, &terms](std::string_view value) -> Result<void> {
         terms.pcrs = TRY(ParseSignedPcrs(value));
         request.has_signed_terms = true;
         return {};
       }},
      {"tpm2-public-key-policyref", "TEXT", "the policyRef signed with the PCRs",
       [&request, &terms](std::string_view value) -> Result<void> {
         terms.reference = TRY(ParseReference(value));
         request.has_signed_terms = true;
         return {};
       }},
      {"tpm2-signature", "FILE.json", "PCR signatures that must match this boot",
       Store(terms.signature_file)},
  };
}

}  // namespace

std::vector<Option> PolicyOptions(PolicyRequest& request) {
  std::vector<Option> options = {
      {"tpm2-pcrs", "LIST", "PCRs: auto, or NAME|0-23[:BANK[=DIGEST]] joined by + [auto]",
       [&request](std::string_view value) -> Result<void> {
         bool is_none = value.empty() || value == "auto";
         request.pcrs = is_none ? PcrTerms() : TRY(ParsePcrTerms(value));
         return {};
       }},
      {"next-boot", "[=RESETS]",
       "approve the next boot, whatever it is, within so many resets of the TPM [1]; 0: do not",
       [&request](std::string_view value) -> Result<void> {
         request.next_boots = TRY(ParseResets(value));
         return {};
       }},
      {"weak-policy", nullptr, "accept PCRs that leave the initramfs or the command line out",
       Set(request.weak_policy)},
  };
  Append(options, SignatureOptions(request));
  return options;
}

Questions QuestionsAtTerminal() {
  return {.pin = AskForPin, .recovery = [](const KekName& kek, const Error& why) {
            PrintError(why.message);
            return AskForRecovery(kek);
          }};
}

Result<PolicyTerms> TermsOfNewSlot(const PolicyRequest& request) {
  PolicyTerms terms = {.pcrs = request.pcrs.value_or(PcrTerms())};
  terms.signed_pcrs = TRY(ReadSignedTerms(request));
  terms.weak_policy = request.weak_policy;
  terms.next_boots = request.next_boots.value_or(terms.signed_pcrs ? 0 : 1);
  if (!terms.signed_pcrs && !request.signed_terms.signature_file.empty()) {
    return Fail(Errc::kUsage, "--tpm2-signature wants --tpm2-public-key=");
  }
  return terms;
}

Option SignatureFileOption(Environment& environment) {
  return {"tpm2-signature", "FILE.json", "file to read PCR signatures from [usual places]",
          [&environment](std::string_view value) -> Result<void> {
            environment.signature_files = {std::string(value)};
            return {};
          }};
}

Result<std::optional<SignedTerms>> ReadSignedTerms(const PolicyRequest& request) {
  bool wanted = request.public_key && !request.public_key->empty();
  if (!wanted && request.has_signed_terms) {
    return Fail(Errc::kUsage, "options for signed PCRs need --tpm2-public-key=");
  }
  if (!wanted) return std::optional<SignedTerms>();
  std::string pem = TRY(ReadFile(*request.public_key, kPublicKeyLimit));
  SignedTerms terms = request.signed_terms;
  terms.key = TRY_IN(*request.public_key, ParseRsaKey(pem));
  return std::optional(std::move(terms));
}

std::vector<Option> RecoveryOptions(RecoveryRequest& request) {
  return {
      {"recovery-key", nullptr, "make a recovery key and print it, once", Set(request.key)},
      {"recovery-passphrase", nullptr, "ask for a recovery passphrase", Set(request.passphrase)},
      {"escrow", "CERT.pem", "encrypt the kek to this certificate (repeatable)",
       [&request](std::string_view value) -> Result<void> {
         request.escrow.emplace_back(value);
         return {};
       }},
  };
}

Result<RecoveryWays> Prepare(const RecoveryRequest& request) {
  RecoveryWays ways;
  if (request.key) ways.key = TRY(MakeRecoveryKey());
  if (request.passphrase) ways.passphrase = TRY(AskNewPassphrase());
  ways.escrow = request.escrow;
  return ways;
}

Result<void> PrintRecoveryKey(const RecoveryWays& ways) {
  if (!ways.key) return {};
  Secret text = TRY(FormatRecoveryKey(*ways.key));
  Print(
      "\nThe recovery key. It is shown only once; write it down and keep it away from the "
      "machine:\n\n    ");
  TRY_IN(
      "the recovery key was not shown; remove it with 'nvunlock wipe-slot recovery-key' and make "
      "another with 'nvunlock reseal --recovery-key'",
      PrintSecret(text));
  Print("\n\n");
  if (!PrintsToTerminal()) return {};
  Result<void> drawn = DrawAndPrint(text);
  if (!drawn) PrintError("no QR code: " + drawn.error().message);
  return {};
}

}  // namespace nvunlock
