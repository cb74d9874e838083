#include "server/rpc/grpc_log.h"

#include <grpc/support/log.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/log.h"
#include "common/mutex.h"
#include "common/strings.h"

namespace proctor::server {
namespace {

constexpr int kLinesAMinute = 20;

// Of the minute that runs.
struct Allowance {
  Mutex mutex;
  absl::Time begin ABSL_GUARDED_BY(mutex) = absl::InfinitePast();
  int lines ABSL_GUARDED_BY(mutex) = 0;
  int64_t left_out ABSL_GUARDED_BY(mutex) = 0;
};

// How many were left out before this one; -1: it is left out as well.
int64_t Admit() {
  static Allowance* const allowance = new Allowance;  // Core's threads outlive everything.
  MutexLock lock(allowance->mutex);
  const absl::Time now = absl::Now();
  // A clock that is set back begins a new minute, too.
  if (now < allowance->begin || now - allowance->begin >= absl::Minutes(1)) {
    allowance->begin = now;
    allowance->lines = 0;
  }
  if (allowance->lines >= kLinesAMinute) {
    ++allowance->left_out;
    return -1;
  }
  ++allowance->lines;
  const int64_t before = allowance->left_out;
  allowance->left_out = 0;
  return before;
}

void Write(gpr_log_func_args* args) {
  const int64_t left_out = Admit();
  if (left_out < 0) return;
  const std::string_view path = args->file;
  const std::string at = absl::StrCat(ToAbsl(path.substr(path.rfind('/') + 1)), ":", args->line);
  const LogLevel level = args->severity == GPR_LOG_SEVERITY_DEBUG ? LogLevel::kDebug : LogLevel::kWarning;
  if (left_out == 0) {
    Log(level, "gRPC says", {{"what", args->message}, {"at", at}});
  } else {
    Log(level, "gRPC says", {{"what", args->message}, {"at", at}, {"left_out_before", absl::StrCat(left_out)}});
  }
}

}  // namespace

void LogWhatGrpcSays() { gpr_set_log_function(Write); }

}  // namespace proctor::server
