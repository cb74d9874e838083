// Does an agent's actions on a device.
#ifndef PROCTOR_ENV_ANDROID_ANDROID_ACTIONS_H_
#define PROCTOR_ENV_ANDROID_ANDROID_ACTIONS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "env/android/device.h"
#include "env/android/observer.h"
#include "env/android/text_input.h"
#include "proctor/v1/action.pb.h"

namespace proctor::env::android {

// What became of an action.
struct ActionOutcome {
  // Why it could not be done and what to do instead; empty: it was.
  std::string error;
  std::optional<v1::Rect> target_box;
  std::optional<v1::Point> target_point;
  std::optional<v1::Point> release_point;
  std::optional<v1::Element> target_element;
};

// Not thread-safe. A status is a fault of the device; all else is the outcome's error.
class ActionRunner {
 public:
  // All outlive it.
  ActionRunner(Device& device, Observer& observer, TextInput& text) : device_(device), observer_(observer), text_(text) {}

  absl::StatusOr<ActionOutcome> Run(const CallContext& context, const v1::Action& action);

 private:
  // A target's point in `point`, the rest in the outcome. False: it has none, and the outcome says why.
  absl::StatusOr<bool> Resolve(const CallContext& context, const v1::Target& target, v1::Point& point, ActionOutcome& outcome);
  absl::StatusOr<bool> ResolveMark(const CallContext& context, int32_t mark, v1::Point& point, ActionOutcome& outcome);
  // Runs command lines in order; one that fails becomes the outcome's error.
  absl::Status Do(const CallContext& context, const std::vector<std::string>& lines, ActionOutcome& outcome);

  absl::Status Click(const CallContext& context, const v1::Click& click, ActionOutcome& outcome);
  absl::Status LongPress(const CallContext& context, const v1::LongPress& press, ActionOutcome& outcome);
  absl::Status Swipe(const CallContext& context, const v1::Swipe& swipe, ActionOutcome& outcome);
  absl::Status Scroll(const CallContext& context, const v1::Scroll& scroll, ActionOutcome& outcome);
  absl::Status Type(const CallContext& context, const v1::Type& type, ActionOutcome& outcome);
  absl::Status PressKeys(const CallContext& context, const v1::PressKeys& press, ActionOutcome& outcome);
  absl::Status PressButton(const CallContext& context, v1::DeviceButton button, ActionOutcome& outcome);
  // Where Scroll's finger may move.
  absl::StatusOr<bool> ScrollArea(const CallContext& context, const v1::Scroll& scroll, v1::Rect& area, ActionOutcome& outcome);
  // About how many characters the focused field holds.
  absl::StatusOr<size_t> FocusedLength(const CallContext& context);

  Device& device_;
  Observer& observer_;
  TextInput& text_;
};

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_ANDROID_ACTIONS_H_
