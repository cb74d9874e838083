#include "trajectory/formats/export_runs.h"

#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "imaging/image.h"
#include "trajectory/export_outcome.h"
#include "trajectory/folder_writer.h"
#include "trajectory/formats/difference.h"
#include "trajectory/formats/find_runs.h"
#include "trajectory/formats/read_runs.h"
#include "trajectory/formats/run_writer.h"
#include "trajectory/formats/store_run.h"
#include "trajectory/import_outcome.h"
#include "trajectory/trajectory_store.h"

namespace proctor::trajectory::formats {
namespace {

std::unique_ptr<RunWriter> WriterOf(v1::TrajectoryFormat format, WriterParts parts) {
  switch (format) {
    case v1::TRAJECTORY_FORMAT_WEBVOYAGER:
      return NewWebVoyagerWriter(parts);
    case v1::TRAJECTORY_FORMAT_ONLINE_MIND2WEB:
      return NewOnlineMind2WebWriter(parts);
    case v1::TRAJECTORY_FORMAT_ATIF:
      return NewAtifWriter(parts);
    case v1::TRAJECTORY_FORMAT_AER:
      return NewAerWriter(parts);
    default:
      return nullptr;
  }
}

absl::StatusOr<v1::Trajectory> Closed(const CallContext& context, Archive& archive,
                                      const std::string& name) {
  PROCTOR_ASSIGN_OR_RETURN(v1::Trajectory trajectory, TrajectoryStore(archive).Get(context, name));
  if (trajectory.closed()) return trajectory;
  return absl::FailedPreconditionError(absl::StrCat(name, " is still being recorded"));
}

// Readers refuse what is no picture; a client may have recorded anything.
absl::Status CheckPictures(const CallContext& context, Archive& archive,
                           const v1::Trajectory& trajectory) {
  if (trajectory.has_thin_time()) {
    return absl::FailedPreconditionError("retention took its early screenshots: only Proctor's own format can leave them out");
  }
  const auto check = [&](const v1::Observation& observation) -> absl::Status {
    const std::string& digest = observation.screenshot().digest();
    if (digest.empty()) return absl::OkStatus();
    PROCTOR_ASSIGN_OR_RETURN(const std::string bytes,
                             ReadNamedBlob(context, archive, trajectory, digest));
    const absl::Status probed = imaging::Probe(bytes).status();
    if (probed.ok()) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("screenshot ", digest, ": ", probed.message()));
  };
  PROCTOR_RETURN_IF_ERROR(check(trajectory.initial_observation()));
  for (const v1::Step& step : trajectory.steps()) {
    PROCTOR_RETURN_IF_ERROR(check(step.observation()));
  }
  return absl::OkStatus();
}

// Compares what is read with the records it was written from.
class ComparingSink final : public RunSink {
 public:
  // `names`: of the records, by label.
  ComparingSink(const CallContext& context, Archive& archive,
                std::map<std::string, std::string> names)
      : context_(context), archive_(archive), names_(std::move(names)) {}

  void Expect(int64_t) override {}

  absl::Status Take(const RunFiles&, const std::string& label, absl::StatusOr<Run> run) override {
    PROCTOR_RETURN_IF_ERROR(context_.Check("export"));
    const auto name = names_.find(label);
    if (name == names_.end()) {
      return absl::InternalError(absl::StrCat("the export holds ", label, ", which nobody wrote"));
    }
    if (!run.ok()) {
      unreadable_[name->second] = std::string(run.status().message());
      names_.erase(name);
      return absl::OkStatus();
    }
    PROCTOR_ASSIGN_OR_RETURN(const v1::Trajectory original,
                             Closed(context_, archive_, name->second));
    AddDifferences(original, RecordOf(*run), label, skips_);
    names_.erase(name);
    return absl::OkStatus();
  }

  void Skip(const std::string& label, const SkipList& skips) override {
    skips_.AddAll(skips, label);
  }

  absl::Status CheckAllRead() const {
    if (names_.empty()) return absl::OkStatus();
    return absl::InternalError(absl::StrCat("the export lacks ", names_.begin()->second));
  }
  const SkipList& skips() const { return skips_; }
  // What the writer wrote and the reader refuses, with the reason: by the names of the records.
  const std::map<std::string, std::string>& unreadable() const { return unreadable_; }

 private:
  const CallContext& context_;
  Archive& archive_;
  std::map<std::string, std::string> names_;
  SkipList skips_;
  std::map<std::string, std::string> unreadable_;
};

// Returns the records whose runs cannot be read, with the reason.
absl::StatusOr<std::map<std::string, std::string>> ReadBack(const CallContext& context, Archive& archive, const std::string& folder,
                                                            v1::TrajectoryFormat format, std::map<std::string, std::string> names,
                                                            v1::ExportTrajectoriesResult& result) {
  PROCTOR_ASSIGN_OR_RETURN(const RunFiles root, RunFiles::Open(folder));
  PROCTOR_ASSIGN_OR_RETURN(const FoundRuns found, FindRuns(context, root, format));
  ComparingSink sink(context, archive, std::move(names));
  for (const Place& place : found.places) {
    PROCTOR_RETURN_IF_ERROR(ReadPlace(context, root, place, "", v1::SPLIT_TEST, sink));
  }
  PROCTOR_RETURN_IF_ERROR(sink.CheckAllRead());
  sink.skips().CopyTo(*result.mutable_skipped());
  result.set_skipped_count(sink.skips().total());
  return sink.unreadable();
}

// Writes all; returns the names by label. The result gets those that the format cannot carry, and
// those that are left out.
absl::StatusOr<std::map<std::string, std::string>> WriteAll(
    const CallContext& context, Archive& archive, const ExportChoice& choice, RunWriter& writer,
    const Progress& progress, v1::ExportTrajectoriesResult& result) {
  std::map<std::string, std::string> by_label;
  absl::Status refused;
  LeftOut left_out(archive, choice, result);
  const std::set<std::string> names(choice.names.begin(), choice.names.end());
  int64_t done = left_out.count();
  const int64_t total = done + static_cast<int64_t>(names.size());
  for (const std::string& name : names) {
    PROCTOR_RETURN_IF_ERROR(context.Check("export"));
    const absl::StatusOr<v1::Trajectory> trajectory = Closed(context, archive, name);
    const absl::Status checked =
        trajectory.ok() ? CheckPictures(context, archive, *trajectory) : trajectory.status();
    const absl::StatusOr<std::string> label =
        checked.ok() ? writer.Add(context, *trajectory) : checked;
    if (label.ok()) {
      by_label[*label] = name;
    } else if (trajectory.ok() && absl::IsFailedPrecondition(label.status())) {
      refused = Annotate(label.status(), name);
      (*result.mutable_failed())[name] = FailureReason(label.status());
    } else if (checked.ok() || !left_out.Take(name, checked)) {  // Else half of it may be written.
      return Annotate(label.status(), name);
    }
    PROCTOR_RETURN_IF_ERROR(progress(++done, total));
  }
  if (by_label.empty() && !refused.ok()) return refused;
  PROCTOR_RETURN_IF_ERROR(writer.Finish());
  return by_label;
}

// The records whose runs could not be read, with the reason.
using Unreadable = std::map<std::string, std::string>;

struct Export {
  const CallContext& context;
  Archive& archive;
  const std::string& folder;
  v1::TrajectoryFormat format;
  const Progress& progress;
  const Written& written;
};

// Writes the folder, reads it and completes it; not if something in it is unreadable. `before`: what was so the last time, and is not in
// `choice` any more.
absl::StatusOr<v1::ExportTrajectoriesResult> TryExport(const Export& wanted, const ExportChoice& choice, const Unreadable& before,
                                                       Unreadable& unreadable) {
  PROCTOR_ASSIGN_OR_RETURN(const auto files, FolderWriter::Create(wanted.folder));
  const auto writer = WriterOf(wanted.format, {.blobs = wanted.archive.blobs(), .folder = *files});
  if (writer == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("no writer of format ", FormatLabel(wanted.format)));
  }
  v1::ExportTrajectoriesResult result;
  PROCTOR_ASSIGN_OR_RETURN(auto by_label, WriteAll(wanted.context, wanted.archive, choice, *writer, wanted.progress, result));
  for (const auto& [name, reason] : before) (*result.mutable_failed())[name] = "cannot be read in this format: " + reason;
  if (by_label.empty()) return result;
  result.set_exported(static_cast<int64_t>(by_label.size()));
  PROCTOR_ASSIGN_OR_RETURN(
      unreadable, ReadBack(wanted.context, wanted.archive, files->partial(), wanted.format, std::move(by_label), result));
  if (!unreadable.empty()) return result;
  PROCTOR_RETURN_IF_ERROR(CompleteExport(wanted.folder, *files, wanted.written, result));
  return result;
}

}  // namespace

absl::StatusOr<v1::ExportTrajectoriesResult> ExportRuns(
    const CallContext& context, Archive& archive, const ExportChoice& choice,
    const std::string& folder, v1::TrajectoryFormat format, const Progress& progress, const Written& written) {
  if (format == v1::TRAJECTORY_FORMAT_UNSPECIFIED || format == v1::TRAJECTORY_FORMAT_PROCTOR) {
    return ExportTrajectories(context, archive, choice, folder, progress, written);
  }
  const Export wanted = {context, archive, folder, format, progress, written};
  Unreadable unreadable;
  PROCTOR_ASSIGN_OR_RETURN(v1::ExportTrajectoriesResult result, TryExport(wanted, choice, {}, unreadable));
  if (!unreadable.empty()) {
    // The others are written once more, without them.
    ExportChoice rest = choice;
    std::erase_if(rest.names, [&](const std::string& name) { return unreadable.contains(name); });
    Unreadable still = unreadable;
    if (!rest.names.empty()) {
      still.clear();
      PROCTOR_ASSIGN_OR_RETURN(result, TryExport(wanted, rest, unreadable, still));
    }
    if (!still.empty()) {
      return absl::InternalError(absl::StrCat("the export of ", still.begin()->first, " cannot be read: ", still.begin()->second));
    }
  }
  LogLeftOut(choice, result);
  return result;
}

}  // namespace proctor::trajectory::formats
