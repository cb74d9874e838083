// Builds observations of a tab: picture and page script side by side, frames merged, marks drawn.
#ifndef PROCTOR_ENV_WEB_OBSERVER_H_
#define PROCTOR_ENV_WEB_OBSERVER_H_

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "env/web/devtools.h"
#include "env/web/element_registry.h"
#include "env/web/frame_merge.h"
#include "env/web/frame_tracker.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::env::web {

// What a browser tab is like for the observer.
struct ObservedTab {
  const FrameTracker& frames;
  // CSS pixels.
  v1::Size viewport;
  // Factor between CSS pixels and the picture's.
  double device_scale = 1;
};

// Observes tabs of one episode. Used by one thread at a time.
class Observer {
 public:
  // Both outlive the observer.
  Observer(DevTools& devtools, ElementRegistry& registry)
      : devtools_(devtools), registry_(registry) {}

  // Fills in what lies in the page: observe_time, url, title, screenshot (bytes and digest),
  // elements, tree, html, text, focus, scroll, viewport, each if asked; what cannot be had within
  // `context` goes to `missing`. Tabs, dialogs, downloads, console, action_error, notices and
  // settle are the caller's. A page whose script does not answer (endless loop, crashed renderer)
  // is OK with everything missing. Errors: UNAVAILABLE the browser is gone; CANCELLED.
  // `early`: the reply to EarlyLook if the tab has not changed since, used instead of another picture.
  absl::StatusOr<v1::Observation> Observe(const CallContext& context, const ObservedTab& tab,
                                          const v1::ObservationRequest& request,
                                          const std::optional<DevToolsReply>& early = std::nullopt);

  // The command that takes the picture that `request` asks for, if it asks for one.
  static std::optional<DevToolsCommand> EarlyLook(const ObservedTab& tab, const v1::ObservationRequest& request);

 private:
  // What the page scripts of all frames answered; the top frame's first.
  // Child frames that had more to say than their share get what the others left.
  void HearOut(const CallContext& context, int ask, size_t share, std::vector<ObservedFrame>& observed);
  // `context`: the child frames'.
  void FillFromPages(const CallContext& context, const ObservedTab& tab, int ask, size_t max_text_bytes,
                     std::vector<ObservedFrame>& observed, v1::Observation& observation);
  static absl::Status FillPicture(const ObservedTab& tab, const v1::ScreenshotOptions& options,
                                  absl::StatusOr<std::string> picture, v1::Observation& observation);

  DevTools& devtools_;
  ElementRegistry& registry_;
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_OBSERVER_H_
