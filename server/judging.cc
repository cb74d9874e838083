#include "server/judging.h"

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "evaluator/compare.h"
#include "evaluator/evaluate.h"
#include "evaluator/evaluator_config.h"
#include "evaluator/judge/stored_replies.h"
#include "evaluator/judge/vote.h"

namespace proctor::server {
namespace {

// What CompareTrajectories asks unless told otherwise.
constexpr char kDefaultComparer[] = "evaluators/pairwise";
// For the verdict on an evaluation whose own time is up.
constexpr absl::Duration kStoreCap = absl::Seconds(10);

// Of verdicts that wait to be stored, in memory. Where there are more, some are made again.
constexpr int64_t kMaxUnstoredBytes = 64 << 20;

constexpr char kDiskFullUrl[] = "proctor/disk-is-full";

// The evaluator cannot be applied to this trajectory, or not now, which is not the agent's doing: no verdict.
bool IsOfTheEvaluator(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsResourceExhausted(status);
}

bool LeftToJudge(const v1::Verdict& verdict) {
  return verdict.undetermined_reason() == v1::UNDETERMINED_REASON_NO_EVALUATOR ||
         verdict.undetermined_reason() == v1::UNDETERMINED_REASON_JUDGE_NEEDED;
}

}  // namespace

bool SaysDiskIsFull(const absl::Status& status) { return status.GetPayload(kDiskFullUrl).has_value(); }

// A chain under way.
struct Judging::ChainRun {
  CallContext context;
  EvaluatorChain chain;
  TrajectoryPtr trajectory;
  ChainDone done;
  size_t next = 0;
  // The first that settled it, else the last one.
  std::optional<v1::Verdict> verdict;
  // No other verdict counts.
  bool settled = false;

  void Take(absl::StatusOr<v1::Verdict> made) {
    if (settled) return;
    const bool any = chain.next_decides == NextDecides::kAfterAny;
    settled = made.ok() ? evaluator::Decided(*made) || !(any || LeftToJudge(*made)) : !any;
    if (!made.ok()) return;
    const bool already_solved = verdict.has_value() && verdict->already_solved();
    verdict = *std::move(made);
    if (already_solved) verdict->set_already_solved(true);
  }
};

absl::Status Judging::CheckCanAsk(const v1::Evaluator& evaluator) const {
  if (!evaluator::AsksModels(evaluator) || parts_.models.any()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(evaluator.name(),
                                                    " asks a model, and none is configured: start proctord with "
                                                    "--model-endpoint, or with `models` in its configuration"));
}

model::Payer Judging::PayerOf(const v1::Evaluator& evaluator, const v1::Trajectory& trajectory, const EvaluateOptions& options) const {
  model::Payer payer{.evaluator = evaluator.name(), .job = options.job, .tenant = options.tenant};
  if (payer.tenant.empty() && parts_.tenant_of != nullptr && evaluator::AsksModels(evaluator)) {
    payer.tenant = parts_.tenant_of(trajectory, options.job);
  }
  return payer;
}

void Judging::Evaluate(const CallContext& context, const std::string& evaluator, const TrajectoryPtr& trajectory,
                       const EvaluateOptions& options, VerdictDone done) {
  const absl::Time start = absl::Now();
  const absl::StatusOr<v1::Evaluator> found = parts_.evaluators.Get(context, evaluator);
  if (!found.ok()) {
    done(found.status());
    return;
  }
  if (const absl::Status can_ask = CheckCanAsk(*found); !can_ask.ok()) {
    done(can_ask);
    return;
  }
  if (options.keep == Keep::kStore && !options.fresh_replies) {
    if (const std::optional<v1::Verdict> made = TakeUnstored(*found, *trajectory); made.has_value()) {
      done(StoreAndTell(context, *made));
      return;
    }
  }
  if (options.asks_model != nullptr && evaluator::AsksModels(*found)) options.asks_model();
  Assess(context, *found, trajectory, parts_.models.For(PayerOf(*found, *trajectory, options), options.fresh_replies),
         [this, context, start, keep = options.keep, done = std::move(done)](absl::StatusOr<v1::Verdict> verdict) {
           if (verdict.ok()) {
             *verdict->mutable_latency() = ToProto(absl::Now() - start);
             *verdict->mutable_create_time() = ToProto(absl::Now());
             if (keep == Keep::kStore) {
               verdict = StoreAndTell(context, *verdict);
             } else if (parts_.observer != nullptr) {
               parts_.observer->VerdictMade(context, *verdict);
             }
           }
           done(std::move(verdict));
         });
}

void Judging::Replay(const CallContext& context, const v1::Verdict& verdict, TrajectoryPtr trajectory,
                     VerdictDone done) {
  const absl::StatusOr<v1::Evaluator> found = parts_.evaluators.Get(context, verdict.evaluator());
  if (!found.ok()) {
    done(found.status());
    return;
  }
  const v1::Verdict head = evaluator::VerdictHead(*found, *trajectory);
  if (head.evaluator_version() != verdict.evaluator_version() ||
      head.trajectory_digest() != verdict.trajectory_digest()) {
    done(absl::FailedPreconditionError(
        absl::StrCat(verdict.name(), " was made by another version of ", verdict.evaluator(), " or of ", trajectory->name())));
    return;
  }
  Assess(context, *found, std::move(trajectory), evaluator::StoredReplies(verdict), std::move(done));
}

void Judging::Compare(const CallContext& context, const ComparedPair& pair,
                      std::function<void(absl::StatusOr<v1::Comparison>)> done) {
  const absl::StatusOr<v1::Evaluator> found =
      parts_.evaluators.Get(context, pair.evaluator.empty() ? kDefaultComparer : pair.evaluator);
  const absl::Status status = found.ok() ? CheckCanAsk(*found) : found.status();
  if (!status.ok()) {
    done(status);
    return;
  }
  std::shared_ptr<evaluator::JudgeModel> model = parts_.models.For({.evaluator = found->name(), .job = "", .tenant = pair.tenant});
  const evaluator::JudgeParts parts{parts_.blobs, *model, parts_.pool, parts_.fence_secret};
  evaluator::Compare(context, *found, pair.first, pair.second, parts,
                     [model, done = std::move(done)](absl::StatusOr<v1::Comparison> comparison) {
                       done(std::move(comparison));
                     });
}

void Judging::Reflect(const CallContext& context, const evaluator::ReflectWork& work, const std::string& tenant,
                      std::function<void(absl::StatusOr<v1::Reflection>)> done) {
  if (!parts_.models.any()) {
    done(absl::FailedPreconditionError("a reflection asks a model, and none is configured: start proctord with --model-endpoint, or "
                                       "with `models` in its configuration"));
    return;
  }
  std::shared_ptr<evaluator::JudgeModel> model = parts_.models.For({.evaluator = "reflection", .job = "", .tenant = tenant});
  const evaluator::JudgeParts parts{parts_.blobs, *model, parts_.pool, parts_.fence_secret};
  evaluator::Reflect(context, work, parts, [model, done = std::move(done)](absl::StatusOr<v1::Reflection> made) {
    done(std::move(made));
  });
}

void Judging::Assess(const CallContext& context, const v1::Evaluator& evaluator, TrajectoryPtr trajectory,
                     const std::shared_ptr<evaluator::JudgeModel>& model, VerdictDone done) {
  const evaluator::JudgeParts parts{parts_.blobs, *model, parts_.pool, parts_.fence_secret};
  evaluator::Assess(context, evaluator, std::move(trajectory), parts,
                    [model, done = std::move(done)](absl::StatusOr<v1::Verdict> verdict) { done(std::move(verdict)); });
}

void Judging::EvaluateChain(const CallContext& context, EvaluatorChain chain, TrajectoryPtr trajectory,
                            ChainDone done) {
  EvaluateNext(std::make_shared<ChainRun>(
      ChainRun{context, std::move(chain), std::move(trajectory), std::move(done), 0, std::nullopt, false}));
}

void Judging::EvaluateNext(const std::shared_ptr<ChainRun>& run) {
  if (run->next == run->chain.evaluators.size() || (run->settled && run->chain.end == ChainEnd::kFirstDecision)) {
    run->done(std::move(run->verdict));
    return;
  }
  const std::string& name = run->chain.evaluators[run->next++];
  EvaluateOptions options;
  options.asks_model = run->chain.asks_model;
  Evaluate(run->context, name, run->trajectory, options,
           [this, run](absl::StatusOr<v1::Verdict> verdict) { Evaluated(run, std::move(verdict)); });
}

void Judging::Evaluated(const std::shared_ptr<ChainRun>& run, absl::StatusOr<v1::Verdict> verdict) {
  const std::string& evaluator = run->chain.evaluators[run->next - 1];
  if (!verdict.ok() && !run->settled && !IsOfTheEvaluator(verdict.status())) {
    const bool gives_up = absl::IsDeadlineExceeded(verdict.status()) && run->chain.at_deadline == AtDeadline::kVerdict &&
                          !run->context.cancel()->cancelled();
    if (!gives_up) {
      run->done(verdict.status());
      return;
    }
    LogError("an evaluator did not end in time; its verdict is UNDETERMINED",
             {{"trajectory", run->trajectory->name()}, {"evaluator", evaluator}, {"error", verdict.status().ToString()}});
    absl::StatusOr<v1::Verdict> late = VerdictAtDeadline(evaluator, *run->trajectory);
    if (!late.ok()) {
      run->done(late.status());
      return;
    }
    run->Take(std::move(late));
    run->done(std::move(run->verdict));
    return;
  }
  if (!verdict.ok()) {
    LogError("a trajectory could not be evaluated",
             {{"trajectory", run->trajectory->name()}, {"evaluator", evaluator}, {"error", verdict.status().ToString()}});
  }
  run->Take(std::move(verdict));
  EvaluateNext(run);
}

absl::StatusOr<v1::Verdict> Judging::Store(const CallContext& context, const v1::Verdict& verdict) {
  absl::StatusOr<v1::Verdict> stored = parts_.verdicts.Put(context, verdict);
  if (!absl::IsResourceExhausted(stored.status())) return stored;
  absl::Status full = absl::UnavailableError(stored.status().message());
  full.SetPayload(kDiskFullUrl, absl::Cord());
  return full;
}

absl::StatusOr<v1::Verdict> Judging::StoreAndTell(const CallContext& context, const v1::Verdict& verdict) {
  absl::StatusOr<v1::Verdict> stored = Store(context, verdict);
  if (absl::IsNotFound(stored.status()) || absl::IsDataLoss(stored.status())) {
    // Its trajectory is gone, or is damaged: nobody asks for it again.
    LogError("a verdict cannot be stored, and is given up",
             {{"verdict", verdict.name()}, {"trajectory", verdict.trajectory()}, {"error", stored.status().ToString()}});
  } else if (!stored.ok()) {
    KeepUnstored(verdict);
  } else if (parts_.observer != nullptr) {
    parts_.observer->VerdictMade(context, *stored);
  }
  return stored;
}

void Judging::KeepUnstored(const v1::Verdict& verdict) {
  const auto bytes = static_cast<int64_t>(verdict.ByteSizeLong());
  if (evaluator::WorthAnotherTry(verdict) || bytes > kMaxUnstoredBytes) return;
  MutexLock lock(mutex_);
  if (!unstored_.emplace(verdict.name(), verdict).second) return;
  unstored_bytes_ += bytes;
  // Names are digests: who makes room is nobody in particular.
  while (unstored_bytes_ > kMaxUnstoredBytes) {
    const auto first = unstored_.begin();
    unstored_bytes_ -= static_cast<int64_t>(first->second.ByteSizeLong());
    unstored_.erase(first);
  }
}

std::optional<v1::Verdict> Judging::TakeUnstored(const v1::Evaluator& evaluator, const v1::Trajectory& trajectory) {
  {
    // Mostly none waits, and a name takes several digests.
    MutexLock lock(mutex_);
    if (unstored_.empty()) return std::nullopt;
  }
  const std::string name = evaluator::VerdictHead(evaluator, trajectory).name();
  MutexLock lock(mutex_);
  const auto it = unstored_.find(name);
  if (it == unstored_.end()) return std::nullopt;
  std::optional<v1::Verdict> made = std::move(it->second);
  unstored_.erase(it);
  unstored_bytes_ -= static_cast<int64_t>(made->ByteSizeLong());
  return made;
}

absl::StatusOr<v1::Verdict> Judging::VerdictAtDeadline(const std::string& evaluator, const v1::Trajectory& trajectory) {
  const CallContext context = CallContext::WithTimeout(kStoreCap);
  PROCTOR_ASSIGN_OR_RETURN(const v1::Evaluator found, parts_.evaluators.Get(context, evaluator));
  v1::Verdict verdict = evaluator::VerdictHead(found, trajectory);
  evaluator::SetUndetermined(v1::UNDETERMINED_REASON_JUDGE_UNAVAILABLE, absl::StrCat(evaluator, " did not end within its time"), &verdict);
  *verdict.mutable_create_time() = ToProto(absl::Now());
  return StoreAndTell(context, verdict);
}

}  // namespace proctor::server
