#include "clients/cpp/rewards.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "common/status.h"

namespace proctor::client {

absl::StatusOr<std::unique_ptr<RewardSubscription>> RewardSubscription::Open(
    Client& client, SubscriptionOptions options) {
  if (options.window < 1 || options.window > 10'000) {
    return absl::InvalidArgumentError("window must be 1 to 10,000");
  }
  options.consumer = FullName("consumers", options.consumer);
  v1::CreateConsumerRequest request;
  request.set_name(options.consumer);
  *request.mutable_filter() = options.filter;
  if (options.start.kind_case() != v1::StartPosition::KIND_NOT_SET)
    *request.mutable_start() = options.start;
  PROCTOR_ASSIGN_OR_RETURN(const v1::Consumer consumer, client.Call<v1::Consumer>(request));
  std::unique_ptr<RewardSubscription> subscription(
      new RewardSubscription(client, std::move(options)));
  subscription->committed_offset_ = consumer.committed_offset();
  subscription->ack_offset_ = consumer.committed_offset();
  subscription->end_offset_ = consumer.end_offset();
  subscription->Connect();
  return subscription;
}

void RewardSubscription::Connect() {
  stream_ = RpcStream::Open(client_.channel(), "/proctor.v1.RewardService/StreamRewards");
  v1::StreamRewardsRequest request;
  request.set_consumer(options_.consumer);
  // What waits here uses up the window too.
  request.set_credits(std::max(1, options_.window - static_cast<int>(pending_.size())));
  request.set_ack_offset(ack_offset_);
  stream_->Write(request);
  taken_ = 0;
}

void RewardSubscription::GiveCredits(int count) {
  taken_ += count;
  if (taken_ < (options_.window + 1) / 2) return;
  v1::StreamRewardsRequest request;
  request.set_credits(taken_);
  stream_->Write(request);
  taken_ = 0;
}

absl::StatusOr<v1::RewardRecord> RewardSubscription::Next(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (pending_.empty()) PROCTOR_RETURN_IF_ERROR(Receive(deadline));
  v1::RewardRecord record = std::move(pending_.front());
  pending_.pop_front();
  GiveCredits(1);
  return record;
}

absl::Status RewardSubscription::Receive(absl::Time deadline) {
  v1::StreamRewardsResponse response;
  const absl::StatusOr<bool> more = stream_->Read(response, deadline - absl::Now());
  if (more.ok() && *more) {
    // A server whose disk is full may still answer before it ends the stream.
    if (response.committed_offset() > committed_offset_) failures_ = 0;
    committed_offset_ = std::max(committed_offset_, response.committed_offset());
    end_offset_ = std::max(end_offset_, response.end_offset());
    int repeated = 0;
    for (v1::RewardRecord& record : *response.mutable_records()) {
      // Sent again after a reconnection because it was not acknowledged yet.
      if (record.offset() <= last_offset_) {
        ++repeated;
        continue;
      }
      failures_ = 0;
      last_offset_ = record.offset();
      pending_.push_back(std::move(record));
    }
    if (repeated > 0) GiveCredits(repeated);
    return absl::OkStatus();
  }
  absl::Status status =
      more.ok() ? absl::UnavailableError("the server ended the stream") : more.status();
  if (!absl::IsUnavailable(status) && !absl::IsResourceExhausted(status)) {
    // A timeout leaves the stream as it is.
    return status;
  }
  const absl::Duration delay = RetryDelay(status, ++failures_, client_.options().first_backoff);
  if (absl::Now() + delay >= deadline) {
    absl::SleepFor(std::max(absl::ZeroDuration(), deadline - absl::Now()));
    Connect();
    return status;
  }
  absl::SleepFor(delay);
  Connect();
  return absl::OkStatus();
}

void RewardSubscription::Ack(int64_t offset) {
  if (offset <= ack_offset_) return;
  ack_offset_ = offset;
  v1::StreamRewardsRequest request;
  request.set_ack_offset(offset);
  stream_->Write(request);
}

absl::Status RewardSubscription::Flush(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (committed_offset_ < ack_offset_) PROCTOR_RETURN_IF_ERROR(Receive(deadline));
  return absl::OkStatus();
}

}  // namespace proctor::client
