// Does an agent's action on a display.
#ifndef PROCTOR_ENV_DESKTOP_DESKTOP_ACTIONS_H_
#define PROCTOR_ENV_DESKTOP_DESKTOP_ACTIONS_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "env/desktop/display.h"
#include "env/desktop/element_list.h"
#include "env/desktop/input.h"
#include "proctor/v1/action.pb.h"
#include "proctor/v1/desktop.pb.h"

namespace proctor::env::desktop {

struct ActionOutcome {
  // Why it could not be done, for the agent; empty: done.
  std::string error;
  std::optional<v1::Rect> target_box;
  std::optional<v1::Point> target_point;
  std::optional<v1::Point> release_point;
  std::optional<v1::Element> target_element;
};

// Starts an application and waits for its window. NOT_FOUND: the program is not there; DEADLINE_EXCEEDED: it showed no window in time. Gives
// the class of its window.
absl::StatusOr<std::string> LaunchApplication(const CallContext& context, GuestChannel& guest, const v1::DesktopApplication& application,
                                              const std::vector<std::string>& files);

// One an episode, one thread. All references outlive it.
class ActionRunner {
 public:
  struct Options {
    // What the agent may start.
    std::map<std::string, v1::DesktopApplication> applications;
    // Between the actions of a sequence, and after the click that gives the focus, the screen may come to rest for so long.
    absl::Duration pause_cap = absl::Seconds(1);
  };

  ActionRunner(Display display, const ElementList& elements, Options options);

  // A non-OK status is a fault of the world (UNAVAILABLE), or CANCELLED / DEADLINE_EXCEEDED from `context`.
  absl::StatusOr<ActionOutcome> Run(const CallContext& context, const v1::Action& action);

  Input& input() { return input_; }
  // An application that the episode began with.
  void NoteWindowClass(const std::string& application, const std::string& window_class) { classes_[application] = window_class; }

 private:
  absl::Status Dispatch(const CallContext& context, const v1::Action& action, ActionOutcome& outcome);
  absl::StatusOr<Pixel> Aim(const CallContext& context, const v1::Target& target, ActionOutcome& outcome);
  absl::StatusOr<Pixel> AimAtMark(const CallContext& context, int mark, ActionOutcome& outcome);
  absl::StatusOr<Pixel> AimAtPoint(const v1::Point& point) const;
  // For targets that may be left out: then the pointer stays where it is.
  absl::Status MoveTo(const CallContext& context, const v1::Target& target, ActionOutcome& outcome);
  // Gives it the focus by a click.
  absl::Status Focus(const CallContext& context, const v1::Target& target, ActionOutcome& outcome);
  // Between parts of an action: until the input has arrived and the screen stands still for a moment.
  absl::Status Rest(const CallContext& context);

  absl::Status Click(const CallContext& context, const v1::Click& click, ActionOutcome& outcome);
  absl::Status Type(const CallContext& context, const v1::Type& type, ActionOutcome& outcome);
  absl::Status PressKeys(const CallContext& context, const v1::PressKeys& press, ActionOutcome& outcome);
  absl::Status Scroll(const CallContext& context, const v1::Scroll& scroll, ActionOutcome& outcome);
  absl::Status Drag(const CallContext& context, const v1::Drag& drag, ActionOutcome& outcome);
  absl::Status SetClipboard(const CallContext& context, const std::string& text);
  absl::Status OpenApp(const CallContext& context, const std::string& name);
  // One that does not come to its end leaves nothing pressed that was not before.
  absl::Status RunSequence(const CallContext& context, const v1::Sequence& sequence, ActionOutcome& outcome);
  absl::Status RunOneByOne(const CallContext& context, const v1::Sequence& sequence, ActionOutcome& outcome);

  const Display display_;
  const ElementList& elements_;
  const Options options_;
  Input input_;
  // Class of an application's windows, once it is known.
  std::map<std::string, std::string> classes_;
};

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_DESKTOP_ACTIONS_H_
