// WebArena's own task files as a source of tasks.
#ifndef PROCTOR_SERVER_WEBARENA_SOURCE_H_
#define PROCTOR_SERVER_WEBARENA_SOURCE_H_

#include <string>

#include "absl/status/statusor.h"
#include "proctor/v1/task_service.pb.h"
#include "proposer/template_proposer.h"

namespace proctor::server {

// The tasks of `request.webarena`, with the request's splits and tags, at most `request.count` if
// it is set. `job` may be empty. Reads nothing but the request. INVALID_ARGUMENT names the task and
// the field.
absl::StatusOr<proposer::Proposal> ProposeFromWebArena(const v1::ProposeTasksRequest& request,
                                                       const std::string& job);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_WEBARENA_SOURCE_H_
