#include "proposer/solution_replay.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace proctor::proposer {
namespace {

std::string Folded(const std::string& text) {
  std::string folded = absl::AsciiStrToLower(text);
  absl::RemoveExtraAsciiWhitespace(&folded);
  return folded;
}

bool Fits(const std::string& wanted, const std::string& actual) {
  return wanted.empty() || Folded(wanted) == Folded(actual);
}

bool Fits(const v1::ElementRef& reference, const v1::Element& element) {
  return Fits(reference.role(), element.role()) && Fits(reference.name(), element.name()) &&
         Fits(reference.heading(), element.heading()) && Fits(reference.label(), element.label());
}

absl::Status SetTarget(const v1::Observation& observation, const v1::ElementRef& reference, v1::Target& target) {
  PROCTOR_ASSIGN_OR_RETURN(const v1::Element element, FindElement(observation, reference));
  target.set_mark(element.mark());
  return absl::OkStatus();
}

absl::Status ResolveType(const v1::Observation& observation, const v1::TypeInto& step, v1::Type& type) {
  type.set_text(step.text());
  type.set_clear(step.clear());
  type.set_submit(step.submit());
  return SetTarget(observation, step.element(), *type.mutable_target());
}

absl::Status ResolveDrag(const v1::Observation& observation, const v1::DragOnto& step, v1::Drag& drag) {
  PROCTOR_RETURN_IF_ERROR(SetTarget(observation, step.from(), *drag.mutable_from()));
  return SetTarget(observation, step.to(), *drag.mutable_to());
}

absl::Status Resolve(const v1::Observation& observation, const v1::SolutionStep& step, v1::Action& action) {
  switch (step.kind_case()) {
    case v1::SolutionStep::kClick:
      return SetTarget(observation, step.click(), *action.mutable_click()->mutable_target());
    case v1::SolutionStep::kType:
      return ResolveType(observation, step.type(), *action.mutable_type());
    case v1::SolutionStep::kSelect:
      action.mutable_select_option()->add_options(step.select().option());
      return SetTarget(observation, step.select().element(), *action.mutable_select_option()->mutable_target());
    case v1::SolutionStep::kCheck:
      action.mutable_check()->set_checked(step.check().checked());
      return SetTarget(observation, step.check().element(), *action.mutable_check()->mutable_target());
    case v1::SolutionStep::kDrag:
      return ResolveDrag(observation, step.drag(), *action.mutable_drag());
    case v1::SolutionStep::kPressKey:
      action.mutable_press_keys()->add_chords(step.press_key());
      return absl::OkStatus();
    case v1::SolutionStep::kGotoUrl:
      action.mutable_goto_()->set_url(step.goto_url());
      return absl::OkStatus();
    case v1::SolutionStep::kGoBack:
      action.mutable_go_back();
      return absl::OkStatus();
    case v1::SolutionStep::kScrollDown:
      // Without a known viewport 0 stands for the world's own default distance.
      action.mutable_scroll()->set_delta_y(observation.viewport().height());
      return absl::OkStatus();
    case v1::SolutionStep::kAnswer:
      action.mutable_answer()->set_text(step.answer());
      return absl::OkStatus();
    case v1::SolutionStep::kGiveUp:
      action.mutable_give_up();
      return absl::OkStatus();
    case v1::SolutionStep::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("a solution step has no kind");
}

}  // namespace

absl::StatusOr<v1::Element> FindElement(const v1::Observation& observation, const v1::ElementRef& reference) {
  if (reference.nth() < 0) return absl::InvalidArgumentError("ElementRef.nth is negative");
  int fitting = 0;
  for (const v1::Element& element : observation.elements()) {
    if (!Fits(reference, element)) continue;
    if (fitting++ == reference.nth()) return element;
  }
  return absl::NotFoundError(absl::StrCat("no element number ", reference.nth(), " fits {",
                                          reference.ShortDebugString(), "}: ", fitting, " of ",
                                          observation.elements_size(), " fit"));
}

v1::ElementRef NumberedReference(const v1::Observation& observation, v1::ElementRef reference, int mark) {
  reference.set_nth(0);
  int fitting = 0;
  for (const v1::Element& element : observation.elements()) {
    if (!Fits(reference, element)) continue;
    if (element.mark() == mark) reference.set_nth(fitting);
    ++fitting;
  }
  return reference;
}

absl::StatusOr<v1::Action> ResolveSolutionStep(const v1::Observation& observation, const v1::SolutionStep& step) {
  v1::Action action;
  PROCTOR_RETURN_IF_ERROR(Resolve(observation, step, action));
  return action;
}

}  // namespace proctor::proposer
