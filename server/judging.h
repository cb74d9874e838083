// Evaluation with everything that the server has: records, models, stored verdicts.
#ifndef PROCTOR_SERVER_JUDGING_H_
#define PROCTOR_SERVER_JUDGING_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "evaluator/assess.h"
#include "evaluator/evaluator_store.h"
#include "evaluator/reflect.h"
#include "proctor/v1/trajectory.pb.h"
#include "proctor/v1/verdict.pb.h"
#include "server/models.h"
#include "storage/blob_store.h"

namespace proctor::server {

// Whether a verdict is kept.
enum class Keep { kStore, kDryRun };

// How one evaluation is made.
struct EvaluateOptions {
  Keep keep = Keep::kStore;
  // `jobs/{id}` whose budget it counts against; empty: none.
  std::string job = "";
  // Who pays for the models that are asked; empty: Judging::Parts::tenant_of says who.
  std::string tenant = "";
  // Ask models past their cache of replies.
  bool fresh_replies = false;
  // Called before the evaluation where it may ask a model. May be null.
  std::function<void()> asks_model = nullptr;
};

// Whether a chain ends with the first verdict that is SUCCESS or FAILURE, or all its evaluators are asked.
enum class ChainEnd { kFirstDecision, kAll };

// After which verdicts that are neither SUCCESS nor FAILURE the next of a chain may decide: any, or only those that leave it to a
// judge (the task has no oracle, or one that needs a judge). Then evidence that is missing, or an oracle that cannot be evaluated, stays
// what it is.
enum class NextDecides { kAfterAny, kWhereLeftToJudge };

// What comes of an evaluator of a chain whose time is up: DEADLINE_EXCEEDED, or a verdict UNDETERMINED (JUDGE_UNAVAILABLE), which ends the
// chain: the last of several tries.
enum class AtDeadline { kError, kVerdict };

// Who evaluates, one after another.
struct EvaluatorChain {
  // `evaluators/{id}`.
  std::vector<std::string> evaluators;
  ChainEnd end = ChainEnd::kFirstDecision;
  NextDecides next_decides = NextDecides::kAfterAny;
  AtDeadline at_deadline = AtDeadline::kError;
  // Called before each of them that may ask a model. May be null.
  std::function<void()> asks_model = nullptr;
};

// What is compared, by what, for whom.
struct ComparedPair {
  // `evaluators/{id}`; empty: `evaluators/pairwise`.
  std::string evaluator;
  std::shared_ptr<const v1::Trajectory> first;
  std::shared_ptr<const v1::Trajectory> second;
  // Who pays for it.
  std::string tenant;
};

// Whether an error of Judging::Evaluate, an UNAVAILABLE, is that its verdict cannot be stored because the disk is full: as little can others.
bool SaysDiskIsFull(const absl::Status& status);

// Models are asked in the name of the tenant that pays for it, so that each call is charged when it has been made, whatever becomes of what it
// was made for. Thread-safe.
class Judging {
 public:
  // All outlive it, and what it has begun.
  struct Parts {
    evaluator::EvaluatorStore& evaluators;
    evaluator::VerdictStore& verdicts;
    storage::BlobStore& blobs;
    // Answer judges' questions.
    Models& models;
    // Runs evaluations.
    Executor& pool;
    // See model::FenceKey.
    std::string fence_secret;
    // The tenant that pays for a job's verdicts, or, where `job` is empty, for those of a chain on the trajectory; empty: nobody is charged.
    // Asked before an evaluation that may ask a model; may read the database. May be null: nobody is.
    std::function<std::string(const v1::Trajectory& trajectory, const std::string& job)> tenant_of = nullptr;
    // Told of every verdict; may be null.
    JudgingObserver* observer = nullptr;
  };
  explicit Judging(Parts parts) : parts_(std::move(parts)) {}

  const Models& models() const { return parts_.models; }

  // FAILED_PRECONDITION: it asks a model, and none is configured.
  absl::Status CheckCanAsk(const v1::Evaluator& evaluator) const;

  using VerdictDone = std::function<void(absl::StatusOr<v1::Verdict>)>;
  using TrajectoryPtr = std::shared_ptr<const v1::Trajectory>;

  // Evaluates by one evaluator (`evaluators/{id}`; empty: the task's oracle) and calls `done` once, on this thread or the pool,
  // with the verdict as it is stored. Errors: NOT_FOUND; FAILED_PRECONDITION a judge, and no model is configured; those of
  // evaluator::Assess; those of the store, where UNAVAILABLE also is a full disk (SaysDiskIsFull). A verdict that the store did not take waits in
  // memory, unless its trajectory is gone or damaged: asked for again, it is stored, and no model is asked once more (but with `fresh_replies`).
  void Evaluate(const CallContext& context, const std::string& evaluator, const TrajectoryPtr& trajectory,
                const EvaluateOptions& options, VerdictDone done);

  // Evaluates again from the replies that `verdict` keeps: asks no model, stores nothing. FAILED_PRECONDITION: the evaluator or the
  // trajectory is another one by now.
  void Replay(const CallContext& context, const v1::Verdict& verdict, TrajectoryPtr trajectory, VerdictDone done);

  // Compares two trajectories; see evaluator::Compare. NOT_FOUND: the evaluator; FAILED_PRECONDITION: no model is configured.
  void Compare(const CallContext& context, const ComparedPair& pair, std::function<void(absl::StatusOr<v1::Comparison>)> done);

  // Asks the default model for a reflection, which `tenant` pays; see evaluator::Reflect. FAILED_PRECONDITION: no model is configured.
  void Reflect(const CallContext& context, const evaluator::ReflectWork& work, const std::string& tenant,
               std::function<void(absl::StatusOr<v1::Reflection>)> done);

  // Evaluates by one after another and stores each verdict. The answer is the first after which no other may decide, else the last
  // one, with `already_solved` if it or one before it found that; none if no evaluator could be applied at all (an oracle that can
  // never be evaluated, a spent budget: logged). Errors: others, a verdict that cannot be stored among them, but once a verdict is settled those
  // after it are logged: they cannot change the answer.
  using ChainDone = std::function<void(absl::StatusOr<std::optional<v1::Verdict>>)>;
  void EvaluateChain(const CallContext& context, EvaluatorChain chain, TrajectoryPtr trajectory, ChainDone done);

 private:
  struct ChainRun;
  // For whom `evaluator` may ask models.
  model::Payer PayerOf(const v1::Evaluator& evaluator, const v1::Trajectory& trajectory, const EvaluateOptions& options) const;
  // `model` lives as long as it is asked.
  void Assess(const CallContext& context, const v1::Evaluator& evaluator, TrajectoryPtr trajectory,
              const std::shared_ptr<evaluator::JudgeModel>& model, VerdictDone done);
  void EvaluateNext(const std::shared_ptr<ChainRun>& run);
  // An evaluator of a chain has ended, or failed.
  void Evaluated(const std::shared_ptr<ChainRun>& run, absl::StatusOr<v1::Verdict> verdict);
  // The verdict as it is stored. A full disk is UNAVAILABLE: RESOURCE_EXHAUSTED would be a spent budget.
  absl::StatusOr<v1::Verdict> Store(const CallContext& context, const v1::Verdict& verdict);
  // The same, and the observer is told; or the verdict waits for the next try, unless there will be none.
  absl::StatusOr<v1::Verdict> StoreAndTell(const CallContext& context, const v1::Verdict& verdict);
  // But for one that is worth another try by itself.
  void KeepUnstored(const v1::Verdict& verdict);
  // The evaluator's verdict on the trajectory that waits to be stored, if there is one: it waits no more.
  std::optional<v1::Verdict> TakeUnstored(const v1::Evaluator& evaluator, const v1::Trajectory& trajectory);
  // The verdict, stored, of an evaluator whose time is up.
  absl::StatusOr<v1::Verdict> VerdictAtDeadline(const std::string& evaluator, const v1::Trajectory& trajectory);

  const Parts parts_;
  Mutex mutex_;
  // By name.
  std::map<std::string, v1::Verdict> unstored_ ABSL_GUARDED_BY(mutex_);
  // What they take.
  int64_t unstored_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_JUDGING_H_
