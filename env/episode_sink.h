// Where sessions put what is recorded. Implemented over trajectory/ by server/, in memory by tests.
#ifndef PROCTOR_ENV_EPISODE_SINK_H_
#define PROCTOR_ENV_EPISODE_SINK_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/episode.pb.h"
#include "proctor/v1/trajectory.pb.h"

namespace proctor::env {

// An answer to keep for retries of the same request, stored in the same transaction as what it answers.
struct Replay {
  // `{session id}/{the client's request id}`. Empty: nothing to keep.
  std::string request_id;
  // sha256 (hex) of the request's canonical bytes.
  std::string request_digest;
  // The serialized response, without pictures' bytes.
  std::string response;
};

// Thread-safe. All calls block until what they store is durable; a failure interrupts the episode, by the server's fault. But
// RESOURCE_EXHAUSTED with a retry hint (common/retry_hint.h) says that whose episode it is may store no more, and
// trajectory::RecordIsFull that the episode may not: that is not the server's fault.
// Pictures in the given messages carry their bytes; the sink stores them as blobs and drops the bytes from the record.
class EpisodeSink {
 public:
  virtual ~EpisodeSink() = default;

  // `header` has everything known at the start, the initial observation and evidence collected at the start.
  virtual absl::Status Begin(const CallContext& context, const v1::Trajectory& header,
                             const v1::Episode& episode, const Replay& replay) = 0;

  // `step.index` is the next one.
  virtual absl::Status Append(const CallContext& context, const std::string& episode_id,
                              const v1::Step& step, const Replay& replay) = 0;

  // Closes the record. `ending` has the end fields and the evidence collected at the end. `replay` replaces what Append
  // kept for the same request, when that step ended the episode.
  virtual absl::Status Finish(const CallContext& context, const std::string& episode_id,
                              const v1::Trajectory& ending, const v1::Episode& episode,
                              const Replay& replay) = 0;

  // Keeps an answer that changes no record.
  virtual absl::Status Keep(const CallContext& context, const Replay& replay) = 0;

  // Stores bytes (downloads) that a step of the episode names; returns their digest.
  virtual absl::StatusOr<std::string> PutBlob(const CallContext& context, const std::string& episode_id,
                                              const std::string& bytes) = 0;

  // The bytes of a blob, for replayed answers. NOT_FOUND if it is gone.
  virtual absl::StatusOr<std::string> GetBlob(const CallContext& context, const std::string& digest) = 0;

  // The answer kept for a request, if there is one.
  virtual absl::StatusOr<std::optional<Replay>> FindReplay(const CallContext& context,
                                                           const std::string& request_id) = 0;
};

}  // namespace proctor::env

#endif  // PROCTOR_ENV_EPISODE_SINK_H_
