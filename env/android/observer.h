// What the agent sees of a device: waits until the screen is still, takes its picture, its tree and its state.
#ifndef PROCTOR_ENV_ANDROID_OBSERVER_H_
#define PROCTOR_ENV_ANDROID_OBSERVER_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "env/android/device.h"
#include "env/android/device_state.h"
#include "env/android/marks.h"
#include "env/android/screen.h"
#include "env/android/ui_view.h"
#include "proctor/v1/android.pb.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::env::android {

// Whether a device's state could not be had because the device or the call is over, rather than because of what it answered.
bool IsFault(const CallContext& context, const absl::Status& status);

// Of one episode. Not thread-safe. Errors of all calls are faults; what a device that answers does not give is a missing part.
class Observer {
 public:
  // `device` outlives it.
  Observer(Device& device, const v1::AndroidSettings& settings);

  // Learns the screen's size and how it is pictured best.
  absl::Status Begin(const CallContext& context);

  // Waits until two pictures `settle_still` apart are the same, or for `cap`, and reads what is in front in between.
  absl::StatusOr<v1::SettleReport> Settle(const CallContext& context, absl::Duration cap);
  // Takes a picture if one is asked for, and reads what is in front: for looks that do not wait.
  absl::Status Glance(const CallContext& context, const v1::ObservationRequest& request);
  // What is asked, of the screen as Settle or Glance last saw it.
  absl::StatusOr<v1::Observation> Look(const CallContext& context, const v1::ObservationRequest& request);

  // The elements as they are on the screen now: the last dump if the screen was still since, else a new one. Null: there is no dump to
  // be had; `reason` says why.
  absl::StatusOr<const UiView*> View(const CallContext& context, std::string& reason);
  // The last dump, if nothing has changed since; else null.
  const UiView* ViewIfCurrent() const;
  // The screen changes from now on.
  void Touched() { touched_ = true; }

  const v1::Size& viewport() const { return viewport_; }
  const Foreground& foreground() const { return foreground_; }
  Screen& screen() { return screen_; }

 private:
  absl::Status Picture(const CallContext& context, bool& same);
  absl::Status ReadFront(const CallContext& context);
  absl::Status Dump(const CallContext& context, std::string& reason);
  absl::Status AddPicture(const CallContext& context, const v1::ObservationRequest& request, v1::Observation& observation);
  absl::Status AddTree(const CallContext& context, const v1::ObservationRequest& request, v1::Observation& observation);

  Device& device_;
  const absl::Duration still_;
  Screen screen_;
  MarkRegistry marks_;
  v1::Size natural_;
  v1::Size viewport_;
  Foreground foreground_;
  // Why the last picture could not be taken; empty if it was.
  std::string no_picture_;
  std::optional<UiView> view_;
  // The picture's version when `view_` was dumped.
  int64_t view_version_ = -1;
  bool touched_ = false;
};

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_OBSERVER_H_
