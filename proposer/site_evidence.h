// What a model is shown of a site: pictures, and what visitors did there.
#ifndef PROCTOR_PROPOSER_SITE_EVIDENCE_H_
#define PROCTOR_PROPOSER_SITE_EVIDENCE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "model/chat.h"
#include "proctor/v1/task_service.pb.h"
#include "proctor/v1/trajectory.pb.h"
#include "storage/blob_store.h"

namespace proctor::proposer {

// All of it was made by others: texts must be fenced, and pictures cannot be.
struct SiteEvidence {
  // A demonstration each: its goal, then a numbered line an action with the page it began at. At most 8 KiB.
  std::vector<std::string> visits;
  // The screenshots that were asked for, then up to three of each demonstration: its first, middle and last.
  std::vector<model::ImagePart> pictures;
};

// `demonstrations`: those that the source names, whole. The same records give the same evidence. Errors:
// FAILED_PRECONDITION a demonstration that is still being recorded; NOT_FOUND, DATA_LOSS a screenshot; those of the
// context.
absl::StatusOr<SiteEvidence> CollectEvidence(const CallContext& context, const v1::ModelSource& source,
                                             const std::vector<v1::Trajectory>& demonstrations,
                                             const storage::BlobStore& blobs);

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_SITE_EVIDENCE_H_
