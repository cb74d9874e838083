#include "trajectory/folder_export.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/status.h"
#include "common/strings.h"
#include "trajectory/export_outcome.h"
#include "trajectory/folder_format.h"
#include "trajectory/folder_writer.h"
#include "trajectory/record_form.h"
#include "trajectory/trajectory_store.h"

namespace proctor::trajectory {
namespace {

namespace fs = std::filesystem;

absl::StatusOr<std::vector<BlobEntry>> WriteBlobs(const CallContext& context, Archive& archive,
                                                  const v1::Trajectory& trajectory,
                                                  const std::string& base, FolderWriter& writer) {
  std::vector<BlobEntry> entries;
  for (const std::string& digest : NamedBlobs(trajectory)) {
    PROCTOR_ASSIGN_OR_RETURN(const std::string bytes,
                             ReadNamedBlob(context, archive, trajectory, digest));
    BlobEntry entry{.digest = digest,
                    .extension = ExtensionOf(bytes),
                    .size_bytes = static_cast<int64_t>(bytes.size()),
                    .content_digest = Sha256Hex(bytes)};
    if (entry.content_digest == digest) entry.content_digest.clear();
    PROCTOR_RETURN_IF_ERROR(writer.AddFile(
        absl::StrCat(base, "/", kBlobsFolder, "/", BlobFileName(entry)), bytes));
    entries.push_back(std::move(entry));
  }
  return entries;
}

// Into the folder `base`, which is there.
absl::Status WriteFiles(const CallContext& context, Archive& archive, v1::Trajectory trajectory,
                        const std::string& base, FolderWriter& writer) {
  PROCTOR_RETURN_IF_ERROR(writer.AddFolder(absl::StrCat(base, "/", kBlobsFolder)));
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<BlobEntry> blobs,
                           WriteBlobs(context, archive, trajectory, base, writer));
  PROCTOR_RETURN_IF_ERROR(
      writer.AddFile(absl::StrCat(base, "/", kBlobsFile), BlobListToText(blobs)));
  std::string steps;
  for (const v1::Step& step : trajectory.steps()) {
    absl::StrAppend(&steps, MessageToText(step, JsonLayout::kCompact), "\n");
  }
  PROCTOR_RETURN_IF_ERROR(writer.AddFile(absl::StrCat(base, "/", kStepsFile), steps));
  trajectory.clear_steps();
  return writer.AddFile(absl::StrCat(base, "/", kHeaderFile),
                        MessageToText(trajectory, JsonLayout::kIndented) + "\n");
}

// Leaves nothing behind of one that cannot be written.
absl::Status WriteOne(const CallContext& context, Archive& archive, const std::string& id,
                      FolderWriter& writer) {
  const std::string name = ResourceName("trajectories", id);
  PROCTOR_ASSIGN_OR_RETURN(v1::Trajectory trajectory,
                           TrajectoryStore(archive).Get(context, name));
  if (!trajectory.closed()) {
    return absl::FailedPreconditionError(absl::StrCat(name, " is still being recorded"));
  }
  PROCTOR_RETURN_IF_ERROR(writer.AddFolder(id));
  absl::Status written = WriteFiles(context, archive, std::move(trajectory), id, writer);
  if (!written.ok()) PROCTOR_RETURN_IF_ERROR(writer.RemoveFolder(id));
  return written;
}

// Without prefix, sorted, each once.
absl::StatusOr<std::vector<std::string>> IdsOf(const std::vector<std::string>& names) {
  std::vector<std::string> ids;
  for (const std::string& name : names) {
    PROCTOR_ASSIGN_OR_RETURN(std::string id, ResourceId("trajectories", name));
    ids.push_back(std::move(id));
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace

absl::StatusOr<std::string> ResolveExchangePath(const std::string& exchange_dir,
                                                const std::string& given) {
  std::string_view relative = given;
  // As an export's result names it.
  if (const std::string below = exchange_dir + "/"; relative.starts_with(below)) relative.remove_prefix(below.size());
  if (relative.empty() || relative.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError("the folder's name is empty or malformed");
  }
  std::string path = exchange_dir;
  for (const absl::string_view part : absl::StrSplit(ToAbsl(relative), '/')) {
    if (part.empty() || part == "." || part == "..") {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", ToAbsl(TruncateUtf8(relative, 200)), "' is not a path below the server's exchange directory, ", exchange_dir,
          ": give it relative to that"));
    }
    absl::StrAppend(&path, "/", part);
    std::error_code error;
    const fs::file_type type = fs::symlink_status(path, error).type();
    if (type == fs::file_type::symlink) return absl::FailedPreconditionError(absl::StrCat(path, " is a symbolic link"));
    if (error && type != fs::file_type::not_found) {
      return absl::InvalidArgumentError(absl::StrCat(ToAbsl(TruncateUtf8(path, 500)), " cannot be used: ", error.message()));
    }
  }
  return path;
}

absl::StatusOr<ExportChoice> ChooseForExport(const CallContext& context, Archive& archive,
                                             const v1::ExportTrajectoriesRequest& request) {
  if (request.names_size() > 0) {
    return ExportChoice{.names = {request.names().begin(), request.names().end()}};
  }
  v1::TrajectoryFilter filter = request.filter();
  filter.set_closed_only(true);
  if (filter.splits_size() == 0) filter.add_splits(v1::SPLIT_TRAIN);
  ExportChoice choice{.names = {}, .damaged = ExportChoice::Damaged::kLeftOut};
  std::string token;
  do {
    PROCTOR_ASSIGN_OR_RETURN(TrajectoryStore::Page page,
                             TrajectoryStore(archive).List(context, filter, 1'000, token));
    for (const v1::Trajectory& header : page.trajectories) choice.names.push_back(header.name());
    choice.unreadable.insert(choice.unreadable.end(), page.unreadable.begin(), page.unreadable.end());
    token = page.next_page_token;
  } while (!token.empty());
  std::reverse(choice.names.begin(), choice.names.end());
  return choice;
}

absl::StatusOr<v1::ExportTrajectoriesResult> ExportTrajectories(
    const CallContext& context, Archive& archive, const ExportChoice& choice,
    const std::string& folder, const Progress& progress, const Written& written) {
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> ids, IdsOf(choice.names));
  PROCTOR_ASSIGN_OR_RETURN(const auto writer, FolderWriter::Create(folder));
  v1::ExportTrajectoriesResult result;
  LeftOut left_out(archive, choice, result);
  int64_t done = left_out.count();
  const int64_t total = done + static_cast<int64_t>(ids.size());
  std::vector<std::string> exported;
  for (const std::string& id : ids) {
    PROCTOR_RETURN_IF_ERROR(context.Check("export"));
    const std::string name = ResourceName("trajectories", id);
    const absl::Status status = WriteOne(context, archive, id, *writer);
    if (status.ok()) {
      exported.push_back(id);
    } else if (!left_out.Take(name, status)) {
      return Annotate(status, name);
    }
    PROCTOR_RETURN_IF_ERROR(progress(++done, total));
  }
  if (!exported.empty()) {
    PROCTOR_RETURN_IF_ERROR(writer->AddFile(kExportFile, ExportListToText(exported)));
    result.set_exported(static_cast<int64_t>(exported.size()));
    PROCTOR_RETURN_IF_ERROR(CompleteExport(folder, *writer, written, result));
  }
  LogLeftOut(choice, result);
  return result;
}

}  // namespace proctor::trajectory
