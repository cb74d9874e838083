// Streams of the reward log, for reactors that must never block.
//
// Back-pressure: a subscription holds at most one batch (100 records or about 1 MiB). The next one
// is read from the store only after the batch was taken and while there are credits, so that a slow
// consumer costs one batch of memory and nothing else: nobody waits for it, and there is no queue
// behind it.
//
// Filtered records count as read: once everything delivered is acknowledged, the committed position
// moves past them with the next ack (or by itself every 1,000 offsets).
#ifndef PROCTOR_REWARD_SUBSCRIPTION_H_
#define PROCTOR_REWARD_SUBSCRIPTION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "proctor/v1/reward_service.pb.h"
#include "proctor/v1/trajectory_payload.pb.h"
#include "reward/consumers.h"
#include "reward/reward_log.h"

namespace proctor::reward {

// Gives the payload of a trajectory; called on the pool. NOT_FOUND (the trajectory was deleted)
// and DATA_LOSS (it is damaged) leave it out. OUT_OF_RANGE: it has more than `max_bytes`, told before all of it is read.
using PayloadLoader = std::function<absl::StatusOr<v1::TrajectoryPayload>(
    const CallContext& context, const std::string& trajectory, int64_t max_bytes)>;

// How many bytes of records one message holds, payloads included; one record is always sent.
inline constexpr int64_t kMaxBatchBytes = 1 << 20;
// With payloads a record has at most this much: what does not fit is left out and named. It bounds the payloads, not the
// rewards: the record of a large group (up to 1,024 rewards) may have more, and more than the 4 MiB that gRPC clients accept
// unless told otherwise. Ours accept 256 MiB.
inline constexpr int64_t kMaxRecordBytes = 2 << 20;

// What AddPayloads left out.
struct PayloadsLeftOut {
  // It dropped records: the next read begins after the last one that is left.
  bool cut = false;
  // `reward_id`s of the records that are left.
  std::vector<std::string> omitted;
};

// Fills in the payloads of the records' rewards. Drops the records behind the first kMaxBatchBytes
// (the first record stays), and those whose payloads take longer than `context` has. DEADLINE_EXCEEDED: the first one's do. Also for ListRewards.
absl::StatusOr<PayloadsLeftOut> AddPayloads(
    const CallContext& context, const PayloadLoader& load,
    google::protobuf::RepeatedPtrField<v1::RewardRecord>& records);

class SubscriptionHub;

// One stream of a consumer. Thread-safe; nothing here blocks but for short critical sections.
class Subscription : public std::enable_shared_from_this<Subscription> {
 public:
  // More records may be sent. Negative, or more than 10,000 outstanding: ends with
  // INVALID_ARGUMENT.
  void AddCredits(int32_t credits);
  // Everything up to `offset` is safe with the consumer. What was acknowledged before, maybe on an earlier stream whose confirmation was lost,
  // is confirmed again. Does nothing for 0. Past the log's end: ends with OUT_OF_RANGE.
  void Ack(int64_t offset);

  // The client says no more. What it acknowledged is committed and confirmed, then the stream ends OK,
  // or with what the store said (a commit takes at most 30 s). No more records are read.
  void Finish();

  // What to send next, if anything: records, or an empty reply that confirms an ack.
  std::optional<v1::StreamRewardsResponse> Next();

  // How the stream ended; nothing while it goes on. After this Next gives nothing more.
  // OK after Finish; ABORTED another stream took over; NOT_FOUND no such consumer, or deleted; OUT_OF_RANGE below
  // the floor; UNAVAILABLE the server drains; else what the store said.
  std::optional<absl::Status> ended() const;

  // The client is gone. `on_ready` is not called any more (a call that has begun may still run: let
  // it own what it uses).
  void Close();

 private:
  friend class SubscriptionHub;
  enum class Work { kNone, kAttach, kCommit, kRead, kEnd };

  Subscription(SubscriptionHub& hub, std::string consumer, std::function<void()> on_ready)
      : hub_(hub), consumer_(std::move(consumer)), on_ready_(std::move(on_ready)) {}

  void LogGrew(int64_t end_offset);
  void End(absl::Status status);
  // Posts RunOne if there is work and none is posted.
  void Schedule();
  void RunOne();
  Work FindWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Attach(const CallContext& context);
  absl::Status Commit(const CallContext& context);
  absl::Status Read(const CallContext& context);
  void Notify();

  SubscriptionHub& hub_;
  const std::string consumer_;
  mutable Mutex mutex_;
  std::function<void()> on_ready_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> ended_ ABSL_GUARDED_BY(mutex_);
  // A RunOne is posted or runs.
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  bool attached_ ABSL_GUARDED_BY(mutex_) = false;
  v1::ConsumerFilter filter_ ABSL_GUARDED_BY(mutex_);
  int64_t epoch_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t credits_ ABSL_GUARDED_BY(mutex_) = 0;
  // Read up to here, filtered records included.
  int64_t position_ ABSL_GUARDED_BY(mutex_) = 0;
  // The newest record that was read for the client.
  int64_t last_record_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t acked_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t committed_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t end_offset_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<v1::StreamRewardsResponse> batch_ ABSL_GUARDED_BY(mutex_);
  bool confirm_ack_ ABSL_GUARDED_BY(mutex_) = false;
  bool finishing_ ABSL_GUARDED_BY(mutex_) = false;
};

// All live streams: one a consumer. Thread-safe.
class SubscriptionHub {
 public:
  // Everything outlives the hub. Reads and commits run on `pool`, which must have run all its tasks
  // before the hub is destroyed: EndAll, then let the pool end, then the hub.
  SubscriptionHub(RewardLog& log, Consumers& consumers, Executor& pool, PayloadLoader load_payload);
  ~SubscriptionHub();

  // Starts a stream; a stream that the consumer has ends ABORTED. Never blocks and never fails:
  // errors come through ended(). `on_ready` is called, on any thread and without locks, when Next
  // or ended may have something new.
  std::shared_ptr<Subscription> Open(const std::string& consumer, std::function<void()> on_ready);

  // Ends all streams and refuses new ones (UNAVAILABLE).
  void EndAll(const absl::Status& status);

 private:
  friend class Subscription;

  // `subscription` is over: forget it, if it is still the consumer's stream.
  void Forget(const std::string& consumer, const Subscription* subscription);

  RewardLog& log_;
  Consumers& consumers_;
  Executor& pool_;
  const PayloadLoader load_payload_;
  uint64_t listener_ = 0;
  Mutex mutex_;
  std::map<std::string, std::shared_ptr<Subscription>> streams_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> ended_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::reward

#endif  // PROCTOR_REWARD_SUBSCRIPTION_H_
