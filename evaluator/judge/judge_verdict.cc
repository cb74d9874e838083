#include "evaluator/judge/judge_verdict.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "evaluator/evaluate.h"
#include "evaluator/oracle.h"

namespace proctor::evaluator {
namespace {

constexpr double kEpsilon = 1e-9;

using Questions = std::vector<const v1::JudgeQuestion*>;

Questions OfLastStage(const v1::Judge& judge, const v1::Verdict& verdict) {
  Questions questions;
  for (const v1::JudgeQuestion& question : verdict.questions()) {
    if (question.stage() == judge.stages().rbegin()->id()) questions.push_back(&question);
  }
  return questions;
}

// The step that a question of a stage is about; -1 for none.
int StepOf(const v1::JudgeStage& stage, const v1::JudgeQuestion& question, const RecordView& view) {
  if (stage.scope() == v1::QUESTION_SCOPE_STEP) return question.index();
  if (stage.scope() != v1::QUESTION_SCOPE_SCREENSHOT) return -1;
  const Screenshot* screenshot = view.Picture(question.index());
  return screenshot == nullptr ? -1 : screenshot->after_step;
}

bool ByScore(const v1::JudgeQuestion* a, const v1::JudgeQuestion* b) { return a->score() < b->score(); }

// Several questions' values as one. Null `speaker` for a mean.
struct Combined {
  double score = 0;
  double confidence = 0;
  const v1::JudgeQuestion* speaker = nullptr;
};

Combined Of(const v1::JudgeQuestion& question) { return {question.score(), question.confidence(), &question}; }

// `valid` is not empty.
Combined Combine(v1::QuestionCombination combination, const Questions& valid) {
  switch (combination) {
    case v1::QUESTION_COMBINATION_MINIMUM:
      return Of(**std::min_element(valid.begin(), valid.end(), ByScore));
    case v1::QUESTION_COMBINATION_LAST:
      return Of(*valid.back());
    case v1::QUESTION_COMBINATION_MEAN: {
      Combined combined{.speaker = valid.back()};
      for (const v1::JudgeQuestion* question : valid) {
        combined.score += question->score() / static_cast<double>(valid.size());
        combined.confidence += question->confidence() / static_cast<double>(valid.size());
      }
      return combined;
    }
    default:
      return Of(**std::max_element(valid.begin(), valid.end(), ByScore));
  }
}

void AddUsage(v1::Verdict* verdict) {
  v1::Usage& usage = *verdict->mutable_usage();
  for (const v1::JudgeQuestion& question : verdict->questions()) {
    for (const v1::ModelCall& call : question.calls()) {
      usage.set_input_tokens(usage.input_tokens() + call.usage().input_tokens());
      usage.set_output_tokens(usage.output_tokens() + call.usage().output_tokens());
      usage.set_cached_input_tokens(usage.cached_input_tokens() + call.usage().cached_input_tokens());
      if (!call.cached()) usage.set_cost_usd(usage.cost_usd() + call.usage().cost_usd());
    }
  }
}

void AddStepScores(const v1::JudgeStage& stage, const Questions& questions, v1::Verdict* verdict) {
  if (stage.scope() != v1::QUESTION_SCOPE_STEP) return;
  for (const v1::JudgeQuestion* question : questions) {
    if (question->skipped()) continue;
    v1::StepScore& score = *verdict->add_step_scores();
    score.set_step(question->index());
    score.set_score(question->score());
    score.set_grade(question->grade());
    score.set_valid(question->valid());
  }
}

// Pictures that the verdict's question was shown, as far as they follow steps.
void CiteShownSteps(const v1::JudgeStage& stage, const RecordView& view, v1::Verdict* verdict) {
  std::set<int> steps;
  for (const auto& [name, slot] : stage.slots()) {
    const v1::ScreenshotsSlot& shown = slot.screenshots();
    if (shown.which_case() != v1::ScreenshotsSlot::kLast) continue;
    const std::vector<Screenshot>& all = view.screenshots();
    for (size_t i = all.size() - std::min<size_t>(all.size(), shown.last()); i < all.size(); ++i) {
      if (all[i].after_step >= 0) steps.insert(all[i].after_step);
    }
  }
  for (const int step : steps) verdict->add_cited_steps(step);
}

// Why there is no value, from the questions that should have had one.
void SetWhyNot(const Questions& questions, const v1::Verdict& so_far, v1::Verdict* verdict) {
  bool unsure = false, unavailable = false;
  std::string why;
  const auto look_at = [&](const v1::JudgeQuestion& question) {
    if (question.valid() || question.skipped()) return;
    unsure = unsure || question.undetermined();
    const auto& samples = question.samples();
    unavailable = unavailable || (!samples.empty() && std::all_of(samples.begin(), samples.end(), [](const auto& s) {
                                    return s.failure() != v1::MODEL_FAILURE_UNSPECIFIED &&
                                           s.failure() != v1::MODEL_FAILURE_TRUNCATED;
                                  }));
    if (why.empty()) why = absl::StrCat(question.stage(), ": ", question.invalid_reason());
  };
  for (const v1::JudgeQuestion* question : questions) look_at(*question);
  if (questions.empty()) {
    for (const v1::JudgeQuestion& question : so_far.questions()) look_at(question);
  }
  const v1::UndeterminedReason reason = unavailable ? v1::UNDETERMINED_REASON_JUDGE_UNAVAILABLE
                                        : unsure    ? v1::UNDETERMINED_REASON_JUDGE_UNSURE
                                        : why.empty() ? v1::UNDETERMINED_REASON_NOTHING_TO_JUDGE
                                                      : v1::UNDETERMINED_REASON_JUDGE_INVALID;
  SetUndetermined(reason, why.empty() ? "there was nothing to ask about" : why, verdict);
}

}  // namespace

bool DecideWithoutQuestions(const v1::Judge& judge, const RecordView& view, v1::Verdict* verdict) {
  if (SetInterrupted(view.trajectory(), verdict)) return true;
  const Facts facts = FactsAtEnd(view.trajectory());
  if (facts.gave_up && !facts.impossible) {
    SetDecided(v1::OUTCOME_FAILURE, 0, "gave up or answered \"N/A\", but the task is not known to be impossible", verdict);
    return true;
  }
  if (judge.answer_required() && !view.answered() && !facts.gave_up) {
    SetDecided(v1::OUTCOME_FAILURE, 0, "the agent gave no answer", verdict);
    return true;
  }
  const auto& stages = judge.stages();
  const bool needs_steps = std::any_of(stages.begin(), stages.end(),
                                       [](const auto& s) { return s.scope() == v1::QUESTION_SCOPE_STEP; });
  const bool needs_pictures = std::any_of(stages.begin(), stages.end(),
                                          [](const auto& s) { return s.scope() == v1::QUESTION_SCOPE_SCREENSHOT; });
  if ((needs_steps && view.step_count() == 0) || (needs_pictures && view.screenshots().empty())) {
    SetUndetermined(v1::UNDETERMINED_REASON_NOTHING_TO_JUDGE,
                    needs_steps ? "the trajectory has no steps" : "the trajectory has no screenshots", verdict);
    return true;
  }
  return false;
}

void DecideFromQuestions(const v1::Judge& judge, double success_threshold, const RecordView& view,
                         std::vector<v1::JudgeQuestion> questions, v1::Verdict* verdict) {
  for (v1::JudgeQuestion& question : questions) *verdict->add_questions() = std::move(question);
  AddUsage(verdict);
  const v1::JudgeStage& stage = *judge.stages().rbegin();
  const Questions last = OfLastStage(judge, *verdict);
  AddStepScores(stage, last, verdict);
  Questions valid;
  std::copy_if(last.begin(), last.end(), std::back_inserter(valid), [](const auto* q) { return q->valid(); });
  if (valid.empty()) {
    SetWhyNot(last, *verdict, verdict);
    return;
  }
  const Combined combined = Combine(judge.combination(), valid);
  const bool success = combined.score + kEpsilon >= success_threshold;
  SetDecided(success ? v1::OUTCOME_SUCCESS : v1::OUTCOME_FAILURE, combined.score, combined.speaker->text(), verdict);
  verdict->set_confidence(combined.confidence);
  const int step = StepOf(stage, *combined.speaker, view);
  if (step >= 0) verdict->add_cited_steps(step);
  CiteShownSteps(stage, view, verdict);
}

}  // namespace proctor::evaluator
