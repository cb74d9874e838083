#include "server/auth/metered_sink.h"

#include <utility>

#include "common/ids.h"
#include "common/status.h"

namespace proctor::server {

std::shared_ptr<StorageMeter> MeteredSink::Find(const std::string& episode_id) {
  MutexLock lock(mutex_);
  const auto it = meters_.find(episode_id);
  return it == meters_.end() ? nullptr : it->second;
}

absl::Status MeteredSink::Begin(const CallContext& context, const v1::Trajectory& header, const v1::Episode& episode,
                                const env::Replay& replay) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("episodes", episode.name()));
  const auto meter = std::make_shared<StorageMeter>(quotas_, accounts_, TenantOfSession(episode.session()));
  const size_t bytes = header.ByteSizeLong();
  PROCTOR_RETURN_IF_ERROR(meter->Take(bytes));
  absl::Status begun = inner_.Begin(context, header, episode, replay);
  if (!begun.ok()) {
    meter->GiveBack(bytes);
    return begun;
  }
  MutexLock lock(mutex_);
  meters_[id] = meter;
  return begun;
}

absl::Status MeteredSink::Append(const CallContext& context, const std::string& episode_id, const v1::Step& step,
                                 const env::Replay& replay) {
  const auto meter = Find(episode_id);
  const size_t bytes = step.ByteSizeLong();
  if (meter != nullptr) PROCTOR_RETURN_IF_ERROR(meter->Take(bytes));
  absl::Status appended = inner_.Append(context, episode_id, step, replay);
  if (meter != nullptr && !appended.ok()) meter->GiveBack(bytes);
  return appended;
}

absl::StatusOr<std::string> MeteredSink::PutBlob(const CallContext& context, const std::string& episode_id, const std::string& bytes) {
  const auto meter = Find(episode_id);
  if (meter != nullptr) PROCTOR_RETURN_IF_ERROR(meter->Take(bytes.size()));
  auto digest = inner_.PutBlob(context, episode_id, bytes);
  if (meter != nullptr && !digest.ok()) meter->GiveBack(bytes.size());
  return digest;
}

absl::Status MeteredSink::Finish(const CallContext& context, const std::string& episode_id, const v1::Trajectory& ending,
                                 const v1::Episode& episode, const env::Replay& replay) {
  absl::Status finished = inner_.Finish(context, episode_id, ending, episode, replay);
  std::shared_ptr<StorageMeter> meter;
  {
    MutexLock lock(mutex_);
    const auto it = meters_.find(episode_id);
    if (it == meters_.end()) return finished;  // Not begun, or counted by an earlier try.
    meter = std::move(it->second);
    meters_.erase(it);
  }
  // What cannot be closed now, on a full disk, is closed later by somebody else: its steps are stored.
  meter->Settle(episode_id, ending.ByteSizeLong());
  return finished;
}

}  // namespace proctor::server
