#include "server/reward_counts.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace proctor::server {
namespace {

v1::ConsumerFilter AllSplits(v1::Delivery delivery) {
  v1::ConsumerFilter filter;
  for (const v1::Split split : {v1::SPLIT_TRAIN, v1::SPLIT_VALIDATION, v1::SPLIT_TEST}) filter.add_splits(split);
  filter.set_delivery(delivery);
  return filter;
}

std::pair<std::string, std::string> KindOf(const v1::Reward& reward) {
  if (reward.status() == v1::REWARD_STATUS_VALID) return {"valid", ""};
  return {"masked", absl::AsciiStrToLower(absl::StripPrefix(v1::MaskReason_Name(reward.mask_reason()), "MASK_REASON_"))};
}

}  // namespace

RewardCounts::RewardCounts(reward::RewardLog& log, storage::UnreadableRecords& unreadable)
    : log_(log), unreadable_(unreadable), up_to_(log.end_offset()) {}

RewardCounts::Counted RewardCounts::Update(const CallContext& context) {
  MutexLock lock(mutex_);
  while (Advance(context)) {
  }
  return counted_;
}

bool RewardCounts::Advance(const CallContext& context) {
  const auto batch = log_.Read(context, up_to_, AllSplits(v1::DELIVERY_EACH), {.max_records = 1000, .max_bytes = 64 << 20});
  if (absl::IsOutOfRange(batch.status())) return SkipTrimmed(context);
  if (absl::IsDataLoss(batch.status()) && up_to_ < log_.end_offset()) {
    SkipDamaged(context);
    return true;
  }
  if (!batch.ok()) return false;
  counted_.end = batch->end_offset;
  counted_.floor = batch->floor_offset;
  for (const v1::RewardRecord& record : batch->records) {
    if (record.has_reward()) ++counted_.rewards[KindOf(record.reward())];
  }
  if (batch->next_after_offset == up_to_) return false;
  up_to_ = batch->next_after_offset;
  return up_to_ < batch->end_offset;
}

bool RewardCounts::SkipTrimmed(const CallContext& context) {
  const auto end = log_.Read(context, log_.end_offset(), AllSplits(v1::DELIVERY_EACH), {.max_records = 1});
  if (!end.ok() || end->floor_offset <= up_to_) return false;
  up_to_ = end->floor_offset;
  return true;
}

void RewardCounts::SkipDamaged(const CallContext& context) {
  const auto next = log_.Read(context, up_to_, AllSplits(v1::DELIVERY_GROUPS), {.max_records = 1});
  ++up_to_;
  // A sound one of a group, which is not counted, and the damaged one is behind it.
  if (next.ok() && !next->records.empty() && next->records[0].offset() == up_to_) return;
  unreadable_.Note(absl::StrCat("record ", up_to_, " of the reward log"), "it cannot be read, and is not counted");
}

}  // namespace proctor::server
