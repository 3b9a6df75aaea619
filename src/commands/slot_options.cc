#include "src/commands/slot_options.h"

#include "src/commands/output.h"
#include "src/commands/questions.h"

namespace nvunlock {
std::vector<Option> TpmSlotOptions(SlotOptions& slot) {
  return {
      {"tpm2-pcrs", "LIST", "PCRs to bind to: NAME|0-23[:BANK[=DIGEST]] joined by +",
       [&slot](std::string_view value) -> Result<void> {
         slot.pcrs = TRY(ParsePcrTerms(value));
         return {};
       }},
      {"weak-policy", nullptr, "accept PCRs that cover neither initrd nor command line",
       Set(slot.weak_policy)},
  };
}

std::vector<Option> RecoveryOptions(RecoveryRequest& request) {
  return {
      {"recovery-key", nullptr, "make a recovery key and print it, once", Set(request.key)},
      {"recovery-passphrase", nullptr, "ask for a recovery passphrase", Set(request.passphrase)},
      {"escrow", "CERT.pem", "encrypt the kek to this certificate; may be repeated",
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

const char* Explain(Proof proof) {
  switch (proof) {
    case Proof::kUnsealed:
      return "proved: it unseals now, and not without its policy\n";
    case Proof::kNotNow:
      return "proved: it does not unseal without its policy; that it unseals cannot be proved now, "
             "since the PCRs hold other values than it is bound to\n";
    case Proof::kLatchedUp:
      break;
  }
  return "proved: it does not unseal without its policy; that it unseals cannot be proved in this "
         "boot, whose latch is closed\n";
}

Result<void> PrintRecoveryKey(const RecoveryWays& ways) {
  if (!ways.key) return {};
  Secret text = TRY(FormatRecoveryKey(*ways.key));
  Print(
      "\nThe recovery key. It is shown only now; write it down and keep it away from the "
      "machine:\n\n    ");
  TRY_IN(
      "the recovery key was not shown: 'nvunlock wipe-slot recovery-key', and 'nvunlock reseal "
      "--recovery-key' makes another",
      PrintSecret(text));
  Print("\n\n");
  return {};
}

}  // namespace nvunlock
