#include "clients/cli/json_error.h"

#include "common/json.h"

namespace proctor::cli {

std::string JsonError(const absl::Status& status) {
  Json error;
  error["error"] = {{"code", absl::StatusCodeToString(status.code())},
                    {"message", std::string(status.message())}};
  return DumpJson(error);
}

}  // namespace proctor::cli
