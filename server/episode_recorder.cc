#include "server/episode_recorder.h"

#include "common/status.h"

namespace proctor::server {
namespace {

trajectory::Replay ToRow(const env::Replay& replay) {
  return {.request_id = replay.request_id,
          .request_digest = replay.request_digest,
          .response = replay.response};
}

}  // namespace

absl::Status EpisodeRecorder::Begin(const CallContext& context, const v1::Trajectory& header,
                                    const v1::Episode& episode, const env::Replay& replay) {
  return recorder_.Begin(context, header, episode, ToRow(replay));
}

absl::Status EpisodeRecorder::Append(const CallContext& context, const std::string& episode_id,
                                     const v1::Step& step, const env::Replay& replay) {
  return recorder_.Append(context, episode_id, step, ToRow(replay));
}

absl::Status EpisodeRecorder::Finish(const CallContext& context, const std::string& episode_id,
                                     const v1::Trajectory& ending, const v1::Episode& episode,
                                     const env::Replay& replay) {
  return recorder_.Finish(context, episode_id, ending, episode, ToRow(replay)).status();
}

absl::Status EpisodeRecorder::Keep(const CallContext& context, const env::Replay& replay) {
  return replays_.Save(context, ToRow(replay));
}

absl::StatusOr<std::string> EpisodeRecorder::PutBlob(const CallContext& context, const std::string&, const std::string& bytes) {
  return recorder_.PutBlob(context, bytes);
}

absl::StatusOr<std::string> EpisodeRecorder::GetBlob(const CallContext& context, const std::string& digest) {
  return blobs_.Get(context, digest);
}

absl::StatusOr<std::optional<env::Replay>> EpisodeRecorder::FindReplay(const CallContext& context,
                                                                       const std::string& request_id) {
  PROCTOR_ASSIGN_OR_RETURN(const auto row, replays_.Find(context, request_id));
  if (!row) return std::nullopt;
  return env::Replay{
      .request_id = row->request_id, .request_digest = row->request_digest, .response = row->response};
}

}  // namespace proctor::server
