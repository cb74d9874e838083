// One session's Android device.
#ifndef PROCTOR_ENV_ANDROID_ANDROID_WORLD_H_
#define PROCTOR_ENV_ANDROID_ANDROID_WORLD_H_

#include <memory>
#include <string>
#include <vector>

#include "env/android/android_actions.h"
#include "env/android/device.h"
#include "env/android/device_pool.h"
#include "env/android/log_watch.h"
#include "env/android/observer.h"
#include "env/android/start_state.h"
#include "env/android/text_input.h"
#include "env/world.h"

namespace proctor::env::android {

class AndroidWorld final : public World {
 public:
  struct Options {
    // As resolved.
    v1::AndroidSettings settings;
    // AndroidConfig.device_wait.
    absl::Duration device_wait = absl::Seconds(30);
    // Folder for copies of databases.
    std::string scratch;
  };

  // `pool` outlives it.
  AndroidWorld(Options options, DevicePool& pool, std::unique_ptr<DevicePool::Lease> lease);
  ~AndroidWorld() override;

  absl::StatusOr<ResetResult> Reset(const CallContext& context, const ResetSpec& spec, const v1::ObservationRequest& request) override;
  absl::StatusOr<ActResult> Act(const CallContext& context, const v1::Action& action, const v1::ObservationRequest& request) override;
  absl::StatusOr<v1::Observation> Observe(const CallContext& context, const v1::ObservationRequest& request) override;
  absl::StatusOr<ActResult> Idle(const CallContext& context, const v1::ObservationRequest& request) override;
  std::vector<v1::Evidence> Collect(const CallContext& context, const std::vector<v1::EvidenceRequest>& requests) override;
  void EndEpisode() override;

 private:
  // The parts of an episode; made anew by Reset.
  struct Episode {
    Episode(Device& device, const v1::AndroidSettings& settings)
        : observer(device, settings), text(device, settings.text_method()), runner(device, observer, text), log(device) {}
    Observer observer;
    TextInput text;
    ActionRunner runner;
    LogWatch log;
    v1::AndroidStart start;
    // Steps in a row that ended outside what is expected in front.
    int steps_outside = 0;
  };

  // Waits for it to be listed and up. UNAVAILABLE after `device_wait`; FAILED_PRECONDITION if it is none that can be used.
  absl::Status AwaitDevice(const CallContext& context);
  absl::Status Prepare(const CallContext& context, const v1::AndroidStart& start);
  // UNAVAILABLE if the device was lost since the episode began, however shortly.
  absl::Status Ready() const;
  // The same for what a call returned: a device that is gone is not the caller's mistake.
  absl::Status Checked(absl::Status status) const;
  // Whether a line of the log ends the episode.
  absl::StatusOr<bool> LoggedEnd(const CallContext& context);
  absl::StatusOr<v1::EndReason> WorldEnd(const CallContext& context);
  // The value as JSON text.
  absl::StatusOr<std::string> CollectOne(const CallContext& context, const v1::EvidenceRequest& request);
  void NoteFront();
  // Puts back what the last episode changed. What could not be is tried again by the next Reset.
  absl::Status Release(const CallContext& context);

  const Options options_;
  DevicePool& pool_;
  const std::unique_ptr<DevicePool::Lease> lease_;
  Device device_;
  // DevicePool::Losses when the episode began.
  int64_t losses_ = 0;
  std::unique_ptr<Episode> episode_;
};

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_ANDROID_WORLD_H_
