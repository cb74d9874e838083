// Sessions' records, kept by trajectory/.
#ifndef PROCTOR_SERVER_EPISODE_RECORDER_H_
#define PROCTOR_SERVER_EPISODE_RECORDER_H_

#include <optional>
#include <string>

#include "env/episode_sink.h"
#include "storage/blob_store.h"
#include "trajectory/recorder.h"
#include "trajectory/replay_store.h"

namespace proctor::server {

// Thread-safe. All outlive the recorder.
class EpisodeRecorder final : public env::EpisodeSink {
 public:
  EpisodeRecorder(trajectory::Recorder& recorder, trajectory::ReplayStore& replays,
                  storage::BlobStore& blobs)
      : recorder_(recorder), replays_(replays), blobs_(blobs) {}

  absl::Status Begin(const CallContext& context, const v1::Trajectory& header, const v1::Episode& episode,
                     const env::Replay& replay) override;
  absl::Status Append(const CallContext& context, const std::string& episode_id, const v1::Step& step,
                      const env::Replay& replay) override;
  absl::Status Finish(const CallContext& context, const std::string& episode_id,
                      const v1::Trajectory& ending, const v1::Episode& episode,
                      const env::Replay& replay) override;
  absl::Status Keep(const CallContext& context, const env::Replay& replay) override;
  absl::StatusOr<std::string> PutBlob(const CallContext& context, const std::string& episode_id, const std::string& bytes) override;
  absl::StatusOr<std::string> GetBlob(const CallContext& context, const std::string& digest) override;
  absl::StatusOr<std::optional<env::Replay>> FindReplay(const CallContext& context,
                                                        const std::string& request_id) override;

 private:
  trajectory::Recorder& recorder_;
  trajectory::ReplayStore& replays_;
  storage::BlobStore& blobs_;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_EPISODE_RECORDER_H_
