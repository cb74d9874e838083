#include "proposer/demonstration_replay.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/status.h"
#include "common/strings.h"
#include "proposer/site_url.h"
#include "proposer/solution_replay.h"
#include "proposer/text.h"

namespace proctor::proposer {
namespace {

// An action may be to wait 30 s.
constexpr absl::Duration kStepTimeout = absl::Seconds(60);
constexpr absl::Duration kWholeTimeout = absl::Minutes(10);

v1::ObservationRequest ElementsAndText() {
  v1::ObservationRequest request;
  for (const auto part :
       {v1::OBSERVATION_PART_ELEMENTS, v1::OBSERVATION_PART_TEXT, v1::OBSERVATION_PART_ACCESSIBILITY_TREE}) {
    request.add_parts(part);
  }
  return request;
}

bool EndsVisit(const v1::Action& action) { return action.has_answer() || action.has_give_up(); }

// Everything that an observation says, folded.
std::string ShownText(const v1::Observation& observation) {
  std::string all = observation.title();
  for (const v1::Element& element : observation.elements()) {
    absl::StrAppend(&all, "\n", element.name(), "\n", element.text(), "\n", element.value());
  }
  absl::StrAppend(&all, "\n", observation.text().text(), "\n", observation.accessibility_tree().text());
  return Folded(all);
}

// Calls `visit` for every target in an action, those of a sequence's actions, too.
absl::Status ForEachTarget(google::protobuf::Message& message, const std::function<absl::Status(v1::Target&)>& visit) {
  if (auto* const target = google::protobuf::DynamicCastToGenerated<v1::Target>(&message)) return visit(*target);
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const google::protobuf::FieldDescriptor* const field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      PROCTOR_RETURN_IF_ERROR(ForEachTarget(*reflection.MutableMessage(&message, field), visit));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      PROCTOR_RETURN_IF_ERROR(ForEachTarget(*reflection.MutableRepeatedMessage(&message, field, i), visit));
    }
  }
  return absl::OkStatus();
}

const v1::Element* FindMark(const v1::Observation& observation, int mark) {
  const auto found = std::find_if(observation.elements().begin(), observation.elements().end(),
                                  [&](const v1::Element& element) { return element.mark() == mark; });
  return found == observation.elements().end() ? nullptr : &*found;
}

class Replay {
 public:
  Replay(SiteExplorer& explorer, const v1::Trajectory& demonstration, SiteUrls recorded_urls)
      : explorer_(explorer),
        demonstration_(demonstration),
        recorded_urls_(recorded_urls),
        urls_(std::move(recorded_urls)) {
    std::map<std::string, std::string> base_urls;
    for (const auto& [placeholder, base] : demonstration.base_urls()) base_urls.emplace(placeholder, base);
    recorded_urls_.SetBaseUrls(std::move(base_urls));
  }

  absl::StatusOr<DemonstrationReplay> Run(const CallContext& context, const v1::Task& start) {
    PROCTOR_ASSIGN_OR_RETURN(auto begun, explorer_.Reset(context.Child(kStepTimeout), start, ElementsAndText()));
    urls_.SetBaseUrls(begun.base_urls);
    now_ = std::move(begun.observation);
    PROCTOR_ASSIGN_OR_RETURN(DemonstrationReplay problem, GoToBeginning(context));
    if (!problem.reason.empty()) return problem;
    listed_ = seen_ = &demonstration_.initial_observation();
    for (const v1::Step& step : demonstration_.steps()) {
      if (step.has_action() && EndsVisit(step.action())) break;
      PROCTOR_ASSIGN_OR_RETURN(problem, Do(context, step));
      if (!problem.reason.empty()) return problem;
      seen_ = &step.observation();
      if (!seen_->elements().empty()) listed_ = seen_;
    }
    return CompareEnds();
  }

 private:
  static DemonstrationReplay CannotDo(const std::string& where, absl::string_view why) {
    return {.reason = kCannotBeReplayed, .detail = absl::StrCat(where, ": ", why)};
  }

  absl::StatusOr<DemonstrationReplay> GoToBeginning(const CallContext& context) {
    const std::string& url = demonstration_.initial_observation().url();
    const std::string began = recorded_urls_.Canonical(url);
    if (began.empty() || began == urls_.Canonical(now_.url())) return DemonstrationReplay();
    v1::Action action;
    action.mutable_goto_()->set_url(WithPlaceholder(url));
    return Act(context, action, "where it begins");
  }

  absl::StatusOr<DemonstrationReplay> Do(const CallContext& context, const v1::Step& step) {
    if (!step.observation().action_error().empty()) return DemonstrationReplay();
    const std::string where = absl::StrCat("step ", step.index() + 1);
    if (!step.has_action()) return CannotDo(where, "the record has no action that could be done");
    v1::Action action = step.action();
    const absl::Status found = FindTargets(step, action);
    if (!found.ok()) return CannotDo(where, found.message());
    if (action.has_goto_()) action.mutable_goto_()->set_url(WithPlaceholder(action.goto_().url()));
    if (action.has_new_tab()) action.mutable_new_tab()->set_url(WithPlaceholder(action.new_tab().url()));
    return Act(context, action, where);
  }

  absl::StatusOr<DemonstrationReplay> Act(const CallContext& context, const v1::Action& action,
                                          const std::string& where) {
    PROCTOR_RETURN_IF_ERROR(context.Check("replaying a demonstration"));
    auto seen = explorer_.Act(context.Child(kStepTimeout), action, ElementsAndText());
    // The world has no such action, or not with such values.
    if (absl::IsInvalidArgument(seen.status())) return CannotDo(where, seen.status().message());
    PROCTOR_RETURN_IF_ERROR(seen.status());
    now_ = *std::move(seen);
    if (!now_.action_error().empty()) return CannotDo(where, now_.action_error());
    return DemonstrationReplay();
  }

  // Puts the marks of now where the recorded targets were.
  absl::Status FindTargets(const v1::Step& step, v1::Action& action) {
    bool first = true;
    return ForEachTarget(action, [&](v1::Target& target) {
      // The record knows what was under the first point only.
      const bool is_first = std::exchange(first, false);
      const bool known = is_first && step.has_target_element();
      if (target.kind_case() == v1::Target::kMark) {
        const v1::Element* element = FindMark(*listed_, target.mark());
        if (element == nullptr && known) element = &step.target_element();
        if (element == nullptr) return absl::NotFoundError("the record does not tell which element that was");
        return FindAgain(*element, target);
      }
      if (!known || step.target_element().name().empty()) return absl::OkStatus();
      // Where several are called so and the record does not tell which one it was, the point does.
      const absl::Status found = FindAgain(step.target_element(), target);
      return absl::IsFailedPrecondition(found) ? absl::OkStatus() : found;
    });
  }

  // FAILED_PRECONDITION: several fit, and the record does not list the one.
  absl::Status FindAgain(const v1::Element& element, v1::Target& target) const {
    v1::ElementRef reference;
    reference.set_role(element.role());
    reference.set_name(element.name());
    reference.set_heading(element.heading());
    reference.set_label(element.label());
    auto found = FindElement(now_, NumberedReference(*listed_, reference, element.mark()));
    if (absl::IsNotFound(found.status())) {
      // What stands around it may read otherwise now.
      reference.clear_heading();
      reference.clear_label();
      found = FindElement(now_, NumberedReference(*listed_, reference, element.mark()));
    }
    PROCTOR_RETURN_IF_ERROR(found.status());
    reference.set_nth(1);
    if (FindMark(*listed_, element.mark()) == nullptr && FindElement(now_, reference).ok()) {
      return absl::FailedPreconditionError(
          absl::StrCat("several are called \"", CleanText(element.name(), 100), "\", and the record does not tell which one it was"));
    }
    target.set_mark(found->mark());
    return absl::OkStatus();
  }

  DemonstrationReplay CompareEnds() const {
    const std::string recorded = recorded_urls_.Canonical(seen_->url());
    const std::string reached = urls_.Canonical(now_.url());
    if (!recorded.empty() && !IsSamePage(recorded, reached)) {
      return {.reason = kEndsOtherwise,
              .detail = absl::StrCat("it was recorded to end at ", recorded, " \"", CleanText(seen_->title(), 100),
                                     "\", and ends at ", reached.empty() ? now_.url() : reached, " \"",
                                     CleanText(now_.title(), 100), "\"")};
    }
    const int steps = demonstration_.steps_size();
    const std::string answer = steps == 0 ? "" : Folded(demonstration_.steps(steps - 1).action().answer().text());
    if (answer.empty() || !ContainsWords(ShownText(*seen_), answer)) return {};
    if (ContainsWords(ShownText(now_), answer)) return {};
    return {.reason = kEndsOtherwise,
            .detail = absl::StrCat("the last page showed the answer, and does not any more: ", CleanText(answer, 200))};
  }

  // Queries may hold what is another one at every visit.
  bool IsSamePage(const std::string& recorded, const std::string& reached) const {
    if (recorded == reached) return true;
    if (recorded.substr(0, recorded.find('?')) != reached.substr(0, reached.find('?'))) return false;
    return seen_->title().empty() || Folded(seen_->title()) == Folded(now_.title());
  }

  // A URL below a base URL of the record, for another base.
  std::string WithPlaceholder(const std::string& url) const {
    for (const auto& [placeholder, base] : demonstration_.base_urls()) {
      absl::string_view rest = ToAbsl(url);
      if (!absl::ConsumePrefix(&rest, absl::StripSuffix(base, "/"))) continue;
      if (rest.empty() || rest[0] == '/' || rest[0] == '?' || rest[0] == '#') return absl::StrCat(placeholder, rest);
    }
    return url;
  }

  SiteExplorer& explorer_;
  const v1::Trajectory& demonstration_;
  SiteUrls recorded_urls_;
  SiteUrls urls_;
  v1::Observation now_;
  // Of the record: what was seen before the next step, and the last of these that lists elements.
  const v1::Observation* seen_ = nullptr;
  const v1::Observation* listed_ = nullptr;
};

}  // namespace

absl::StatusOr<DemonstrationReplay> ReplayDemonstration(const CallContext& context, SiteExplorer& explorer,
                                                        const v1::Task& start, const v1::Trajectory& demonstration) {
  PROCTOR_ASSIGN_OR_RETURN(SiteUrls urls, SiteUrls::Create(start.start_state().start_url(), {}));
  auto replay = Replay(explorer, demonstration, std::move(urls)).Run(context.Child(kWholeTimeout), start);
  if (replay.ok() || !context.Check("replaying a demonstration").ok()) return replay;
  return Annotate(replay.status(), demonstration.name());
}

}  // namespace proctor::proposer
