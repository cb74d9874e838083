// Tasks that a model proposes, with everything that the server has.
#ifndef PROCTOR_SERVER_MODEL_PROPOSALS_H_
#define PROCTOR_SERVER_MODEL_PROPOSALS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/job.pb.h"
#include "proctor/v1/task_service.pb.h"
#include "server/data_directory.h"
#include "server/job_runner.h"
#include "server/models.h"
#include "server/propose_parts.h"

namespace proctor::server {

// What can be said of `request.model` before the job begins: INVALID_ARGUMENT a field, or a model that is not
// configured; FAILED_PRECONDITION no model is configured, or a demonstration is still being recorded; NOT_FOUND a
// screenshot or a demonstration.
absl::Status CheckModelProposal(const CallContext& context, const v1::ProposeTasksRequest& request,
                                const DataDirectory& data, const Models& models);

// The work of such a job; stores what it accepts, batch by batch, and tells what it cost so far. If it starts again,
// replies that had come are in the models' cache, and batches that were stored are not stored again. Errors: see
// proposer::ProposeFromModel; NOT_FOUND the environment.
absl::StatusOr<v1::ProposeTasksResult> ProposeByModel(const CallContext& context, const v1::Job& job,
                                                      const v1::ProposeTasksRequest& request, JobProgress& progress,
                                                      const ProposeParts& parts);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_MODEL_PROPOSALS_H_
