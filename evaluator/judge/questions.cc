#include "evaluator/judge/questions.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "evaluator/judge/aggregate.h"
#include "model/prices.h"

namespace proctor::evaluator {
namespace {

constexpr size_t kDefaultMaxQuestions = 100;

bool SamePicture(const Screenshot* a, const Screenshot* b) {
  return a != nullptr && b != nullptr &&
         a->observation->screenshot().digest() == b->observation->screenshot().digest();
}

v1::JudgeQuestion Question(const v1::JudgeStage& stage, int index, bool unchanged) {
  v1::JudgeQuestion question;
  question.set_stage(stage.id());
  question.set_index(index);
  if (stage.skip_unchanged() && unchanged) {
    question.set_skipped(true);
    question.set_invalid_reason("skipped: the picture did not change");
  }
  return question;
}

int Samples(const v1::JudgeStage& stage) { return std::max(1, stage.sampling().n()); }

// Samples that say something.
int Said(const v1::JudgeQuestion& question) {
  return static_cast<int>(std::count_if(question.samples().begin(), question.samples().end(),
                                        [](const v1::JudgeSample& s) { return s.valid() || s.undetermined(); }));
}

// Another try would end the same way.
bool IsFinal(v1::ModelFailure failure) {
  switch (failure) {
    case v1::MODEL_FAILURE_UNSPECIFIED:
    case v1::MODEL_FAILURE_MALFORMED:
    case v1::MODEL_FAILURE_TRUNCATED:
    case v1::MODEL_FAILURE_EMPTY:
    case v1::MODEL_FAILURE_STREAM:
    case v1::MODEL_FAILURE_REFUSAL:
      return false;
    default:
      // The client has already tried what is transient again.
      return true;
  }
}

}  // namespace

std::vector<v1::JudgeQuestion> PlanQuestions(const v1::JudgeStage& stage, const RecordView& view) {
  std::vector<v1::JudgeQuestion> questions;
  switch (stage.scope()) {
    case v1::QUESTION_SCOPE_SCREENSHOT:
      for (const Screenshot& screenshot : view.screenshots()) {
        const bool unchanged = SamePicture(view.Picture(screenshot.number - 1), &screenshot);
        questions.push_back(Question(stage, screenshot.number, unchanged));
      }
      break;
    case v1::QUESTION_SCOPE_STEP:
      for (int step = 0; step < view.step_count(); ++step) {
        const bool unchanged = SamePicture(view.PictureBefore(step), view.PictureAfter(step));
        questions.push_back(Question(stage, step, unchanged));
      }
      break;
    default:
      questions.push_back(Question(stage, 0, false));
      break;
  }
  const size_t most = stage.max_questions() > 0 ? stage.max_questions() : kDefaultMaxQuestions;
  if (questions.size() > most) questions.erase(questions.begin(), questions.end() - most);
  return questions;
}

int MissingSamples(const v1::JudgeStage& stage, const v1::JudgeQuestion& question) {
  return std::max(1, Samples(stage) - Said(question));
}

bool WorthAskingAgain(const v1::JudgeStage& stage, const v1::JudgeQuestion& question) {
  const auto final = std::any_of(question.samples().begin(), question.samples().end(),
                                 [](const v1::JudgeSample& s) { return IsFinal(s.failure()); });
  return !final && Said(question) < Samples(stage);
}

bool Failed(const v1::JudgeQuestion& question) {
  return !question.valid() && !question.skipped() && !question.undetermined();
}

void AddReply(const v1::JudgeStage& stage, double success_threshold, const std::string& verdict_tag,
              model::ChatReply reply, v1::JudgeQuestion& question) {
  reply.call.set_purpose(question.index() == 0 && stage.scope() <= v1::QUESTION_SCOPE_TRAJECTORY
                             ? stage.id()
                             : absl::StrCat(stage.id(), "[", question.index(), "]"));
  const bool failed = reply.call.failure() != v1::MODEL_FAILURE_UNSPECIFIED;
  if (failed || reply.choices.empty()) {
    v1::JudgeSample lost;
    lost.set_failure(failed ? reply.call.failure() : v1::MODEL_FAILURE_EMPTY);
    lost.set_invalid_reason(failed ? reply.call.failure_detail() : "the reply has no choice");
    for (int i = MissingSamples(stage, question); i > 0; --i) *question.add_samples() = lost;
  } else {
    for (const model::Choice& choice : reply.choices) {
      *question.add_samples() = ReadSample(stage, verdict_tag, success_threshold, choice);
    }
  }
  *question.add_calls() = std::move(reply.call);
}

void AddUsageOf(const v1::JudgeQuestion& question, v1::Usage& usage) {
  for (const v1::ModelCall& call : question.calls()) {
    v1::Usage used = call.usage();
    if (call.cached()) used.clear_cost_usd();
    model::AddUsage(used, usage);
  }
}

}  // namespace proctor::evaluator
