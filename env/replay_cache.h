// Answers kept for retries of the same request.
#ifndef PROCTOR_ENV_REPLAY_CACHE_H_
#define PROCTOR_ENV_REPLAY_CACHE_H_

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "env/episode_sink.h"
#include "google/protobuf/message.h"

namespace proctor::env {

// The last answers of one session, in memory; older ones come from the sink's store. Not thread-safe: used on the
// session's executor.
class ReplayCache {
 public:
  // `sink` outlives the cache.
  ReplayCache(std::string session_id, EpisodeSink& sink);

  // The part of a replay that is known before the answer is; empty without a request id.
  Replay Prepare(const std::string& request_id, const google::protobuf::Message& request) const;

  // True if `response` was filled with the answer given before. INVALID_ARGUMENT: the id belongs to another request.
  absl::StatusOr<bool> Find(const CallContext& context, const Replay& replay,
                            google::protobuf::Message& response);

  // Keeps an answer (replay.response is set). Only the newest 64 stay in memory.
  void Keep(const Replay& replay);

 private:
  const std::string session_id_;
  EpisodeSink& sink_;
  std::map<std::string, Replay> recent_;
  std::deque<std::string> order_;
};

}  // namespace proctor::env

#endif  // PROCTOR_ENV_REPLAY_CACHE_H_
