#include "server/auth/metered_sink.h"

#include "common/ids.h"
#include "common/status.h"

namespace proctor::server {

void MeteredSink::Count(const std::string& episode_id, size_t bytes) {
  MutexLock lock(mutex_);
  bytes_[episode_id] += static_cast<int64_t>(bytes);
}

absl::Status MeteredSink::Begin(const CallContext& context, const v1::Trajectory& header, const v1::Episode& episode,
                                const env::Replay& replay) {
  PROCTOR_RETURN_IF_ERROR(inner_.Begin(context, header, episode, replay));
  if (const auto id = ResourceId("episodes", episode.name()); id.ok()) Count(*id, header.ByteSizeLong());
  return absl::OkStatus();
}

absl::Status MeteredSink::Append(const CallContext& context, const std::string& episode_id, const v1::Step& step,
                                 const env::Replay& replay) {
  PROCTOR_RETURN_IF_ERROR(inner_.Append(context, episode_id, step, replay));
  Count(episode_id, step.ByteSizeLong());
  return absl::OkStatus();
}

absl::Status MeteredSink::Finish(const CallContext& context, const std::string& episode_id, const v1::Trajectory& ending,
                                 const v1::Episode& episode, const env::Replay& replay) {
  absl::Status finished = inner_.Finish(context, episode_id, ending, episode, replay);
  int64_t bytes = static_cast<int64_t>(ending.ByteSizeLong());
  {
    MutexLock lock(mutex_);
    const auto it = bytes_.find(episode_id);
    if (it == bytes_.end()) return finished;  // Not begun, or counted by an earlier try.
    bytes += it->second;
    bytes_.erase(it);
  }
  // What cannot be closed now, on a full disk, is closed later by somebody else: its steps are stored.
  accounts_.AddEpisode(TenantOfSession(episode.session()), episode_id, bytes);
  return finished;
}

}  // namespace proctor::server
