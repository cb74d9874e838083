#include "evaluator/compare.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "common/status.h"
#include "evaluator/evaluate.h"
#include "evaluator/evaluator_config.h"
#include "evaluator/judge/questions.h"
#include "evaluator/score.h"

namespace proctor::evaluator {
namespace {

using TrajectoryPtr = std::shared_ptr<const v1::Trajectory>;
using CompareDone = std::function<void(absl::StatusOr<v1::Comparison>)>;

constexpr double kEven = 0.5;

absl::Status Check(const v1::Evaluator& evaluator, const v1::Trajectory& first, const v1::Trajectory& second) {
  PROCTOR_RETURN_IF_ERROR(ValidateEvaluator(evaluator));
  if (!evaluator.has_pair_judge()) {
    return absl::InvalidArgumentError(absl::StrCat(evaluator.name(), " does not compare: it needs a pair_judge"));
  }
  PROCTOR_RETURN_IF_ERROR(CheckClosed(first));
  PROCTOR_RETURN_IF_ERROR(CheckClosed(second));
  if (first.task().goal() == second.task().goal()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(first.name(), " and ", second.name(), " have different goals"));
}

// Which one a question prefers; `swapped`: the second stood first. Nothing if it has no value.
std::optional<v1::Preference> PreferenceOf(const v1::JudgeQuestion& question, bool swapped) {
  if (!question.valid()) return std::nullopt;
  const double first = swapped ? 1 - question.score() : question.score();
  if (first > kEven + kScoreSlack) return v1::PREFERENCE_FIRST;
  return first < kEven - kScoreSlack ? v1::PREFERENCE_SECOND : v1::PREFERENCE_TIE;
}

void Decide(v1::Comparison* comparison) {
  const v1::JudgeQuestion& given = comparison->questions(0);
  const v1::JudgeQuestion& swapped = comparison->questions(1);
  const auto one = PreferenceOf(given, false), other = PreferenceOf(swapped, true);
  if (!one.has_value() || !other.has_value()) {
    comparison->set_preference(v1::PREFERENCE_UNDETERMINED);
    comparison->set_rationale(one.has_value() ? swapped.invalid_reason() : given.invalid_reason());
    return;
  }
  comparison->set_consistent(*one == *other);
  comparison->set_preference(comparison->consistent() ? *one : v1::PREFERENCE_TIE);
  if (!comparison->consistent()) {
    comparison->set_rationale("the two orders contradict each other");
  } else {
    comparison->set_rationale(*one == v1::PREFERENCE_SECOND ? swapped.text() : given.text());
  }
}

// The two orders as they come in.
class BothOrders : public std::enable_shared_from_this<BothOrders> {
 public:
  BothOrders(v1::Comparison head, CompareDone done) : comparison_(std::move(head)), done_(std::move(done)) {}

  void Came(int order, absl::StatusOr<std::vector<v1::JudgeQuestion>> questions) {
    absl::Status status;
    std::array<v1::JudgeQuestion, 2> both;
    {
      MutexLock lock(mutex_);
      if (questions.ok()) {
        questions_[order] = std::move(questions->front());
      } else if (status_.ok()) {
        status_ = questions.status();
      }
      if (--missing_ > 0) return;
      status = status_;
      both = std::move(questions_);
    }
    if (!status.ok()) {
      done_(status);
      return;
    }
    v1::Comparison comparison = comparison_;
    for (v1::JudgeQuestion& question : both) {
      AddUsageOf(question, *comparison.mutable_usage());
      *comparison.add_questions() = std::move(question);
    }
    Decide(&comparison);
    done_(std::move(comparison));
  }

 private:
  const v1::Comparison comparison_;
  const CompareDone done_;
  Mutex mutex_;
  std::array<v1::JudgeQuestion, 2> questions_ ABSL_GUARDED_BY(mutex_);
  int missing_ ABSL_GUARDED_BY(mutex_) = 2;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

void Compare(const CallContext& context, const v1::Evaluator& evaluator, const TrajectoryPtr& first, const TrajectoryPtr& second,
             const JudgeParts& parts, CompareDone done) {
  if (const absl::Status status = Check(evaluator, *first, *second); !status.ok()) {
    done(status);
    return;
  }
  v1::Comparison head;
  head.set_first(first->name());
  head.set_second(second->name());
  head.set_evaluator(evaluator.name());
  head.set_evaluator_version(EvaluatorVersion(evaluator));
  auto both = std::make_shared<BothOrders>(std::move(head), std::move(done));
  for (int order = 0; order < 2; ++order) {
    JudgeWork work;
    *work.judge.add_stages() = evaluator.pair_judge().stage();
    work.evaluator_version = EvaluatorVersion(evaluator);
    work.trajectory = order == 0 ? first : second;
    work.other = order == 0 ? second : first;
    RunJudge(context, std::move(work), parts, [both, order](absl::StatusOr<std::vector<v1::JudgeQuestion>> questions) {
      both->Came(order, std::move(questions));
    });
  }
}

}  // namespace proctor::evaluator
