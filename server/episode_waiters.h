// Who waits for an episode's verdict and reward, and until when.
#ifndef PROCTOR_SERVER_EPISODE_WAITERS_H_
#define PROCTOR_SERVER_EPISODE_WAITERS_H_

#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "server/episode_source.h"
#include "trajectory/episode_store.h"

namespace proctor::server {

// Each waiter is answered once: with the result, or with the episode as it stands when its time is up or its caller is gone. Holds no thread
// while it waits. Episodes are named `episodes/{id}`. Thread-safe.
class EpisodeWaiters {
 public:
  // All outlive it; `pool` has run what was posted to it before it is destroyed.
  struct Parts {
    trajectory::EpisodeStore& episodes;
    TimerQueue& timers;
    Executor& pool;
  };
  using Done = EpisodeSource::Done;
  enum class For {
    kResult,
    // No longer than until an evaluator that may ask a model has its turn.
    kOracles,
  };

  explicit EpisodeWaiters(Parts parts) : parts_(parts) {}

  // Calls `done` within the call or on the pool. Blocks for a look into the store.
  void Begin(CallContext context, const std::string& name, For awaits, absl::Duration max_wait, Done done);

  // An evaluator that may ask a model has its turn.
  void ModelAsked(const std::string& name);
  // Answers all that wait. An episode without a name: it does not exist any more (NOT_FOUND).
  void Finished(const std::string& name, const absl::StatusOr<v1::Episode>& episode);
  // The episode is left to the next start: whoever waits is answered when its time is up.
  void Leave(const std::string& name);

 private:
  struct Waiter;

  void Answer(const std::shared_ptr<Waiter>& waiter, absl::StatusOr<v1::Episode> episode);
  void AnswerAsItStands(const std::shared_ptr<Waiter>& waiter);

  const Parts parts_;
  Mutex mutex_;
  // Those about which a model was asked.
  std::set<std::string> asked_ ABSL_GUARDED_BY(mutex_);
  std::multimap<std::string, std::shared_ptr<Waiter>> waiters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_EPISODE_WAITERS_H_
