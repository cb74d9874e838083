// What the dialects that write several actions at once share.
#ifndef PROCTOR_ENV_DIALECTS_ACTION_LIST_H_
#define PROCTOR_ENV_DIALECTS_ACTION_LIST_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "env/dialects/dialect.h"
#include "google/protobuf/duration.pb.h"

namespace proctor::env::dialects {

// The pointer as a text's actions move it: it begins where the last observation showed it.
class Cursor {
 public:
  explicit Cursor(const v1::Observation& last) {
    if (last.has_cursor()) at_ = last.cursor();
  }

  // Nothing if no one knows where it is.
  const std::optional<v1::Point>& at() const { return at_; }
  void MoveTo(const v1::Point& point) { at_ = point; }
  // Where an action leaves it.
  void Follow(const v1::Action& action);

 private:
  std::optional<v1::Point> at_;
};

// One action as it is, several as a sequence. Sets `parsed.error` if there are none, more than 32, an answer or a give-up among
// others, or waits of more than 30 s.
void SetActions(std::vector<v1::Action> actions, ParsedAgentText& parsed);

// Seconds as a duration, to the nanosecond. False unless 0 <= seconds <= most.
bool SetSeconds(double seconds, double most, google::protobuf::Duration* duration);

}  // namespace proctor::env::dialects

#endif  // PROCTOR_ENV_DIALECTS_ACTION_LIST_H_
