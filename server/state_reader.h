// Asks the rooms how they stand.
#ifndef PROCTOR_SERVER_STATE_READER_H_
#define PROCTOR_SERVER_STATE_READER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/call_context.h"
#include "common/mutex.h"
#include "env/session_manager.h"
#include "reward/consumers.h"
#include "reward/reward_log.h"
#include "server/auth/call_guard.h"
#include "server/episode_pipeline.h"
#include "server/job_runner.h"
#include "server/metered_pool.h"
#include "server/reloads.h"
#include "server/reward_counts.h"
#include "server/server_state.h"
#include "server/tracer.h"
#include "server/worlds.h"
#include "trajectory/archive.h"
#include "trajectory/recompress.h"

namespace proctor::server {

// Thread-safe.
class StateReader {
 public:
  // All outlive the reader.
  struct Parts {
    env::SessionManager& sessions;
    const Worlds& worlds;
    const EpisodePipeline& pipeline;
    reward::RewardLog& rewards;
    reward::Consumers& consumers;
    trajectory::Archive& archive;
    std::vector<const MeteredPool*> pools;
    const JobRunner& jobs;
    std::string data_dir;
    const CallGuard& guard;
    const Reloads& reloads;
    // Null: there are no traces.
    const Tracer* tracer = nullptr;
  };
  // Rewards are counted from the log's present end on.
  explicit StateReader(Parts parts);

  // What cannot be read in time (about two seconds) is as it was, or missing. Cost: a file system call or two, a read of the rewards that
  // came since the last time, one read a consumer that is behind.
  ServerState Read();

  // Why no new sessions are taken just now, for people; empty: they are. Quick.
  std::vector<std::string> FindNotReady() const;

  // The server drains.
  void SetDraining();
  void SetBlobs(const BlobSize& blobs);
  void AddRecompression(const trajectory::RecompressResult& result);

 private:
  void ReadConsumers(const CallContext& context, ServerState& state);

  const Parts parts_;
  RewardCounts rewards_;
  mutable Mutex mutex_;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<BlobSize> blobs_ ABSL_GUARDED_BY(mutex_);
  RecompressionTotals recompression_ ABSL_GUARDED_BY(mutex_);
};

// Whether something can be written in a directory: OK, or why not. Leaves nothing behind.
absl::Status CheckWritable(const std::string& directory);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_STATE_READER_H_
