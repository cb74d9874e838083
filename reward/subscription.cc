#include "reward/subscription.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/status.h"

namespace proctor::reward {
namespace {

constexpr int64_t kMaxCredits = 10'000;
constexpr int kMaxBatchRecords = 100;
// How far filtered records move the committed position without an ack of the client.
constexpr int64_t kSkippedWithoutAck = 1000;
// For one read or commit.
constexpr absl::Duration kStoreTimeout = absl::Seconds(30);

// Names the rewards whose payload does not fit the record.
absl::Status AddPayloadsTo(const CallContext& context, const PayloadLoader& load,
                           v1::RewardRecord& record, std::vector<std::string>& omitted) {
  int64_t bytes = static_cast<int64_t>(record.ByteSizeLong());
  const auto add = [&](v1::Reward& reward) -> absl::Status {
    const int64_t room = kMaxRecordBytes - bytes;
    absl::StatusOr<v1::TrajectoryPayload> payload = load(context, reward.trajectory(), room);
    if (absl::IsNotFound(payload.status())) return absl::OkStatus();
    if (absl::IsDataLoss(payload.status())) {
      // The reward is sound, and so are those behind it.
      LogWarning("a reward goes out without its payload: the record is damaged",
                 {{"trajectory", reward.trajectory()}, {"error", std::string(payload.status().message())}});
      return absl::OkStatus();
    }
    if (!payload.ok() && !absl::IsOutOfRange(payload.status())) return payload.status();
    const int64_t size = payload.ok() ? static_cast<int64_t>(payload->ByteSizeLong()) : room + 1;
    if (size > room) {
      omitted.push_back(reward.reward_id());
      return absl::OkStatus();
    }
    bytes += size;
    *reward.mutable_payload() = *std::move(payload);
    return absl::OkStatus();
  };
  if (record.has_reward()) return add(*record.mutable_reward());
  for (v1::Reward& reward : *record.mutable_group_complete()->mutable_rewards()) {
    PROCTOR_RETURN_IF_ERROR(add(reward));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PayloadsLeftOut> AddPayloads(
    const CallContext& context, const PayloadLoader& load,
    google::protobuf::RepeatedPtrField<v1::RewardRecord>& records) {
  PayloadsLeftOut left_out;
  if (!load) return left_out;
  int64_t bytes = 0;
  for (int i = 0; i < records.size(); ++i) {
    std::vector<std::string> omitted;
    const absl::Status added = AddPayloadsTo(context, load, records[i], omitted);
    // What is there goes out: the next read has all the time for the others.
    const bool late = i > 0 && absl::IsDeadlineExceeded(added);
    if (!late) PROCTOR_RETURN_IF_ERROR(added);
    bytes += static_cast<int64_t>(records[i].ByteSizeLong());
    if (late || (i > 0 && bytes > kMaxBatchBytes)) {
      records.DeleteSubrange(i, records.size() - i);
      left_out.cut = true;
      break;
    }
    left_out.omitted.insert(left_out.omitted.end(), omitted.begin(), omitted.end());
  }
  return left_out;
}

void Subscription::AddCredits(int32_t credits) {
  bool too_many = false;
  {
    MutexLock lock(mutex_);
    too_many = credits < 0 || credits_ + credits > kMaxCredits;
    if (!too_many) credits_ += credits;
  }
  if (too_many) {
    End(absl::InvalidArgumentError(
        absl::StrCat("credits are not negative, and at most ", kMaxCredits, " outstanding")));
  } else {
    Schedule();
  }
}

void Subscription::Ack(int64_t offset) {
  bool known = false;
  {
    MutexLock lock(mutex_);
    acked_ = std::max(acked_, offset);
    known = attached_ && offset > 0 && offset <= committed_;
    confirm_ack_ = confirm_ack_ || known;
  }
  if (known) Notify();
  Schedule();
}

void Subscription::Finish() {
  {
    MutexLock lock(mutex_);
    finishing_ = true;
  }
  Schedule();
}

std::optional<v1::StreamRewardsResponse> Subscription::Next() {
  std::optional<v1::StreamRewardsResponse> response;
  {
    MutexLock lock(mutex_);
    if (ended_ || (!batch_ && !confirm_ack_)) return std::nullopt;
    response = batch_ ? std::exchange(batch_, std::nullopt) : v1::StreamRewardsResponse();
    confirm_ack_ = false;
    response->set_committed_offset(committed_);
    response->set_end_offset(end_offset_);
  }
  Schedule();
  return response;
}

std::optional<absl::Status> Subscription::ended() const {
  MutexLock lock(mutex_);
  return ended_;
}

void Subscription::Close() {
  {
    MutexLock lock(mutex_);
    on_ready_ = nullptr;
  }
  End(absl::CancelledError("the client is gone"));
}

void Subscription::LogGrew(int64_t end_offset) {
  {
    MutexLock lock(mutex_);
    end_offset_ = std::max(end_offset_, end_offset);
  }
  Schedule();
}

void Subscription::End(absl::Status status) {
  {
    MutexLock lock(mutex_);
    if (ended_) return;
    ended_ = std::move(status);
    batch_.reset();
  }
  hub_.Forget(consumer_, this);
  Notify();
}

void Subscription::Notify() {
  std::function<void()> on_ready;
  {
    MutexLock lock(mutex_);
    on_ready = on_ready_;
  }
  if (on_ready) on_ready();
}

Subscription::Work Subscription::FindWork() const {
  if (ended_) return Work::kNone;
  if (!attached_) return Work::kAttach;
  if (acked_ > committed_) return Work::kCommit;
  // Next takes the confirmation, and then looks here again.
  if (finishing_) return confirm_ack_ ? Work::kNone : Work::kEnd;
  const bool all_acked = !batch_ && committed_ >= last_record_;
  if (all_acked && position_ - committed_ >= kSkippedWithoutAck) return Work::kCommit;
  if (!batch_ && credits_ > 0 && position_ < end_offset_) return Work::kRead;
  return Work::kNone;
}

void Subscription::Schedule() {
  {
    MutexLock lock(mutex_);
    if (running_ || FindWork() == Work::kNone) return;
    running_ = true;
  }
  hub_.pool_.Post([self = shared_from_this()] { self->RunOne(); });
}

void Subscription::RunOne() {
  const CallContext context = CallContext::WithTimeout(kStoreTimeout);
  Work work;
  {
    MutexLock lock(mutex_);
    work = FindWork();
  }
  absl::Status status;
  switch (work) {
    case Work::kAttach:
      status = Attach(context);
      break;
    case Work::kCommit:
      status = Commit(context);
      break;
    case Work::kRead:
      status = Read(context);
      break;
    case Work::kEnd:
      End(absl::OkStatus());
      break;
    case Work::kNone:
      break;
  }
  {
    MutexLock lock(mutex_);
    running_ = false;
  }
  if (!status.ok()) {
    End(std::move(status));
    return;
  }
  // One piece of work a task: many streams share the pool fairly.
  Schedule();
}

absl::Status Subscription::Attach(const CallContext& context) {
  PROCTOR_ASSIGN_OR_RETURN(ConsumerPosition position, hub_.consumers_.Attach(context, consumer_));
  bool known = false;
  {
    MutexLock lock(mutex_);
    attached_ = true;
    filter_ = std::move(position.filter);
    epoch_ = position.epoch;
    position_ = last_record_ = committed_ = position.committed;
    end_offset_ = std::max(end_offset_, position.end_offset);
    known = acked_ > 0 && acked_ <= committed_;
    confirm_ack_ = confirm_ack_ || known;
  }
  if (known) Notify();
  return absl::OkStatus();
}

absl::Status Subscription::Commit(const CallContext& context) {
  int64_t target = 0;
  int64_t epoch = 0;
  bool asked = false;
  {
    MutexLock lock(mutex_);
    asked = acked_ > committed_;
    target = std::max(acked_, committed_);
    // Everything delivered is safe: what the filter left out behind it is done, too.
    if (!batch_ && target >= last_record_) target = std::max(target, position_);
    epoch = epoch_;
  }
  PROCTOR_ASSIGN_OR_RETURN(const int64_t committed,
                           hub_.consumers_.Commit(context, consumer_, epoch, target));
  {
    MutexLock lock(mutex_);
    // A seek moved the position since: this stream's acks count no more.
    if (committed < target)
      return absl::AbortedError(absl::StrCat(consumer_, " was moved by a seek"));
    committed_ = committed;
    acked_ = std::max(acked_, committed);
    // Acknowledged before it was sent: the client has it from an earlier stream.
    position_ = std::max(position_, committed);
    confirm_ack_ = confirm_ack_ || asked;
  }
  if (asked) Notify();
  return absl::OkStatus();
}

absl::Status Subscription::Read(const CallContext& context) {
  int64_t after = 0;
  ReadLimits limits{.max_records = kMaxBatchRecords, .max_bytes = kMaxBatchBytes};
  v1::ConsumerFilter filter;
  {
    MutexLock lock(mutex_);
    after = position_;
    limits.max_records = static_cast<int>(std::min<int64_t>(credits_, kMaxBatchRecords));
    filter = filter_;
  }
  PROCTOR_ASSIGN_OR_RETURN(LogBatch read, hub_.log_.Read(context, after, filter, limits));
  v1::StreamRewardsResponse response;
  for (v1::RewardRecord& record : read.records) *response.add_records() = std::move(record);
  if (filter.include_payload()) {
    PROCTOR_ASSIGN_OR_RETURN(
        const PayloadsLeftOut left_out,
        AddPayloads(context, hub_.load_payload_, *response.mutable_records()));
    if (left_out.cut) read.next_after_offset = response.records().rbegin()->offset();
    response.mutable_payloads_omitted()->Assign(left_out.omitted.begin(), left_out.omitted.end());
  }
  const bool any = !response.records().empty();
  {
    MutexLock lock(mutex_);
    position_ = read.next_after_offset;
    end_offset_ = std::max(end_offset_, read.end_offset);
    if (any) {
      credits_ -= response.records_size();
      last_record_ = response.records().rbegin()->offset();
      batch_ = std::move(response);
    }
  }
  if (any) Notify();
  return absl::OkStatus();
}

SubscriptionHub::SubscriptionHub(RewardLog& log, Consumers& consumers, Executor& pool,
                                 PayloadLoader load_payload)
    : log_(log), consumers_(consumers), pool_(pool), load_payload_(std::move(load_payload)) {
  listener_ = log_.AddListener([this](int64_t end_offset) {
    std::vector<std::shared_ptr<Subscription>> streams;
    {
      MutexLock lock(mutex_);
      for (const auto& [consumer, stream] : streams_) streams.push_back(stream);
    }
    for (const auto& stream : streams) stream->LogGrew(end_offset);
  });
  consumers_.OnDeleted([this](const std::string& consumer) {
    std::shared_ptr<Subscription> stream;
    {
      MutexLock lock(mutex_);
      if (const auto it = streams_.find(consumer); it != streams_.end()) stream = it->second;
    }
    if (stream) stream->End(absl::NotFoundError(absl::StrCat(consumer, " was deleted")));
  });
}

SubscriptionHub::~SubscriptionHub() {
  consumers_.OnDeleted(nullptr);
  log_.RemoveListener(listener_);
  EndAll(absl::UnavailableError("the server stops; reconnect"));
}

std::shared_ptr<Subscription> SubscriptionHub::Open(const std::string& consumer,
                                                    std::function<void()> on_ready) {
  std::shared_ptr<Subscription> stream(
      new Subscription(*this, consumer, std::move(on_ready)));
  std::shared_ptr<Subscription> previous;
  std::optional<absl::Status> refused;
  {
    MutexLock lock(mutex_);
    refused = ended_;
    if (!refused) {
      previous = std::exchange(streams_[consumer], stream);
      consumers_.SetConnected(consumer, true);
    }
  }
  if (refused) {
    stream->End(*refused);
    return stream;
  }
  if (previous) {
    previous->End(absl::AbortedError(absl::StrCat("another stream of ", consumer, " took over")));
  }
  stream->Schedule();
  return stream;
}

void SubscriptionHub::EndAll(const absl::Status& status) {
  std::map<std::string, std::shared_ptr<Subscription>> streams;
  {
    MutexLock lock(mutex_);
    ended_ = status;
    streams = streams_;
  }
  for (const auto& [consumer, stream] : streams) stream->End(status);
}

void SubscriptionHub::Forget(const std::string& consumer, const Subscription* subscription) {
  std::shared_ptr<Subscription> keep_alive;
  MutexLock lock(mutex_);
  const auto it = streams_.find(consumer);
  if (it == streams_.end() || it->second.get() != subscription) return;
  keep_alive = std::move(it->second);
  streams_.erase(it);
  consumers_.SetConnected(consumer, false);
}

}  // namespace proctor::reward
