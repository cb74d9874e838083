// The device's log since the start of an episode.
#ifndef PROCTOR_ENV_ANDROID_LOG_WATCH_H_
#define PROCTOR_ENV_ANDROID_LOG_WATCH_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "env/android/device.h"

namespace proctor::env::android {

// The log is not cleared, because others may read it, and not read by time, because tasks set the clock: a line of our own marks the
// start. So all that the device keeps (some megabytes) is read and thrown away up to there each time; filters, which the device applies,
// make that short. Lines are as `logcat -v tag` prints them, "I/Tag: message". Not thread-safe.
class LogWatch {
 public:
  // `device` outlives it.
  explicit LogWatch(Device& device) : device_(device) {}

  // From here on.
  absl::Status Begin(const CallContext& context);

  // Lines that came since and pass `filters` (as logcat takes them; empty: all), in order. NOT_FOUND: the log no longer holds the start;
  // FAILED_PRECONDITION: logcat's refusal.
  absl::StatusOr<std::vector<std::string>> Lines(const CallContext& context, const std::vector<std::string>& filters);
  // The same, but once the log has lost the start those of the buffer that held it: all that it has came later.
  absl::StatusOr<std::vector<std::string>> LinesLeft(const CallContext& context, const std::vector<std::string>& filters);

 private:
  // `buffers`: as logcat takes them; empty: its default.
  absl::StatusOr<std::string> Read(const CallContext& context, const std::vector<std::string>& filters, const char* buffers);

  Device& device_;
  // What our line says.
  std::string marker_;
};

// Lines after the last one that has `marker` in it; all of them, and `found` false, if there is none. Lines of logcat itself
// ("--------- beginning of main") are left out.
std::vector<std::string> LinesAfter(std::string_view text, std::string_view marker, bool& found);

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_LOG_WATCH_H_
