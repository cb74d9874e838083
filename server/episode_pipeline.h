// From a closed trajectory to verdict, reward and everybody who waits for them.
#ifndef PROCTOR_SERVER_EPISODE_PIPELINE_H_
#define PROCTOR_SERVER_EPISODE_PIPELINE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "env/episode_host.h"
#include "evaluator/evaluator_store.h"
#include "evaluator/webarena.h"
#include "proctor/v1/reward.pb.h"
#include "proposer/task_sampler.h"
#include "proposer/task_store.h"
#include "reward/groups.h"
#include "reward/reward_log.h"
#include "server/byte_budget.h"
#include "server/episode_source.h"
#include "server/episode_waiters.h"
#include "server/judged_trajectories.h"
#include "server/judging.h"
#include "trajectory/episode_store.h"
#include "trajectory/record_form.h"
#include "trajectory/trajectory_store.h"

namespace proctor::server {

// Who evaluates closed episodes.
struct EpisodeEvaluation {
  // `evaluators/{id}`, in order.
  std::vector<std::string> chain;
  NextDecides next_decides = NextDecides::kAfterAny;
  // The share of episodes, [0, 1], that all evaluators of the chain judge, not only those up to the first decision: oracle and
  // judge on the same episodes tell what the judge is worth. Which episodes is decided by their ids.
  double audit_share = 0;
  // How often an episode is judged again before its reward, where the judge's model was not to be had.
  int judge_retries = 0;
  // Between two of these.
  absl::Duration judge_retry_delay = absl::Minutes(1);
  // Of one try: a judge of many questions takes minutes.
  absl::Duration longest_try = absl::Minutes(15);
  // How many tries that took all of it (and at least judge_retries more than one) make the verdict UNDETERMINED. A try may have waited behind
  // other episodes for the model; what was answered is kept, so the next one has less to ask. Tries that a store made fail count for neither.
  int longest_tries = 8;
};

// Closed episodes are judged by the evaluator chain (the first that gives SUCCESS or FAILURE counts), rewarded by the reward
// policy, appended to the log and told to the curriculum. Every step can be repeated: verdicts and rewards are named after
// what they were made of, so that an episode cut short by a crash is taken up at the next start and rewarded once.
// Thread-safe.
class EpisodePipeline final : public env::EpisodeHost, public EpisodeSource {
 public:
  // All outlive the pipeline.
  struct Parts {
    proposer::TaskStore& tasks;
    proposer::TaskSampler& sampler;
    reward::Groups& groups;
    reward::RewardLog& rewards;
    evaluator::EvaluatorStore& evaluators;
    Judging& judging;
    trajectory::TrajectoryStore& trajectories;
    trajectory::EpisodeStore& episodes;
    TimerQueue& timers;
    // Runs evaluations.
    Executor& pool;
    v1::RewardPolicy reward_policy;
    EpisodeEvaluation evaluation;
    // What `func:` in WebArena's oracles means here.
    evaluator::WebArenaFunctions functions;
    // The share of evaluations, each a trace, whose spans are kept.
    double trace_share = 0;
  };
  explicit EpisodePipeline(Parts parts);
  ~EpisodePipeline() override;

  // At start-up, after TrajectoryStore::CloseInterrupted: takes up episodes that were closed but not rewarded, and gives back the
  // places in groups of episodes that a crash kept from starting. Damaged episodes stay as they are, with their places.
  absl::Status Resume(const CallContext& context);

  // Waits until every closed episode is rewarded, or the deadline, at which it is stopped.
  absl::Status Drain(const CallContext& context);
  // No more is begun, what runs is cancelled, and nothing is tried again: the next start takes it up. Comes before the pool goes.
  void Stop();

  // Closed episodes that are not rewarded yet.
  int64_t pending() const;

  // EpisodeSource
  void Wait(CallContext context, const std::string& name, absl::Duration max_wait, Done done) override;
  void WaitForOracles(CallContext context, const std::string& name, absl::Duration max_wait, Done done) override;

  // env::EpisodeHost
  absl::StatusOr<v1::Task> Admit(const CallContext& context, const v1::StartEpisodeRequest& request,
                                 const std::string& episode_id) override;
  void Abandon(const v1::StartEpisodeRequest& request, const std::string& episode_id) override;
  std::vector<v1::EvidenceRequest> RequiredEvidence(const v1::Task& task, bool at_start) override;
  void Closed(const std::string& episode_id) override;
  void NotClosed(const std::string& episode_id, v1::EndReason reason, const std::string& message) override;

 private:
  // How often an episode was tried before.
  struct Tries {
    // By its judges: they took all of their time, or their model was not to be had. These come to an end.
    int judging = 0;
    // Without them: the store did not give or take something. These do not.
    int storing = 0;
  };
  // An episode that is being judged.
  struct Work {
    CallContext context;
    std::string episode_id;
    Tries tries;
    std::shared_ptr<const v1::Trajectory> trajectory;
    // For it, until all that use this work are gone.
    std::shared_ptr<ByteBudget::Share> memory;
  };
  using OptionalVerdict = std::optional<v1::Verdict>;

  absl::Status GiveBackPlaces(const CallContext& context);
  // Of an episode that never started; tries again until it can.
  void GiveBackPlace(const reward::Groups::Place& place, const std::string& episode_id, int attempt);
  void Process(const std::string& episode_id, Tries tries);
  // The trajectory of `work`; without its steps if they are too large to be read whole. RESOURCE_EXHAUSTED: not now, others take the memory.
  absl::Status Load(Work& work);
  // Closes the record of an episode that its session could not close, then judges it; tries again until it can.
  void CloseAbandoned(const std::string& episode_id, v1::EndReason reason, const std::string& message, int attempt);
  void Judged(const Work& judged, absl::StatusOr<OptionalVerdict> verdict);
  absl::StatusOr<v1::Episode> Reward(const Work& work, const OptionalVerdict& verdict);
  absl::Status TellCurriculum(const Work& work, const OptionalVerdict& verdict, const v1::Reward& reward);
  bool AllAreAsked(const std::string& episode_id) const;
  // It failed for what may pass, but not by its judges: judges again later.
  void TryAgain(const std::string& episode_id, Tries tries, const absl::Status& status);
  // Judges again after `delay`.
  void Again(const std::string& episode_id, Tries tries, absl::Duration delay);
  // Runs `work` on the pool after `delay`, unless the episode is left to the next start by then.
  void Later(const std::string& episode_id, absl::Duration delay, std::function<void()> work);
  // `what`: the name of the row or record that it failed for; NOT_FOUND: that is gone, and the episode with it.
  void Failed(const std::string& episode_id, Tries tries, const std::string& what, const absl::Status& status);
  // Of an episode whose row or record, `what`, cannot be read: nothing of it changes, and the next start tries again. Whoever waits for it
  // is told how it stands.
  void LeaveDamaged(const std::string& episode_id, const std::string& what, const absl::Status& why);
  // Of one that is the next start's.
  void Leave(const std::string& episode_id);
  // Tells whoever waits; an episode without a name does not exist any more.
  void Finished(const std::string& episode_id, const absl::StatusOr<v1::Episode>& episode);

  const Parts parts_;
  EpisodeWaiters waiters_;
  // Of the trajectories that are being judged.
  const std::shared_ptr<ByteBudget> memory_ = std::make_shared<ByteBudget>(kJudgedBytes, "trajectories that are judged", "a fixed share");
  // Cancelled by Stop.
  const std::shared_ptr<CancelToken> stop_ = std::make_shared<CancelToken>();

  mutable Mutex mutex_;
  CondVar idle_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Closed, not yet rewarded.
  std::set<std::string> open_ ABSL_GUARDED_BY(mutex_);
  // Timers of retries, by episode.
  std::map<std::string, uint64_t> retries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_EPISODE_PIPELINE_H_
