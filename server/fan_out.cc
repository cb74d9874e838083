#include "server/fan_out.h"

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/log_request.h"

namespace proctor::server {

void CallLog::CallEnded(const CallEnd& call) {
  const bool our_fault = call.code == absl::StatusCode::kInternal || call.code == absl::StatusCode::kUnknown ||
                         call.code == absl::StatusCode::kDataLoss;
  const LogRequest log(call.request_id);
  Log(our_fault ? LogLevel::kError : LogLevel::kDebug, "call ended",
      {{"method", call.method},
       {"code", absl::StatusCodeToString(call.code)},
       {"milliseconds", absl::StrCat(absl::ToInt64Milliseconds(call.took))}});
}

}  // namespace proctor::server
