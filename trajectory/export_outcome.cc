#include "trajectory/export_outcome.h"

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/status.h"
#include "trajectory/import_outcome.h"
#include "trajectory/trajectory_store.h"

namespace proctor::trajectory {
namespace {

// Damaged ones that a result names: the job's record holds them all.
constexpr int64_t kMaxNamed = 1'000;

}  // namespace

absl::StatusOr<std::string> ReadNamedBlob(const CallContext& context, Archive& archive, const v1::Trajectory& trajectory,
                                          const std::string& digest) {
  absl::StatusOr<std::string> bytes = archive.blobs().Get(context, digest);
  if (!absl::IsNotFound(bytes.status())) return bytes;
  const absl::StatusOr<v1::Trajectory> now = TrajectoryStore(archive).GetHeader(context, trajectory.name());
  if (!now.ok()) return now.status();
  if (now->has_thin_time() && !trajectory.has_thin_time()) {
    return absl::AbortedError(absl::StrCat(trajectory.name(), " was thinned meanwhile: export it again"));
  }
  return absl::DataLossError(absl::StrCat("blob ", digest, " is missing"));
}

LeftOut::LeftOut(Archive& archive, const ExportChoice& choice, v1::ExportTrajectoriesResult& result)
    : archive_(archive), choice_(choice), result_(result) {
  for (const std::string& name : choice.unreadable) Add(name, absl::DataLossError("its header cannot be read"));
}

bool LeftOut::Take(const std::string& name, const absl::Status& status) {
  if (choice_.damaged == ExportChoice::Damaged::kEnd) return false;
  if (!absl::IsDataLoss(status) && !absl::IsNotFound(status) && !absl::IsAborted(status)) return false;
  Add(name, status);
  return true;
}

void LeftOut::Add(const std::string& name, const absl::Status& status) {
  ++count_;
  if (absl::IsDataLoss(status)) archive_.unreadable().Note(name, std::string(status.message()));
  if (count_ <= kMaxNamed) (*result_.mutable_failed())[name] = FailureReason(status);
}

absl::Status CompleteExport(const std::string& folder, FolderWriter& writer, const Written& written, v1::ExportTrajectoriesResult& result) {
  result.set_size_bytes(writer.bytes());
  result.set_path(folder);
  if (written != nullptr) PROCTOR_RETURN_IF_ERROR(written(result));
  return writer.Complete();
}

void LogLeftOut(const ExportChoice& choice, const v1::ExportTrajectoriesResult& result) {
  if (choice.damaged == ExportChoice::Damaged::kEnd) return;
  const auto chosen = static_cast<int64_t>(choice.names.size() + choice.unreadable.size());
  if (result.exported() >= chosen) return;
  LogWarning("an export lacks some of the trajectories that were chosen: the job's result says why",
             {{"folder", result.path()}, {"left_out", absl::StrCat(chosen - result.exported())}, {"exported", absl::StrCat(result.exported())}});
}

}  // namespace proctor::trajectory
