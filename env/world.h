// The seam between sessions and worlds: what a driver (web, practice, null, ...) implements.
//
// A driver author's checklist:
//  - Calls on one World never overlap (a session runs them on its serial executor); no locks are needed for them.
//  - Block only under the given CallContext; return soon after cancellation.
//  - An action that cannot be done is an observation with `action_error`, OK status. A non-OK status from Act or Observe
//    means that the world itself failed: the episode ends interrupted (WORLD_FAULT), the session goes on with the next
//    Reset.
//  - A non-OK status from Reset: no episode begins, nothing is recorded, the session stays open. INVALID_ARGUMENT and
//    FAILED_PRECONDITION (the task does not fit) go to the client as they are; everything else, CANCELLED and
//    DEADLINE_EXCEEDED included, as UNAVAILABLE: the client may try again.
//  - `wait`, `noop`, `answer` and `give_up` never reach Act: the session does them, the same for all worlds. (Waits and noops of a
//    `sequence` do, where a world has sequences.) Targets given as `fraction` reach Act as points.
//  - Steps, limits, leases, recording, replayed requests, evidence at start and end: the session's, never the driver's.
//  - The suite of tests/env/world_contract.h must pass for it.
#ifndef PROCTOR_ENV_WORLD_H_
#define PROCTOR_ENV_WORLD_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "common/status.h"
#include "proctor/v1/action.pb.h"
#include "proctor/v1/environment.pb.h"
#include "proctor/v1/episode.pb.h"
#include "proctor/v1/observation.pb.h"
#include "proctor/v1/oracle.pb.h"
#include "proctor/v1/task.pb.h"

namespace proctor::env {

// What an episode starts from.
struct ResetSpec {
  // Start state, files, impossible flag, ... Placeholders not yet replaced.
  v1::Task task;
  // 0: not seeded.
  int64_t seed = 0;
};

// The world after Reset.
struct ResetResult {
  v1::Observation observation;
  // Base URLs by placeholder in force (`__SHOP__` to `http://...`).
  std::map<std::string, std::string> base_urls;
  // The seed in force; 0 if the world cannot be seeded.
  int64_t seed = 0;
};

// The world after an action. Pictures in observations carry their bytes (`data`) and digest.
struct ActResult {
  v1::Observation observation;
  // Why the episode ends with this step by the world's doing: WORLD_ENDED, LEFT_APP. UNSPECIFIED: it goes on.
  v1::EndReason world_end = v1::END_REASON_UNSPECIFIED;
  // What was acted on, for the record.
  std::optional<v1::Rect> target_box;
  std::optional<v1::Point> target_point;
  // Drags and swipes: where it was released.
  std::optional<v1::Point> release_point;
  std::optional<v1::Element> target_element;
  // Bytes of the observation's downloads, by digest: the session stores them before it records the step.
  std::map<std::string, std::string> blobs;
};

// One live world. Destroyed on the session's executor; the destructor frees everything, also after a fault.
class World {
 public:
  virtual ~World() = default;

  // Ends what ran before and brings the world to the task's start.
  virtual absl::StatusOr<ResetResult> Reset(const CallContext& context, const ResetSpec& spec,
                                            const v1::ObservationRequest& request) = 0;

  // Acts, waits until the world came to rest, observes.
  virtual absl::StatusOr<ActResult> Act(const CallContext& context, const v1::Action& action,
                                        const v1::ObservationRequest& request) = 0;

  // A look between steps, not recorded: what it tells of (dialogs, notices, ...) is told again by
  // the next step.
  virtual absl::StatusOr<v1::Observation> Observe(const CallContext& context,
                                                  const v1::ObservationRequest& request) = 0;

  // Observe, where it asks for no screenshot, takes microseconds and never blocks, as in a world that is nothing but memory of this process:
  // then it may run on the thread that brings the request, one of those that move everybody's data, instead of waking one of the pool's. Asked once, of a new world.
  virtual bool observes_at_once() const { return false; }

  // The observation of a step that leaves the world alone (`wait`, `noop`, a text that is no
  // action), recorded as that of any step is. Worlds without events need not care.
  virtual absl::StatusOr<ActResult> Idle(const CallContext& context,
                                         const v1::ObservationRequest& request) {
    ActResult result;
    PROCTOR_ASSIGN_OR_RETURN(result.observation, Observe(context, request));
    return result;
  }

  // Collects evidence without touching what the agent sees. One result a request, in order; a failure is recorded in
  // its result.
  virtual std::vector<v1::Evidence> Collect(const CallContext& context,
                                            const std::vector<v1::EvidenceRequest>& requests) = 0;

  // The episode is over: free what the next one does not need (browser contexts, site instances).
  virtual void EndEpisode() = 0;

  // The listener of the egress proxy that its pages go through: of no other world while this one lives, and the same all that time. 0: none.
  virtual uint16_t proxy_port() const { return 0; }

  // Time that an action takes without anything to do, waited for by the session without holding a thread.
  virtual absl::Duration ActionDelay() const { return absl::ZeroDuration(); }
};

// A kind of world with its configuration. Thread-safe.
class Environment {
 public:
  virtual ~Environment() = default;

  // Everything but `open_sessions` and `max_sessions`.
  virtual v1::Environment Describe() const = 0;

  // Checks the settings and fills in defaults. INVALID_ARGUMENT for what cannot be honoured.
  virtual absl::StatusOr<v1::EnvironmentSettings> ResolveSettings(
      const v1::EnvironmentSettings& settings) const = 0;

  // Opens a world for a session. UNAVAILABLE if it cannot start now.
  virtual absl::StatusOr<std::unique_ptr<World>> Open(const CallContext& context,
                                                      const v1::EnvironmentSettings& settings) = 0;
};

}  // namespace proctor::env

#endif  // PROCTOR_ENV_WORLD_H_
