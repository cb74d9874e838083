// Who is told what sessions do, for figures and traces. Implemented by server/.
#ifndef PROCTOR_ENV_SESSION_OBSERVER_H_
#define PROCTOR_ENV_SESSION_OBSERVER_H_

#include <string>

#include "absl/time/time.h"
#include "common/call_context.h"
#include "proctor/v1/episode.pb.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::env {

// A step that was recorded. References hold during the call only.
struct StepReport {
  // The call that asked for it.
  const CallContext& call;
  // "web"
  const std::string& environment_id;
  // When the call came; `timing.total` later its answer was ready.
  absl::Time arrival;
  const v1::StepTiming& timing;
  // Null where the world does not wait for rest.
  const v1::SettleReport* settle;
};

// Called on sessions' executors. Thread-safe; quick, and never blocks on the store.
class SessionObserver {
 public:
  virtual ~SessionObserver() = default;
  virtual void StepRecorded(const StepReport& report) = 0;
  // The episode is over: SERVER_FAULT where its end could not be recorded.
  virtual void EpisodeEnded(const std::string& environment_id, v1::EndReason reason) = 0;
};

}  // namespace proctor::env

#endif  // PROCTOR_ENV_SESSION_OBSERVER_H_
