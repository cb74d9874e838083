// One session's desktop.
#ifndef PROCTOR_ENV_DESKTOP_DESKTOP_WORLD_H_
#define PROCTOR_ENV_DESKTOP_DESKTOP_WORLD_H_

#include <memory>
#include <string>
#include <vector>

#include "env/desktop/desktop_actions.h"
#include "env/desktop/desktop_source.h"
#include "env/desktop/element_list.h"
#include "env/desktop/remote_display.h"
#include "env/desktop/screen_pictures.h"
#include "env/world.h"

namespace proctor::env::desktop {

class DesktopWorld final : public World {
 public:
  struct Options {
    // Resolved.
    v1::DesktopSettings settings;
    // With its defaults; outlives the world.
    const v1::DesktopConfig& config;
    // Of a desktop of its own; null: a display that somebody else started, held by `lease`.
    std::unique_ptr<DesktopSource> source;
    std::unique_ptr<DisplayLeases::Lease> lease;
    // Make the next episode's desktop ready while one runs.
    bool prewarm = true;
  };

  explicit DesktopWorld(Options options);
  ~DesktopWorld() override;

  absl::StatusOr<ResetResult> Reset(const CallContext& context, const ResetSpec& spec,
                                    const v1::ObservationRequest& request) override;
  absl::StatusOr<ActResult> Act(const CallContext& context, const v1::Action& action,
                                const v1::ObservationRequest& request) override;
  absl::StatusOr<v1::Observation> Observe(const CallContext& context, const v1::ObservationRequest& request) override;
  std::vector<v1::Evidence> Collect(const CallContext& context, const std::vector<v1::EvidenceRequest>& requests) override;
  void EndEpisode() override;

 private:
  absl::Status CheckStart(const v1::Task& task) const;
  // Gets a display and puts it into the task's start state.
  absl::Status Begin(const CallContext& context, const v1::DesktopStart& start);
  absl::Status Launch(const CallContext& context, const v1::DesktopLaunch& launch);
  absl::Status Ready() const;
  Display display() const;
  RfbClient& screen() const;
  // Waits until the input has arrived and the screen stands still. False: the cap came first.
  absl::StatusOr<bool> Settle(const CallContext& context);
  // Looks at what is asked for.
  absl::StatusOr<v1::Observation> Look(const CallContext& context, const v1::ObservationRequest& request);
  absl::Status AddWindows(const CallContext& context, const v1::ObservationRequest& request, v1::Observation& observation);
  absl::Status AddElements(const CallContext& context, const v1::ObservationRequest& request, v1::Observation& observation);
  absl::Status AddPicture(const CallContext& context, const v1::ObservationRequest& request, v1::Observation& observation);
  absl::Status AddClipboard(const CallContext& context, const v1::ObservationRequest& request, v1::Observation& observation);

  Options options_;
  // One of them, while an episode is open.
  std::unique_ptr<LiveDesktop> desktop_;
  std::unique_ptr<RfbClient> remote_;
  std::unique_ptr<ActionRunner> runner_;
  ElementList elements_;
  ScreenPictures pictures_;
};

// What a desktop can do.
v1::Capabilities DesktopCapabilities();

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_DESKTOP_WORLD_H_
