// A CreateSession on its way: from the request that came to the session that answers it.
#ifndef PROCTOR_ENV_SESSION_OPENING_H_
#define PROCTOR_ENV_SESSION_OPENING_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/call_context.h"
#include "env/session.h"
#include "proctor/v1/environment_service.pb.h"

namespace proctor::env {

struct SessionOpening {
  CallContext context;
  v1::CreateSessionRequest request;
  std::string tenant;
  double share = 1;
  // Counted by `admission`.
  bool counted = false;
  v1::EnvironmentSettings settings;
  std::string environment_id;
  absl::Duration lease;
  std::string digest;
  // The rest under the manager's mutex, once others know of it. Who waits for the answer: the request, first, and those that repeat it.
  std::vector<Done<v1::Session>> done;
  // Answered: either on its way to a world or given up.
  bool left_queue = false;
  // What ends a wait for a place; 0: nothing does.
  uint64_t timer = 0;
  uint64_t cancel_callback = 0;
};

using SessionOpeningPtr = std::shared_ptr<SessionOpening>;

}  // namespace proctor::env

#endif  // PROCTOR_ENV_SESSION_OPENING_H_
