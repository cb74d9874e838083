// ListRewards: reads of the log that may wait for a record.
#ifndef PROCTOR_REWARD_REWARD_POLLS_H_
#define PROCTOR_REWARD_REWARD_POLLS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <set>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "proctor/v1/reward_service.pb.h"
#include "reward/reward_log.h"

namespace proctor::reward {

// A poll that waits holds no thread: the log wakes it when it grew, a timer and its caller's cancellation end it. One read a task, so that polls
// whose filter passes nothing take turns with others. Thread-safe.
class RewardPolls {
 public:
  using Done = std::function<void(absl::StatusOr<v1::ListRewardsResponse>)>;

  // Both outlive it. Executors given to Begin have run what was posted to them before it is destroyed.
  RewardPolls(RewardLog& log, TimerQueue& timers);
  ~RewardPolls();

  // Reads on from `request.after_offset`, at once and then on `pool`, and calls `done` once: with records, or with none when the log's end is
  // reached and `max_wait` over (60 s at most). It does so within the call or on `pool`, which both may block. `request` lives until then, `pool`
  // longer. Errors: INVALID_ARGUMENT a negative page_size; those of RewardLog::Read; CANCELLED, DEADLINE_EXCEEDED from `context`.
  void Begin(const CallContext& context, const v1::ListRewardsRequest& request, Executor& pool, Done done);

 private:
  struct Poll;

  absl::StatusOr<LogBatch> Read(const Poll& poll);
  void Look(const std::shared_ptr<Poll>& poll);
  // Nothing passed up to the log's end, which was `end_offset` then.
  void Wait(const std::shared_ptr<Poll>& poll, int64_t end_offset);
  // The log grew: everybody looks again.
  void WakeAll();
  // No longer than this: its time is up, or its caller gone.
  void Stop(const std::shared_ptr<Poll>& poll);
  void AnswerWithNothing(const std::shared_ptr<Poll>& poll);
  void Answer(const std::shared_ptr<Poll>& poll, absl::StatusOr<v1::ListRewardsResponse> response);

  RewardLog& log_;
  TimerQueue& timers_;
  uint64_t listener_ = 0;
  Mutex mutex_;
  // Whoever takes a poll out of here goes on with it; one that is not in here is some task's.
  std::set<std::shared_ptr<Poll>> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::reward

#endif  // PROCTOR_REWARD_REWARD_POLLS_H_
