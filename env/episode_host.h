// What sessions need to know from the rest of the server. Implemented by server/, in memory by tests.
#ifndef PROCTOR_ENV_EPISODE_HOST_H_
#define PROCTOR_ENV_EPISODE_HOST_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/environment_service.pb.h"
#include "proctor/v1/oracle.pb.h"
#include "proctor/v1/task.pb.h"

namespace proctor::env {

// Thread-safe. Called on sessions' executors; may block on the store.
class EpisodeHost {
 public:
  virtual ~EpisodeHost() = default;

  // The task of an episode that is about to start, taken into its group if it names one. NOT_FOUND no such task or
  // group; FAILED_PRECONDITION the task cannot be attempted or the group is full.
  virtual absl::StatusOr<v1::Task> Admit(const CallContext& context,
                                         const v1::StartEpisodeRequest& request,
                                         const std::string& episode_id) = 0;

  // The episode did not start after all: gives its place in the group back.
  virtual void Abandon(const v1::StartEpisodeRequest& request, const std::string& episode_id) = 0;

  // What the task's evaluator needs from the live world, at the start (already-solved guard) or at the end.
  virtual std::vector<v1::EvidenceRequest> RequiredEvidence(const v1::Task& task, bool at_start) = 0;

  // The episode's record is closed: it may be judged. Must not block.
  virtual void Closed(const std::string& episode_id) = 0;

  // The episode is over, but its record could not be closed (a full disk): the host closes it when it can, as interrupted for this reason.
  // Must not block.
  virtual void NotClosed(const std::string& episode_id, v1::EndReason reason, const std::string& message) = 0;
};

}  // namespace proctor::env

#endif  // PROCTOR_ENV_EPISODE_HOST_H_
