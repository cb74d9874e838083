#include "trajectory/formats/store_run.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/status.h"
#include "imaging/image.h"
#include "storage/database.h"
#include "trajectory/blob_ledger.h"
#include "trajectory/record_form.h"
#include "trajectory/record_tables.h"
#include "trajectory/trajectory_store.h"

namespace proctor::trajectory::formats {
namespace {

constexpr size_t kDigestDigits = 26;

absl::Status CheckRecord(const v1::Trajectory& record) {
  v1::Trajectory header = record;
  header.clear_steps();
  PROCTOR_RETURN_IF_ERROR(CheckHeader(header));
  for (const v1::Step& step : record.steps()) PROCTOR_RETURN_IF_ERROR(CheckStep(step));
  return absl::OkStatus();
}

absl::Status StorePictures(const CallContext& context, Archive& archive, const RunFiles& files,
                           const Run& run, const std::vector<std::string>& digests,
                           BlobPins& pins) {
  for (const std::string& digest : digests) PROCTOR_RETURN_IF_ERROR(pins.Add(context, digest));
  // Noted first: the next one may be missing, and then no record names those before it.
  const absl::Time now = archive.clock().Now();
  PROCTOR_RETURN_IF_ERROR(
      archive.database().Write(context, [&](storage::Transaction& transaction) { return NoteLoose(transaction, digests, now); }));
  for (const std::string& digest : digests) {
    const auto picture = run.pictures.find(digest);
    if (picture == run.pictures.end()) {
      return absl::InvalidArgumentError(absl::StrCat("the run has no file with blob ", digest));
    }
    PROCTOR_ASSIGN_OR_RETURN(
        const std::string bytes,
        files.Read(picture->second, static_cast<int64_t>(imaging::kMaxEncodedBytes)));
    if (Sha256Hex(bytes) != digest) {
      return absl::InvalidArgumentError(
          absl::StrCat(picture->second, " changed while it was imported"));
    }
    PROCTOR_RETURN_IF_ERROR(archive.blobs().Put(context, bytes).status());
  }
  return absl::OkStatus();
}

std::string DigestInFormat(int version, v1::Trajectory record) {
  record.set_format_version(version);
  return TrajectoryDigest(record);
}

}  // namespace

v1::Trajectory RecordOf(const Run& run) {
  v1::Trajectory record = run.header;
  record.clear_name();
  record.clear_digest();
  record.set_step_count(static_cast<int32_t>(run.steps.size()));
  *record.mutable_steps() = {run.steps.begin(), run.steps.end()};
  // Ids begin with a letter or digit.
  const std::string prefix = absl::StrCat("import-", PlainNameOf(record.recorder()).substr(0, 40));
  // In the first format whatever comes later: a run keeps its name.
  const std::string content = DigestInFormat(kOldestFormatVersion, record);
  record.set_name(ResourceName("trajectories", absl::StrCat(prefix, "-", content.substr(0, kDigestDigits))));
  record.set_digest(TrajectoryDigest(record));
  return record;
}

absl::StatusOr<StoredRun> StoreRun(const CallContext& context, Archive& archive,
                                   const RunFiles& files, const Run& run) {
  v1::Trajectory record = RecordOf(run);
  PROCTOR_RETURN_IF_ERROR(CheckRecord(record));
  const auto known = TrajectoryStore(archive).GetHeader(context, record.name());
  if (known.ok() && known->digest() == DigestInFormat(known->format_version(), record)) {
    return StoredRun{.name = record.name(), .is_new = false};
  }
  if (known.ok()) {
    return absl::AlreadyExistsError(absl::StrCat(record.name(), " is there with another digest"));
  }
  if (!absl::IsNotFound(known.status())) return known.status();
  const std::vector<std::string> blobs = NamedBlobs(record);
  std::vector<StepRow> steps;
  for (const v1::Step& step : record.steps()) steps.push_back(MakeStepRow(step));
  record.clear_steps();
  BlobPins pins(archive.ledger());
  PROCTOR_RETURN_IF_ERROR(StorePictures(context, archive, files, run, blobs, pins));
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("trajectories", record.name()));
  PROCTOR_RETURN_IF_ERROR(
      archive.database().Write(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_RETURN_IF_ERROR(InsertClosedRecord(transaction, id, record, steps));
        return InsertBlobs(transaction, id, blobs);
      }));
  return StoredRun{.name = record.name(), .is_new = true};
}

}  // namespace proctor::trajectory::formats
