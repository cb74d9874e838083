#include "evaluator/judge/judge_verdict.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "evaluator/evaluate.h"
#include "evaluator/judge/questions.h"
#include "evaluator/judge/slot_content.h"
#include "evaluator/oracle.h"
#include "evaluator/score.h"
#include "evaluator/score_calibration.h"

namespace proctor::evaluator {
namespace {

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

// Several questions' values as one. `speaker`: the question whose text and step the verdict takes, of a mean the last one; null for none.
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

bool Succeeds(const SuccessRule& rule, double score) {
  const double value = rule.calibration == nullptr ? score : Calibrated(*rule.calibration, score);
  return Reaches(value, rule.threshold);
}

// The least and the most that a stage could have come to, whatever the questions that failed had been worth.
struct Bounds {
  double low = 0;
  double high = 1;
};

// `combined` is of the `valid` questions of a stage of which `failed` failed.
Bounds BoundsOf(v1::QuestionCombination combination, const Combined& combined, size_t valid, size_t failed) {
  switch (combination) {
    case v1::QUESTION_COMBINATION_MINIMUM:
      return {0, combined.score};
    case v1::QUESTION_COMBINATION_MEAN: {
      const double sum = combined.score * static_cast<double>(valid), all = static_cast<double>(valid + failed);
      return {sum / all, (sum + static_cast<double>(failed)) / all};
    }
    default:
      return {combined.score, 1};
  }
}

// The questions because of which nothing can be said, though others have values; none: the outcome stands.
Questions OpenQuestions(v1::QuestionCombination combination, const SuccessRule& rule, const Questions& stage, const Combined& combined) {
  if (combination == v1::QUESTION_COMBINATION_LAST) {
    const auto last = std::find_if(stage.rbegin(), stage.rend(), [](const auto* q) { return !q->skipped(); });
    return (*last)->valid() ? Questions() : Questions{*last};
  }
  Questions failed;
  std::copy_if(stage.begin(), stage.end(), std::back_inserter(failed), [](const auto* q) { return Failed(*q); });
  if (failed.empty()) return failed;
  const auto valid = std::count_if(stage.begin(), stage.end(), [](const auto* q) { return q->valid(); });
  const Bounds bounds = BoundsOf(combination, combined, static_cast<size_t>(valid), failed.size());
  return Succeeds(rule, bounds.low) == Succeeds(rule, bounds.high) ? Questions() : failed;
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

// The model gave no text for any sample.
bool ModelGaveNothing(const v1::JudgeQuestion& question) {
  const auto& samples = question.samples();
  return !samples.empty() && std::all_of(samples.begin(), samples.end(), [](const v1::JudgeSample& s) {
    return s.failure() != v1::MODEL_FAILURE_UNSPECIFIED && s.failure() != v1::MODEL_FAILURE_TRUNCATED;
  });
}

// Why there is no value, from the questions that should have had one; of no questions, from those of all stages. A model that failed
// counts before one that cannot tell: another time it may decide.
void SetWhyNot(const Questions& questions, const v1::Verdict& so_far, v1::Verdict* verdict) {
  std::string unavailable, invalid, unsure;
  const auto look_at = [&](const v1::JudgeQuestion& question) {
    if (question.valid() || question.skipped()) return;
    std::string& why = question.undetermined() ? unsure : ModelGaveNothing(question) ? unavailable : invalid;
    if (why.empty()) why = absl::StrCat(question.stage(), ": ", question.invalid_reason());
  };
  for (const v1::JudgeQuestion* question : questions) look_at(*question);
  if (questions.empty()) {
    for (const v1::JudgeQuestion& question : so_far.questions()) look_at(question);
  }
  if (!unavailable.empty()) {
    SetUndetermined(v1::UNDETERMINED_REASON_JUDGE_UNAVAILABLE, unavailable, verdict);
  } else if (!invalid.empty()) {
    SetUndetermined(v1::UNDETERMINED_REASON_JUDGE_INVALID, invalid, verdict);
  } else if (!unsure.empty()) {
    SetUndetermined(v1::UNDETERMINED_REASON_JUDGE_UNSURE, unsure, verdict);
  } else {
    SetUndetermined(v1::UNDETERMINED_REASON_NOTHING_TO_JUDGE, "there was nothing to ask about", verdict);
  }
}

// A stage shows the screen at the end, or asks about it.
bool LooksAtTheEnd(const v1::Judge& judge) {
  return std::any_of(judge.stages().begin(), judge.stages().end(), [](const v1::JudgeStage& stage) {
    return std::any_of(stage.slots().begin(), stage.slots().end(), [](const auto& slot) {
      return slot.second.has_screenshots() && !slot.second.screenshots().before();
    });
  });
}

// A question of the stage, of `questions`, shows text or tree of a page.
bool ShowsPage(const v1::JudgeStage& stage, const std::vector<v1::JudgeQuestion>& questions, const RecordView& view) {
  return std::any_of(stage.slots().begin(), stage.slots().end(), [&](const auto& slot) {
    const v1::PageSlot& page = slot.second.page();
    if (page.part() != v1::PAGE_PART_TEXT && page.part() != v1::PAGE_PART_ACCESSIBILITY_TREE) return false;
    return std::any_of(questions.begin(), questions.end(),
                       [&](const v1::JudgeQuestion& q) { return !q.skipped() && !PageText(page, view, q.index()).empty(); });
  });
}

// The judge looks at screenshots, and the record has none, nor a page's text where the judge reads one as well: only the agent's words would
// be left.
bool SeesNothing(const v1::Judge& judge, const RecordView& view) {
  if (!view.screenshots().empty()) return false;
  bool looks = false;
  for (const v1::JudgeStage& stage : judge.stages()) {
    if (ShowsPage(stage, PlanQuestions(stage, view), view)) return false;
    looks = looks || std::any_of(stage.slots().begin(), stage.slots().end(), [](const auto& slot) { return slot.second.has_screenshots(); });
  }
  return looks;
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
  if (view.missing_at_end() != nullptr && LooksAtTheEnd(judge)) {
    SetUndetermined(v1::UNDETERMINED_REASON_EVIDENCE_MISSING,
                    absl::StrCat("the last screenshot could not be had: ", view.missing_at_end()->reason()), verdict);
    return true;
  }
  if (SeesNothing(judge, view)) {
    SetUndetermined(v1::UNDETERMINED_REASON_NOTHING_TO_JUDGE,
                    "the trajectory has no screenshots, which the judge looks at: let the agent observe one with its last step", verdict);
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

void DecideFromQuestions(const v1::Judge& judge, const SuccessRule& rule, const RecordView& view,
                         std::vector<v1::JudgeQuestion> questions, v1::Verdict* verdict) {
  for (v1::JudgeQuestion& question : questions) *verdict->add_questions() = std::move(question);
  for (const v1::JudgeQuestion& question : verdict->questions()) AddUsageOf(question, *verdict->mutable_usage());
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
  if (const Questions open = OpenQuestions(judge.combination(), rule, last, combined); !open.empty()) {
    SetWhyNot(open, *verdict, verdict);
    return;
  }
  const bool success = Reaches(combined.score, rule.threshold);
  SetDecided(success ? v1::OUTCOME_SUCCESS : v1::OUTCOME_FAILURE, combined.score, combined.speaker->text(), verdict);
  verdict->set_confidence(combined.confidence);
  const int step = StepOf(stage, *combined.speaker, view);
  if (step >= 0) verdict->add_cited_steps(step);
  CiteShownSteps(stage, view, verdict);
}

}  // namespace proctor::evaluator
