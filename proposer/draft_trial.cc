#include "proposer/draft_trial.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "proposer/solution_replay.h"
#include "proposer/text.h"

namespace proctor::proposer {
namespace {

constexpr absl::Duration kStepTimeout = absl::Seconds(30);
constexpr double kMaxWrongShare = 0.02;

// The field that looks like the site's search.
const v1::Element* FindSearchField(const v1::Observation& observation) {
  for (const v1::Element& element : observation.elements()) {
    if (!element.editable()) continue;
    const std::string words = Folded(absl::StrCat(element.name(), " ", element.placeholder(), " ", element.label()));
    if (element.role() == "searchbox" || element.input_type() == "search") return &element;
    if (ContainsWords(words, "search") || ContainsWords(words, "find")) return &element;
  }
  return nullptr;
}

// How the solution names an element: by role and name, with its number.
v1::ElementRef ReferenceTo(const v1::Observation& observation, const v1::Element& element) {
  v1::ElementRef reference;
  reference.set_role(element.role());
  reference.set_name(element.name());
  return NumberedReference(observation, std::move(reference), element.mark());
}

void EndWithAnswer(const std::string* answer, v1::Trajectory& trajectory) {
  if (answer != nullptr) {
    v1::Step& step = *trajectory.add_steps();
    step.set_index(trajectory.steps_size() - 1);
    step.mutable_action()->mutable_answer()->set_text(*answer);
  }
  trajectory.set_step_count(trajectory.steps_size());
  trajectory.set_closed(true);
  trajectory.set_end_kind(answer != nullptr ? v1::END_KIND_TERMINATED : v1::END_KIND_TRUNCATED);
  trajectory.set_end_reason(answer != nullptr ? v1::END_REASON_ANSWERED : v1::END_REASON_STEP_LIMIT);
}

// The link that leads to `target`: the one called `name` if there is one.
std::vector<Link>::const_iterator FindLink(const std::vector<Link>& links, const std::string& name,
                                           const std::string& target) {
  const auto same = std::find_if(links.begin(), links.end(), [&](const Link& link) {
    return link.target == target && link.element.name() == name;
  });
  if (same != links.end()) return same;
  return std::find_if(links.begin(), links.end(), [&](const Link& link) { return link.target == target; });
}

bool HasSearchForm(const Page& page) {
  return std::any_of(page.forms.begin(), page.forms.end(), [](const Form& form) { return form.is_search; });
}

}  // namespace

absl::StatusOr<std::string> DraftTrial::Run(const CallContext& context, Draft& draft,
                                            const std::vector<std::string>& wrong_answers) {
  PROCTOR_ASSIGN_OR_RETURN(std::string problem, Begin(context, draft));
  if (!problem.empty()) return problem;
  if (draft.search_text.empty()) {
    PROCTOR_ASSIGN_OR_RETURN(problem, Walk(context, draft));
  } else {
    PROCTOR_ASSIGN_OR_RETURN(problem, Search(context, draft));
  }
  if (!problem.empty()) return problem;
  problem = WhyEvidenceFails(draft);
  if (!problem.empty()) return problem;
  return Judge(context, draft, wrong_answers);
}

absl::StatusOr<std::string> DraftTrial::Begin(const CallContext& context, const Draft& draft) {
  PROCTOR_RETURN_IF_ERROR(pace_.Wait(context));
  PROCTOR_ASSIGN_OR_RETURN(auto start, explorer_.Reset(context.Child(kStepTimeout), draft.task, ElementsOnly()));
  urls_.SetBaseUrls(start.base_urls);
  seen_.clear();
  now_ = std::move(start.observation);
  PROCTOR_RETURN_IF_ERROR(Look(context));
  seen_.clear();  // what the start page says is no evidence
  start_page_ = page_;
  if (!draft.answer.empty() && ContainsWords(start_page_.text, Folded(draft.answer))) {
    return "the answer is on the start page";
  }
  at_start_.Clear();
  at_start_.set_name("trajectories/trial");
  at_start_.set_format_version(1);
  *at_start_.mutable_task() = draft.task;
  at_start_.set_environment(draft.task.environment());
  *at_start_.mutable_initial_observation() = now_;
  for (const auto& [placeholder, base] : start.base_urls) (*at_start_.mutable_base_urls())[placeholder] = base;
  replay_ = at_start_;
  for (v1::Evidence& evidence : explorer_.Collect(context.Child(kStepTimeout), oracle_.evidence(draft.task))) {
    *at_start_.add_evidence() = std::move(evidence);
  }
  return "";
}

// Reads the page as it stands. A page that cannot be read shows nothing.
absl::Status DraftTrial::Look(const CallContext& context) {
  page_ = Page();
  const auto json = explorer_.Evaluate(context.Child(kStepTimeout), ExtractScript());
  if (!json.ok()) return context.Check("reading a page");
  auto page = ParsePage(*json, urls_);
  if (page.ok()) page_ = *std::move(page);
  seen_.insert(seen_.end(), page_.facts.begin(), page_.facts.end());
  return absl::OkStatus();
}

absl::StatusOr<std::string> DraftTrial::Do(const CallContext& context, const v1::SolutionStep& step) {
  const auto action = ResolveSolutionStep(now_, step);
  if (!action.ok()) return "a step of the solution cannot be done";
  PROCTOR_RETURN_IF_ERROR(pace_.Wait(context));
  PROCTOR_ASSIGN_OR_RETURN(now_, explorer_.Act(context.Child(kStepTimeout), *action, ElementsOnly()));
  v1::Step& recorded = *replay_.add_steps();
  recorded.set_index(replay_.steps_size() - 1);
  *recorded.mutable_action() = *action;
  *recorded.mutable_observation() = now_;
  if (!now_.action_error().empty()) return "a step of the solution cannot be done";
  PROCTOR_RETURN_IF_ERROR(Look(context));
  return "";
}

absl::StatusOr<std::string> DraftTrial::Walk(const CallContext& context, Draft& draft) {
  for (int i = 0; i < draft.task.solution_size(); ++i) {
    v1::SolutionStep& step = *draft.task.mutable_solution(i);
    if (step.has_answer()) break;
    if (step.has_click()) {
      const auto links = LinksOf(now_, urls_);
      const auto link = FindLink(links, step.click().name(), draft.step_targets[i]);
      if (link == links.end()) return "a link of the solution is not there again";
      *step.mutable_click() = link->element;
    }
    PROCTOR_ASSIGN_OR_RETURN(const std::string problem, Do(context, step));
    if (!problem.empty()) return problem;
  }
  return "";
}

absl::StatusOr<std::string> DraftTrial::Search(const CallContext& context, Draft& draft) {
  const v1::Element* const field = FindSearchField(now_);
  if (field == nullptr || !HasSearchForm(start_page_)) return "the start page has no search";
  std::vector<v1::SolutionStep> steps(1);
  v1::TypeInto& type = *steps[0].mutable_type();
  *type.mutable_element() = ReferenceTo(now_, *field);
  type.set_text(draft.search_text);
  type.set_clear(true);
  type.set_submit(true);
  PROCTOR_ASSIGN_OR_RETURN(std::string problem, Do(context, steps[0]));
  if (!problem.empty()) return problem;
  if (!WhyEvidenceFails(draft).empty()) {
    // A list of results, then: the one that leads to the page.
    const std::string& wanted = draft.task.lineage().pages(0);
    const auto links = LinksOf(now_, urls_);
    const auto link = std::find_if(links.begin(), links.end(), [&](const Link& l) {
      return l.target == wanted || absl::StartsWith(l.target, wanted + "&");
    });
    if (link == links.end()) return "the search does not find it";
    *steps.emplace_back().mutable_click() = link->element;
    PROCTOR_ASSIGN_OR_RETURN(problem, Do(context, steps.back()));
    if (!problem.empty()) return problem;
  }
  steps.emplace_back().set_answer(draft.answer);
  const int length = static_cast<int>(steps.size());
  draft.task.set_optimal_steps(draft.clicks_by_links > 0 ? std::min(length, draft.clicks_by_links + 1) : length);
  draft.task.clear_solution();
  for (v1::SolutionStep& step : steps) *draft.task.add_solution() = std::move(step);
  return "";
}

std::string DraftTrial::WhyEvidenceFails(const Draft& draft) const {
  for (const Fact& fact : draft.evidence) {
    if (std::find(seen_.begin(), seen_.end(), fact) == seen_.end()) return "what the answer rests on is not seen again";
  }
  if (!draft.evidence_is_complete) return "";
  const Fact& like = draft.evidence[0];
  const auto rows = std::count_if(page_.facts.begin(), page_.facts.end(), [&](const Fact& fact) {
    return fact.attribute == like.attribute && Folded(fact.value) == Folded(like.value);
  });
  return rows == static_cast<long>(draft.evidence.size()) ? "" : "the list is not the same any more";
}

bool DraftTrial::Accepts(const std::string* answer) const {
  v1::Trajectory trajectory = at_start_;
  EndWithAnswer(answer, trajectory);
  const auto verdict = oracle_.judge(trajectory);
  // Not to be able to tell counts as accepting: such an oracle guards nothing.
  return !verdict.ok() || verdict->outcome() != v1::OUTCOME_FAILURE;
}

absl::StatusOr<std::string> DraftTrial::Judge(const CallContext& context, const Draft& draft,
                                              const std::vector<std::string>& wrong_answers) {
  *replay_.mutable_task() = draft.task;
  *at_start_.mutable_task() = draft.task;
  for (v1::Evidence& evidence : explorer_.Collect(context.Child(kStepTimeout), oracle_.evidence(draft.task))) {
    *replay_.add_evidence() = std::move(evidence);
  }
  EndWithAnswer(&draft.answer, replay_);
  const auto verdict = oracle_.judge(replay_);
  if (!verdict.ok() || verdict->outcome() != v1::OUTCOME_SUCCESS) return "the oracle does not hold after the solution";
  const std::string nothing, not_available = "N/A", &everything = start_page_.text;
  if (Accepts(nullptr) || Accepts(&nothing) || Accepts(&not_available) || Accepts(&everything)) {
    return "the oracle accepts an empty answer, N/A or the start page";
  }
  const auto accepted = std::count_if(wrong_answers.begin(), wrong_answers.end(),
                                      [&](const std::string& answer) { return Accepts(&answer); });
  if (static_cast<double>(accepted) > kMaxWrongShare * static_cast<double>(wrong_answers.size())) {
    return "the oracle accepts other tasks' answers";
  }
  return "";
}

}  // namespace proctor::proposer
