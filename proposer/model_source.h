// What a model is asked to propose tasks for, checked.
#ifndef PROCTOR_PROPOSER_MODEL_SOURCE_H_
#define PROCTOR_PROPOSER_MODEL_SOURCE_H_

#include <string>

#include "absl/status/statusor.h"
#include "proctor/v1/task_service.pb.h"

namespace proctor::proposer {

// `request.model` with its defaults filled in (but `model` and `filter.model`, which the server knows).
// INVALID_ARGUMENT names the field.
absl::StatusOr<v1::ModelSource> NormalizeModelSource(const v1::ProposeTasksRequest& request);

// The site that tasks of a normalized source are about; see SiteUrls::SiteName.
absl::StatusOr<std::string> SiteOf(const v1::ModelSource& source);

// "easy", "medium", "hard".
std::string DifficultyName(v1::TaskDifficulty difficulty);

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_MODEL_SOURCE_H_
