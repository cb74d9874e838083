// Rewards as they are made: a named, durable position in the reward log.
//
//   auto rewards = RewardSubscription::Open(*client, {.consumer = "trainer"});
//   while (auto record = (*rewards)->Next(absl::Minutes(1)); record.ok()) {
//     Learn(*record);
//     (*rewards)->Ack(record->offset());
//   }
#ifndef PROCTOR_CLIENTS_CPP_REWARDS_H_
#define PROCTOR_CLIENTS_CPP_REWARDS_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cpp/client.h"
#include "clients/cpp/rpc_stream.h"

namespace proctor::client {

struct SubscriptionOptions {
  // `consumers/trainer` or `trainer`. Made if it does not exist; one live subscription a consumer.
  std::string consumer;
  // Default: rewards of TRAIN tasks, each as it comes.
  v1::ConsumerFilter filter = {};
  // Where a new consumer begins; unset: after the newest record. An existing one goes on after what
  // it acknowledged.
  v1::StartPosition start = {};
  // Records that may be on their way at once, 1 to 10,000.
  int window = 256;
};

// Credits are given as records are taken. A broken connection is opened again with growing delays (one that only fell silent once
// ConnectOptions' keepalive has seen it, within a minute), and so is a stream that ended because the server's disk is full and it
// cannot store acknowledgements (RESOURCE_EXHAUSTED); what was acknowledged is told again. Within one subscription no record comes
// twice; after a restart of the program those come again that were not acknowledged: dedupe by `reward_id`. Not thread-safe.
class RewardSubscription {
 public:
  // `client` outlives the subscription. ALREADY_EXISTS: the consumer exists with another filter.
  static absl::StatusOr<std::unique_ptr<RewardSubscription>> Open(Client& client,
                                                                  SubscriptionOptions options);
  // Ends the stream; acknowledgements not yet confirmed may be lost (their records come again): see
  // Flush.
  ~RewardSubscription() = default;

  // The next record. DEADLINE_EXCEEDED: none within `timeout`. ABORTED: another subscription took
  // the consumer over. OUT_OF_RANGE: the log no longer has the position. UNAVAILABLE and
  // RESOURCE_EXHAUSTED are only returned after `timeout`.
  absl::StatusOr<v1::RewardRecord> Next(absl::Duration timeout);

  // Everything up to `offset` is safe with the caller and will not come again. Cumulative.
  void Ack(int64_t offset);

  // Waits until the server has made all acknowledgements durable. Errors as Next.
  absl::Status Flush(absl::Duration timeout);

  // The durable position as last told by the server.
  int64_t committed_offset() const { return committed_offset_; }
  // The log's last offset as last told: the lag is its distance from what was taken.
  int64_t end_offset() const { return end_offset_; }

 private:
  RewardSubscription(Client& client, SubscriptionOptions options)
      : client_(client), options_(std::move(options)) {}

  void Connect();
  // Reads one message of the server into pending_. Opens the stream again after a break.
  absl::Status Receive(absl::Time deadline);
  void GiveCredits(int count);

  Client& client_;
  const SubscriptionOptions options_;
  std::unique_ptr<RpcStream> stream_;
  std::deque<v1::RewardRecord> pending_;
  int64_t last_offset_ = 0;
  int64_t ack_offset_ = 0;
  int64_t committed_offset_ = 0;
  int64_t end_offset_ = 0;
  // Taken since credits were last given.
  int taken_ = 0;
  // In a row, without a new record or a confirmed acknowledgement between.
  int failures_ = 0;
};

}  // namespace proctor::client

#endif  // PROCTOR_CLIENTS_CPP_REWARDS_H_
