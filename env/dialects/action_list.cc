#include "env/dialects/action_list.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"

namespace proctor::env::dialects {
namespace {

constexpr size_t kMaxActions = 32;
constexpr double kMaxWaitSeconds = 30;

const v1::Target* LastTarget(const v1::Action& action) {
  switch (action.kind_case()) {
    case v1::Action::kClick:
      return &action.click().target();
    case v1::Action::kHover:
      return &action.hover().target();
    case v1::Action::kScroll:
      return &action.scroll().target();
    case v1::Action::kDrag:
      return &action.drag().to();
    case v1::Action::kMouseDown:
      return &action.mouse_down().target();
    case v1::Action::kMouseUp:
      return &action.mouse_up().target();
    default:
      return nullptr;
  }
}

double WaitSeconds(const v1::Action& action) {
  if (!action.has_wait()) return 0;
  return action.wait().duration().seconds() + action.wait().duration().nanos() * 1e-9;
}

}  // namespace

void Cursor::Follow(const v1::Action& action) {
  const v1::Target* target = LastTarget(action);
  if (target != nullptr && target->has_point()) at_ = target->point();
}

void SetActions(std::vector<v1::Action> actions, ParsedAgentText& parsed) {
  if (actions.empty()) {
    parsed.error = "There is no action in it.";
  } else if (actions.size() == 1) {
    parsed.action = std::move(actions[0]);
  } else if (actions.size() > kMaxActions) {
    parsed.error = absl::StrCat("There are ", actions.size(), " actions in one step; write at most ", kMaxActions, ".");
  } else {
    double waits = 0;
    for (v1::Action& action : actions) {
      waits += WaitSeconds(action);
      if (action.has_answer() || action.has_give_up()) {
        parsed.error = "What ends the task must come alone, as a step of its own.";
        return;
      }
      *parsed.action.mutable_sequence()->add_actions() = std::move(action);
    }
    if (waits > kMaxWaitSeconds) parsed.error = absl::StrCat("Its waits add up to more than ", kMaxWaitSeconds, " s.");
  }
}

bool SetSeconds(double seconds, double most, google::protobuf::Duration* duration) {
  if (!(seconds >= 0 && seconds <= most)) return false;
  const int64_t nanos = std::llround(seconds * 1e9);
  duration->set_seconds(nanos / 1'000'000'000);
  duration->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
  return true;
}

}  // namespace proctor::env::dialects
