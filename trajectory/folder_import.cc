#include "trajectory/folder_import.h"

#include <filesystem>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/status.h"
#include "storage/database.h"
#include "trajectory/blob_ledger.h"
#include "trajectory/folder_format.h"
#include "trajectory/import_outcome.h"
#include "trajectory/record_form.h"
#include "trajectory/record_tables.h"
#include "trajectory/trajectory_store.h"
#include "trajectory/untrusted_folder.h"

namespace proctor::trajectory {
namespace {

using storage::Transaction;

constexpr int64_t kMaxListBytes = 64 << 20;
// JSON is up to twice as long as what it says.
constexpr int64_t kMaxHeaderTextBytes = 2 * (kMaxTaskBytes + kMaxEvidenceBytes + kMaxHeaderBytes);
constexpr int64_t kMaxStepTextBytes = 2 * kMaxStepBytes;

enum class Outcome { kImported, kUnchanged };

// What a folder says, checked but for the blobs.
struct FolderRecord {
  v1::Trajectory header;
  std::vector<StepRow> steps;
  std::vector<std::string> named_blobs;
};

absl::Status ReadSteps(const UntrustedFolder& folder, FolderRecord& record,
                       v1::Trajectory& observations) {
  int64_t total = 0;
  return folder.ReadLines(kStepsFile, kMaxStepTextBytes, [&](std::string_view line) -> absl::Status {
    const int64_t index = static_cast<int64_t>(record.steps.size());
    v1::Step step;
    PROCTOR_RETURN_IF_ERROR(
        Annotate(MessageFromText(line, step), absl::StrCat(kStepsFile, " line ", index + 1)));
    if (step.index() != index) {
      return absl::InvalidArgumentError(
          absl::StrCat("step ", step.index(), " stands where step ", index, " belongs"));
    }
    if (!step.observation().screenshot().data().empty()) {
      return absl::InvalidArgumentError(absl::StrCat("step ", index, " has a picture's bytes"));
    }
    PROCTOR_RETURN_IF_ERROR(CheckStep(step));
    record.steps.push_back(MakeStepRow(step));
    total += static_cast<int64_t>(record.steps.back().bytes.size());
    if (total > kMaxAllStepsBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("the steps have more than ", kMaxAllStepsBytes, " bytes"));
    }
    // Only what names blobs is kept decoded.
    v1::Observation& kept = *observations.add_steps()->mutable_observation();
    kept.mutable_screenshot()->set_digest(step.observation().screenshot().digest());
    *kept.mutable_downloads() = step.observation().downloads();
    return absl::OkStatus();
  });
}

absl::StatusOr<FolderRecord> ReadRecord(const UntrustedFolder& folder) {
  FolderRecord record;
  PROCTOR_ASSIGN_OR_RETURN(const std::string text, folder.ReadFile(kHeaderFile, kMaxHeaderTextBytes));
  PROCTOR_RETURN_IF_ERROR(Annotate(MessageFromText(text, record.header), kHeaderFile));
  PROCTOR_RETURN_IF_ERROR(CheckHeader(record.header));
  const int version = record.header.format_version();
  if (version < kOldestFormatVersion || version > kFormatVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("the record has format version ", version, ", not ", kOldestFormatVersion, " to ", kFormatVersion));
  }
  if (!record.header.closed()) return absl::InvalidArgumentError("the record is open");
  if (!record.header.initial_observation().screenshot().data().empty()) {
    return absl::InvalidArgumentError("the header has a picture's bytes");
  }
  v1::Trajectory observations;
  *observations.mutable_initial_observation() = record.header.initial_observation();
  if (record.header.has_thin_time()) *observations.mutable_thin_time() = record.header.thin_time();
  PROCTOR_RETURN_IF_ERROR(ReadSteps(folder, record, observations));
  record.named_blobs = NamedBlobs(observations);
  if (record.header.step_count() != static_cast<int64_t>(record.steps.size())) {
    return absl::InvalidArgumentError(absl::StrCat("the record has ", record.steps.size(),
                                                   " steps and says ", record.header.step_count()));
  }
  std::vector<std::string> sha256s;
  for (const StepRow& step : record.steps) sha256s.push_back(step.sha256);
  if (record.header.digest() != TrajectoryDigest(record.header, sha256s)) {
    return absl::InvalidArgumentError("the record does not fit its digest: it was changed");
  }
  return record;
}

absl::Status ImportBlob(const CallContext& context, Archive& archive, const UntrustedFolder& folder,
                        const BlobEntry& entry) {
  const std::string name = BlobFileName(entry);
  if (entry.size_bytes > kMaxBlobBytes) {
    return absl::InvalidArgumentError(absl::StrCat(name, " is larger than ", kMaxBlobBytes));
  }
  PROCTOR_ASSIGN_OR_RETURN(const std::string bytes, folder.ReadFile(name, kMaxBlobBytes));
  const std::string expected = entry.content_digest.empty() ? entry.digest : entry.content_digest;
  if (static_cast<int64_t>(bytes.size()) != entry.size_bytes || Sha256Hex(bytes) != expected) {
    return absl::InvalidArgumentError(absl::StrCat(name, " does not fit its digest or size"));
  }
  if (!entry.content_digest.empty() && entry.content_digest != entry.digest) {
    return archive.blobs().Adopt(context, entry.digest, bytes);
  }
  return archive.blobs().Put(context, bytes).status();
}

absl::Status ImportBlobs(const CallContext& context, Archive& archive,
                         const UntrustedFolder& folder, const FolderRecord& record,
                         BlobPins& pins) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string text, folder.ReadFile(kBlobsFile, kMaxListBytes));
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<BlobEntry> entries, BlobListFromText(text));
  if (record.named_blobs.empty()) return absl::OkStatus();
  PROCTOR_ASSIGN_OR_RETURN(const auto blobs, folder.OpenFolder(kBlobsFolder));
  std::map<std::string, const BlobEntry*> by_digest;
  for (const BlobEntry& entry : entries) by_digest[entry.digest] = &entry;
  for (const std::string& digest : record.named_blobs) {
    if (!by_digest.contains(digest)) return absl::InvalidArgumentError(absl::StrCat("blobs.json lacks blob ", digest));
    PROCTOR_RETURN_IF_ERROR(pins.Add(context, digest));
  }
  // Noted first: the next one may be broken, and then no record names those before it.
  const absl::Time now = archive.clock().Now();
  PROCTOR_RETURN_IF_ERROR(
      archive.database().Write(context, [&](Transaction& transaction) { return NoteLoose(transaction, record.named_blobs, now); }));
  for (const std::string& digest : record.named_blobs) {
    PROCTOR_RETURN_IF_ERROR(ImportBlob(context, archive, *blobs, *by_digest.at(digest)));
  }
  return absl::OkStatus();
}

// `name` gets the record's.
absl::StatusOr<Outcome> ImportOne(const CallContext& context, Archive& archive,
                                  const UntrustedFolder& folder, const std::string& id,
                                  std::string& name) {
  PROCTOR_ASSIGN_OR_RETURN(const FolderRecord record, ReadRecord(folder));
  name = record.header.name();
  if (!id.empty() && name != ResourceName("trajectories", id)) {
    return absl::InvalidArgumentError(absl::StrCat("the record is ", record.header.name()));
  }
  PROCTOR_ASSIGN_OR_RETURN(const std::string own_id,
                           ResourceId("trajectories", record.header.name()));
  const auto known = TrajectoryStore(archive).GetHeader(context, record.header.name());
  if (known.ok() && known->digest() == record.header.digest()) return Outcome::kUnchanged;
  if (known.ok()) {
    return absl::AlreadyExistsError(
        absl::StrCat(record.header.name(), " is there with another digest"));
  }
  if (!absl::IsNotFound(known.status())) return known.status();
  BlobPins pins(archive.ledger());
  PROCTOR_RETURN_IF_ERROR(ImportBlobs(context, archive, folder, record, pins));
  PROCTOR_RETURN_IF_ERROR(
      archive.database().Write(context, [&](Transaction& transaction) -> absl::Status {
        PROCTOR_RETURN_IF_ERROR(
            InsertClosedRecord(transaction, own_id, record.header, record.steps));
        return InsertBlobs(transaction, own_id, record.named_blobs);
      }));
  return Outcome::kImported;
}

}  // namespace

absl::StatusOr<v1::ImportTrajectoriesResult> ImportTrajectories(const CallContext& context,
                                                                Archive& archive,
                                                                const std::string& folder,
                                                                const Progress& progress) {
  PROCTOR_ASSIGN_OR_RETURN(const auto root, UntrustedFolder::Open(folder));
  const absl::StatusOr<std::string> list = root->ReadFile(kExportFile, kMaxListBytes);
  // One folder of its own: its record says what id it has.
  std::vector<std::string> ids = {""};
  if (list.ok()) {
    PROCTOR_ASSIGN_OR_RETURN(ids, ExportListFromText(*list));
  } else if (!absl::IsNotFound(list.status()) || !root->ReadFile(kHeaderFile, kMaxHeaderTextBytes).ok()) {
    return Annotate(list.status(), "no export here");
  }
  v1::ImportTrajectoriesResult result;
  const int64_t total = static_cast<int64_t>(ids.size());
  for (int64_t i = 0; i < total; ++i) {
    PROCTOR_RETURN_IF_ERROR(context.Check("import"));
    const std::string& id = ids[static_cast<size_t>(i)];
    absl::StatusOr<Outcome> outcome = absl::UnknownError("");
    std::string name;
    if (id.empty()) {
      outcome = ImportOne(context, archive, *root, id, name);
    } else {
      const auto one = root->OpenFolder(id);
      outcome = one.ok() ? ImportOne(context, archive, **one, id, name) : one.status();
    }
    if (!outcome.ok() && EndsImport(outcome.status())) return outcome.status();
    if (!outcome.ok()) {
      const std::string key = id.empty() ? std::filesystem::path(folder).filename().string() : id;
      AddFailed(key, FailureReason(outcome.status()), result);
    } else if (*outcome == Outcome::kImported) {
      result.set_imported(result.imported() + 1);
    } else {
      result.set_unchanged(result.unchanged() + 1);
    }
    if (outcome.ok()) AddName(name, result);
    PROCTOR_RETURN_IF_ERROR(progress(i + 1, total));
  }
  return result;
}

}  // namespace proctor::trajectory
