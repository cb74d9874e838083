// The form of a record: limits, redaction, the blobs it names, its canonical digest. Pure functions.
#ifndef PROCTOR_TRAJECTORY_RECORD_FORM_H_
#define PROCTOR_TRAJECTORY_RECORD_FORM_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "proctor/v1/observation.pb.h"
#include "proctor/v1/task.pb.h"
#include "proctor/v1/trajectory.pb.h"

namespace proctor::trajectory {

// Version of the records that this program writes: 2 since digests are a chain (digest_chain.h). It reads older ones, too.
inline constexpr int kFormatVersion = 2;
inline constexpr int kOldestFormatVersion = 1;
// Largest AgentData, serialized.
inline constexpr int64_t kMaxAgentDataBytes = 1 << 20;
// Largest task, serialized: it is kept with each of its episodes.
inline constexpr int64_t kMaxTaskBytes = 32 << 20;
// Most evidence of a record, serialized.
inline constexpr int64_t kMaxEvidenceBytes = 16 << 20;
// Largest header (everything but the steps) without task and evidence, serialized, without pictures. Most of it is the initial observation.
inline constexpr int64_t kMaxHeaderBytes = 24 << 20;
// What a record may have besides its steps: its task, evidence of its start and its end, and the rest of its header.
inline constexpr int64_t kMaxBesideSteps = kMaxTaskBytes + 2 * kMaxEvidenceBytes + kMaxHeaderBytes;
// Largest step, serialized, without pictures.
inline constexpr int64_t kMaxStepBytes = 48 << 20;
// Most steps of a record: as many as Limits.max_steps lets an episode have.
inline constexpr size_t kMaxSteps = 10'000;
// All steps of a record, as they are stored: records are read whole.
inline constexpr int64_t kMaxAllStepsBytes = 512 << 20;
// Largest picture or download.
inline constexpr int64_t kMaxBlobBytes = 256 << 20;

// INVALID_ARGUMENT, with the step and the field, if a limit is exceeded or a digest is malformed.
absl::Status CheckTask(const v1::Task& task);
absl::Status CheckStep(const v1::Step& step);
absl::Status CheckHeader(const v1::Trajectory& header);
// Of the evidence that is collected at the end.
absl::Status CheckEnding(const v1::Trajectory& ending);

// RESOURCE_EXHAUSTED: step `index` of the record does not fit, for all steps would have `bytes`, more than kMaxAllStepsBytes. Unlike on a
// full disk, waiting helps nobody: the episode is too large.
absl::Status RecordIsFull(const std::string& name, int64_t index, int64_t bytes);
// Whether a status is one of RecordIsFull.
bool SaysRecordIsFull(const absl::Status& status);

// Takes credentials out of the task's start state, and user names and passwords out of base URLs and of the URLs of task and oracle. Cookies,
// local storage, user names and passwords become "[redacted]"; origins stay.
void RedactCredentials(v1::Trajectory& header);

// A URL, or several in one text (" |AND| "), without user names and passwords; other text as it is.
std::string WithoutUserInfo(std::string_view urls);

// Observations at the end of a record whose blobs stay when it is thinned.
inline constexpr int64_t kThinKeeps = 3;
// Whether thinning deletes the blobs that only this observation of a record of `step_count` steps names: of the step of that index, -1 for
// the initial one.
bool ThinningTakes(int64_t step_index, int64_t step_count);

// Digests of the blobs that an observation names, in order, not empty ones.
std::vector<std::string> NamedBlobs(const v1::Observation& observation);
// Of the header and all its steps, as far as it is not thinned; each once, sorted.
std::vector<std::string> NamedBlobs(const v1::Trajectory& trajectory);

// sha256 of the step's canonical bytes: protobuf, fields by number, map entries sorted by key.
std::string StepSha256(const v1::Step& step);

// The digest of a closed trajectory, in the form that its `format_version` says (digest_chain.h).
std::string TrajectoryDigest(const v1::Trajectory& header, const std::vector<std::string>& step_sha256s);
std::string TrajectoryDigest(const v1::Trajectory& trajectory);

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_RECORD_FORM_H_
