// What an ATIF document has no field for and carries in `extra.proctor`: records without the parts
// that do have one. Pure functions. The header is heavy (common/json.h): include it in .cc files
// only.
#ifndef PROCTOR_TRAJECTORY_FORMATS_ATIF_REMAINDER_H_
#define PROCTOR_TRAJECTORY_FORMATS_ATIF_REMAINDER_H_

#include "absl/status/statusor.h"
#include "common/json.h"
#include "proctor/v1/trajectory.pb.h"

namespace proctor::trajectory::formats {

// The record of a document that says nothing of its own: recorder "atif", ended by the client.
v1::Trajectory AtifHeader(v1::Split split);

// The header without what the document says elsewhere; null where nothing is left but what
// AtifHeader has.
Json HeaderRemainder(const v1::Trajectory& trajectory);
// A header to put the document's own fields into. INVALID_ARGUMENT. Names, digests, blobs and the
// end of steps are not believed.
absl::StatusOr<v1::Trajectory> HeaderFromRemainder(const Json& json);

// The same for a step; null where nothing is left.
Json StepRemainder(const v1::Step& step);
absl::StatusOr<v1::Step> StepFromRemainder(const Json& json);

// True if ATIF can say them: no id or count is negative (trainers pad with such), no cost is, and all of it is finite.
bool AreTokens(const google::protobuf::RepeatedField<int32_t>& ids);
bool IsPlainUsage(const v1::Usage& usage);
// True if JSON can carry them as numbers.
bool AreFinite(const google::protobuf::RepeatedField<float>& values);

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_ATIF_REMAINDER_H_
