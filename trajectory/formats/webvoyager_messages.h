// What the other side says in WebVoyager's conversations: the task and what is seen. Pure
// functions.
#ifndef PROCTOR_TRAJECTORY_FORMATS_WEBVOYAGER_MESSAGES_H_
#define PROCTOR_TRAJECTORY_FORMATS_WEBVOYAGER_MESSAGES_H_

#include <optional>
#include <string>
#include <string_view>

#include "proctor/v1/observation.pb.h"
#include "trajectory/formats/findings.h"

namespace proctor::trajectory::formats {

// The first message of the user.
struct WebVoyagerTask {
  std::string goal;
  std::string start_url;
  // What follows the task.
  std::string_view observation;
};
// Nothing if `text` does not pose a task. The result refers to `text`. Time is linear in its size.
std::optional<WebVoyagerTask> ReadWebVoyagerTask(std::string_view text);
std::string WriteWebVoyagerTask(const std::string& goal, const std::string& start_url);

// True if the message shows the page; else it reports what was wrong with the last action.
bool ShowsPage(std::string_view text);
// Elements and a notice of a message that shows the page. `where`: for the findings.
void ReadShownPage(std::string_view text, const std::string& where, v1::Observation& observation,
                   Findings& findings);
// A message that ReadShownPage reads: with its list if elements were listed, else as one whose list
// was left out.
std::string WriteShownPage(const v1::Observation& observation);

// What a message that shows no page says was wrong: its text, or the `action_error` of a
// proctor.v1.Observation in JSON that holds nothing else.
std::string ReadActionError(std::string_view text);
// A message that ReadActionError reads: the error itself, or JSON if that would be taken for
// something else, as one that begins with "Observation:".
std::string WriteActionError(const std::string& error);

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_WEBVOYAGER_MESSAGES_H_
