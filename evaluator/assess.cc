#include "evaluator/assess.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "evaluator/evaluate.h"
#include "evaluator/evaluator_config.h"
#include "evaluator/judge/judge_verdict.h"
#include "evaluator/judge/vote.h"
#include "evaluator/oracle.h"
#include "evaluator/score_calibration.h"

namespace proctor::evaluator {
namespace {

using TrajectoryPtr = std::shared_ptr<const v1::Trajectory>;

// What one evaluation works with, its members too.
struct Work {
  CallContext context;
  v1::Evaluator evaluator;
  TrajectoryPtr trajectory;
  JudgeParts parts;
};

// The evaluator is valid and the trajectory closed.
void AssessValid(std::shared_ptr<const Work> work, AssessDone done);

std::shared_ptr<const Work> WorkOf(const Work& whole, const v1::Evaluator& member) {
  return std::make_shared<const Work>(Work{whole.context, member, whole.trajectory, whole.parts});
}

// A recorded screenshot is lost or damaged: no other try will find it, and the agent is not to blame.
bool IsOfAPicture(const absl::Status& status) { return absl::IsNotFound(status) || absl::IsDataLoss(status); }

// Points into the evaluator.
SuccessRule RuleOf(const v1::Evaluator& evaluator) {
  return {SuccessThreshold(evaluator), evaluator.has_calibration() ? &evaluator.calibration() : nullptr};
}

// Whatever evaluates: giving up on a task that can be done is FAILURE.
bool GaveUp(const v1::Trajectory& trajectory) {
  const Facts facts = FactsAtEnd(trajectory);
  return facts.gave_up && !facts.impossible;
}

void AssessByJudge(const std::shared_ptr<const Work>& work, AssessDone done) {
  v1::Verdict verdict = VerdictHead(work->evaluator, *work->trajectory);
  const v1::Judge& judge = work->evaluator.judge();
  if (DecideWithoutQuestions(judge, RecordView(*work->trajectory), &verdict)) {
    done(std::move(verdict));
    return;
  }
  RunJudge(work->context, {judge, EvaluatorVersion(work->evaluator), SuccessThreshold(work->evaluator), work->trajectory}, work->parts,
           [work, verdict = std::move(verdict),
            done = std::move(done)](absl::StatusOr<std::vector<v1::JudgeQuestion>> questions) mutable {
             if (IsOfAPicture(questions.status())) {
               SetUndetermined(v1::UNDETERMINED_REASON_EVIDENCE_MISSING, std::string(questions.status().message()), &verdict);
             } else if (!questions.ok()) {
               done(questions.status());
               return;
             } else {
               DecideFromQuestions(work->evaluator.judge(), RuleOf(work->evaluator), RecordView(*work->trajectory), *std::move(questions), &verdict);
             }
             done(std::move(verdict));
           });
}

// Hands the verdict on with those that it was made of.
void FinishWithMembers(v1::Verdict verdict, std::vector<v1::Verdict> members, const AssessDone& done) {
  AddUsageOf(members, &verdict);
  for (v1::Verdict& member : members) {
    verdict.set_already_solved(verdict.already_solved() || member.already_solved());
    member.clear_name();
    *verdict.add_members() = std::move(member);
  }
  done(std::move(verdict));
}

// Verdicts of members as they come in.
class PanelRun : public std::enable_shared_from_this<PanelRun> {
 public:
  PanelRun(std::shared_ptr<const Work> work, AssessDone done)
      : work_(std::move(work)), done_(std::move(done)), verdicts_(panel().members_size()), missing_(verdicts_.size()) {}

  void Start() {
    for (int i = 0; i < panel().members_size(); ++i) {
      AssessValid(WorkOf(*work_, panel().members(i).evaluator()),
                  [run = shared_from_this(), i](absl::StatusOr<v1::Verdict> verdict) {
                    run->Came(i, std::move(verdict));
                  });
    }
  }

 private:
  const v1::Panel& panel() const { return work_->evaluator.panel(); }

  void Came(int member, absl::StatusOr<v1::Verdict> verdict) {
    absl::Status status;
    std::vector<v1::Verdict> verdicts;
    {
      MutexLock lock(mutex_);
      if (verdict.ok()) {
        verdicts_[member] = *std::move(verdict);
      } else if (status_.ok()) {
        status_ = verdict.status();
      }
      if (--missing_ > 0) return;
      status = status_;
      verdicts = std::move(verdicts_);
    }
    if (status.ok()) {
      Decide(std::move(verdicts));
    } else {
      done_(status);
    }
  }

  // All members have spoken.
  void Decide(std::vector<v1::Verdict> verdicts) {
    v1::Verdict verdict = VerdictHead(work_->evaluator, *work_->trajectory);
    Vote(panel(), RuleOf(work_->evaluator), verdicts, &verdict);
    if (!Escalates(panel(), verdicts, verdict)) {
      FinishWithMembers(std::move(verdict), std::move(verdicts), done_);
      return;
    }
    AssessValid(WorkOf(*work_, panel().escalation()),
                [run = shared_from_this(), verdict = std::move(verdict),
                 verdicts = std::move(verdicts)](absl::StatusOr<v1::Verdict> last) mutable {
                  if (!last.ok()) {
                    run->done_(last.status());
                    return;
                  }
                  TakeOver(*last, &verdict);
                  verdicts.push_back(*std::move(last));
                  FinishWithMembers(std::move(verdict), std::move(verdicts), run->done_);
                });
  }

  const std::shared_ptr<const Work> work_;
  const AssessDone done_;
  Mutex mutex_;
  std::vector<v1::Verdict> verdicts_ ABSL_GUARDED_BY(mutex_);
  size_t missing_ ABSL_GUARDED_BY(mutex_);
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

// Asks tier `index` and those after it; `verdicts` are of the tiers before.
void AssessFromTier(std::shared_ptr<const Work> work, int index, std::vector<v1::Verdict> verdicts, AssessDone done) {
  const v1::CascadeTier& tier = work->evaluator.cascade().tiers(index);
  std::shared_ptr<const Work> of_tier = WorkOf(*work, tier.evaluator());
  AssessValid(std::move(of_tier), [work = std::move(work), index, verdicts = std::move(verdicts),
                                   done = std::move(done)](absl::StatusOr<v1::Verdict> came) mutable {
    if (!came.ok()) {
      done(came.status());
      return;
    }
    const v1::Cascade& cascade = work->evaluator.cascade();
    verdicts.push_back(*std::move(came));
    if (index + 1 < cascade.tiers_size() && !SureEnough(cascade.tiers(index), verdicts.back())) {
      AssessFromTier(std::move(work), index + 1, std::move(verdicts), std::move(done));
      return;
    }
    v1::Verdict verdict = VerdictHead(work->evaluator, *work->trajectory);
    TakeOver(verdicts.back(), &verdict);
    FinishWithMembers(std::move(verdict), std::move(verdicts), done);
  });
}

void AssessValid(std::shared_ptr<const Work> work, AssessDone done) {
  if (work->evaluator.has_calibration()) {
    done = [work, done = std::move(done)](absl::StatusOr<v1::Verdict> verdict) {
      if (verdict.ok() && !GaveUp(*work->trajectory) && !SettledByRule(work->evaluator, *verdict)) {
        Calibrate(work->evaluator.calibration(), SuccessThreshold(work->evaluator), &*verdict);
      }
      done(std::move(verdict));
    };
  }
  switch (work->evaluator.kind_case()) {
    case v1::Evaluator::kJudge:
      AssessByJudge(work, std::move(done));
      return;
    case v1::Evaluator::kPanel:
      std::make_shared<PanelRun>(std::move(work), std::move(done))->Start();
      return;
    case v1::Evaluator::kCascade:
      AssessFromTier(std::move(work), 0, {}, std::move(done));
      return;
    default:
      done(Evaluate(work->evaluator, *work->trajectory));
      return;
  }
}

}  // namespace

bool SettledByRule(const v1::Evaluator& evaluator, const v1::Verdict& verdict) {
  switch (evaluator.kind_case()) {
    case v1::Evaluator::kJudge:
      return Decided(verdict) && verdict.questions().empty();
    case v1::Evaluator::kPanel: {
      bool any = false;
      for (int i = 0; i < verdict.members_size(); ++i) {
        const bool is_member = i < evaluator.panel().members_size();
        const v1::Evaluator& by = is_member ? evaluator.panel().members(i).evaluator() : evaluator.panel().escalation();
        if (Decided(verdict.members(i)) && !SettledByRule(by, verdict.members(i))) return false;
        any = any || Decided(verdict.members(i));
      }
      return any;
    }
    case v1::Evaluator::kCascade: {
      const int last = verdict.members_size() - 1;
      return last >= 0 && SettledByRule(evaluator.cascade().tiers(last).evaluator(), verdict.members(last));
    }
    default:
      return false;
  }
}

void Assess(const CallContext& context, const v1::Evaluator& evaluator, TrajectoryPtr trajectory,
            const JudgeParts& parts, AssessDone done) {
  absl::Status status = ValidateEvaluator(evaluator);
  if (status.ok() && evaluator.has_pair_judge()) {
    status = absl::InvalidArgumentError(absl::StrCat(evaluator.name(), " compares two trajectories: see CompareTrajectories"));
  }
  if (status.ok()) status = CheckClosed(*trajectory);
  if (!status.ok()) {
    done(status);
    return;
  }
  v1::Verdict not_loaded = VerdictHead(evaluator, *trajectory);
  if (SetNotLoaded(*trajectory, &not_loaded)) {
    done(std::move(not_loaded));
    return;
  }
  AssessValid(std::make_shared<const Work>(Work{context, evaluator, std::move(trajectory), parts}), std::move(done));
}

}  // namespace proctor::evaluator
