// Online-Mind2Web's action strings, version 2: "CLICK coords(902, 204) -> open the menu | SUCCESS".
// Pure functions, linear in the texts' length.
#ifndef PROCTOR_TRAJECTORY_FORMATS_MIND2WEB_TEXT_H_
#define PROCTOR_TRAJECTORY_FORMATS_MIND2WEB_TEXT_H_

#include <optional>
#include <string>
#include <string_view>

#include "proctor/v1/action.pb.h"
#include "proctor/v1/episode.pb.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::trajectory::formats {

enum class ActionStatus { kNone, kSuccess, kFailed };

// What an action string says. A target that is a selector and a text that stands in free words have
// no place in an action: they are left out, and the string itself tells them.
struct Mind2WebAction {
  // Without a kind if the string holds none.
  v1::Action action;
  ActionStatus status = ActionStatus::kNone;
};

// Reads both grammars. `url`: the step's, the goal of a NAVIGATE; `seen`: what the agent saw.
Mind2WebAction ReadMind2WebAction(std::string_view text, const std::string& url,
                                  const v1::Observation& seen);
// The compact grammar: "click_at(x=1, y=2)". Nothing if it is none.
std::optional<v1::Action> ReadMind2WebCall(std::string_view text, const v1::Observation& seen);

// The verbose grammar. `status` is written where the format wants one.
std::string WriteMind2WebAction(const v1::Action& action, const v1::Observation& seen, bool failed);
// True for an action whose URL stands in the step.
bool IsNavigation(const v1::Action& action);

// The last string of a run. Either an action (answer or give-up), or the reason of an end without
// one.
struct Mind2WebEnd {
  v1::Action action;
  v1::EndReason reason = v1::END_REASON_UNSPECIFIED;
  std::string message;
};
// `final_answer`: of the document; nothing if it is null. The result is empty if `text` is no
// TASK_COMPLETE.
std::optional<Mind2WebEnd> ReadMind2WebEnd(std::string_view text,
                                           const std::optional<std::string>& final_answer);
std::string WriteMind2WebEnd(const Mind2WebEnd& end);

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_MIND2WEB_TEXT_H_
