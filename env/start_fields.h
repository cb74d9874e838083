// What of a task's start state a world takes, the same for all worlds: what it cannot do is refused, not ignored.
#ifndef PROCTOR_ENV_START_FIELDS_H_
#define PROCTOR_ENV_START_FIELDS_H_

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "proctor/v1/task.pb.h"

namespace proctor::env {

// `taken` are field names of StartState. INVALID_ARGUMENT names the first field that is set and not among them, and what
// `world` ("a phone") takes instead.
absl::Status CheckStartFields(const v1::StartState& start, const std::vector<std::string_view>& taken, std::string_view world);

}  // namespace proctor::env

#endif  // PROCTOR_ENV_START_FIELDS_H_
