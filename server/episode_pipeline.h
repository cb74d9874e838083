// From a closed trajectory to verdict, reward and everybody who waits for them.
#ifndef PROCTOR_SERVER_EPISODE_PIPELINE_H_
#define PROCTOR_SERVER_EPISODE_PIPELINE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
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
#include "server/episode_source.h"
#include "trajectory/episode_store.h"
#include "trajectory/trajectory_store.h"

namespace proctor::server {

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
    evaluator::VerdictStore& verdicts;
    trajectory::TrajectoryStore& trajectories;
    trajectory::EpisodeStore& episodes;
    TimerQueue& timers;
    // Runs evaluations.
    Executor& pool;
    v1::RewardPolicy reward_policy;
    // `evaluators/{id}`, in order.
    std::vector<std::string> chain;
    // What `func:` in WebArena's oracles means here.
    evaluator::WebArenaFunctions functions;
  };
  explicit EpisodePipeline(Parts parts);
  // Call Drain first.
  ~EpisodePipeline() override;

  // At start-up, after TrajectoryStore::CloseInterrupted: takes up episodes that were closed but not rewarded, and gives back the
  // places in groups of episodes that a crash kept from starting.
  absl::Status Resume(const CallContext& context);

  // Waits until every closed episode is rewarded, or the deadline.
  absl::Status Drain(const CallContext& context);

  // EpisodeSource
  void Wait(CallContext context, const std::string& name, absl::Duration max_wait, Done done) override;

  // env::EpisodeHost
  absl::StatusOr<v1::Task> Admit(const CallContext& context, const v1::StartEpisodeRequest& request,
                                 const std::string& episode_id) override;
  void Abandon(const v1::StartEpisodeRequest& request, const std::string& episode_id) override;
  std::vector<v1::EvidenceRequest> RequiredEvidence(const v1::Task& task, bool at_start) override;
  void Closed(const std::string& episode_id) override;

 private:
  struct Waiter;
  struct Result {
    v1::Verdict verdict;
    bool has_verdict = false;
    v1::Reward reward;
  };

  absl::Status GiveBackPlaces(const CallContext& context);
  void Process(const std::string& episode_id, int attempt);
  absl::StatusOr<Result> JudgeAndReward(const CallContext& context, const v1::Trajectory& trajectory);
  absl::StatusOr<bool> Judge(const CallContext& context, const v1::Trajectory& trajectory, v1::Verdict& verdict);
  absl::Status TellCurriculum(const CallContext& context, const v1::Trajectory& trajectory, const Result& result);
  void Finished(const std::string& episode_id, const v1::Episode& episode);
  void Answer(const std::shared_ptr<Waiter>& waiter, absl::StatusOr<v1::Episode> episode);
  void AnswerAsItStands(const std::shared_ptr<Waiter>& waiter);

  const Parts parts_;

  Mutex mutex_;
  CondVar idle_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Closed, not yet rewarded.
  std::set<std::string> open_ ABSL_GUARDED_BY(mutex_);
  // Timers of retries, by episode.
  std::map<std::string, uint64_t> retries_ ABSL_GUARDED_BY(mutex_);
  std::multimap<std::string, std::shared_ptr<Waiter>> waiters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_EPISODE_PIPELINE_H_
