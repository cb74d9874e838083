// Evidence from a device, without touching what is on its screen.
#ifndef PROCTOR_ENV_ANDROID_ANDROID_EVIDENCE_H_
#define PROCTOR_ENV_ANDROID_ANDROID_EVIDENCE_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "env/android/device.h"
#include "env/android/log_watch.h"
#include "env/android/screen.h"
#include "proctor/v1/oracle.pb.h"

namespace proctor::env::android {

class EvidenceCollector {
 public:
  // All outlive it. `scratch`: folder for copies of databases, empty: the system's.
  EvidenceCollector(Device& device, LogWatch& log, Screen& screen, std::string scratch)
      : device_(device), log_(log), screen_(screen), scratch_(std::move(scratch)) {}

  // The value as JSON text, as oracle.proto says for each kind. Errors say why there is none.
  absl::StatusOr<std::string> Collect(const CallContext& context, const v1::EvidenceRequest& request);

 private:
  absl::StatusOr<std::string> File(const CallContext& context, const std::string& path);
  absl::StatusOr<std::string> Setting(const CallContext& context, const v1::EvidenceRequest::Setting& setting);
  absl::StatusOr<std::string> ContentQuery(const CallContext& context, const v1::EvidenceRequest::ContentQuery& query);
  absl::StatusOr<std::string> SqliteQuery(const CallContext& context, const v1::EvidenceRequest::SqliteQuery& query);
  absl::StatusOr<std::string> LogLines(const CallContext& context, const v1::EvidenceRequest::LogLines& lines);
  absl::StatusOr<std::string> Foreground(const CallContext& context);
  absl::StatusOr<std::string> ScreenMatch(const CallContext& context, const v1::EvidenceRequest::ScreenMatch& wanted);

  Device& device_;
  LogWatch& log_;
  Screen& screen_;
  const std::string scratch_;
};

// Rows of `content query`: "Row: 0 _id=1, display_name=Ada, Jr., number=NULL" as [{"_id": "1", ...}]. Columns are told apart by the names in
// `projection`, in that order; without them, where ", name=" begins one, so a value that holds such a text is cut there. NULL is null.
// DATA_LOSS for what is not in that form, with the device's words where it refused.
absl::StatusOr<std::string> ContentRowsAsJson(std::string_view text, const std::vector<std::string>& projection);

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_ANDROID_EVIDENCE_H_
