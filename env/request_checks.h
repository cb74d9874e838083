// Checks of what clients ask of a session, the same for all worlds. All return OK or INVALID_ARGUMENT.
#ifndef PROCTOR_ENV_REQUEST_CHECKS_H_
#define PROCTOR_ENV_REQUEST_CHECKS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proctor/v1/action.pb.h"
#include "proctor/v1/environment.pb.h"
#include "proctor/v1/environment_service.pb.h"
#include "proctor/v1/episode.pb.h"

namespace proctor::env {

// What is read and kept of a text that an agent wrote. More is its own mistake, told to it, not to the program that passed it on.
constexpr size_t kMaxAgentTextBytes = 65536;

// The field name of the action's kind ("click"); empty if none is set.
std::string ActionKind(const v1::Action& action);

// How long a wait takes: what it asks for, 1 s where it asks for nothing.
absl::Duration WaitTime(const v1::Wait& wait);

// How long an action lasts because it asks to: waits, keys and fingers held down, and those of a sequence.
absl::Duration AskedTime(const v1::Action& action);

// `answer`, `give_up`, `wait` and `noop` are done by sessions, whatever the world.
bool IsSessionAction(const v1::Action& action);

// The kind is one of the environment's, required targets are set, sizes are within action.proto's limits.
absl::Status CheckAction(const v1::Action& action, const v1::Capabilities& capabilities);

// Parts that the environment has, options in range.
absl::Status CheckObservationRequest(const v1::ObservationRequest& request,
                                     const v1::Capabilities& capabilities);

// Everything about a step that can be told without the session's state, its size, too: what a record has no room for would end the episode once
// it was done. A text of an agent may have any length: see kMaxAgentTextBytes.
absl::Status CheckStepRequest(const v1::StepRequest& request, const v1::Capabilities& capabilities);

// At most 128 bytes.
absl::Status CheckRequestId(const std::string& request_id);

// At most 32 tags; keys of 1 to 128 bytes, values of at most 1,024: they are kept with every session, episode and reward.
absl::Status CheckClientTags(const google::protobuf::Map<std::string, std::string>& tags);

// Name and version have at most 128 bytes each, all of it 1,024: it is kept with every episode and reward.
absl::Status CheckPolicy(const v1::PolicyRef& policy);

// At most 16 KiB of settings: they are kept with the session. What they mean, its environment checks.
absl::Status CheckSettingsSize(const v1::EnvironmentSettings& settings);

// The smaller of each set limit; unset ones come from `defaults`, and what that leaves open from the product's
// defaults (30 steps, 10 minutes). Tasks and requests may set 1 to 10,000 steps and at most a day.
absl::StatusOr<v1::Limits> ResolveLimits(const v1::Limits& defaults, const v1::Limits& task,
                                         const v1::Limits& request);

}  // namespace proctor::env

#endif  // PROCTOR_ENV_REQUEST_CHECKS_H_
