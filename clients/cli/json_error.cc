#include "clients/cli/json_error.h"

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "common/json.h"
#include "common/retry_hint.h"

namespace proctor::cli {

std::string JsonError(const absl::Status& status) {
  Json error;
  error["error"] = {{"code", absl::StatusCodeToString(status.code())},
                    {"message", std::string(status.message())}};
  if (const auto delay = RetryHint(status)) {
    error["error"]["retry_delay"] = absl::StrFormat("%.3fs", absl::ToDoubleSeconds(*delay));
  }
  return DumpJson(error);
}

}  // namespace proctor::cli
