// What EnvironmentService asks about episodes beyond their rows. Implemented by the pipeline.
#ifndef PROCTOR_SERVER_EPISODE_SOURCE_H_
#define PROCTOR_SERVER_EPISODE_SOURCE_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "proctor/v1/episode.pb.h"

namespace proctor::server {

// Thread-safe.
class EpisodeSource {
 public:
  using Done = std::function<void(absl::StatusOr<v1::Episode>)>;

  virtual ~EpisodeSource() = default;

  // Calls `done` once, with the episode `episodes/{id}` as soon as its verdict and reward are there, or as it stands after
  // `max_wait` or when `context` ends. Holds no thread; needs nothing of the caller once it is called. NOT_FOUND.
  virtual void Wait(CallContext context, const std::string& name, absl::Duration max_wait, Done done) = 0;

  // The same, but waits for oracles alone: also ends, as the episode stands, as soon as an evaluator that may ask a model has its turn.
  virtual void WaitForOracles(CallContext context, const std::string& name, absl::Duration max_wait, Done done) = 0;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_EPISODE_SOURCE_H_
