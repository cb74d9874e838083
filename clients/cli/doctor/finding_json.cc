#include "clients/cli/doctor/finding_json.h"

#include "absl/strings/ascii.h"
#include "common/json.h"

namespace proctor::cli::doctor {

std::string FindingJson(const Finding& finding, const std::string& health) {
  return DumpJson(Json{{"health", absl::AsciiStrToLower(health)},
                       {"subject", finding.subject},
                       {"found", finding.found},
                       {"mend", finding.mend}});
}

}  // namespace proctor::cli::doctor
